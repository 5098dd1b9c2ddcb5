"""Sinks of encoded items: into a file in the making, or, tile by tile, into the run's journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from codec.coding.normalise import FieldRange, normalise
from codec.coding.write_file import FileParts
from codec.encoding.add_item import Workplace, add_item
from codec.encoding.budget import Budget
from codec.encoding.encode_tile import EncodedTile
from codec.encoding.field_range import find_range
from codec.encoding.place_tiles import place_tiles
from codec.encoding.run_journal import RunJournal
from codec.encoding.runners import Source, run_tasks
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_plan import FieldGroup, TilePlan
from codec.encoding.tile_tasks import TileTask, tasks_of
from codec.media.dataset import Field
from codec.options.encode import EncodeOptions, Progress, usable_threads
from codec.plugin_api.tasks import FitReport

# Shares of the work, for the progress bar, of finding ranges, and of writing and measuring.
_RANGES, FINISHING = 0.05, 0.02


class Sink(Protocol):
    """Takes the items of all fields, and knows what was measured of them on the way.

    Attributes:
        tiles: finished ones, by the number of their item; empty where items were not measured.
        ranges: value ranges of the fields, by name, empty where each field is
            measured in its own range.
    """

    @property
    def tiles(self) -> Mapping[int, EncodedTile]: ...

    @property
    def ranges(self) -> Mapping[str, FieldRange]: ...

    def fill(self, parts: FileParts, plan: TilePlan) -> None:
        """Encode all fields, and append their items to the parts of a file."""
        ...


class MemorySink:
    """Items of fields that are not cut, which stay in memory until the file is written.

    One item is encoded after the other, on all threads, and gets what those before it left of the
    target. It is measured in the finished file.

    Args:
        options: options of the encoder.
        journal: keeps the trainings.
    """

    tiles: Mapping[int, EncodedTile] = {}
    ranges: Mapping[str, FieldRange] = {}

    def __init__(self, options: EncodeOptions, journal: RunJournal) -> None:
        self._options = options
        self._journal = journal

    def fill(self, parts: FileParts, plan: TilePlan) -> None:
        """See `Sink.fill`."""
        by_name = plan.by_name
        budget = Budget(plan.fields, self._options.goal)
        threads = usable_threads(self._options.threads)
        total = remaining = plan.samples
        for group in plan.groups:
            goal = partial(budget.for_next_item, samples=group.samples, remaining=remaining)
            report = _part_of_work(
                self._options, group, (total - remaining) / total, group.samples / total
            )
            add_item(
                parts,
                [normalise(by_name[name]) for name in group.names],
                goal,
                self._options,
                Workplace(threads, report, self._journal.trainings),
            )
            remaining -= group.samples


class JournalSink:
    """Tiles, each of which is measured, and kept in the journal when it is finished.

    Args:
        source: file that other processes read the fields from.
        options: options of the encoder.
        journal: keeps ranges and tiles.
        range_of: finds the range of a field.
    """

    def __init__(
        self,
        source: Source,
        options: EncodeOptions,
        journal: RunJournal,
        range_of: Callable[[Field], FieldRange] = find_range,
    ) -> None:
        self._source = source
        self._options = options
        self._finished = journal.tiles
        self._range_of = range_of
        # No other process may begin with the same target.
        journal.records.begin()

    @property
    def tiles(self) -> Mapping[int, EncodedTile]:
        """The finished tiles, by the number of their item."""
        return self._finished.by_number

    @property
    def ranges(self) -> Mapping[str, FieldRange]:
        """The ranges of the fields, by name."""
        return self._finished.ranges

    def fill(self, parts: FileParts, plan: TilePlan) -> None:
        """See `Sink.fill`."""
        self.encode(parts, plan)
        place_tiles(parts, plan.groups, self.tiles)

    def encode(self, parts: FileParts, plan: TilePlan) -> None:
        """Encode the tiles that the journal lacks, into it.

        Args:
            parts: parts of the file that take their share of the target beside the tiles.
        """
        goals = Budget(plan.fields, self._options.goal).for_tiles(parts, plan.samples)
        if not self.ranges:
            self._finished.add_ranges(self._find_ranges(plan.fields))
        own_range = tile_settings(self._options).own_range
        tasks = tasks_of(plan.groups, self.ranges, goals, own_range=own_range)
        self._encode_missing(tasks, plan.by_name)

    def _find_ranges(self, fields: Sequence[Field]) -> dict[str, FieldRange]:
        """The ranges of all fields, from a pass over all samples."""
        ranges = {}
        for number, field in enumerate(fields):
            share = _RANGES * number / len(fields)
            self._options.on_progress(Progress(field.name, "range", share))
            ranges[field.name] = self._range_of(field)
        return ranges

    def _encode_missing(self, tasks: Sequence[TileTask], fields: Mapping[str, Field]) -> None:
        by_number = {task.number: task for task in tasks}
        total = sum(task.samples for task in tasks)
        done = sum(by_number[number].samples for number in self.tiles)
        missing = [task for task in tasks if task.number not in self.tiles]
        for number, tile in run_tasks(missing, fields, self._source, self._options):
            self._finished.add(number, tile)
            done += by_number[number].samples
            share = _RANGES + (1 - _RANGES - FINISHING) * done / total
            name = "+".join(by_number[number].names)
            stage = f"tile {len(self.tiles)} of {len(tasks)}"
            self._options.on_progress(Progress(name, stage, share))


def _part_of_work(
    options: EncodeOptions, group: FieldGroup, start: float, width: float
) -> FitReport:
    """The report of a fit that is a part of all work, between 0 and 1."""
    name = "+".join(group.names)
    highest = start

    def report(stage: str, fraction: float, loss: float | None, psnr: float | None) -> None:
        nonlocal highest
        highest = max(highest, start + width * min(1.0, fraction))
        options.on_progress(Progress(name, stage, highest * (1 - FINISHING), loss, psnr))

    return report
