"""Valid vectors of streams: every coder with every model, and their edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..builders.file import File
from ..builders.fvsrn import Fvsrn
from ..builders.streams import (
    Ints,
    byte_stream,
    entropy_encode,
    intervals,
    laplace_parameters,
    laplace_stream,
    pack_bits,
    range_encode,
    raw_stream,
    static_parameters,
    static_stream,
    stream,
    uleb,
    words,
    zigzag,
)
from ..decoder.tables import laplace_half_width, laplace_shift, laplace_table, static_table
from .case import Case, case

_MODEL = Fvsrn(seed=60, width=8)
_INTEGERS = _MODEL.integers()


def stream_cases() -> list[Case]:
    """All valid cases of streams."""
    return [
        *_byte_cases(),
        *_entropy_cases(),
        *_extreme_cases(),
        *_odd_streams(),
        *_several_streams(),
        case("streams", "longer", _longer(), "ANS-3 RNG-2 TENS-2"),
    ]


def _valid(
    name: str, streams: Sequence[bytes], spec: str, values: Ints = _INTEGERS, **changes: object
) -> Case:
    return case("streams", name, _MODEL.file(streams, values, **changes), spec)


def _byte_cases() -> Iterator[Case]:
    """Streams without a model."""
    same = [3] * len(_INTEGERS)
    yield from [
        _valid("raw", [raw_stream(_INTEGERS)], "STR-2"),
        _valid("raw-width-32", [raw_stream(_INTEGERS, -(2**31), 32)], "STR-2"),
        _valid("raw-width-0", [raw_stream(same, 3, 0)], "STR-2", same),
    ]
    for coder, name in ((3, "zstd"), (4, "brotli")):
        for width in (1, 2, 4):
            yield _valid(f"{name}-{width}", [byte_stream(coder, _INTEGERS, width)], "STR-3")


def _entropy_cases() -> Iterator[Case]:
    """Entropy coders, each with both models."""
    same = [7] * len(_INTEGERS)
    parts = [(12, _INTEGERS[:30]), (9, []), (14, _INTEGERS[30:70]), (11, _INTEGERS[70:])]
    classes = [(k, _INTEGERS[k::64]) for k in range(64)]
    flat = [value for _, part in classes for value in part]
    for coder, name, rule in ((1, "ans", "ANS-2 ANS-3"), (2, "range", "RNG-1 RNG-2")):
        for order in (0, 3, 7):
            streams = [static_stream(coder, _INTEGERS, order)]
            yield _valid(f"{name}-static-order-{order}", streams, f"{rule} TAB-1 TAB-2")
        for suffix, segments, spec, values in (
            ("", parts, f"{rule} LAP-1 LAP-2", _INTEGERS),
            ("-escapes", [(0, _INTEGERS)], "LAP-3", _INTEGERS),
            ("-all-classes", classes, "LAP-2 LAP-3", flat),
        ):
            yield _valid(f"{name}-laplace{suffix}", [laplace_stream(coder, segments)], spec, values)
        streams = [static_stream(coder, same)]
        yield _valid(f"{name}-static-one-value", streams, f"{rule} TAB-2", same)
    empty = stream(1, len(_INTEGERS), static_parameters(7, [1, 1], 0), b"")
    yield _valid("ans-no-words", [empty], "ANS-1 ANS-2 ANS-4", same)


def _extreme_cases() -> Iterator[Case]:
    """Integers of 32 bits, and a table of as many symbols as there may be."""
    sizes = [2**31 - 1, -(2**31), 2**30, -5, 0, 1000000, -70000]
    wide = (sizes * len(_INTEGERS))[: len(_INTEGERS)]
    parts = [(63, wide[:50]), (48, wide[50:])]
    steps = [2.0**-31] * 5
    for name, coder in (("ans", 1), ("range", 2)):
        streams = [laplace_stream(coder, parts)]
        yield _valid(f"{name}-laplace-extreme", streams, "LAP-3 STR-4 ITEM-9", wide, k3=steps)
    counts = [0] * 65536
    counts[0], counts[40000], counts[65535] = 5, 9, 9
    empty = stream(1, 0, static_parameters(-32768, counts, 0), b"")
    yield _valid("static-65536-symbols", [empty, raw_stream(_INTEGERS)], "TAB-1 TAB-2")


def _several_streams() -> list[Case]:
    """Streams of all coders after one another, some of them empty."""
    cut = [_INTEGERS[:11], _INTEGERS[11:50], _INTEGERS[50:51], _INTEGERS[51:]]
    streams = [
        raw_stream(cut[0]),
        static_stream(1, cut[1]),
        raw_stream([]),
        static_stream(2, cut[2]),
        laplace_stream(2, [(12, cut[3])]),
        static_stream(1, []),
        static_stream(2, []),
        laplace_stream(1, []),
        byte_stream(3, [], 1),
        byte_stream(4, [], 2),
    ]
    return [_valid("several-streams-some-empty", streams, "TENS-2")]


def _odd_streams() -> Iterator[Case]:
    """Streams that are legal but not what an encoder writes."""
    integers = _INTEGERS
    offset = min(integers)
    counts = [integers.count(offset + s) for s in range(max(integers) - offset + 1)]
    pairs = intervals(static_table(counts), [value - offset for value in integers])
    data, parameters = range_encode(pairs), static_parameters(offset, counts, 0)
    long = stream(2, len(integers), parameters, data + bytes(4))
    yield _valid("range-zero-word-read", [long], "RNG-3")
    unused = stream(2, 0, parameters, words([7, 9]))
    yield _valid("range-words-without-symbols", [unused, raw_stream(integers)], "RNG-1 RNG-3")
    table, shift, half = laplace_table(30), laplace_shift(30), laplace_half_width(30)
    for coder, name in ((1, "ans"), (2, "range")):
        symbols: list[int] = []
        low, escapes = "", b""
        for index, value in enumerate(integers):
            if index % 3 == 0:
                symbols.append(2 * half + 1)
                escapes += uleb(zigzag(value))
            else:
                symbols.append((value >> shift) + half)
                low += format(value & ((1 << shift) - 1), f"0{shift}b")
        coded = entropy_encode(coder, intervals(table, symbols))
        data = uleb(len(coded) // 4) + coded + pack_bits(low) + escapes
        parameters = laplace_parameters([(30, integers)])
        streams = [stream(coder, len(integers), parameters, data)]
        yield _valid(f"{name}-laplace-escapes-inside-table", streams, "LAP-3")


def _longer() -> File:
    """A few thousand integers, so that the coders renormalise often."""
    model = Fvsrn((5, 5), (16, 16), features=12, seed=61, spread=90, step=1 / 256)
    integers = model.integers()
    half = len(integers) // 2
    streams = [static_stream(1, integers[:half], 2), laplace_stream(2, [(17, integers[half:])])]
    return File().item(model.header()).tens(streams, integers)
