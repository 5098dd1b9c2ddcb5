"""An encode keeps its word: what was asked for is met, measured on the file that was written."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import codec
from codec import InvalidInputError, Progress, TargetError
from codec.measuring.quality import compare
from codec.media.dataset import Field
from codec.reports import EncodeReport
from tests.conftest import Fresh

FAST: dict[str, Any] = {"effort": 0, "threads": 1, "device": "cpu"}
SHAPE = (12, 15, 10)


def smooth(shape: tuple[int, ...] = SHAPE, dtype: str = "f4") -> Any:
    grids = np.meshgrid(*(np.linspace(0, 1, size) for size in shape), indexing="ij")
    return (280 + 15 * np.prod([np.cos(2 + 3 * grid) for grid in grids], axis=0)).astype(dtype)


def encode(folder: Path, values: Any, **options: Any) -> EncodeReport:
    np.save(folder / "in.npy", values)
    return codec.encode(folder / "in.npy", folder / "out.inrc", **{**FAST, **options})


def decoded(folder: Path) -> Any:
    with codec.open(folder / "out.inrc", device="cpu", threads=1) as file:
        (view,) = file.values()
        return view[...]


def psnr(original: Any, found: Any) -> float:
    error = np.mean(np.square(found.astype(float) - original))
    return 20 * math.log10(float(original.max()) - float(original.min())) - 10 * math.log10(error)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_the_psnr_asked_for_is_reached_in_another_process(
    tmp_path: Path, fresh: Fresh, dtype: str
) -> None:
    values = smooth(dtype=dtype)
    report = encode(tmp_path, values, psnr=32)
    assert report.goal_met
    assert report.shortfall == ""
    done = fresh(
        "import codec, numpy as np\n"
        "with codec.open('out.inrc', device='cpu') as file:\n"
        "    (view,) = file.values()\n"
        "    np.save('again.npy', view[...])"
    )
    assert done.returncode == 0, done.stderr
    measured = psnr(values, np.load(tmp_path / "again.npy"))
    assert measured >= 32
    assert report.qualities[0].psnr == pytest.approx(measured, abs=1e-6)
    assert report.file_bytes == (tmp_path / "out.inrc").stat().st_size


def test_the_bytes_asked_for_are_not_exceeded(tmp_path: Path) -> None:
    report = encode(tmp_path, smooth(), bytes=600)
    assert report.goal_met
    assert (tmp_path / "out.inrc").stat().st_size <= 600


def test_the_ratio_asked_for_is_reached(tmp_path: Path) -> None:
    values = smooth()
    report = encode(tmp_path, values, ratio=10)
    assert report.goal_met
    assert values.nbytes / (tmp_path / "out.inrc").stat().st_size >= 10
    assert report.ratio >= 10


def test_an_impossible_psnr_is_told_and_the_file_kept(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((6, 7, 8)).astype("f4")
    report = encode(tmp_path, noise, psnr=200)
    assert not report.goal_met
    assert "of 200 dB" in report.shortfall
    assert psnr(noise, decoded(tmp_path)) < 200


def test_a_budget_that_nothing_meets_is_told_and_the_file_kept(tmp_path: Path) -> None:
    report = encode(tmp_path, smooth(), bytes=150)
    assert not report.goal_met
    assert "bytes of 150 asked for" in report.shortfall
    assert (tmp_path / "out.inrc").exists()


def test_a_budget_below_what_must_be_stored_writes_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", smooth())
    with pytest.raises(TargetError, match="20 bytes"):
        codec.encode(tmp_path / "in.npy", tmp_path / "out.inrc", bytes=20, **FAST)
    assert os.listdir(tmp_path) == ["in.npy"]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1"])
@pytest.mark.parametrize("shape", [(1,), (30, 40), (1, 1, 1)], ids=str)
def test_a_constant_field_is_exact_and_tiny(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    values = np.full(shape, 77).astype(dtype)
    report = encode(tmp_path, values, psnr=80)
    assert report.goal_met
    assert report.file_bytes < 100
    assert math.isinf(report.qualities[0].psnr)
    assert decoded(tmp_path).tobytes() == values.tobytes()


def test_a_field_without_valid_samples_is_exact(tmp_path: Path) -> None:
    values = np.full((20, 30), np.nan, "f4")
    values[::3] = np.inf
    report = encode(tmp_path, values)
    assert report.goal_met
    assert report.qualities[0].valid == 0
    assert decoded(tmp_path).tobytes() == values.tobytes()


@pytest.mark.parametrize("shape", [(1, 40, 1), (60,), (2, 2), (1, 2, 1, 300)], ids=str)
def test_axes_of_any_length_are_encoded(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = smooth(shape)
    report = encode(tmp_path, values, psnr=25)
    assert report.goal_met
    assert decoded(tmp_path).shape == shape
    assert psnr(values, decoded(tmp_path)) >= 25


def test_masked_samples_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = smooth()
    hole = np.random.default_rng(0).random(SHAPE) < 0.2
    patterns = np.array([0x7FC00001, 0xFFC00000, 0x7F800000], "u4").view("f4")
    values[hole] = patterns[np.arange(int(hole.sum())) % 3]
    report = encode(tmp_path, values, psnr=30)
    assert report.goal_met
    assert report.qualities[0].mask_intact
    found = decoded(tmp_path)
    assert found[hole].tobytes() == values[hole].tobytes()
    assert np.isfinite(found[~hole]).all()


@pytest.mark.parametrize("options", [{"psnr": 30}, {"bytes": 500}], ids=str)
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    np.save(tmp_path / "in.npy", smooth())
    found = []
    for number, threads in enumerate((1, 1, 2)):
        target = tmp_path / f"{number}.inrc"
        codec.encode(tmp_path / "in.npy", target, **{**FAST, **options, "threads": threads})
        found.append(target.read_bytes())
    assert found[0] == found[1], "another run"
    assert found[0] == found[2], "another number of threads"


@pytest.mark.torch
@pytest.mark.parametrize(("arch", "same"), [("fvsrn", False), ("pyramid", True)])
def test_another_seed_gives_other_bytes_where_there_is_chance(
    tmp_path: Path, arch: str, same: bool
) -> None:
    np.save(tmp_path / "in.npy", smooth())
    found = []
    for seed in (0, 1):
        target = tmp_path / f"{seed}.inrc"
        codec.encode(tmp_path / "in.npy", target, psnr=25, seed=seed, arch=arch, **FAST)
        found.append(target.read_bytes())
    assert (found[0] == found[1]) == same


@pytest.mark.parametrize("coder", ["raw", "ans", "range", "zstd", "brotli"])
def test_every_coder_can_be_asked_for(tmp_path: Path, coder: str) -> None:
    report = encode(tmp_path, smooth((14, 15)), psnr=20, coder=coder)
    assert report.goal_met
    assert f" {coder}" in " ".join(
        section.content for section in codec.info(tmp_path / "out.inrc").sections
    )


def test_without_pruning_there_is_no_mask(tmp_path: Path) -> None:
    encode(tmp_path, smooth((14, 15)), psnr=20, prune="none")
    assert "MASK" not in [section.type for section in codec.info(tmp_path / "out.inrc").sections]


@pytest.mark.parametrize("power", [-200, -60, 60, 200])
def test_quality_does_not_depend_on_the_unit(power: int) -> None:
    """The same field in another unit has the same PSNR."""
    original = smooth(dtype="f8")
    found = original + np.random.default_rng(0).normal(size=SHAPE)
    factor = 10.0**power
    plain = compare(Field("t", ("",) * 3, original), original, found)
    scaled = compare(Field("t", ("",) * 3, original * factor), original * factor, found * factor)
    assert scaled.psnr == pytest.approx(plain.psnr, abs=1e-6)
    assert scaled.rmse == pytest.approx(plain.rmse * factor, rel=1e-9)


@pytest.mark.parametrize("power", [-60, 60])
def test_fields_of_any_magnitude_are_encoded(tmp_path: Path, power: int) -> None:
    values = smooth((20, 20), "f8") * 10.0**power
    report = encode(tmp_path, values, psnr=25)
    assert report.goal_met
    assert psnr(values / 10.0**power, decoded(tmp_path) / 10.0**power) >= 25


def three(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as target:
        target.createDimension("y", 24)
        target.createDimension("x", 30)
        for number, name in enumerate("abc"):
            target.createVariable(name, "f4", ("y", "x"))[:] = smooth((24, 30)) * (1 + number)


def test_joint_fields_share_a_model(tmp_path: Path) -> None:
    three(tmp_path / "in.nc")
    report = codec.encode(
        tmp_path / "in.nc", tmp_path / "out.inrc", psnr=25, joint=[("a", "c")], **FAST
    )
    assert report.goal_met
    assert {quality.name for quality in report.qualities} == {"a", "b", "c"}
    info = codec.info(tmp_path / "out.inrc")
    assert [section.type for section in info.sections].count("ITEM") == 2
    assert {field.name: field.components for field in info.fields} == {"a": 2, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"joint": [("a", "z")]}, "z"),
        ({"joint": [("a", "b"), ("b", "c")]}, "twice"),
        ({"var": ["nothing"]}, "nothing"),
        ({"arch": "perceptron"}, "fvsrn"),
        ({"prune": "scissors"}, "scissors"),
        ({"quantise": "x"}, "uniform"),
        ({"coder": "lzma"}, "lzma"),
        ({"psnr": 30, "ratio": 5}, "contradict"),
        ({"psnr": -1}, "positive"),
        ({"ratio": 0}, "positive"),
        ({"bytes": 0}, "positive"),
        ({"effort": 10}, "effort"),
        ({"threads": -1}, "threads"),
        ({"seed": -1}, "seed"),
        ({"device": "tpu"}, "device"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_by_name_before_any_work(
    tmp_path: Path, options: dict[str, Any], word: str
) -> None:
    three(tmp_path / "in.nc")
    with pytest.raises(InvalidInputError, match=word):
        codec.encode(tmp_path / "in.nc", tmp_path / "out.inrc", **{**FAST, **options})
    assert os.listdir(tmp_path) == ["in.nc"]


def test_an_existing_target_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out.inrc").write_bytes(b"old")
    with pytest.raises(InvalidInputError, match="exists"):
        encode(tmp_path, smooth())
    assert (tmp_path / "out.inrc").read_bytes() == b"old"


def test_an_existing_target_is_replaced_when_asked(tmp_path: Path) -> None:
    (tmp_path / "out.inrc").write_bytes(b"old")
    encode(tmp_path, np.zeros((4, 4), "f4"), overwrite=True)
    assert (tmp_path / "out.inrc").read_bytes() != b"old"


@pytest.mark.parametrize("link", [False, True])
def test_the_input_is_never_replaced(tmp_path: Path, link: bool) -> None:
    np.save(tmp_path / "in.npy", smooth())
    before = (tmp_path / "in.npy").read_bytes()
    target = tmp_path / "in.npy"
    if link:
        target = tmp_path / "link.npy"
        target.symlink_to(tmp_path / "in.npy")
    with pytest.raises(InvalidInputError, match="input"):
        codec.encode(tmp_path / "in.npy", target, overwrite=True, **FAST)
    assert (tmp_path / "in.npy").read_bytes() == before


@pytest.mark.parametrize("name", ["missing.nc", "folder.nc", "text.nc", "empty.npy"])
def test_inputs_that_cannot_be_read_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "text.nc").write_text("no NetCDF")
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(InvalidInputError, match=name):
        codec.encode(tmp_path / name, tmp_path / "out.inrc", **FAST)
    assert not (tmp_path / "out.inrc").exists()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("arch", "stage"),
    [
        *(("pyramid", stage) for stage in ("plan", "transform", "quantise", "measure")),
        *(("fvsrn", stage) for stage in ("fit", "quantise", "measure")),
    ],
)
def test_ctrl_c_leaves_no_files(tmp_path: Path, arch: str, stage: str) -> None:
    np.save(tmp_path / "in.npy", smooth((14, 15)))

    def interrupt(progress: Progress) -> None:
        if progress.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(tmp_path, smooth((14, 15)), psnr=20, arch=arch, on_progress=interrupt)
    assert os.listdir(tmp_path) == ["in.npy"]


@pytest.mark.torch
@pytest.mark.parametrize(("arch", "stage"), [("pyramid", "transform"), ("fvsrn", "fit")])
def test_progress_never_falls_and_ends_at_one(tmp_path: Path, arch: str, stage: str) -> None:
    seen: list[Progress] = []
    encode(tmp_path, smooth((14, 15)), psnr=20, arch=arch, on_progress=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] == 1
    assert {stage, "measure"} <= {progress.stage for progress in seen}


def test_verify_holds_the_file_against_the_original(tmp_path: Path) -> None:
    encode(tmp_path, smooth((14, 15)), psnr=25)
    report = codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy", psnr=25, device="cpu")
    assert report.qualities[0].psnr >= 25
    with pytest.raises(codec.VerificationError, match="below 90 dB"):
        codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy", psnr=90, device="cpu")
    with pytest.raises(codec.VerificationError, match="above"):
        codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy", max_error=1e-9, device="cpu")


def ncdump(path: Path) -> list[str]:
    """Everything but the values of fitted variables and the history."""
    named = path.with_name("same.nc")
    shutil.copy(path, named)
    text = subprocess.run(
        ["ncdump", "-s", "-v", "y,x,n", named.name],
        cwd=path.parent, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [line for line in text.splitlines() if ":history" not in line]


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="ncdump is not installed")
def test_a_netcdf_file_comes_back_but_for_lossy_values_and_history(
    tiny_file: bytes, tiny_netcdf: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.inrc").write_bytes(tiny_file)
    codec.decode(tmp_path / "tiny.inrc", tmp_path / "back.nc", device="cpu")
    copy = tmp_path / "original"
    copy.mkdir()
    shutil.copy(tiny_netcdf, copy / "tiny.nc")
    assert ncdump(tmp_path / "back.nc") == ncdump(copy / "tiny.nc")


def test_the_tiny_file_is_as_good_as_it_says(tiny_file: bytes, tiny_netcdf: Path) -> None:
    with codec.open(tiny_file, device="cpu") as file, netCDF4.Dataset(tiny_netcdf) as source:
        for name, view in file.items():
            original = source[name][:]
            valid = ~np.ma.getmaskarray(original)
            assert psnr(np.asarray(original)[valid], view[...][valid]) >= 15


@pytest.mark.slow
@pytest.mark.volumes
@pytest.mark.parametrize("name", ["eraint_uvz.nc", "levitus_climatology.cdf"])
def test_a_real_file_reaches_its_target(volumes: Path, tmp_path: Path, name: str) -> None:
    with netCDF4.Dataset(volumes / name) as source:
        chosen = next(
            variable.name for variable in source.variables.values() if variable.size > 4096
        )
    report = codec.encode(
        volumes / name, tmp_path / "out.inrc", psnr=25, effort=0, var=[chosen], device="cpu"
    )
    assert report.goal_met
    codec.verify(tmp_path / "out.inrc", volumes / name, psnr=25, device="cpu")


def test_a_lone_name_is_a_name_and_not_its_letters(tmp_path: Path) -> None:
    values = np.sin(np.arange(600, dtype=np.float32) / 50).reshape(20, 30)
    np.savez(tmp_path / "in.npz", wind=values, heat=values + 1)
    codec.encode(tmp_path / "in.npz", tmp_path / "out.inrc", psnr=40, var="wind", **FAST)
    with codec.open(tmp_path / "out.inrc") as file:
        assert list(file) == ["wind"]
    codec.decode(tmp_path / "out.inrc", tmp_path / "out.npy", var="wind")
    with pytest.raises(InvalidInputError, match="give groups of names"):
        codec.encode(
            tmp_path / "in.npz", tmp_path / "joint.inrc", psnr=40, joint=["wind", "heat"], **FAST
        )
