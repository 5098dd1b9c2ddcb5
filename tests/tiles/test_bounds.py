"""Bounds hold in every tile, and are shares of the range of the whole field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec


@pytest.mark.parametrize("share", [1e-2, 1e-4])
def test_a_share_of_the_range_is_that_of_the_whole_field(tmp_path: Path, share: float) -> None:
    random = np.random.default_rng(0)
    values = (np.arange(40 * 40).reshape(40, 40) / 9 + random.normal(size=(40, 40))).astype("f4")
    values[:20, :20] = 7
    values[30, 30] = np.nan
    np.save(tmp_path / "in.npy", values)
    codec.encode(
        tmp_path / "in.npy", tmp_path / "out.inrc", rel_error=share, tile=(20, 20), effort=0
    )
    limit = share * (float(np.nanmax(values)) - float(np.nanmin(values)))
    with codec.open(tmp_path / "out.inrc") as file:
        (view,) = file.values()
        error = np.abs(view[...].astype(float) - values.astype(float))
        assert np.isnan(error[30, 30])
        assert np.nanmax(error) <= limit
        assert np.nanmax(error[20:]) > limit / 4
        assert view.bound == pytest.approx(limit)
    codec.verify(tmp_path / "out.inrc", tmp_path / "in.npy")


def test_tiles_of_integers_are_lossless(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 4000, (30, 50), np.uint16)
    np.save(tmp_path / "in.npy", values)
    codec.encode(tmp_path / "in.npy", tmp_path / "out.inrc", max_error=0, tile=(16, 32), effort=0)
    with codec.open(tmp_path / "out.inrc") as file:
        assert np.array_equal(next(iter(file.values()))[...], values)
