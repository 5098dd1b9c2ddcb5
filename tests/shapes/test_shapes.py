"""A mesh comes back as a surface, in its own frame, whatever its faces are like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import InvalidInputError, InvalidOptionError
from codec.media.mesh.frame import MeshFrame
from tests.conftest import Process
from tests.shapes.conftest import ball, encoded, trimesh, write

CENTRE, RADIUS = np.array([100.0, -50.0, 7.0]), 30.0


def contained(path: Path, points: list[tuple[float, float, float]]) -> list[bool]:
    with codec.open(path) as file:
        return file["distance"].contains(points).tolist()


def test_distances_are_those_of_the_shape_in_its_own_frame(
    ball_file: Path, directions: np.ndarray
) -> None:
    with codec.open(ball_file) as file:
        view = file["distance"]
        for radius in (RADIUS - 1, RADIUS, RADIUS + 1):
            found = view.sdf(CENTRE + radius * directions)
            assert np.abs(found - (radius - RADIUS)).max() < 0.3


def test_distances_are_cut_off_far_away_and_keep_their_side(ball_file: Path) -> None:
    with codec.open(ball_file) as file:
        view = file["distance"]
        band = 3 * MeshFrame.from_map(file.metadata).spacing
        heights = np.array([0, 29.9, 31, 1e6])
        far = view.sdf(CENTRE + heights[:, None] * [0, 0, 1])
        assert far[0] == pytest.approx(-band)
        assert -1 < far[1] < 0 < far[2] < 2
        assert far[3] == pytest.approx(band)
        assert view.contains([CENTRE, [0, 0, 0]]).tolist() == [True, False]


def test_points_of_another_shape_are_refused(ball_file: Path) -> None:
    with codec.open(ball_file) as file, pytest.raises(InvalidInputError, match=r"\(n, 3\)"):
        file["distance"].sdf([[1.0, 2.0]])


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl", ".off", ".glb"])
def test_every_format_holds_the_closed_mesh_in_the_original_unit(
    ball_file: Path, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"out{suffix}"
    codec.decode(ball_file, target, resolution=40)
    mesh = trimesh.load(target, force="mesh")
    away = np.linalg.norm(mesh.vertices - CENTRE, axis=1)
    assert np.abs(away - RADIUS).max() < 0.3
    assert mesh.is_watertight
    assert mesh.body_count == 1
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)


def test_resolution_sets_the_number_of_faces(ball_file: Path, tmp_path: Path) -> None:
    counts = []
    for resolution in (20, 40):
        codec.decode(ball_file, tmp_path / f"{resolution}.ply", resolution=resolution)
        counts.append(len(trimesh.load(tmp_path / f"{resolution}.ply").faces))
    assert 3 < counts[1] / counts[0] < 5


@pytest.mark.parametrize("options", [{"resolution": 20}, {"closed": True}])
def test_options_of_a_mesh_are_refused_where_none_is_written(
    ball_file: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        codec.decode(ball_file, tmp_path / "nodes.npy", **options)
    assert not any(tmp_path.iterdir())


def test_a_mesh_has_no_levels(ball_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="resolution"):
        codec.decode(ball_file, tmp_path / "coarse.ply", level=1)
    assert not any(tmp_path.iterdir())


def test_a_file_decodes_in_another_process(
    ball_file: Path, tmp_path: Path, process: Process
) -> None:
    target = tmp_path / "out.stl"
    done = process("-m", "codec", "decode", str(ball_file), "-o", str(target), "--resolution", "32")
    assert done.returncode == 0, done.stderr
    assert trimesh.load(target).is_watertight


def test_values_at_the_nodes_are_distances_too(ball_file: Path, tmp_path: Path) -> None:
    codec.decode(ball_file, tmp_path / "nodes.npy")
    nodes = np.load(tmp_path / "nodes.npy")
    with codec.open(ball_file) as file:
        view = file["distance"]
        assert nodes.shape == view.shape
        frame = MeshFrame.from_map(file.metadata)
        places = np.argwhere(np.abs(nodes) < 1.5 * frame.spacing)
        true = np.linalg.norm(frame.positions(places) - CENTRE, axis=1) - RADIUS
        assert np.abs(nodes[tuple(places.T)] - true).max() < 0.5 * frame.spacing


def test_inside_out_is_the_same_shape(tmp_path: Path) -> None:
    mesh = ball()
    mesh.invert()
    path = encoded(write(mesh, tmp_path / "flipped.ply"))
    assert contained(path, [(0, 0, 0.9), (0, 0, 1.1)]) == [True, False]


def test_a_hole_is_closed(tmp_path: Path) -> None:
    mesh = ball()
    mesh.update_faces(mesh.triangles_center[:, 2] < 0.9)
    assert not mesh.is_watertight
    path = encoded(write(mesh, tmp_path / "open.ply"))
    assert contained(path, [(0, 0, 0.6), (0, 0, -0.95), (0, 0, 1.1)]) == [True, True, False]


def test_parts_stay_apart(tmp_path: Path) -> None:
    two = trimesh.util.concatenate([ball(1, (-1.4, 0, 0)), ball(0.8, (1.2, 0, 0))])
    path = encoded(write(two, tmp_path / "two.ply"))
    assert contained(path, [(-1.4, 0, 0), (1.2, 0, 0), (0.1, 0, 0)]) == [True, True, False]
    codec.decode(path, tmp_path / "back.ply", resolution=64)
    assert trimesh.load(tmp_path / "back.ply").body_count == 2


def test_a_cavity_is_hollow_and_a_part_within_another_is_not(tmp_path: Path) -> None:
    inner = ball(0.5)
    solid = trimesh.util.concatenate([ball(), inner])
    path = encoded(write(solid, tmp_path / "solid.ply"))
    assert contained(path, [(0, 0, 0), (0, 0, 0.5), (0, 0, 0.8)]) == [True, True, True]
    inner.invert()
    hollow = trimesh.util.concatenate([ball(), inner])
    path = encoded(write(hollow, tmp_path / "hollow.ply"))
    assert contained(path, [(0, 0, 0), (0, 0, 0.3), (0, 0, 0.8)]) == [False, False, True]


def test_flat_faces_and_edges_survive(tmp_path: Path) -> None:
    box = trimesh.creation.box((3.0, 2.0, 1.0)).subdivide().subdivide()
    path = encoded(write(box, tmp_path / "box.obj"))
    codec.decode(path, tmp_path / "back.ply", resolution=96)
    mesh = trimesh.load(tmp_path / "back.ply")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(6, rel=0.01)


def test_bytes_are_not_exceeded_and_nearly_used(tmp_path: Path) -> None:
    source = write(trimesh.creation.torus(2, 0.7), tmp_path / "torus.ply")
    report = codec.encode(source, tmp_path / "out.inrc", bytes=1500, effort=0, threads=1)
    assert report.goal_met
    assert 1200 < report.file_bytes <= 1500


def test_psnr_is_reached_and_verified(tmp_path: Path) -> None:
    source = write(trimesh.creation.torus(2, 0.7), tmp_path / "torus.ply")
    report = codec.encode(source, tmp_path / "out.inrc", psnr=56, effort=0, threads=1)
    assert report.goal_met
    assert 56 <= report.qualities[0].psnr < 62
    again = codec.verify(tmp_path / "out.inrc", source)
    assert again.qualities[0].psnr == pytest.approx(report.qualities[0].psnr)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write(ball(), tmp_path / "ball.ply")
    first = encoded(source).read_bytes()
    assert encoded(source).read_bytes() == first


def test_arrays_and_meshes_are_not_confused(
    ball_file: Path, tiny_file: bytes, tmp_path: Path
) -> None:
    (tmp_path / "arrays.inrc").write_bytes(tiny_file)
    with pytest.raises(InvalidOptionError, match="no shape"):
        codec.decode(tmp_path / "arrays.inrc", tmp_path / "out.ply")
    assert not (tmp_path / "out.ply").exists()
    with codec.open(tiny_file) as file:
        assert not any(hasattr(field, "contains") for field in file.values())
    np.save(tmp_path / "array.npy", np.random.default_rng(0).random((12, 12, 12)))
    with pytest.raises(InvalidOptionError, match="meshes"):
        codec.encode(tmp_path / "array.npy", tmp_path / "out.inrc", arch="shell")


def test_architectures_of_arrays_fit_sampled_distances(tmp_path: Path) -> None:
    source = write(ball(RADIUS, (100, -50, 7)), tmp_path / "ball.ply")
    target = tmp_path / "ball.inrc"
    codec.encode(source, target, psnr=55, effort=0, arch="pyramid", threads=2, device="cpu")
    directions = np.array([[1.0, 0, 0], [0, -0.6, 0.8], [0.577, 0.577, -0.577]])
    with codec.open(target, device="cpu") as file:
        view = file["distance"]
        assert np.abs(view.sdf(CENTRE + (RADIUS + 0.4) * directions) - 0.4).max() < 0.5
        assert view.contains([CENTRE, CENTRE + 2 * RADIUS]).tolist() == [True, False]
    codec.decode(target, tmp_path / "back.stl", resolution=40)
    mesh = trimesh.load(tmp_path / "back.stl", force="mesh")
    assert np.abs(np.linalg.norm(mesh.vertices - CENTRE, axis=1) - RADIUS).max() < 0.8


def test_shapes_have_no_error_bound(tmp_path: Path) -> None:
    source = write(ball(RADIUS, (100, -50, 7)), tmp_path / "ball.ply")
    with pytest.raises(InvalidOptionError, match="use --psnr or --bytes"):
        codec.encode(source, tmp_path / "ball.inrc", max_error=0.1)


def test_without_a_target_a_shape_looks_like_itself(tmp_path: Path) -> None:
    source = write(ball(RADIUS, (100, -50, 7)), tmp_path / "ball.ply")
    # This architecture is quicker than the one for shapes, and has the same goal.
    report = codec.encode(source, tmp_path / "ball.inrc", effort=0, arch="pyramid")
    assert report.qualities[0].psnr > 60
