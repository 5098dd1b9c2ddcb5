"""Valid vectors of tiles that overlap (section 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..builders.amgsrn import listed
from ..builders.file import File, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn
from ..builders.miner import Miner
from ..builders.pyramid import Pyramid, randoms
from ..builders.streams import raw_stream
from .case import Case, case

_SPEC = "TILE-1 TILE-2 TILE-4"
ONE = (("a", 7, 0.0, 1.0),)


@dataclass(frozen=True)
class Span:
    """A tile along one axis: the length of its core, and the samples before and after it."""

    core: int
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Place:
    """Place of a tile: its origin, sizes and overlap, one of each per axis."""

    origin: tuple[int, ...]
    sizes: tuple[int, ...]
    overlap: tuple[tuple[int, int], ...]

    def keys(self, plain: bool = False) -> dict[int, Any]:
        """Return keys 5 and 8 of the item; key 8 is left out of plain tiles without overlap."""
        out: dict[int, Any] = {5: list(self.origin)}
        if plain and not any(map(any, self.overlap)):
            return out
        return out | {8: [list(pair) for pair in self.overlap]}


def places(*axes: Sequence[Span]) -> list[Place]:
    """Return the tiles of a grid from the spans along each axis, in C order."""
    rows: list[list[tuple[int, Span]]] = []
    for axis in axes:
        starts = np.cumsum([0, *(span.core for span in axis)]).tolist()
        rows.append([(start, span) for start, span in zip(starts, axis, strict=False)])
    return [
        Place(
            tuple(start - span.before for start, span in spans),
            tuple(span.before + span.core + span.after for _, span in spans),
            tuple((span.before, span.after) for _, span in spans),
        )
        for spans in product(*rows)
    ]


def even(cores: Sequence[int], shared: int) -> list[Span]:
    """Return spans that reach as far into their neighbours, on each side."""
    last = len(cores) - 1
    return [
        Span(core, shared if n else 0, shared if n < last else 0) for n, core in enumerate(cores)
    ]


def networks(
    some: Iterable[Place], components: Sequence[Sequence[Any]] = ONE, seed: int = 1
) -> File:
    """Return a field of tiles with a small network each."""
    out = File()
    for place in some:
        model = _network(place.sizes, components, seed + out.items)
        number = out.items
        out.item(model.header() | place.keys())
        out.tens([raw_stream(model.integers())], model.integers(), number)
    return out


def _network(sizes: Sequence[int], components: Sequence[Sequence[Any]], seed: int) -> Fvsrn:
    active = [size for size in sizes if size > 1]
    return Fvsrn(sizes, [2] * len(active), 1, 3, components=components, seed=seed, spread=40)


def lists(some: Iterable[Place], components: Sequence[Any], step: float = 1 / 64) -> File:
    """Return a field of one axis, of tiles with a pseudo-random y at each sample."""
    out, draw = File(), randoms(5)
    for place in some:
        values = [next(draw) % 65 for _ in range(place.sizes[0])]
        model = listed(values, components, step)
        number = out.items
        out.item(model.header() | place.keys()).tens(
            [raw_stream(model.integers())], model.integers(), number
        )
    return out


def overlap_cases() -> list[Case]:
    """All valid cases of tiles that overlap."""
    return [*_grid_cases(), *_value_cases(), *_item_cases(), *_mask_cases()]


def _valid(name: str, data: File | bytes, spec: str = _SPEC, tags: str = "") -> Case:
    return case("overlap", name, data, spec, tags=tags)


def _grid_cases() -> Iterator[Case]:
    """Grids of tiles in 1 to 4 dimensions, with all kinds of overlaps."""
    uneven = [Span(5, 0, 1), Span(6, 3, 2), Span(4, 1, 2), Span(7, 2, 0)]
    some = [Span(4, 0, 2), Span(5, 2, 0), Span(3, 0, 0), Span(3, 0, 1), Span(4, 1, 0)]
    grids = {
        "dims-1-by-1": places(even((4, 5), 1)),
        "dims-1-by-2": places(even((4, 5), 2)),
        "dims-1-by-4": places(even((5, 8, 5), 4)),
        "dims-1-uneven": places(uneven),
        "dims-1-one-into-another": places([Span(4, 0, 1), Span(5, 3, 0)]),
        "dims-1-whole-core-shared": places([Span(4, 0, 2), Span(5, 2, 2), Span(6, 3, 0)]),
        "dims-1-cores-of-1": places([Span(4, 0, 1), Span(1, 3, 0)]),
        "dims-1-tile-within-another": places([Span(4, 0, 5), Span(5, 1, 0)]),
        "dims-1-some-meetings": places(some),
        "dims-2": places(even((4, 3), 2), even((5, 4), 2)),
        "dims-2-one-axis": places(even((4, 3, 4), 1), even((6,), 0)),
        "dims-2-axes-differ": places(even((4, 3), 2), [uneven[0], Span(4, 3, 0)]),
        "dims-2-some-meetings": places(even((3, 4), 1), some),
        "dims-3": places(even((2, 3), 1), even((3, 3), 2), even((2, 2), 1)),
        "dims-4": places(even((2, 2), 1), even((2,), 0), even((3, 2), 2), even((2, 2), 1)),
        "axis-of-size-1": places(even((1,), 0), even((4, 4), 2)),
        "reversed": places(even((4, 3), 2), even((5, 4), 2))[::-1],
        "one-tile": places([Span(6)], [Span(4)]),
        "nothing-shared": places([Span(3), Span(4)], [Span(2), Span(3)]),
    }
    for name, tiles in grids.items():
        yield _valid(name, networks(tiles))


def _value_cases() -> Iterator[Case]:
    """Offsets, scales and dtypes of tiles that are blended, and values at the bounds."""
    three = places(even((5, 7, 6), 3))
    for dtype, name in enumerate(("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")):
        scale = 120.0 if dtype < 2 else 3e4
        offset = 127.5 if dtype == 0 else 0.0 if dtype == 1 else 31000.0 * (dtype != 3)
        yield _valid(f"dtype-{name}", lists(three, [("a", dtype, offset, scale)]), f"{_SPEC} VAL-3")
    file, draw = File(), randoms(9)
    for number, place in enumerate(places(even((5, 6, 5), 2))):
        parts = [("a", 7, 10.0 * number, 1.0 + 3 * number), ("b", 3, -9.0, 500.0 / (number + 1))]
        values = [next(draw) % 65 for _ in range(place.sizes[0])]
        model = listed(values, parts)
        file.item(model.header() | place.keys())
        file.tens([raw_stream(model.integers())], model.integers(), number)
    yield _valid("scales-differ", file, f"{_SPEC} VAL-2")
    file = lists(places(even((5, 5), 2)), [("a", 0, 127.5, 300.0)])
    yield _valid("stored-values-cut-off", file, f"{_SPEC} VAL-3")
    file = lists(places(even((5, 5), 2)), ONE, 1 / 32)
    yield _valid("y-cut-off-before-blending", file, f"{_SPEC} VAL-2")
    yield _rounded_last()
    yield _infinite()


def _two(
    rows: Sequence[Sequence[int]], spans: Sequence[Span], parts: Sequence[Sequence[Any]]
) -> File:
    """Return two tiles with the given values and a component each."""
    file = File()
    for number, (values, place) in enumerate(zip(rows, places(spans), strict=True)):
        model = listed(values, [parts[number]])
        file.item(model.header() | place.keys())
        file.tens([raw_stream(model.integers())], model.integers(), number)
    return file


def _rounded_last() -> Case:
    """The tiles' own values are rounded to 0 and 1, and those of the field to neither of these."""
    spans = [Span(4, 0, 2), Span(4, 1, 0)]
    rows = [[32, 40, 48, 56, 60, 62], [30, 20, 44, 50, 64]]
    file = _two(rows, spans, [("a", 1, 0.25, 9.0), ("a", 1, -0.25, 7.0)])
    return _valid("rounded-after-blending", file, f"{_SPEC} VAL-3")


