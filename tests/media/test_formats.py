"""Readers are found by content, writers by suffix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from codec.errors import InvalidInputError
from codec.media import formats
from codec.media.netcdf import write as netcdf_write
from codec.media.numpy_files import npy


@pytest.mark.parametrize("variant", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA", "NETCDF4"])
def test_content_wins_over_suffix(variant: Any, tmp_path: Path) -> None:
    path = tmp_path / "misnamed.npy"
    with netCDF4.Dataset(path, "w", format=variant) as file:
        file.setncattr("title", "in truth a NetCDF file")
    dataset = formats.read(path)
    assert dataset.medium == "netcdf"
    dataset.close()
    with (tmp_path / "array.nc").open("wb") as target:
        np.save(target, np.ones(3))
    assert formats.read(tmp_path / "array.nc", ("array",)).medium == "npy"


def test_unknown_content_lists_what_is_supported(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello, world")
    with pytest.raises(InvalidInputError, match=r"notes\.txt: .*NetCDF \(\.nc .*NumPy \(\.npy\)"):
        formats.read(path)


@pytest.mark.parametrize(("name", "reason"), [("a.nc", "not a NetCDF"), ("a.npy", "not a NumPy")])
def test_the_suffix_says_what_was_expected(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("hello, world")
    with pytest.raises(InvalidInputError, match=reason):
        formats.read(tmp_path / name)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=r"absent\.nc: no such file"):
        formats.read(tmp_path / "absent.nc")
    with pytest.raises(InvalidInputError, match="is a directory"):
        formats.read(tmp_path)
    (tmp_path / "empty.nc").touch()
    with pytest.raises(InvalidInputError, match="is empty"):
        formats.read(tmp_path / "empty.nc")

    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)  # a test run as root could read anything
    with pytest.raises(InvalidInputError, match="no permission"):
        formats.read(tmp_path / "empty.nc")


@pytest.mark.parametrize("name", ["a.nc", "a.NC4", "a.cdf"])
def test_netcdf_suffixes(name: str) -> None:
    assert formats.writer_for(Path(name)) is netcdf_write.write


def test_other_suffixes() -> None:
    assert formats.writer_for(Path("a.b.npy")) is npy.write
    for name in ("a.xyz", "a"):
        with pytest.raises(InvalidInputError, match=r"supported are NetCDF \(\.nc \.nc4 \.cdf\)"):
            formats.writer_for(Path(name))


def test_importing_the_table_imports_no_library() -> None:
    code = "import sys, codec.media.formats; print({'netCDF4', 'h5py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
