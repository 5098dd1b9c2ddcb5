"""Small inputs, and how each is encoded: every architecture, every kind, every section.

    python tests/golden/samples.py FOLDER [NAME ...]

encodes them (all, if none is named) and prints the SHA-256 of each file.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

import codec
from tests import building

_STEPS = {"fit.steps": 8, "fit.prune_steps": 4, "fit.finetune_steps": 4}


def _waves(path: Path, shape: tuple[int, ...] = (12, 10, 8), dtype: str = "f4") -> Path:
    parts = np.indices(shape) / np.array(shape).reshape(-1, *[1] * len(shape))
    values = sum(np.sin((3 + axis) * part + axis) for axis, part in enumerate(parts))
    if np.dtype(dtype).kind != "f":
        values = np.rint(100 * (values + 3))
    np.save(path.with_suffix(".npy"), values.astype(dtype))
    return path.with_suffix(".npy")


def _masked(path: Path) -> Path:
    source = _waves(path)
    values = np.load(source)
    values[2:5, 3:9] = np.nan
    values[:, 0, 0] = np.inf
    np.save(source, values)
    return source


def _flat(path: Path) -> Path:
    np.save(path.with_suffix(".npy"), np.full((5, 7), 2.5, np.float32))
    return path.with_suffix(".npy")


def _picture(path: Path) -> Path:
    y, x = np.mgrid[0:24, 0:32] / 24.0
    pixels = np.stack([np.sin(3 * x) + y, np.cos(2 * y) * x, x * y], axis=-1)
    scaled = np.uint8(np.round(255 * (pixels - pixels.min()) / np.ptp(pixels)))
    Image.fromarray(scaled).save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def _netcdf(path: Path) -> Path:
    building.write_netcdf(path.with_suffix(".nc"))
    return path.with_suffix(".nc")


def _ball(path: Path) -> Path:
    trimesh.creation.icosphere(subdivisions=2).export(path.with_suffix(".ply"))
    return path.with_suffix(".ply")


def _cap(path: Path) -> Path:
    mesh = trimesh.creation.icosphere(subdivisions=2)
    mesh.update_faces(mesh.triangles_center[:, 2] > -0.6)
    mesh.export(path.with_suffix(".ply"))
    return path.with_suffix(".ply")


def _fitted(architecture: str, **settings: Any) -> dict[str, Any]:
    return {"arch": architecture, "psnr": 20, "settings": _STEPS | settings}


Sample = tuple[Callable[[Path], Path], dict[str, Any]]
_TILES = {"tile": (6, 10, 8)}

SAMPLES: dict[str, Sample] = {
    "constant": (_flat, {}),
    "pyramid": (_waves, {"psnr": 50}),
    "pyramid-netcdf": (_netcdf, {"psnr": 30}),
    "pyramid-picture": (_picture, {"psnr": 35}),
    "pyramid-lossless": (lambda path: _waves(path, (20, 30), "i2"), {"max_error": 0}),
    "pyramid-static": (lambda path: _waves(path, (24, 33, 70)), {"psnr": 90, "effort": 1}),
    "pyramid-static-plane": (lambda path: _waves(path, (150, 90), "i2"), {"max_error": 2}),
    "pyramid-mask": (_masked, {"psnr": 40}),
    "pyramid-residuals-tiles": (_waves, {"max_error": 0.01, **_TILES}),
    "pyramid-overlap": (_waves, {"psnr": 40, **_TILES, "settings": {"tile.overlap": 2}}),
    "pyramid-half": (lambda path: _waves(path, (9, 9, 9, 2), "f2"), {"psnr": 30}),
    "pyramid-double": (lambda path: _waves(path, (300,), "f8"), {"psnr": 60}),
    "shell": (_ball, {"bytes": 1500}),
    "shell-border": (_cap, {"bytes": 2500}),
    "shell-unsigned": (_cap, {"bytes": 2500, "sdf": "unsigned"}),
    "fvsrn": (_waves, _fitted("fvsrn")),
    "fvsrn-codebook": (_waves, _fitted("fvsrn") | {"quantise": "kmeans", "prune": "magnitude"}),
    "fvsrn-bound": (_waves, _fitted("fvsrn") | {"psnr": None, "max_error": 0.2}),
    "amgsrn": (_waves, _fitted("amgsrn")),
    "hashgrid": (_waves, _fitted("hashgrid")),
    "miner": (_waves, _fitted("miner") | {"settings": {**_STEPS, "arch.block": 8}}),
    "siren": (_waves, _fitted("siren")),
    "siren-prior": (_picture, _fitted("siren", **{"arch.prior": "photos-32"})),
    "neurcomp": (_waves, _fitted("neurcomp")),
    "fvsrn-array": (_waves, _fitted("fvsrn", **{"fit.steps": 60}) | {"psnr": 45}),
    "amgsrn-array": (_waves, _fitted("amgsrn")),
    "fvsrn-zstd": (_waves, _fitted("fvsrn") | {"coder": "zstd"}),
    "fvsrn-brotli": (_waves, _fitted("fvsrn") | {"coder": "brotli"}),
    "fvsrn-sparse": (_waves, _fitted("fvsrn", **{"prune.sparsity": 0.5}) | {"prune": "magnitude"}),
}


def encode(name: str, folder: Path) -> Path:
    """Make the input of a sample in a folder, and its file; returns the file."""
    make, options = SAMPLES[name]
    target = folder / f"{name}.inrc"
    chosen = {"effort": 0, "threads": 1, "device": "cpu", "overwrite": True}
    codec.encode(make(folder / name), target, **(chosen | options))
    return target


if __name__ == "__main__":
    for name in sys.argv[2:] or SAMPLES:
        found = hashlib.sha256(encode(name, Path(sys.argv[1])).read_bytes()).hexdigest()
        sys.stdout.write(f"{name} {found}\n")
