"""An error bound holds for every valid sample of what was written, whatever the data are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from PIL import Image

import codec
from codec import InvalidInputError, TargetError, VerificationError
from codec.arrays import Array
from codec.coding.residual_section import reach
from codec.reading.contents import FileContents

FAST: dict[str, Any] = {"effort": 0, "threads": 1, "device": "cpu"}


def field(seed: int) -> Array:
    """Fields of many kinds: dtype, axes, noise, jumps, empty parts, offsets, units."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 14, random.integers(1, 5)))
    grids = np.meshgrid(*(np.linspace(0, random.uniform(0, 9), size) for size in shape))
    values = np.prod([np.sin(grid + seed) for grid in grids], axis=0).reshape(shape)
    values = values + random.choice([0, 1e-3, 1]) * random.normal(size=shape)
    if random.random() < 0.3:
        values = np.where(values > 0.2, values, 0)
    if random.random() < 0.3:
        values = values + 4 * (np.arange(shape[-1]) > shape[-1] // 2)
    dtype = np.dtype(random.choice(["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"]))
    if dtype.kind == "f":
        unit = 1.0 if dtype.itemsize == 2 else float(10.0 ** random.integers(-12, 12))
        values = ((values + random.choice([0, 0, 100])) * unit).astype(dtype)
        if random.random() < 0.2:
            values.flat[:: int(random.integers(2, 9))] = np.nan
        return values
    limits = np.iinfo(dtype)
    share = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
    used = min(limits.max, 1 << int(random.integers(1, 20)))
    return (share * used + (limits.min if random.random() < 0.5 else 0)).astype(dtype)


def span(values: Array) -> float:
    chosen = values[np.isfinite(values)].astype(float)
    return float(np.ptp(chosen)) if chosen.size else 0.0


def round_trip(folder: Path, values: Array, **goal: Any) -> Array:
    np.save(folder / "in.npy", values)
    codec.encode(folder / "in.npy", folder / "out.inrc", overwrite=True, **{**FAST, **goal})
    with codec.open(folder / "out.inrc", device="cpu", threads=1) as file:
        (view,) = file.values()
        return view[...]


def furthest(first: Array, second: Array) -> float:
    valid = np.isfinite(first) if first.dtype.kind == "f" else np.ones(first.shape, np.bool_)
    assert np.array_equal(first[~valid], second[~valid], equal_nan=True)
    difference = np.abs(first[valid].astype(np.float64) - second[valid].astype(np.float64))
    return float(difference.max(initial=0))


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_no_sample_of_200_fields_breaks_its_bound(tmp_path: Path, start: int) -> None:
    for seed in range(start, start + 20):
        values = field(seed)
        share = 10.0 ** -(1 + seed % 5)
        if values.dtype == np.float16:
            share = max(share, 1e-2)
        limit = share * span(values)
        if limit == 0:
            continue
        found = round_trip(tmp_path, values, max_error=limit)
        assert furthest(values, found) <= limit, seed
        with codec.open(tmp_path / "out.inrc") as file:
            assert next(iter(file.values())).bound == limit


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_an_error_of_0_keeps_integers_exactly(tmp_path: Path, dtype: str) -> None:
    random = np.random.default_rng(1)
    limits = np.iinfo(dtype)
    noise = random.integers(limits.min, limits.max, (9, 11), dtype, endpoint=True)
    wave = (np.sin(np.arange(400).reshape(20, 20) / 30) * min(limits.max, 10_000)).astype(dtype)
    for values in (noise, wave):
        assert np.array_equal(round_trip(tmp_path, values, max_error=0), values)


def test_pictures_are_lossless_and_smaller_than_png(tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    picture = data.astronaut()[100:300, 150:350]
    Image.fromarray(picture).save(tmp_path / "in.png", optimize=True)
    report = codec.encode(tmp_path / "in.png", tmp_path / "out.inrc", max_error=0, **FAST)
    codec.decode(tmp_path / "out.inrc", tmp_path / "back.png")
    with Image.open(tmp_path / "back.png") as back:
        assert np.array_equal(np.asarray(back), picture)
    assert report.file_bytes < 0.9 * (tmp_path / "in.png").stat().st_size


def test_a_bound_is_close_to_what_is_used_of_it(tmp_path: Path) -> None:
    values = field(7).astype("f8")
    values = np.sin(np.arange(9000).reshape(20, 450) / 70) + np.random.default_rng(0).normal(
        size=(20, 450)
    )
    for share in (1e-2, 1e-4, 1e-9):
        found = round_trip(tmp_path, values, rel_error=share)
        assert 0.5 * share * span(values) < furthest(values, found) <= share * span(values)


def test_float32_keeps_a_bound_at_its_own_rounding(tmp_path: Path) -> None:
    values = (300 + np.sin(np.arange(4096).reshape(16, 16, 16) / 99)).astype("f4")
    limit = float(np.spacing(np.float32(301))) / 2
    assert furthest(values, round_trip(tmp_path, values, max_error=limit)) <= limit


def test_packed_variables_keep_the_bound_in_their_unit(tmp_path: Path) -> None:
    values = 280 + 20 * np.sin(np.arange(2000).reshape(40, 50) / 100)
    with netCDF4.Dataset(tmp_path / "in.nc", "w") as file:
        for name, size in (("y", 40), ("x", 50)):
            file.createDimension(name, size)
        variable = file.createVariable("t", "i2", ("y", "x"), fill_value=-9)
        variable.setncatts({"scale_factor": 0.01, "add_offset": 280.0})
        variable[...] = values
    report = codec.encode(
        tmp_path / "in.nc", tmp_path / "out.inrc", var=["t"], max_error=0.05, **FAST
    )
    assert report.qualities[0].max_error <= 0.05 * (1 + 1e-9)
    with codec.open(tmp_path / "out.inrc") as file:
        assert file["t"].bound == pytest.approx(5)
    codec.verify(tmp_path / "out.inrc", tmp_path / "in.nc")


def test_residuals_are_coded_where_a_transform_is_smaller(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    grid = np.linspace(0, 6, 48)
    values = np.sin(grid)[:, None, None] * np.cos(grid)[None, :, None] * np.sin(2 * grid)
    values = (values + 0.02 * random.normal(size=values.shape)).astype("f4")
    whole = round_trip(tmp_path, values, rel_error=2e-2)
    assert "RESD" in {section.type for section in codec.info(tmp_path / "out.inrc").sections}
    with codec.open(tmp_path / "out.inrc") as file:
        view = next(iter(file.values()))
        assert np.array_equal(view[3:30:2, 7, ::-3], whole[3:30:2, 7, ::-3])
        coarse = view.level(1)
        fine = values[tuple(slice(None, None, factor) for factor in coarse.factors)]
        assert np.abs(coarse[...].astype(float) - fine).mean() < 0.2
        assert view.at([[3.0, 7.0, 9.0]]).shape == (1,)


def test_vectors_keep_the_bound_in_every_component(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    with netCDF4.Dataset(tmp_path / "in.nc", "w") as file:
        for name, size in (("y", 30), ("x", 40)):
            file.createDimension(name, size)
        for name, unit in (("u", 1.0), ("v", 50.0)):
            file.createVariable(name, "f4", ("y", "x"))[...] = unit * random.normal(size=(30, 40))
    report = codec.encode(
        tmp_path / "in.nc", tmp_path / "out.inrc", joint=[["u", "v"]], max_error=0.1, **FAST
    )
    assert all(quality.max_error <= 0.1 for quality in report.qualities)


@pytest.mark.torch
def test_other_architectures_keep_bounds_by_residuals(tmp_path: Path) -> None:
    values = np.sin(np.arange(900).reshape(30, 30) / 40).astype("f4")
    found = round_trip(tmp_path, values, arch="fvsrn", max_error=0.02)
    assert furthest(values, found) <= 0.02


@pytest.mark.torch
def test_what_an_architecture_cannot_promise_is_refused_before_it_is_fitted(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "in.npy", np.sin(np.arange(900).reshape(30, 30) / 40).astype("f4"))
    with pytest.raises(TargetError, match="--arch pyramid"):
        codec.encode(
            tmp_path / "in.npy", tmp_path / "out.inrc", arch="fvsrn", max_error=1e-5, **FAST
        )
    assert not (tmp_path / "out.inrc").exists()


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_floats_far_from_0_are_lossless(tmp_path: Path, dtype: str) -> None:
    values = (300 + 9 * np.sin(np.arange(4096).reshape(16, 16, 16) / 99)).astype(dtype)
    values[3] = 256
    assert np.array_equal(round_trip(tmp_path, values, max_error=0), values)


def test_floats_near_0_cannot_be_lossless(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.sin(np.arange(900).reshape(30, 30)).astype("f4"))
    with pytest.raises(TargetError, match=r"choose one above|too small for its range"):
        codec.encode(tmp_path / "in.npy", tmp_path / "out.inrc", max_error=0, **FAST)
    assert not (tmp_path / "out.inrc").exists()


@pytest.mark.parametrize("goal", [{"max_error": -1}, {"rel_error": 1}, {"rel_error": float("nan")}])
def test_bounds_that_make_no_sense_are_refused(tmp_path: Path, goal: dict[str, float]) -> None:
    np.save(tmp_path / "in.npy", np.zeros((9, 9), "f4"))
    with pytest.raises(InvalidInputError, match="the target is"):
        codec.encode(tmp_path / "in.npy", tmp_path / "out.inrc", **goal)
    with pytest.raises(InvalidInputError, match="contradict"):
        codec.encode(tmp_path / "in.npy", tmp_path / "out.inrc", psnr=40, **goal)


def test_verify_finds_a_broken_promise(tmp_path: Path) -> None:
    values = np.sin(np.arange(900).reshape(30, 30) / 40).astype("f4")
    round_trip(tmp_path, values, max_error=0.01)
    codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy")
    values[3, 4] += 0.05
    np.save(tmp_path / "in.npy", values)
    with pytest.raises(VerificationError, match="the file promises"):
        codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_reach_of_floats_leaves_room_for_their_rounding(dtype: str) -> None:
    random = np.random.default_rng(0)
    values = random.uniform(-900, 900, 4000).astype(dtype)
    spacing = float(np.spacing(np.asarray(900, dtype)))
    for limit in (spacing * share for share in (0.5, 0.75, 1, 1.4, 2, 3.3, 50)):
        far = reach(limit, np.dtype(dtype), 0.0, 1e-9, 900.0)
        assert far > 0.45 * limit
        for shift in (-far, far, 0.7 * far):
            stored = (values.astype(np.longdouble) + shift).astype(dtype)
            error = np.abs(stored.astype(np.longdouble) - values.astype(np.longdouble))
            assert float(error.max()) <= limit


@pytest.mark.parametrize("tile", ["auto", (30, 30)])
def test_a_bound_of_few_steps_is_measured_exactly_in_the_widest_integers(
    tmp_path: Path, tile: str | tuple[int, ...]
) -> None:
    values = np.random.default_rng(4).integers(0, 2**32 - 1, (40, 40), np.uint32, endpoint=True)
    for bound in (1.0, 2.0, 7.0):
        decoded = round_trip(tmp_path, values, max_error=bound, tile=tile)
        assert furthest(values, decoded) <= bound
        codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy", max_error=bound)


@pytest.mark.parametrize("factor", [0.0, float("nan"), float("inf")])
def test_a_scale_factor_that_cannot_measure_leaves_the_bound_in_stored_values(
    tmp_path: Path, factor: float
) -> None:
    with netCDF4.Dataset(tmp_path / "in.nc", "w") as file:
        file.createDimension("x", 600)
        packed = file.createVariable("p", "i2", ("x",))
        packed.setncatts({"scale_factor": factor, "add_offset": 1.0})
        packed.set_auto_maskandscale(False)
        packed[:] = np.arange(600) % 77
    report = codec.encode(tmp_path / "in.nc", tmp_path / "out.inrc", max_error=2, **FAST)
    assert report.qualities[0].max_error <= 2
    codec.verify(tmp_path / "out.inrc", tmp_path / "in.nc")


def packed_file(path: Path, values: Array, fill: int) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", len(values))
        packed = file.createVariable("p", values.dtype, ("x",), fill_value=fill)
        packed.scale_factor = 1.0
        packed.set_auto_maskandscale(False)
        packed[:] = values
    return path


@pytest.mark.parametrize("tile", ["auto", (450,)])
@pytest.mark.parametrize(("fill", "bound"), [(100, 1), (100, 9), (255, 3)])
def test_no_valid_sample_is_decoded_to_the_fill_value(
    tmp_path: Path, fill: int, bound: int, tile: str | tuple[int, ...]
) -> None:
    values = np.random.default_rng(1).integers(60, 255, 900).astype(np.uint8)
    values[values == fill] = fill - 1
    values[300:310] = fill
    source = packed_file(tmp_path / "in.nc", values, fill)
    report = codec.encode(source, tmp_path / "out.inrc", max_error=bound, tile=tile, **FAST)
    assert report.qualities[0].mask_intact
    assert report.qualities[0].max_error <= bound
    with codec.open(tmp_path / "out.inrc", device="cpu") as file:
        decoded = file["p"][...]
    assert np.array_equal(decoded == fill, values == fill)
    assert furthest(values, decoded) <= bound


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-310, -3.5])
def test_a_constant_is_lossless_whatever_it_is(tmp_path: Path, value: float) -> None:
    values = np.full((30, 20), value)
    assert np.array_equal(round_trip(tmp_path, values, max_error=0), values)
    values[:15] = 7.25
    values[15:] = value
    assert np.array_equal(round_trip(tmp_path, values, max_error=0, tile=(15, 20)), values)


def test_a_file_cut_before_its_residuals_shows_all_tiles_and_warns_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = np.sin(np.linspace(0, 6, 80)) * np.cos(np.linspace(0, 5, 30))[:, None]
    values[:, 40:] = np.random.default_rng(3).normal(size=(30, 40))
    # Samples of efforts below 4 are coded as they are here, and need no residuals.
    round_trip(tmp_path, values.astype("f4"), max_error=0.01, tile=(30, 20), effort=4)
    data = (tmp_path / "out.inrc").read_bytes()
    with FileContents(data, device="cpu") as contents:
        residuals = contents.streams.sections.of_type("RESD")
        assert 1 < len(residuals) < 4
    with codec.open(data, device="cpu") as file:
        assert file["in"].bound == 0.01
        assert file["in"].level(1).bound is None
    with codec.open(data[: residuals[0].start], device="cpu", allow_truncated=True) as file:
        decoded = file["in"][...]
        assert file["in"].bound is None
    assert np.abs(decoded - values).max() < 0.1
    told = [record for record in caplog.records if "residuals are left out" in record.message]
    assert len(told) == 1
