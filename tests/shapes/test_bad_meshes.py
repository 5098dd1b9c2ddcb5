"""A mesh that cannot be a shape is refused in one line that says why, and leaves no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Process
from tests.shapes.conftest import ball, trimesh, write

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"


def soup() -> trimesh.Trimesh:
    corners = np.random.default_rng(0).random((100, 1, 3)) + 0.2 * np.random.default_rng(1).random(
        (100, 3, 3)
    )
    return trimesh.Trimesh(corners.reshape(-1, 3), np.arange(300).reshape(-1, 3), process=False)


def cut_short(path: Path) -> None:
    write(ball(), path)
    path.write_bytes(path.read_bytes()[:-5000])


MAKERS = {
    "soup.stl": (lambda path: write(soup(), path), "--sdf unsigned"),
    "cut.ply": (cut_short, "cut short"),
    "nan.obj": (lambda path: path.write_text("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), "finite"),
    "points.obj": (lambda path: path.write_text(TRIANGLE), "no faces"),
    "sliver.obj": (
        lambda path: path.write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"),
        "no face has an area",
    ),
    "one.obj": (lambda path: path.write_text(TRIANGLE + "f 1 2 3"), "encloses nothing"),
    "empty.stl": (lambda path: path.write_bytes(b""), "empty"),
    "missing.stl": (lambda path: None, "no such file"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_bad_mesh_is_refused_in_one_line(name: str, tmp_path: Path, process: Process) -> None:
    make, message = MAKERS[name]
    make(tmp_path / name)
    target = tmp_path / "out.inrc"
    done = process(
        "-m", "codec", "encode", str(tmp_path / name), "-o", str(target), "--bytes", "2k", "--quiet"
    )
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert name in done.stderr
    assert not target.exists()
