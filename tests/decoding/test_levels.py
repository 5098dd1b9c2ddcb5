"""A field at a coarser level: what it holds, where its samples stand, and what is read for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from click.testing import CliRunner

import codec
from codec.errors import InvalidOptionError
from codec.files.byte_sources import BytesSource
from codec.reading.contents import FileContents
from codec.reading.field import Field
from inrc_cli.main import inrc
from tests.building import coded_mask, fvsrn_file, pyramid_file, write_netcdf

SHAPE = (64, 50, 41)
LEVELS = (3, 3, 2)
# Low-pass filter of the 9/7 wavelet with a gain of 1 (Cohen, Daubechies and Feauveau 1992).
LOW_PASS = (0.026748757411, -0.016864118443, -0.078223266529, 0.266864118443, 0.602949018236)


def noise(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


FIELD = noise(SHAPE)
FILE = pyramid_file([FIELD], LEVELS, 0.02)


def view(data: bytes = FILE, name: str = "v0") -> Field:
    return codec.open(data, device="cpu", threads=1)[name]


def filtered(values: Any, axis: int) -> Any:
    """Every second sample of the low-pass filtered values, borders mirrored at the samples."""
    taps = np.array([*LOW_PASS, *LOW_PASS[-2::-1]])
    lines = np.moveaxis(values.astype(np.float64), axis, -1)
    padded = np.pad(lines, [(0, 0)] * (lines.ndim - 1) + [(4, 4)], mode="reflect")
    length = lines.shape[-1]
    out = sum(tap * padded[..., at : at + length] for at, tap in enumerate(taps))
    return np.moveaxis(out[..., ::2], -1, axis)


def coarse(values: Any, level: int, levels: tuple[int, ...]) -> Any:
    for axis, most in enumerate(levels):
        for _ in range(min(level, most)):
            values = filtered(values, axis)
    return values


def test_level_0_is_the_field() -> None:
    found = view()
    assert found.level(0)[...].tobytes() == found[...].tobytes()
    assert found.factors == (1, 1, 1)
    assert np.sqrt(np.square(found[...] - FIELD).mean()) < 0.02 * np.abs(FIELD).max()


@pytest.mark.parametrize(
    ("level", "shape", "factors"),
    [(1, (32, 25, 21), (2, 2, 2)), (2, (16, 13, 11), (4, 4, 4)), (3, (8, 7, 11), (8, 8, 4))],
)
def test_shapes_and_values(level: int, shape: tuple[int, ...], factors: tuple[int, ...]) -> None:
    found = view().level(level)
    assert found.shape == found[...].shape == shape
    assert found.factors == factors
    assert found.ndim == 3
    assert found.size == np.prod(shape)
    expected = coarse(FIELD, level, LEVELS)
    assert np.abs(expected).max() > 0.2
    # Half a step of each coefficient, and these add up at random.
    assert np.abs(found[...] - expected).max() < 3 * 0.02 * np.abs(FIELD).max()
    assert np.sqrt(np.square(found[...] - expected).mean()) < 0.02 * np.abs(FIELD).max()


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((40,), (4,)), ((33, 28), (3, 4)), ((12, 20, 17), (0, 2, 3)), ((6, 9, 8, 10), (-1, 2, 2, 2)),
     ((2, 24, 24), (-3, 3, 2)), ((24, 2, 18), (2, -2, 3))],
    ids=str,
)  # fmt: skip
def test_a_constant_stays_constant(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """The low-pass filters have a gain of 1 at frequency 0, at the borders too."""
    field = np.ones(shape, np.float32)
    found = view(pyramid_file([field], axes, 1e-5, reach=2.0))
    for level in range(max(axes) + 1):
        assert np.abs(found.level(level)[...] - 1).max() < 1e-4


def test_levels_of_several_components() -> None:
    fields = [FIELD[:24, :24, 0], 0.5 * FIELD[:24, :24, 1]]
    data = pyramid_file(fields, (-1, 2, 2), 0.005)
    for name, field in zip(("v0", "v1"), fields, strict=True):
        expected = coarse(field, 2, (2, 2))
        found = view(data, name).level(2)
        assert found.shape == (6, 6)
        assert np.abs(found[...] - expected).max() < 0.02 * np.abs(FIELD).max()


def test_axes_of_one_sample_stay() -> None:
    found = view(pyramid_file([noise((1, 20, 1, 30))], (2, 2), 0.01)).level(1)
    assert found.shape == found[...].shape == (1, 10, 1, 15)
    assert found.factors == (1, 2, 1, 2)


@pytest.mark.parametrize("level", [4, 41, -1])
def test_a_level_that_is_not_there_is_refused(level: int) -> None:
    with pytest.raises(InvalidOptionError, match=r"v0.*0 to 3"):
        view().level(level)


# What is read


class Reads:
    """Remembers which bytes of a file in memory were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ranges: list[tuple[int, int]] = []
        read_at = BytesSource.read_at

        def counting(source: BytesSource, offset: int, size: int) -> bytes:
            self.ranges.append((offset, offset + size))
            return read_at(source, offset, size)

        monkeypatch.setattr(BytesSource, "read_at", counting)

    def within(self, start: int, end: int) -> int:
        return sum(max(0, min(end, last) - max(start, first)) for first, last in self.ranges)


