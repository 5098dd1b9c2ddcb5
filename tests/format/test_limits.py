"""What a file asks for is checked against `Limits` before anything is allocated or computed."""

from __future__ import annotations

import dataclasses
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import pytest
import zstandard

import codec
from codec import Limits
from codec.coding.item_sections import encode_item
from codec.coding.mask_section import decode_mask_section
from codec.coding.write_file import FileParts
from codec.entropy.stream import ANS, RANGE, decode_stream
from codec.errors import CorruptError, FormatError, LimitError
from codec.files.byte_sources import BytesSource
from codec.format import cbor
from codec.format.compression import BROTLI, ZSTD, compress_frame, decompress
from codec.format.headers import Component, Dim, Item
from codec.format.leb128 import encode_uleb
from codec.format.section_count import at_most
from codec.format.sections import HEADER_BYTES
from codec.plugin_api.registry import architecture
from tests.building import (
    coded_mask,
    constant_file,
    edited,
    fvsrn_file,
    random_model,
    split,
    with_payload,
)

SHAPE = (6, 5)
VALID = np.arange(30).reshape(SHAPE) % 7 != 0
FILE = fvsrn_file(
    SHAPE, ("f4", "f4"), sparse=True, mask=coded_mask(VALID, np.full((~VALID).sum(), 3, "f4"))
)
# Its ITEM is its largest header by far.
LARGE_HEADERS = constant_file((2,) * 8)
BOMB_BYTES = 1 << 28
SECONDS = 0.5
BYTES = 16 << 20


def model_sizes() -> tuple[int, int]:
    """(entries of all tensors, multiply-adds per sample) of `FILE`'s model."""
    item = Item.from_bytes(split(FILE)[1][1][2])
    fvsrn = architecture("fvsrn")
    entries = sum(int(np.prod(spec.shape)) for spec in fvsrn.tensors(item.config, SHAPE, 2))
    return entries, fvsrn.multiply_adds(item.config, SHAPE, 2)


def read_all(data: bytes, limits: Limits) -> None:
    with codec.open(data, limits=limits, device="cpu", threads=1) as file:
        file.check_digest()
        _ = file.verbatim
        for view in file.values():
            view[...]


def check_boundary(data: bytes, field: str, needed: int) -> None:
    """`data` is read with the limit it needs, and refused with one less."""
    read_all(data, Limits(**{field: needed}))
    with pytest.raises(LimitError):
        read_all(data, Limits(**{field: needed - 1}))


