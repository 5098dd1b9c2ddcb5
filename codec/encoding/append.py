"""New samples at the end of an axis: further tiles, while those there are copied as they are."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from codec.coding.described_sections import copied_sections, kept_sections
from codec.coding.normalise import FieldRange
from codec.coding.write_file import FileParts, IntegerSection
from codec.encoding.budget import Budget, field_size
from codec.encoding.encode import judged
from codec.encoding.encoded_tile import origin_of
from codec.encoding.field_range import find_range
from codec.encoding.provenance import continued, made_with
from codec.encoding.runners import Source
from codec.encoding.tile_journal import TileJournal
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_plan import FieldGroup, tasks_of
from codec.encoding.tile_sections import PlacedItems
from codec.encoding.tile_size import WHOLE_SAMPLES
from codec.encoding.tiled_encode import (
    blended_deviations,
    encode_missing,
    fingerprint,
    kept_journal,
    qualities_of,
    write_checked,
)
from codec.errors import InvalidInputError, InvalidOptionError
from codec.files.atomic import atomic_path
from codec.files.byte_sources import local_path
from codec.format.provenance import Provenance
from codec.format.section_types import Copier, owned_types
from codec.format.sections import Section
from codec.format.tile_grid import TileGrid
from codec.limits import Limits
from codec.media import formats
from codec.media.dataset import Dataset, Field
from codec.media.described import Along, Described
from codec.media.extending import RAW, extended, named_after_file
from codec.options.encode import EncodeOptions
from codec.options.raw_layout import RawLayout
from codec.reading.open_file import InrcFile
from codec.reports import AppendReport, EncodeReport

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


def append_file(
    target: str | os.PathLike[str],
    source: str | os.PathLike[str],
    dim: str,
    options: EncodeOptions,
    *,
    own_effort: bool = True,
    anew: bool = False,
) -> AppendReport:
    """See `codec.append`.

    Args:
        own_effort: whether the effort of the options was named; the file's is taken otherwise.
    """
    started = time.perf_counter()
    path = local_path(target).resolve()
    with InrcFile(path, device="cpu", limits=Limits.level(2)) as file:
        before = file.file_bytes
        options = continued(options, file, own_effort=own_effort)
        growths = _growing(file, dim, options.select)
        _check_tiles(growths, options)
        reader = _source(file, growths, local_path(source).resolve())
        with _opened(file, reader) as dataset:
            groups = _planned(file, growths, dataset, dim, source)
            described = _described(file, growths, dataset, dim, source)
            run = fingerprint(reader, options, groups) | _identity(path)
            with kept_journal(path, run, anew=anew) as journal:
                _encode(file, dataset, reader, groups, options, journal)
                placed = _copied(file, growths)
                for growth, group in zip(growths, groups, strict=True):
                    _place(placed, growth, group, journal)
                made = replace(made_with(options), losses=file.made.losses)
                _write(file, path, placed, described, made)
                starts = [_start(growth) for growth in growths]
                blended = blended_deviations(
                    path, dataset.fields, groups, journal.ranges or {}, options.threads, starts
                )
                qualities = qualities_of(dataset.fields, groups, journal, blended)
            added_bytes = sum(field_size(field) for field in dataset.fields)
    size = path.stat().st_size
    report = EncodeReport(Path(target), size - before, 0, added_bytes, qualities, True, "", 0.0)
    report = judged(report, options.goal)
    growth = growths[0]
    length = growth.before.shape[growth.axis]
    return AppendReport(
        path=Path(target),
        dim=dim,
        before=length,
        after=length + groups[0].grid.shape[growth.axis],
        file_bytes=size,
        added_bytes=size - before,
        qualities=qualities,
        goal_met=report.goal_met,
        shortfall=report.shortfall,
        seconds=time.perf_counter() - started,
    )


def _start(growth: Growth) -> list[int]:
    """Where the new samples begin in the grown field."""
    start = [0] * len(growth.before.cuts)
    start[growth.axis] = growth.before.shape[growth.axis]
    return start


def _check_tiles(growths: Sequence[Growth], options: EncodeOptions) -> None:
    """New tiles lie as those before do, and share samples where these do."""
    if options.goal.bounded and any(growth.before.margins for growth in growths):
        raise InvalidOptionError(
            "the tiles of this file share samples, where no bound can be kept; ask for a PSNR"
        )


def _growing(file: InrcFile, dim: str, select: tuple[str, ...] | None) -> list[Growth]:
    """All fields along the dim."""
    found, known = [], set()
    for grid in file.grids:
        header = file.models[grid.numbers[0]].header
        dims = [one.name or str(axis) for axis, one in enumerate(header.dims)]
        known |= set(dims)
        if dim in dims:
            names = tuple(component.name for component in header.components)
            found.append(Growth(names, grid, dims.index(dim)))
    if not found:
        raise InvalidOptionError(f"--dim: no field has a dim {dim!r}; there are: {_list(known)}")
    growing = {name for growth in found for name in growth.names}
    if select is not None and set(select) != growing:
        raise InvalidOptionError(f"--var: all fields along {dim!r} grow: {_list(growing)}")
    return found


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _source(file: InrcFile, growths: Sequence[Growth], path: Path) -> Source:
    """The input; a lone array is the same array under another file's name."""
    names = tuple(name for growth in growths for name in growth.names)
    if not named_after_file(file.medium, file.metadata):
        return Source(path, names)
    raw = _raw_layout(file, growths[0], path) if file.medium == RAW else None
    return Source(path, None, raw, only=names[0] if len(names) == 1 else "")


