"""Looking into files: what they hold, where their bytes go, whether they keep their promises."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from codec.container.sections import Section
from codec.entropy.mask_section import CodedMask
from codec.errors import InvalidInputError, VerificationError
from codec.field_view import FieldView
from codec.limits import Limits
from codec.media import formats
from codec.media.dataset import Field
from codec.pipeline.quality import compare, with_shared_psnr
from codec.pipeline.shape_quality import compare_shape
from codec.reader import DecodableItem, InrcFile
from codec.reports import FieldInfo, FieldQuality, FileInfo, SectionInfo, VerifyReport


def inspect_file(source: str | os.PathLike[str] | bytes, limits: Limits) -> FileInfo:
    """See `codec.info`."""
    with InrcFile(source, device="cpu", limits=limits) as file:
        file.sections.check_all()
        return FileInfo(
            path="-" if isinstance(source, bytes) else os.fspath(source),
            file_bytes=file.file_bytes,
            field_bytes=sum(view.size * view.dtype.itemsize for view in file.values()),
            format_version=file.format_version,
            level=file.sections.level,
            medium=file.medium or "unknown",
            fields=tuple(_field_info(file, view) for view in file.values()),
            sections=tuple(_section_infos(file)),
            verbatim=tuple(_verbatim_row(path, value) for path, value in file.verbatim.items()),
        )


def _verbatim_row(path: str, value: Any) -> tuple[str, str, tuple[int, ...]]:
    if isinstance(value, list):
        return path, "string", (len(value),)
    return path, str(value.dtype), value.shape


def _framed(section: Section) -> int:
    """Bytes of a section with its framing; the first also carries signature and header."""
    return section.end - section.start


def _field_info(file: InrcFile, view: FieldView) -> FieldInfo:
    item = view.item
    owned = {index for _, index in item.header.tensor_masks}
    masks = file.sections.of_type("MASK")
    model_bytes = _framed(file.sections.of_type("ITEM")[item.number])
    model_bytes += sum(_framed(masks[index]) for index in owned if index < len(masks))
    model_bytes += sum(_framed(section) for section in file.sections_of(item.number))
    return FieldInfo(
        name=view.name,
        shape=view.shape,
        dims=view.dims,
        dtype=str(view.dtype),
        units=str(view.attrs.get("units", "")),
        architecture=item.architecture.name,
        components=len(item.header.components),
        parameters=sum(map(len, file.tensor_streams(item.number))),
        model_bytes=model_bytes,
        mask_bytes=_mask_bytes(file, view),
    )


def _mask_bytes(file: InrcFile, view: FieldView) -> int:
    """Bytes of the field's validity mask, counted for the first field that uses it."""
    index = view.component.mask
    if index is None:
        return 0
    first = next(other.name for other in file.values() if other.component.mask == index)
    return _framed(file.sections.of_type("MASK")[index]) if first == view.name else 0


def _section_infos(file: InrcFile) -> list[SectionInfo]:
    counters = {"ITEM": 0, "MASK": 0, "TENS": 0}
    found = []
    for section in file.sections.sections:
        number = counters.get(section.type, 0)
        if section.type in counters:
            counters[section.type] += 1
        found.append(SectionInfo(section.type, _framed(section), _content(file, section, number)))
    return found


def _content(file: InrcFile, section: Section, number: int) -> str:
    packed = ("", ", zstd", ", brotli")[section.attribute]
    if section.type == "HEAD":
        return f"{file.head.kind}, {file.head.items} item(s), with the file's first 12 bytes"
    if section.type == "ITEM":
        return _item_content(file.models[number])
    if section.type == "MASK":
        return _mask_content(file.mask(number), number)
    if section.type == "TENS":
        decoded = file.tensor_sections[number]
        streams = ", ".join(
            f"{summary.count} in {' '.join(filter(None, (summary.coder, summary.model)))}"
            for summary in decoded.summaries
        )
        return f"item {decoded.item}: {streams}"
    if section.type == "VERB":
        return f"variables kept verbatim{packed}"
    if section.type == "mETa":
        return f"metadata of {file.medium}{packed}"
    if section.type == "ENDS":
        return f"length and {8 * len(file.sections.digest)}-bit digest"
    return "unknown, skipped"


def _item_content(item: DecodableItem) -> str:
    names = ", ".join(component.name for component in item.header.components)
    return f"{item.architecture.name}: {names}"


def _mask_content(coded: CodedMask, number: int) -> str:
    share = float(coded.mask.mean())
    purpose = "sparsity" if coded.patterns is None else "validity"
    return f"mask {number}, {purpose}, {share:.1%} set"


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
        file.check_digest()
        qualities: tuple[FieldQuality, ...] = ()
        if original is not None:
            qualities = _compare(file, Path(original))
            _judge(os.fspath(source), qualities, psnr, max_error)
        else:
            # Without an original there is still everything to evaluate and nothing to compare.
            for item in file.models:
                _ = item.evaluator
        return VerifyReport(
            path=os.fspath(source),
            file_bytes=file.file_bytes,
            sections=len(file.sections.sections),
            qualities=qualities,
        )


def _compare(file: InrcFile, original: Path) -> tuple[FieldQuality, ...]:
    dataset = formats.read(original, tuple(file) if file.medium == "netcdf" else None)
    try:
        if dataset.shape is not None:
            return tuple(
                compare_shape(dataset.shape, name, view.sdf) for name, view in file.items()
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


def _compare_field(original: Path, view: FieldView, field: Field | None) -> FieldQuality:
    if field is None:
        raise InvalidInputError(f"{original}: has no variable {view.name!r} to compare with")
    if field.shape != view.shape or field.dtype != view.dtype:
        raise InvalidInputError(
            f"{original}: {view.name} is {field.dtype} {field.shape}, the file holds "
            f"{view.dtype} {view.shape}"
        )
    return compare(field, np.ascontiguousarray(field.values[...]), view[...])


def _judge(
    source: str, qualities: tuple[FieldQuality, ...], psnr: float | None, max_error: float | None
) -> None:
    for quality in qualities:
        if not quality.mask_intact:
            raise VerificationError(f"{source}: {quality.name}: invalid samples differ")
        if psnr is not None and quality.psnr < psnr:
            reached = f"{quality.psnr:.2f}" if math.isfinite(quality.psnr) else "no"
            raise VerificationError(f"{source}: {quality.name}: {reached} dB, below {psnr:g} dB")
        if max_error is not None and quality.max_error > max_error:
            raise VerificationError(
                f"{source}: {quality.name}: error {quality.max_error:g}, above {max_error:g}"
            )
