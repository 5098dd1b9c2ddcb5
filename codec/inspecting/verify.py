"""Verification: whether a file is undamaged, and decodes to what it was made from."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from codec.encoding.field_range import find_range
from codec.errors import InvalidInputError, VerificationError
from codec.files.byte_sources import local_path
from codec.inspecting.section_contents import check_section
from codec.limits import Limits
from codec.measuring.bounds import exceeds
from codec.measuring.quality import deviation, error_unit, quality_of, with_shared_psnr
from codec.media import formats
from codec.media.dataset import Field
from codec.media.table import medium_of
from codec.options.encode import SIGNED, UNSIGNED
from codec.options.raw_layout import RawLayout
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from codec.reading.shape_field import ShapeField, measured_shape
from codec.reports import FieldQuality, VerifyReport

# Samples of a field that are compared at once.
_COMPARED_SAMPLES = 1 << 24


def verify_file(
    source: str | os.PathLike[str],
    original: str | os.PathLike[str] | None,
    *,
    psnr: float | None,
    max_error: float | None,
    threads: int,
    device: str,
    limits: Limits,
) -> VerifyReport:
    """See `codec.verify`."""
    with FileContents(source, device=device, threads=threads, limits=limits) as file:
        file.streams.sections.check_all()
        qualities: tuple[FieldQuality, ...] = ()
        if original is not None:
            qualities = _compare(file, local_path(original))
            _judge(os.fspath(source), qualities, psnr, max_error)
        else:
            # Without an original there is still everything to evaluate and nothing to compare.
            for item in file.items:
                _ = item.evaluator
        for section in file.streams.sections.sections:
            check_section(file, section)
        # The digest comes last: most of the integers have been decoded by now.
        file.check_digest()
        return VerifyReport(
            path=os.fspath(source),
            file_bytes=file.file_bytes,
            sections=len(file.streams.sections.sections),
            qualities=qualities,
        )


def _compare(file: FileContents, original: Path) -> tuple[FieldQuality, ...]:
    # Variables of the file were chosen from those of the original.
    several = medium_of(file.metadata.medium).several
    select = tuple(file.fields) if several else None
    dataset = formats.read(original, select, _raw_layout(file), _kind_of_distance(file))
    try:
        if dataset.shape is not None:
            return tuple(measured_shape(field, dataset.shape) for field in file.fields.values())
        by_name = {field.name: field for field in dataset.fields}
        if len(file.fields) == len(by_name) == 1:
            # A lone array is the same array under another file's name.
            by_name = dict(zip(file.fields, by_name.values(), strict=True))
        qualities = [
            _compare_field(original, decoder, by_name.get(name))
            for name, decoder in file.decoders.items()
        ]
        return with_shared_psnr(qualities, dataset.fields)
    finally:
        dataset.close()


def _kind_of_distance(file: FileContents) -> str:
    """Kind of the distances in the file; signed where it holds no shape."""
    fields = tuple(file.fields.values())
    if len(fields) != 1 or not isinstance(fields[0], ShapeField):
        return SIGNED
    return SIGNED if fields[0].signed else UNSIGNED


def _raw_layout(file: FileContents) -> RawLayout | None:
    """Layout by which the original is read again, if it was nothing but samples."""
    field = next(iter(file.fields.values()), None)
    if field is None:
        return None
    rules = medium_of(file.metadata.medium).metadata
    return rules.raw_layout(file.metadata.tree, field.shape, field.dtype)


def _compare_field(original: Path, decoder: FieldDecoder, field: Field | None) -> FieldQuality:
    if field is None:
        raise InvalidInputError(f"{original}: has no variable {decoder.name!r} to compare with")
    if field.shape != decoder.shape or field.dtype != decoder.dtype:
        raise InvalidInputError(
            f"{original}: {decoder.name} is {field.dtype} {field.shape}, the file holds "
            f"{decoder.dtype} {decoder.shape}"
        )
    unit = None
    selection = [np.arange(size, dtype=np.int64) for size in decoder.shape]
    if len(decoder.items) > 1 or decoder.size > _COMPARED_SAMPLES:
        span = find_range(field)
        unit = error_unit(field, span.low, span.high)
    parts = []
    for window, decoded in decoder.read_windows(selection, _COMPARED_SAMPLES):
        piece = field.part(window)
        parts.append(deviation(piece, np.asarray(piece.values), decoded, unit))
    quality = quality_of(field, parts)
    if decoder.bound is not None:
        _check_bound(original, quality, decoder.bound * field.unit_factor)
    return quality


def _check_bound(original: Path, quality: FieldQuality, bound: float) -> None:
    if exceeds(quality.max_error, bound):
        raise VerificationError(
            f"{original}: {quality.name}: error {quality.max_error:g}, the file promises {bound:g}"
        )


def _judge(
    source: str, qualities: tuple[FieldQuality, ...], psnr: float | None, max_error: float | None
) -> None:
    for quality in qualities:
        if not quality.mask_intact:
            raise VerificationError(f"{source}: {quality.name}: invalid samples differ")
        if psnr is not None and quality.psnr < psnr:
            reached = f"{quality.psnr:.2f}" if math.isfinite(quality.psnr) else "no"
            raise VerificationError(f"{source}: {quality.name}: {reached} dB, below {psnr:g} dB")
        if max_error is not None and exceeds(quality.max_error, max_error):
            raise VerificationError(
                f"{source}: {quality.name}: error {quality.max_error:g}, above {max_error:g}"
            )
