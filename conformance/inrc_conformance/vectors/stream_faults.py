"""Malformed vectors: streams, masks and verbatim variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item, verbatim
from ..builders.fvsrn import Fvsrn
from ..builders.streams import (
    ans_encode,
    byte_stream,
    compress,
    declaring_zstd,
    entropy_encode,
    golomb,
    intervals,
    laplace_data,
    laplace_parameters,
    laplace_stream,
    pack_bits,
    range_encode,
    raw_stream,
    static_parameters,
    static_stream,
    stored_zstd,
    stream,
    uleb,
    zigzag,
)
from ..decoder.tables import laplace_table, static_table
from .case import Case, case
from .container_faults import small
from .masks import ball

MODEL = Fvsrn(seed=80)
VALUES = MODEL.integers()
COUNT = len(VALUES)


def _tens(name: str, spec: str, data: bytes, values: Sequence[int] = VALUES) -> Case:
    """A file whose only fault is in its one stream."""
    file = File().item(MODEL.header()).tens([data], values)
    return case("streams", name, file.build(), spec, "malformed")


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


def _byte_faults() -> list[Case]:
    content = b"".join(v.to_bytes(1, "little", signed=True) for v in VALUES)
    out: list[Case] = []
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
            out.append(_tens(f"{name}-{fault}", "STR-3", broken))
    frames = {
        "wrong-checksum": stored_zstd(content, b"\1\2\3\4"),
        "frame-declares-less": declaring_zstd(content, COUNT - 1),
        "frame-declares-more": declaring_zstd(content, COUNT + 1),
    }
    for fault, frame in frames.items():
        out.append(_tens(f"zstd-{fault}", "STR-3 SEC-5", stream(3, COUNT, b"\1", frame)))
    return out


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


def _laplace_faults() -> list[Case]:
    out: list[Case] = []
    for coder, name in ((1, "ans"), (2, "range")):
        part = [(12, VALUES)]
        coded, _, escapes = laplace_data(coder, part)
        words = uleb(len(coded) // 4)
        body = words + coded + escapes
        parameters = laplace_parameters(part)
        shifted = [(30, VALUES)]
        coded30, low, escapes30 = laplace_data(coder, shifted)
        low += "0" * (-len(low) % 8)
        head30 = uleb(len(coded30) // 4) + coded30
        p30 = laplace_parameters(shifted)
        table = laplace_table(0)
        escape = entropy_encode(coder, intervals(table, [9] * COUNT))
        big = uleb(zigzag(2**31)) + uleb(0) * (COUNT - 1)
        front = uleb(len(escape) // 4) + escape
        zeros = uleb(0) * (COUNT - 1)
        longer = b"\1" + uleb(2) + bytes([12]) + uleb(COUNT + 1) + bytes([12])
        one = laplace_parameters([(0, VALUES)])
        wrapped = [-(2**31), *[0] * (COUNT - 1)]
        faults: list[tuple[str, str, bytes, bytes]] = [
            ("class-64", "LAP-1", b"\1\1\x40", body),
            ("lengths-above-count", "LAP-1", longer, body),
            ("no-segments", "LAP-1", b"\1\0", b"\0"),
            ("byte-after-escapes", "LAP-3", parameters, body + b"\0"),
            ("words-past-end", "FILE-8 LAP-3", parameters, uleb(len(body)) + coded),
            ("low-bits-missing", "FILE-8 LAP-3", p30, head30),
            ("escape-2-31", "STR-4", one, front + big),
            ("escapes-missing", "FILE-8 LAP-3", one, front),
            ("escape-not-shortest", "NUM-1", one, front + zeros + b"\x80\0"),
        ]
        for fault, spec, head, data in faults:
            values = wrapped if fault == "escape-2-31" else VALUES
            values = [0] * COUNT if fault == "escape-not-shortest" else values
            broken = stream(coder, COUNT, head, data)
            out.append(_tens(f"{name}-laplace-{fault}", spec, broken, values))
        odd = [(28, [2 * v // 2 for v in VALUES])]
        words28, low28, escapes28 = laplace_data(coder, odd)
        if len(low28) % 8 and not escapes28 and not escapes30:
            data = uleb(len(words28) // 4) + words28 + pack_bits(low28 + "1")
            broken = stream(coder, COUNT, laplace_parameters(odd), data)
            out.append(_tens(f"{name}-laplace-padding-1", "LAP-3", broken))
    return out


def _coder_faults() -> list[Case]:
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
    out = [_tens(n, s, stream(c, COUNT, parameters, d)) for n, c, d, s in faults]
    empty = File().item(constant_item([2])).tens([stream(1, 0, parameters, word)], [])
    out.append(case("streams", "ans-words-but-no-symbols", empty.build(), "ANS-4", "malformed"))
    three = File().item(constant_item([2])).tens([stream(2, 0, parameters, word * 3)], [])
    out.append(case("streams", "range-words-but-no-symbols", three.build(), "RNG-3", "malformed"))
    return out


def _plus_last_word(data: bytes, amount: int) -> bytes:
    """Add to the last word, which leaves the interval's first 2^33 numbers but not the interval."""
    last = int.from_bytes(data[-4:], "little") + amount
    return data[:-4] + last.to_bytes(4, "little")


