"""Shapes for architectures that fit arrays: distances at the nodes of a dense grid."""

from __future__ import annotations

import math

import numpy as np

from codec.arrays import Float32Array
from codec.coding.normalise import FieldRange, normalise
from codec.coding.write_file import FileParts, needed_level
from codec.encoding.item_encoder import ItemEncoder
from codec.errors import InvalidOptionError, TargetError
from codec.format.headers import Component, Dim, Item
from codec.media.dataset import Field, Shape
from codec.media.mesh.frame import MeshFrame
from codec.options.encode import EncodeOptions, usable_threads
from codec.plugin_api.architecture import Architecture, FitReport, ItemGoal
from codec.plugin_api.surface import Sheet, Surface
from codec.training.devices import choose_device

# Nodes along the longest axis, of which so many lie beyond the shape on either side.
_NODES, _BORDER = 96, 3
# Distances are cut off beyond so many nodes.
_BAND = 3.0
# Points whose distance is asked for at once.
_BATCH = 1 << 18


def encode_sampled(
    shape: Shape,
    name: str,
    dims: tuple[str, str, str],
    architecture: Architecture,
    goal: ItemGoal,
    options: EncodeOptions,
    report: FitReport,
) -> bytes:
    """The file of a shape whose distances are fitted as a volume.

    Args:
        name, dims: of the field.
        goal: PSNR in dB at the surface, its peak the diagonal of the bounding box; or bytes.

    Raises:
        InvalidOptionError: distances to a sheet were asked for.
        TargetError: the bytes do not even hold what describes the grid.
    """
    if isinstance(shape.surface, Sheet):
        raise InvalidOptionError(f"sdf unsigned: not with --arch {architecture.name}; leave it out")
    frame, values = sampled(shape.surface, shape.units)
    band = float(np.float32(_BAND * frame.spacing))
    field = Field(name, dims, values, units=shape.units)
    entry = normalise(field, FieldRange(-band, band, 0.0, band, band))
    parts = FileParts("sdf")
    parts.keep("mesh", frame.to_map(), {})
    encoder = ItemEncoder(
        number=0,
        architecture=architecture,
        fields=[entry],
        components=[Component(name, "f4", entry.offset, entry.scale)],
        dims=[Dim(size, axis) for size, axis in zip(values.shape, dims, strict=True)],
        bounds=(),
        first_mask=0,
        options=options,
        device=choose_device(options.device),
        threads=usable_threads(options.threads),
        report=report,
    )
    near = float((np.abs(values) < band).mean())
    sections = encoder.encode(_goal(goal, shape.surface, band, near, parts))
    parts.add_item(sections)
    item = Item.from_bytes(sections.item)
    return parts.to_bytes(
        needed_level([item], encoder.multiply_adds(item), encoder.parameters(item))
    )


def sampled(surface: Surface, units: str) -> tuple[MeshFrame, Float32Array]:
    """Where the nodes lie, and the distance at each, cut off: (nx, ny, nz) float32."""
    extent = surface.upper - surface.lower
    spacing = float(np.float32(extent.max() / (_NODES - 1 - 2 * _BORDER)))
    counts = np.ceil(extent / spacing).astype(np.int64) + 1 + 2 * _BORDER
    first = (surface.lower + surface.upper) / 2 - spacing * (counts - 1) / 2
    origin = (float(first[0]), float(first[1]), float(first[2]))
    frame = MeshFrame(origin, spacing, units)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1)
    points = frame.positions(places.reshape(-1, 3).astype(np.float64))
    found = np.concatenate(
        [surface.distance(points[at : at + _BATCH]) for at in range(0, len(points), _BATCH)]
    )
    band = _BAND * spacing
    return frame, np.clip(found, -band, band).astype(np.float32).reshape(tuple(counts))


def _goal(goal: ItemGoal, surface: Surface, band: float, near: float, parts: FileParts) -> ItemGoal:
    """The target of the volume, whose PSNR is relative to twice the band.

    Args:
        near: share of the nodes that are within the band: the others have next to no error.
    """
    if goal.psnr is not None:
        diagonal = float(np.linalg.norm(surface.upper - surface.lower))
        psnr = goal.psnr - 20 * math.log10(diagonal / (2 * band)) - 10 * math.log10(near)
        return ItemGoal(psnr=max(psnr, 1.0))
    left = (goal.file_bytes or 0) - parts.file_bytes
    if left <= 0:
        raise TargetError(f"{goal.file_bytes} bytes hold no shape; ask for more")
    return ItemGoal(file_bytes=left)
