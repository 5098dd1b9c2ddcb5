"""New samples at the end of an axis: further tiles, while those there are copied as they are."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from codec.coding.described_sections import copied_sections, kept_sections
from codec.coding.normalise import FieldRange
from codec.coding.write_file import FileParts, IntegerSection
from codec.encoding.budget import bytes_of_fields
from codec.encoding.field_range import find_range
from codec.encoding.growth import Growth, growing, planned
from codec.encoding.judge import judged
from codec.encoding.place_tiles import place_tiles
from codec.encoding.provenance import continued, made_with
from codec.encoding.run_journal import fingerprint, run_journal
from codec.encoding.runners import Source
from codec.encoding.sinks import JournalSink
from codec.encoding.tile_plan import TilePlan
from codec.encoding.written_file import qualities_in, written_file
from codec.errors import InvalidInputError, InvalidOptionError
from codec.files.byte_sources import local_path
from codec.format.section_types import Copier, owned_types
from codec.format.sections import Section
from codec.media import formats
from codec.media.dataset import Dataset, Field
from codec.media.described import Along, Described
from codec.media.extending import extended
from codec.media.table import medium_of
from codec.options.encode import EncodeOptions
from codec.options.raw_layout import RawLayout
from codec.reading.contents import FileContents, reopened
from codec.reports import AppendReport, EncodeReport, FieldQuality


def append_file(
    target: str | os.PathLike[str],
    source: str | os.PathLike[str],
    dim: str,
    options: EncodeOptions,
    *,
    effort_named: bool = True,
    anew: bool = False,
) -> AppendReport:
    """See `codec.append`.

    Args:
        effort_named: whether the effort of the options was named; the file's is taken otherwise.
    """
    started = time.perf_counter()
    path = local_path(target).resolve()
    with reopened(path) as file:
        before = file.file_bytes
        options = continued(options, file, effort_named=effort_named)
        growths = growing(file, dim, options.select)
        _check_tiles(growths, options)
        reader = _source(file, growths, local_path(source).resolve())
        with _opened(reader) as dataset:
            groups = planned(file, growths, dataset, dim, source)
            described = _described(file, growths, dataset, dim, source)
            plan = TilePlan(dataset.fields, groups)
            appending = _Appending(file, path, growths, plan, options)
            qualities = appending.run(reader, described, anew=anew)
            added_bytes = bytes_of_fields(dataset.fields)
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


@dataclass(frozen=True)
class _Appending:
    """New tiles on their way behind the old items of a file.

    Attributes:
        file: as it was.
        path: of the file.
        growths: the fields that grow.
        plan: the new samples, with a group for each growth.
        options: with a goal and an architecture.
    """

    file: FileContents
    path: Path
    growths: Sequence[Growth]
    plan: TilePlan
    options: EncodeOptions

    def run(self, source: Source, described: Described, *, anew: bool) -> tuple[FieldQuality, ...]:
        """Encode the new tiles and write the file; returns what was measured of them."""
        plan, status = self.plan, self.path.stat()
        run = fingerprint(source, self.options, plan.groups)
        run["appended to"] = [status.st_size, status.st_mtime_ns]
        starts = [growth.start for growth in self.growths]
        with run_journal(self.path, run, anew=anew) as journal:
            sink = JournalSink(source, self.options, journal, self._range_of_all)
            sink.encode(FileParts(), plan)
            parts = self._copied(described)
            place_tiles(parts, plan.groups, sink.tiles, starts)
            threads = self.options.threads
            with written_file(self.path, parts, overwrite=True, threads=threads) as new:
                return qualities_in(new, plan, sink.tiles, sink.ranges, starts)

    def _range_of_all(self, field: Field) -> FieldRange:
        """The range of the new samples and, as far as the file tells, of those before."""
        new = find_range(field)
        before = [
            component
            for item in self.file.decoders[field.name].items
            for component in item.header.components
            if component.name == field.name and component.scale > 0
        ]
        low = min([new.low, *(old.offset - old.scale for old in before)])
        high = max([new.high, *(old.offset + old.scale for old in before)])
        return FieldRange.of(field, low, high)

    def _copied(self, described: Described) -> FileParts:
        """The items of the file as parts of the new one; those that grow are tiles from now on."""
        file = self.file
        made = replace(made_with(self.options), losses=file.metadata.made.losses)
        streams = file.streams
        sections = kept_sections(described.medium, described.metadata, described.verbatim, made)
        # Descriptions are made anew; sections that are not known here are copied (SEC-3).
        sections += copied_sections(streams.sections, Copier.APPEND)
        parts = FileParts(streams.head.kind, sections)
        digests = file.section_digests()

        def copied(section: Section) -> IntegerSection:
            stored = partial(streams.sections.stored, section)
            return IntegerSection(section.type, stored, digests[section.start], section.attribute)

        for section in streams.sections.of_type("MASK"):
            parts.append_mask(copied(section))
        grown = {number for growth in self.growths for number in growth.before.numbers}
        for item in file.items:
            header = item.header
            if item.number in grown and header.origin is None:
                header = replace(header, origin=(0,) * len(header.dims))
            integers = [
                copied(section)
                for kind in owned_types()
                for section in streams.sections_of(item.number, kind)
            ]
            costs = item.multiply_adds, item.largest_parameters
            parts.add_coded(header.to_bytes(), integers, *costs)
        return parts


def _check_tiles(growths: Sequence[Growth], options: EncodeOptions) -> None:
    """New tiles lie as those before do, and share samples where these do."""
    if options.goal.bounded and any(growth.before.margins for growth in growths):
        raise InvalidOptionError(
            "the tiles of this file share samples, where no bound can be kept; ask for a PSNR"
        )


def _source(file: FileContents, growths: Sequence[Growth], path: Path) -> Source:
    """The input; a lone array is the same array under another file's name."""
    names = tuple(name for growth in growths for name in growth.names)
    if not medium_of(file.metadata.medium).metadata.named_after_file(file.metadata.tree):
        return Source(path, names)
    raw = _raw_layout(file, growths[0], path)
    return Source(path, None, raw, only=names[0] if len(names) == 1 else "")


