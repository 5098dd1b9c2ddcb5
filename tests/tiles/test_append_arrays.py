"""HDF5, Zarr, npz and bare samples grow as NetCDF does: fields, coordinates and texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

import codec
from codec.errors import CorruptError, InrcError
from codec.format import cbor
from tests import building
from tests.tiles.conftest import make_field

OPTIONS: dict[str, Any] = {"psnr": 50, "effort": 0, "device": "cpu", "threads": 1}
VALUES = np.nan_to_num(make_field((20, 16, 12)))
LABELS = [f"step {number}" for number in range(20)]


def steps(first: int, last: int) -> dict[str, Any]:
    """Arrays of a file: a field, what varies along its first axis, and what does not."""
    return {
        "g/u": VALUES[first:last],
        "time": np.arange(first, last, dtype="f8"),
        "box": np.arange(2 * first, 2 * last, dtype="i4").reshape(-1, 2).T.copy(),
        "y": np.arange(16, dtype="f4"),
        "table": np.arange(5),
    }


def write_hdf5(path: Path, first: int, last: int) -> None:
    with h5py.File(path, "w") as file:
        for name, values in steps(first, last).items():
            file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]))
        for axis, name in enumerate(("time", "y", "x")):
            file["g/u"].dims[axis].label = name
        file["g/u"].attrs["units"] = "K"
        file["label"] = LABELS[first:last]


def read_hdf5(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        found = {name: file[name][...] for name in steps(0, 1)}
        assert file["g/u"].maxshape[0] is None
        found["label"] = list(file["label"].asstr()[...])
    return found


def write_zarr(path: Path, first: int, last: int) -> None:
    root = zarr.create_group(str(path))
    for name, values in steps(first, last).items():
        names = ["time", "y", "x"] if name == "g/u" else None
        root.create_array(name, data=values, dimension_names=names, chunks=values.shape)


def read_zarr(path: Path) -> dict[str, Any]:
    root: Any = zarr.open_group(str(path), mode="r")
    return {name: root[name][...] for name in steps(0, 1)}


def write_npz(path: Path, first: int, last: int) -> None:
    arrays = {name.replace("/", "_"): values for name, values in steps(first, last).items()}
    np.savez(path, label=np.array(LABELS[first:last]), **arrays)


def read_npz(path: Path) -> dict[str, Any]:
    with np.load(path) as found:
        return {("g/u" if name == "g_u" else name): found[name] for name in found.files}


Media = tuple[str, Callable[[Path, int, int], None], Callable[[Path], dict[str, Any]], str]
MEDIA: dict[str, Media] = {
    "hdf5": (".h5", write_hdf5, read_hdf5, "time"),
    "zarr": (".zarr", write_zarr, read_zarr, "time"),
    "npz": (".npz", write_npz, read_npz, "0"),
}


@pytest.mark.parametrize("medium", MEDIA)
def test_everything_along_the_dim_grows(medium: str, tmp_path: Path) -> None:
    suffix, write, read, dim = MEDIA[medium]
    write(tmp_path / f"a{suffix}", 0, 9)
    write(tmp_path / f"b{suffix}", 9, 20)
    target, back = tmp_path / "t.inrc", tmp_path / f"back{suffix}"
    name = "g_u" if medium == "npz" else "g/u"
    codec.encode(tmp_path / f"a{suffix}", target, var=name, **OPTIONS)
    report = codec.append(target, tmp_path / f"b{suffix}", dim=dim, **OPTIONS)
    assert (report.before, report.after, report.goal_met) == (9, 20, True)
    codec.decode(target, back, device="cpu")
    found, expected = read(back), steps(0, 20)
    error = np.abs(found.pop("g/u") - expected.pop("g/u"))
    assert error.max() < 0.2
    if medium != "zarr":
        assert list(found.pop("label")) == LABELS
    box = expected.pop("box")
    assert found.pop("box").tolist() == np.concatenate([box[:, :9], box[:, 9:]], 1).tolist()
    assert {name: values.tolist() for name, values in found.items()} == {
        name: values.tolist() for name, values in expected.items()
    }


def test_a_zarr_array_without_a_group_grows(tmp_path: Path) -> None:
    for name, part in (("a", VALUES[:9]), ("b", VALUES[9:])):
        zarr.create_array(str(tmp_path / f"{name}.zarr"), data=part)
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.zarr", target, **OPTIONS)
    codec.append(target, tmp_path / "b.zarr", dim="0", **OPTIONS)
    codec.decode(target, tmp_path / "back.zarr", device="cpu")
    back: Any = zarr.open_array(str(tmp_path / "back.zarr"), mode="r")
    assert np.abs(back[...] - VALUES).max() < 0.2


@pytest.mark.filterwarnings("ignore:The data type")
@pytest.mark.parametrize("version", [2, 3])
def test_texts_that_a_zarr_array_would_cut_off_are_refused(version: Any, tmp_path: Path) -> None:
    for name, first, last in (("a", 0, 9), ("b", 9, 20)):
        root = zarr.create_group(str(tmp_path / f"{name}.zarr"), zarr_format=version)
        root.create_array("u", data=VALUES[first:last])
        root.create_array("label", data=np.array(LABELS[first:last]))
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.zarr", target, var="u", **OPTIONS)
    with pytest.raises(InrcError, match="label: has texts of more than 6 characters there"):
        codec.append(target, tmp_path / "b.zarr", dim="0", **OPTIONS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_bare_samples_grow(order: str, tmp_path: Path) -> None:
    stored = VALUES.astype(">f4")
    axis = 0 if order == "C" else 2
    parts = np.split(stored, [7], axis)
    for name, part in zip("ab", parts, strict=True):
        (tmp_path / f"{name}.raw").write_bytes(b"head" + part.tobytes(order))
    target = tmp_path / "t.inrc"
    layout = codec.RawLayout(parts[0].shape, "float32", order, "big", 4)
    codec.encode(tmp_path / "a.raw", target, raw=layout, **OPTIONS)
    codec.append(target, tmp_path / "b.raw", dim=str(axis), **OPTIONS)
    codec.decode(target, tmp_path / "back.raw", device="cpu")
    data = (tmp_path / "back.raw").read_bytes()
    assert data[:4] == b"head"
    found = np.frombuffer(data[4:], ">f4").reshape(VALUES.shape, order=order)
    assert np.abs(found - VALUES).max() < 0.2
    (tmp_path / "short.raw").write_bytes(bytes(104))
    with pytest.raises(InrcError, match=r"short\.raw: has 104 bytes"):
        codec.append(target, tmp_path / "short.raw", dim=str(axis), **OPTIONS)


def _without_time(file: Any) -> None:
    del file["time"]


def _other_y(file: Any) -> None:
    file["y"][...] += 1


def _other_unit(file: Any) -> None:
    file["g/u"].attrs["units"] = "degC"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_time, "lacks the array 'time'"),
        (_other_y, "y: the coordinate has other values"),
        (_other_unit, "its unit is degC there, and K before"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Callable[[Any], None], message: str, tmp_path: Path
) -> None:
    write_hdf5(tmp_path / "a.h5", 0, 9)
    write_hdf5(tmp_path / "b.h5", 9, 14)
    with h5py.File(tmp_path / "b.h5", "a") as file:
        change(file)
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.h5", target, var="g/u", **OPTIONS)
    before = target.read_bytes()
    with pytest.raises(InrcError, match=message) as caught:
        codec.append(target, tmp_path / "b.h5", dim="time", **OPTIONS)
    assert "b.h5" in str(caught.value)
    assert target.read_bytes() == before


def test_a_bound_that_the_file_promises_holds_for_what_is_added(tmp_path: Path) -> None:
    for name, part in (("a", VALUES[:12]), ("b", VALUES[12:])):
        np.save(tmp_path / f"{name}.npy", part)
    target = tmp_path / "a.inrc"
    codec.encode(tmp_path / "a.npy", target, max_error=0.01, effort=0)
    codec.append(target, tmp_path / "b.npy", dim="0", effort=0)
    with codec.open(target) as file:
        (decoded,) = (file[name][...] for name in file)
    assert np.abs(decoded.astype(np.float64) - VALUES).max() <= 0.01


@pytest.mark.parametrize(
    "array",
    [
        {0: "label", 1: [], 9: [[7], "<U7"]},
        {0: "label", 1: [], 9: [["9"], "<U7"]},
        {0: "label", 1: [], 9: 3},
        {0: "of nowhere", 1: []},
    ],
    ids=["another shape", "a shape of texts", "no own part", "an array that is not kept"],
)
def test_a_file_whose_metadata_fit_nothing_is_left_as_it_is(array: Any, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", 0, 9)
    write_npz(tmp_path / "b.npz", 9, 20)
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.npz", target, var="g_u", **OPTIONS)

    def change(sections: building.Sections) -> None:
        described = cbor.encode({0: "npz", 1: {0: [{0: "g_u", 1: ["g_u"]}, array]}})
        names = [name for name, _, _ in sections]
        sections[names.index("mETa")] = ("mETa", 0, described)

    hostile = building.edited(target.read_bytes(), change)
    target.write_bytes(hostile)
    with pytest.raises(CorruptError, match="metadata"):
        codec.append(target, tmp_path / "b.npz", dim="0", **OPTIONS)
    assert target.read_bytes() == hostile
    assert len(list(tmp_path.iterdir())) == 3
