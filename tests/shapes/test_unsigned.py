"""Of faces that enclose nothing, the distance without a side is kept, on request."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.media.mesh.frame import MeshFrame
from codec.media.mesh.sheet import MeshSheet
from tests.conftest import Process
from tests.shapes.conftest import ball, gaps, trimesh, write


def loose_triangles() -> trimesh.Trimesh:
    places = 2.0 * np.array(list(itertools.product((0, 1), repeat=3)))
    corners = places[:, None] + np.random.default_rng(4).uniform(-0.7, 0.7, (8, 3, 3))
    return trimesh.Trimesh(corners.reshape(-1, 3), np.arange(24).reshape(-1, 3), process=False)


def moebius_strip() -> trimesh.Trimesh:
    around, across = np.meshgrid(np.arange(48), np.linspace(-0.4, 0.4, 4), indexing="ij")
    angle = around * 2 * np.pi / 48
    radius = 1 + across * np.cos(angle / 2)
    vertices = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), across * np.sin(angle / 2)], -1
    )
    faces = []
    for i, j in np.ndindex(48, 3):
        a, b = 4 * i + j, 4 * i + j + 1
        c, d = (a + 4, b + 4) if i < 47 else (3 - j, 2 - j)
        faces += [[a, c, b], [b, c, d]]
    return trimesh.Trimesh(vertices.reshape(-1, 3), faces, process=False)


def crossing_planes() -> trimesh.Trimesh:
    square = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    vertices = np.concatenate([square, square[:, [2, 0, 1]]])
    faces = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    return trimesh.Trimesh(vertices, faces, process=False)


SHEETS = {"triangles": loose_triangles, "moebius": moebius_strip, "planes": crossing_planes}


@pytest.fixture(scope="module", params=SHEETS)
def sheet_case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    folder = tmp_path_factory.mktemp(request.param)
    mesh = SHEETS[request.param]()
    source = write(mesh, folder / "sheet.ply")
    target = folder / "sheet.inrc"
    codec.encode(source, target, bytes=2000, sdf="unsigned", effort=0, threads=1)
    return target, source, mesh


def test_distances_are_those_to_the_faces(sheet_case: tuple) -> None:
    path, _, mesh = sheet_case
    with codec.open(path) as file:
        view = file["distance"]
        cell = MeshFrame.from_map(file.metadata).spacing
        on = mesh.sample(1500, seed=2)
        near = on + np.random.default_rng(3).uniform(-1, 1, on.shape) * cell
        true = gaps(mesh, near)
        found = view.sdf(near)
        assert (found >= 0).all()
        error = np.abs(found - true) / cell
        assert np.percentile(error[true > 0.5 * cell], 90) < 0.2
        assert np.percentile(error, 99) < 0.6
        assert view.sdf(on).max() < 0.8 * cell
        far = view.sdf([[50.0, 0, 0]])
        assert far == pytest.approx(4 * cell)


def test_values_at_the_nodes_are_distances_too(sheet_case: tuple) -> None:
    path, _, mesh = sheet_case
    with codec.open(path) as file:
        view = file["distance"]
        frame = MeshFrame.from_map(file.metadata)
        nodes = view[...]
        places = np.argwhere((nodes > 0.5 * frame.spacing) & (nodes < 1.5 * frame.spacing))
        error = nodes[tuple(places.T)] - gaps(mesh, frame.positions(places))
        assert np.percentile(np.abs(error), 90) < 0.3 * frame.spacing


def test_nothing_is_inside_a_sheet(sheet_case: tuple) -> None:
    with codec.open(sheet_case[0]) as file, pytest.raises(InvalidOptionError, match="unsigned"):
        file["distance"].contains([[0.0, 0, 0]])


def test_a_sheet_comes_back_where_it_was(sheet_case: tuple, tmp_path: Path) -> None:
    path, _, mesh = sheet_case
    codec.decode(path, tmp_path / "back.ply", resolution=80)
    back = trimesh.load(tmp_path / "back.ply")
    with codec.open(path) as file:
        cell = MeshFrame.from_map(file.metadata).spacing
    assert np.percentile(gaps(mesh, back.sample(2000, seed=1)), 90) < 0.3 * cell
    assert gaps(back, mesh.sample(2000, seed=1)).max() < 0.7 * cell
    with pytest.raises(InvalidOptionError, match="--closed"):
        codec.decode(path, tmp_path / "closed.ply", closed=True)


def test_a_sheet_is_verified_against_its_original(sheet_case: tuple) -> None:
    path, source, _ = sheet_case
    (quality,) = codec.verify(path, source).qualities
    assert quality.psnr > 40


def test_the_way_out_that_a_refusal_names_works(tmp_path: Path, process: Process) -> None:
    source = write(crossing_planes(), tmp_path / "planes.stl")
    target = tmp_path / "planes.inrc"
    command = ["-m", "codec", "encode", str(source), "-o", str(target), "--bytes", "900"]
    done = process(*command, "--effort", "0", "--quiet", "--sdf", "unsigned")
    assert done.returncode == 0, done.stderr
    back = tmp_path / "back.ply"
    done = process("-m", "codec", "decode", str(target), "-o", str(back), "--resolution", "40")
    assert done.returncode == 0, done.stderr
    assert len(trimesh.load(back).faces)


def test_auto_keeps_the_side_where_there_is_one(tmp_path: Path) -> None:
    for mesh, signed in ((ball(), True), (crossing_planes(), False)):
        source = write(mesh, tmp_path / "mesh.ply")
        target = tmp_path / "mesh.inrc"
        codec.encode(source, target, bytes=900, sdf="auto", effort=0, threads=1, overwrite=True)
        with codec.open(target) as file:
            assert file["distance"].signed == signed


def test_unsigned_distances_need_a_mesh_and_the_shell(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.random.default_rng(0).random((12, 12, 12)))
    with pytest.raises(InvalidOptionError, match="not a mesh"):
        codec.encode(tmp_path / "array.npy", tmp_path / "out.inrc", sdf="unsigned")
    source = write(crossing_planes(), tmp_path / "planes.ply")
    with pytest.raises(InvalidOptionError, match="pyramid"):
        codec.encode(source, tmp_path / "out.inrc", sdf="unsigned", arch="pyramid")
    with pytest.raises(InvalidOptionError, match="choose auto, signed, unsigned"):
        codec.encode(source, tmp_path / "out.inrc", sdf="both")
    with pytest.raises(InvalidInputError, match="encloses nothing"):
        codec.encode(source, tmp_path / "out.inrc")


def test_points_beside_a_sheet_are_at_the_offset(tmp_path: Path) -> None:
    mesh = loose_triangles()
    sheet = MeshSheet(np.array(mesh.vertices), np.array(mesh.faces, np.int64))
    points, normals = sheet.thickened(0.1).sample(3000, 1)
    assert len(points) > 2000
    assert gaps(mesh, points) == pytest.approx(0.1, rel=1e-5)
    assert gaps(mesh, points + 0.05 * normals) == pytest.approx(0.15, rel=1e-5)


@pytest.mark.parametrize("offset", [0.0, -1.0, float("inf"), 1, "1"])
def test_an_offset_is_a_positive_number(offset: object) -> None:
    with pytest.raises(CorruptError, match="offset"):
        MeshFrame.from_map({0: [0.0, 0.0, 0.0], 1: 1.0, 3: offset})