def _infinite() -> Case:
    """An infinite x where two tiles have half the weight each."""
    spans = [Span(4, 0, 1), Span(3, 2, 0)]
    part = ("a", 8, 1e308, 1.5e308)
    rows = [[0, 10, 20, 64, 30], [30, 20, 40, 1, 2]]
    return _valid("infinite-x", _two(rows, spans, [part, part]), f"{_SPEC} VAL-2 VAL-3", "clip")


def _item_cases() -> Iterator[Case]:
    """Other architectures, names of dims, and fields beside one another."""
    part = (("a", 3, 10.0, 400.0),)
    four = places([Span(4, 0, 2), Span(5, 2, 0)], [Span(5, 0, 1), Span(4, 2, 0)])
    pyramid = Pyramid(four[0].sizes, (1, 1), part, seed=31)
    network = _network(four[1].sizes, part, 32)
    blocks = Miner(four[3].sizes, 4, (2, 2), components=part, seed=33)
    file = File().item(pyramid.header() | four[0].keys()).item(network.header() | four[1].keys())
    file.item(constant_item(four[2].sizes, part) | four[2].keys())
    file.item(blocks.header() | four[3].keys())
    file.tens(pyramid.streams(), pyramid.integers(), 0)
    file.tens([raw_stream(network.integers())], network.integers(), 1)
    file.tens([raw_stream(blocks.integers())], blocks.integers(), 3)
    yield _valid("architectures-differ", file, f"{_SPEC} TENS-2")
    file = File()
    for first, second in zip(places(even((3, 3), 1)), places(even((4, 2), 2)), strict=True):
        for place, name in ((first, "a"), (second, "b")):
            value = float(file.items)
            file.item(constant_item(place.sizes, [(name, 7, value, 1.0)]) | place.keys())
    file.item(constant_item([3], [("c", 7, 1.0, 1.0)]))
    yield _valid("two-fields", file, f"{_SPEC} ITEM-11")
    file = File()
    for place in places(even((3, 3), 1), even((2, 2), 1)):
        dims = [["y", place.sizes[0]], place.sizes[1]]
        part = (("a", 7, float(file.items), 1.0),)
        file.item(constant_item(dims, part) | place.keys())
    yield _valid("named-dims", file, f"{_SPEC} ITEM-11")
    file = File()
    spans = [Span(4, 0, 2), Span(5, 2, 0), Span(3), Span(2)]
    for number, place in enumerate(places(spans)):
        keys = place.keys(plain=True) | ({6: [0.5], 7: [0.25]} if number == 2 else {})
        file.item(constant_item(place.sizes, [("a", 7, float(number), 1.0)]) | keys)
    file.resd([raw_stream([3, -1, 2])], [3, -1, 2], 2)
    yield _valid("others-without-key-8", file, f"{_SPEC} TILE-3 VAL-7")