def mask_faults() -> list[Case]:
    """Faults of MASK payloads."""
    bits = ball((5, 6))
    good = MaskSpec(bits, method=0)
    front, data, back = good.front(), good.data(), good.back()
    context = MaskSpec(bits)
    coded, context_front = context.data(), context.front()
    count = bits.size - int(np.count_nonzero(bits))
    indices = [i % 2 for i in range(count)]

    def body(head: bytes, content: bytes = data, tail: bytes = back) -> bytes:
        return head + uleb(len(content)) + content + tail

    def patterns(stream_data: bytes, table: Sequence[int] = (1, 2)) -> bytes:
        out = b"\4" + uleb(len(table)) + b"".join(p.to_bytes(4, "little") for p in table)
        return body(front, data, out + stream_data)

    sparse = MaskSpec(bits, purpose=1, method=0)
    five = MaskSpec(np.ones((2,) * 5, np.bool_), method=0)
    payloads: dict[str, tuple[bytes, str]] = {
        "no-axes": (body(b"\0\0\0\0", b"\x80"), "MASK-1"),
        "nine-axes": (body(b"\0\x09" + b"\1" * 9 + b"\0\0", b"\x80"), "MASK-1"),
        "size-0": (body(b"\0\2\5\0\0\0", b""), "MASK-1"),
        "byte-after": (body(front) + b"\0", "MASK-1"),
        "byte-after-sparsity": (sparse.payload() + b"\0", "MASK-1"),
        "patterns-after-sparsity": (sparse.payload() + back, "MASK-1"),
        "constant-bit-at-ndim": (body(b"\0\2\5\6\4\0"), "MASK-2"),
        "packed-too-long": (body(front, data + b"\0"), "MASK-3"),
        "packed-too-short": (body(front, data[:-1]), "MASK-3"),
        "packed-padding-1": (body(front, data[:-1] + bytes([data[-1] | 1])), "MASK-3"),
        "context-five-axes": (body(five.front()[:-1] + b"\1", b""), "MASK-5"),
        "context-three-bytes": (body(context_front, coded + b"\0\0\0"), "RNG-1"),
        "context-words-left": (body(context_front, coded + b"\1\0\0\0" * 2), "RNG-3"),
        "pattern-bytes-3": (body(front, data, b"\3\1abc"), "MASK-4"),
        "pattern-bytes-0": (body(front, data, b"\0\1"), "MASK-4"),
        "no-pattern": (body(front, data, b"\4\0"), "MASK-4"),
        "payload-empty": (b"", "FILE-8"),
        "front-only": (front, "FILE-8"),
        "patterns-missing": (body(front, data, b""), "FILE-8 MASK-4"),
        "patterns-past-end": (body(front, data, b"\4\2\1\0\0\0\2"), "FILE-8 MASK-4"),
        "patterns-equal": (patterns(raw_stream(indices), (7, 7)), "MASK-4"),
        "index-too-large": (patterns(raw_stream([2] * count)), "MASK-4"),
        "index-negative": (patterns(byte_stream(3, [-1] * count, 1)), "MASK-4"),
        "indices-one-too-few": (patterns(static_stream(1, indices[:-1])), "MASK-4"),
        "indices-one-too-many": (patterns(laplace_stream(2, [(6, [*indices, 0])])), "MASK-4"),
        "indices-missing": (patterns(b""), "FILE-8 MASK-4"),
        "stream-for-one-pattern": (patterns(raw_stream(indices), (1,)), "MASK-1 MASK-4"),
    }
    item = constant_item([5, 6], [["a", 7, 1.0, 0.0]])
    out: list[Case] = []
    for name, (payload, spec) in payloads.items():
        file = File().item(item).add("MASK", payload, layer=_layer(name, bits, indices))
        out.append(case("masks", name, file.build(), spec, "malformed", "mask"))
    return out


