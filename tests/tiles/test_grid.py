"""Tiles of one field fit together, or the file is refused (ITEM-10, ITEM-11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import codec
from codec.coding.item_sections import ItemSections
from codec.coding.write_file import FileParts
from codec.errors import CorruptError
from codec.format import cbor
from codec.format.headers import Component, Dim, Item

Items = list[Item]


def tile(
    value: float, origin: tuple[int, ...] | None, size: tuple[int, ...], name: str = "t"
) -> Item:
    dims = tuple(Dim(length, axis) for length, axis in zip(size, ("y", "x"), strict=False))
    return Item((Component(name, "f4", value, 0.0),), dims, 0, 1, {}, origin=origin)


def file_of(items: Items) -> bytes:
    parts = FileParts()
    for item in items:
        parts.add_item(ItemSections(item.to_bytes(), (), ()))
    return parts.to_bytes(1)


def grid() -> Items:
    """Rows of 3 and 2, columns of 4 and 1; not in the order of the grid."""
    return [
        tile(4.0, (3, 4), (2, 1)),
        tile(1.0, (0, 0), (3, 4)),
        tile(3.0, (3, 0), (2, 4)),
        tile(2.0, (0, 4), (3, 1)),
    ]


def test_tiles_make_one_field_in_any_order() -> None:
    with codec.open(file_of(grid()), device="cpu") as file:
        assert list(file) == ["t"]
        view = file["t"]
        assert view.shape == (5, 5)
        assert view.dims == ("y", "x")
        expected = np.ones((5, 5), "f4")
        expected[:3, 4], expected[3:, :4], expected[3:, 4] = 2, 3, 4
        assert np.array_equal(view[...], expected)
        assert np.array_equal(view[4:0:-2, [0, 4][1]], expected[4:0:-2, 4])


def test_a_tile_may_be_alone() -> None:
    with codec.open(file_of([tile(1.0, (0, 0), (3, 4))]), device="cpu") as file:
        assert file["t"].shape == (3, 4)


def test_two_fields_may_be_cut_in_different_ways() -> None:
    others = [tile(7.0, (0, 0), (5, 2), "u"), tile(8.0, (0, 2), (5, 3), "u")]
    with codec.open(file_of([*grid(), *others]), device="cpu") as file:
        assert list(file) == ["t", "u"]
        assert file["u"][0].tolist() == [7, 7, 8, 8, 8]


def _swapped(items: Items) -> None:
    component = replace(items[0].components[0], dtype="f8")
    items[0] = replace(items[0], components=(component,))


BAD: dict[str, Callable[[Items], object]] = {
    "one is missing": lambda items: items.pop(),
    "one is there twice": lambda items: items.append(items[0]),
    "one is no tile": lambda items: items.__setitem__(0, replace(items[0], origin=None)),
    "a gap": lambda items: items.__setitem__(0, replace(items[0], origin=(3, 5))),
    "an overlap": lambda items: items.__setitem__(0, replace(items[0], origin=(3, 3))),
    "a row of another height": lambda items: items.__setitem__(0, tile(4.0, (3, 4), (3, 1))),
    "it does not begin at 0": lambda items: items.__setitem__(
        slice(None), [replace(one, origin=(one.origin[0] + 1, one.origin[1])) for one in items]
    ),
    "another dtype": _swapped,
    "another name of a dim": lambda items: items.__setitem__(
        0, replace(items[0], dims=(Dim(2, "z"), Dim(1, "x")))
    ),
    "another number of dims": lambda items: items.__setitem__(0, tile(4.0, (3,), (2,))),
    "a second component": lambda items: items.__setitem__(
        0, replace(items[0], components=(*items[0].components, Component("u", "f4", 0.0, 0.0)))
    ),
    "a tile of another field has the name": lambda items: items.append(
        replace(
            tile(1.0, (0, 0), (3, 4), "v"),
            components=(Component("v", "f4", 0.0, 0.0), Component("t", "f4", 0.0, 0.0)),
        )
    ),
    "longer than 2^48": lambda items: items.__setitem__(
        slice(None), [tile(1.0, (0, 0), (1, 1)), tile(2.0, (1, 0), (2**48, 1))]
    ),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_item_11_tiles_that_are_no_grid_are_refused(change: Callable[[Items], object]) -> None:
    items = grid()
    change(items)
    limits = codec.Limits(max_samples=2**60)
    with pytest.raises(CorruptError):
        codec.open(file_of(items), limits=limits)


@pytest.mark.parametrize(
    "origin", [0, [], [0], [0, 0, 0], [-1, 0], [0, 1.5], [0, 2**49], [0, True]]
)
def test_item_0_the_origin_is_one_number_per_dim(origin: object) -> None:
    fields = cbor.decode(tile(1.0, (0, 0), (3, 4)).to_bytes())
    fields[5] = origin
    parts = FileParts()
    parts.add_item(ItemSections(cbor.encode(fields), (), ()))
    with pytest.raises(CorruptError):
        codec.open(parts.to_bytes(1))
