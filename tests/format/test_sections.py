"""The outermost layer: signature, header, sections, end."""

from __future__ import annotations

import io

import brotli
import pytest
import zstandard

import codec
from codec.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.sections import SectionWriter
from codec.reading.contents import FileContents
from tests import building
from tests.building import Sections, constant_file, edited, fvsrn_file, join, split

FILE = fvsrn_file((6, 5))


def check(data: bytes) -> None:
    """Everything that `inrc verify` does with a file alone."""
    with FileContents(data, device="cpu", threads=1) as file:
        file.streams.sections.check_all()
        file.check_digest()
        _ = file.metadata.verbatim
        for field in file.fields.values():
            field[...]


def headed(data: bytes, **changes: int) -> bytes:
    places = {"major": 8, "minor": 9, "level": 10, "flags": 11}
    header, sections = split(data)
    changed = bytearray(header)
    for name, value in changes.items():
        changed[places[name]] = value
    return join(bytes(changed), sections)


def inserted(name: str, payload: bytes = b"", *, at: int = 1, attribute: int = 0) -> bytes:
    return edited(FILE, lambda sections: sections.insert(at, (name, attribute, payload)))


def test_taking_a_file_apart_and_joining_it_changes_nothing() -> None:
    assert join(*split(FILE)) == FILE
    check(FILE)


@pytest.mark.parametrize("change", [1, 0x80])
@pytest.mark.parametrize("place", range(8))
def test_file_1_another_signature_is_no_inrc_file(place: int, change: int) -> None:
    damaged = bytearray(FILE)
    damaged[place] ^= change
    with pytest.raises(CorruptError, match="not an"):
        codec.open(bytes(damaged))


@pytest.mark.parametrize("data", [b"CDF\x01", b"\x93NUMPY", b"GIF89a" * 10, b"\n", b"\x89PNG\r\n"])
def test_file_1_other_formats_are_no_inrc_files(data: bytes) -> None:
    with pytest.raises(CorruptError, match="not an"):
        codec.open(data)


@pytest.mark.parametrize("major", [0, 2, 255])
def test_file_2_another_major_is_unsupported_whatever_follows(major: int) -> None:
    for data in (headed(FILE, major=major), headed(FILE, major=major)[:12] + b"\xff" * 9):
        with pytest.raises(UnsupportedError) as caught:
            codec.open(data)
        assert caught.value.offset == 8


@pytest.mark.parametrize("minor", [1, 7, 255])
def test_file_3_a_higher_minor_is_read(minor: int) -> None:
    check(headed(FILE, minor=minor))
    with codec.open(headed(FILE, minor=minor)) as file:
        assert file.format_version == f"1.{minor}"


@pytest.mark.parametrize("level", [0, 3, 255])
def test_file_4_another_level_is_unsupported(level: int) -> None:
    with pytest.raises(UnsupportedError):
        codec.open(headed(FILE, level=level))


def test_file_4_both_levels_are_read() -> None:
    check(headed(FILE, level=1))
    check(headed(FILE, level=2))


@pytest.mark.parametrize("bit", range(8))
def test_file_5_every_flag_is_unsupported(bit: int) -> None:
    with pytest.raises(UnsupportedError):
        codec.open(headed(FILE, flags=1 << bit))


def test_file_6_head_comes_first() -> None:
    def swap(sections: Sections) -> None:
        sections[0], sections[1] = sections[1], sections[0]

    with pytest.raises(CorruptError):
        codec.open(edited(FILE, swap))
    with pytest.raises(CorruptError):
        codec.open(edited(FILE, lambda sections: sections.pop(0) and None))
    with pytest.raises(CorruptError):
        codec.open(inserted("pROv", at=0))


@pytest.mark.parametrize("tail", [b"\0", b"x" * 5, FILE])
def test_file_6_nothing_follows_the_end(tail: bytes) -> None:
    with pytest.raises(CorruptError):
        codec.open(FILE + tail)


def test_file_7_without_an_end_the_file_is_truncated() -> None:
    with pytest.raises(TruncatedError):
        codec.open(edited(FILE, lambda sections: sections.pop() and None))


@pytest.mark.parametrize("letters", ["IT3M", "ITéM", "IT M", "ITeM", "\0\0\0\0", "ITEm\xff"[1:5]])
def test_sec_1_types_are_letters_and_the_third_is_upper_case(letters: str) -> None:
    with pytest.raises(FormatError) as caught:
        codec.open(inserted(letters))
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize("name", ["xXXX", "xxXx", "tHMb", "pADd", "iTEM", "hEAD"])
def test_sec_2_unknown_ancillary_sections_are_skipped(name: str) -> None:
    for at in range(1, len(split(FILE)[1])):
        data = inserted(name, b"anything", at=at)
        check(data)
        assert codec.info(data).sections[at].content == "unknown, skipped"


@pytest.mark.parametrize("name", ["XXXX", "XxXx", "TABL", "META", "ITEm", "HeAD"])
def test_sec_2_unknown_critical_sections_are_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        codec.open(inserted(name, b"anything"))
    assert caught.value.section == name


def test_sec_4_the_checksum_is_looked_at_before_an_unknown_type_is_unsupported() -> None:
    for name in ("XXXX", "xXXX"):
        data = bytearray(inserted(name, b"anything"))
        data[data.index(b"anything")] ^= 1
        with pytest.raises(CorruptError, match="checksum"):
            codec.open(bytes(data))


