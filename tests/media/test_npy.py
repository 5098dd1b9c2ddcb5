"""A .npy file is one field, and one field is a .npy file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.errors import InvalidInputError
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.numpy_files import npy

DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4")


def rows(name: str, values: Any) -> DecodedField:
    """A decoded field that arrives row by row, last row first."""
    rest = tuple(slice(0, size) for size in values.shape[1:])
    blocks = [((slice(i, i + 1), *rest), values[i : i + 1]) for i in range(len(values))]
    dims = ("",) * values.ndim
    return DecodedField(name, dims, values.shape, values.dtype, lambda: reversed(blocks))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", DTYPES)
def test_round_trip_of_every_dtype(code: str, order: str, tmp_path: Path) -> None:
    values = np.arange(24).reshape(4, 3, 2).astype(order + code)
    np.save(tmp_path / "cube.npy", np.asfortranarray(values))
    dataset = npy.read(tmp_path / "cube.npy")
    (field,) = dataset.fields
    assert (field.name, field.dims, field.shape) == ("cube", ("", "", ""), (4, 3, 2))
    assert field.dtype == np.dtype(code)
    assert dataset.source_bytes == (tmp_path / "cube.npy").stat().st_size
    part = field.values[1:, ::2]
    assert part.dtype.isnative
    assert part.flags.c_contiguous
    np.testing.assert_array_equal(part, values[1:, ::2])
    whole = rows(field.name, field.values[...])
    dataset.close()
    npy.write(tmp_path / "temporary", DecodedDataset("npy", (whole,), {}, {}), "ignored")
    back = np.load(tmp_path / "temporary")
    assert back.dtype == np.dtype(code)
    np.testing.assert_array_equal(back, values)


def test_a_closed_file_cannot_be_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    dataset = npy.read(tmp_path / "a.npy")
    dataset.close()
    with pytest.raises(ValueError, match="closed"):
        dataset.fields[0].values[...]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones((2, 2), complex), "complex128.*convert"),
        (np.ones(3, bool), "bool.*convert"),
        (np.ones(3, np.int64), "int64.*convert"),
        (np.ones(3, "M8[s]"), "datetime64.*convert"),
        (np.ones(3, [("a", "f4")]), "structured.*save"),
        (np.array([None, 1]), "Python objects.*save"),
        (np.ones((1,) * 5), "5 axes.*reshape"),
        (np.float32(1), "0 axes.*reshape"),
        (np.ones((3, 0)), "no samples"),
    ],
)
def test_other_arrays_are_refused_with_a_way_out(values: Any, reason: str, tmp_path: Path) -> None:
    np.save(tmp_path / "odd.npy", values, allow_pickle=True)
    with pytest.raises(InvalidInputError, match=rf"odd\.npy: .*{reason}") as caught:
        npy.read(tmp_path / "odd.npy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [7, 40, 127, 130])
def test_truncation_is_noticed(size: int, tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, np.ones(100))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InvalidInputError, match=r"t\.npy: .*truncated"):
        npy.read(path)


def test_select_knows_one_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    assert len(npy.read(tmp_path / "a.npy", ("a",)).fields) == 1
    with pytest.raises(InvalidInputError, match="no variable 'b'; available: a"):
        npy.read(tmp_path / "a.npy", ("a", "b"))


@pytest.mark.parametrize("count", [0, 2])
def test_only_one_field_fits(count: int, tmp_path: Path) -> None:
    fields = tuple(rows(f"v{i}", np.ones((2, 2))) for i in range(count))
    with pytest.raises(InvalidInputError, match="choose with --var"):
        npy.write(tmp_path / "a.npy", DecodedDataset("netcdf", fields, {}, {}))
    assert not (tmp_path / "a.npy").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    dataset = DecodedDataset("npy", (rows("a", np.ones((2, 2))),), {}, {})
    with pytest.raises(InvalidInputError, match="cannot be written"):
        npy.write(tmp_path / "absent" / "a.npy", dataset)
