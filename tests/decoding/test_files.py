"""Decoding to files: bounded memory, any number of threads, regions by name."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import codec
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from tests.building import coded_mask, fvsrn_file, with_payload

SHAPE = (20, 90, 170)  # more than one block of evaluation


@pytest.fixture(scope="module")
def several_blocks() -> bytes:
    valid = np.random.default_rng(0).random(SHAPE) < 0.99
    fill = np.arange(int((~valid).sum())) % 3
    return fvsrn_file(
        SHAPE, ("f4",), dims=("t", "y", "x"), mask=coded_mask(valid, fill.astype("f4"))
    )


def test_threads_do_not_change_the_result(several_blocks: bytes) -> None:
    found = []
    for threads in (1, 2, 4):
        with codec.open(several_blocks, threads=threads, device="cpu") as file:
            found.append(file["v0"][...].tobytes())
    assert found[0] == found[1] == found[2]


def test_threads_may_share_an_open_file(several_blocks: bytes) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with codec.open(several_blocks, threads=1, device="cpu") as file:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: file["v0"][3, ::5].tobytes(), range(8)))
        assert set(found) == {file["v0"][3, ::5].tobytes()}


def test_a_decoded_file_holds_what_indexing_gives(several_blocks: bytes, tmp_path: Path) -> None:
    source = tmp_path / "a.inrc"
    source.write_bytes(several_blocks)
    codec.decode(source, tmp_path / "a.npy", device="cpu")
    with codec.open(source, device="cpu") as file:
        assert np.load(tmp_path / "a.npy").tobytes() == file["v0"][...].tobytes()


@pytest.mark.parametrize(
    ("region", "index"),
    [
        ({"y": slice(3, 40, 7)}, np.s_[:, 3:40:7]),
        ({"x": 5}, np.s_[:, :, 5:6]),
        ({"x": -1, "0": slice(2, 4)}, np.s_[2:4, :, 169:]),
        ({"t": slice(None, None, -3), "y": slice(-5, None)}, np.s_[::-3, -5:]),
    ],
    ids=str,
)
def test_a_region_decodes_to_that_part(
    several_blocks: bytes, tmp_path: Path, region: dict[str, Any], index: Any
) -> None:
    source = tmp_path / "a.inrc"
    source.write_bytes(several_blocks)
    codec.decode(source, tmp_path / "a.npy", region=region, device="cpu")
    with codec.open(source, device="cpu") as file:
        assert np.load(tmp_path / "a.npy") == pytest.approx(file["v0"][index], abs=1e-4)


@pytest.mark.parametrize(
    "region", [{"z": 0}, {"x": 170}, {"x": slice(5, 5)}, {"3": 0}, {"x": slice(500, None)}], ids=str
)
def test_regions_that_are_not_there_are_refused(
    several_blocks: bytes, tmp_path: Path, region: dict[str, Any]
) -> None:
    source = tmp_path / "a.inrc"
    source.write_bytes(several_blocks)
    with pytest.raises(InvalidInputError):
        codec.decode(source, tmp_path / "a.npy", region=region)
    assert not (tmp_path / "a.npy").exists()


def test_memory_does_not_grow_with_the_field(tmp_path: Path) -> None:
    """2^25 samples of float32 are 128 MiB, and twice that in float64."""
    source = tmp_path / "cube.inrc"
    source.write_bytes(fvsrn_file((512, 256, 256), features=1, width=2, layers=1, octaves=0))
    tracemalloc.start()
    codec.decode(source, tmp_path / "cube.npy", device="cpu", threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.load(tmp_path / "cube.npy", mmap_mode="r").shape == (512, 256, 256)
    assert peak < 100 << 20


def test_a_wrong_digest_writes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a.inrc"
    source.write_bytes(with_payload(fvsrn_file((6, 5)), "ENDS", b"\0\0" + b"x" * 8))
    with pytest.raises(CorruptError, match="digest"):
        codec.decode(source, tmp_path / "a.npy")
    assert not (tmp_path / "a.npy").exists()


def test_what_is_not_fitted_comes_back_from_a_real_file(
    tiny_file: bytes, tiny_netcdf: Path, tmp_path: Path
) -> None:
    source = tmp_path / "tiny.inrc"
    source.write_bytes(tiny_file)
    codec.decode(source, tmp_path / "back.nc", device="cpu")
    with netCDF4.Dataset(tiny_netcdf) as a, netCDF4.Dataset(tmp_path / "back.nc") as b:
        a.set_auto_maskandscale(False)
        b.set_auto_maskandscale(False)
        assert list(a.variables) == list(b.variables)
        for name in ("y", "x", "n"):
            assert a[name][:].tobytes() == b[name][:].tobytes()
        assert a["p"].long_name == b["p"].long_name
        hole = a["t"][:] == -999
        assert (b["t"][:][hole] == -999).all()
        assert not (b["t"][:][~hole] == -999).any()


def test_a_region_of_a_real_file_has_the_coordinates_of_the_region(
    tiny_file: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "tiny.inrc"
    source.write_bytes(tiny_file)
    codec.decode(source, tmp_path / "part.nc", region={"y": slice(4, 10, 2)}, device="cpu")
    with netCDF4.Dataset(tmp_path / "part.nc") as part:
        assert part["y"][:].tolist() == [11.0, 11.5, 12.0]
        assert part["t"].shape == (3, 30)
        assert part["n"][:].tolist() == [[row * x for x in range(30)] for row in (4, 6, 8)]


@pytest.mark.parametrize(
    "options",
    [{"level": -1}, {"resolution": 1}, {"resolution": 1025}, {"device": "tpu"}, {"threads": -1}],
    ids=str,
)
def test_options_out_of_their_range_are_refused_before_a_file_is_opened(
    options: dict[str, Any],
) -> None:
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        codec.decode("missing.inrc", "a.ply", **options)
