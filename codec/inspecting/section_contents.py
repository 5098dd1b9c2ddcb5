"""Contents of sections in words; the rows of `codec.format.section_types` name these functions."""

from __future__ import annotations

from codec.coding.mask_section import CodedMask
from codec.entropy.stream import summarise_stream
from codec.format.leb128 import decode_uleb
from codec.format.section_types import handler
from codec.format.sections import Section
from codec.options.encode import Goal
from codec.reading.contents import FileContents
from codec.reading.item import DecodableItem


def describe_section(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Contents of a section.

    Args:
        number: number of the section among those of its type.
        whole: whether the payload may be read even if it is large.
    """
    words: str = handler(section.row.describe)(file, section, number, whole=whole)
    return words


def check_section(file: FileContents, section: Section) -> None:
    """Check a payload by the rules for its type.

    Raises:
        FormatError: the payload breaks one.
    """
    if section.row.check:
        handler(section.row.check)(file, section)


def check_metadata(file: FileContents, section: Section) -> None:
    """Check the metadata against the fields of the file."""
    del section
    file.metadata.check()


def describe_unknown(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """The words for a type that the table of types does not have."""
    return "unknown, skipped"


def describe_head(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Kind and number of models."""
    head = file.streams.head
    return f"{head.kind}, {head.items} item(s), with the file's first 12 bytes"


def describe_item(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Architecture and components of a model, and where it lies in its field."""
    item: DecodableItem = file.items[number]
    names = ", ".join(component.name for component in item.header.components)
    place = f" from {list(item.header.origin)}" if item.header.origin is not None else ""
    if item.header.overlap:
        place += f" overlap {list(map(list, item.header.overlap))}"
    return f"{item.architecture.name}: {names}{place}"


def describe_mask(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Purpose and share of set samples of a mask."""
    # Masks of tiles are many, and each would have to be decoded.
    if not whole or any(model.is_tile for model in file.items):
        return f"mask {number}"
    coded: CodedMask = file.streams.masks.decoded(number)
    purpose = "sparsity" if coded.patterns is None else "validity"
    return f"mask {number}, {purpose}, {float(coded.mask.mean()):.1%} set"


def describe_integers(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Item and streams of a section of integers."""
    if not whole:
        return "integers"
    payload = file.streams.sections.read(section)
    item, position = decode_uleb(payload)
    streams = []
    while position < len(payload):
        summary, position = summarise_stream(payload, position)
        name = " ".join(filter(None, (summary.coder, summary.model)))
        streams.append(f"{summary.count} in {name}")
    return f"item {item}: {', '.join(streams)}"


def describe_verbatim(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Compression of variables kept verbatim."""
    return f"variables kept verbatim{_compression(section)}"


def describe_metadata(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Medium that the metadata are of."""
    return f"metadata of {file.metadata.medium}{_compression(section)}"


def describe_provenance(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Goal, effort and encoder of the file."""
    made = file.metadata.made
    parts = []
    if made.goal is not None:
        parts.append(Goal.of(*made.goal).describe())
    if made.effort is not None:
        parts.append(f"effort {made.effort}")
    if made.encoder:
        parts.append(made.encoder)
    if made.losses:
        parts.append(f"repaired, {len(made.losses)} losses")
    return f"how it was made: {', '.join(parts)}" if parts else "how it was made, unknown"


def describe_index(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Number of sections in the index."""
    return f"index of {len(file.streams.sections.index)} sections{_compression(section)}"


def describe_end(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Size of the digest."""
    return f"length and {8 * len(file.streams.sections.digest)}-bit digest"


def _compression(section: Section) -> str:
    return ("", ", zstd", ", brotli")[section.attribute]
