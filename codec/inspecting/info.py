"""Looking into a file: what it holds, and where its bytes go."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from codec.files.byte_sources import is_url
from codec.format.sections import Section
from codec.inspecting.section_contents import describe_section
from codec.limits import Limits
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from codec.reading.item import DecodableItem
from codec.reports import FieldInfo, FileInfo, SectionInfo


def describe_file(source: str | os.PathLike[str] | bytes, limits: Limits) -> FileInfo:
    """See `codec.info`."""
    with FileContents(source, device="cpu", limits=limits) as file:
        sections, metadata = file.streams.sections, file.metadata
        # Only the heads are fetched of a file that is elsewhere.
        whole = not is_url(source)
        if whole:
            sections.check_all()
        decoders = file.decoders.values()
        return FileInfo(
            path="-" if isinstance(source, bytes) else os.fspath(source),
            file_bytes=file.file_bytes,
            field_bytes=sum(decoder.size * decoder.dtype.itemsize for decoder in decoders),
            format_version=file.streams.format_version,
            level=sections.level,
            medium=metadata.medium or "unknown",
            fields=tuple(_field_info(file, decoder) for decoder in decoders),
            sections=tuple(_section_infos(file, whole)),
            verbatim=tuple(_verbatim_row(*entry) for entry in metadata.verbatim.items()),
            made=metadata.made if sections.of_type("pROv") else None,
        )


def _verbatim_row(path: str, value: Any) -> tuple[str, str, tuple[int, ...]]:
    if isinstance(value, list):
        return path, "string", (len(value),)
    return path, str(value.dtype), value.shape


def _framed(section: Section) -> int:
    """Bytes of a section with its framing; the first also carries signature and header."""
    return section.end - section.start


def _field_info(file: FileContents, decoder: FieldDecoder) -> FieldInfo:
    architectures = dict.fromkeys(item.architecture.name for item in decoder.items)
    return FieldInfo(
        name=decoder.name,
        shape=decoder.shape,
        dims=decoder.dims,
        dtype=str(decoder.dtype),
        units=str(file.fields[decoder.name].attrs.get("units", "")),
        architecture="+".join(architectures),
        components=len(decoder.items[0].header.components),
        parameters=sum(item.coded_integers for item in decoder.items),
        model_bytes=sum(_model_bytes(item) for item in decoder.items),
        mask_bytes=_mask_bytes(file, decoder),
        bound=decoder.bound,
        tiles=len(decoder.items),
    )


def _model_bytes(item: DecodableItem) -> int:
    streams = item.streams
    masks = streams.sections.of_type("MASK")
    named = {index for _, index in item.header.tensor_masks}
    sections = [
        streams.sections.of_type("ITEM")[item.number],
        *(masks[index] for index in named if index < len(masks)),
        *streams.sections_of(item.number),
        *streams.sections_of(item.number, "RESD"),
    ]
    return sum(map(_framed, sections))


def _mask_bytes(file: FileContents, decoder: FieldDecoder) -> int:
    """Bytes of the field's validity masks, each counted for the first field that uses it."""
    first_users: dict[int, str] = {}
    for item in file.items:
        for component in item.header.components:
            if component.mask is not None:
                first_users.setdefault(component.mask, component.name)
    masks = file.streams.sections.of_type("MASK")
    return sum(
        _framed(masks[index])
        for index, name in first_users.items()
        if name == decoder.name and index < len(masks)
    )


def _section_infos(file: FileContents, whole: bool) -> list[SectionInfo]:
    counters: Counter[str] = Counter()
    infos = []
    for section in file.streams.sections.sections:
        content = describe_section(file, section, counters[section.type], whole=whole)
        counters[section.type] += 1
        infos.append(SectionInfo(section.type, _framed(section), content))
    return infos
