"""A file that was cut or damaged anywhere is refused, and never by another exception."""

from __future__ import annotations

import pytest

import codec
from codec.errors import FormatError, TruncatedError
from tests.building import HEADER_BYTES, coded_mask, fvsrn_file
from tests.format.test_sections import check


def test_every_prefix_is_truncated(tiny_file: bytes) -> None:
    assert len(tiny_file) < 1500
    for size in range(len(tiny_file)):
        with pytest.raises(TruncatedError):
            check(tiny_file[:size])
    check(tiny_file)


def test_opening_every_prefix_is_enough_to_see_it(tiny_file: bytes) -> None:
    for size in range(len(tiny_file)):
        with pytest.raises(TruncatedError):
            codec.open(tiny_file[:size])


def test_every_flipped_bit_is_found(tiny_file: bytes) -> None:
    damaged = bytearray(tiny_file)
    for bit in range(8 * len(tiny_file)):
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            check(bytes(damaged))
        damaged[bit // 8] ^= 1 << bit % 8


def test_every_removed_and_every_repeated_byte_is_found(tiny_file: bytes) -> None:
    for place in range(len(tiny_file)):
        for damaged in (
            tiny_file[:place] + tiny_file[place + 1 :],
            tiny_file[:place] + tiny_file[place : place + 1] + tiny_file[place:],
        ):
            with pytest.raises(FormatError):
                check(damaged)


def test_bytes_changed_under_a_right_checksum_are_refused_or_decoded() -> None:
    """What a CRC does not catch must not surprise either: a clean error, or other values."""
    import numpy as np

    from tests.building import join, split

    valid = np.random.default_rng(0).random((6, 7)) < 0.7
    fill = np.arange(int((~valid).sum()), dtype="f4") % 3
    data = fvsrn_file((6, 7), mask=coded_mask(valid, fill), sparse=True)
    header, sections = split(data)
    random = np.random.default_rng(1)
    refused = 0
    tries = 600
    for _ in range(tries):
        number = int(random.integers(len(sections)))
        name, attribute, stored = sections[number]
        changed = bytearray(stored)
        changed[int(random.integers(len(stored)))] = int(random.integers(256))
        other = [*sections[:number], (name, attribute, bytes(changed)), *sections[number + 1 :]]
        try:
            check(join(header, other))
        except FormatError:
            refused += 1
    assert refused > tries / 3


@pytest.mark.parametrize("size", range(HEADER_BYTES + 1))
def test_a_prefix_of_the_header_is_truncated(size: int, tiny_file: bytes) -> None:
    with pytest.raises(TruncatedError):
        codec.open(tiny_file[:size])
