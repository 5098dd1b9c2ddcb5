"""The one module of a type of section that exists in tests alone: names of the variables."""

from __future__ import annotations

from codec.errors import CorruptError
from codec.format import cbor
from codec.format.provenance import Provenance
from codec.format.section_types import Copier, SectionType
from codec.format.sections import Section
from codec.media.described import Described
from codec.reading.contents import FileContents

NAME = "toYs"


def encode(described: Described, made: Provenance | None) -> list[bytes]:
    """One payload: the medium, and the names of the verbatim variables."""
    return [cbor.encode([described.medium, sorted(described.verbatim)])]


def read(file: FileContents, section: Section) -> tuple[str, list[str]]:
    """Medium and names.

    Raises:
        CorruptError: the payload is not a medium and its names.
    """
    content = cbor.decode(file.streams.sections.read(section))
    if not isinstance(content, list) or len(content) != 2:
        raise CorruptError("the toy is not a pair", section=NAME)
    return content[0], content[1]


def check(file: FileContents, section: Section) -> None:
    """Compare the medium with that of the metadata.

    Raises:
        CorruptError: it is another one.
    """
    if read(file, section)[0] != file.metadata.medium:
        raise CorruptError("the toy is of another medium", section=NAME)


def describe(file: FileContents, section: Section, number: int, *, whole: bool) -> str:
    """Number of names."""
    medium, names = read(file, section)
    return f"toy {number} of {medium}, {len(names)} name(s)"


def row(**changes: object) -> SectionType:
    """The one row of the type."""
    facts: dict[str, object] = {
        "name": NAME,
        "at_most_once": True,
        "limit": "metadata_bytes",
        "copied_by": frozenset({Copier.TRANSCODE, Copier.REPAIR}),
        "encode": f"{__name__}:encode",
        "check": f"{__name__}:check",
        "describe": f"{__name__}:describe",
    }
    return SectionType(**(facts | changes))  # type: ignore[arg-type]
