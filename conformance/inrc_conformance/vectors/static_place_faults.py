"""Bad vectors: streams of coder 8 and 9 where they must not be (STR-11, STR-12, RESD-2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import mixing_stream
from ..builders.pyramid import Pyramid
from ..builders.shell import sphere
from ..builders.static import (
    PLAIN,
    StaticEncoder,
    raw_static_array,
    static_array,
    static_stream_of,
)
from ..builders.streams import raw_stream, stream, uleb
from .case import Case, case
from .mask import ball
from .residual import lattice, mixed, randomly, residual_item
from .shell import sampled
from .static import array, levels

_MODEL = Fvsrn((6, 5), seed=1101)
_VALUES = _MODEL.integers()
_COUNT = len(_VALUES)


def static_place_faults() -> list[Case]:
    """All refused cases of places, counts and lengths."""
    return [*_lattice_faults(), *_without_lattice(), *_array_faults(), *_residual_faults(),
            *_pattern_faults(), *_enormous()]  # fmt: skip


def _bad(name: str, file: File, spec: str, expect: str = "malformed", tags: str = "") -> Case:
    return case("static", name, file, spec, expect, tags)


def _lattice_faults() -> Iterator[Case]:
    """Streams of coder 8 that do not hold whole levels."""
    model = Pyramid((9, 10), (2, 2), seed=1102)
    values, (low, first, last) = model.integers(), model.ends()
    total = len(values)
    whole = static_stream_of(model.lattice, values)
    data = StaticEncoder(model.lattice).encode(values)
    band = low + model.lattice.bands[1].entries
    parts = levels(model, [PLAIN])

    def empty(count: int) -> bytes:
        return data.stream(count=count)

    streams = {
        "count-0": [stream(8, 0, b"", b""), whole],
        "one-too-many": [empty(total + 1)],
        "count-2-60": [empty(2**60)],
        "ends-in-the-low-band": [empty(low - 1), raw_stream(values[low - 1 :])],
        "ends-in-a-band": [empty(low + 1), raw_stream(values[low + 1 :])],
        "ends-with-a-band": [empty(band), raw_stream(values[band:])],
        "begins-in-the-low-band": [raw_stream(values[:1]), empty(total - 1)],
        "begins-in-a-band": [raw_stream(values[: low + 1]), empty(total - low - 1)],
        "begins-in-a-band-behind-another": [
            parts[0],
            raw_stream(values[low : low + 2]),
            empty(total - low - 2),
        ],
        "then-mixing": [parts[0], mixing_stream(first + last, b"")],
        "mixing-then-static-then-mixing": [
            model.streams([low])[0],
            parts[1],
            mixing_stream(last, b""),
        ],
    }
    for name, some in streams.items():
        spec = "STR-11 STR-6" if "mixing" in name else "STR-11"
        yield _bad(f"level-{name}", model.file(some), spec)
    yield _bad("level-twice", model.file([whole, whole], [*values, *values]), "STR-11 TENS-2")
    yield _bad("level-missing", model.file(parts[:-1]), "STR-11 TENS-2")
    behind = [whole, raw_stream([0])]
    yield _bad("level-and-one-more", model.file(behind, [*values, 0]), "STR-11 TENS-2")


def _without_lattice() -> Iterator[Case]:
    """Streams of coder 8 in items without a lattice."""
    data = static_array((_COUNT,), _VALUES).data()
    file = File().item(_MODEL.header()).tens([stream(8, _COUNT, b"", data)], _VALUES)
    yield _bad("level-of-a-network", file, "STR-11")
    data = static_array((1,), [0]).data()
    file = File().item(constant_item([2])).tens([stream(8, 1, b"", data)], [0])
    yield _bad("level-without-tensors", file, "STR-11")
    shell = sampled((2, 2, 2), 1, sphere((2.2, 1.7, 2.0), 1.5))
    values = shell.integers()
    data = static_array((len(values),), values).data()
    yield _bad("level-of-an-octree", shell.file([stream(8, len(values), b"", data)]), "STR-11")


def _array_faults() -> Iterator[Case]:
    """Ranks, and lengths that are 0 or do not make the count (STR-12)."""
    data = static_array((_COUNT,), _VALUES).data()
    wrong = {
        "rank-0": (),
        "rank-5": (1, 1, 1, 1, _COUNT),
        "product-more": (6, 10),
        "length-0": (_COUNT, 0),
        "product-2-64-and-count": (2**32, 2**32, _COUNT),
    }
    for name, lengths in wrong.items():
        some = raw_static_array(_COUNT, lengths, data)
        file = File().item(_MODEL.header()).tens([some], _VALUES)
        yield _bad(f"arrays-{name}", file, "STR-12")
    nothing = raw_static_array(0, (1,), b"")
    file = File().item(_MODEL.header()).tens([nothing, array((_COUNT,), _VALUES)], _VALUES)
    yield _bad("arrays-count-0", file, "STR-12")
    fewer = array((_COUNT - 1,), _VALUES[1:])
    file = File().item(_MODEL.header()).tens([fewer], _VALUES[1:])
    yield _bad("arrays-one-too-few", file, "STR-12 TENS-2")


def _residual_faults() -> Iterator[Case]:
    """Residuals in parts, too many of them, and a stream of coder 5 behind."""
    values = randomly(30, 1103)
    whole = static_stream_of(lattice((5, 6)), values)
    data = static_array((5, 6), values).data()

    def part(count: int) -> bytes:
        return stream(8, count, b"", data)

    streams = {
        "in-two": ([part(12), part(18)], "STR-11"),
        "behind-raw": ([raw_stream(values[:6]), part(24)], "STR-11"),
        "one-too-many": ([part(31)], "RESD-2"),
        "count-2-60": ([part(2**60)], "RESD-2"),
        "twice": ([whole, whole], "RESD-2"),
        "then-mixing": ([whole, mixed((5, 6), values)], "RESD-2"),
        "array-of-31": ([array((31,), [*values, 0])], "RESD-2 STR-12"),
        "array-of-2-60": ([raw_static_array(2**60, (2**15,) * 4, b"")], "RESD-2 STR-12"),
        "array-then-mixing": ([array((6,), values[:6]), mixing_stream(24, b"")], "STR-12 STR-6"),
    }
    for name, (some, spec) in streams.items():
        yield _bad(f"residuals-{name}", File().item(residual_item((5, 6))).resd(some, values), spec)


def _pattern_faults() -> Iterator[Case]:
    """Indices of fill patterns by coder 8, and wrong ones by coder 9."""
    bits = ball((5, 6))
    count = bits.size - int(np.count_nonzero(bits))
    good = [n % 2 for n in range(count)]
    data = static_array((count,), good).data()
    third = [*good[:-1], 2]
    given = {
        "coder-8": (stream(8, count, b"", data), good, "STR-11"),
        "index-too-large": (array((count,), third), third, "STR-12 MASK-4"),
        "one-too-few": (array((count - 1,), good[1:]), good[1:], "STR-12 MASK-4"),
    }
    for name, (some, indices, spec) in given.items():
        mask = MaskSpec(bits, patterns=(1, 2), indices=indices, stream=some)
        file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
        yield _bad(f"patterns-{name}", file, spec, tags="mask")


def _enormous() -> Iterator[Case]:
    """Counts above level 2."""
    spec = "LIM-1 STR-5"
    big = Fvsrn((4, 4, 4), (1024, 1024, 1024), features=1024)
    some = uleb(0) + raw_static_array(2**40, (1024,) * 4, b"")
    file = File().item(big.header()).add("TENS", some)
    yield case("integers", "static-array-2-40", file, f"{spec} STR-12", "limit")
    file = File().item(_MODEL.header()).add("TENS", uleb(0) + raw_static_array(2**60, (), b""))
    yield case("integers", "static-array-2-60-rank-0", file, f"{spec} STR-12", "limit")
    mask = MaskSpec(ball((5, 6)), patterns=(1, 2), stream=raw_static_array(2**60, (), b""))
    file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
    patterns = case("integers", "static-patterns-2-60-rank-0", file, f"{spec} STR-12", "limit")
    yield replace(patterns, accept=("malformed",))
    huge = File().item(residual_item((2**48,)))
    huge.add("RESD", uleb(0) + stream(8, 2**48, b"", b""))
    yield case("samples", "residuals-static-2-48", huge, f"{spec} STR-11", "limit")
