"""Vectors of tiles: fields of several items, and items that do not make up a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, product
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.pyramid import Pyramid
from ..builders.streams import raw_stream, static_stream
from .case import Case, case
from .mask import ball

Box = tuple[tuple[int, ...], tuple[int, ...]]
"""Origin and sizes of a tile."""
_A = ("a", 7, 1.0, 0.0)


def boxes(*axes: Sequence[int]) -> list[Box]:
    """Return the tiles of a grid from the lengths of its intervals along each axis, in C order."""
    starts = [[0, *accumulate(lengths)][:-1] for lengths in axes]
    pairs = [list(zip(s, lengths, strict=True)) for s, lengths in zip(starts, axes, strict=True)]
    return [
        (tuple(start for start, _ in box), tuple(size for _, size in box))
        for box in product(*pairs)
    ]


def tiled(some: Iterable[Box], name: str = "a", file: File | None = None) -> File:
    """Add constant tiles, each with a value of its own."""
    out = File() if file is None else file
    for origin, sizes in some:
        value = [[name, 7, float(out.items), 0.0]]
        out.item(constant_item(sizes, value) | {5: list(origin)})
    return out


def tile_cases() -> Iterator[Case]:
    """Grids of tiles in all dimensions and orders, and properties of single tiles."""
    two = boxes((3, 3, 1), (4, 2))
    turns = File()
    for box, other in zip(boxes((4, 4, 2)), boxes((1, 1, 1), (5,)), strict=True):
        tiled([other], "b", tiled([box], "a", turns))
        if turns.items == 2:
            turns.item(constant_item([2, 2], [["whole", 7, -1.0, 0.0]]))
    named = File()
    for origin, sizes in boxes((2, 1), (3,)):
        dims = [["time", sizes[0]], sizes[1]]
        named.item(constant_item(dims, [_A]) | {5: list(origin)})
    files = {
        "one": tiled(boxes((5,), (4,))),
        "one-of-eight-dims": tiled(boxes(*[(1,), (2,)] * 4)),
        "dims-1": tiled(boxes((4, 4))),
        "dims-1-uneven": tiled(boxes((4, 4, 4, 1))),
        "dims-1-all-different": tiled(boxes((3, 5, 2, 1))),
        "dims-1-last-is-longer": tiled(boxes((2, 7))),
        "dims-2": tiled(two),
        "dims-2-one-axis-whole": tiled(boxes((3,), (2, 2, 1))),
        "dims-3": tiled(boxes((2, 1), (3, 3, 2), (4, 4))),
        "dims-4": tiled(boxes((2, 1), (2, 2), (1, 1, 1), (3, 2))),
        "dims-8": tiled(boxes(*[(1, 1)] * 4, (2, 1), *[(1,)] * 3)),
        "of-one-sample": tiled(boxes((1, 1, 1), (1, 1))),
        "reversed": tiled(reversed(two)),
        "shuffled": tiled(two[(5 * n + 2) % len(two)] for n in range(6)),
        "fields-in-turns": turns,
        "named-dims": named,
        "name-empty": tiled(boxes((2, 2)), ""),
        "names-alike": tiled(boxes((2, 2)), "é", tiled(boxes((3, 1)), "e\u0301")),
        "130": tiled(boxes((1,) * 130)),
    }
    for name, file in files.items():
        yield case("tiles", name, file, "ITEM-10 ITEM-11")
    yield _masked()
    yield _other_values()
    yield _architectures()
    yield _with_residuals()


def _masked() -> Case:
    """Tiles with a mask of their own, with a shared one, and without any."""
    file = File()
    for number, (origin, sizes) in enumerate(boxes((5, 5), (4, 4))):
        mask = [0, 1, 1, None][number]
        parts = ["a", 7, float(number), 0.0] + ([] if mask is None else [mask])
        file.item(constant_item(sizes, [parts]) | {5: list(origin)})
    file.mask(MaskSpec(ball((5, 4)), patterns=(0x7FC00001,)))
    file.mask(MaskSpec(np.arange(20).reshape(5, 4) % 3 > 0, method=0, patterns=(5,)))
    return case("tiles", "masks-differ", file, "ITEM-4 ITEM-11 VAL-4", tags="mask")


def _other_values() -> Case:
    """Several components; offset and scale differ from tile to tile."""
    file = File()
    for number, (origin, sizes) in enumerate(boxes((6, 5), (7, 2))):
        parts = (
            ("u", 7, 3.0 * number, 1.0 + number),
            ("v", 3, -9.0, 100.0 * number),
            ("w", 0, 7.0, 9.0),
        )
        model = Fvsrn(sizes, components=parts, seed=200 + number)
        file.item(model.header(k5=list(origin)))
        file.tens([static_stream(1, model.integers())], model.integers(), number)
    return case("tiles", "components-and-scales", file, "ITEM-11 VAL-2")


def _architectures() -> Case:
    """Tiles of different architectures; integers come in another order than items."""
    part = (("a", 3, 10.0, 400.0),)
    pyramid, plain = (
        Pyramid((6, 5), (1, 1), part, seed=211),
        Pyramid((6, 3), (0, 0), part, seed=212),
    )
    network = Fvsrn((4, 5), components=part, seed=213)
    file = File().item(plain.header(k5=[0, 5])).item(network.header(k5=[6, 0]))
    file.item(constant_item((4, 3), part) | {5: [6, 5]}).item(pyramid.header(k5=[0, 0]))
    file.tens(pyramid.streams(), pyramid.integers(), 3)
    file.tens([raw_stream(network.integers())], network.integers(), 1)
    file.tens(plain.streams(), plain.integers(), 0)
    return case("tiles", "architectures-differ", file, "ITEM-11 TENS-1 TENS-2 VAL-5")


def _with_residuals() -> Case:
    """Tiles with bounds or residuals, with steps of their own."""
    keys: list[dict[int, Any]] = [{6: [0.5], 7: [0.25]}, {}, {7: [3.0]}, {6: [0.0]}]
    file = File()
    for (origin, sizes), some in zip(boxes((2, 1), (3, 2)), keys, strict=True):
        file.item(constant_item(sizes, [("a", 7, 5.0, 0.0)]) | {5: list(origin)} | some)
    file.resd([raw_stream([1, -1, 0])], [1, -1, 0], 2)
    file.resd([raw_stream(range(6))], range(6), 0)
    return case("tiles", "residuals", file, "ITEM-11 ITEM-12 RESD-1 VAL-7")


def tile_faults() -> list[Case]:
    """Grids with a fault, tiles that differ, and wrong origins."""
    return [*_grid_faults(), *_differing(), *_origin_faults(), *_name_faults(), *_limits()]


def _grid_faults() -> Iterator[Case]:
    """Intervals and combinations (ITEM-11)."""
    four = boxes((3, 3), (4, 4))
    grids: dict[str, list[Box]] = {
        "gap": [((0,), (3,)), ((4,), (3,))],
        "gap-along-second-axis": [((0, 0), (3, 4)), ((0, 5), (3, 4))],
        "gap-before-the-first": [((1,), (3,)), ((4,), (3,))],
        "one-not-at-0": [((1, 0), (3, 4))],
        "one-far-away": [((2**64 - 1,), (3,))],
        "overlap": [((0,), (3,)), ((2,), (3,))],
        "overlap-from-0": [((0,), (3,)), ((0,), (5,))],
        "overlap-inside": [((0,), (6,)), ((2,), (2,)), ((6,), (2,))],
        "overlap-of-all": [((0,), (2,)), ((2,), (4,)), ((0,), (6,))],
        "missing": four[:3],
        "missing-first": four[1:],
        "missing-diagonal": [four[0], four[3]],
        "missing-in-dims-3": boxes((1, 1), (2, 2), (3, 3))[:-1],
        "twice": [*four, four[2]],
        "all-twice": four * 2,
        "one-twice": [((0, 0), (3, 4))] * 2,
        "twice-and-missing": [*four[:3], four[0]],
        "bricks": [((0, 0), (2, 3)), ((0, 3), (2, 5)), ((2, 0), (2, 4)), ((2, 4), (2, 4))],
        "strips-of-other-lengths": [((0, 0), (4, 2)), ((0, 2), (3, 2))],
        "sum-wraps-64-bits": [((0,), (3,)), ((2**64 - 1,), (1,))],
        "origin-2-63": [((0,), (3,)), ((2**63,), (3,))],
    }
    for name, some in grids.items():
        yield case("tiles", name, tiled(some), "ITEM-11", "malformed")


def _differing() -> Iterator[Case]:
    """Tiles of one field that are not alike (ITEM-11)."""
    u: list[Any] = ["a", 7, 1.0, 0.0]
    v: list[Any] = ["b", 3, 1.0, 0.0]
    first, last = {5: [0, 0]}, {5: [3, 0]}
    good = constant_item((3, 4), [u, v])
    pairs: dict[str, tuple[dict[Any, Any], dict[Any, Any]]] = {
        "second-without-origin": (good | first, good),
        "first-without-origin": (good, good | last),
        "no-origins": (good, good),
        "fewer-components": (good | first, constant_item((3, 4), [u]) | last),
        "more-components": (constant_item((3, 4), [u]) | first, good | last),
        "other-name": (good | first, constant_item((3, 4), [u, ["c", 3, 1.0, 0.0]]) | last),
        "other-dtype": (good | first, constant_item((3, 4), [["a", 8, 1.0, 0.0], v]) | last),
        "other-dtype-of-second": (
            good | first,
            constant_item((3, 4), [u, ["b", 2, 1.0, 0.0]]) | last,
        ),
        "other-number-of-dims": (good | first, good | {1: [3, 4, 1], 5: [3, 0, 0]}),
        "fewer-dims": (good | first, good | {1: [3], 5: [3]}),
        "dim-with-a-name": (good | first, good | {1: [["y", 3], 4]} | last),
        "dim-of-another-name": (
            good | {1: [3, ["x", 4]]} | first,
            good | {1: [3, ["X", 4]]} | last,
        ),
        "dim-names-exchanged": (
            good | {1: [["y", 3], ["x", 4]]} | first,
            good | {1: [["x", 3], ["y", 4]]} | last,
        ),
    }
    w: list[Any] = ["c", 3, 1.0, 0.0]
    pairs["other-order-of-components"] = (
        constant_item((3, 4), [u, v, w]) | first,
        constant_item((3, 4), [u, w, v]) | last,
    )
    for name, (a, b) in pairs.items():
        yield case("tiles", name, File().item(a).item(b), "ITEM-11", "malformed")


def _origin_faults() -> Iterator[Case]:
    """Values of key 5."""
    origins: dict[str, tuple[Any, str]] = {
        "one-too-few": ([0], "ITEM-11"),
        "one-too-many": ([0, 0, 0], "ITEM-11"),
        "empty": ([], "ITEM-0"),
        "negative": ([0, -1], "ITEM-0"),
        "float": ([0.0, 0], "ITEM-0"),
        "true": ([False, 0], "ITEM-0"),
        "text": (["0", 0], "ITEM-0"),
        "null": (None, "ITEM-0"),
        "a-number": (0, "ITEM-0"),
        "a-map": ({0: 0, 1: 0}, "ITEM-0"),
    }
    for name, (value, spec) in origins.items():
        yield case(
            "tiles",
            f"origin-{name}",
            File().item(constant_item((3, 4), [_A]) | {5: value}).build(),
            f"{spec} ITEM-11" if spec == "ITEM-0" else spec,
            "malformed",
        )


def _name_faults() -> list[Case]:
    """Names that tiles share with something that is not their field (ITEM-10)."""
    first: list[Any] = ["a", 7, 1.0, 0.0]
    second: list[Any] = ["b", 7, 1.0, 0.0]
    other: list[Any] = ["c", 7, 1.0, 0.0]

    def tiles(parts: list[Any], file: File) -> File:
        for origin, sizes in boxes((3, 2)):
            file.item(constant_item(sizes, parts) | {5: list(origin)})
        return file

    whole = constant_item((2,), [second])
    files = {
        "name-twice-in-a-tile": tiles([first, second, first], File()),
        "name-of-second-twice-in-a-tile": tiles([first, second, second], File()),
        "second-name-in-two-fields": tiles([other, second], tiles([first, second], File())),
        "second-name-is-first-of-another": tiles([second], tiles([first, second], File())),
        "second-name-of-a-whole-item": tiles([first, second], File()).item(whole),
    }
    return [case("tiles", name, file, "ITEM-10", "malformed") for name, file in files.items()]


def _limits() -> list[Case]:
    """Tiles that are enormous together."""
    data = tiled(boxes((2**36,) * 64)).build()
    return [case("samples", "sum-of-64-tiles", data, "LIM-1 ITEM-11", "limit")]
