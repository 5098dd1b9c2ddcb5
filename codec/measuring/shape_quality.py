"""A decoded shape against its original."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from codec.arrays import Float64Array
from codec.media.dataset import Shape
from codec.plugin_api.surface import Sheet
from codec.reports import FieldQuality

_POINTS = 100_000
_SEED = 20_001


def compare_shape(
    shape: Shape, name: str, distance: Callable[[Float64Array], Float64Array], offset: float
) -> FieldQuality:
    """Measure decoded distances at points of the original surface, where they should be 0.

    The peak of the PSNR, and the range, is the diagonal of the bounding box.

    Args:
        offset: distance from a sheet at which its surface is taken.
    """
    surface = shape.surface
    diagonal = float(np.linalg.norm(surface.upper - surface.lower))
    if isinstance(surface, Sheet):
        surface = surface.thickened(offset)
    points, _ = surface.sample(_POINTS, _SEED)
    errors = np.abs(distance(points) - offset)
    rms = float(np.sqrt(np.square(errors).mean()))
    return FieldQuality(
        name=name,
        psnr=20 * math.log10(diagonal / rms) if rms > 0 else math.inf,
        max_error=float(errors.max()),
        rmse=rms,
        value_range=diagonal,
        units=shape.units,
        valid=len(points),
        mask_intact=True,
    )
