"""Real volumes for the benchmarks, from the folder that INRC_VOLUMES names."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reporting.sections import REPOSITORY

from codec.arrays import Array

_NIFTI_DTYPES = {4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8"}


@dataclass(frozen=True)
class Volume:
    """A volume: its name in reports, what it is, its file, and how it is read."""

    name: str
    kind: str
    file: str
    read: Callable[[Path], Array]


def folder() -> Path | None:
    """Folder of the volumes, or None if there is no such folder."""
    path = Path(os.environ.get("INRC_VOLUMES", REPOSITORY.parent / "shared" / "data" / "volumes"))
    return path if path.is_dir() else None


def _archive(path: Path) -> Array:
    with np.load(path) as archive:
        return np.asarray(archive["data"])


def _isabel_step(path: Path) -> Array:
    return np.asarray(_archive(path)[2])


def _mixing_cube(path: Path) -> Array:
    return np.asarray(_archive(path)[:128, :128, :128], np.float32)


def _nifti(path: Path) -> Array:
    """The array of a gzipped NIfTI-1 file, (x, y, z), little-endian and without scaling."""
    data = gzip.decompress(path.read_bytes())
    dims = np.frombuffer(data, "<i2", 8, 40)
    dtype = _NIFTI_DTYPES[int(np.frombuffer(data, "<i2", 1, 70)[0])]
    offset = int(np.frombuffer(data, "<f4", 1, 108)[0])
    shape = tuple(int(size) for size in dims[1 : 1 + dims[0]])
    return np.frombuffer(data, dtype, int(np.prod(shape)), offset).reshape(shape, order="F")


VOLUMES = (
    Volume("turbulence", "vorticity magnitude, 91^3", "turb_wmag_91_f32.npz", _archive),
    Volume(
        "hurricane",
        "wind speed of one time step, 25 x 125 x 125",
        "isabel_windspeed_6x25x125x125_f32.npz",
        _isabel_step,
    ),
    Volume("macaque-mri", "T1 MRI atlas, 168 x 206 x 128", "inia19_t1_macaque_f32.nii.gz", _nifti),
)
CUBE = Volume(
    "mixing-128",
    "Richtmyer-Meshkov mixing, 8-bit source as float32, 128^3",
    "richtmyer_meshkov_t20_256_u8.npz",
    _mixing_cube,
)


def prepare(volume: Volume, source: Path, work: Path) -> Path:
    """The volume as a contiguous `.npy` file in `work`.

    Raises:
        FileNotFoundError: the folder does not hold it.
    """
    target = work / f"{volume.name}.npy"
    if not target.exists():
        np.save(target, np.ascontiguousarray(volume.read(source / volume.file)))
    return target
