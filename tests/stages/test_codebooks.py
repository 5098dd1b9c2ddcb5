"""ITEM-13: integers that index a codebook become its entries, rounded once, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from codec.arrays import BoolArray, Float32Array
from codec.coding.restore_parameters import restore_parameters
from codec.errors import CorruptError
from codec.format.headers import Component, Dim, Item, Quantisation
from codec.plugin_api.models import TensorSpec

STEP = float(np.float32(0.1))
BOOK = Quantisation((STEP,), codebook=(-32768, -3, 0, 5, 32767), first=-2)


def item(*quantisations: Quantisation, masks: tuple[tuple[int, int], ...] = ()) -> Item:
    return Item((Component("v", "f4", 0.0, 1.0),), (Dim(4),), 1, 1, {}, quantisations, masks)


def restored(integers: Sequence[int], mask: BoolArray | None = None) -> Float32Array:
    shape = (len(integers),) if mask is None else mask.shape
    masks = {} if mask is None else {0: mask}
    header = item(BOOK, masks=() if mask is None else ((0, 0),))
    (found,) = restore_parameters(
        header, [TensorSpec("t", shape)], np.array(integers, np.int64), masks
    )
    return found


def test_an_integer_stands_for_its_entry_in_steps() -> None:
    expected = [np.float32(entry * STEP) for entry in (32767, -32768, 0, -3)]
    found = restored([2, -2, 0, -1])
    assert found.dtype == np.float32
    assert found.tolist() == [float(value) for value in expected]


def test_what_a_mask_leaves_out_is_0_whatever_the_codebook_holds() -> None:
    found = restored([2, 1], np.array([True, False, True]))
    assert found.tolist() == [np.float32(32767 * STEP), 0.0, np.float32(5 * STEP)]


@pytest.mark.parametrize("integer", [-3, 3, 2**31 - 1, -(2**31)])
def test_an_integer_beyond_the_codebook_is_malformed(integer: int) -> None:
    with pytest.raises(CorruptError, match="codebook"):
        restored([0, integer])


def test_codebooks_come_back() -> None:
    header = item(BOOK, Quantisation((STEP,), codebook=(7,)), Quantisation((STEP,)))
    assert Item.from_bytes(header.to_bytes()) == header


def packed(entry: list[object]) -> bytes:
    from codec.format import cbor

    fields = cbor.decode(item(BOOK).to_bytes())
    assert isinstance(fields, dict)
    fields[3] = [entry]
    return cbor.encode(fields)


@pytest.mark.parametrize(
    "entry",
    [
        [2, STEP, 0],
        [2, STEP, 0, b""],
        [2, STEP, 0, b"\0"],
        [2, STEP, 0, b"\0\0\0"],
        [2, STEP, 0, [1, 2]],
        [2, STEP, 0, bytes(2 * 65536 + 2)],
        [2, STEP, 1, b"\0\0"],
        [2, STEP, -65536, b"\0\0"],
        [2, STEP, 0.0, b"\0\0"],
        [2, 0.1, 0, b"\0\0"],
        [2, -STEP, 0, b"\0\0"],
        [2, STEP, 0, b"\0\0", 0],
    ],
    ids=repr,
)
def test_what_is_no_codebook_is_malformed(entry: list[object]) -> None:
    with pytest.raises(CorruptError):
        Item.from_bytes(packed(entry))


def test_the_largest_codebook_is_read() -> None:
    (found,) = Item.from_bytes(packed([2, STEP, -65535, bytes(2 * 65536)])).quantisation
    assert len(found.codebook) == 65536
