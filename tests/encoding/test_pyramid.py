"""Encoding with the architecture `pyramid`: targets are met, whatever the field is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import codec
from codec.reading.contents import FileContents
from codec.reports import EncodeReport
from inrc_plugins.architectures.pyramid.config import PyramidConfig
from inrc_plugins.architectures.pyramid.transform import dequantise

SHAPES = {
    "1-D": (700,),
    "2-D": (40, 52),
    "3-D": (17, 20, 23),
    "4-D": (6, 9, 10, 11),
    "2x2": (2, 2),
    "one sample more": (1, 3),
    "one long axis": (20_000, 2),
    "thin": (1, 300, 1, 3),
}


def smooth(shape: tuple[int, ...], seed: int = 0, dtype: str = "f4") -> Any:
    """A few waves and a little noise."""
    random = np.random.default_rng(seed)
    places = np.meshgrid(*(np.linspace(0, 1, size) for size in shape), indexing="ij")
    total = 0.02 * random.normal(size=shape)
    for _ in range(4):
        phase = sum(random.normal(0, 5) * place for place in places)
        total += random.normal() * np.sin(phase + random.uniform(0, 6))
    return total.astype(dtype)


def encode(
    folder: Path, values: Any, name: str = "out", *, effort: int = 0, **options: Any
) -> tuple[EncodeReport, Path]:
    np.save(folder / "in.npy", values)
    target = folder / f"{name}.inrc"
    options = {"threads": 1, "device": "cpu", "overwrite": True} | options
    report = codec.encode(folder / "in.npy", target, arch="pyramid", effort=effort, **options)
    return report, target


def decoded(target: Path) -> Any:
    with codec.open(target, device="cpu") as file:
        (name,) = file
        return file[name][...]


def psnr(values: Any, found: Any) -> float:
    """In dB, over the finite samples, with the range of these as the peak."""
    valid = np.isfinite(values)
    original = values[valid].astype(np.float64)
    peak = original.max() - original.min()
    error = np.square(found[valid].astype(np.float64) / peak - original / peak).mean()
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def assert_meets(report: EncodeReport, target: Path, values: Any, wanted: float) -> None:
    """The target is met, and the reported PSNR is what comes of the file."""
    (quality,) = report.qualities
    assert report.goal_met, report.shortfall
    assert quality.psnr >= wanted
    assert quality.psnr == pytest.approx(psnr(values, decoded(target)), abs=1e-6)
    assert report.file_bytes == target.stat().st_size


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("wanted", [25.0, 60.0])
def test_a_psnr_is_reached(shape: tuple[int, ...], wanted: float, tmp_path: Path) -> None:
    values = smooth(shape)
    assert_meets(*encode(tmp_path, values, psnr=wanted), values, wanted)


@pytest.mark.parametrize("shape", [(700,), (40, 52), (17, 20, 23), (6, 9, 10, 11)], ids=str)
def test_a_size_is_kept_and_used(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = smooth(shape)
    size = 300 + values.nbytes // 12
    report, target = encode(tmp_path, values, bytes=size)
    assert report.goal_met, report.shortfall
    assert 0.9 * size < target.stat().st_size <= size
    (quality,) = report.qualities
    assert quality.psnr == pytest.approx(psnr(values, decoded(target)), abs=1e-6)
    assert quality.psnr > 20


@pytest.mark.parametrize("ratio", [4, 15])
def test_a_ratio_is_reached(ratio: float, tmp_path: Path) -> None:
    values = smooth((48, 60))
    report, target = encode(tmp_path, values, ratio=ratio)
    assert report.goal_met, report.shortfall
    assert ratio <= values.nbytes / target.stat().st_size < 1.12 * ratio


def test_100_db_are_reached(tmp_path: Path) -> None:
    """Nothing in the arithmetic of float32 stops short of it."""
    for shape in ((5000,), (70, 60), (16, 18, 20)):
        values = smooth(shape)
        report, target = encode(tmp_path, values, psnr=100)
        assert_meets(report, target, values, 100)
        assert target.stat().st_size < 0.85 * values.nbytes + 100


@pytest.mark.parametrize("effort", [0, 1])
def test_invalid_samples_come_back_bit_for_bit(effort: int, tmp_path: Path) -> None:
    values = smooth((30, 36, 8))
    values[10:20, 5:22, 2:] = np.nan
    values[np.random.default_rng(0).random(values.shape) < 0.05] = np.nan
    report, target = encode(tmp_path, values, psnr=45, effort=effort)
    assert_meets(report, target, values, 45)
    found = decoded(target)
    assert np.array_equal(found.view("u4")[np.isnan(values)], values.view("u4")[np.isnan(values)])
    assert np.isfinite(found[np.isfinite(values)]).all()


def test_only_a_few_valid_samples(tmp_path: Path) -> None:
    values = np.full((20, 30), np.nan, np.float32)
    values[3, 4:9] = [1, 2, 5, 3, -2]
    assert_meets(*encode(tmp_path, values, psnr=50), values, 50)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4"])
def test_integers(dtype: str, tmp_path: Path) -> None:
    low, high = max(np.iinfo(dtype).min, -(2**30)), min(np.iinfo(dtype).max, 2**30)
    waves = smooth((50, 44), dtype="f8")
    share = (waves - waves.min()) / np.ptp(waves)
    values = (low + share * (float(high) - low)).astype(dtype)
    assert_meets(*encode(tmp_path, values, psnr=40), values, 40)
    exact, target = encode(tmp_path, values.astype("u1"), psnr=58)
    assert_meets(exact, target, values.astype("u1"), 58)


@pytest.mark.parametrize(
    "change",
    [lambda v: v * 1e30, lambda v: v * 1e-30, lambda v: 1e5 + v, lambda v: -7 - 1e-2 * v],
    ids=["huge", "tiny", "far from 0", "negative"],
)  # fmt: skip
def test_units_do_not_matter(change: Any, tmp_path: Path) -> None:
    values = change(smooth((40, 44), dtype="f8")).astype("f4")
    assert_meets(*encode(tmp_path, values, psnr=50), values, 50)


def test_doubles(tmp_path: Path) -> None:
    values = smooth((40, 44), dtype="f8") * 1e-200
    assert_meets(*encode(tmp_path, values, psnr=80), values, 80)


@pytest.mark.parametrize("value", [0.0, -3.25, 1e30])
def test_a_constant_costs_next_to_nothing(value: float, tmp_path: Path) -> None:
    values = np.full((30, 40), value, np.float32)
    report, target = encode(tmp_path, values, psnr=40)
    assert report.goal_met
    assert np.array_equal(decoded(target), values)
    assert target.stat().st_size < 120


@pytest.mark.parametrize("wanted", [20.0, 60.0])
def test_one_sample_that_differs_from_the_background(wanted: float, tmp_path: Path) -> None:
    values = np.full((40, 30, 20), 2.0, np.float32)
    values[17, 3, 11] = 9.0
    report, target = encode(tmp_path, values, psnr=wanted)
    assert_meets(report, target, values, wanted)
    assert target.stat().st_size < 400


def test_sparse_spots_on_a_background(tmp_path: Path) -> None:
    values = np.zeros((60, 60), np.float32)
    values[np.random.default_rng(1).random(values.shape) < 0.01] = 1.0
    report, target = encode(tmp_path, values, psnr=50)
    assert_meets(report, target, values, 50)
    # The background is 0, and only the spots are coded.
    assert report.file_bytes < 260


# Vectors


def write_components(path: Path, fields: dict[str, Any]) -> None:
    shape = next(iter(fields.values())).shape
    with netCDF4.Dataset(path, "w") as target:
        dims = [f"d{axis}" for axis in range(len(shape))]
        for dim, size in zip(dims, shape, strict=True):
            target.createDimension(dim, size)
        for name, values in fields.items():
            target.createVariable(name, "f4", dims)[...] = values


@pytest.mark.parametrize(
    "shape", [(900,), (40, 44), (12, 14, 16), (6, 8, 9, 10)], ids=lambda s: f"{len(s)}-D"
)
@pytest.mark.parametrize("goal", [{"psnr": 50.0}, {"ratio": 4.0}], ids=str)
def test_components_of_one_item(
    shape: tuple[int, ...], goal: dict[str, float], tmp_path: Path
) -> None:
    u = smooth(shape)
    v = 0.5 * u + 0.3 * smooth(shape, 1) + 100
    write_components(tmp_path / "in.nc", {"u": u, "v": v})
    target = tmp_path / "out.inrc"
    report = codec.encode(
        tmp_path / "in.nc", target, arch="pyramid", joint=[("u", "v")], effort=0, threads=1,
        device="cpu", var=["u", "v"], **goal,
    )  # fmt: skip
    assert report.goal_met, report.shortfall
    with FileContents(target, device="cpu") as file:
        assert len(file.items) == 1
        for quality, values in zip(report.qualities, (u, v), strict=True):
            found = psnr(values, file.fields[quality.name][...])
            assert quality.psnr == pytest.approx(found, abs=1e-6)
            assert found >= goal.get("psnr", 10)


def test_components_with_masks_of_their_own(tmp_path: Path) -> None:
    u, v = smooth((30, 40)), smooth((30, 40), 1)
    u[3:9, 4:20] = np.nan
    v[20:, 30:] = np.nan
    write_components(tmp_path / "in.nc", {"u": u, "v": v})
    target = tmp_path / "out.inrc"
    report = codec.encode(
        tmp_path / "in.nc", target, arch="pyramid", joint=[("u", "v")], effort=0, threads=1,
        device="cpu", psnr=45,
    )  # fmt: skip
    assert report.goal_met, report.shortfall
    with codec.open(target, device="cpu") as file:
        for name, values in (("u", u), ("v", v)):
            assert psnr(values, file[name][...]) >= 45
            assert np.array_equal(np.isnan(file[name][...]), np.isnan(values))


# Same input, same bytes


def masked() -> Any:
    values = smooth((40, 30, 6))
    values[:12, 7:15] = np.nan
    return values


@pytest.mark.parametrize("effort", [0, 1])
def test_the_bytes_do_not_depend_on_threads_or_chance(effort: int, tmp_path: Path) -> None:
    found = {
        encode(tmp_path, masked(), str(threads), psnr=40, effort=effort, threads=threads)[1]
        .read_bytes()
        for threads in (1, 1, 2, 3)
    }  # fmt: skip
    assert len(found) == 1


@pytest.mark.parametrize("shape", [(60, 70), (16, 20, 24)], ids=str)
def test_more_effort_is_not_larger(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = smooth(shape)
    quick, _ = encode(tmp_path, values, psnr=45)
    thorough, _ = encode(tmp_path, values, psnr=45, effort=1)
    assert thorough.goal_met
    assert thorough.file_bytes <= quick.file_bytes


def test_shifts_move_magnitudes_by_their_sign() -> None:
    """What `pyramid.md` says of a coefficient, for shifts of either sign."""
    config = PyramidConfig((4, 16), (0, 2), 0.5, shifts=(-64, 32, -128))
    integers = np.array([[0, 1, -1, 2, -2, 3, -9, 7]] * 8, np.float32).reshape(1, 1, 4, 16)
    found = integers.copy()
    dequantise(found, config)
    shift = np.select([integers == 0, abs(integers) == 1, abs(integers) == 2], [0, -0.5, 0.25], -1)
    shift[..., : config.lattice.low_shape(2)[3]] = 0
    assert np.array_equal(found, np.sign(integers) * (abs(integers) + shift) * 0.5)


def scans(kind: str) -> Any:
    """Fields of several kinds: smooth, noise, and a ball with sharp edges."""
    places = np.mgrid[0:40, 0:44, 0:50] / 11
    noise = np.random.default_rng(0).normal(size=places.shape[1:])
    if kind == "noise":
        return noise.astype("f4")
    if kind == "ball":
        return (np.where(np.square(places - 2).sum(0) < 2, 1.0, 0.0) + 0.01 * noise).astype("f4")
    return (np.sin(places[0]) * np.cos(places[1] + places[2]) + 0.02 * noise).astype("f4")


@pytest.mark.parametrize("kind", ["smooth", "noise", "ball"])
@pytest.mark.parametrize("effort", [0, 1, 3])
def test_a_psnr_ends_within_a_tenth_of_a_decibel(tmp_path: Path, kind: str, effort: int) -> None:
    for wanted, tile in ((40.0, None), (60.0, None), (50.0, (20, 22, 25))):
        options = {} if tile is None else {"tile": tile}
        report, _ = encode(tmp_path, scans(kind), effort=effort, psnr=wanted, **options)
        assert wanted <= report.qualities[0].psnr <= wanted + 0.1


@pytest.mark.parametrize("kind", ["smooth", "noise", "ball"])
def test_a_size_ends_within_two_hundredths(tmp_path: Path, kind: str) -> None:
    report, target = encode(tmp_path, scans(kind), effort=1, bytes=4000)
    assert 0.98 * 4000 <= target.stat().st_size <= 4000
    assert report.goal_met


def test_more_effort_with_the_other_coder_is_not_larger(tmp_path: Path) -> None:
    """Effort 4 keeps the file of the static coder where mixing finds nothing smaller."""
    for kind in ("noise", "ball"):
        sizes = [
            encode(tmp_path, scans(kind), effort=effort, psnr=40)[0].file_bytes for effort in (0, 4)
        ]
        assert sizes[1] <= sizes[0]
