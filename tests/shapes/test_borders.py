"""Holes of a mesh stay open, closed meshes stay closed, and the side is known either way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import CorruptError
from codec.media.mesh.frame import MeshFrame
from codec.reading.contents import FileContents
from codec.reading.open_surface import cut
from inrc_plugins.architectures.shell.border import (
    BorderSize,
    crossed_cells,
    from_integers,
    to_integers,
)
from inrc_plugins.architectures.shell.border_values import predicted
from inrc_plugins.architectures.shell.config import ShellConfig
from tests.conftest import Process
from tests.shapes.conftest import ball, encoded, gaps, trimesh, write


def opened(mesh: trimesh.Trimesh, kept: np.ndarray) -> trimesh.Trimesh:
    mesh.update_faces(kept)
    mesh.remove_unreferenced_vertices()
    return mesh


def bowl() -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=3)
    return opened(mesh, mesh.triangles_center[:, 2] < 0.6)


def half_torus() -> trimesh.Trimesh:
    mesh = trimesh.creation.torus(2, 0.7, major_sections=48, minor_sections=24)
    return opened(mesh, mesh.triangles_center[:, 0] > 0)


def tube() -> trimesh.Trimesh:
    mesh = trimesh.creation.cylinder(1, 5, sections=48).subdivide_to_size(0.4)
    return opened(mesh, np.abs(mesh.face_normals[:, 2]) < 0.5)


# Mesh, its holes, a point inside, and one outside.
OPEN = {
    "bowl": (bowl, 1, (0, 0, 0.3), (0, 0, 1.2)),
    "half-torus": (half_torus, 2, (2, 0, 0), (-2, 0, 0)),
    "tube": (tube, 2, (0, 0, 1), (0, 0, 3.2)),
}


@pytest.fixture(scope="module", params=OPEN)
def open_case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    folder = tmp_path_factory.mktemp(request.param)
    make, holes, inside, outside = OPEN[request.param]
    path = encoded(write(make(), folder / "open.ply"), 1200)
    return path, make(), holes, inside, outside


def test_a_hole_stays_open_and_ends_where_it_did(open_case: tuple, tmp_path: Path) -> None:
    path, original, holes, _, _ = open_case
    codec.decode(path, tmp_path / "back.ply", resolution=80)
    back = trimesh.load(tmp_path / "back.ply")
    with codec.open(path) as file:
        cell = MeshFrame.from_map(file.metadata).spacing
    assert not back.is_watertight
    assert back.is_winding_consistent
    assert back.body_count == 1
    assert len(back.outline().entities) == holes
    assert gaps(original, back.sample(4000, seed=1)).max() < cell
    assert gaps(back, original.sample(4000, seed=1)).max() < cell


def test_the_cut_leaves_no_slivers(open_case: tuple, tmp_path: Path) -> None:
    codec.decode(open_case[0], tmp_path / "back.ply", resolution=80)
    back = trimesh.load(tmp_path / "back.ply", process=False)
    assert len(np.unique(back.faces)) == len(back.vertices)
    at_border = np.isin(back.faces, back.outline().referenced_vertices).any(1)
    assert back.area_faces[at_border].min() > 1e-4 * np.median(back.area_faces)


def test_what_closes_a_hole_still_has_two_sides(open_case: tuple) -> None:
    path, _, _, inside, outside = open_case
    with codec.open(path) as file:
        assert file["distance"].contains([inside, outside]).tolist() == [True, False]


def test_holes_are_closed_on_request(open_case: tuple, tmp_path: Path) -> None:
    codec.decode(open_case[0], tmp_path / "closed.ply", resolution=60, closed=True)
    assert trimesh.load(tmp_path / "closed.ply").is_watertight


def test_the_command_line_closes_holes_too(tmp_path: Path, process: Process) -> None:
    path = encoded(write(bowl(), tmp_path / "bowl.ply"), 900)
    found = []
    for more in ([], ["--closed"]):
        target = tmp_path / f"back{len(more)}.ply"
        done = process(
            "-m", "codec", "decode", str(path), "-o", str(target), "--resolution", "40", *more
        )
        assert done.returncode == 0, done.stderr
        found.append(trimesh.load(target).is_watertight)
    assert found == [False, True]


@pytest.mark.parametrize("joined", [True, False])
def test_a_closed_mesh_has_no_border(joined: bool, tmp_path: Path) -> None:
    mesh = ball()
    if not joined:
        mesh.unmerge_vertices()
    path = encoded(write(mesh, tmp_path / "ball.stl"), 900)
    with FileContents(path) as file:
        assert set(file.items[0].header.config) == {0, 1, 2}
    codec.decode(path, tmp_path / "back.ply", resolution=32)
    assert trimesh.load(tmp_path / "back.ply").is_watertight


def test_a_crack_thinner_than_a_cell_is_closed(tmp_path: Path) -> None:
    mesh = ball()
    mesh = opened(mesh, np.arange(len(mesh.faces)) != 7)
    assert not mesh.is_watertight
    path = encoded(write(mesh, tmp_path / "cracked.ply"), 900)
    codec.decode(path, tmp_path / "back.ply", resolution=32)
    assert trimesh.load(tmp_path / "back.ply").is_watertight


def plane_of_cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A layer of cells in a grid of 8^3: surface, mixed, cap; and values of the mixed ones."""
    surface = np.zeros((8, 8, 8), np.bool_)
    surface[:, :, 3] = True
    cells = np.zeros((8, 8, 8), np.int8)
    cells[:3], cells[5:] = -1, 1
    return surface, cells, np.repeat([-5, -1, 3], 18)