@pytest.mark.parametrize(("level", "needed"), [(3, 1), (2, 1), (1, 2), (0, 3)])
def test_a_level_reads_its_own_streams_only(
    level: int, needed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileContents(FILE, device="cpu") as file:
        ends = np.cumsum([len(section.streams[0]) for section in file.items[0].integers.all()])
        lattice = file.items[0].lattice
    assert lattice is not None
    assert np.searchsorted(ends, lattice.count(level)) + 1 == needed
    reads = Reads(monkeypatch)
    with FileContents(FILE, device="cpu", threads=1) as file:
        places = [
            (section.payload_offset, section.payload_offset + section.stored_bytes)
            for section in file.streams.sections.of_type("TENS")
        ]
        assert len(places) == 3
        # Where sections begin, a few bytes too many are read.
        assert all(reads.within(*place) < 20 for place in places)
        file.fields["v0"].level(level)[...]
        # Of the others no more than the number of their item, and of these no byte twice.
        read = [reads.within(*place) for place in places]
        for (first, last), size in zip(places[:needed], read, strict=False):
            assert last - first <= size < last - first + 40
        assert all(size < 40 for size in read[needed:])


def test_levels_are_decoded_from_the_integers_that_are_already_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with codec.open(FILE, device="cpu", threads=1) as file:
        whole = file["v0"].level(1)[...]
        reads = Reads(monkeypatch)
        again = file["v0"].level(2)[...]
        assert sum(last - first for first, last in reads.ranges) == 0
        assert again.tobytes() == view().level(2)[...].tobytes()
        assert whole.tobytes() == view().level(1)[...].tobytes()


# Other architectures and masks


def test_levels_of_a_function_are_its_samples() -> None:
    data = fvsrn_file((9, 14, 6))
    whole = view(data)
    found = whole.level(2)
    assert found.shape == (3, 4, 2)
    assert np.abs(found[...] - whole[::4, ::4, ::4]).max() < 1e-5
    assert view(data).level(40).shape == (1, 1, 1)
    with pytest.raises(InvalidOptionError):
        view(data).level(41)


@pytest.mark.parametrize("patterns", [1, 3])
def test_masks_at_a_level_are_those_of_the_samples_that_are_kept(patterns: int) -> None:
    shape = (21, 30)
    valid = np.random.default_rng(1).random(shape) < 0.6
    fill = np.array([np.nan, -999.0, np.inf], np.float32)[np.arange((~valid).sum()) % patterns]
    data = pyramid_file([noise(shape)], (2, 3), 0.01, mask=coded_mask(valid, fill))
    filled = np.zeros(shape, np.uint32)
    filled[~valid] = fill.view(np.uint32)
    for level in range(4):
        found = view(data).level(level)
        step = tuple(slice(None, None, factor) for factor in found.factors)
        invalid = ~valid[step]
        assert np.array_equal(found[...].view(np.uint32)[invalid], filled[step][invalid])
        assert np.isfinite(found[...][valid[step]]).all()
        points = np.argwhere(np.ones(found.shape, bool))
        assert np.array_equal(np.isnan(found.at(points)).reshape(found.shape), invalid)
        part = np.s_[1:3, ::2]
        assert found[part].tobytes() == found[...][part].tobytes()


# Positions and regions


@pytest.mark.parametrize("level", [0, 1, 2])
def test_points_lie_on_the_samples_and_between_them(level: int) -> None:
    found = view().level(level)
    samples = found[...].astype(np.float64)
    random = np.random.default_rng(2)
    places = np.stack([random.integers(0, size - 1, 200) for size in found.shape], 1)
    exact = found.at(places)
    assert np.allclose(exact, samples[tuple(places.T)], rtol=0, atol=1e-5)
    for axis in range(3):
        after = places.copy()
        after[:, axis] += 1
        halfway = (samples[tuple(places.T)] + samples[tuple(after.T)]) / 2
        assert np.allclose(found.at((places + after) / 2), halfway, rtol=0, atol=1e-5)
    corners = [samples[tuple((places + by).T)] for by in np.ndindex(2, 2, 2)]
    assert np.allclose(found.at(places + 0.5), np.mean(corners, 0), rtol=0, atol=1e-5)


def test_points_outside_are_moved_to_the_border() -> None:
    found = view().level(1)
    samples = found[...]
    assert np.allclose(found.at([[-5, 3, 900]]), samples[0, 3, -1], atol=1e-5)


@pytest.mark.parametrize("level", [0, 1, 3])
@pytest.mark.parametrize(
    "index",
    [np.s_[3], np.s_[1:5, 2:7, 3:9], np.s_[::-1, ::2, 1], np.s_[..., -3:], np.s_[4:1:-1, 0:0],
     np.s_[-1, -1, -1]],
    ids=str,
)  # fmt: skip
def test_regions_are_slices_bit_for_bit(index: Any, level: int) -> None:
    found = view().level(level)
    part, expected = found[index], found[...][index]
    assert part.shape == expected.shape
    assert np.asarray(part).tobytes() == expected.tobytes()


# Files


@pytest.fixture(scope="module")
def netcdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fields on 48 times 60 samples with coordinates, one of them masked; and its .inrc."""
    path = tmp_path_factory.mktemp("levels") / "two.nc"
    write_netcdf(path, (48, 60))
    target = path.with_suffix(".inrc")
    codec.encode(path, target, psnr=45, effort=0, arch="pyramid", threads=1, device="cpu")
    return target


def test_coordinates_are_cut(netcdf: Path) -> None:
    with codec.open(netcdf, device="cpu") as file:
        full, found = file["p"], file["p"].level(1)
        assert {name: len(values) for name, values in full.coords.items()} == {"y": 48, "x": 60}
        for axis, name in enumerate(("y", "x")):
            kept = full.coords[name][:: found.factors[axis]]
            assert found.coords[name].tolist() == kept.tolist()
            assert len(kept) == found.shape[axis]
        assert 2 in found.factors


def test_decode_level_on_the_command_line(netcdf: Path, tmp_path: Path) -> None:
    out = tmp_path / "half.nc"
    arguments = ["decode", str(netcdf), "-o", str(out), "--level", "1", "--var", "p"]
    done = CliRunner().invoke(inrc, arguments)
    assert done.exit_code == 0, done.output
    with codec.open(netcdf, device="cpu") as file, netCDF4.Dataset(out) as written:
        view = file["p"].level(1)
        assert written["p"].shape == view.shape
        assert np.array_equal(np.asarray(written["p"][...]), view[...])
        for name, values in view.coords.items():
            assert np.array_equal(np.asarray(written[name][...]), values)


def test_a_region_of_a_level_counts_its_samples(netcdf: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.nc"
    codec.decode(netcdf, out, level=1, var=["p"], region={"x": slice(3, 9)}, device="cpu")
    with codec.open(netcdf, device="cpu") as file, netCDF4.Dataset(out) as written:
        view = file["p"].level(1)
        assert np.array_equal(np.asarray(written["p"][...]), view[:, 3:9])
        assert np.array_equal(np.asarray(written["x"][...]), view.coords["x"][3:9])


def test_a_level_that_is_not_there_is_one_line(netcdf: Path, tmp_path: Path) -> None:
    arguments = ["decode", str(netcdf), "-o", str(tmp_path / "x.nc"), "--level", "30"]
    done = CliRunner().invoke(inrc, arguments)
    assert done.exit_code == 2
    assert "level 30" in done.output
    assert not (tmp_path / "x.nc").exists()
