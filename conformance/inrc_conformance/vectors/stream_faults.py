"""Malformed vectors of streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..builders.file import File, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.streams import (
    Ints,
    ans_encode,
    compress,
    declaring_zstd,
    entropy_encode,
    golomb,
    intervals,
    laplace_data,
    laplace_parameters,
    pack_bits,
    range_encode,
    raw_stream,
    static_parameters,
    stored_zstd,
    stream,
    uleb,
    zigzag,
)
from ..decoder.tables import laplace_table, static_table
from .case import Case, case

MODEL = Fvsrn(seed=80)
VALUES = MODEL.integers()
COUNT = len(VALUES)


def _tens(name: str, spec: str, data: bytes, values: Sequence[int] = VALUES) -> Case:
    """A file whose only fault is in its one stream."""
    file = File().item(MODEL.header()).tens([data], values)
    return case("streams", name, file, spec, "malformed")


def stream_faults() -> list[Case]:
    """Faults of all coders and models."""
    return [
        *_raw_faults(),
        *_byte_faults(),
        *_static_faults(),
        *_laplace_faults(),
        *_coder_faults(),
    ]


def _raw_faults() -> list[Case]:
    small_values = [v % 2 for v in VALUES]
    ones = [1] * COUNT
    bits = "".join(map(str, small_values))
    data = pack_bits(bits)
    padded = pack_bits(bits + "1") if COUNT % 8 else data + b"\1"
    wrapped = [-(2**31)] * COUNT
    narrow = uleb(0) + b"\1"
    wide = b"".join((1).to_bytes(5, "big") for _ in ones)
    return [
        _tens("raw-data-too-long", "STR-2", stream(0, COUNT, narrow, data + b"\0"), small_values),
        _tens("raw-data-too-short", "STR-2", stream(0, COUNT, narrow, data[:-1]), small_values),
        _tens("raw-padding-1", "STR-2", stream(0, COUNT, narrow, padded), small_values),
        _tens("raw-width-40", "STR-2", stream(0, COUNT, uleb(0) + b"\x28", wide), ones),
        _tens("raw-integer-2-31", "STR-4", raw_stream([2**31] * COUNT, 2**31, 0), wrapped),
        _tens("raw-size-past-end", "FILE-8", stream(0, COUNT, narrow, data)[:-1], small_values),
        _tens(
            "raw-offset-not-shortest", "NUM-1", stream(0, COUNT, b"\x80\0\1", data), small_values
        ),
    ]


def _byte_faults() -> Iterator[Case]:
    content = b"".join(v.to_bytes(1, "little", signed=True) for v in VALUES)
    for coder, name in ((3, "zstd"), (4, "brotli")):
        frame = compress(coder - 2, content)
        short = compress(coder - 2, content[:-1])
        long = compress(coder - 2, content + b"\0")
        triple = b"".join(v.to_bytes(3, "little", signed=True) for v in VALUES)
        for fault, data, width in (
            ("byte-after", frame + b"\0", 1),
            ("holds-less", short, 1),
            ("holds-more", long, 1),
            ("truncated", frame[:-1], 1),
            ("width-3", compress(coder - 2, triple), 3),
            ("width-0", compress(coder - 2, b""), 0),
        ):
            broken = stream(coder, COUNT, bytes([width]), data)
            yield _tens(f"{name}-{fault}", "STR-3", broken)
    frames = {
        "wrong-checksum": stored_zstd(content, b"\1\2\3\4"),
        "frame-declares-less": declaring_zstd(content, COUNT - 1),
        "frame-declares-more": declaring_zstd(content, COUNT + 1),
    }
    for fault, frame in frames.items():
        yield _tens(f"zstd-{fault}", "STR-3 SEC-5", stream(3, COUNT, b"\1", frame))


def _static_faults() -> list[Case]:
    """Tables that TAB-1 forbids, and integers that STR-4 forbids."""
    zeros = [0] * COUNT

    def parameters(offset: int, n: int, order: int, codes: bytes) -> bytes:
        return b"\0" + uleb(zigzag(offset)) + uleb(n) + bytes([order]) + codes

    good = golomb([3, 1], 0)
    many = golomb([3, 1, *[0] * 65535], 0)
    deep = "0" * 33 + format(2**33 + 1, "b") + "1"
    top = golomb([2**32, 1], 0)
    codes: dict[str, bytes] = {
        "table-of-1": parameters(0, 1, 0, pack_bits(golomb([3], 0))),
        "table-of-0": parameters(0, 0, 0, b""),
        "table-of-65537": parameters(0, 65537, 0, pack_bits(many)),
        "order-8": parameters(0, 2, 8, pack_bits(golomb([3, 1], 8))),
        "code-with-33-zeros": parameters(0, 2, 0, pack_bits(deep)),
        "count-2-32": parameters(0, 2, 0, pack_bits(top)),
        "counts-all-0": parameters(0, 2, 0, pack_bits(golomb([0, 0], 0))),
        "padding-1": parameters(0, 2, 0, pack_bits(golomb([3, 0], 0) + "1")),
    }
    out = [_tens(f"static-{n}", "TAB-1", stream(1, COUNT, p, b""), zeros) for n, p in codes.items()]
    over = parameters(2**31, 2, 0, pack_bits(good))
    wrapped = [-(2**31)] * COUNT
    out.append(_tens("static-integer-2-31", "STR-4", stream(1, COUNT, over, b""), wrapped))
    return out


def _laplace_faults() -> Iterator[Case]:
    """Segments, words, low bits and escapes that LAP-1 and LAP-3 forbid."""
    longer = b"\1" + uleb(2) + bytes([12]) + uleb(COUNT + 1) + bytes([12])
    for coder, name in ((1, "ans"), (2, "range")):
        part, shifted = [(12, VALUES)], [(30, VALUES)]
        coded, _, escapes = laplace_data(coder, part)
        body = uleb(len(coded) // 4) + coded + escapes
        parameters = laplace_parameters(part)
        words = laplace_data(coder, shifted)[0]
        no_low_bits = uleb(len(words) // 4) + words
        faults = {
            "class-64": ("LAP-1", b"\1\1\x40", body),
            "lengths-above-count": ("LAP-1", longer, body),
            "no-segments": ("LAP-1", b"\1\0", b"\0"),
            "byte-after-escapes": ("LAP-3", parameters, body + b"\0"),
            "words-past-end": ("FILE-8 LAP-3", parameters, uleb(len(body)) + coded),
            "low-bits-missing": ("FILE-8 LAP-3", laplace_parameters(shifted), no_low_bits),
        }
        for fault, (spec, head, data) in faults.items():
            yield _tens(f"{name}-laplace-{fault}", spec, stream(coder, COUNT, head, data))
        yield from _escape_faults(coder, name)


def _escape_faults(coder: int, name: str) -> Iterator[Case]:
    """Streams of escapes alone, and padding behind the low bits."""
    parameters = laplace_parameters([(0, VALUES)])
    words = entropy_encode(coder, intervals(laplace_table(0), [9] * COUNT))
    front, zeros = uleb(len(words) // 4) + words, uleb(0) * (COUNT - 1)
    faults: dict[str, tuple[str, bytes, Ints]] = {
        "2-31": ("STR-4", uleb(zigzag(2**31)) + zeros, [-(2**31), *[0] * (COUNT - 1)]),
        "not-shortest": ("NUM-1", zeros + b"\x80\0", [0] * COUNT),
    }
    for fault, (spec, data, values) in faults.items():
        yield _tens(f"{name}-laplace-escape-{fault}", spec,
              stream(coder, COUNT, parameters, front + data), values)  # fmt: skip
    missing = stream(coder, COUNT, parameters, front)
    yield _tens(f"{name}-laplace-escapes-missing", "FILE-8 LAP-3", missing)
    odd = [(28, VALUES)]
    words, low, escapes = laplace_data(coder, odd)
    if len(low) % 8 and not escapes:
        data = uleb(len(words) // 4) + words + pack_bits(low + "1")
        padded = stream(coder, COUNT, laplace_parameters(odd), data)
        yield _tens(f"{name}-laplace-padding-1", "LAP-3", padded)


def _coder_faults() -> Iterator[Case]:
    """Words that are missing, left or wrong at the end."""
    offset = min(VALUES)
    counts = [0] * (max(VALUES) - offset + 1)
    for value in VALUES:
        counts[value - offset] += 1
    pairs = intervals(static_table(counts), [v - offset for v in VALUES])
    parameters = static_parameters(offset, counts, 2)
    ans, ranged = ans_encode(pairs), range_encode(pairs)
    word = b"\1\0\0\0"
    faults = [
        ("ans-three-bytes-left", 1, ans + b"\1\2\3", "ANS-1"),
        ("ans-last-word-0", 1, ans + bytes(4), "ANS-1"),
        ("ans-first-word-missing", 1, ans[4:], "ANS-4"),
        ("ans-word-before", 1, word + ans, "ANS-4"),
        ("ans-one-symbol-more", 1, ans_encode([*pairs, pairs[0]]), "ANS-4"),
        ("range-one-byte-left", 2, ranged + b"\0", "RNG-1"),
        ("range-two-words-left", 2, ranged + word + word, "RNG-3"),
        ("range-zero-words-left", 2, ranged + bytes(8), "RNG-3"),
        ("range-past-the-interval", 2, b"\xff" * len(ranged), "RNG-2"),
        ("range-end-off", 2, _plus_last_word(ranged, 4), "RNG-3"),
    ]
    for n, c, d, s in faults:
        yield _tens(n, s, stream(c, COUNT, parameters, d))
    empty = File().item(constant_item([2])).tens([stream(1, 0, parameters, word)], [])
    yield case("streams", "ans-words-but-no-symbols", empty, "ANS-4", "malformed")
    three = File().item(constant_item([2])).tens([stream(2, 0, parameters, word * 3)], [])
    yield case("streams", "range-words-but-no-symbols", three, "RNG-3", "malformed")


def _plus_last_word(data: bytes, amount: int) -> bytes:
    """Add to the last word, which leaves the interval's first 2^33 numbers but not the interval."""
    last = int.from_bytes(data[-4:], "little") + amount
    return data[:-4] + last.to_bytes(4, "little")
