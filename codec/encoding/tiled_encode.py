"""Encoding of a dataset with fields in tiles: memory for a few of them, and a way to go on."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields as attributes_of
from pathlib import Path
from typing import Any

import numpy as np

from codec._version import __version__
from codec.coding.described_sections import KeptSection
from codec.coding.normalise import FieldRange
from codec.coding.write_file import FileParts
from codec.encoding.budget import Budget
from codec.encoding.encoded_tile import origin_of
from codec.encoding.field_range import find_range
from codec.encoding.provenance import made_with
from codec.encoding.runners import Source, run_tasks
from codec.encoding.tile_journal import TileJournal
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_plan import FieldGroup, TileTask, tasks_of
from codec.encoding.tile_sections import PlacedItems
from codec.errors import TargetError
from codec.files.atomic import atomic_path
from codec.measuring.bounds import check_bounds
from codec.measuring.quality import (
    Deviation,
    deviation,
    error_unit,
    quality_of,
    with_shared_psnr,
)
from codec.media.dataset import Dataset, Field
from codec.options.encode import EncodeOptions, Progress
from codec.reading.contents import reopened
from codec.reports import FieldQuality

_log = logging.getLogger("inrc")

# Shares of the work, for the progress bar.
_RANGES, _WRITING = 0.05, 0.02
_JOURNAL_VERSION = 2
# Options that do not change the result.
_INDIFFERENT = frozenset({"on_progress", "threads", "scheduler"})


def encode_tiles(
    dataset: Dataset,
    groups: Sequence[FieldGroup],
    source: Source,
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    overwrite: bool,
) -> tuple[FieldQuality, ...]:
    """Encode tile by tile and write the file; finished tiles are kept if the run is killed.

    Returns:
        What was measured on the decoded tiles, combined per field.

    Raises:
        InvalidInputError: the samples cannot be read or fitted, the target cannot be written, or
            there is a journal of another run.
        TargetError: no file could possibly meet the target, or an error bound cannot be kept.
    """
    final = Path(target).resolve()
    frame = FileParts(dataset.kind)
    frame.keep(dataset.medium, dataset.metadata, dataset.verbatim, made_with(options))
    samples = sum(group.samples for group in groups)
    goals = Budget(dataset, options.goal).for_tiles(frame, samples)
    with kept_journal(final, fingerprint(source, options, groups), anew=overwrite) as journal:
        ranges = journal.ranges
        if ranges is None:
            ranges = find_ranges(dataset.fields, options)
            journal.add_ranges(ranges)
        tasks = tasks_of(groups, ranges, goals, own_range=tile_settings(options).own_range)
        encode_missing(tasks, dataset.fields, source, options, journal)
        options.on_progress(Progress("", "write", 1 - _WRITING))
        placed = PlacedItems()
        place_groups(placed, groups, journal)
        with atomic_path(target, overwrite=overwrite) as temporary:
            write_checked(temporary, placed, dataset.kind, frame.described)
            blended = blended_deviations(temporary, dataset.fields, groups, ranges, options.threads)
            qualities = qualities_of(dataset.fields, groups, journal, blended)
            check_bounds(qualities, options.goal)
        return qualities


@contextmanager
def kept_journal(final: Path, run: Mapping[str, Any], *, anew: bool) -> Iterator[TileJournal]:
    """The journal of a run, which stays if the block fails after tiles were finished.

    Where a target cannot be reached, to go on would not help.
    """
    journal = TileJournal(final, run, anew=anew)
    if journal.resumed:
        _log.warning("%s: %d finished tiles of an earlier run are taken up", final, journal.resumed)
    finished = False
    try:
        yield journal
        finished = True
    except TargetError:
        finished = True
        raise
    finally:
        if not finished and journal.tiles:
            _log.warning(
                "%s: %d finished tiles are kept; the same command takes them up",
                final,
                len(journal.tiles),
            )
        journal.close(remove=finished or not journal.tiles)


def fingerprint(
    source: Source, options: EncodeOptions, groups: Sequence[FieldGroup]
) -> dict[str, Any]:
    """What the result of a run depends on."""
    status = source.path.stat()
    chosen = {
        entry.name: repr(getattr(options, entry.name))
        for entry in attributes_of(options)
        if entry.name not in _INDIFFERENT
    }
    return {
        "journal": _JOURNAL_VERSION,
        "version": __version__,
        "source": [str(source.path), status.st_size, status.st_mtime_ns],
        "options": chosen,
        "groups": [[list(group.names), list(map(list, group.grid.cuts))] for group in groups],
    }


def find_ranges(fields: Sequence[Field], options: EncodeOptions) -> dict[str, FieldRange]:
    """The ranges of all fields, from a pass over all samples."""
    found = {}
    for number, field in enumerate(fields):
        options.on_progress(Progress(field.name, "range", _RANGES * number / len(fields)))
        found[field.name] = find_range(field)
    return found


def encode_missing(
    tasks: Sequence[TileTask],
    fields: Sequence[Field],
    source: Source,
    options: EncodeOptions,
    journal: TileJournal,
) -> None:
    """Encode the tiles that the journal lacks, into it."""
    by_number = {task.number: task for task in tasks}
    total = sum(task.samples for task in tasks)
    done = sum(by_number[number].samples for number in journal.tiles)
    missing = [task for task in tasks if task.number not in journal.tiles]
    by_name = {field.name: field for field in fields}
    for number, tile in run_tasks(missing, by_name, source, options):
        journal.add(number, tile)
        done += by_number[number].samples
        share = _RANGES + (1 - _RANGES - _WRITING) * done / total
        name = "+".join(by_number[number].names)
        stage = f"tile {len(journal.tiles)} of {len(tasks)}"
        options.on_progress(Progress(name, stage, share))


def place_groups(placed: PlacedItems, groups: Sequence[FieldGroup], journal: TileJournal) -> None:
    """Append the tiles of all groups, in the order of their numbers."""
    for group in groups:
        grid = group.grid
        for number, place in zip(grid.numbers, np.ndindex(*grid.counts), strict=True):
            origin = origin_of(grid.cover(place)) if group.tiled else None
            placed.add_tile(journal.tiles[number], journal, origin, grid.overlap(place))


def write_checked(path: Path, placed: PlacedItems, kind: str, kept: Sequence[KeptSection]) -> None:
    """Write a file, and see that a reader finds all of it."""
    with path.open("wb") as stream:
        placed.write(stream, kind, kept)
    with reopened(path) as file:
        file.streams.sections.check_all()


def blended_deviations(
    path: Path,
    fields: Sequence[Field],
    groups: Sequence[FieldGroup],
    ranges: Mapping[str, FieldRange],
    threads: int,
    starts: Sequence[Sequence[int]] | None = None,
) -> dict[str, list[Deviation]]:
    """Of the fields whose tiles share samples: what no tile alone can tell, core by core.

    Args:
        path: of the finished file.
        starts: for each group, where its samples begin in the fields of the file; None for 0.
    """
    found: dict[str, list[Deviation]] = {}
    by_name = {field.name: field for field in fields}
    with reopened(path, threads) as file:
        for number, group in enumerate(groups):
            if not group.grid.margins:
                continue
            start = (0,) * len(group.grid.cuts) if starts is None else starts[number]
            for name, box in itertools.product(group.names, group.grid.boxes()):
                part, span = by_name[name].part(box), ranges[name]
                placed = [
                    slice(axis.start + shift, axis.stop + shift)
                    for axis, shift in zip(box, start, strict=True)
                ]
                original = np.ascontiguousarray(part.values[...])
                unit = error_unit(part, span.low, span.high)
                measured = deviation(part, original, file.fields[name][tuple(placed)], unit)
                found.setdefault(name, []).append(measured)
    return found


def qualities_of(
    fields: Sequence[Field],
    groups: Sequence[FieldGroup],
    journal: TileJournal,
    blended: Mapping[str, Sequence[Deviation]],
) -> tuple[FieldQuality, ...]:
    """The quality of every field, combined from those of its tiles, or `blended`."""
    owners = {name: (group, index) for group in groups for index, name in enumerate(group.names)}
    found = []
    for field in fields:
        group, index = owners[field.name]
        alone = [journal.tiles[number].deviations[index] for number in group.grid.numbers]
        found.append(quality_of(field, blended.get(field.name, alone)))
    return with_shared_psnr(found, fields)
