"""The journal of an encode: its trainings and finished tiles, which the same command takes up."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import fields as attributes_of
from pathlib import Path
from typing import Any

from codec._version import __version__
from codec.encoding.finished_tiles import FinishedTiles
from codec.encoding.runners import Source
from codec.encoding.tile_plan import FieldGroup
from codec.errors import TargetError
from codec.files.fit_journal import FitJournal
from codec.files.journal import Journal
from codec.options.encode import EncodeOptions

_log = logging.getLogger("inrc")

_JOURNAL_VERSION = 3
# Options that do not change the result.
_INDIFFERENT = frozenset({"on_progress", "threads", "scheduler"})


@dataclass(frozen=True)
class RunJournal:
    """Tiles or fits that a run has finished.

    Attributes:
        records: the file beside the target.
        trainings: of gradient fits, where fields are not cut.
        tiles: that are finished, where fields are.
    """

    records: Journal
    trainings: FitJournal
    tiles: FinishedTiles


@contextmanager
def run_journal(target: Path, run: Mapping[str, Any], *, anew: bool) -> Iterator[RunJournal]:
    """The journal of a run, which stays if the block fails after something was finished.

    Where a target cannot be reached, to go on would not help.

    Args:
        target: the file that is being made, resolved.
        run: plain values that say which run this is.
        anew: drop the journal of another run instead of refusing it.
    """
    records = Journal(target, run, anew=anew)
    journal = RunJournal(records, FitJournal(records), FinishedTiles(records))
    tiles = journal.tiles.by_number
    if tiles:
        _log.warning("%s: %d finished tiles of an earlier run are taken up", target, len(tiles))
    if journal.trainings.count:
        _log.warning("%s: an earlier run is taken up where it was stopped", target)
    finished = False
    try:
        yield journal
        finished = True
    except TargetError:
        finished = True
        raise
    finally:
        if not finished:
            _leave(journal, target)
        useful = tiles or journal.trainings.count
        records.close(remove=finished or not useful)


def _leave(journal: RunJournal, target: Path) -> None:
    """Write what is missing, and say what the next run will find."""
    journal.trainings.flush()
    if tiles := len(journal.tiles.by_number):
        _log.warning(
            "%s: %d finished tiles are kept; the same command takes them up", target, tiles
        )
    if journal.trainings.count and journal.records.begun:
        _log.warning(
            "what was fitted so far is kept in %s; the same command goes on", journal.records.path
        )


def fingerprint(
    source: Source, options: EncodeOptions, groups: Sequence[FieldGroup]
) -> dict[str, Any]:
    """Everything that the result of a run depends on."""
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
