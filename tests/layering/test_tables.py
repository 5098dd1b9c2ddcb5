"""Functions that the tables of media and of section types name by text are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from codec.format.section_types import SECTION_TYPES, handler
from codec.media.table import MEDIA


def references(row: object) -> Iterator[str]:
    """Texts of the form module:name in the attributes of a row."""
    for field in fields(row):  # type: ignore[arg-type]
        value = getattr(row, field.name)
        if isinstance(value, str) and value.startswith("codec.") and ":" in value:
            yield value


SECTIONS = sorted({text for row in SECTION_TYPES.values() for text in references(row)})
MEDIA_PARTS = sorted({text for row in MEDIA.values() for text in references(row)})


@pytest.mark.parametrize("reference", [*SECTIONS, *MEDIA_PARTS])
def test_a_name_in_a_row_resolves(reference: str) -> None:
    assert handler(reference) is not None


def test_both_tables_name_functions() -> None:
    assert len(SECTIONS) > 8
    assert len(MEDIA_PARTS) > 20


def test_a_name_that_is_not_there_is_found() -> None:
    with pytest.raises(AttributeError):
        handler("codec.media.netcdf.read:nothing_of_the_kind")
