"""Which items are tiles of one field, and how these lie (ITEM-10 and ITEM-11).

The tiles of a field form a rectilinear grid: along each axis the field is cut into intervals, and
every combination of intervals is one tile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codec.container.items import MAX_SIZE, Item
from codec.errors import CorruptError

Box = tuple[slice, ...]


@dataclass(frozen=True)
class TileGrid:
    """The items that one group of fields is made of.

    Attributes:
        cuts: per axis 0, the borders between intervals, and the field's size.
        numbers: of the items, in C order of the intervals.
    """

    cuts: tuple[tuple[int, ...], ...]
    numbers: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the field."""
        return tuple(axis[-1] for axis in self.cuts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of intervals per axis."""
        return tuple(len(axis) - 1 for axis in self.cuts)

    @property
    def count(self) -> int:
        """Number of tiles."""
        return math.prod(self.counts)

    def flat(self, place: Sequence[int]) -> int:
        """Position in `numbers` of the tile with these intervals, one number per axis."""
        return int(np.ravel_multi_index(tuple(place), self.counts))

    def box(self, place: Sequence[int]) -> Box:
        """The samples of the field that the tile with these intervals holds."""
        return tuple(
            slice(axis[number], axis[number + 1])
            for axis, number in zip(self.cuts, place, strict=True)
        )

    def boxes(self) -> list[Box]:
        """Of all tiles, in the order of `numbers`."""
        return [self.box(place) for place in np.ndindex(*self.counts)]

    def intervals(self, axis: int, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """For sample indices along an axis, the number of the interval that each lies in."""
        borders = np.array(self.cuts[axis][1:-1], np.int64)
        return np.searchsorted(borders, samples, side="right").astype(np.int64)


def box_samples(box: Box) -> int:
    """Number of samples in a box."""
    samples = 1
    for part in box:
        samples *= part.stop - part.start
    return samples


def grids_of(items: Sequence[Item]) -> list[TileGrid]:
    """The items of a file, grouped to fields; a field that is one item has a grid of one tile.

    Raises:
        CorruptError: the tiles of a field do not fit together, or two fields have the same name.
    """
    groups: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        groups.setdefault(item.components[0].name, []).append(number)
    names = [
        component.name for group in groups.values() for component in items[group[0]].components
    ]
    if len(set(names)) != len(names):
        _fail("two fields have the same name")
    return [_grid(items, numbers) for numbers in groups.values()]


def _grid(items: Sequence[Item], numbers: Sequence[int]) -> TileGrid:
    first = items[numbers[0]]
    name = first.components[0].name
    if len(numbers) > 1 and any(items[number].origin is None for number in numbers):
        _fail(f"two fields are called {name!r}, and one of them is no tile")
    if any(_kind(items[number]) != _kind(first) for number in numbers):
        _fail(f"the tiles of {name!r} have different components or dims")
    origins = [items[number].origin or (0,) * len(first.dims) for number in numbers]
    shapes = [items[number].shape for number in numbers]
    cuts = tuple(
        _cuts(
            name,
            {(origin[axis], shape[axis]) for origin, shape in zip(origins, shapes, strict=True)},
        )
        for axis in range(len(first.dims))
    )
    grid = TileGrid(cuts, ())
    if grid.count != len(numbers):
        _fail(f"the tiles of {name!r} are no grid")
    interval_at = [{start: number for number, start in enumerate(axis)} for axis in cuts]
    placed: dict[int, int] = {}
    for number, origin in zip(numbers, origins, strict=True):
        place = [found[start] for found, start in zip(interval_at, origin, strict=True)]
        placed[grid.flat(place)] = number
    if len(placed) != len(numbers):
        _fail(f"two tiles of {name!r} are at the same place")
    return TileGrid(cuts, tuple(placed[index] for index in range(len(placed))))


def _kind(item: Item) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """What all tiles of a field have in common."""
    components = tuple((component.name, component.dtype) for component in item.components)
    return components, tuple(dim.name for dim in item.dims)


def _cuts(name: str, intervals: set[tuple[int, int]]) -> tuple[int, ...]:
    found = [0]
    for start, size in sorted(intervals):
        if start != found[-1]:
            _fail(f"the tiles of {name!r} overlap or leave a gap")
        found.append(start + size)
    if found[-1] > MAX_SIZE:
        _fail(f"{name!r} has an axis of more than 2^48 samples")
    return tuple(found)


def _fail(message: str) -> None:
    raise CorruptError(message, section="ITEM")
