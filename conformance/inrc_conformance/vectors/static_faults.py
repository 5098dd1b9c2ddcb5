"""Malformed vectors: heads, lengths and blocks of the static coder (STA-1 to STA-5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..builders.file import File
from ..builders.pyramid import Pyramid
from ..builders.static import (
    Block,
    Choice,
    StaticData,
    all_weights,
    raw_static_array,
    static_array,
    static_stream_of,
)
from ..builders.static_tables import MagnitudeTable, TableChoice, seg, table_bits
from ..builders.streams import Ints, uleb
from ..decoder.static_tables import CLASSES, FLAG, MAGNITUDE, SIGN
from .case import Case, case
from .residual import residual_item
from .static_blocks import LARGEST, sparse, tensors

_ZEROS = [0] * 12
_FRONT = 21
"""Bits of the head of an array whose weights are not given, before its tables."""
_COPIES: Sequence[MagnitudeTable] = [None] * (CLASSES[MAGNITUDE] - 2)
_EVEN = {SIGN: [32] * CLASSES[SIGN], FLAG: [32] * CLASSES[FLAG]}


def static_faults() -> list[Case]:
    """All refused cases of the data of streams."""
    return [*_head_faults(), *_table_faults(), *_weight_faults(), *_length_faults(),
            *_number_faults(), *_wrapped_lengths(), *_block_faults(), *_state_faults(),
            *_sum_faults()]  # fmt: skip


def _bad(name: str, coded: bytes, integers: Ints, spec: str) -> Case:
    return case("static", name, tensors(coded, integers), spec, "malformed")


def _zeros() -> StaticData:
    """Return an array of zeros, of one block without bytes."""
    return static_array((3, 4), _ZEROS)


def _with_head(head: str) -> bytes:
    """Return zeros behind another head."""
    return replace(_zeros(), head=head).stream()


def _head_faults() -> Iterator[Case]:
    """Heads that end early, and padding."""
    sound = _zeros()
    data = sound.data()
    for size in (0, 2, 6, len(data) - 2):
        yield _bad(f"head-of-{size}-bytes", sound.stream(data[:size]), _ZEROS, "STA-1 FILE-8")
    yield _bad("lengths-cut", sound.stream(data[:-1]), _ZEROS, "STA-3 FILE-8")
    head = static_array((3, 4), _ZEROS, Choice(flags=[36] * 24)).head
    padding = -len(head) % 8
    if padding < 2:
        raise ValueError("a head has too little padding")
    for place in (0, padding - 1):
        bits = "".join("1" if n == place else "0" for n in range(padding))
        yield _bad(f"padding-bit-{place}-of-{padding}", _with_head(head + bits), _ZEROS, "STA-1")
    extra = _with_head(sound.head + "0" * (-len(sound.head) % 8 + 8))
    yield _bad("head-and-a-byte", extra, _ZEROS, "STA-3")
    front = sound.head[:_FRONT] + "0"
    long = front + "0" * 33 + "1" + "0" * 80
    yield _bad("code-of-33-zeros", _with_head(long), _ZEROS, "STA-1")
    yield _bad("code-of-zeros-alone", _with_head(front + "0" * 200), _ZEROS, "STA-1")


def _tables(magnitudes: Sequence[MagnitudeTable], signs: Ints = (), flags: Ints = ()) -> bytes:
    """Return zeros behind tables that may be wrong."""
    tables = TableChoice(magnitudes, signs or _EVEN[SIGN], flags or _EVEN[FLAG])
    return _with_head(_zeros().head[:_FRONT] + table_bits(tables))


def _table_faults() -> Iterator[Case]:
    """Tables of no symbol and of 60, and hazards of -1 and 64."""
    tables = _zeros().head[_FRONT + 1 :]
    front = _zeros().head[:_FRONT]
    for name, number in (("n-0", -1), ("n-negative", -40), ("n-2-31", 2**31), ("n-60", 59)):
        head = front + "0" + seg(number, 1)
        if number > 0:
            head += seg(0, 1) * min(number, 100)
        yield _bad(f"tables-{name}", _with_head(head + tables), _ZEROS, "STA-1")
    full = [40] * 58
    wrong: dict[str, Sequence[MagnitudeTable]] = {
        "n-60-behind-59": [full, [40] * 59, *_COPIES],
        "hazard-minus-1": [[-1], None, *_COPIES],
        "hazard-64": [[64], None, *_COPIES],
        "hazard-64-behind": [[63, 64], None, *_COPIES],
        "hazard-minus-1-in-the-next-class": [[0, 5], [-1, 5], *_COPIES],
        "hazard-64-in-the-last-class": [[60, 63], None, *_COPIES[1:], [60, 64]],
    }
    for name, magnitudes in wrong.items():
        yield _bad(f"tables-{name}", _tables(magnitudes), _ZEROS, "STA-1")
    for hazard, name in ((-1, "minus-1"), (64, "64")):
        signs = [*_EVEN[SIGN][:-1], hazard]
        flags = [hazard, *_EVEN[FLAG][1:]]
        plain = [[], None, *_COPIES]
        yield _bad(f"signs-hazard-{name}", _tables(plain, signs), _ZEROS, "STA-1")
        yield _bad(f"flags-hazard-{name}", _tables(plain, (), flags), _ZEROS, "STA-1")


def _weight_faults() -> Iterator[Case]:
    """Weights beyond their sums."""
    deep = {
        "w-179": all_weights({0: 63, 2: 63, 3: 26, 6: 1}),
        "v-259": all_weights({}, {0: 31, 1: 31, 2: 31, 3: 31, 4: 31, 6: 11}),
        "v-minus-259": all_weights({}, {0: -32, 1: -32, 2: -32, 3: -32, 4: -32, 6: -3}),
        "v-of-both-signs": all_weights({}, {1: 31, 3: -32, 4: 31, 5: -32, 6: 7}),
    }
    for name, weights in deep.items():
        coded = static_array((2, 1, 2, 3), _ZEROS, Choice(weights={0: weights})).stream()
        yield _bad(f"weights-{name}", coded, _ZEROS, "STA-2")
    flat = Choice(weights={0: all_weights({0: 62, 1: 22, 2: 63, 3: 1})})
    name = "weights-171-beside-w-6-of-the-registry"
    yield _bad(name, static_array((3, 4), _ZEROS, flat).stream(), _ZEROS, "STA-2")
    model = Pyramid((4, 5), (1, 2), seed=1001)
    second = {3: all_weights({0: 63, 2: 63, 1: 30})}
    coded = static_stream_of(model.lattice, [0] * 20, Choice(weights=second))
    file = model.file([coded], [0] * 20)
    yield case("static", "weights-of-a-later-band", file, "STA-2 STR-11", "malformed")


def _blocks() -> tuple[StaticData, list[int]]:
    """Return an array of six blocks, some of them of zeros."""
    integers = [3, -2, 0, 0, 1, 14, 0, 0, -1, 0, 0, 0, 2, 5, -30, 0, 0, 0]
    return static_array((3, 6), integers, Choice((0, 0, 0, 2), lanes=(2,))), integers


def _length_faults() -> Iterator[Case]:
    """Lengths that are not those of the blocks."""
    sound, integers = _blocks()
    entries, body = sound.entries(), sound.body()
    last = max(n for n, entry in enumerate(entries) if entry)
    first = min(n for n, entry in enumerate(entries) if entry)

    def changed(place: int, by: int) -> list[int]:
        return [entry + by * (n == place) for n, entry in enumerate(entries)]

    traded = changed(first, 6)
    traded[last] -= 6
    given: dict[str, tuple[list[int], bytes]] = {
        "one-too-few": (entries[:-1], body),
        "one-too-many": ([*entries, 0], body),
        "last-too-long": (changed(last, 6), body),
        "last-too-short": (changed(last, -6), body),
        "traded": (traded, body),
        "first-0": (changed(first, -entries[first]), body),
        "a-byte-behind": (entries, body + b"\0"),
        "a-byte-missing": (entries, body[:-1]),
        "2-32-more": (changed(last, 6 * 2**32), body),
        "largest": ([*entries[:-1], 2**63 - 1], body),
    }
    for name, (some, blocks) in given.items():
        yield _bad(f"lengths-{name}", sound.stream(sound.data(some, blocks)), integers, "STA-3")


def _number_faults() -> Iterator[Case]:
    """Lengths that are no numbers, and more blocks than bytes."""
    sound, integers = _blocks()
    entries, body = sound.entries(), sound.body()
    text = sound.data(())
    head = text[: len(text) - len(body)]
    numbers = b"".join(map(uleb, entries))
    long = head + bytes([numbers[0] | 0x80, 0]) + numbers[1:] + body
    yield _bad("lengths-not-shortest", sound.stream(long), integers, "STA-3 NUM-1")
    ten = head + b"\xff" * 9 + b"\1" + numbers[1:] + body
    yield _bad("lengths-of-ten-bytes", sound.stream(ten), integers, "STA-3 NUM-2")
    side = 2**10
    single = static_array((1,), [0], Choice((0, 0, 0, 0)))
    file = File().item(residual_item((side, side)))
    file.add("RESD", uleb(0) + raw_static_array(side**2, (side, side), single.data()))
    name = "lengths-of-2-20-blocks-in-one-byte"
    yield case("static", name, file, "STA-3 LIM-1", "malformed")


def _wrapped_lengths() -> Iterator[Case]:
    """Lengths whose sum is right in 32 or 64 bits."""
    integers = [n % 5 - 2 for n in range(16)]
    choice = Choice((0, 0, 0, 0), lanes=(1,), zero_blocks=False)
    sound = static_array((16,), integers, choice)
    total = len(sound.body())
    largest = (2**63 - 2) // 6
    for bits in (32, 64):
        sizes = [0] * 16
        left = 2**bits + total
        for n in range(16):
            sizes[n] = min(left, largest)
            left -= sizes[n]
        entries = [6 * size + 1 for size in sizes]
        name = f"lengths-of-2-{bits}-and-right"
        yield _bad(name, sound.stream(sound.data(entries)), integers, "STA-3")


def _coded() -> tuple[StaticData, Block, list[int]]:
    """Return a block with words and raw bits, of four lanes."""
    integers = sparse(40, 1011, 60, 1)
    data = static_array((1, 40), integers, Choice(lanes=(4,)))
    block = data.blocks[0]
    if block is None or len(block.words) < 4 or len(block.raw) < 3 or block.raw[0] == 0:
        raise ValueError("the block has too little in it")
    return data, block, integers


def _block_faults() -> Iterator[Case]:
    """Blocks with words and raw bytes that are not theirs."""
    data, block, integers = _coded()
    words, raw = list(block.words), block.raw
    changes: dict[str, dict[str, object]] = {
        "last-word-missing": {"words": words[:-1]},
        "word-more": {"words": [*words, 0]},
        "word-more-in-front": {"words": [words[0], *words]},
        "raw-byte-more": {"raw": b"\0" + raw},
        "raw-byte-missing": {"raw": raw[1:]},
        "raw-byte-behind": {"raw": raw + b"\0"},
        "lanes-8": {"lanes": 8},
        "lanes-1": {"lanes": 1},
    }
    for name, change in changes.items():
        coded = data.with_block(0, **change).stream()
        yield _bad(f"block-{name}", coded, integers, "STA-4")
    few = [15, -12, 13]
    three = static_array((3,), few, Choice(lanes=(1,)))
    some = three.blocks[0]
    if some is None or len(some.raw) != 1 or some.raw[0] >> 6:
        raise ValueError("the block does not have six raw bits")
    for bit in (6, 7):
        left = three.with_block(0, raw=bytes([some.raw[0] | 1 << bit])).stream()
        yield _bad(f"block-raw-bit-{bit}-left", left, few, "STA-4")
    whole = static_array((4,), [15, -12, 13, 14], Choice(lanes=(1,)))
    more = whole.with_block(0, raw=b"\0" + getattr(whole.blocks[0], "raw", b"")).stream()
    yield _bad("block-raw-byte-beside-a-full-one", more, [15, -12, 13, 14], "STA-4")
    plain = static_array((3,), [1, 0, -1], Choice(lanes=(1,)))
    yield _bad(
        "block-raw-byte-of-none", plain.with_block(0, raw=b"\0").stream(), [1, 0, -1], "STA-4"
    )


def _state_faults() -> Iterator[Case]:
    """States that begin too low, end elsewhere or are cut."""
    data, block, integers = _coded()
    states = list(block.states)
    low = 2**16 - 1
    given = {
        "begins-at-0": [0, *states[1:]],
        "begins-below": [*states[:3], low],
        "other-first": [states[0] + 1, *states[1:]],
        "missing": states[:3],
    }
    for name, some in given.items():
        yield _bad(f"state-{name}", data.with_block(0, states=some).stream(), integers, "STA-4")
    choice = Choice(lanes=(4,), zero_blocks=False)
    unused = static_array((4,), [0] * 4, choice)
    sound = unused.blocks[0]
    if sound is None or list(sound.states[1:]) != [2**16] * 3:
        raise ValueError("a lane is used")
    for value, name in ((2**16 + 1, "above"), (0, "0")):
        some = [*sound.states[:3], value]
        coded = unused.with_block(0, states=some).stream()
        yield _bad(f"state-of-an-unused-lane-{name}", coded, [0] * 4, "STA-4")
    for lanes in (1, 32):
        entry = lanes.bit_length()
        coded = unused.stream(unused.data([entry], b""))
        yield _bad(f"state-of-no-bytes-lanes-{lanes}", coded, [0] * 4, "STA-4")
    cut = unused.stream(unused.data([6 * 15 + 3], bytes(15)))
    yield _bad("state-cut", cut, [0] * 4, "STA-4")


def _sum_faults() -> Iterator[Case]:
    """Differences whose sums do not fit 32 bits."""
    up = [LARGEST * n for n in range(1, 17)]
    slopes = [LARGEST * (i + j) for i in range(10) for j in range(9)]
    given: dict[str, tuple[tuple[int, ...], list[int], Choice]] = {
        "above": ((18,), [*up, 2**31 - 1, 2**31], Choice(differences=1)),
        "below": ((18,), [*(-v for v in up), -(2**31), -(2**31) - 1], Choice(differences=1)),
        "of-two-axes": ((10, 9), slopes, Choice(differences=3)),
        "in-a-later-block": (
            (2, 18),
            [0] * 18 + [*up, 2**31, 2**31 + 1],
            Choice((0, 0, 0, 15), differences=1),
        ),
    }
    for name, (lengths, values, choice) in given.items():
        coded = static_array(lengths, values, choice).stream()
        clipped = [min(max(value, -(2**31)), 2**31 - 1) for value in values]
        yield _bad(f"sums-{name}", coded, clipped, "STA-5 STR-4")