def test_a_border_comes_back_from_its_integers() -> None:
    surface, cells, values = plane_of_cells()
    flags, residuals = to_integers(cells, crossed_cells(surface, 3, 3), values)
    size = BorderSize(3, len(flags), len(residuals))
    border = from_integers(size, surface, 3, flags, residuals)
    assert border.values[3, 0, 3] == -5
    assert border.values[0, 0, 3] == -8
    assert border.values[8, 0, 4] == 8
    points = np.array([[4.0, 2.5, 3.5], [4.5, 2.5, 3.5], [0.5, 7.5, 3.2], [7.9, 0.1, 3.9]])
    assert border.at(points).tolist() == [-1.0, 1.0, -8.0, 8.0]
    assert border.at(np.array([[1.0, 1.0, 7.5]])).tolist() == [-1.0]


@pytest.mark.parametrize(
    ("flags", "values"), [(0, -1), (0, 1), (-1, 0), (1, 0)], ids=["-v", "+v", "-f", "+f"]
)
def test_a_border_with_other_integers_than_its_cells_need_is_malformed(
    flags: int, values: int
) -> None:
    surface, cells, given = plane_of_cells()
    coded, residuals = to_integers(cells, crossed_cells(surface, 3, 3), given)
    coded, residuals = np.resize(coded, len(coded) + flags), np.resize(residuals, 54 + values)
    size = BorderSize(3, len(coded), len(residuals))
    with pytest.raises(CorruptError, match="border"):
        from_integers(size, surface, 3, coded, residuals)
    coded[0] = 2
    with pytest.raises(CorruptError, match="neither"):
        from_integers(size, surface, 3, coded, residuals)


def test_values_follow_planes_and_stay_in_range() -> None:
    nodes = np.argwhere(np.ones((4, 4, 4), np.bool_))
    plane = (3 * nodes[:, 0] - 2 * nodes[:, 1] + nodes[:, 2]).astype(np.int64)
    residuals = predicted(nodes, (4, 4, 4), plane, True, 127)
    inner = (nodes > 0).sum(1) >= 2
    assert not residuals[inner].any()
    assert (predicted(nodes, (4, 4, 4), residuals, False, 127) == plane).all()
    far = predicted(nodes, (4, 4, 4), np.full(64, 2**31 - 1), False, 127)
    assert far.max() == 127


def test_cutting_keeps_what_is_before_the_border() -> None:
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0), indexing="ij"), -1).reshape(-1, 2)
    vertices = np.column_stack([grid, np.zeros(36)])
    first = (np.arange(5)[:, None] * 6 + np.arange(5)).ravel()
    faces = np.concatenate(
        [np.stack([first, first + 6, first + 7], 1), np.stack([first, first + 7, first + 1], 1)]
    )
    kept, triangles = cut(vertices, faces, 0.3 * vertices[:, 0] + vertices[:, 1] - 3.4)
    mesh = trimesh.Trimesh(kept, triangles, process=False)
    assert mesh.area == pytest.approx(5 * (3.4 - 0.3 * 2.5), rel=0.02)
    assert (mesh.face_normals[:, 2] > 0.99).all()
    assert (0.3 * kept[:, 0] + kept[:, 1]).max() < 3.4 + 0.15 * 1.3 + 1e-9
    assert mesh.area_faces.min() > 0.005


@pytest.mark.parametrize(
    "more",
    [{4: 1}, {4: 1, 5: 9}, {4: 3, 5: 9, 6: 9}, {4: 1, 5: 0, 6: 9}, {4: 1, 5: 9, 6: 28}],
    ids=["level-alone", "no-values", "level-too-fine", "no-flags", "more-values-than-nodes"],
)
def test_a_config_with_a_border_that_cannot_be_is_malformed(more: dict[int, int]) -> None:
    plain = {0: 2, 1: 64, 2: 50}
    assert ShellConfig.from_map(plain | {4: 1, 5: 9, 6: 27}, (5, 5, 5), 1).border is not None
    with pytest.raises(CorruptError):
        ShellConfig.from_map(plain | more, (5, 5, 5), 1)
