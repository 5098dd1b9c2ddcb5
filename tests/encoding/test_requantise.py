"""Models are pruned and quantised anew without their field, towards a goal against themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import InvalidInputError, InvalidOptionError, TargetError
from codec.reading.contents import FileContents

pytestmark = pytest.mark.torch


def field() -> np.ndarray:
    z, y, x = np.mgrid[0:14, 0:18, 0:16] / 7
    values = (np.sin(z) * np.cos(2 * y) + 0.3 * x**2).astype(np.float32)
    values[:3, :4] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with fine steps."""
    folder = tmp_path_factory.mktemp("fitted")
    np.save(folder / "a.npy", field())
    settings = {"fit.steps": 150, "fit.finetune_steps": 1, "quantise.bits": 14}
    codec.encode(
        folder / "a.npy",
        folder / "a.inrc",
        arch="fvsrn",
        bytes=6000,
        prune="none",
        settings=settings,
    )
    return folder / "a.inrc"


def error(path: Path, reference: np.ndarray) -> float:
    """RMS over valid samples."""
    with codec.open(path) as file:
        decoded = file["a"][...]
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(reference))
    return float(np.sqrt(np.nanmean((decoded.astype(np.float64) - reference) ** 2)))


def decoded(path: Path) -> np.ndarray:
    with codec.open(path) as file:
        return np.asarray(file["a"][...])


def test_a_psnr_is_reached_against_the_old_file(fitted: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.inrc"
    report = codec.transcode(fitted, target, quantise="uniform", psnr=45)
    assert not report.shortfall
    assert 45 <= report.qualities[0].psnr < 47
    assert report.file_bytes < 0.8 * fitted.stat().st_size
    reference = decoded(fitted)
    span = float(np.nanmax(reference) - np.nanmin(reference))
    assert error(target, reference) < span * 10 ** (-44.5 / 20)


def test_a_size_is_kept(fitted: Path, tmp_path: Path) -> None:
    size = fitted.stat().st_size // 2
    report = codec.transcode(fitted, tmp_path / "b.inrc", bytes=size)
    assert 0.8 * size < (tmp_path / "b.inrc").stat().st_size <= size
    assert not report.shortfall


def test_a_codebook_replaces_steps(fitted: Path, tmp_path: Path) -> None:
    codec.transcode(fitted, tmp_path / "b.inrc", quantise="kmeans", settings={"quantise.bits": 5})
    with FileContents(tmp_path / "b.inrc") as file:
        assert any(one.codebook for one in file.items[0].header.quantisation)
    assert error(tmp_path / "b.inrc", decoded(fitted)) > 0


def test_pruning_anew_keeps_to_its_share(fitted: Path, tmp_path: Path) -> None:
    codec.transcode(
        fitted,
        tmp_path / "b.inrc",
        prune="magnitude",
        psnr=30,
        settings={"prune.sparsity": 0.5, "fit.prune_steps": 20},
    )
    with FileContents(tmp_path / "b.inrc") as file:
        item = file.items[0]
        (mask,) = [item.sparsity(index) for _, index in item.header.tensor_masks]
        assert mask.mean() == pytest.approx(0.5, abs=0.02)
        (grid, *_) = item.parameters()
    assert (grid[~np.broadcast_to(mask, grid.shape)] == 0).all()


def test_what_is_pruned_stays_so(fitted: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "b.inrc", tmp_path / "c.inrc"
    codec.transcode(
        fitted,
        first,
        prune="magnitude",
        psnr=30,
        settings={"prune.sparsity": 0.5, "fit.prune_steps": 20},
    )
    codec.transcode(first, second, psnr=40)
    with FileContents(first) as before, FileContents(second) as after:
        masks = [
            [item.sparsity(index) for _, index in item.header.tensor_masks]
            for item in (before.items[0], after.items[0])
        ]
    np.testing.assert_array_equal(masks[0][0], masks[1][0])


def test_no_goal_and_nothing_fixed_is_refused(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="psnr or bytes"):
        codec.transcode(fitted, tmp_path / "b.inrc", quantise="uniform")
    assert list(tmp_path.iterdir()) == []


def test_too_few_bytes_are_refused(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="bytes"):
        codec.transcode(fitted, tmp_path / "b.inrc", bytes=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"effort": 0}, {"effort": 0, "max_error": 0.01}])
def test_models_without_such_stages_are_refused(tmp_path: Path, options: dict) -> None:  # type: ignore[type-arg]
    np.save(tmp_path / "a.npy", field())
    codec.encode(tmp_path / "a.npy", tmp_path / "a.inrc", **options)
    with pytest.raises(InvalidInputError, match="coder"):
        codec.transcode(tmp_path / "a.inrc", tmp_path / "b.inrc", quantise="uniform", psnr=30)
    assert not (tmp_path / "b.inrc").exists()


STAGED = ["amgsrn", "hashgrid", "miner", "neurcomp", "siren"]


@pytest.mark.parametrize("arch", STAGED)
def test_every_architecture_with_stages_goes_through_them_again(tmp_path: Path, arch: str) -> None:
    np.save(tmp_path / "a.npy", field()[:9, :, :10])
    settings = {"fit.steps": 40, "fit.finetune_steps": 1, "quantise.bits": 13}
    source, target = tmp_path / "a.inrc", tmp_path / "b.inrc"
    codec.encode(tmp_path / "a.npy", source, arch=arch, bytes=4000, prune="none", settings=settings)
    report = codec.transcode(source, target, psnr=34)
    assert not report.shortfall
    assert 34 <= report.qualities[0].psnr < 40
    assert target.stat().st_size < 0.8 * source.stat().st_size


def test_differences_to_a_prior_stay_differences(tmp_path: Path) -> None:
    from PIL import Image

    y, x = np.mgrid[0:20, 0:24] / 6
    picture = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], -1)
    Image.fromarray(np.uint8(120 * picture + 127)).save(tmp_path / "a.png")
    settings = {"arch.prior": "photos-32", "fit.steps": 20, "quantise.bits": 12}
    codec.encode(
        tmp_path / "a.png", tmp_path / "a.inrc", arch="siren", bytes=12000, settings=settings
    )
    report = codec.transcode(tmp_path / "a.inrc", tmp_path / "b.inrc", psnr=35)
    assert not report.shortfall
    with FileContents(tmp_path / "a.inrc") as before, FileContents(tmp_path / "b.inrc") as after:
        assert before.items[0].header.config == after.items[0].header.config


@pytest.mark.parametrize("name", ["arch.width", "tile.overlap", "fit.nothing", "prune.nothing"])
def test_settings_without_a_stage_are_refused(fitted: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidOptionError, match=name):
        codec.transcode(fitted, tmp_path / "b.inrc", psnr=30, prune="magnitude", settings={name: 3})
    assert list(tmp_path.iterdir()) == []
