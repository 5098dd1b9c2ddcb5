"""A field with structure, noise, a hole and a flat part, and a file of it in tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.arrays import Array

SHAPE, TILE = (50, 40, 36), (32, 16, 18)


def make_field(shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Array:
    """Waves and noise, NaN in a corner, one value in the last part of the first axis."""
    axes = np.meshgrid(*(np.linspace(0, 6, size) for size in shape), indexing="ij", sparse=True)
    values: Array = sum(np.sin(axis * (2 + number)) for number, axis in enumerate(axes))
    values = values + np.random.default_rng(seed).normal(0, 0.01, shape)
    values[(slice(0, 8),) * len(shape)] = np.nan
    values[-shape[0] * 2 // 5 :] = 2.5
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def field() -> Array:
    return make_field()


@pytest.fixture(scope="session")
def field_path(field: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiles") / "t.npy"
    np.save(path, field)
    return path


@pytest.fixture(scope="session")
def tiled_path(field_path: Path) -> Path:
    """The field in 2 x 3 x 2 tiles."""
    path = field_path.with_suffix(".inrc")
    codec.encode(field_path, path, psnr=50, effort=0, tile=TILE, threads=2, device="cpu")
    return path


@pytest.fixture(scope="session")
def decoded(tiled_path: Path) -> Array:
    with codec.open(tiled_path, device="cpu") as file:
        return file["t"][...]