def _raw_layout(file: InrcFile, growth: Growth, path: Path) -> RawLayout:
    """That of the file's own samples, as long along the axis as the input's size says."""
    from codec.media import raw

    view = file[growth.names[0]]
    before = raw.layout_of(file.metadata, view.shape, view.dtype)
    if len(before.shape) != len(view.shape):
        raise InvalidInputError(f"{path}: samples of {len(before.shape)} axes cannot grow")
    shape = list(view.shape)
    shape[growth.axis] = 1
    slab = math.prod(shape) * view.dtype.itemsize
    shape[growth.axis] = max(1, (path.stat().st_size - before.offset) // slab)
    return replace(before, shape=tuple(shape))


@contextmanager
def _opened(file: InrcFile, source: Source) -> Iterator[Dataset]:
    dataset = formats.read(source.path, source.select, source.raw)
    try:
        yield replace(dataset, fields=source.fields_of(dataset))
    finally:
        dataset.close()


def _planned(
    file: InrcFile,
    growths: Sequence[Growth],
    dataset: Dataset,
    dim: str,
    source: str | os.PathLike[str],
) -> list[FieldGroup]:
    """The new tiles, after all fields were compared with those of the file."""
    by_name = {field.name: field for field in dataset.fields}
    groups, number = [], len(file.models)
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
    file: InrcFile, growth: Growth, field: Field, source: str | os.PathLike[str]
) -> None:
    view = file[field.name]
    expected = list(view.shape)
    if len(field.shape) == len(expected):
        expected[growth.axis] = field.shape[growth.axis]
    if (field.dtype, field.dims, list(field.shape)) != (view.dtype, view.dims, expected):
        raise InvalidInputError(
            f"{os.fspath(source)}: {field.name} is {field.dtype} {field.dims} {field.shape} there, "
            f"and {view.dtype} {view.dims} {view.shape} before; only the length along axis "
            f"{growth.axis} may differ"
        )


def _described(
    file: InrcFile,
    growths: Sequence[Growth],
    dataset: Dataset,
    dim: str,
    source: str | os.PathLike[str],
) -> Described:
    names = tuple(name for growth in growths for name in growth.names)
    old = Described(file.medium, file.metadata, file.verbatim)
    new = Described(dataset.medium, dataset.metadata, dataset.verbatim)
    growth = growths[0]
    along = Along(
        dim,
        names,
        tuple(name for one in growths for name in file[one.names[0]].dims),
        growth.before.shape[growth.axis],
        dataset.fields[0].shape[growth.axis],
    )
    try:
        return extended(old, new, along)
    except InvalidInputError as error:
        raise InvalidInputError(f"{os.fspath(source)}: {error}") from error


def _identity(path: Path) -> dict[str, list[int]]:
    status = path.stat()
    return {"appended to": [status.st_size, status.st_mtime_ns]}


def _encode(
    file: InrcFile,
    dataset: Dataset,
    source: Source,
    groups: Sequence[FieldGroup],
    options: EncodeOptions,
    journal: TileJournal,
) -> None:
    """Encode the new tiles, into the journal."""
    samples = sum(group.samples for group in groups)
    goals = Budget(dataset, options.goal).for_tiles(FileParts(), samples)
    ranges = journal.ranges
    if ranges is None:
        ranges = {field.name: _range(file, field) for field in dataset.fields}
        journal.add_ranges(ranges)
    tasks = tasks_of(groups, ranges, goals, own_range=tile_settings(options).own_range)
    encode_missing(tasks, dataset.fields, source, options, journal)


def _range(file: InrcFile, field: Field) -> FieldRange:
    """The range of the new samples and, as far as the file tells, of those before."""
    found = find_range(field)
    before = [
        component
        for item in file[field.name].items
        for component in item.header.components
        if component.name == field.name and component.scale > 0
    ]
    low = min([found.low, *(one.offset - one.scale for one in before)])
    high = max([found.high, *(one.offset + one.scale for one in before)])
    return FieldRange.of(field, low, high)


def _copied(file: InrcFile, growths: Sequence[Growth]) -> PlacedItems:
    """The items of the file; those that grow are tiles from now on."""
    digests = file.section_digests()

    def copy(section: Section) -> IntegerSection:
        stored = partial(file.sections.stored, section)
        return IntegerSection(section.type, stored, digests[section.start], section.attribute)

    placed = PlacedItems()
    placed.add_copies([copy(section) for section in file.sections.of_type("MASK")])
    growing = {number for growth in growths for number in growth.before.numbers}
    for item in file.models:
        header = item.header
        if item.number in growing and header.origin is None:
            header = replace(header, origin=(0,) * len(header.dims))
        integers = [
            copy(section)
            for kind in owned_types()
            for section in file.sections_of(item.number, kind)
        ]
        placed.add_item(header, integers, item.multiply_adds, item.largest_parameters)
    return placed


def _place(placed: PlacedItems, growth: Growth, group: FieldGroup, journal: TileJournal) -> None:
    grid = group.grid
    for number, place in zip(grid.numbers, np.ndindex(*grid.counts), strict=True):
        origin = list(origin_of(grid.cover(place)))
        origin[growth.axis] += growth.before.shape[growth.axis]
        placed.add_tile(journal.tiles[number], journal, origin, grid.overlap(place))


def _write(
    file: InrcFile, path: Path, placed: PlacedItems, described: Described, made: Provenance
) -> None:
    sections = kept_sections(described.medium, described.metadata, described.verbatim, made)
    # Other sections that may be copied stay as they are (SEC-3).
    sections += copied_sections(file.sections, Copier.APPEND)
    with atomic_path(path, overwrite=True) as temporary:
        write_checked(temporary, placed, file.head.kind, sections)
