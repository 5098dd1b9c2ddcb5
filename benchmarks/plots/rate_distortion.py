"""Rate-distortion curves as one picture with a panel per source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from rate_distortion.curves import Point, pareto
from rate_distortion.run import by_codec, in_order

mpl.use("agg")
_COLUMNS = 4
_OURS = ("black", "crimson", "navy", "darkgreen")


def draw(
    points: Sequence[Point], targets: Sequence[float], per_unit: float, unit: str, path: Path
) -> None:
    """Write the picture.

    Args:
        points: measured points of all sources.
        targets: PSNRs in dB; the panels show 3 dB more on both sides.
        per_unit: samples to a `unit` of the horizontal axis, such as 3 for bits per pixel.
        unit: unit that bits are counted per.
        path: PNG to write.
    """
    from matplotlib import pyplot

    sources = in_order([point.source for point in points])
    columns = min(_COLUMNS, len(sources))
    rows = math.ceil(len(sources) / columns)
    size = (3.1 * columns, 2.5 * rows + 0.6)
    figure, grid = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    names = list(by_codec(points))
    for panel, source in zip(grid.flat, sources, strict=False):
        _panel(panel, by_codec(points, source), names, targets, per_unit)
        panel.set_title(source, fontsize=8)
    for panel in grid.flat[len(sources) :]:
        panel.set_axis_off()
    lines = {line.get_label(): line for panel in grid.flat for line in panel.get_lines()}
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=6, fontsize=7)
    figure.supxlabel(f"bits per {unit}", fontsize=8)
    figure.supylabel("PSNR, dB", fontsize=8)
    # A palette instead of true colours: a third of the bytes.
    figure.savefig(path, dpi=80, pil_kwargs={"optimize": True})
    pyplot.close(figure)
    to_palette(path)


def _panel(
    panel: Axes,
    curves: dict[str, list[Point]],
    names: Sequence[str],
    targets: Sequence[float],
    per_unit: float,
) -> None:
    low, high = min(targets) - 3, max(targets) + 3
    for name, points in curves.items():
        front = pareto(points)
        if front is None:
            continue
        number = names.index(name)
        units = points[0].samples / per_unit
        style = (
            {"color": _OURS[number % len(_OURS)], "marker": ".", "linewidth": 1.6}
            if points[0].is_ours
            else {"color": f"C{number % 10}", "linewidth": 0.9}
        )
        shown = (front.psnr >= low - 5) & (front.psnr <= high + 5)
        panel.plot(8 * front.size[shown] / units, front.psnr[shown], label=name, **style)  # type: ignore[arg-type]
    panel.set_xscale("log")
    panel.set_ylim(low, high)
    panel.grid(alpha=0.3)
    panel.tick_params(labelsize=6)
    # Their labels overlap in a panel of less than a decade.
    panel.tick_params(axis="x", which="minor", labelbottom=False)


def to_palette(path: Path) -> None:
    """Write a picture again with 64 colours."""
    from PIL import Image

    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(64)
    reduced.save(path, optimize=True)
