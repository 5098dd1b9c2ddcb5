"""Encoding: a file of some medium becomes an `.inrc` file.

Every number reported comes from decoding the bytes that are written.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from codec.coding.grouping import architecture_for, component_of, grouped
from codec.coding.normalise import normalise
from codec.coding.write_file import FileParts, needed_level
from codec.encoding.budget import Budget, field_size
from codec.encoding.item_encoder import ItemEncoder, check_settings
from codec.encoding.provenance import made_with
from codec.encoding.runners import Source
from codec.encoding.shape import encode_shape, measure_shape, mesh_codec_advice
from codec.encoding.tile_density import samples_of_tiles
from codec.encoding.tile_journal import drop_finished, refuse_journal
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_plan import is_tiled, plan_groups
from codec.encoding.tiled_encode import encode_tiles, fingerprint
from codec.errors import InvalidInputError, InvalidOptionError
from codec.files.atomic import atomic_path, check_writable
from codec.files.byte_sources import local_path
from codec.files.fit_journal import FitJournal, kept_fit
from codec.format.headers import Dim, Item
from codec.measuring.bounds import bounds_of, check_bounds
from codec.measuring.quality import compare, with_shared_psnr
from codec.media import formats
from codec.media.dataset import Dataset, Field, Shape
from codec.media.table import medium_of
from codec.options.encode import (
    AUTO,
    DEFAULT_PSNR,
    DEFAULT_SHAPE_PSNR,
    FOR_ARRAYS,
    FOR_SHAPES,
    SIGNED,
    EncodeOptions,
    Goal,
    Progress,
    usable_threads,
)
from codec.options.plugin_settings import TILE, NoSettings, configured
from codec.plugin_api import registry
from codec.plugin_api.architecture import FitReport
from codec.reading.contents import reopened
from codec.reports import EncodeReport, FieldQuality
from codec.training.devices import choose_device, need_torch

# Share of the work, for the progress bar, that measuring the finished file takes.
_MEASURING = 0.02


@dataclass(frozen=True)
class _Encoded:
    """A file, or None where it was written tile by tile, and what was measured."""

    data: bytes | None
    qualities: tuple[FieldQuality, ...]
    advice: str = ""


def encode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    overwrite: bool = False,
) -> EncodeReport:
    """See `codec.encode`."""
    started = time.perf_counter()
    drop_finished(local_path(target).resolve())
    final = check_writable(target, overwrite=overwrite)
    registry.check_names(options.pruner, options.quantiser)
    path = local_path(source)
    _check_architecture(options)
    if path.exists() and final.exists() and os.path.samefile(path, final):
        raise InvalidInputError(f"{target}: is the input itself; name another file")
    with _opened(path, options) as dataset:
        options = _completed(options, dataset)
        check_settings(options)
        source_bytes = field_bytes = dataset.source_bytes
        if dataset.shape is not None:
            encoded = _encode_shape(dataset, dataset.shape, options)
        else:
            field_bytes = sum(field_size(field) for field in dataset.fields)
            encoded = _encode_fields(dataset, path, target, options, overwrite=overwrite)
    if encoded.data is not None:
        with atomic_path(target, overwrite=overwrite) as temporary:
            temporary.write_bytes(encoded.data)
    report = EncodeReport(
        path=Path(target),
        file_bytes=final.stat().st_size,
        source_bytes=source_bytes,
        field_bytes=field_bytes,
        qualities=encoded.qualities,
        goal_met=True,
        shortfall="",
        seconds=time.perf_counter() - started,
        advice=encoded.advice,
    )
    return judged(report, options.goal)


def _select(options: EncodeOptions) -> tuple[str, ...] | None:
    """Names of the variables to fit, those of joint models included."""
    if options.select is None:
        return None
    joint = [name for group in options.joint for name in group]
    return tuple(dict.fromkeys([*options.select, *joint]))


def _check_architecture(options: EncodeOptions) -> None:
    """See that the architecture asked for, and what it needs, is at hand before input is read."""
    if options.architecture == AUTO:
        return
    chosen = registry.architecture(options.architecture)
    if chosen.staged:
        need_torch(f"encoding with --arch {chosen.name}")


def _completed(options: EncodeOptions, dataset: Dataset) -> EncodeOptions:
    """The options with a goal and an architecture that suit the dataset, where none was named."""
    shaped = dataset.shape is not None
    if not shaped and options.sdf != SIGNED:
        raise InvalidOptionError(f"sdf {options.sdf}: the input holds arrays, not a mesh")
    architecture = options.architecture
    if architecture == AUTO:
        architecture = FOR_SHAPES if shaped else FOR_ARRAYS
    goal = options.goal.or_psnr(DEFAULT_SHAPE_PSNR if shaped else DEFAULT_PSNR)
    return replace(options, architecture=architecture, goal=goal)


def _encode_shape(dataset: Dataset, shape: Shape, options: EncodeOptions) -> _Encoded:
    configured(NoSettings, TILE, "a shape", options.settings)
    data = encode_shape(dataset, shape, options)
    quality = measure_shape(data, shape, usable_threads(options.threads))
    options.on_progress(Progress("", "measure", 1.0))
    return _Encoded(data, (quality,), mesh_codec_advice(shape, quality, len(data)))


def _encode_fields(
    dataset: Dataset,
    path: Path,
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    overwrite: bool,
) -> _Encoded:
    """All fields, whole or in tiles; tiles are written at once."""
    groups = grouped(dataset.fields, options.joint or dataset.joint)
    planned = plan_groups(
        groups,
        options.tile,
        lambda group: samples_of_tiles(group, dataset.fields, options),
        tile_settings(options),
    )
    source = Source(path.resolve(), _select(options), options.raw)
    if not is_tiled(planned):
        final = Path(target).resolve()
        refuse_journal(final, anew=overwrite)
        with kept_fit(final, fingerprint(source, options, planned), anew=overwrite) as journal:
            return _encode_dataset(dataset, groups, options, journal)
    qualities = encode_tiles(dataset, planned, source, target, options, overwrite=overwrite)
    return _Encoded(None, qualities)


@contextmanager
def _opened(path: Path, options: EncodeOptions) -> Iterator[Dataset]:
    dataset = formats.read(path, _select(options), options.raw, options.sdf)
    try:
        if not dataset.fields and dataset.shape is None:
            raise InvalidInputError(
                f"{path}: no variable is fitted by default (float, 1 to 4 dims, 512 samples or "
                "more); name some with --var"
            )
        yield dataset
    finally:
        dataset.close()


def _encode_dataset(
    dataset: Dataset,
    groups: Sequence[Sequence[Field]],
    options: EncodeOptions,
    journal: FitJournal,
) -> _Encoded:
    architecture = registry.architecture(options.architecture)
    parts = FileParts(dataset.kind)
    # Few bytes, but of small files too many: only where more may be appended.
    growing = medium_of(dataset.medium).metadata.meant_to_grow(dataset.metadata)
    made = made_with(options) if growing else None
    parts.keep(dataset.medium, dataset.metadata, dataset.verbatim, made)
    budget = Budget(dataset, options.goal)
    headers: list[Item] = []
    costs = [0, 0]
    total = sum(math.prod(group[0].shape) * len(group) for group in groups)
    done = 0
    for number, group in enumerate(groups):
        normalised = [normalise(field) for field in group]
        components = [component_of(entry, parts) for entry in normalised]
        samples = math.prod(group[0].shape) * len(group)
        encoder = ItemEncoder(
            number=number,
            architecture=architecture_for(architecture, normalised),
            fields=normalised,
            components=components,
            dims=[
                Dim(size, name) for size, name in zip(group[0].shape, group[0].dims, strict=True)
            ],
            bounds=bounds_of(options.goal, normalised),
            first_mask=len(parts.masks),
            options=options,
            device=choose_device(options.device),
            threads=usable_threads(options.threads),
            report=_reporter(options, group, done / total, samples / total),
            journal=journal,
        )
        sections = encoder.encode(budget.goal_for(parts, samples, total - done))
        parts.add_item(sections)
        headers.append(Item.from_bytes(sections.item))
        costs[0] += encoder.multiply_adds(headers[-1])
        costs[1] += encoder.parameters(headers[-1])
        done += samples
        # Normalised values are as large as the fields; they are not needed to measure the file.
        del encoder, normalised, sections
    data = parts.to_bytes(needed_level(headers, *costs))
    del parts
    options.on_progress(Progress("", "measure", 1 - _MEASURING / 2))
    qualities = measure(data, dataset.fields, usable_threads(options.threads))
    check_bounds(qualities, options.goal)
    options.on_progress(Progress("", "measure", 1.0))
    return _Encoded(data, qualities)


def _reporter(
    options: EncodeOptions, group: Sequence[Field], start: float, width: float
) -> FitReport:
    name = "+".join(field.name for field in group)
    highest = start

    def report(stage: str, fraction: float, loss: float | None, psnr: float | None) -> None:
        nonlocal highest
        highest = max(highest, start + width * min(1.0, fraction))
        options.on_progress(Progress(name, stage, highest * (1 - _MEASURING), loss, psnr))

    return report


def measure(data: bytes, fields: Sequence[Field], threads: int) -> tuple[FieldQuality, ...]:
    """Decode a file held in memory and compare every field with the original."""
    with reopened(data, threads) as file:
        qualities = [
            compare(field, np.ascontiguousarray(field.values[...]), file.fields[field.name][...])
            for field in fields
        ]
        # Last: most of the integers have been decoded by now.
        file.check_digest()
    return with_shared_psnr(qualities, fields)


def judged(report: EncodeReport, goal: Goal) -> EncodeReport:
    """The report, with whether the goal was met and what was reached if not."""
    shortfall = ""
    worst = min(report.qualities, key=lambda quality: quality.psnr)
    if goal.psnr is not None and worst.psnr < goal.psnr:
        # The channels of an image share one PSNR, so none of them alone is the worst.
        names = "+".join(one.name for one in report.qualities if one.psnr == worst.psnr)
        shortfall = (
            f"{report.path}: {names} reached {worst.psnr:.2f} dB of {goal.psnr:g} dB; "
            "the file is kept; more --effort may get further, to what its arithmetic can hold"
        )
    elif goal.bytes is not None and report.file_bytes > goal.bytes:
        shortfall = (
            f"{report.path}: the smallest found has {report.file_bytes} bytes of {goal.bytes} "
            "asked for; the file is kept"
        )
    elif goal.ratio is not None and report.ratio < goal.ratio:
        shortfall = (
            f"{report.path}: the best ratio found is {report.ratio:.1f} of {goal.ratio:g} asked "
            "for; the file is kept"
        )
    return replace(report, goal_met=not shortfall, shortfall=shortfall)
