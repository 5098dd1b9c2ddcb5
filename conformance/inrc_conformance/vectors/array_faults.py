"""Bad vectors: streams of coder 7 (STR-9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import array_stream, mixing_stream, raw_array_stream
from ..builders.octree import octree_data, octree_stream
from ..builders.pyramid import Pyramid
from ..builders.shell import sphere
from ..builders.streams import Ints, raw_stream, stream, uleb
from .array import arrays
from .case import Case, case
from .codebook import entry
from .mask import ball
from .residual import mixed, randomly, residual_item
from .shell import sampled

_MODEL = Fvsrn((6, 5), seed=601)
_VALUES = _MODEL.integers()
_COUNT = len(_VALUES)
_WHOLE = array_stream((_COUNT,), _VALUES)
_FRONT, _DATA = _WHOLE[:5], _WHOLE[5:]
"""The bytes before the data, and the data."""


def array_faults() -> list[Case]:
    """All refused cases of coder 7."""
    return [*_length_faults(), *_byte_faults(), *_count_faults(), *_lattice_faults(),
            *_value_faults(), *_enormous()]  # fmt: skip


def _bad(name: str, file: File, spec: str = "STR-9", expect: str = "malformed") -> Case:
    return case("array", name, file, spec, expect)


def _tens(streams: Sequence[bytes], values: Ints = _VALUES) -> File:
    return File().item(_MODEL.header()).tens(streams, values)


def _length_faults() -> Iterator[Case]:
    """Ranks, and lengths that are 0 or do not make the count."""
    whole = {
        "rank-0": (),
        "rank-5": (1, 1, 1, 1, _COUNT),
        "rank-5-behind": (_COUNT, 1, 1, 1, 1),
        "product-less-1": (_COUNT - 1,),
        "product-and-1": (_COUNT + 1,),
        "product-half": (2, _COUNT // 2),
        "product-more": (6, 10),
        "product-of-all-1": (1, 1, 1, 1),
        "length-0": (0,),
        "length-0-first": (0, _COUNT),
        "length-0-last": (_COUNT, 1, 0),
    }
    for name, lengths in whole.items():
        yield _bad(name, _tens([raw_array_stream(_COUNT, lengths, _DATA)]))
    high = stream(7, _COUNT, b"\xff" + uleb(1) * 254 + uleb(_COUNT), _DATA)
    yield _bad("rank-255", _tens([high]))
    empty = raw_array_stream(0, (0,), b"")
    yield _bad("count-0-before", _tens([empty, _WHOLE]))
    constant = File().item(constant_item([2])).tens([empty], [])
    yield _bad("count-0-without-tensors", constant)
    single = File().item(residual_item((1,))).resd([raw_array_stream(1, (), b"")], [0])
    yield _bad("rank-0-of-one-residual", single)
    yield from _wrapped_lengths()
    yield from _empty_arrays()


def _wrapped_lengths() -> Iterator[Case]:
    """Lengths whose product is the count in 32, 63 or 64 bits."""
    part = _VALUES[:56]
    body = array_stream((56,), part)[5:]
    wrapped: dict[str, tuple[int, ...]] = {
        "product-2-32-and-count": (4, 2**30 + 14),
        "product-2-64-and-count": (4, 2**62 + 14),
        "product-2-63-and-count": (8, 2**60 + 7),
    }
    for name, lengths in wrapped.items():
        yield _bad(name, _tens([raw_array_stream(56, lengths, body), raw_stream(_VALUES[56:])]))


def _empty_arrays() -> Iterator[Case]:
    """Arrays without an integer."""
    nothing = {
        "count-0": (1,),
        "count-0-length-0": (0,),
        "count-0-lengths-0-and-5": (0, 5),
        "count-0-rank-0": (),
        "count-0-product-2-64": (2**32, 2**32),
        "count-0-product-2-32": (2**16, 2**16),
    }
    for name, lengths in nothing.items():
        empty = raw_array_stream(0, lengths, b"")
        yield _bad(name, _tens([raw_stream(_VALUES), empty]))


def _byte_faults() -> Iterator[Case]:
    """Streams that end early, and numbers that are not in their shortest form."""
    three = array_stream((1, _COUNT, 1), _VALUES)
    cuts = {
        "cut-before-rank": _WHOLE[:2],
        "cut-before-lengths": _WHOLE[:3],
        "cut-within-lengths": three[:5],
        "cut-within-a-length": _WHOLE[:3] + b"\xbb",
        "cut-before-size": _FRONT[:4],
        "cut-before-data": _FRONT,
        "cut-within-data": _WHOLE[:-1],
    }
    for name, some in cuts.items():
        yield _bad(name, _tens([some]), "STR-9 FILE-8")
    long = uleb(len(_DATA)) + _DATA
    front = bytes([7, _COUNT, 1])
    numbers = {
        "length-not-shortest": front + bytes([_COUNT | 0x80, 0]) + long,
        "size-not-shortest": front + bytes([_COUNT, len(_DATA) | 0x80, 0]) + _DATA,
        "count-not-shortest": bytes([7, _COUNT | 0x80, 0, 1, _COUNT]) + long,
    }
    for name, some in numbers.items():
        yield _bad(name, _tens([some]), "STR-9 NUM-1")
    ten = front + b"\xff" * 9 + b"\1" + long
    yield _bad("length-of-ten-bytes", _tens([ten]), "STR-9 NUM-2")
    none = array_stream((_COUNT,), _VALUES)
    bare = none[:2] + none[4:]
    yield _bad("without-parameters", _tens([bare]))


def _count_faults() -> Iterator[Case]:
    """Numbers of integers that the item does not ask for."""
    single = array_stream((1,), [0])
    fewer, more = _VALUES[:-1], [*_VALUES, 0]
    yield from [
        _bad("one-too-few", _tens([array_stream((2, 29), fewer)], fewer), "STR-9 TENS-2"),
        _bad("one-too-many", _tens([array_stream((3, 20), more)], more), "STR-9 TENS-2"),
        _bad("then-one-more", _tens([_WHOLE, single], more), "STR-9 TENS-2"),
        _bad("twice", _tens([_WHOLE, _WHOLE], [*_VALUES, *_VALUES]), "STR-9 TENS-2"),
    ]
    values = randomly(30, 602)
    item = residual_item((5, 6))
    given = {
        "one-too-few": ([array_stream((29,), values[1:])], "RESD-1"),
        "one-too-many": ([array_stream((31,), [*values, 0])], "RESD-2"),
        "then-one-more": ([array_stream((5, 6), values), single], "RESD-2"),
        "count-2-60": ([raw_array_stream(2**60, (2**15,) * 4, b"")], "RESD-2"),
        "rank-5": ([raw_array_stream(30, (1, 1, 1, 5, 6), b"")], ""),
        "rank-0": ([raw_array_stream(30, (), b"")], ""),
        "product-25": ([raw_array_stream(30, (5, 5), b"")], ""),
    }
    for name, (streams, spec) in given.items():
        yield _bad(f"residuals-{name}", File().item(item).resd(streams, values), f"STR-9 {spec}")
    yield from _pattern_faults()


def _pattern_faults() -> Iterator[Case]:
    """Indices of fill patterns."""
    bits = ball((5, 6))
    count = bits.size - int(np.count_nonzero(bits))
    good = [n % 2 for n in range(count)]
    third, negative = [*good[:-1], 2], [*good[:-1], -1]
    given = {
        "index-too-large": (array_stream((count,), third), third, "MASK-4"),
        "index-negative": (array_stream((count,), negative), negative, "MASK-4"),
        "one-too-few": (array_stream((count - 1,), good[1:]), good[1:], "MASK-4"),
        "one-too-many": (array_stream((count + 1,), [*good, 0]), [*good, 0], "MASK-4"),
        "rank-0": (raw_array_stream(count, (), b""), [0] * count, ""),
        "rank-5": (raw_array_stream(count, (count, 1, 1, 1, 1), b""), [0] * count, ""),
        "product-less-1": (raw_array_stream(count, (count - 1,), b""), [0] * count, ""),
    }
    for name, (some, indices, spec) in given.items():
        mask = MaskSpec(bits, patterns=(1, 2), indices=indices, stream=some)
        file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
        yield case("array", f"patterns-{name}", file, f"STR-9 {spec}", "malformed", "mask")


def _lattice_faults() -> Iterator[Case]:
    """Streams of coder 5 and 6 behind one of coder 7."""
    model = Pyramid((9, 10), (2, 2), seed=603)
    values, ends = model.integers(), model.ends()
    low, levels = ends[0], model.streams(ends)
    first = array_stream((low,), values[:low])
    middle = array_stream((ends[1],), values[low : low + ends[1]])
    streams = {
        "low-band-then-mixing": [first, *levels[1:]],
        "level-then-mixing": [levels[0], middle, levels[2]],
        "integer-then-mixing": [array_stream((1,), values[:1]), mixing_stream(89, b"")],
        "mixing-too-short-then-array": [
            mixing_stream(low - 1, b""),
            array_stream((91 - low,), values[low - 1 :]),
        ],
    }
    for name, some in streams.items():
        yield _bad(name, model.file(some), "STR-9 STR-6")
    residuals = randomly(30, 604)
    parts = [array_stream((6,), residuals[:6]), mixed((4, 6), residuals[6:])]
    file = File().item(residual_item((5, 6))).resd(parts, residuals)
    yield _bad("residuals-then-mixing", file, "STR-9 STR-6 RESD-2")
    shell = sampled((2, 2, 2), 1, sphere((2.2, 1.7, 2.0), 1.5))
    values = shell.integers()
    behind = octree_stream(len(values) - 8, octree_data(shell.octree, values))
    file = shell.file([array_stream((2, 2, 2), values[:8]), behind])
    yield _bad("then-octree", file, "STR-9 STR-8")
    wrong = [3, *values[1:]]
    file = shell.file([array_stream((len(values),), wrong)])
    file.sections[-1].layer = np.array(wrong, "<i4").tobytes()
    yield _bad("cell-3", file, "STR-9 STR-8")
    without = File().item(constant_item([5, 6])).resd([array_stream((30,), residuals)], residuals)
    yield _bad("residuals-without-key-7", without, "RESD-1")


def _value_faults() -> Iterator[Case]:
    """Integers without an entry in a codebook, and a digest of others."""
    integers = [v % 5 - 2 for v in _VALUES]
    integers[-1] = 3
    books = [entry([-9000, 400, 7000, -20000, 15000], -2)] * 5
    file = File().item(_MODEL.header(k3=books)).tens(arrays(_MODEL.shapes(), integers), integers)
    yield _bad("codebook-integer-above", file, "STR-9 ITEM-13")
    yield _bad("digest-of-others", _tens([_WHOLE], [*_VALUES[:-1], _VALUES[-1] + 1]), "STR-9 END-3")


def _enormous() -> Iterator[Case]:
    """Counts above level 2 that the lengths make."""
    big = Fvsrn((4, 4, 4), (1024, 1024, 1024), features=1024)
    count = sum(big.counts())
    for name, lengths in (("2-40", (1024,) * 4), ("2-40-and-more", (count,))):
        size = count if len(lengths) == 1 else 2**40
        payload = uleb(0) + raw_array_stream(size, lengths, b"")
        file = File().item(big.header()).add("TENS", payload)
        yield case("integers", f"array-{name}", file, "LIM-1 STR-5 STR-9", "limit")
    huge = File().item(residual_item((2**48,)))
    huge.add("RESD", uleb(0) + raw_array_stream(2**48, (2**12,) * 4, b""))
    spec = "LIM-1 STR-5 STR-9"
    yield case("samples", "residuals-array-2-48", huge, spec, "limit")
    yield from _limits_before_lengths()


def _limits_before_lengths() -> Iterator[Case]:
    """Counts above any limit in items that ask for little, with lengths that are wrong."""
    spec, count = "LIM-1 STR-5 STR-9", 2**60
    wrong: dict[str, tuple[int, ...]] = {"rank-0": (), "rank-5": (1,) * 5, "length-0": (0,)}
    for name, lengths in wrong.items():
        some = raw_array_stream(count, lengths, b"")
        data = File().item(_MODEL.header()).add("TENS", uleb(0) + some).build()
        yield case("integers", f"array-2-60-{name}", data, spec, "limit")
        mask = MaskSpec(ball((5, 6)), patterns=(1, 2), stream=some)
        file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
        patterns = case("integers", f"patterns-2-60-{name}", file, spec, "limit")
        yield replace(patterns, accept=("malformed",))
