"""Fields with masks of their own and sparse models keep them apart."""

from __future__ import annotations

import numpy as np

import codec
from codec.coding.item_sections import encode_item
from codec.coding.mask_section import CodedMask, FillPatterns
from codec.coding.write_file import FileParts
from codec.format.headers import Component, Dim
from codec.plugin_api.registry import architecture
from tests.building import random_model

SHAPE = (6, 7)
FILLS = (-1.0, -2.0)


def validity(number: int) -> CodedMask:
    valid = np.ones(SHAPE, np.bool_)
    valid[number : number + 2, 1:4] = False
    return CodedMask(valid, FillPatterns(np.array([FILLS[number]], "f4").view("u4")))


def test_a_mask_added_later_does_not_shift_those_before_it() -> None:
    """Every item is coded with the indices its masks have when it is added."""
    parts = FileParts()
    for number in range(2):
        mask = parts.add_validity(validity(number))
        parts.add_item(
            encode_item(
                number,
                architecture("fvsrn"),
                random_model(SHAPE, seed=number, sparse=True),
                [Component(f"v{number}", "f4", 10.0, 2.0, mask)],
                [Dim(size) for size in SHAPE],
                first_mask=len(parts.masks),
                coder="auto",
            )
        )
    with codec.open(parts.to_bytes(1), device="cpu") as file:
        file.check_digest()
        for number in range(2):
            invalid = ~validity(number).mask
            values = file[f"v{number}"][...]
            assert (values[invalid] == FILLS[number]).all()
            assert (values[~invalid] >= 8).all()
