"""Files of every medium whose metadata are then made hostile: vectors, and small real files."""

from __future__ import annotations

import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from PIL import Image

import codec
from robustness.vectors import FOLDER, valid_vectors

# Medium of a vector -> suffix of the files that it is of.
SUFFIXES = {
    "netcdf": ".nc",
    "hdf5": ".h5",
    "zarr": ".zarr",
    "npz": ".npz",
    "npy": ".npy",
    "raw": ".raw",
    "nifti": ".nii",
    "nrrd": ".nrrd",
    "mrc": ".mrc",
    "fits": ".fits",
    "tiff": ".tif",
    "vti": ".vti",
    "image": ".png",
    "mesh": ".ply",
}


@dataclass(frozen=True)
class Source:
    """`.inrc` file whose metadata are changed.

    Attributes:
        name: name in messages.
        suffix: suffix of its medium.
        data: bytes of the file.
        fields: names of its fields.
    """

    name: str
    suffix: str
    data: bytes
    fields: tuple[str, ...]


def sources_of_vectors() -> tuple[Source, ...]:
    """The conformance vectors about media."""
    return tuple(
        _source(vector.name, vector.data)
        for vector in valid_vectors(FOLDER)
        if vector.name.startswith(("metadata/", "media/mesh"))
    )


def sources() -> tuple[Source, ...]:
    """Vectors, and files that are encoded now."""
    all_sources = list(sources_of_vectors())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in _inputs(folder):
            target = folder / "encoded.inrc"
            codec.encode(
                path, target, max_error=1, arch="pyramid", effort=0, device="cpu", threads=1,
                overwrite=True,
            )  # fmt: skip
            all_sources.append(_source(path.name, target.read_bytes()))
    return tuple(all_sources)


def _source(name: str, data: bytes) -> Source:
    with codec.open(data, device="cpu", threads=1) as file:
        return Source(name, SUFFIXES[file.medium], data, tuple(file))


def _inputs(folder: Path) -> list[Path]:
    root = str(Path(__file__).resolve().parents[2])
    if root not in sys.path:  # of the tests, which make small files of all media
        sys.path.append(root)
    from tests.media_samples import SAMPLES

    paths = [folder / name for name in SAMPLES]
    for path in paths:
        SAMPLES[path.name].write(path)
    for path, make in ((folder / "a.nc", _netcdf), (folder / "a.png", _picture),
                       (folder / "imagej.tif", _imagej), (folder / "a.npy", _npy)):  # fmt: skip
        make(path)
        paths.append(path)
    return paths


def _netcdf(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        file.title, file.history = "a file", "made"
        for name, size in zip("tyx", (None, 9, 16), strict=True):
            file.createDimension(name, size)
            axis = file.createVariable(name, "f8", (name,))
            axis.units = "m"
            axis[:] = np.arange(size or 4)
        group = file.createGroup("inner")
        values = group.createVariable(
            "v", "f4", ("t", "y", "x"), fill_value=-1e9, compression="zlib", complevel=3,
            chunksizes=(1, 9, 8), shuffle=True,
        )  # fmt: skip
        values.valid_range = np.array([-200, 900], "f4")
        values[:] = _volume()
        names = group.createVariable("names", str, ("t",))
        names[:] = np.array(["a", "b", "ü", ""], object)
        kind = file.createEnumType("u1", "kind_t", {"no": 0, "yes": 1})
        file.createVariable("kind", kind, ("y",), fill_value=0)[:] = np.arange(9) % 2


def _picture(path: Path) -> None:
    exif = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x0110, 2, 4, 0x61616161, 0)
    values = np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)
    Image.fromarray(values).save(path, exif=b"Exif\0\0" + exif, icc_profile=bytes(range(128)))


def _imagej(path: Path) -> None:
    import tifffile

    metadata = {"axes": "ZYX", "spacing": 2.0, "unit": "um", "Labels": ["a"] * 4}
    tifffile.imwrite(path, _volume(), imagej=True, resolution=(2.0, 3.0), metadata=metadata)


def _npy(path: Path) -> None:
    np.save(path, _volume())


def _volume() -> Any:
    return np.arange(4 * 9 * 16, dtype=np.float32).reshape(4, 9, 16)
