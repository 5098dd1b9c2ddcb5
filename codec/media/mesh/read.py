"""Reading meshes: any file that trimesh reads becomes a shape.

Metadata (format_spec/metadata.md, medium `mesh`) is made when the shape has been fitted, for it
says where the fitted grid lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.errors import InvalidInputError, MissingDependencyError
from codec.media.dataset import Dataset, Shape
from codec.media.mesh.sheet import MeshSheet
from codec.media.mesh.surface import MeshSurface, surface_of
from codec.options.defaults import AUTO
from codec.options.encode import SIGNED
from codec.plugin_api.surface import Sheet, Surface


def read(path: Path, select: tuple[str, ...] | None, sdf: str = SIGNED) -> Dataset:
    """The shape of a mesh.

    Args:
        sdf: "signed" for what it encloses, "unsigned" for its faces alone, "auto" for these where
            it encloses nothing.

    Raises:
        InvalidInputError: the file is damaged, has no faces, or encloses nothing and should.
        MissingDependencyError: trimesh or libigl is not installed.
    """
    if select is not None and select != ("distance",):
        raise InvalidInputError(f"{path}: a mesh has no variables; leave out --var and --joint")
    mesh = _loaded(path)
    vertices = np.ascontiguousarray(mesh.vertices, np.float64)
    faces = _usable_faces(vertices, np.ascontiguousarray(mesh.faces, np.int64), path)
    surface = _surface(vertices, faces, path, sdf)
    units = str(mesh.units or "")
    return Dataset(
        "mesh",
        (),
        source_bytes=path.stat().st_size,
        kind="sdf",
        shape=Shape(surface, len(faces), units),
    )


def _surface(vertices: Float64Array, faces: Int64Array, path: Path, sdf: str) -> Surface | Sheet:
    if sdf == SIGNED:
        return surface_of(vertices, faces, str(path))
    if sdf == AUTO:
        surface = MeshSurface(vertices, faces)
        if surface.encloses:
            return surface
    return MeshSheet(vertices, faces)


def _loaded(path: Path) -> Any:
    try:
        import trimesh
    except ImportError:
        raise MissingDependencyError(
            "meshes are read with trimesh, which is missing: pip install trimesh"
        ) from None
    try:
        mesh = trimesh.load(path, force="mesh", process=False)
    except Exception as error:
        # trimesh's readers raise whatever their parsing meets first.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidInputError(
            f"{path}: cannot be read as a mesh ({reason[:120]}); is it cut short or damaged?"
        ) from error
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise InvalidInputError(f"{path}: has no faces; a shape needs a surface, not points alone")
    return mesh


def _usable_faces(vertices: Float64Array, faces: Int64Array, path: Path) -> Int64Array:
    """Faces with an area.

    Raises:
        InvalidInputError: a face names a vertex that is not there or not finite, or none is left.
    """
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InvalidInputError(
            f"{path}: a face names a vertex that is not there; is it cut short?"
        )
    broken = np.flatnonzero(~np.isfinite(vertices[faces]).all((1, 2)))
    if len(broken):
        raise InvalidInputError(
            f"{path}: face {broken[0]} has a vertex that is not finite ({len(broken)} such faces); "
            "remove them"
        )
    corners = vertices[faces]
    edges = corners[:, 1:] - corners[:, :1]
    usable = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) > 0
    if not usable.any():
        raise InvalidInputError(f"{path}: no face has an area; a shape needs a surface")
    return np.ascontiguousarray(faces[usable])
