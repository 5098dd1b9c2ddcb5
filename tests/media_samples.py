"""Small files of every medium of arrays, made by the libraries that own the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codec.media import formats
from codec.media.dataset import Dataset, DecodedDataset, DecodedField
from codec.media.libraries import library

SHAPE = (4, 9, 16)  # z, y, x; 576 samples, so that a field is large enough to be fitted
AFFINE = np.array([[0, -0.75, 0, 10], [0.5, 0, 0, -20], [0, 0, 2.0, 5], [0, 0, 0, 1]])


def volume(dtype: str = "f4") -> Any:
    """(z, y, x), every sample different."""
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) - 100).astype(dtype)


def vectors() -> Any:
    """(z, y, x, 3)."""
    return np.stack([volume(), volume() * 2, -volume()], -1)


def exact(dataset: Dataset, window: tuple[slice, ...] | None = None) -> DecodedDataset:
    """The dataset as if it had been decoded without loss, block by block, last block first."""

    def field(name: str, dims: tuple[str, ...], values: Any, places: Any) -> DecodedField:
        def blocks() -> Iterator[tuple[tuple[slice, ...], Any]]:
            rest = tuple(slice(0, size) for size in values.shape[1:])
            for row in reversed(range(len(values))):
                yield (slice(row, row + 1), *rest), values[row : row + 1]

        return DecodedField(name, dims, values.shape, values.dtype, blocks, places)

    fields = []
    for one in dataset.fields:
        values, places = one.values[...], ()
        if window is not None:
            values = values[window]
            spans = [part.indices(size) for part, size in zip(window, one.shape, strict=True)]
            places = tuple((start, step) for start, _, step in spans)
        fields.append(field(one.name, one.dims, values, places))
    verbatim = dict(dataset.verbatim.items())
    return DecodedDataset(dataset.medium, tuple(fields), dataset.metadata, verbatim)


def rewrite(source: Path, target: Path, window: tuple[slice, ...] | None = None) -> Path:
    """Reads `source` and writes it as `target`, values untouched."""
    dataset = formats.read(source)
    try:
        if formats.writes_folder(target):
            target.mkdir()
        formats.writer_for(target)(target, exact(dataset, window), "")
    finally:
        dataset.close()
    return target


@dataclass(frozen=True)
class Sample:
    """A file of `volume()`, and how its own library reads it.

    Attributes:
        name: of the file.
        write: writes it.
        load: (z, y, x) by the library that owns the format.
    """

    name: str
    write: Callable[[Path], None]
    load: Callable[[Path], Any]


def _write_nifti(path: Path) -> None:
    nibabel = library("nibabel")
    image = nibabel.Nifti1Image(volume().T, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"a head"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept"))
    nibabel.save(image, path)


def _write_nrrd(path: Path) -> None:
    header = {
        "space": "left-posterior-superior",
        "space directions": np.diag([0.5, 0.75, 2.0]),
        "space origin": [1.0, 2.0, 3.0],
        "space units": ["mm", "mm", "mm"],
        "patient": "nobody",
        "encoding": "gzip" if path.stem == "packed" else "raw",
    }
    library("nrrd").write(str(path), volume(">f4"), header, index_order="C")


def _write_mrc(path: Path) -> None:
    with library("mrcfile").new(path) as file:
        file.set_data(volume(">f4"))
        file.voxel_size = (0.5, 0.75, 2.0)
        file.header.origin = (1.0, 2.0, 3.0)
        file.header.label[1] = b"kept"
        file.header.nlabl = 2


def _write_fits(path: Path) -> None:
    fits = library("astropy.io.fits")
    image = fits.PrimaryHDU(volume())
    for number, (step, start) in enumerate([(0.5, 1.0), (0.75, 2.0), (2.0, 3.0)], 1):
        image.header[f"CDELT{number}"] = step
        image.header[f"CRVAL{number}"] = start
        image.header[f"CRPIX{number}"] = 1.0
        image.header[f"CUNIT{number}"] = "mm"
    image.header["OBSERVER"] = "nobody"
    column = fits.Column("a", "E", array=np.arange(5.0))
    table = fits.BinTableHDU.from_columns([column], name="TABLE")
    fits.HDUList([image, table]).writeto(path)


def _write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "a file"
        target = file.create_dataset("group/v", data=volume(), chunks=(2, 9, 8), compression="gzip")
        target.attrs["spacing"] = [2.0, 0.75, 0.5]
        target.attrs["count"] = np.int64(7)
        file["labels"] = volume("i8")
        file["names"] = np.array(["a", "ü"], object)


def _write_zarr(version: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        root = library("zarr").open_group(
            str(path), mode="w", zarr_format=version, attributes={"deep": {"er": [1, None]}}
        )
        group = root.create_group("group")
        array = group.create_array("v", shape=SHAPE, dtype="f4", chunks=(2, 9, 8))
        array.attrs["spacing"] = [2.0, 0.75, 0.5]
        array[...] = volume()
        labels = root.create_array("labels", shape=(3,), dtype="i8")
        labels[...] = np.arange(3)

    return write


def _load_hdf5(path: Path) -> Any:
    with h5py.File(path) as file:
        return file["group/v"][...]


def _load_fits(path: Path) -> Any:
    with library("astropy.io.fits").open(path) as file:
        return np.array(file[0].data)


def _load_mrc(path: Path) -> Any:
    with library("mrcfile").open(path) as file:
        return np.array(file.data)


def _write_ome(path: Path) -> None:
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.75, "PhysicalSizeZ": 2.0}
    library("tifffile").imwrite(
        path, volume(), compression="zlib", metadata={"axes": "ZYX"} | sizes
    )


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("a.nii", _write_nifti, lambda p: library("nibabel").load(p).get_fdata().T),
        Sample("a.nii.gz", _write_nifti, lambda p: library("nibabel").load(p).get_fdata().T),
        Sample("a.nrrd", _write_nrrd, lambda p: library("nrrd").read(str(p), index_order="C")[0]),
        Sample(
            "packed.nrrd", _write_nrrd, lambda p: library("nrrd").read(str(p), index_order="C")[0]
        ),
        Sample("a.mrc", _write_mrc, _load_mrc),
        Sample("a.fits", _write_fits, _load_fits),
        Sample("a.h5", _write_hdf5, _load_hdf5),
        Sample("two.zarr", _write_zarr(2), lambda p: library("zarr").open(p)["group/v"][...]),
        Sample("three.zarr", _write_zarr(3), lambda p: library("zarr").open(p)["group/v"][...]),
        Sample("a.ome.tif", _write_ome, lambda p: library("tifffile").imread(p)),
        Sample("a.npz", lambda p: np.savez(p, v=volume()), lambda p: np.load(p)["v"]),
    )
}