@contextmanager
def cheaply() -> Iterator[None]:
    """What runs inside takes little time and memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        seconds = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < BYTES


def test_samples_are_limited() -> None:
    check_boundary(FILE, "max_samples", 60)


def test_parameters_are_limited() -> None:
    check_boundary(FILE, "max_parameters", model_sizes()[0])


def test_multiply_adds_are_limited() -> None:
    check_boundary(FILE, "max_multiply_adds", 30 * model_sizes()[1])


def test_sections_are_limited() -> None:
    check_boundary(FILE, "max_sections", len(split(FILE)[1]))
    padded = edited(FILE, lambda sections: sections.insert(1, ("pADd", 0, b"")))
    check_boundary(padded, "max_sections", len(split(FILE)[1]) + 1)


def test_many_small_sections_are_counted_exactly() -> None:
    """By their lengths, of one byte and of two, before anything is made of their heads."""
    extra = [("pADd", 0, b""), ("pADd", 0, bytes(200)), ("pADd", 0, bytes(5000))] * 600
    padded = edited(FILE, lambda sections: [sections[0], *extra, *sections[1:]])
    number = len(split(padded)[1])
    check_boundary(padded, "max_sections", number)
    source = BytesSource(padded)
    assert at_most(source, HEADER_BYTES, 10**9) == at_most(source, HEADER_BYTES, number) == number
    assert at_most(source, HEADER_BYTES, number - 1) == number
    assert at_most(source, HEADER_BYTES, 7) == 8


def test_metadata_bytes_are_limited() -> None:
    largest = max(len(stored) for name, _, stored in split(FILE)[1] if name in ("HEAD", "ITEM"))
    check_boundary(FILE, "max_metadata_bytes", largest)


def test_mask_samples_are_limited() -> None:
    """The validity mask has 30, the sparsity mask 25; all count together."""
    check_boundary(FILE, "max_mask_samples", 55)


@pytest.mark.parametrize("name", ["ITEM", "mETa", "pROv"])
@pytest.mark.parametrize("attribute", [0, 1, 2])
def test_decoded_metadata_bytes_are_limited(name: str, attribute: int) -> None:
    """Of each of these sections by itself, whatever it takes in the file."""
    payload = {"mETa": cbor.encode({0: "x" * 300}), "pROv": cbor.encode({3: "x" * 300})}.get(name)
    if payload is None:
        sections = split(LARGE_HEADERS)[1]
        payload = next(stored for kind, _, stored in sections if kind == name)
    stored = payload
    if attribute:
        stored = encode_uleb(len(payload)) + compress_frame(attribute, payload)
    if name == "ITEM":
        data = with_payload(LARGE_HEADERS, name, stored, attribute)
    else:
        data = edited(FILE, lambda sections: sections.insert(1, (name, attribute, stored)))

    def read(limits: Limits) -> None:
        with codec.open(data, limits=limits, device="cpu") as file:
            _ = file.made

    others = max(len(entry) for kind, _, entry in split(data)[1] if kind in ("HEAD", "ITEM"))
    most = max(len(payload), 0 if name == "ITEM" else others)
    read(Limits(max_metadata_bytes=most))
    with pytest.raises(LimitError):
        read(Limits(max_metadata_bytes=most - 1))


@pytest.mark.parametrize("name", ["TENS", "MASK"])
def test_payloads_of_integers_have_the_limit_of_verbatim_bytes(name: str) -> None:
    largest = max(len(stored) for kind, _, stored in split(FILE)[1] if kind in ("TENS", "MASK"))
    check_boundary(FILE, "max_verbatim_bytes", largest)
    packed = encode_uleb(10 * largest) + compress_frame(ZSTD, bytes(10 * largest))
    with pytest.raises(LimitError):
        read_all(
            with_payload(FILE, name, packed, ZSTD), Limits(max_verbatim_bytes=10 * largest - 1)
        )


@pytest.mark.parametrize("field", ["max_samples", "max_multiply_adds", "max_parameters"])
def test_items_count_together(field: str) -> None:
    parts = FileParts()
    for number in range(3):
        parts.add_item(_network(number))
    data = parts.to_bytes(1)
    fvsrn = architecture("fvsrn")
    model = random_model((4, 4))
    entries = sum(int(np.prod(one.shape)) for one in fvsrn.tensors(model.config, (4, 4), 1))
    each = {
        "max_samples": 16,
        "max_multiply_adds": 16 * fvsrn.multiply_adds(model.config, (4, 4), 1),
        "max_parameters": entries,
    }
    check_boundary(data, field, 3 * each[field])


def _network(number: int) -> Any:
    return encode_item(
        number,
        architecture("fvsrn"),
        random_model((4, 4)),
        [Component(f"v{number}", "f4", 0.0, 1.0)],
        [Dim(4), Dim(4)],
        first_mask=0,
        coder="auto",
    )


def test_cbor_items_and_depth_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cbor, "MAX_ITEMS", 10)
    assert cbor.decode(cbor.encode([0] * 9)) == [0] * 9
    assert cbor.decode(cbor.encode({0: 1, 1: {2: 3, 3: [4]}}))
    for value in ([0] * 10, [[0] * 4, [0] * 4, 0], dict.fromkeys(range(5), 0)):
        with pytest.raises(LimitError):
            cbor.decode(cbor.encode(value))
    depth = cbor.MAX_DEPTH
    assert cbor.decode(b"\x81" * 8 + b"\x00")
    monkeypatch.undo()
    assert cbor.decode(b"\x81" * depth + b"\x00")
    with pytest.raises(CorruptError):
        cbor.decode(b"\x81" * (depth + 1) + b"\x00")


def test_every_limit_has_a_test_at_its_boundary() -> None:
    """Somebody who adds a limit adds its test."""
    source = Path(__file__).read_text(encoding="utf-8")
    for field in dataclasses.fields(Limits):
        assert f'check_boundary(FILE, "{field.name}"' in source or f'data, "{field.name}"' in source


@pytest.mark.parametrize("attribute", [0, 1, 2])
def test_verbatim_bytes_are_limited(attribute: int) -> None:
    payload = cbor.encode([["x", [200], ["text"] * 200]])
    stored = payload
    if attribute:
        stored = encode_uleb(len(payload)) + compress_frame(attribute, payload)
    data = edited(FILE, lambda sections: sections.insert(1, ("VERB", attribute, stored)))
    check_boundary(data, "max_verbatim_bytes", len(payload))


def test_verbatim_bytes_count_all_sections_together() -> None:
    payloads = [cbor.encode([[name, [200], ["text"] * 200]]) for name in "xyz"]

    def insert(sections: list[Any]) -> None:
        sections[1:1] = [("VERB", 0, payload) for payload in payloads]

    check_boundary(edited(FILE, insert), "max_verbatim_bytes", 3 * len(payloads[0]))


def test_an_error_names_what_was_declared_and_what_is_allowed() -> None:
    with pytest.raises(LimitError, match=r"60 samples.* 59"):
        read_all(FILE, Limits(max_samples=59))


@pytest.mark.parametrize("level", [1, 2])
def test_the_levels_are_those_of_the_format(level: int) -> None:
    exponents = ((28, 24, 38, 12, 24, 28, 28), (40, 28, 50, 20, 28, 40, 40))[level - 1]
    assert Limits.level(level) == Limits(*(2**exponent for exponent in exponents))


def test_there_is_no_third_level() -> None:
    with pytest.raises(ValueError, match="level 3"):
        Limits.level(3)


@pytest.mark.parametrize("shape", [(10**4, 10**4, 10**4), (10**12,), (2**48,) * 8])
def test_a_trillion_samples_are_refused_at_once(shape: tuple[int, ...]) -> None:
    parts = FileParts()
    parts.add_item(_sections(shape))
    data = parts.to_bytes(2)
    for call in (codec.open, codec.info):
        with cheaply(), pytest.raises(LimitError):
            call(data)


def _sections(shape: tuple[int, ...]) -> Any:
    from codec.coding.item_sections import ItemSections

    item = Item((Component("v", "f4", 0.0, 0.0),), tuple(map(Dim, shape)), 0, 1, {})
    return ItemSections(item.to_bytes(), (), b"")


def test_a_huge_network_is_refused_at_once() -> None:
    """65536^4 grid nodes of 1024 features in front of a network of 64 layers."""
    fields = cbor.decode(split(fvsrn_file((2, 2, 2, 2)))[1][1][2])
    fields[2][2] = {0: [65536] * 4, 1: 1024, 2: 4096, 3: 64, 4: 16}
    fields[3] = [1.0] * 131
    data = with_payload(fvsrn_file((2, 2, 2, 2)), "ITEM", cbor.encode(fields))
    with cheaply(), pytest.raises(LimitError):
        codec.open(data)


def bomb(attribute: int) -> bytes:
    """`BOMB_BYTES` zeros in a few kilobytes."""
    zeros = bytes(1 << 20)
    if attribute == BROTLI:
        maker = brotli.Compressor(quality=5)
        pieces = [maker.process(zeros) for _ in range(BOMB_BYTES >> 20)]
        return b"".join([*pieces, maker.finish()])
    maker = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join([*(maker.compress(zeros) for _ in range(BOMB_BYTES >> 20)), maker.flush()])


@pytest.fixture(scope="module", params=[ZSTD, BROTLI], ids=["zstd", "brotli"])
def bombs(request: pytest.FixtureRequest) -> tuple[int, bytes]:
    frame = bomb(request.param)
    assert len(frame) < 1 << 16
    return request.param, frame


@pytest.mark.parametrize("name", ["HEAD", "ITEM"])
def test_a_bomb_that_tells_its_size_is_over_the_limit(bombs: tuple[int, bytes], name: str) -> None:
    attribute, frame = bombs
    data = with_payload(FILE, name, encode_uleb(BOMB_BYTES) + frame, attribute)
    with cheaply(), pytest.raises(LimitError):
        codec.open(data)


@pytest.mark.parametrize("declared", [0, 1, 100, 1 << 20])
def test_a_bomb_that_lies_about_its_size_is_stopped_there(
    bombs: tuple[int, bytes], declared: int
) -> None:
    attribute, frame = bombs
    with cheaply(), pytest.raises(CorruptError):
        decompress(attribute, frame, declared)
    data = with_payload(FILE, "ITEM", encode_uleb(declared) + frame, attribute)
    with cheaply(), pytest.raises(CorruptError):
        codec.open(data)


def test_a_frame_that_declares_a_huge_content_is_stopped() -> None:
    """zstd frames may carry a size of their own, which nothing may trust."""
    frame = bytearray(zstandard.ZstdCompressor(write_content_size=True).compress(b"x" * 300))
    with cheaply():
        for place in range(len(frame)):
            for value in (0x00, 0xE0, 0xFF):
                changed = bytearray(frame)
                changed[place] = value
                try:
                    assert decompress(ZSTD, bytes(changed), 300) is not None
                except FormatError:
                    continue


@pytest.mark.parametrize("coder", [ANS, RANGE])
@pytest.mark.parametrize("model", ["static", "laplace"])
def test_the_number_of_symbols_never_follows_from_the_data(coder: int, model: str) -> None:
    """2^40 symbols in 0 bytes are legal for an entropy coder; the limit is all there is."""
    count = encode_uleb(1 << 40)
    if model == "static":
        stream = bytes([coder]) + count + b"\x00\x00\x02\x00" + b"\xa0" + b"\x00"
    else:
        stream = bytes([coder]) + count + b"\x01\x01\x05" + b"\x01\x00"
    with cheaply(), pytest.raises(LimitError):
        decode_stream(stream, 0, Limits())


@pytest.mark.parametrize("coder", [0, 1, 2, 3, 4])
def test_every_coder_checks_the_count_first(coder: int) -> None:
    with cheaply(), pytest.raises(LimitError):
        decode_stream(bytes([coder]) + encode_uleb(2**63 - 1), 0, Limits())
    with pytest.raises(LimitError):
        decode_stream(bytes([coder]) + encode_uleb(11), 0, Limits(max_parameters=10))


def test_streams_count_together() -> None:
    """Many streams of a count below the limit each do not get around it."""
    stream = b"\x00" + encode_uleb(1 << 16) + b"\x00\x00\x00"
    data = with_payload(FILE, "TENS", b"\x00" + stream * 2000)
    with cheaply(), pytest.raises(FormatError):
        read_all(data, Limits(max_parameters=1 << 17))


def test_tens_sections_count_together() -> None:
    stream = b"\x00\x00" + encode_uleb(1 << 16) + b"\x00\x00\x00"

    def insert(sections: list[Any]) -> None:
        sections[1:1] = [("TENS", 0, stream)] * 200

    with cheaply(), pytest.raises(FormatError):
        read_all(edited(FILE, insert), Limits(max_parameters=1 << 17))


@pytest.mark.parametrize("method", [0, 1])
def test_a_huge_mask_is_refused_at_once(method: int) -> None:
    payload = b"\x01\x02" + encode_uleb(2**40) * 2 + bytes([3, method]) + b"\x01\x00"
    with cheaply(), pytest.raises(LimitError):
        decode_mask_section(payload, Limits())


@pytest.mark.parametrize(
    "shape", [[2**64 - 1, 0], [2**63, 0], [0, 2**62], [2**40], [2**32, 2**32], [0] * 32, [0]]
)
def test_a_verbatim_variable_holds_what_its_shape_says(shape: list[int]) -> None:
    payload = cbor.encode([["x", 8, shape, 0, b""]])
    data = edited(FILE, lambda sections: sections.insert(1, ("VERB", 0, payload)))
    with cheaply():
        try:
            read_all(data, Limits())
            assert 0 in shape
        except FormatError:
            assert shape != [0]


@pytest.mark.parametrize("call", [codec.open, codec.info], ids=["open", "info"])
def test_a_length_beyond_the_file_is_no_reason_to_allocate(call: Callable[..., Any]) -> None:
    head = FILE[:12] + b"HEAD\x00" + encode_uleb(2**62)
    with cheaply(), pytest.raises(FormatError):
        call(head + zlib.crc32(head).to_bytes(4, "little"))


def test_deep_and_wide_cbor_is_refused_at_once() -> None:
    for payload in (b"\x81" * 1_000_000, b"\x9a\xff\xff\xff\xff", b"\xbb" + b"\xff" * 8):
        with cheaply(), pytest.raises(CorruptError):
            codec.open(with_payload(constant_file(), "ITEM", payload))
