"""Samples in a file are read like an array in memory, and a change of the file is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.errors import InvalidInputError
from codec.media.arrays import sample_file
from codec.media.arrays.sample_file import SampleFile

SHAPE = (3, 7, 5, 4)
INDICES: tuple[Any, ...] = (
    ...,
    2,
    -1,
    (slice(1, 3), 4),
    (slice(None, None, -1), slice(2, 7, 2), slice(None, None, -2)),
    (..., 1),
    (0, ..., slice(3, 0, -1)),
    (slice(2, 2), 1),
    (1, 2, 3, -4),
    (slice(None), slice(3, 5), slice(None), slice(1, 2)),
)


@pytest.mark.parametrize("row", [1, 16, 4096])
@pytest.mark.parametrize("order", ["C", "F"])
def test_slices_are_those_of_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Any, row: int
) -> None:
    monkeypatch.setattr(sample_file, "_ROW_BYTES", row)
    monkeypatch.setattr(sample_file, "_RUN_BYTES", 64)
    values = np.arange(np.prod(SHAPE), dtype=">i4").reshape(SHAPE)
    path = tmp_path / "samples"
    path.write_bytes(b"head" + values.tobytes(order))
    found = SampleFile(path, values.dtype, 4, SHAPE, order)
    for index in INDICES:
        np.testing.assert_array_equal(found[index], values[index], str(index))
        assert found[index].shape == values[index].shape


def test_a_file_that_is_too_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_bytes(bytes(15))
    with pytest.raises(InvalidInputError, match="truncated: has 15 bytes, its samples take 16"):
        SampleFile(path, "f4", 0, (4,))


@pytest.mark.parametrize("size", [0, 8, 16, 32])
def test_a_file_that_changes_while_it_is_open_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "samples"
    path.write_bytes(bytes(16))
    os.utime(path, ns=(1, 1))
    found = SampleFile(path, "f4", 0, (4,))
    path.write_bytes(b"x" * size)
    with pytest.raises(InvalidInputError, match="samples: the file changed"):
        found[1:2]


def test_a_file_that_is_replaced_is_read_on_as_it_was(tmp_path: Path) -> None:
    path, other = tmp_path / "samples", tmp_path / "other"
    path.write_bytes(bytes(16))
    other.write_bytes(b"x" * 16)
    found = SampleFile(path, "f4", 0, (4,))
    os.replace(other, path)
    assert not found[...].any()


def test_an_index_out_of_range_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_bytes(bytes(16))
    with pytest.raises(IndexError):
        SampleFile(path, "f4", 0, (4,))[4]
