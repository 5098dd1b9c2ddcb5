"""Refused vectors of tiles that overlap (section 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..builders.file import File, constant_item
from ..builders.streams import raw_stream
from .case import Case, case
from .overlap import Place, Span, even, places

_A = ("a", 7, 1.0, 1.0)


def overlap_faults() -> list[Case]:
    """All refused cases of tiles that overlap."""
    return [*_key_faults(), *_core_faults(), *_meeting_faults(), *_grid_faults(), *_limits()]


def _bad(name: str, data: File | bytes, spec: str) -> Case:
    return case("overlap", name, data, spec, "malformed")


def _tiled(some: Iterable[Place]) -> File:
    """Return constant tiles with overlaps."""
    out = File()
    for place in some:
        part = ("a", 7, float(out.items), 1.0)
        out.item(constant_item(place.sizes, [part]) | place.keys())
    return out


def _key_faults() -> Iterator[Case]:
    """Values of key 8, and keys that it asks for or excludes."""
    values: dict[str, tuple[Any, str]] = {
        "key-8-number": (0, "ITEM-0"),
        "key-8-null": (None, "ITEM-0"),
        "key-8-map": ({0: [0, 0], 1: [0, 0]}, "ITEM-0"),
        "key-8-of-numbers": ([0, 0], "ITEM-0"),
        "key-8-of-triples": ([[0, 0, 0], [0, 0, 0]], "ITEM-0"),
        "key-8-of-single-numbers": ([[0], [0]], "ITEM-0"),
        "key-8-of-empty-arrays": ([[], []], "ITEM-0"),
        "key-8-negative": ([[0, 0], [0, -1]], "ITEM-0"),
        "key-8-float": ([[0, 0], [0.0, 0]], "ITEM-0"),
        "key-8-true": ([[False, 0], [0, 0]], "ITEM-0"),
        "key-8-empty": ([], "ITEM-0 TILE-1"),
        "key-8-for-one-dim": ([[0, 0]], "TILE-1"),
        "key-8-for-three-dims": ([[0, 0]] * 3, "TILE-1"),
    }
    good = constant_item((3, 4), [_A])
    for name, (value, spec) in values.items():
        yield _bad(name, File().item(good | {5: [0, 0], 8: value}), spec)
    none = [[0, 0], [0, 0]]
    yield _bad("without-origin", File().item(good | {8: none}), "TILE-3")
    for name, keys in (
        ("with-bounds", {6: [0.5]}),
        ("with-residual-steps", {7: [0.5]}),
        ("with-both", {6: [0.5], 7: [0.5]}),
    ):
        file = File().item(good | {5: [0, 0], 8: none} | keys)
        if 7 in keys:
            file.resd([raw_stream([1] * 12)], [1] * 12)
        yield _bad(name, file, "TILE-3")
    two = places(even((4, 4), 2))
    file = File()
    for place in two:
        keys = {6: [0.5]} if place is two[1] else {}
        file.item(constant_item(place.sizes, [_A]) | place.keys() | keys)
    yield _bad("second-tile-with-bounds", file, "TILE-3")


def _core_faults() -> Iterator[Case]:
    """Cores without a sample, and tiles with the same core and another overlap (TILE-1)."""
    empty = [Place((0,), (4,), ((0, 4),)), Place((1,), (3,), ((0, 0),))]
    negative = [Place((0,), (4,), ((0, 5),))]
    within = [*places([Span(4, 0, 2)]), Place((3,), (3,), ((1, 2),)), Place((4,), (4,), ((2, 0),))]
    grids = {
        "core-empty": empty,
        "core-empty-of-both": within,
        "core-negative": negative,
        "core-negative-by-2-64": [Place((0,), (4,), ((0, 2**64 - 1),))],
    }
    for name, some in grids.items():
        yield _bad(name, _tiled(some), "TILE-1")
    four = places(even((4, 4), 2), even((3, 3), 1))
    changes = {
        "after-differs": (0, Place((0, 0), (7, 4), ((0, 3), (0, 1)))),
        "before-differs": (3, Place((3, 2), (5, 4), ((1, 0), (1, 0)))),
        "second-axis-differs": (1, Place((0, 1), (6, 5), ((0, 2), (2, 0)))),
        "one-without-overlap": (2, Place((4, 0), (4, 4), ((0, 0), (0, 1)))),
    }
    for name, (number, place) in changes.items():
        some = [place if n == number else other for n, other in enumerate(four)]
        yield _bad(name, _tiled(some), "TILE-1")


def _meeting_faults() -> Iterator[Case]:
    """Overlaps that do not fit together (TILE-2)."""
    spans = {
        "after-the-last": [Span(4, 0, 1), Span(4, 1, 1)],
        "after-the-only-one": [Span(4, 0, 2)],
        "only-after": [Span(4, 0, 2), Span(4)],
        "only-before": [Span(4), Span(4, 2, 0)],
        "only-before-of-three": [Span(4, 0, 1), Span(4, 1, 0), Span(4, 1, 0)],
        "more-than-the-core": [Span(4, 0, 2), Span(3, 1, 1), Span(4, 2, 0)],
        "more-than-a-core-of-1": [Span(4, 0, 1), Span(1, 1, 1), Span(4, 1, 0)],
        "beyond-the-last-core": [Span(4, 0, 3), Span(2, 1, 0)],
        "through-the-next-core": [Span(4, 0, 4), Span(3, 1, 1), Span(6, 1, 0)],
    }
    for name, some in spans.items():
        yield _bad(name, _tiled(places(some)), "TILE-2")
    yield _bad(
        "after-the-last-of-second-axis",
        _tiled(places(even((3, 3), 1), [Span(4, 0, 1)])).build(),
        "TILE-2",
    )
    first = [Place((0,), (5,), ((1, 1),)), Place((3,), (4,), ((2, 0),))]
    yield _bad("before-the-first", _tiled(first), "TILE-2 ITEM-11")


def _grid_faults() -> Iterator[Case]:
    """Cores that do not make up the field (ITEM-11)."""
    four = places(even((4, 4), 2), even((3, 3), 1))
    grids: dict[str, list[Place]] = {
        "gap-of-cores": [Place((0,), (6,), ((0, 2),)), Place((3,), (6,), ((2, 0),))],
        "cores-overlap": [Place((0,), (6,), ((0, 1),)), Place((3,), (6,), ((1, 0),))],
        "core-missing": four[:3],
        "core-twice": [*four, four[1]],
        "spans-fit-but-cores-do-not": [Place((0,), (4,), ((0, 1),)), Place((4,), (4,), ((1, 0),))],
        "first-core-not-at-0": [Place((1,), (5,), ((0, 1),)), Place((4,), (4,), ((1, 0),))],
        "origin-2-64": [Place((0,), (4,), ((0, 1),)), Place((2**64 - 1,), (4,), ((1, 0),))],
    }
    for name, some in grids.items():
        yield _bad(name, _tiled(some), "ITEM-11 TILE-1")
    file = _tiled(four[:3]).item(
        constant_item(four[3].sizes, [("a", 8, 1.0, 1.0)]) | four[3].keys()
    )
    yield _bad("other-dtype", file, "ITEM-11")


def _limits() -> list[Case]:
    """Tiles that overlap and are enormous together."""
    spans = even((2**36,) * 64, 2**30)
    data = _tiled(places(spans)).build()
    return [case("samples", "sum-of-64-tiles-that-overlap", data, "LIM-1 TILE-1", "limit")]
