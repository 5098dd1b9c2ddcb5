"""The picture of the demonstration: one time step, decoded, beside the original, and the error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from netCDF4 import Dataset, num2date

mpl.use("Agg")

import matplotlib.pyplot as plt

Array = npt.NDArray[Any]


def draw_slices(path: Path, source: Path, decoded: Path, field: str, reached: str) -> None:
    """Draw the middle time step of `field` (time, latitude, longitude).

    Args:
        path: the PNG to write.
        source, decoded: NetCDF files.
        reached: ratio and PSNR in words, for the title.
    """
    with Dataset(source) as before, Dataset(decoded) as after:
        variable = before.variables[field]
        step = variable.shape[0] // 2
        y, x = (np.asarray(before.variables[name][...]) for name in variable.dimensions[1:])
        original, restored = variable[step], after.variables[field][step]
        date = _date(before.variables[variable.dimensions[0]], step)
        units = str(variable.units)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.75), layout="constrained", sharey=True)
    limits = {"vmin": float(original.min()), "vmax": float(original.max())}
    extreme = float(np.abs(restored - original).max())
    panels = (
        ("original", original, {"cmap": "inferno", **limits}),
        (f"decoded from .inrc ({reached})", restored, {"cmap": "inferno", **limits}),
        ("decoded - original", restored - original,
         {"cmap": "RdBu_r", "vmin": -extreme, "vmax": extreme}),
    )
    for panel, (title, values, colours) in zip(axes, panels, strict=True):
        mesh = panel.pcolormesh(x, y, values, shading="nearest", rasterized=True, **colours)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(f"longitude [{chr(176)}E]", fontsize=9)
        panel.set_aspect(1 / np.cos(np.radians(float(y.mean()))))
        panel.tick_params(labelsize=8)
        bar = figure.colorbar(mesh, ax=panel, location="bottom", aspect=35, pad=0.02)
        bar.set_label(units, fontsize=9)
        bar.ax.tick_params(labelsize=8)
    axes[0].set_ylabel(f"latitude [{chr(176)}N]", fontsize=9)
    figure.suptitle(f"{field.replace('_', ' ')}, {source.name}, {date}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _date(time: Any, step: int) -> str:
    moment = num2date(time[step], time.units, getattr(time, "calendar", "standard"))
    return str(moment.strftime("%Y-%m"))