def _raw_layout(file: FileContents, growth: Growth, path: Path) -> RawLayout | None:
    """Layout of bare samples like the file's, as long along the axis as the input's size says."""
    view = file.decoders[growth.names[0]]
    rules = medium_of(file.metadata.medium).metadata
    before = rules.raw_layout(file.metadata.tree, view.shape, view.dtype)
    if before is None:
        return None
    if len(before.shape) != len(view.shape):
        raise InvalidInputError(f"{path}: samples of {len(before.shape)} axes cannot grow")
    shape = list(view.shape)
    shape[growth.axis] = 1
    slab = math.prod(shape) * view.dtype.itemsize
    shape[growth.axis] = max(1, (path.stat().st_size - before.offset) // slab)
    return replace(before, shape=tuple(shape))


@contextmanager
def _opened(source: Source) -> Iterator[Dataset]:
    dataset = formats.read(source.path, source.select, source.raw)
    try:
        yield replace(dataset, fields=source.fields_of(dataset))
    finally:
        dataset.close()


def _described(
    file: FileContents,
    growths: Sequence[Growth],
    dataset: Dataset,
    dim: str,
    source: str | os.PathLike[str],
) -> Described:
    names = tuple(name for growth in growths for name in growth.names)
    old = Described(file.metadata.medium, file.metadata.tree, file.metadata.verbatim)
    new = Described(dataset.medium, dataset.metadata, dataset.verbatim)
    growth = growths[0]
    along = Along(
        dim,
        names,
        tuple(name for growth in growths for name in file.decoders[growth.names[0]].dims),
        growth.before.shape[growth.axis],
        dataset.fields[0].shape[growth.axis],
    )
    try:
        return extended(old, new, along)
    except InvalidInputError as error:
        raise InvalidInputError(f"{os.fspath(source)}: {error}") from error
