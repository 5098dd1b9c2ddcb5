"""Tiles that share samples are one field without seams."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.arrays import Array, Float64Array, Int64Array
from codec.coding.normalise import denormalise
from codec.encoding.tile_layout import brick_cuts, margins_of
from codec.errors import CorruptError, InvalidOptionError
from codec.files.byte_sources import FileSource
from codec.format.headers import Item
from codec.format.tile_grid import TileGrid, grids_of
from codec.reading.contents import FileContents
from tests.tiles.conftest import SHAPE
from tests.tiles.test_grid import tile

BRICKS, OVERLAP = "2x2x1", 6


@pytest.fixture(scope="module")
def path(field_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("overlap") / "t.inrc"
    settings = {"tile.bricks": BRICKS, "tile.overlap": OVERLAP, "tile.own_range": True}
    codec.encode(field_path, target, psnr=45, effort=0, device="cpu", settings=settings)
    return target


def naive(path: Path, places: Int64Array) -> Float64Array:
    """TILE-4 for samples, one at a time: every tile, its weight from the text, its own model."""
    with FileContents(path, device="cpu") as file:
        items = file.items
        total, weights = np.zeros(len(places)), np.zeros(len(places))
        for item in items:
            header = item.header
            component = header.components[0]
            pairs = header.overlap or ((0, 0),) * len(SHAPE)
            for number, place in enumerate(places):
                local = place - np.array(header.origin)
                if (local < 0).any() or (local >= header.shape).any():
                    continue
                weight = 1.0
                for axis, (before, after) in enumerate(pairs):
                    size = header.shape[axis]
                    if before:
                        weight *= min(1.0, local[axis] / (2 * before - 1))
                    if after:
                        weight *= min(1.0, (size - 1 - local[axis]) / (2 * after - 1))
                y = item.evaluator.at(local[None].astype(np.float64))[0]
                total[number] += weight * denormalise(y, component.offset, component.scale)[0]
                weights[number] += weight
    np.testing.assert_allclose(weights, 1)
    return total


def test_tile_4_shared_samples_are_the_weighted_sum_of_their_tiles(path: Path) -> None:
    near = [[25 - 6, 25 - 1, 25, 25 + 5], [20 - 6, 20 - 3, 20 + 4, 33], [0, 17]]
    places = np.array(list(itertools.product(*near)))
    with codec.open(path, device="cpu") as file:
        found = file["t"][...][tuple(places.T)]
    np.testing.assert_allclose(found, naive(path, places), atol=2e-6)


@pytest.mark.parametrize(
    "index",
    [
        np.s_[...],
        np.s_[3:30, 5:22, ::3],
        np.s_[25, 19:21],
        np.s_[::-7, 24:10:-2],
        np.s_[0:8, :, 3],
    ],
    ids=str,
)
def test_a_part_is_that_part_of_the_whole(path: Path, index: Any) -> None:
    with codec.open(path, device="cpu", threads=1) as file:
        whole = file["t"][...]
    with codec.open(path, device="cpu", threads=2) as file:
        np.testing.assert_array_equal(file["t"][index], whole[index])


def test_tile_5_invalid_samples_are_those_of_the_field(path: Path, field: Array) -> None:
    with codec.open(path, device="cpu") as file:
        np.testing.assert_array_equal(np.isnan(file["t"][...]), np.isnan(field))


def test_at_the_samples_at_gives_the_samples_and_is_continuous_between_them(path: Path) -> None:
    rows = np.arange(12, 32, 0.01)
    points = np.stack([rows, np.full_like(rows, 19.5), np.full_like(rows, 20)], 1)
    samples = np.stack(np.meshgrid(np.arange(16, 34), [13, 20, 26], [5], indexing="ij"), -1)
    places = samples.reshape(-1, 3)
    with codec.open(path, device="cpu") as file:
        view = file["t"]
        np.testing.assert_allclose(view.at(places), view[...][tuple(places.T)], atol=2e-6)
        steps = np.abs(np.diff(view.at(points)))
    assert steps.max() < 0.1


def test_a_region_reads_only_tiles_with_a_share_in_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    original = FileSource.read_at

    def counted(self: FileSource, offset: int, size: int) -> bytes:
        reads.append(offset)
        return original(self, offset, size)

    with FileContents(path, device="cpu") as file:
        view = file.fields["t"]
        first, second = (
            {section.start for section in file.streams.sections_of(number)} for number in (0, 1)
        )
        monkeypatch.setattr(FileSource, "read_at", counted)
        # At the first of the samples that two tiles share, the weight of the second is 0.
        view[9:20, 9:15]
        assert first <= set(reads)
        assert not second & set(reads)
        view[9:20, 15]
        assert second <= set(reads)


def test_what_is_reported_is_measured_on_the_blended_field(
    field_path: Path, field: Array, tmp_path: Path
) -> None:
    target = tmp_path / "t.inrc"
    settings = {"tile.bricks": BRICKS, "tile.overlap": OVERLAP}
    report = codec.encode(field_path, target, psnr=40, effort=0, device="cpu", settings=settings)
    with codec.open(target, device="cpu") as file:
        decoded = file["t"][...].astype(np.float64)
    error = np.nanmean((decoded - field) ** 2)
    psnr = 20 * np.log10(np.nanmax(field) - np.nanmin(field)) - 10 * np.log10(error)
    assert report.goal_met
    assert report.qualities[0].psnr == pytest.approx(psnr, abs=1e-3)
    assert report.qualities[0].valid == np.isfinite(field).sum()


def test_a_range_of_its_own_does_not_make_a_faint_brick_better_than_asked_for(
    tmp_path: Path,
) -> None:
    values = np.random.default_rng(3).normal(0, 1, (24, 16, 16)).astype(np.float32)
    values[12:] /= 100
    np.save(tmp_path / "t.npy", values)
    sizes = []
    for own in (False, True):
        settings = {"tile.bricks": "2x1x1", "tile.own_range": own}
        report = codec.encode(
            tmp_path / "t.npy", tmp_path / "t.inrc", psnr=40, effort=0, device="cpu",
            settings=settings, overwrite=True,
        )  # fmt: skip
        assert report.goal_met
        sizes.append(report.file_bytes)
    with FileContents(tmp_path / "t.inrc", device="cpu") as file:
        scales = [item.header.components[0].scale for item in file.items]
    assert scales[0] > 50 * scales[1]
    assert sizes[1] < 1.05 * sizes[0]


def test_a_size_is_kept_although_shared_samples_are_coded_twice(
    field_path: Path, tmp_path: Path
) -> None:
    settings = {"tile.bricks": BRICKS, "tile.overlap": OVERLAP, "tile.own_range": True}
    report = codec.encode(
        field_path, tmp_path / "t.inrc", bytes=6000, effort=0, device="cpu", settings=settings
    )
    assert report.goal_met
    assert report.file_bytes <= 6000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_error": 0.1, "settings": {"tile.overlap": 2}}, "tile.overlap is for a PSNR"),
        ({"max_error": 0.1, "settings": {"tile.own_range": True}}, "tile.own_range is for a PSNR"),
        ({"tile": (9, 9, 9), "settings": {"tile.bricks": "2x2x2"}}, "contradict each other"),
        ({"settings": {"tile.bricks": "2x2"}}, "2 numbers for fields of 3 axes"),
        ({"settings": {"tile.ghost": 2}}, "no setting 'tile.ghost'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    field_path: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        codec.encode(field_path, tmp_path / "t.inrc", effort=0, device="cpu", **options)
    assert not list(tmp_path.iterdir())


def test_new_steps_join_tiles_that_share_samples(tmp_path: Path) -> None:
    axes = np.meshgrid(np.arange(6), np.arange(30), np.arange(20), indexing="ij")
    values = np.sin(axes[0] + axes[1] / 5 + axes[2] / 7).astype(np.float32)
    np.save(tmp_path / "a.npy", values[:4])
    np.save(tmp_path / "b.npy", values[4:])
    target = tmp_path / "a.inrc"
    settings = {"tile.bricks": "1x2x1", "tile.overlap": 4}
    codec.encode(tmp_path / "a.npy", target, psnr=45, effort=0, device="cpu", settings=settings)
    report = codec.append(target, tmp_path / "b.npy", dim="0", psnr=45, effort=0, device="cpu")
    with FileContents(target, device="cpu") as file:
        decoded = file.fields["a"][...]
        assert [item.header.overlap for item in file.items] == [
            ((0, 0), (0, 4), (0, 0)),
            ((0, 0), (4, 0), (0, 0)),
        ] * 2
    error = np.mean((decoded[4:].astype(np.float64) - values[4:]) ** 2)
    psnr = 20 * np.log10(np.ptp(values[4:])) - 10 * np.log10(error)
    assert report.qualities[0].psnr == pytest.approx(psnr, abs=0.01)
    with pytest.raises(InvalidOptionError, match="no bound can be kept"):
        codec.append(target, tmp_path / "b.npy", dim="0", max_error=0.1, device="cpu")


def test_margins_never_let_three_tiles_share_a_sample() -> None:
    cuts = brick_cuts((50, 7, 1), (3, 7, 1))
    assert cuts == ((0, 16, 33, 50), (0, 1, 2, 3, 4, 5, 6, 7), (0, 1))
    margins = margins_of(cuts, 100)
    assert margins[0] == ((0, 8), (8, 8), (8, 0))
    assert set(margins[1]) == {(0, 0)}
    grid = TileGrid(cuts, (), margins)
    first, second, weight = grid.sides(0, np.arange(50, dtype=np.float64))
    assert weight[[7, 8, 15, 16, 22]].tolist() == [0, 0, 7 / 15, 8 / 15, 14 / 15]
    assert (first[15], second[15], first[23], second[23]) == (0, 1, 1, 1)


def row(*tiles: tuple[int, int, int, int]) -> list[Item]:
    """Tiles of one axis: origin, size, before, after."""
    made = [
        replace(tile(1.0, (start,), (size,)), overlap=((before, after),) if before + after else ())
        for start, size, before, after in tiles
    ]
    return [Item.from_bytes(one.to_bytes()) for one in made]


def test_tile_1_the_cores_are_the_field() -> None:
    (grid,) = grids_of(row((0, 10, 0, 2), (7, 11, 1, 3), (12, 8, 3, 0)))
    assert grid.cuts == ((0, 8, 15, 20),)
    assert grid.margins == (((0, 2), (1, 3), (3, 0)),)


@pytest.mark.parametrize(
    "tiles",
    [
        [(0, 10, 0, 2), (8, 12, 0, 0)],
        [(0, 8, 0, 0), (7, 13, 1, 0)],
        [(0, 10, 0, 2), (7, 4, 1, 1), (8, 12, 2, 0)],
        [(0, 10, 1, 1), (8, 12, 1, 0)],
        [(0, 10, 0, 1), (8, 12, 1, 2)],
        [(0, 10, 0, 1), (9, 12, 1, 0)],
    ],
    ids=["before 0", "after 0", "three share", "first reaches out", "last reaches out", "gap"],
)
def test_tile_2_overlaps_that_do_not_fit_are_refused(tiles: Any) -> None:
    with pytest.raises(CorruptError):
        grids_of(row(*tiles))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, overlap=((5, 5),)),
        lambda one: replace(one, overlap=((0, 1), (0, 1))),
        lambda one: replace(one, overlap=((0, 1),), origin=None),
        lambda one: replace(one, overlap=((0, 1),), bounds=(0.5,)),
    ],
    ids=["no core", "two dims", "no origin", "bounds"],
)
def test_tile_1_and_3_an_overlap_has_a_core_and_an_origin_and_no_bounds(
    change: Callable[[Item], Item],
) -> None:
    with pytest.raises(CorruptError):
        Item.from_bytes(change(tile(1.0, (0,), (10,))).to_bytes())