def test_sec_4_the_first_checksum_covers_the_header() -> None:
    damaged = bytearray(FILE)
    damaged[9] ^= 1
    with pytest.raises(CorruptError, match="checksum"):
        codec.open(bytes(damaged))


def test_sec_4_a_wrong_checksum_in_any_section_is_found() -> None:
    position = building.HEADER_BYTES
    for name, _, stored in split(FILE)[1]:
        position += 5 + len(encode_uleb(len(stored))) + len(stored) + 4
        damaged = bytearray(FILE)
        damaged[position - 1] ^= 0x10
        with pytest.raises(CorruptError) as caught:
            check(bytes(damaged))
        assert caught.value.section == name
    assert position == len(FILE)


@pytest.mark.parametrize("attribute", [3, 4, 255])
def test_sec_5_other_attributes_are_refused(attribute: int) -> None:
    with pytest.raises(CorruptError):
        codec.open(inserted("xXXX", attribute=attribute))


def frame(attribute: int, payload: bytes) -> bytes:
    if attribute == 2:
        return bytes(brotli.compress(payload))
    return zstandard.ZstdCompressor(write_content_size=False).compress(payload)


@pytest.mark.parametrize("attribute", [1, 2])
def test_sec_5_compressed_payloads_are_read_in_any_section(attribute: int) -> None:
    def squeeze(sections: Sections) -> None:
        sections[:] = [
            (name, attribute, encode_uleb(len(stored)) + frame(attribute, stored))
            if name != "ENDS"
            else (name, 0, stored)
            for name, _, stored in sections
        ]

    check(edited(FILE, squeeze))


def refused(data: bytes) -> bool:
    try:
        codec.open(data)
    except (CorruptError, TruncatedError):
        return True
    return False


@pytest.mark.parametrize("attribute", [1, 2])
def test_sec_5_a_frame_holds_what_it_declares_and_nothing_follows(attribute: int) -> None:
    payload = split(FILE)[1][1][2]
    good = frame(attribute, payload)
    size = encode_uleb(len(payload))
    check(building.with_payload(FILE, "ITEM", size + good, attribute))
    bad = {
        "declares one byte less": encode_uleb(len(payload) - 1) + good,
        "declares one byte more": encode_uleb(len(payload) + 1) + good,
        "a byte follows": size + good + b"\0",
        "a frame follows": size + good + frame(attribute, b""),
        "cut short": size + good[:-1],
        "no frame": size,
        "no size": b"",
        "size in a longer form": bytes([size[0] | 0x80, 0]) + good,
        "noise": size + b"\x55" * 20,
    }
    for what, stored in bad.items():
        data = building.with_payload(FILE, "ITEM", stored, attribute)
        assert refused(data), what


@pytest.mark.parametrize("name", ["HEAD", "mETa", "ENDS"])
def test_sec_6_some_sections_stand_once(name: str, tiny_file: bytes) -> None:
    def repeat(sections: Sections) -> None:
        index = [section[0] for section in sections].index(name)
        sections.insert(index, sections[index])

    with pytest.raises(CorruptError):
        check(edited(tiny_file, repeat))


@pytest.mark.parametrize("payload", [b"\xff", b"", b"\xa0", b"\x00", b"\xa1\x00\x01"])
def test_sec_7_an_error_inside_an_ancillary_section_is_no_obstacle(payload: bytes) -> None:
    """SHOULD be a warning: the fields are still whole."""
    check(inserted("mETa", payload, at=len(split(FILE)[1]) - 1))


@pytest.mark.parametrize("change", [-1, 1, 128])
def test_end_1_the_total_is_the_length_of_the_file(change: int) -> None:
    header, sections = split(FILE)
    total, position = decode_uleb(sections[-1][2])
    wrong = encode_uleb(total + change) + sections[-1][2][position:]
    body = b""
    for index, (name, attribute, stored) in enumerate([*sections[:-1], ("ENDS", 0, wrong)]):
        body += building.framed(name, attribute, stored, header if index == 0 else b"")
    with pytest.raises(CorruptError):
        codec.open(body)


@pytest.mark.parametrize("size", [0, 1, 7, 9, 15, 31, 33])
def test_end_2_other_sizes_of_the_digest_are_refused(size: int) -> None:
    with pytest.raises(CorruptError):
        codec.open(building.with_payload(FILE, "ENDS", b"\0\0" + b"d" * size))


@pytest.mark.parametrize("size", [8, 16, 32])
def test_end_3_every_size_of_the_digest_is_compared(size: int) -> None:
    data = building.with_payload(FILE, "ENDS", b"\0\0" + b"d" * size)
    with codec.open(data) as file, pytest.raises(CorruptError, match="digest"):
        file.check_digest()


@pytest.mark.parametrize("level", [1, 2])
def test_the_total_is_right_at_every_length(level: int) -> None:
    """The total counts its own bytes, whose number depends on it."""
    for size in [*range(60, 140), *range(16_300, 16_400)]:
        stream = io.BytesIO()
        writer = SectionWriter(stream, level)
        writer.add("HEAD", b"x" * size)
        assert writer.finish() == len(stream.getvalue())
        total, _ = decode_uleb(split(stream.getvalue())[1][-1][2])
        assert total == len(stream.getvalue())


def test_a_file_of_one_constant_field_is_small() -> None:
    """Rate is the product: framing and headers stay under 100 bytes."""
    assert len(constant_file((240, 360))) < 100
