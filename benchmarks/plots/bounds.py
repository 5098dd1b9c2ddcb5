"""Cost of a bound: bytes against the error bound, as one picture with a panel per source."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import matplotlib as mpl

from plots.rate_distortion import to_palette

mpl.use("agg")
_COLUMNS = 6


class Bounded(Protocol):
    """A row of bounds.csv."""

    source: str
    codec: str
    bound: float
    bytes: int


def draw(rows: Iterable[Bounded], ours: str, path: Path) -> None:
    """Write the picture; codecs whose names begin with `ours` are drawn in black."""
    from matplotlib import pyplot

    curves: dict[str, dict[str, list[tuple[float, int]]]] = {}
    for row in rows:
        curve = curves.setdefault(row.source, {}).setdefault(row.codec, [])
        curve.append((row.bound, row.bytes))
    columns = min(_COLUMNS, len(curves))
    lines = math.ceil(len(curves) / columns)
    size = (2.2 * columns, 2.1 * lines + 0.6)
    figure, grid = pyplot.subplots(
        lines, columns, figsize=size, squeeze=False, layout="constrained"
    )
    codecs = sorted({codec for by_codec in curves.values() for codec in by_codec})
    for panel, (source, by_codec) in zip(grid.flat, curves.items(), strict=False):
        for codec, points in by_codec.items():
            bounds, sizes = zip(*sorted(points), strict=True)
            colour = "black" if codec.startswith(ours) else f"C{codecs.index(codec)}"
            panel.loglog(bounds, sizes, label=codec, color=colour, marker=".")
        panel.set_title(source, fontsize=7)
        panel.tick_params(labelsize=6)
        panel.tick_params(which="minor", labelbottom=False, labelleft=False)
        panel.grid(alpha=0.3)
    for panel in grid.flat[len(curves) :]:
        panel.set_axis_off()
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=6, fontsize=7)
    figure.supxlabel("error bound, share of the range", fontsize=8)
    figure.supylabel("bytes", fontsize=8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    to_palette(path)
