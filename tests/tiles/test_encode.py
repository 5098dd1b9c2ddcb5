"""Encoding tile by tile: one quality for the whole field, memory for one tile, any media."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import codec
from codec.arrays import Array
from codec.encoding import tile_density as density
from codec.encoding import tile_plan as plan
from codec.encoding import tile_size as tiling
from codec.encoding.tile_size import (
    TILE_SAMPLES,
    WHOLE_SAMPLES,
    automatic_tile,
    cuts_of,
    tile_samples,
)
from codec.errors import InvalidOptionError, TargetError
from codec.reading.contents import FileContents
from tests.tiles.conftest import SHAPE, TILE, make_field


def psnr_of(original: Array, decoded: Array) -> float:
    valid = np.isfinite(original)
    error = decoded[valid].astype(np.float64) - original[valid]
    span = float(original[valid].max()) - float(original[valid].min())
    return float(20 * np.log10(span / np.sqrt(np.square(error).mean())))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((256, 256, 256), (256, 256, 256)),
        ((1024, 1024, 1024), (128, 128, 128)),
        ((400, 3, 1000, 1000), (64, 3, 64, 128)),
        ((30, 40, 400, 400), (8, 40, 64, 64)),
        ((1 << 26,), (1 << 21,)),
    ],
    ids=str,
)
def test_automatic_tiles_are_aligned_and_keep_short_axes(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert automatic_tile(shape) == expected
    if int(np.prod(shape)) < WHOLE_SAMPLES:
        assert automatic_tile(shape) == shape
    else:
        assert TILE_SAMPLES / 8 < np.prod(automatic_tile(shape)) <= TILE_SAMPLES * 4


def test_tiles_of_many_bytes_hold_fewer_samples() -> None:
    sizes = [tile_samples(share) for share in (0, 1e-4, 0.02, 0.05, 0.16, 0.5, 9)]
    assert sizes == [1 << 21, 1 << 21, 1 << 21, 1 << 20, 1 << 18, 1 << 18, 1 << 18]
    assert automatic_tile((512, 512, 512), 1, 1 << 18) == (64, 64, 64)


@pytest.mark.parametrize(
    ("noise", "options", "expected"),
    [
        (0.0, {"psnr": 40}, (16, 16, 16)),
        (1.0, {"psnr": 40}, (8, 8, 16)),
        (1.0, {"rel_error": 1e-3}, (8, 8, 16)),
        (1.0, {"ratio": 4}, (8, 8, 16)),
        (1.0, {"bytes": 2000}, (16, 16, 16)),
    ],
    ids=str,
)
def test_automatic_tiles_follow_what_samples_take(
    noise: float,
    options: dict[str, Any],
    expected: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "WHOLE_SAMPLES": 1 << 14,
        "TILE_SAMPLES": 1 << 12,
        "LEAST_TILE_SAMPLES": 1 << 10,
        "ALIGNMENT": 8,
        "_TILE_BYTES": 600,
    }.items():
        for module in (tiling, plan, density):
            monkeypatch.setattr(module, name, value, raising=module is tiling)
    values = np.random.default_rng(3).normal(0, noise, (64, 32, 16)).astype("f4")
    values += np.linspace(0, 1, 64, dtype="f4")[:, None, None]
    np.save(tmp_path / "a.npy", values)
    for number in (1, 2):
        target = tmp_path / f"{number}.inrc"
        codec.encode(tmp_path / "a.npy", target, effort=0, device="cpu", threads=number, **options)
    with FileContents(target, device="cpu") as file:
        assert file.items[0].header.shape == expected
    assert target.read_bytes() == (tmp_path / "1.inrc").read_bytes()


def test_cuts_end_with_the_axis() -> None:
    assert cuts_of((5, 4), (2, 9)) == ((0, 2, 4, 5), (0, 4))


def test_the_psnr_is_that_of_the_whole_field(
    field_path: Path, field: Array, tmp_path: Path
) -> None:
    target = tmp_path / "t.inrc"
    report = codec.encode(field_path, target, psnr=45, effort=0, tile=TILE, device="cpu")
    with FileContents(target, device="cpu") as file:
        decoded = file.fields["t"][...]
        scales = {item.header.components[0].scale for item in file.items}
    (quality,) = report.qualities
    assert report.goal_met
    assert quality.psnr == pytest.approx(psnr_of(field, decoded), abs=1e-3)
    assert quality.max_error == pytest.approx(float(np.nanmax(np.abs(decoded - field))), rel=1e-6)
    assert quality.valid == np.isfinite(field).sum()
    assert quality.mask_intact
    assert np.array_equal(np.isnan(decoded), np.isnan(field))
    # One range for all tiles but the flat ones, which are exact.
    assert len(scales) == 2
    assert (decoded[32:] == 2.5).all()
    assert codec.verify(target, field_path).qualities[0].psnr == pytest.approx(quality.psnr)


def test_the_result_does_not_depend_on_the_threads(
    field_path: Path, tiled_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t.inrc"
    codec.encode(field_path, target, psnr=50, effort=0, tile=TILE, threads=1, device="cpu")
    assert target.read_bytes() == tiled_path.read_bytes()


@pytest.mark.parametrize("goal", [{"max_error": 0.004}, {"rel_error": 0.0005}], ids=str)
def test_an_error_bound_holds_in_every_tile(
    field_path: Path, field: Array, tmp_path: Path, goal: dict[str, float]
) -> None:
    target = tmp_path / "t.inrc"
    bound = goal.get("max_error", 0.0005 * float(np.nanmax(field) - np.nanmin(field)))
    report = codec.encode(field_path, target, effort=4, tile=TILE, device="cpu", **goal)
    with FileContents(target, device="cpu") as contents:
        assert len(contents.streams.sections.of_type("RESD")) > 1
    with codec.open(target, device="cpu") as file:
        decoded = file["t"][...]
        assert file["t"].bound == pytest.approx(bound)
        part = file["t"][20:40, ::3, 17:19]
        assert part.tobytes() == np.ascontiguousarray(decoded[20:40, ::3, 17:19]).tobytes()
    assert np.nanmax(np.abs(decoded.astype("f8") - field)) <= bound * (1 + 1e-9)
    assert report.qualities[0].max_error <= bound * (1 + 1e-9)
    codec.verify(target, field_path, max_error=bound * (1 + 1e-9))


@pytest.mark.parametrize("goal", [{"bytes": 9000}, {"ratio": 60}], ids=str)
def test_a_size_is_shared_by_the_tiles(
    field_path: Path, tmp_path: Path, goal: dict[str, float]
) -> None:
    target = tmp_path / "t.inrc"
    report = codec.encode(field_path, target, effort=0, tile=TILE, device="cpu", **goal)
    assert report.goal_met, report.shortfall
    with pytest.raises(TargetError, match="not enough"):
        codec.encode(field_path, tmp_path / "u.inrc", effort=0, tile=TILE, bytes=30)
    assert [path.name for path in tmp_path.iterdir()] == ["t.inrc"]


def write_winds(path: Path, shape: tuple[int, int, int] = (12, 30, 40)) -> None:
    """Two fields with dims, an integer variable, and a small field."""
    with netCDF4.Dataset(path, "w") as target:
        for name, size in zip(("time", "y", "x"), shape, strict=True):
            target.createDimension(name, None if name == "time" else size)
            axis = target.createVariable(name, "f8", (name,))
            axis[:] = 100 + 0.5 * np.arange(size)
        for number, name in enumerate("uv"):
            field = target.createVariable(name, "f4", ("time", "y", "x"), fill_value=-9.0)
            values = make_field(shape, seed=number)
            field[:] = np.where(np.isnan(values), -9, values)
            field.units = "m s-1"
        flat = target.createVariable("h", "f4", ("y", "x"))
        flat[:] = make_field(shape[1:])[:, ::-1]
        target.createVariable("n", "i4", ("time",))[:] = np.arange(shape[0]) ** 2


def test_joint_fields_of_netcdf_share_tiles(tmp_path: Path) -> None:
    source, target = tmp_path / "w.nc", tmp_path / "w.inrc"
    write_winds(source)
    report = codec.encode(
        source, target, psnr=40, effort=0, tile=(5, 16, 40), joint=[("u", "v")], device="cpu"
    )
    assert report.goal_met
    with FileContents(target, device="cpu") as contents:
        items = {name: decoder.items for name, decoder in contents.decoders.items()}
        masks = len(contents.streams.sections.of_type("MASK"))
    assert {name: len(tiles) for name, tiles in items.items()} == {"u": 6, "v": 6, "h": 1}
    assert items["h"][0].header.origin is None
    # Both have the same hole: its masks are stored once.
    assert masks == len({item.header.components[0].mask for item in items["u"]} - {None}) + 1
    with codec.open(target, device="cpu") as file:
        assert file["u"].attrs["units"] == "m s-1"
        assert file["u"].coords["time"].tolist() == [100 + 0.5 * step for step in range(12)]
    codec.decode(target, tmp_path / "back.nc", device="cpu")
    with netCDF4.Dataset(source) as a, netCDF4.Dataset(tmp_path / "back.nc") as b:
        for data in (a, b):
            data.set_auto_maskandscale(False)
        assert b["n"][:].tolist() == a["n"][:].tolist()
        for name in "uvh":
            assert psnr_of(np.where(a[name][:] == -9, np.nan, a[name][:]), b[name][:]) > 39.9


@pytest.mark.parametrize("tile", [(64, 64), (0, 4, 4), (), "large"], ids=str)
def test_tiles_that_make_no_sense_are_refused(
    field_path: Path, tmp_path: Path, tile: tuple[int, ...] | str
) -> None:
    with pytest.raises(InvalidOptionError, match="tile"):
        codec.encode(field_path, tmp_path / "t.inrc", tile=tile)
    assert not list(tmp_path.iterdir())


def test_a_tile_as_large_as_the_field_leaves_it_whole(field_path: Path, tmp_path: Path) -> None:
    for name, tile in (("a", SHAPE), ("b", "none"), ("c", "auto")):
        codec.encode(field_path, tmp_path / name, psnr=30, effort=0, tile=tile, device="cpu")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "c").read_bytes() == (tmp_path / "b").read_bytes()


def test_memory_is_that_of_a_few_tiles(tmp_path: Path) -> None:
    """Twice the field takes no more memory."""
    from codec.entropy.mixing import coder

    tile = (32, 64, 64)
    peaks = []
    for number in (1, 1, 2, 4):
        source, target = tmp_path / f"{number}.npy", tmp_path / f"{number}.inrc"
        np.save(source, make_field((number * 32, 64, 64)))
        tracemalloc.start()
        codec.encode(
            source, target, psnr=30, effort=0, tile=tile, threads=1, device="cpu", overwrite=True
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    room = coder.BYTES_PER_COEFFICIENT * int(np.prod(tile))
    assert max(peaks[1:]) - room < 30 * np.prod(tile) + (4 << 20)
    assert peaks[3] < 1.1 * peaks[2]
