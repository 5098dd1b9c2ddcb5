"""Appending copies what is there, adds what is new, and changes nothing where they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import codec
from codec.errors import InrcError
from codec.reading.contents import FileContents
from inrc_cli.main import inrc
from tests.building import split
from tests.tiles.conftest import make_field

SIZE = (24, 22)


def write_steps(path: Path, first: int, count: int, **changes: Any) -> None:
    """Two fields and some variables over time; `changes` make it another file."""
    sizes = {"time": None, "y": changes.get("height", SIZE[0]), "x": SIZE[1]}
    with netCDF4.Dataset(path, "w") as target:
        for name, size in sizes.items():
            target.createDimension(name, size)
        time = target.createVariable("time", "f8", ("time",))
        time.units = changes.get("units", "days since 2000-01-01")
        time[:] = 0.5 * np.arange(first, first + count)
        y = target.createVariable("y", "f4", ("y",))
        y[:] = changes.get("start", 0) + np.arange(sizes["y"])
        shape = (count, sizes["y"], SIZE[1])
        whole = make_field((40, *shape[1:]))[first : first + count]
        for name in changes.get("fields", ("u", "v")):
            field = target.createVariable(name, changes.get("dtype", "f4"), ("time", "y", "x"))
            field[:] = whole + (name == "v")
        target.createVariable("n", "i4", ("time",))[:] = np.arange(first, first + count) ** 2
        target.createVariable("label", str, ("time",))[:] = np.array(
            [f"step {step}" for step in range(first, first + count)], object
        )
        flat = target.createVariable("h", "f4", ("y", "x"))
        flat[:] = make_field(shape[1:])


OPTIONS: dict[str, Any] = {"psnr": 45, "effort": 0, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("append")
    write_steps(folder / "old.nc", 0, 10)
    write_steps(folder / "new.nc", 10, 6)
    write_steps(folder / "more.nc", 16, 2)
    for name, tile in (("whole", "none"), ("tiled", (4, 24, 10))):
        codec.encode(folder / "old.nc", folder / f"{name}.inrc", tile=tile, **OPTIONS)
    return folder


@pytest.mark.parametrize("name", ["whole", "tiled"])
def test_new_steps_follow_the_old_ones(folder: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "t.inrc"
    before = (folder / f"{name}.inrc").read_bytes()
    target.write_bytes(before)
    report = codec.append(target, folder / "new.nc", dim="time", **OPTIONS)
    assert (report.before, report.after, report.goal_met) == (10, 16, True)
    assert report.added_bytes == target.stat().st_size - len(before)
    with codec.open(before, device="cpu") as old, codec.open(target, device="cpu") as new:
        assert new["u"].shape == (16, *SIZE)
        assert new["h"].shape == SIZE
        for field in "uv":
            assert new[field][:10].tobytes() == old[field][...].tobytes()
        new.check_digest()
    # The streams of the old items are the same bytes.
    streams = [stored for kind, _, stored in split(before)[1] if kind == "TENS"]
    assert set(streams) <= {stored for _, _, stored in split(target.read_bytes())[1]}
    codec.decode(target, tmp_path / "back.nc", device="cpu")
    with netCDF4.Dataset(tmp_path / "back.nc") as back:
        assert back.dimensions["time"].isunlimited()
        assert back["time"][:].tolist() == [0.5 * step for step in range(16)]
        assert back["n"][:].tolist() == [step**2 for step in range(16)]
        assert list(back["label"][:]) == [f"step {step}" for step in range(16)]
        expected = make_field((40, *SIZE))[:16]
        found = np.ma.filled(back["v"][:].astype("f8"), np.nan) - 1
        assert np.nanmax(np.abs(found - expected)) < 0.3
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".nc"] == ["t.inrc"]


def test_appending_twice_and_to_arrays_without_names(tmp_path: Path) -> None:
    values = make_field((30, 24, 20))
    np.save(tmp_path / "a.npy", values[:12])
    np.save(tmp_path / "b.npy", values[12:20])
    np.save(tmp_path / "c.npy", values[20:])
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.npy", target, **OPTIONS)
    for name in "bc":
        codec.append(target, tmp_path / f"{name}.npy", dim="0", **OPTIONS)
    with FileContents(target, device="cpu") as file:
        (field,) = file.fields.values()
        assert field.name == "a"
        assert len(file.items) == 3
        decoded = field[...]
    valid = np.isfinite(values)
    assert np.array_equal(np.isfinite(decoded), valid)
    error = np.sqrt(np.square(decoded[valid] - values[valid], dtype="f8").mean())
    assert 20 * np.log10(np.ptp(values[valid]) / error) > 44


def test_the_range_of_the_new_samples_is_that_of_all(tmp_path: Path) -> None:
    """Calm steps after wild ones may be as wrong as these, and cost as little."""
    values = make_field((30, 24, 20))[:18]
    values[10:] = 0.01 * values[10:] + 1
    np.save(tmp_path / "a.npy", values[:10])
    np.save(tmp_path / "b.npy", values[10:])
    target = tmp_path / "t.inrc"
    codec.encode(tmp_path / "a.npy", target, **OPTIONS)
    assert codec.append(target, tmp_path / "b.npy", dim="0", **OPTIONS).goal_met
    with FileContents(target, device="cpu") as file:
        old, new = (item.header.components[0] for item in file.items)
        assert new.scale == pytest.approx(old.scale)


def test_an_error_bound_holds_before_and_after(tmp_path: Path) -> None:
    values = make_field((20, 24, 20))
    np.save(tmp_path / "a.npy", values[:12])
    np.save(tmp_path / "b.npy", values[12:])
    target, options = tmp_path / "t.inrc", {"max_error": 0.005, "effort": 0, "device": "cpu"}
    codec.encode(tmp_path / "a.npy", target, **options)
    assert codec.append(target, tmp_path / "b.npy", dim="0", **options).goal_met
    with codec.open(target, device="cpu") as file:
        (view,) = file.values()
        assert view.bound == 0.005
        assert np.nanmax(np.abs(view[...].astype("f8") - values)) <= 0.005 * (1 + 1e-9)
        file.check_digest()


def test_without_a_goal_the_one_of_the_file_holds(folder: Path, tmp_path: Path) -> None:
    target, other = tmp_path / "t.inrc", tmp_path / "u.inrc"
    for path in (target, other):
        path.write_bytes((folder / "whole.inrc").read_bytes())
    plain = {"device": "cpu", "threads": 1}
    codec.append(target, folder / "new.nc", dim="time", **plain)
    codec.append(other, folder / "new.nc", dim="time", psnr=45, effort=0, arch="pyramid", **plain)
    assert target.read_bytes() == other.read_bytes()
    made = codec.info(target).made
    assert made is not None
    assert (made.goal, made.effort, made.architecture) == (("psnr", 45), 0, 2)
    shown = CliRunner().invoke(inrc, ["info", str(target)]).stdout
    assert "how it was made: 45 dB, effort 0, inrc" in shown
    # Another goal is the one that holds from then on.
    report = codec.append(target, folder / "more.nc", dim="time", psnr=30, **plain)
    assert report.goal_met
    made = codec.info(target).made
    assert made is not None
    assert (made.goal, made.effort) == (("psnr", 30), 0)


def test_bytes_of_a_file_are_a_ratio_for_what_is_added(tmp_path: Path) -> None:
    values = make_field((40, 24, 20))[:24]
    np.save(tmp_path / "a.npy", values[:16])
    np.save(tmp_path / "b.npy", values[16:])
    target = tmp_path / "t.inrc"
    options: dict[str, Any] = {"effort": 0, "device": "cpu", "threads": 1}
    codec.encode(tmp_path / "a.npy", target, bytes=6000, tile=(8, 24, 20), **options)
    report = codec.append(target, tmp_path / "b.npy", dim="0", device="cpu", threads=1)
    assert report.goal_met
    assert 2000 < report.added_bytes <= 3000
    made = codec.info(target).made
    assert made is not None
    assert made.goal == ("ratio", values[:16].nbytes / 6000)


def test_only_media_of_plain_arrays_grow(folder: Path, tmp_path: Path) -> None:
    image = tmp_path / "i.png"
    Image.fromarray(np.arange(48 * 48, dtype="u1").reshape(48, 48)).save(image)
    target = tmp_path / "i.inrc"
    codec.encode(image, target, psnr=30, effort=0, device="cpu")
    with pytest.raises(InrcError, match="only behind one from netcdf, hdf5, zarr, npz, npy or raw"):
        codec.append(target, image, dim="y", **OPTIONS)
    with pytest.raises(InrcError, match=r"new.nc: "):
        codec.append(tmp_path / "i.inrc", folder / "new.nc", dim="y", **OPTIONS)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another height": ({"height": 23}, "u is float32"),
    "another dtype": ({"dtype": "f8"}, "float64"),
    "another epoch": ({"units": "days since 1900-01-01"}, "'units' is 'days since 1900-01-01'"),
    "another grid": ({"start": 5}, "y: the coordinate has other values"),
    "a field is missing": ({"fields": ("u",)}, "has no variable 'v'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused_in_one_line(
    folder: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    target, source = tmp_path / "t.inrc", tmp_path / "bad.nc"
    target.write_bytes((folder / "tiled.inrc").read_bytes())
    write_steps(source, 10, 3, **changes)
    with pytest.raises(InrcError, match=message) as caught:
        codec.append(target, source, dim="time", **OPTIONS)
    assert "bad.nc" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert target.read_bytes() == (folder / "tiled.inrc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.nc", "t.inrc"]


def test_a_run_that_was_killed_is_taken_up(folder: Path, tmp_path: Path) -> None:
    target, other = tmp_path / "t.inrc", tmp_path / "u.inrc"
    for path in (target, other):
        path.write_bytes((folder / "tiled.inrc").read_bytes())

    def watch(progress: codec.Progress) -> None:
        if progress.stage.startswith("tile 2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.append(target, folder / "new.nc", dim="time", on_progress=watch, **OPTIONS)
    assert target.read_bytes() == (folder / "tiled.inrc").read_bytes()
    codec.append(target, folder / "new.nc", dim="time", **OPTIONS)
    codec.append(other, folder / "new.nc", dim="time", **OPTIONS)
    assert target.read_bytes() == other.read_bytes()


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.inrc"
    target.write_bytes((folder / "whole.inrc").read_bytes())
    arguments = ["append", str(target), str(folder / "new.nc"), "--effort", "0", "--device", "cpu"]
    run: Callable[..., Any] = CliRunner().invoke
    done = run(inrc, [*arguments, "--dim", "z"])
    assert done.exit_code == 2
    assert "no field has a dim 'z'; there are: time, x, y" in done.stderr
    done = run(inrc, [*arguments, "--dim", "time", "--var", "u"])
    assert done.exit_code == 2
    assert "all fields along 'time' grow: u, v" in done.stderr
    done = run(inrc, [*arguments, "--dim", "time", "--var", "u,v", "--psnr", "45"])
    assert done.exit_code == 0, done.output
    assert "time 10 -> 16" in done.stdout
