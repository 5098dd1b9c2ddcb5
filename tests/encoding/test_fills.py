"""A fill value among a field's values: valid samples never become it, invalid ones always do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import codec
from codec.arrays import Array
from codec.coding.fills import FillAvoidance, taken_for
from codec.coding.normalise import normalise, to_stored
from codec.format.headers import Component
from codec.media.dataset import Field

FAST: dict[str, Any] = {"effort": 0, "threads": 1, "device": "cpu"}


def write(path: Path, values: Array, fill: Any, **more: Any) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        names = [
            file.createDimension(f"d{axis}", size).name for axis, size in enumerate(values.shape)
        ]
        stored = file.createVariable("p", values.dtype, names, fill_value=fill)
        for name, value in more.items():
            stored.setncattr(name, value)
        stored.set_auto_maskandscale(False)
        stored[:] = values
    return path


def waves(shape: tuple[int, ...]) -> Array:
    """-1 to 1, with a little noise."""
    rows, columns = (np.linspace(0, 7, size) for size in shape)
    values = np.sin(rows)[:, None] * np.cos(columns)
    return values + np.random.default_rng(1).normal(0, 0.02, shape)


def greys() -> Array:
    values = np.clip(128 + 100 * waves((48, 40)), 0, 255).astype("u1")
    values[5:9, 10:30] = 128
    return values


def heights(dtype: str) -> Array:
    values = (20 * waves((48, 40))).astype(dtype)
    values[5:9, 10:30] = 0
    return values


FIELDS: dict[str, tuple[Array, Any, dict[str, Any]]] = {
    "greys": (greys(), 128, {"scale_factor": 1.0}),
    "two fills": (greys(), 128, {"scale_factor": 1.0, "missing_value": np.uint8(129)}),
    "wide integers": ((heights("f8") * 1000).astype("i2"), 0, {"scale_factor": 0.5}),
    "heights": (heights("f4"), 0.0, {}),
    "double heights": (heights("f8"), 0.0, {}),
}


@pytest.mark.parametrize(("psnr", "tile"), [(25, "auto"), (45, (48, 20))])
@pytest.mark.parametrize("name", FIELDS)
def test_what_is_valid_stays_so(
    name: str, psnr: float, tile: str | tuple[int, ...], tmp_path: Path
) -> None:
    values, fill, more = FIELDS[name]
    source = write(tmp_path / "in.nc", values, fill, **more)
    report = codec.encode(source, tmp_path / "out.inrc", psnr=psnr, tile=tile, **FAST)
    assert report.goal_met
    assert report.qualities[0].mask_intact
    with codec.open(tmp_path / "out.inrc", device="cpu") as file:
        decoded = file["p"][...]
        part = file["p"][3:12, 8:33]
    fills = [fill, more.get("missing_value", fill)]
    invalid = np.isin(values, fills)
    assert 0 < invalid.sum() < values.size
    assert np.array_equal(np.isin(decoded, fills), invalid)
    assert np.array_equal(decoded[invalid], values[invalid])
    assert np.array_equal(part, decoded[3:12, 8:33])


def test_a_number_of_bytes_counts_the_residuals(tmp_path: Path) -> None:
    source = write(tmp_path / "in.nc", greys(), 128, scale_factor=1.0)
    report = codec.encode(source, tmp_path / "out.inrc", bytes=1200, **FAST)
    assert report.goal_met
    assert 1000 < report.file_bytes <= 1200
    assert "RESD" in {section.type for section in codec.info(tmp_path / "out.inrc").sections}


def test_a_fill_value_beside_the_values_costs_nothing(tmp_path: Path) -> None:
    values = greys()
    for name, fill in (("a", 255), ("b", 240)):
        kept = np.where(values == 128, fill, np.minimum(values, 230)).astype("u1")
        write(tmp_path / f"{name}.nc", kept, fill, scale_factor=1.0)
        codec.encode(tmp_path / f"{name}.nc", tmp_path / f"{name}.inrc", psnr=30, **FAST)
        found = {section.type for section in codec.info(tmp_path / f"{name}.inrc").sections}
        assert "RESD" not in found


@pytest.mark.parametrize(("dtype", "fill"), [("u1", 128), ("i2", 7), ("f4", 0.0), ("f4", 0.7)])
def test_no_decoder_within_the_tolerance_may_take_a_sample_for_a_fill_value(
    dtype: str, fill: Any
) -> None:
    scale = {"u": 100.0, "i": 30000.0, "f": 1.0}[dtype[0]]
    offset = 128.0 if dtype == "u1" else 0.0
    # Most of them near the fill value.
    values = np.linspace(-1, 1, 4000) ** 9 * scale / 2 + fill
    values[:2] = offset - scale, offset + scale
    values = values.astype(dtype)
    entry = normalise(Field("p", ("x",), values, (fill,)))
    component = Component("p", dtype, entry.offset, entry.scale)
    tolerance = 2.0**-16
    avoided = FillAvoidance([component], [entry], tolerance)
    error = 8 * tolerance * scale + (0.6 if dtype[0] != "f" else 0.0)
    real = values + np.random.default_rng(4).uniform(-error, error, values.shape)
    valid = np.ones(values.shape, np.bool_) if entry.valid is None else entry.valid
    reach = 2 * tolerance * entry.scale
    assert taken_for(real, (fill,), values.dtype, reach)[valid].any()
    moved = avoided.moved(0, (slice(None),), real)
    for shift in (-2, 0, 2):
        stored = to_stored(moved + shift * reach, values.dtype)
        assert not (stored == fill)[valid].any()
    # No further than out of reach, and samples that are not in danger are left alone.
    assert np.abs(moved - real).max() <= 2.001 * avoided.steps[0]
    assert np.array_equal(moved != real, taken_for(real, (fill,), values.dtype, reach) & valid)
    assert np.array_equal(real + avoided.steps[0] * avoided.residuals[0], moved)
