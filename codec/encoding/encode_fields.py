"""Fields, whole or in tiles: planned, encoded into a sink, written, measured and held to bounds."""

from __future__ import annotations

import os
from pathlib import Path

from codec.coding.grouping import grouped
from codec.coding.write_file import FileParts
from codec.encoding.provenance import made_with
from codec.encoding.run_journal import fingerprint, run_journal
from codec.encoding.runners import Source
from codec.encoding.sinks import FINISHING, JournalSink, MemorySink, Sink
from codec.encoding.tile_density import samples_of_tiles
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_plan import TilePlan, plan_groups
from codec.encoding.written_file import qualities_in, written_file
from codec.measuring.bounds import check_bounds
from codec.media.dataset import Dataset
from codec.media.table import medium_of
from codec.options.encode import EncodeOptions, Progress
from codec.reports import FieldQuality


def encode_fields(
    dataset: Dataset,
    source: Source,
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    overwrite: bool,
) -> tuple[FieldQuality, ...]:
    """Encode all fields and write the file; what is finished is kept if the run is killed.

    Returns:
        Qualities measured on the decoded fields, one per field.

    Raises:
        InvalidInputError: the samples cannot be read or fitted, the target cannot be written, or
            there is a journal of another run.
        TargetError: no file could possibly meet the target, or an error bound cannot be kept.
    """
    plan = _plan(dataset, options)
    parts = _unfitted_parts(dataset, options, tiled=plan.tiled)
    run = fingerprint(source, options, plan.groups)
    with run_journal(Path(target).resolve(), run, anew=overwrite) as journal:
        sink: Sink = MemorySink(options, journal)
        if plan.tiled:
            sink = JournalSink(source, options, journal)
        sink.fill(parts, plan)
        options.on_progress(Progress("", "write", 1 - FINISHING))
        threads = options.threads
        with written_file(target, parts, overwrite=overwrite, threads=threads) as file:
            options.on_progress(Progress("", "measure", 1 - FINISHING / 2))
            qualities = qualities_in(file, plan, sink.tiles, sink.ranges)
            if not sink.tiles:
                # Last: all integers have been decoded by now.
                file.check_digest()
            check_bounds(qualities, options.goal)
    options.on_progress(Progress("", "measure", 1.0))
    return qualities


def _plan(dataset: Dataset, options: EncodeOptions) -> TilePlan:
    """Plan of the tiles that the fields are cut into."""
    groups = plan_groups(
        grouped(dataset.fields, options.joint or dataset.joint),
        options.tile,
        lambda group: samples_of_tiles(group, dataset.fields, options),
        tile_settings(options),
    )
    return TilePlan(dataset.fields, groups)


def _unfitted_parts(dataset: Dataset, options: EncodeOptions, *, tiled: bool) -> FileParts:
    """The parts of a file without any item."""
    parts = FileParts(dataset.kind)
    # Provenance takes few bytes, but too many for a small file: only files that may grow have it.
    growing = tiled or medium_of(dataset.medium).metadata.meant_to_grow(dataset.metadata)
    made = made_with(options) if growing else None
    parts.describe(dataset.medium, dataset.metadata, dataset.verbatim, made)
    return parts
