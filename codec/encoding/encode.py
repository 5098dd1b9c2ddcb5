"""Encoding: a file of some medium becomes an `.inrc` file.

Every number reported comes from decoding the bytes that are written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from codec.encoding.budget import bytes_of_fields
from codec.encoding.encode_fields import encode_fields
from codec.encoding.item_encoder import check_settings
from codec.encoding.judge import judged
from codec.encoding.runners import Source
from codec.encoding.shape import encode_shape, mesh_codec_advice
from codec.errors import InvalidInputError, InvalidOptionError
from codec.files.atomic import check_writable
from codec.files.byte_sources import local_path
from codec.files.journal import drop_finished
from codec.media import formats
from codec.media.dataset import Dataset
from codec.options.defaults import (
    ARCHITECTURE_OF_ARRAYS,
    ARCHITECTURE_OF_SHAPES,
    AUTO,
    PSNR,
    SHAPE_PSNR,
)
from codec.options.encode import SIGNED, EncodeOptions
from codec.plugin_api import registry
from codec.reports import EncodeReport, FieldQuality
from codec.training.devices import need_torch


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
    advice = ""
    qualities: tuple[FieldQuality, ...]
    with _opened(path, options) as dataset:
        options = _completed(options, dataset)
        check_settings(options)
        source_bytes = field_bytes = dataset.source_bytes
        if (shape := dataset.shape) is not None:
            qualities = (encode_shape(dataset, shape, target, options, overwrite=overwrite),)
            advice = mesh_codec_advice(shape, qualities[0], final.stat().st_size)
        else:
            field_bytes = bytes_of_fields(dataset.fields)
            read = Source(path.resolve(), _select(options), options.raw)
            qualities = encode_fields(dataset, read, target, options, overwrite=overwrite)
    report = EncodeReport(
        path=Path(target),
        file_bytes=final.stat().st_size,
        source_bytes=source_bytes,
        field_bytes=field_bytes,
        qualities=qualities,
        goal_met=True,
        shortfall="",
        seconds=time.perf_counter() - started,
        advice=advice,
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
        architecture = ARCHITECTURE_OF_SHAPES if shaped else ARCHITECTURE_OF_ARRAYS
    goal = options.goal.or_psnr(SHAPE_PSNR if shaped else PSNR)
    return replace(options, architecture=architecture, goal=goal)


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
