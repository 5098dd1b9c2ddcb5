"""Small shapes, and their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec

trimesh = pytest.importorskip("trimesh")
igl = pytest.importorskip("igl")


def write(mesh: trimesh.Trimesh, path: Path) -> Path:
    mesh.export(path)
    return path


def ball(radius: float = 1.0, at: tuple[float, float, float] = (0, 0, 0)) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    mesh.apply_translation(at)
    return mesh


def gaps(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """Exact distances of (n, 3) points to the faces."""
    found = igl.point_mesh_squared_distance(
        np.ascontiguousarray(points), np.array(mesh.vertices), np.array(mesh.faces, np.int64)
    )
    return np.sqrt(np.asarray(found[0]).ravel())


def encoded(path: Path, size: int = 1200) -> Path:
    target = path.with_suffix(".inrc")
    codec.encode(path, target, bytes=size, effort=0, threads=1, overwrite=True)
    return target


@pytest.fixture(scope="session")
def ball_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ball of radius 30 around (100, -50, 7)."""
    folder = tmp_path_factory.mktemp("ball")
    return encoded(write(ball(30, (100, -50, 7)), folder / "ball.ply"))


@pytest.fixture
def directions() -> np.ndarray:
    """Unit vectors, (500, 3)."""
    found = np.random.default_rng(1).standard_normal((500, 3))
    return found / np.linalg.norm(found, axis=1)[:, None]
