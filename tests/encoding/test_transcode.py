"""Transcoding changes how integers are coded, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.reading.contents import FileContents


def field() -> np.ndarray:
    z, y, x = np.mgrid[0:14, 0:18, 0:16] / 7
    values = (np.sin(z) * np.cos(2 * y) + 0.3 * x**2).astype(np.float32)
    values[:3, :4] = np.nan
    return values


def encoded(folder: Path, **options: object) -> Path:
    np.save(folder / "a.npy", field())
    codec.encode(folder / "a.npy", folder / "a.inrc", **options)  # type: ignore[arg-type]
    return folder / "a.inrc"


KINDS = {
    "pyramid": {"effort": 0},
    "bounded": {"effort": 0, "max_error": 1e-3},
    "tiles": {"effort": 0, "tile": (8, 8, 8)},
    "pruned": {
        "arch": "fvsrn",
        "bytes": 2500,
        "settings": {"fit.steps": 20, "fit.prune_steps": 20, "fit.finetune_steps": 5},
    },
}


@pytest.fixture(scope="module", params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp(request.param), **KINDS[request.param])


def coders(path: Path) -> set[str]:
    with FileContents(path) as file:
        return {
            summary.coder
            for item in file.items
            for section in item.integers.all()
            for summary in section.summaries
        }


@pytest.mark.torch
@pytest.mark.parametrize("coder", ["range", "zstd"])
def test_values_stay_the_same_bit_for_bit(source: Path, tmp_path: Path, coder: str) -> None:
    target = tmp_path / "b.inrc"
    report = codec.transcode(source, target, coder=coder)
    with codec.open(source) as before, codec.open(target) as after:
        for name in before:
            assert before[name][...].tobytes() == after[name][...].tobytes()
    assert report.file_bytes == target.stat().st_size
    assert report.source_bytes == source.stat().st_size
    assert coder in coders(target)
    assert coders(target) <= {coder, "raw"}
    assert codec.verify(target).sections > 0


@pytest.mark.torch
def test_back_again_gives_the_same_file(source: Path, tmp_path: Path) -> None:
    codec.transcode(source, tmp_path / "b.inrc", coder="raw")
    codec.transcode(tmp_path / "b.inrc", tmp_path / "c.inrc")
    codec.transcode(source, tmp_path / "d.inrc")
    assert digest(tmp_path / "c.inrc") == digest(tmp_path / "d.inrc")
    assert (tmp_path / "c.inrc").stat().st_size <= source.stat().st_size


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_metadata_and_coordinates_are_kept(tmp_path: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as dataset:
        for name, size in zip("zyx", field().shape, strict=True):
            dataset.createDimension(name, size)
            dataset.createVariable(name, "f8", (name,))[:] = np.arange(size) * 1.5
        variable = dataset.createVariable("t", "f4", ("z", "y", "x"))
        variable[:] = field()
        variable.units = "K"
    codec.encode(tmp_path / "a.nc", tmp_path / "a.inrc", effort=0)
    codec.transcode(tmp_path / "a.inrc", tmp_path / "b.inrc", coder="brotli")
    codec.decode(tmp_path / "b.inrc", tmp_path / "b.nc")
    with netCDF4.Dataset(tmp_path / "b.nc") as dataset:
        assert dataset["t"].units == "K"
        np.testing.assert_array_equal(dataset["y"][:], np.arange(18) * 1.5)


@pytest.mark.torch
def test_damage_is_found_and_nothing_written(source: Path, tmp_path: Path) -> None:
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.inrc").write_bytes(data)
    with pytest.raises(CorruptError):
        codec.transcode(tmp_path / "bad.inrc", tmp_path / "b.inrc")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.inrc"]


@pytest.mark.torch
def test_the_input_is_not_replaced(source: Path) -> None:
    before = digest(source)
    with pytest.raises(InvalidInputError):
        codec.transcode(source, source)
    with pytest.raises(InvalidInputError, match="is the input itself"):
        codec.transcode(source, source, overwrite=True)
    assert digest(source) == before


@pytest.mark.torch
def test_an_unknown_coder_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="huffman"):
        codec.transcode(source, tmp_path / "b.inrc", coder="huffman")
