"""The index says what the sections say, and is believed no further than it can be checked."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

import codec
from codec.errors import CorruptError, FormatError
from codec.files.byte_sources import BytesSource
from codec.format.compression import compress, decompress
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.section_index import IndexEntry, decode_index, encode_index
from codec.format.sections import UNINDEXED_SECTIONS, SectionReader, SectionWriter
from codec.reading.contents import FileContents
from tests.building import Sections, edited, framed, fvsrn_file, split


class FarSource(BytesSource):
    """Bytes that pretend to be on another machine, and note what is read of them."""

    far = True

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[tuple[int, int]] = []

    def read_at(self, offset: int, size: int) -> bytes:
        self.reads.append((offset, size))
        return super().read_at(offset, size)


@pytest.fixture(scope="module")
def data(tiled_path: Path) -> bytes:
    return tiled_path.read_bytes()


def entries_of(data: bytes) -> list[IndexEntry]:
    name, attribute, stored = split(data)[1][-2]
    assert name == "tIDX"
    size, position = decode_uleb(stored)
    plain = stored if not attribute else decompress(attribute, stored[position:], size)
    return list(decode_index(plain))


def with_index(data: bytes, change: Callable[[list[IndexEntry]], object]) -> bytes:
    entries = entries_of(data)
    change(entries)

    def replace(sections: Sections) -> None:
        sections[-2] = ("tIDX", *compress(encode_index(entries)))

    return edited(data, replace)


def changed(entry: IndexEntry, **fields: object) -> IndexEntry:
    return IndexEntry(**{**vars(entry), **fields})  # type: ignore[arg-type]


def read_all(data: bytes, *, from_end: bool) -> None:
    with patch.object(BytesSource, "far", from_end), FileContents(data, device="cpu") as file:
        file.streams.sections.check_all()
        for field in file.fields.values():
            field[...]
        file.check_digest()


def test_the_index_lists_the_sections_with_digests_and_items(data: bytes) -> None:
    entries = entries_of(data)
    assert [(one.type, one.attribute, one.stored_bytes) for one in entries] == [
        (name, attribute, len(stored)) for name, attribute, stored in split(data)[1][:-2]
    ]
    for entry, (name, _, stored) in zip(entries, split(data)[1], strict=False):
        assert len(entry.digest) == (8 if name in ("MASK", "TENS") else 0)
        assert entry.item == (decode_uleb(stored)[0] if name == "TENS" else None)
    read_all(data, from_end=False)
    read_all(data, from_end=True)


@pytest.mark.parametrize("count", [UNINDEXED_SECTIONS, UNINDEXED_SECTIONS + 1])
def test_only_files_of_many_sections_have_an_index(count: int) -> None:
    stream = io.BytesIO()
    writer = SectionWriter(stream)
    writer.add("HEAD", b"\xa2\x00\x00\x01\x00")
    for _ in range(count - 1):
        writer.add("pADd", b"")
    writer.finish()
    names = [name for name, _, _ in split(stream.getvalue())[1]]
    assert names.count("tIDX") == (count > UNINDEXED_SECTIONS)
    for from_end in (False, True):
        assert (
            len(SectionReader(BytesSource(stream.getvalue()), from_end=from_end).sections) > count
        )


def test_from_the_end_the_same_sections_are_found_in_few_reads(data: bytes) -> None:
    source = FarSource(data)
    found = SectionReader(source, from_end=True)
    assert found.sections == SectionReader(BytesSource(data)).sections
    assert len(source.reads) < 8


def test_a_file_without_index_is_scanned_from_the_end_too() -> None:
    data = fvsrn_file((6, 5))
    found = SectionReader(FarSource(data), from_end=True)
    assert found.sections == SectionReader(BytesSource(data)).sections
    assert found.index == ()


def _grown(entries: list[IndexEntry]) -> None:
    entries[1] = changed(entries[1], stored_bytes=entries[1].stored_bytes + 1)
    entries[2] = changed(entries[2], stored_bytes=entries[2].stored_bytes - 1)


LYING_HEADS: dict[str, Callable[[list[IndexEntry]], object]] = {
    "one too few": lambda entries: entries.pop(1),
    "one too many": lambda entries: entries.append(IndexEntry("VERB", 0, 1)),
    "another type": lambda entries: entries.__setitem__(1, changed(entries[1], type="VERB")),
    "another attribute": lambda entries: entries.__setitem__(1, changed(entries[1], attribute=1)),
    "a byte moved to the next": _grown,
    "nothing": lambda entries: entries.clear(),
}


@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("change", LYING_HEADS.values(), ids=LYING_HEADS)
def test_idx_2_heads_that_differ_are_refused(
    data: bytes, change: Callable[[list[IndexEntry]], object], from_end: bool
) -> None:
    with pytest.raises(FormatError):
        read_all(with_index(data, change), from_end=from_end)


@pytest.mark.parametrize("kind", ["MASK", "TENS"])
def test_idx_2_a_digest_that_differs_is_refused_where_its_section_is_used(
    data: bytes, kind: str
) -> None:
    def change(entries: list[IndexEntry]) -> None:
        at = next(number for number, one in enumerate(entries) if one.type == kind)
        entries[at] = changed(entries[at], digest=b"wrong...")

    with codec.open(with_index(data, change), device="cpu") as file:
        with pytest.raises(CorruptError, match="do not match the index"):
            file["t"][...]
        # Another tile is not concerned.
        assert file["t"][40, 39, 35] == 2.5


def test_idx_2_another_item_for_a_section_is_refused(data: bytes) -> None:
    """Two tiles of one shape whose integers the index gives to each other."""

    def change(entries: list[IndexEntry]) -> None:
        first, second = (
            next(number for number, one in enumerate(entries) if one.item == item)
            for item in (1, 2)
        )
        entries[first] = changed(entries[first], item=2)
        entries[second] = changed(entries[second], item=1)

    with FileContents(with_index(data, change), device="cpu") as file:
        assert file.items[1].header.shape == file.items[2].header.shape
        with pytest.raises(CorruptError, match="names another item"):
            file.fields["t"][...]


def test_idx_1_the_index_is_the_section_before_the_end(data: bytes) -> None:
    def move(sections: Sections) -> None:
        sections.insert(1, sections.pop(-2))

    def repeat(sections: Sections) -> None:
        sections.insert(-1, sections[-2])

    for change in (move, repeat):
        with pytest.raises(CorruptError):
            codec.open(edited(data, change))


def with_end(data: bytes, index: int) -> bytes:
    """`data` with another place of the index in its ENDS; the total and checksums are right."""
    end = data.rindex(b"ENDS\0")
    _, position = decode_uleb(data, end + 6)
    _, position = decode_uleb(data, position)
    digest = data[position:-4]
    total = len(data)
    for _ in range(4):
        payload = encode_uleb(total) + encode_uleb(index) + digest
        made = data[:end] + framed("ENDS", 0, payload)
        total = len(made)
    return made


def test_end_4_the_end_knows_where_the_index_is(data: bytes) -> None:
    place = data.rindex(b"tIDX")
    assert with_end(data, place) == data
    for wrong in (0, place - 1, place + 1, data.index(b"ITEM")):
        for from_end in (False, True):
            with pytest.raises(FormatError):
                read_all(with_end(data, wrong), from_end=from_end)
    plain = fvsrn_file((6, 5))
    with pytest.raises(CorruptError, match="another place"):
        codec.open(with_end(plain, plain.index(b"TENS")))


def test_idx_1_an_index_that_lists_itself_is_not_before_the_end(data: bytes) -> None:
    def add(sections: Sections) -> None:
        entries = entries_of(data)
        size = len(encode_index(entries))
        own = next(
            n for n in range(size, size + 99) if size + len(IndexEntry("tIDX", 0, n).head) == n
        )
        sections[-2] = ("tIDX", 0, encode_index([*entries, IndexEntry("tIDX", 0, own)]))
        sections.insert(-1, ("pADd", 0, b""))

    with pytest.raises(CorruptError, match="not the section before ENDS"):
        codec.open(edited(data, add))


def test_a_damaged_index_is_refused(data: bytes) -> None:
    for stored in (b"", b"HEAD", b"HEAD\x07\x05", b"12AB\x00\x05", b"TENS\x00\x05digest"):

        def replace(sections: Sections, stored: bytes = stored) -> None:
            sections[-2] = ("tIDX", 0, stored)

        for from_end in (False, True):
            with pytest.raises(FormatError):
                read_all(edited(data, replace), from_end=from_end)
