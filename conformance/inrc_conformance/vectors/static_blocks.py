"""Valid vectors: blocks, lanes, tables and contexts of the static coder, in arrays of coder 9."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..builders.file import File
from ..builders.fvsrn import Fvsrn
from ..builders.pyramid import randoms
from ..builders.static import PLAIN, Choice, StaticData, all_weights, static_array
from ..builders.static_tables import MagnitudeTable
from ..builders.streams import Ints, raw_stream
from ..decoder.static_block import symbol_of
from .array import rolling
from .case import Case, case
from .residual import residual_item

HALF = (("a", 6, 0.5, 0.0),)
"""A component whose samples take few bytes."""
LARGEST = 2**27 - 1
"""The largest magnitude that the static coder has."""


def static_block_cases() -> list[Case]:
    """All valid cases of blocks."""
    return [*_length_cases(), *_edge_cases(), *_lane_cases(), *_group_cases(), *_magnitude_cases(),
            *_difference_cases(), *_table_cases(), *_weight_cases()]  # fmt: skip


def residuals(data: StaticData, integers: Ints) -> File:
    """Return an item of one axis whose residuals are an array of coder 9."""
    file = File().item(residual_item((len(integers),), HALF))
    return file.resd([data.stream()], integers)


def tensors(coded: bytes, integers: Ints) -> File:
    """Return an item of two samples whose tensors are a stream and zeros.

    A file is small then; integers are compared by their digest.
    """
    model = Fvsrn((2,), (max(2, len(integers)),), 1, components=HALF)
    zeros = [0] * (sum(model.counts()) - len(integers))
    return model.file([coded, raw_stream(zeros)], [*integers, *zeros])


def _valid(
    name: str, lengths: Sequence[int], integers: Ints, choice: Choice = PLAIN, spec: str = ""
) -> Case:
    data = static_array(lengths, integers, choice)
    return case("static", name, tensors(data.stream(), integers), f"STR-12 TENS-2 {spec}")


def sparse(number: int, seed: int, spread: int = 3, some: int = 3) -> list[int]:
    """Return integers of which about one of `some` is not 0."""
    draw = randoms(seed)
    return [
        (next(draw) % (2 * spread + 1) - spread) * (next(draw) % some == 0) for _ in range(number)
    ]


def _length_cases() -> Iterator[Case]:
    """Arrays of one to four axes, some of length 1."""
    shapes: Sequence[Sequence[int]] = (
        (1,), (32,), (33,), (65,), (1, 9), (9, 1), (7, 6), (5, 1, 4), (4, 3, 5),
        (3, 2, 4, 3), (2, 2, 1, 33),
    )  # fmt: skip
    for seed, lengths in enumerate(shapes):
        name = "lengths-" + "-".join(map(str, lengths))
        integers = rolling(lengths, 900 + seed, 3)
        file = residuals(static_array(lengths, integers), integers)
        yield case("static", name, file, "STR-12 RESD-2")


def _edge_cases() -> Iterator[Case]:
    """Blocks of one integer up to the whole array; the last may be shorter."""
    lengths = (3, 2, 5, 4)
    integers = sparse(math.prod(lengths), 921, 4, 2)
    edges: dict[str, tuple[int, int, int, int]] = {
        "1-1-1-8": (0, 0, 0, 3),
        "2-2-2-2": (1, 1, 1, 1),
        "1-2-4-2": (0, 1, 2, 1),
        "4-4-4-4": (2, 2, 2, 2),
        "whole": (2, 2, 3, 3),
    }
    for name, k in edges.items():
        yield _valid(f"edges-{name}", lengths, integers, Choice(k, lanes=(2, 1, 4)), "STA-3")
    small = sparse(12, 922)
    yield _valid("edges-1", (2, 6), small, Choice((0, 0, 0, 0), lanes=(1, 32)), "STA-3")
    yield _valid("edges-1-dims-1", (9,), small[:9], Choice((0,) * 4, lanes=(1,)), "STA-3")


def _lane_cases() -> Iterator[Case]:
    """All numbers of lanes, on rows that are shorter and longer."""
    for n, length in enumerate((5, 41)):
        for lanes in (1, 2, 4, 8, 16, 32) if n else (8, 32):
            integers = sparse(2 * length, 930 + n, 20, 2)
            name = f"lanes-{lanes}-rows-of-{length}"
            yield _valid(name, (2, length), integers, Choice(lanes=(lanes,)), "STA-4")
    integers = sparse(7 * 9, 934, 9, 2)
    turns = Choice((0, 0, 0, 2), lanes=(1, 2, 4, 8, 16, 32))
    yield _valid("lanes-of-blocks-differ", (7, 9), integers, turns, "STA-3 STA-4")
    long = sparse(270, 935, 2, 40)
    for lanes in (2, 8):
        name = f"lanes-{lanes}-flags-of-9-groups"
        yield _valid(name, (270,), long, Choice(lanes=(lanes,)), "STA-4")


def _group_cases() -> Iterator[Case]:
    """Groups and blocks of zeros, with and without bytes."""
    some = [0] * 40 + sparse(30, 941, 5, 1) + [0] * 30 + [0, -7]
    rows = [*some, *some[::-1]]
    lengths = (2, 102)
    yield _valid("groups", lengths, rows, Choice(lanes=(8,)), "STA-4")
    yield _valid("groups-all-coded", lengths, rows, Choice(lanes=(8,), zero_groups=False), "STA-4")
    zeros = {
        "zeros": Choice(),
        "zeros-in-blocks": Choice((0, 0, 1, 2)),
        "zeros-coded": Choice(zero_blocks=False),
        "zeros-coded-in-blocks": Choice((0, 0, 1, 2), zero_blocks=False, lanes=(1, 4)),
        "zeros-coded-in-groups": Choice(zero_blocks=False, zero_groups=False),
        "zeros-as-differences": Choice((0, 0, 1, 2), differences=15),
    }
    for name, choice in zeros.items():
        yield _valid(name, (4, 9), [0] * 36, choice, "STA-3 STA-4")
    few = [0] * 40
    few[17], few[38] = -2, 1
    yield _valid("zero-blocks-among-others", (4, 10), few, Choice((0, 0, 1, 2)), "STA-3")
    mixed = Choice((0, 0, 1, 2), zero_blocks=False)
    yield _valid("zero-blocks-coded-among-others", (4, 10), few, mixed, "STA-3")


def _magnitude_cases() -> Iterator[Case]:
    """All symbols of magnitudes, and raw bits in all numbers."""
    powers = [s for k in range(28) for s in (2**k - 1, 2**k, 3 * 2**k // 2)]
    others = [2**k + 2 ** (k - 2) + k for k in range(4, 27)]
    sizes = sorted({*range(12), *powers, *others})
    sizes = [size for size in sizes if size <= LARGEST]
    if {symbol_of(size) for size in sizes} != set(range(59)):
        raise ValueError("a symbol is missing")
    signed = [size if n % 2 else -size for n, size in enumerate(sizes)]
    flat = Choice(weights={0: all_weights({})}, lanes=(4,))
    yield _valid("magnitudes", (len(signed),), signed, flat, "STA-4 STR-4")
    square = [*signed, *signed[::-1]]
    yield _valid("magnitudes-rows", (2, len(signed)), square, Choice(lanes=(8,)), "STA-4 STR-4")
    for size in (11, 12, 16, LARGEST):
        yield _valid(f"magnitude-{size}", (3,), [size, 0, -size], spec="STA-4")
    for number in (3, 4):
        name = f"raw-bits-{2 * number}"
        yield _valid(name, (number,), [12, -15, 13, -14][:number], spec="STA-4")
    near = [LARGEST, -LARGEST] * 8
    yield _valid("largest", (4, 4), near, Choice(lanes=(1,)), "STA-4 STR-4")


def _difference_cases() -> Iterator[Case]:
    """Differences along every combination of axes."""
    lengths = (2, 2, 3, 4)
    integers = rolling(lengths, 951, 2)
    for axes in range(1, 16):
        choice = Choice((1, 1, 2, 1), axes, lanes=(2,))
        yield _valid(f"differences-{axes:04b}", lengths, integers, choice, "STA-5")
    plane = [3 * i - 2 * j for i in range(8) for j in range(12)]
    whole = Choice(differences=3)
    yield _valid("differences-whole", (8, 12), plane, whole, "STA-5")
    walk = [LARGEST, 2 * LARGEST, 3 * LARGEST, 2 * LARGEST, LARGEST, 0, -LARGEST, -2 * LARGEST]
    yield _valid("differences-large", (8,), walk, Choice(differences=1), "STA-5 STR-4")
    steps = [LARGEST * n for n in range(1, 17)] + [16 * LARGEST + 15, 16 * LARGEST + 15]
    down = [-value for value in steps] + [-(2**31)]
    yield _valid("differences-to-the-top", (18,), steps, Choice(differences=1), "STA-5 STR-4")
    yield _valid("differences-to-the-bottom", (19,), down, Choice(differences=1), "STA-5 STR-4")
    yield _between_too_large()


def _between_too_large() -> Case:
    """Sums along one axis that leave 32 bits before those along the other bring them back."""
    slope = [(2**26 - 1) * n for n in range(33)]
    flat = [*slope, *[-value for value in slope], *slope]
    coded = Choice(differences=3)
    return _valid("differences-beyond-between", (3, 33), flat, coded, "STA-5 STR-4")


def _ramp(number: int, start: int, step: int) -> list[int]:
    return [min(max(start + step * n, 0), 63) for n in range(number)]


def _table_cases() -> Iterator[Case]:
    """Tables at the ends of what a head can say."""
    integers = sparse(2 * 33, 961, 9, 2)
    base = [*_ramp(9, 40, -2)]
    single: MagnitudeTable = []
    same: list[MagnitudeTable] = [base, *[None] * 30]
    kinds: dict[str, list[MagnitudeTable]] = {
        "all-equal": same,
        "59-symbols-all-likely": [[63] * 58, *[None] * 30],
        "59-symbols-all-unlikely": [[0] * 58, *[None] * 30],
        "falling": [_ramp(58, 63, -2), *[None] * 30],
        "longer-and-shorter": [_ramp(9 + (7 * n) % 20, (5 * n) % 64, 3 - n % 7) for n in range(31)],
        "some-equal": [None if n % 3 == 1 else _ramp(10 + n, 20 + n, n % 2) for n in range(31)],
        "hazards-of-0-and-63": [[63 * (n % 2)] * 12 for n in range(31)],
    }
    for name, magnitudes in kinds.items():
        choice = Choice(magnitudes=magnitudes, lanes=(4,))
        yield _valid(f"tables-{name}", (2, 33), integers, choice, "STA-1")
    pairs = Choice(signs=[0, 63, 0, 63, 32, 1, 62, 0], flags=[63 * (n % 2) for n in range(24)])
    yield _valid("tables-of-signs-and-flags", (2, 33), integers, pairs, "STA-1")
    seldom = Choice(signs=[63] * 8, flags=[63] * 24)
    yield _valid("tables-of-signs-seldom-1", (2, 33), integers, seldom, "STA-1")
    zeros = [0] * 66
    coded = Choice(magnitudes=[None] * 31, zero_blocks=False, zero_groups=False)
    yield _valid("tables-of-one-symbol", (2, 33), zeros, coded, "STA-1")
    given = replace(coded, magnitudes=[single] * 31)
    yield _valid("tables-of-one-symbol-written", (2, 33), zeros, given, "STA-1")
    back: list[MagnitudeTable] = [base, single, None, base, *[None] * 27]
    calm = Choice(weights={0: all_weights({7: 3})}, magnitudes=back)
    yield _valid("tables-of-one-symbol-between", (2, 33), integers, calm, "STA-1")


def _weight_cases() -> Iterator[Case]:
    """Single weights, the largest sums, and contexts at their bounds."""
    lengths = (2, 2, 4, 3)
    draw = randoms(971)
    integers = [next(draw) % 41 - 20 for _ in range(math.prod(lengths))]
    for k in range(8):
        weights = all_weights({k: 20})
        yield _valid(f"weights-w-{k}", lengths, integers, Choice(weights={0: weights}), "STA-2")
    for k in range(7):
        weights = all_weights({0: 3}, {k: 13 - 26 * (k % 2)})
        yield _valid(f"weights-v-{k}", lengths, integers, Choice(weights={0: weights}), "STA-2")
    high = all_weights(
        {0: 63, 2: 63, 3: 10, 4: 6, 5: 10, 7: 63}, {0: 31, 1: 5, 2: 31, 3: 31, 4: 31, 5: 31}
    )
    low = all_weights({6: 63, 0: 63, 1: 26}, {0: -32, 1: -32, 2: -32, 3: -32, 4: -32, 6: -2})
    large = [(next(draw) % 2 * 2 - 1) * (100 + next(draw) % 200) for _ in integers]
    for name, weights in (("largest", high), ("most-negative", low)):
        choice = Choice(weights={0: weights}, lanes=(8,))
        yield _valid(f"weights-{name}", lengths, large, choice, "STA-2")
        yield _valid(f"weights-{name}-alike", (3, 3, 3, 3), [1000] * 81, choice, "STA-2")
        yield _valid(f"weights-{name}-negative", (3, 3, 3, 3), [-1000] * 81, choice, "STA-2")
    fields = [(i - 2) * (j - 1) + k for i in range(2) for j in range(3) for k in range(35)]
    flat = Choice(weights={0: all_weights({0: 61, 1: 22, 2: 63, 3: 1, 7: 5})})
    yield _valid("weights-170-beside-w-6-of-the-registry", (6, 8), large, flat, "STA-2")
    signed = Choice(weights={0: all_weights({0: 9, 2: 9, 7: 1}, {0: 8, 2: 7, 4: -3})})
    yield _valid("weights-of-a-field", (2, 3, 35), fields, signed, "STA-2")
