"""Writing meshes: the suffix chooses the format, and trimesh writes it."""

from __future__ import annotations

from pathlib import Path

from codec.errors import InvalidInputError, MissingDependencyError
from codec.media.dataset import DecodedDataset


def write(path: Path, dataset: DecodedDataset, history: str) -> None:
    """Write the mesh of a dataset in its original frame and unit.

    Raises:
        InvalidInputError: the dataset is no shape.
        MissingDependencyError: trimesh is not installed.
    """
    if dataset.mesh is None:
        raise InvalidInputError(
            f"{path}: the file holds {dataset.medium or 'arrays'}, no shape; write .nc or .npy"
        )
    try:
        import trimesh
    except ImportError:
        raise MissingDependencyError(
            "meshes are written with trimesh, which is missing: pip install trimesh"
        ) from None
    mesh = trimesh.Trimesh(dataset.mesh.vertices, dataset.mesh.faces, process=False)
    exported = mesh.export(file_type=path.suffix[1:].lower())
    path.write_bytes(exported.encode() if isinstance(exported, str) else bytes(exported))