def _layer(name: str, bits: np.ndarray[Any, np.dtype[np.bool_]], indices: list[int]) -> bytes:
    """Return the integer layer that a decoder without the check would see."""
    layer = bits.astype(np.uint8).tobytes()
    if name == "context-five-axes":
        return bytes(32)
    if name in ("index-too-large", "index-negative"):
        value = 2 if name == "index-too-large" else -1
        return layer + np.full(len(indices), value, "<i4").tobytes()
    if name == "patterns-equal":
        return layer + np.array(indices, "<i4").tobytes()
    return layer


def verbatim_faults() -> list[Case]:
    """Faults of VERB payloads whose CBOR is right."""
    good: list[Any] = ["a", 0, [2], 0, b"\1\2"]
    payloads: dict[str, tuple[Any, str]] = {
        "path-twice": ([good, good], "VERB-1"),
        "path-twice-text": ([good, ["a", [], ["x"]]], "VERB-1"),
        "path-bytes": ([[b"a", *good[1:]]], "VERB-1"),
        "shape-negative": ([["a", 0, [-2], 0, b"\1\2"]], "VERB-1"),
        "shape-33-axes": ([["a", 0, [1] * 33, 0, b"\1"]], "VERB-1"),
        "shape-not-an-array": ([["a", 0, 2, 0, b"\1\2"]], "VERB-1"),
        "one-text-too-few": ([["a", [2], ["x"]]], "VERB-1"),
        "one-text-too-many": ([["a", [0], ["x"]]], "VERB-1"),
        "text-is-bytes": ([["a", [1], [b"x"]]], "VERB-1"),
        "data-too-short": ([["a", 2, [2], 0, b"\1\2\3"]], "VERB-2"),
        "data-too-long": ([["a", 2, [2], 1, b"\1\2\3\4\5"]], "VERB-2"),
        "data-of-huge-shape": ([["a", 0, [2**40, 2**40], 0, b"\1\2"]], "VERB-2"),
        "data-not-bytes": ([["a", 0, [2], 0, "ab"]], "VERB-2"),
        "four-entries": ([good[:4]], "VERB-1"),
        "not-an-array": ({0: good}, "VERB-1"),
        "type-negative": ([["a", -1, [2], 0, b"\1\2"]], "VERB-2"),
        "filter-negative": ([["a", 0, [2], -1, b"\1\2"]], "VERB-3"),
        "filter-text": ([["a", 0, [2], "none", b"\1\2"]], "VERB-3"),
    }
    out = [
        case("verbatim", name, small().add("VERB", verbatim(value)).build(), spec, "malformed")
        for name, (value, spec) in payloads.items()
    ]
    twice = small().add("VERB", verbatim([good])).add("VERB", verbatim([good])).build()
    out.append(case("verbatim", "path-twice-in-two-sections", twice, "VERB-1", "malformed"))
    return out
