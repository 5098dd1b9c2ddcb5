"""A mesh from the samples near the surface is that from all samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import codec
from codec.coding.evaluate import RUN_POINTS, evaluate_points
from codec.reading import near_surface
from codec.reading.isosurface import extract
from inrc_plugins.architectures.shell.evaluation import ShellEvaluator
from tests.shapes.conftest import write
from tests.shapes.test_borders import bowl
from tests.shapes.test_unsigned import crossing_planes

NODES, BAND, RESOLUTION = (21, 25, 23), 3.0, 96
CENTRE = (np.array(NODES) - 1) / 2
Distance = Callable[[np.ndarray], np.ndarray]


class Field:
    """Distances in nodes, cut off, as an evaluator."""

    def __init__(self, distance: Distance, band: float = BAND) -> None:
        self._distance = distance
        self._band = band
        self.evaluated = 0

    def at(self, points: np.ndarray) -> np.ndarray:
        found = self._distance(points) / self._band
        return np.clip(found, -1, 1).astype(np.float32)[None]

    def on_axes(self, positions: Sequence[np.ndarray]) -> np.ndarray:
        grid = np.stack(np.meshgrid(*positions, indexing="ij"), -1)
        self.evaluated += grid[..., 0].size
        return self.at(grid.reshape(-1, 3)).reshape(1, *grid.shape[:3])


class OpenField(Field):
    """One whose surface ends at a plane."""

    def past_border(self, points: np.ndarray) -> np.ndarray:
        return points[:, 0] - CENTRE[0] - 0.3


def sphere(points: np.ndarray, radius: float = 8.0, at: Sequence[float] = CENTRE) -> np.ndarray:
    return np.linalg.norm(points - np.array(at), axis=1) - radius


def torus(points: np.ndarray) -> np.ndarray:
    x, y, z = (points - CENTRE).T
    return np.hypot(np.hypot(y, z) - 8, x) - 2.5


def blobs(points: np.ndarray) -> np.ndarray:
    """A body, a head, two ears: with folds between them."""
    places = [(8, 9, 10), (10, 15, 10), (13, 18, 8), (13, 18, 13)]
    parts = zip(places, (6.0, 4.0, 2.0, 2.0), strict=True)
    return np.min([sphere(points, radius, at) for at, radius in parts], axis=0)


def sheet(points: np.ndarray) -> np.ndarray:
    """Thinner than the samples are apart, askew."""
    away = (points - CENTRE) @ np.array([0.6, 0.64, 0.48])
    return np.maximum(np.abs(away) - 0.12, sphere(points, 9.0))


def touching(points: np.ndarray) -> np.ndarray:
    """A bar that runs out of the grid, its ends far inside of it."""
    _, y, z = np.abs(points - CENTRE).T
    return np.maximum(y, z) - 6.3


def level_sheet(points: np.ndarray) -> np.ndarray:
    """As thin, half-way between probes."""
    return np.maximum(np.abs(points[:, 0] - 10.75) - 0.12, sphere(points, 9.0))


def unsigned(points: np.ndarray) -> np.ndarray:
    return np.abs(sphere(points)) - 1


def far_apart(points: np.ndarray) -> np.ndarray:
    """Parts barely larger than what is left out."""
    return np.minimum(sphere(points, 1.1, (4.4, 4.3, 4.1)), sphere(points, 1.2, (16, 20, 18)))


def jumping(points: np.ndarray) -> np.ndarray:
    """Known no farther than a node from the surface, as of `shell`."""
    found = np.minimum(sphere(points, 4.5), sphere(points, 1.3, (3, 19, 3)))
    return np.where(np.abs(found) > 1, np.sign(found) * 40, found)


def uneven(points: np.ndarray) -> np.ndarray:
    """As steep as a distance, half and twice that."""
    return sphere(points) * (1.25 + 0.75 * np.sin(points @ np.array([0.3, 0.2, 0.1])))


def steep(points: np.ndarray) -> np.ndarray:
    """Too steep for any probe to tell that the surface is near."""
    return 1000 * blobs(points)


FIELDS = [
    sphere,
    torus,
    blobs,
    sheet,
    level_sheet,
    touching,
    unsigned,
    far_apart,
    jumping,
    uneven,
    steep,
]


def surface(
    field: Field, threads: int = 1, resolution: int = RESOLUTION
) -> tuple[np.ndarray, np.ndarray]:
    return extract(field, NODES, field._band, resolution, threads, lambda _: None)


def assert_same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    assert len(expected[1]) > 100
    assert np.array_equal(found[1], expected[1])
    assert np.array_equal(found[0], expected[0])


@pytest.mark.parametrize(
    ("distance", "band"),
    [(distance, BAND) for distance in FIELDS] + [(touching, 40.0), (uneven, 40.0)],
)
def test_the_triangles_are_those_of_all_samples(
    distance: Distance, band: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    field, dense = Field(distance, band), Field(distance, band)
    found = surface(field)
    monkeypatch.setattr(near_surface, "_MOST_CELLS", 1)
    assert_same(found, surface(dense))
    assert field.evaluated < 0.75 * dense.evaluated


def test_a_surface_ends_where_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    found = surface(OpenField(sphere))
    monkeypatch.setattr(near_surface, "_MOST_CELLS", 1)
    assert_same(found, surface(OpenField(sphere)))


@pytest.mark.parametrize(
    ("distance", "band", "resolution"),
    [(far_apart, 0.4, RESOLUTION), (jumping, 40.0, 24), (jumping, 40.0, 48)],
)
def test_a_cut_off_near_the_surface_hides_nothing(
    distance: Distance, band: float, resolution: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = surface(Field(distance, band), 1, resolution)
    monkeypatch.setattr(near_surface, "_MOST_CELLS", 1)
    assert_same(found, surface(Field(distance, band), 1, resolution))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_where_all_is_on_one_side_there_is_the_border_or_nothing(side: float) -> None:
    vertices, faces = surface(Field(lambda points: np.full(len(points), side * BAND)))
    assert (len(faces) > 0) == (side < 0)
    if side < 0:
        assert (vertices.min(0) <= 0).all()
        assert (vertices.max(0) >= np.array(NODES) - 1).all()


def test_threads_do_not_change_the_triangles() -> None:
    assert_same(surface(Field(blobs), 3), surface(Field(blobs)))


@pytest.mark.parametrize(("mesh", "sdf"), [(bowl, "signed"), (crossing_planes, "unsigned")])
def test_meshes_of_files_are_those_of_all_samples(
    mesh: Callable, sdf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mesh.inrc"
    source = write(mesh(), tmp_path / "mesh.ply")
    codec.encode(source, path, bytes=500, sdf=sdf, effort=0, threads=1)
    with codec.open(path) as file:
        shape = file["distance"]
        found = shape.mesh(64)
        monkeypatch.setattr(near_surface, "_MOST_CELLS", 1)
        expected = shape.mesh(64)
    assert_same((found.vertices, found.faces), (expected.vertices, expected.faces))


def test_points_are_evaluated_in_runs_in_their_order() -> None:
    points = np.random.default_rng(1).random((2 * RUN_POINTS + 5, 3))
    longest = []

    def at(places: np.ndarray) -> np.ndarray:
        longest.append(len(places))
        return places.T

    for threads in (1, 2):
        assert np.array_equal(evaluate_points(at, points, threads), points.T)
    assert max(longest) == RUN_POINTS
    assert evaluate_points(at, points[:0], 2).shape == (3, 0)


def test_linear_algebra_has_one_thread_while_points_are_evaluated(
    ball_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, evaluate = [], ShellEvaluator.at

    def at(self: ShellEvaluator, points: np.ndarray) -> np.ndarray:
        known = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        threads.append(max(known))
        return evaluate(self, points)

    monkeypatch.setattr(ShellEvaluator, "at", at)
    with threadpool_limits(2, "blas"), codec.open(ball_file) as file:
        file["distance"].sdf([[100.0, -50, 7]])
        file["distance"].mesh(8)
    assert len(threads) > 20
    assert set(threads) == {1}
