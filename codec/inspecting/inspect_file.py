"""Looking into files: what they hold, where their bytes go, whether they keep their promises."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from codec.encoding.field_range import find_range
from codec.errors import InvalidInputError, VerificationError
from codec.files.byte_sources import is_url, local_path
from codec.format.sections import Section
from codec.inspecting.section_contents import check_section, describe_section
from codec.limits import Limits
from codec.measuring.bounds import exceeds
from codec.measuring.quality import deviation, error_unit, quality_of, with_shared_psnr
from codec.measuring.shape_quality import compare_shape
from codec.media import formats
from codec.media.dataset import Field
from codec.media.table import medium_of
from codec.options.encode import SIGNED, UNSIGNED
from codec.options.raw_layout import RawLayout
from codec.reading.field import FieldView
from codec.reading.item import DecodableItem
from codec.reading.open_file import InrcFile
from codec.reports import FieldInfo, FieldQuality, FileInfo, SectionInfo, VerifyReport

# Samples of a field that are compared at once.
_COMPARED_SAMPLES = 1 << 24


def inspect_file(source: str | os.PathLike[str] | bytes, limits: Limits) -> FileInfo:
    """See `codec.info`."""
    with InrcFile(source, device="cpu", limits=limits) as file:
        # Of a file elsewhere only the heads are fetched.
        whole = not is_url(source)
        if whole:
            file.sections.check_all()
        return FileInfo(
            path="-" if isinstance(source, bytes) else os.fspath(source),
            file_bytes=file.file_bytes,
            field_bytes=sum(view.size * view.dtype.itemsize for view in file.values()),
            format_version=file.format_version,
            level=file.sections.level,
            medium=file.medium or "unknown",
            fields=tuple(_field_info(file, view) for view in file.values()),
            sections=tuple(_section_infos(file, whole)),
            verbatim=tuple(_verbatim_row(path, value) for path, value in file.verbatim.items()),
            made=file.made if file.sections.of_type("pROv") else None,
        )


def _verbatim_row(path: str, value: Any) -> tuple[str, str, tuple[int, ...]]:
    if isinstance(value, list):
        return path, "string", (len(value),)
    return path, str(value.dtype), value.shape


def _framed(section: Section) -> int:
    """Bytes of a section with its framing; the first also carries signature and header."""
    return section.end - section.start


def _field_info(file: InrcFile, view: FieldView) -> FieldInfo:
    architectures = dict.fromkeys(item.architecture.name for item in view.items)
    return FieldInfo(
        name=view.name,
        shape=view.shape,
        dims=view.dims,
        dtype=str(view.dtype),
        units=str(view.attrs.get("units", "")),
        architecture="+".join(architectures),
        components=len(view.items[0].header.components),
        parameters=sum(item.coded_integers for item in view.items),
        model_bytes=sum(_model_bytes(file, item) for item in view.items),
        mask_bytes=_mask_bytes(file, view),
        bound=view.bound,
        tiles=len(view.items),
    )


def _model_bytes(file: InrcFile, item: DecodableItem) -> int:
    masks = file.sections.of_type("MASK")
    owned = {index for _, index in item.header.tensor_masks}
    found = _framed(file.sections.of_type("ITEM")[item.number])
    found += sum(_framed(masks[index]) for index in owned if index < len(masks))
    found += sum(_framed(section) for section in file.sections_of(item.number))
    return found + sum(_framed(section) for section in file.sections_of(item.number, "RESD"))


def _mask_bytes(file: InrcFile, view: FieldView) -> int:
    """Bytes of the field's validity masks, each counted for the first field that uses it."""
    owners: dict[int, str] = {}
    for model in file.models:
        for component in model.header.components:
            if component.mask is not None:
                owners.setdefault(component.mask, component.name)
    masks = file.sections.of_type("MASK")
    return sum(
        _framed(masks[index])
        for index, name in owners.items()
        if name == view.name and index < len(masks)
    )


def _section_infos(file: InrcFile, whole: bool) -> list[SectionInfo]:
    counters: Counter[str] = Counter()
    rows = []
    for section in file.sections.sections:
        content = describe_section(file, section, counters[section.type], whole=whole)
        counters[section.type] += 1
        rows.append(SectionInfo(section.type, _framed(section), content))
    return rows


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
    with InrcFile(source, device=device, threads=threads, limits=limits) as file:
        file.sections.check_all()
        qualities: tuple[FieldQuality, ...] = ()
        if original is not None:
            qualities = _compare(file, local_path(original))
            _judge(os.fspath(source), qualities, psnr, max_error)
        else:
            # Without an original there is still everything to evaluate and nothing to compare.
            for item in file.models:
                _ = item.evaluator
        for section in file.sections.sections:
            check_section(file, section)
        # Last: most of the integers have been decoded by now.
        file.check_digest()
        return VerifyReport(
            path=os.fspath(source),
            file_bytes=file.file_bytes,
            sections=len(file.sections.sections),
            qualities=qualities,
        )


def _compare(file: InrcFile, original: Path) -> tuple[FieldQuality, ...]:
    # Variables of the file were chosen from those of the original.
    select = tuple(file) if medium_of(file.medium).several else None
    dataset = formats.read(original, select, _raw_layout(file), _kind_of_distance(file))
    try:
        if dataset.shape is not None:
            views = {name: view.shape_view() for name, view in file.items()}
            return tuple(
                compare_shape(dataset.shape, name, view.sdf, view.frame.offset)
                for name, view in views.items()
            )
        by_name = {field.name: field for field in dataset.fields}
        if len(file) == len(by_name) == 1:
            # A lone array is the same array under another file's name.
            by_name = dict(zip(file, by_name.values(), strict=True))
        qualities = [
            _compare_field(original, view, by_name.get(name)) for name, view in file.items()
        ]
        return with_shared_psnr(qualities, dataset.fields)
    finally:
        dataset.close()


def _kind_of_distance(file: InrcFile) -> str:
    """Which distances the file has, if it holds a shape."""
    views = tuple(file.values())
    if file.head.kind != "sdf" or len(views) != 1:
        return SIGNED
    return UNSIGNED if views[0].shape_view().frame.offset else SIGNED


def _raw_layout(file: InrcFile) -> RawLayout | None:
    """How the original is read again, if it was nothing but samples."""
    view = next(iter(file.values()), None)
    if view is None:
        return None
    return medium_of(file.medium).metadata.raw_layout(file.metadata, view.shape, view.dtype)


def _compare_field(original: Path, view: FieldView, field: Field | None) -> FieldQuality:
    if field is None:
        raise InvalidInputError(f"{original}: has no variable {view.name!r} to compare with")
    if field.shape != view.shape or field.dtype != view.dtype:
        raise InvalidInputError(
            f"{original}: {view.name} is {field.dtype} {field.shape}, the file holds "
            f"{view.dtype} {view.shape}"
        )
    unit = None
    selection = [np.arange(size, dtype=np.int64) for size in view.shape]
    if len(view.items) > 1 or view.size > _COMPARED_SAMPLES:
        span = find_range(field)
        unit = error_unit(field, span.low, span.high)
    parts = []
    for window, decoded in view.read_windows(selection, _COMPARED_SAMPLES):
        piece = field.part(window)
        parts.append(deviation(piece, np.asarray(piece.values), decoded, unit))
    quality = quality_of(field, parts)
    if view.bound is not None:
        _check_bound(original, quality, view.bound * field.unit_factor)
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
