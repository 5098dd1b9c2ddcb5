"""Fields of a file that grow along an axis, and how their new samples are cut into tiles."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codec.encoding.tile_plan import FieldGroup
from codec.encoding.tile_size import WHOLE_SAMPLES
from codec.errors import InvalidInputError, InvalidOptionError
from codec.format.tile_grid import TileGrid
from codec.media.dataset import Dataset, Field
from codec.reading.contents import FileContents

# New samples of a field that was whole become tiles of at most so many.
_MOST_SAMPLES = WHOLE_SAMPLES // 4


@dataclass(frozen=True)
class Growth:
    """Fields of the file that share their models, and grow.

    Attributes:
        names: of the fields.
        before: the grid so far.
        axis: that grows.
    """

    names: tuple[str, ...]
    before: TileGrid
    axis: int

    def added(self, shape: Sequence[int], first: int) -> FieldGroup:
        """New samples of this shape, cut like those before; their items count from `first`."""
        along = list(self.before.cuts)
        others = [
            max(stop - start for start, stop in itertools.pairwise(axis))
            for number, axis in enumerate(self.before.cuts)
            if number != self.axis
        ]
        length = shape[self.axis]
        if self.before.counts[self.axis] > 1:
            piece = self.before.cuts[self.axis][1]
        else:
            piece = max(1, _MOST_SAMPLES // (math.prod(others) * len(self.names)))
        along[self.axis] = (*range(0, length, min(piece, length)), length)
        # Old tiles stay as they are, so along the axis that grows new ones do not reach into them.
        margins = list(self.before.margins)
        if margins:
            margins[self.axis] = ((0, 0),) * (len(along[self.axis]) - 1)
        grid = TileGrid(tuple(along), (), tuple(margins))
        numbers = tuple(range(first, first + grid.count))
        return FieldGroup(self.names, replace(grid, numbers=numbers))

    @property
    def start(self) -> tuple[int, ...]:
        """Index in the grown field at which the new samples begin."""
        start = [0] * len(self.before.cuts)
        start[self.axis] = self.before.shape[self.axis]
        return tuple(start)


def growing(file: FileContents, dim: str, select: tuple[str, ...] | None) -> list[Growth]:
    """All fields along the dim.

    Raises:
        InvalidOptionError: there are none, or other ones than those selected.
    """
    growths, known = [], set()
    for grid in file.streams.grids:
        header = file.items[grid.numbers[0]].header
        dims = [entry.name or str(axis) for axis, entry in enumerate(header.dims)]
        known |= set(dims)
        if dim in dims:
            fields = tuple(component.name for component in header.components)
            growths.append(Growth(fields, grid, dims.index(dim)))
    if not growths:
        raise InvalidOptionError(f"--dim: no field has a dim {dim!r}; there are: {_listed(known)}")
    names = {name for growth in growths for name in growth.names}
    if select is not None and set(select) != names:
        raise InvalidOptionError(f"--var: all fields along {dim!r} grow: {_listed(names)}")
    return growths


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def planned(
    file: FileContents,
    growths: Sequence[Growth],
    dataset: Dataset,
    dim: str,
    source: str | os.PathLike[str],
) -> list[FieldGroup]:
    """The new tiles, after all fields were compared with those of the file.

    Raises:
        InvalidInputError: a field of the source does not continue that of the file.
    """
    by_name = {field.name: field for field in dataset.fields}
    groups, number = [], len(file.items)
    lengths = set()
    for growth in growths:
        for name in growth.names:
            if name not in by_name:
                raise InvalidInputError(f"{os.fspath(source)}: has no field {name!r}")
            _check_field(file, growth, by_name[name], source)
        shape = by_name[growth.names[0]].shape
        lengths.add(shape[growth.axis])
        groups.append(growth.added(shape, number))
        number += len(groups[-1].grid.numbers)
    if len(lengths) > 1 or len({growth.before.shape[growth.axis] for growth in growths}) > 1:
        raise InvalidInputError(f"{os.fspath(source)}: fields differ in length along {dim!r}")
    return groups


def _check_field(
    file: FileContents, growth: Growth, field: Field, source: str | os.PathLike[str]
) -> None:
    view = file.decoders[field.name]
    expected = list(view.shape)
    if len(field.shape) == len(expected):
        expected[growth.axis] = field.shape[growth.axis]
    if (field.dtype, field.dims, list(field.shape)) != (view.dtype, view.dims, expected):
        raise InvalidInputError(
            f"{os.fspath(source)}: {field.name} is {field.dtype} {field.dims} {field.shape} there, "
            f"and {view.dtype} {view.dims} {view.shape} before; only the length along axis "
            f"{growth.axis} may differ"
        )
