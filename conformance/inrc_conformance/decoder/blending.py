"""Fields whose tiles overlap: their values are blended (section 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .headers import Item
from .masks import Mask
from .result import DecodedComponent, DecodedItem
from .tiles import core, overlap
from .values import Float64Array, Stored, put_patterns, stored_values

_LARGEST = float(np.finfo(np.float64).max)
Span = tuple[int, int]


def overlaps(items: Sequence[Item]) -> bool:
    """Say whether some tiles of a field share samples."""
    return any(any(map(any, overlap(item))) for item in items)


@dataclass
class _Tile:
    """A tile, where it lies in its field, and its own values before any blending."""

    item: DecodedItem
    spans: tuple[Span, ...]
    cores: tuple[Span, ...]
    alone: list[DecodedComponent]
    masked: list[Stored]
    """Stored values in which only bit patterns of invalid samples count."""


def blended(items: Sequence[DecodedItem], masks: Sequence[Mask]) -> None:
    """Put the values of the field in the place of those of its tiles (TILE-4, TILE-5)."""
    tiles = [_tile(item, masks) for item in items]
    for tile in tiles:
        near = [other for other in tiles if _common(tile.spans, other.spans) is not None]
        if len(near) > 1:
            for number, component in enumerate(tile.alone):
                weighted = [(other, weights(tile.spans, other, tiles)) for other in near]
                tile.item.components[number] = _field_values(tile, weighted, number, component)


def _tile(item: DecodedItem, masks: Sequence[Mask]) -> _Tile:
    origin = item.header.origin or ()
    spans = tuple((o, o + n) for o, n in zip(origin, item.header.dims, strict=True))
    stored: list[Stored] = []
    for number, component in enumerate(item.header.components):
        stored.append(np.zeros(item.header.dims, dtype=item.components[number].values.dtype))
        if component.mask is not None:
            put_patterns(stored[-1], masks[component.mask])
    return _Tile(item, spans, core(item.header), list(item.components), stored)


def _field_values(
    tile: _Tile,
    near: Sequence[tuple[_Tile, Float64Array]],
    number: int,
    component: DecodedComponent,
) -> DecodedComponent:
    """Return a component with the values of the field at the samples of a tile."""
    real = np.zeros_like(component.real)
    patterns = np.zeros_like(component.values)
    valid = np.ones_like(component.valid)
    for other, weight in near:
        common = _shared(tile.spans, other.spans)
        here, there = _within(common, tile.spans), _within(common, other.spans)
        x = np.clip(other.alone[number].real[there], -_LARGEST, _LARGEST)
        real[here] += weight * x
        inner = _common(common, other.cores)
        if inner is not None:
            here, there = _within(inner, tile.spans), _within(inner, other.spans)
            valid[here] = other.alone[number].valid[there]
            patterns[here] = other.masked[number][there]
    values = stored_values(real, component.dtype)
    bits, other_bits = (array.view(f"<u{values.dtype.itemsize}") for array in (values, patterns))
    bits[~valid] = other_bits[~valid]
    scale = max(other.alone[number].scale for other, _ in near)
    return replace(component, real=real, values=values, valid=valid, scale=scale)


def weights(spans: Sequence[Span], tile: _Tile, tiles: Sequence[_Tile]) -> Float64Array:
    """Return the weight of a tile at the samples that it shares with a box (TILE-4)."""
    common = _shared(spans, tile.spans)
    out = np.ones([1] * len(common))
    shared = overlap(tile.item.header)
    for axis, (start, stop) in enumerate(common):
        p = np.arange(start, stop, dtype=np.float64)
        (first, end), (before, after) = tile.cores[axis], shared[axis]
        weight = np.ones(p.shape)
        if before:
            weight = weight * ramp(p, first, before, _reach(tiles, axis, end=first))
        if after:
            weight = weight * (1 - ramp(p, end, _reach(tiles, axis, start=end), after))
        out = out * weight.reshape([-1 if a == axis else 1 for a in range(len(common))])
    return np.asarray(out, dtype=np.float64)


def ramp(p: Float64Array, meeting: int, before: int, after: int) -> Float64Array:
    """Return the weight w of the second of two tiles whose cores meet."""
    low, high = meeting - before, meeting + after - 1
    return np.minimum(np.maximum((p - low) / (high - low), 0), 1)


def _reach(
    tiles: Sequence[_Tile], axis: int, start: int | None = None, end: int | None = None
) -> int:
    """Return how far tiles whose core starts or ends somewhere reach beyond that place."""
    for tile in tiles:
        if tile.cores[axis][0] == start:
            return overlap(tile.item.header)[axis][0]
        if tile.cores[axis][1] == end:
            return overlap(tile.item.header)[axis][1]
    raise ValueError("a tile without the neighbour that it overlaps")


def _common(first: Sequence[Span], second: Sequence[Span]) -> tuple[Span, ...] | None:
    """Return the common part of two boxes, or None without one."""
    out = tuple((max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(first, second, strict=True))
    return out if all(start < stop for start, stop in out) else None


def _shared(first: Sequence[Span], second: Sequence[Span]) -> tuple[Span, ...]:
    """Return the common part of two boxes that have one."""
    return _common(first, second) or ()


def _within(box: Sequence[Span], spans: Sequence[Span]) -> tuple[slice, ...]:
    """Return the place of a box in the array of a tile."""
    return tuple(slice(a - o, b - o) for (a, b), (o, _) in zip(box, spans, strict=True))
