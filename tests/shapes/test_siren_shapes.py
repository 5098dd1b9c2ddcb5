"""`siren` fits the distance of a shape, near its surface and far away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.reports import EncodeReport
from inrc_plugins.architectures.siren.shape_fit import grid_around
from inrc_plugins.architectures.siren.training.shape_samples import ShapeSampler
from tests.shapes.conftest import ball, trimesh, write

CENTRE, RADIUS = np.array([100.0, -50.0, 7.0]), 30.0


class Ball:
    """The surface of a ball, with distances that are known."""

    lower, upper = CENTRE - RADIUS, CENTRE + RADIUS
    area = 4 * np.pi * RADIUS**2

    def sample(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        found = np.random.default_rng(seed).standard_normal((count, 3))
        normals = found / np.linalg.norm(found, axis=1)[:, None]
        return CENTRE + RADIUS * normals, normals

    def distance(self, points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - CENTRE, axis=1) - RADIUS

    def inside(self, points: np.ndarray) -> np.ndarray:
        return self.distance(points) < 0

    def cap(self, origin: np.ndarray, spacing: float, cells: np.ndarray) -> None:
        """There is no hole."""


def test_samples_are_everywhere_near_and_on_the_surface() -> None:
    surface, grid = Ball(), grid_around(Ball())
    sampler = ShapeSampler(surface, grid, 10.0, 5000, 0.5)
    samples = sampler.draw(3)
    away = np.abs(10 * samples.distances)
    assert len(away) == 5000
    assert (away[3000:] == 0).all()
    assert away[1000:3000].std() < 1 < away[:1000].std()
    assert np.sqrt(np.square(away[1000:3000]).mean()) == pytest.approx(0.5, rel=0.1)
    assert np.abs(samples.places).max() <= 1
    assert samples.distances.max() == 1  # cut off at the band
    points = grid.origin + (samples.places + 1) / 2 * grid.extent
    known = np.clip(surface.distance(points) / 10, -1, 1)
    assert samples.distances == pytest.approx(known, abs=1e-9)
    assert not np.array_equal(sampler.draw(4).places, samples.places)


@pytest.fixture(scope="module")
def ball_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("igl")
    return write(ball(RADIUS, tuple(CENTRE)), tmp_path_factory.mktemp("siren") / "ball.ply")


def encoded(path: Path, target: Path, **goal: float) -> EncodeReport:
    settings = {"arch.features": 2, "arch.rate": 2e-3, "arch.points": 5000, "arch.omega": 8}
    settings |= {"fit.steps": 300, "fit.finetune_steps": 20, "arch.width": 16, "arch.layers": 1}
    settings |= {"arch.batch": 500}
    return codec.encode(
        path, target, arch="siren", effort=0, threads=1, device="cpu", settings=settings, **goal
    )


def test_a_ball_is_a_ball_again(ball_path: Path, tmp_path: Path, directions: np.ndarray) -> None:
    target = tmp_path / "ball.inrc"
    report = encoded(ball_path, target, bytes=1500)
    assert report.goal_met
    assert report.file_bytes <= 1500
    with codec.open(target, device="cpu") as file:
        view = file["distance"]
        # Distances are those of the whole neighbourhood.
        for away in (-20, -3, 0, 3, 6):
            found = view.sdf(CENTRE + (RADIUS + away) * directions)
            assert np.abs(found - away).max() < 2
        assert view.contains([CENTRE, CENTRE + 2 * RADIUS]).tolist() == [True, False]
    codec.decode(target, tmp_path / "back.ply", resolution=24)
    back = trimesh.load(tmp_path / "back.ply")
    assert np.abs(np.linalg.norm(back.vertices - CENTRE, axis=1) - RADIUS).max() < 2
    assert back.is_watertight


def test_a_psnr_at_the_surface_is_met(ball_path: Path, tmp_path: Path) -> None:
    report = encoded(ball_path, tmp_path / "ball.inrc", psnr=35.0)
    assert report.goal_met
    assert report.qualities[0].psnr >= 35.0
    assert report.qualities[0].psnr < 45.0
