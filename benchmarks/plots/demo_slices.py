"""The picture of the demonstration: a decoded slice, the original, and the error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from netCDF4 import Dataset, num2date

mpl.use("Agg")

import matplotlib.pyplot as plt

from codec.arrays import Array

DEGREE = chr(176)


def draw_slices(path: Path, source: Path, decoded: Path, field: str, reached: str) -> None:
    """Draw `field` (time, latitude, longitude) over time and longitude, near the equator.

    Args:
        path: the PNG to write.
        source, decoded: NetCDF files.
        reached: ratio and PSNR in words, for the title.
    """
    with Dataset(source) as before, Dataset(decoded) as after:
        variable = before.variables[field]
        time, latitude, longitude = (before.variables[name] for name in variable.dimensions)
        row = int(np.argmin(np.abs(latitude[:])))
        original, restored = variable[:, row], after.variables[field][:, row]
        years, east = _years(time), np.asarray(longitude[:])
        title = f"{field.replace('_', ' ')} at {latitude[row]:.1f}{DEGREE}N, {source.name}"
        units = str(variable.units)
    limits = {"vmin": float(original.min()), "vmax": float(original.max()), "cmap": "inferno"}
    extreme = float(np.abs(restored - original).max())
    panels = (
        ("original", original, limits),
        (f"decoded from .inrc ({reached})", restored, limits),
        (
            "decoded - original",
            restored - original,
            {"cmap": "RdBu_r", "vmin": -extreme, "vmax": extreme},
        ),
    )
    figure, axes = plt.subplots(3, 1, figsize=(9, 6.3), layout="constrained", sharex=True)
    for panel, (name, values, colours) in zip(axes, panels, strict=True):
        panel.set_facecolor("0.8")
        mesh = panel.pcolormesh(east, years, values, shading="nearest", rasterized=True, **colours)
        panel.set_title(name, fontsize=10)
        panel.set_ylabel("year", fontsize=9)
        panel.yaxis.get_major_locator().set_params(integer=True)
        panel.tick_params(labelsize=8)
        bar = figure.colorbar(mesh, ax=panel, pad=0.01, aspect=12)
        bar.set_label(units, fontsize=9)
        bar.ax.tick_params(labelsize=8)
    axes[-1].set_xlabel(f"longitude [{DEGREE}E]; land is grey", fontsize=9)
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _years(time: Any) -> Array:
    """A time axis as years with a fraction."""
    calendar = getattr(time, "calendar", "standard")
    dates = np.asarray(num2date(time[:], time.units, calendar))
    return np.array([date.year + (date.dayofyr - 1) / 365.25 for date in dates])
