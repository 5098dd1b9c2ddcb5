"""Shapes for architectures that fit arrays: distances at the nodes of a dense grid."""

from __future__ import annotations

import math

import numpy as np

from codec.arrays import Float32Array
from codec.coding.normalise import FieldRange, normalise
from codec.coding.write_file import FileParts
from codec.encoding.add_item import Workplace, add_item
from codec.errors import InvalidOptionError, TargetError
from codec.media.dataset import Field, Shape
from codec.media.mesh.frame import MeshFrame
from codec.options.encode import EncodeOptions, usable_threads
from codec.plugin_api.surface import Sheet, Surface
from codec.plugin_api.tasks import FitReport, ItemGoal

# Nodes along the longest axis, of which so many lie beyond the shape on either side.
_NODES, _BORDER = 96, 3
# Distances are cut off beyond so many nodes.
_BAND = 3.0
# Points whose distance is asked for at once.
_BATCH = 1 << 18


def sampled_parts(
    shape: Shape,
    name: str,
    dims: tuple[str, str, str],
    goal: ItemGoal,
    options: EncodeOptions,
    report: FitReport,
) -> FileParts:
    """The parts of the file of a shape whose distances are fitted as a volume.

    Args:
        name, dims: of the field.
        goal: PSNR in dB at the surface, its peak the diagonal of the bounding box; or bytes.

    Raises:
        InvalidOptionError: distances to a sheet were asked for.
        TargetError: the bytes do not even hold what describes the grid.
    """
    surface = shape.surface
    if isinstance(surface, Sheet):
        raise InvalidOptionError(
            f"sdf unsigned: not with --arch {options.architecture}; leave it out"
        )
    frame, values = sampled(surface, shape.units)
    band = float(np.float32(_BAND * frame.spacing))
    field = Field(name, dims, values, units=shape.units)
    entry = normalise(field, FieldRange(-band, band, 0.0, band, band))
    near = float((np.abs(values) < band).mean())
    parts = FileParts("sdf")
    parts.describe("mesh", frame.to_map(), {})
    add_item(
        parts,
        [entry],
        lambda parts: _goal(goal, surface, band, near, parts),
        options,
        Workplace(usable_threads(options.threads), report),
    )
    return parts


def sampled(surface: Surface, units: str) -> tuple[MeshFrame, Float32Array]:
    """Places of the nodes, and the distance at each, cut off: (nx, ny, nz) float32."""
    extent = surface.upper - surface.lower
    spacing = float(np.float32(extent.max() / (_NODES - 1 - 2 * _BORDER)))
    counts = np.ceil(extent / spacing).astype(np.int64) + 1 + 2 * _BORDER
    first = (surface.lower + surface.upper) / 2 - spacing * (counts - 1) / 2
    origin = (float(first[0]), float(first[1]), float(first[2]))
    frame = MeshFrame(origin, spacing, units)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1)
    points = frame.positions(places.reshape(-1, 3).astype(np.float64))
    distances = np.concatenate(
        [surface.distance(points[at : at + _BATCH]) for at in range(0, len(points), _BATCH)]
    )
    band = _BAND * spacing
    return frame, np.clip(distances, -band, band).astype(np.float32).reshape(tuple(counts))


def _goal(goal: ItemGoal, surface: Surface, band: float, near: float, parts: FileParts) -> ItemGoal:
    """The target of the volume, whose PSNR is relative to twice the band.

    Args:
        near: share of the nodes that are within the band: the others have next to no error.
    """
    if goal.psnr is not None:
        diagonal = float(np.linalg.norm(surface.upper - surface.lower))
        psnr = goal.psnr - 20 * math.log10(diagonal / (2 * band)) - 10 * math.log10(near)
        return ItemGoal(psnr=max(psnr, 1.0))
    free = (goal.file_bytes or 0) - parts.file_bytes
    if free <= 0:
        raise TargetError(f"{goal.file_bytes} bytes hold no shape; ask for more")
    return ItemGoal(file_bytes=free)