def _mask_cases() -> Iterator[Case]:
    """Masks that agree where tiles share samples (TILE-5)."""
    draw = randoms(77)
    whole = np.array([next(draw) % 4 > 0 for _ in range(9 * 8)], np.bool_).reshape(9, 8)
    grid = places(even((4, 5), 2), even((4, 4), 1))
    file = networks(grid, [("a", 7, 5.0, 2.0, 0)])
    for number, place in enumerate(grid):
        file.sections[2 * number].stored = _with_mask(place, number)
        file.mask(MaskSpec(_part(whole, place), patterns=(float_bits(-9.0, "f"),)))
    yield _valid("masks", file, f"{_SPEC} TILE-5 VAL-4", "mask")
    grid = places(even((5, 4), 2), [Span(4)])
    whole = whole[:, :4].copy()
    whole[3:7] = True
    file = networks(grid, [("a", 2, 500.0, 200.0, 0)])
    for number, place in enumerate(grid):
        file.sections[2 * number].stored = _with_mask(place, number, ("a", 2, 500.0, 200.0))
        file.mask(MaskSpec(_part(whole, place), pattern_bytes=2, patterns=(number + 7,)))
    yield _valid("masks-of-other-samples", file, f"{_SPEC} TILE-5 VAL-4", "mask")
    whole[3:7] = np.arange(16).reshape(4, 4) % 3 > 0
    file = networks(grid, [("a", 2, 500.0, 200.0, 0)])
    for number, place in enumerate(grid):
        file.sections[2 * number].stored = _with_mask(place, number, ("a", 2, 500.0, 200.0))
        bits = _part(whole, place)
        count = bits.size - int(np.count_nonzero(bits))
        indices = [1 - number] * count
        patterns = (9, 4) if number == 0 else (4, 9)
        file.mask(MaskSpec(bits, pattern_bytes=2, patterns=patterns, indices=indices))
    yield _valid("masks-of-same-patterns", file, f"{_SPEC} TILE-5 VAL-4", "mask")


def _with_mask(place: Place, number: int, part: Sequence[Any] = ("a", 7, 5.0, 2.0)) -> bytes:
    """Return the ITEM payload of a network whose mask has the tile's own number."""
    model = _network(place.sizes, [(*part, number)], 1 + number)
    return File().item(model.header() | place.keys()).sections[0].stored


def _part(whole: np.ndarray[Any, np.dtype[np.bool_]], place: Place) -> Any:
    """Return the part of a mask of the field that belongs to a tile."""
    window = tuple(slice(o, o + n) for o, n in zip(place.origin, place.sizes, strict=True))
    return whole[window]
