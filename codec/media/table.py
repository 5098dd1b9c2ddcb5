"""The table of media: one row for each, and the only place where a medium is told by its id.

A new medium is a module with a reader and a writer, and a row here. Reading, decoding, appending
and repair ask the row of a file what its medium can do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from codec.media import recognise
from codec.media.dataset import DecodedDataset, Metadata, VerbatimValue
from codec.media.image.formats import SUFFIXES as IMAGE_SUFFIXES
from codec.media.medium import NO_CONTENT, Medium

_HDF5 = rb"\x89HDF\r\n\x1a\n"
_TIFF = rb"II[*+]\x00|MM\x00[*+]"
_ZIP = rb"PK\x03\x04"
_ARRAYS = "codec.media.arrays.metadata:RULES"

_ROWS = (
    Medium(
        "netcdf",
        "NetCDF",
        recognise.NETCDF_SUFFIXES,
        re.compile(rb"CDF[\x01\x02\x05]"),
        reader="codec.media.netcdf.read:read",
        writer="codec.media.netcdf.write:write",
        rules="codec.media.netcdf.metadata:RULES",
        several=True,
        named=True,
        grows=True,
    ),
    Medium(
        "hdf5",
        "HDF5",
        recognise.HDF5_SUFFIXES,
        re.compile(_HDF5),
        reader="codec.media.hdf5.file:read",
        writer="codec.media.hdf5.file:write",
        rules="codec.media.hdf5.metadata:RULES",
        decide=recognise.hdf5_medium,
        several=True,
        named=True,
        grows=True,
    ),
    Medium(
        "zarr",
        "Zarr",
        (".zarr", ".zarr.zip"),
        re.compile(_ZIP),
        reader="codec.media.zarr.store:read",
        writer="codec.media.zarr.store:write",
        rules="codec.media.zarr.metadata:RULES",
        decide=recognise.zip_medium,
        is_folder=recognise.is_zarr_store,
        several=True,
        named=True,
        grows=True,
    ),
    Medium(
        "npz",
        "NumPy archives",
        (".npz",),
        re.compile(_ZIP),
        reader="codec.media.numpy_files.npz:read",
        writer="codec.media.numpy_files.npz:write",
        rules="codec.media.numpy_files.metadata:NPZ_RULES",
        decide=recognise.zip_medium,
        several=True,
        named=True,
        grows=True,
    ),
    Medium(
        "npy",
        "NumPy",
        (".npy",),
        re.compile(rb"\x93NUMPY"),
        reader="codec.media.numpy_files.npy:read",
        writer="codec.media.numpy_files.npy:write",
        rules="codec.media.numpy_files.metadata:NPY_RULES",
        verbatim=False,
        grows=True,
    ),
    Medium(
        "raw",
        "raw samples",
        (".raw",),
        NO_CONTENT,
        reader="codec.media.volumes.raw:read",
        writer="codec.media.volumes.raw:write",
        rules="codec.media.volumes.raw:RULES",
        grows=True,
    ),
    Medium(
        "nifti",
        "NIfTI",
        (".nii", ".nii.gz"),
        re.compile(rb".{344}n[i+][12]\x00|.{4}n[i+]2\x00\r\n\x1a\n", re.DOTALL),
        reader="codec.media.volumes.nifti:read",
        writer="codec.media.volumes.nifti:write",
        rules=_ARRAYS,
    ),
    Medium(
        "nrrd",
        "NRRD",
        (".nrrd", ".nhdr"),
        re.compile(rb"NRRD00"),
        reader="codec.media.volumes.nrrd:read",
        writer="codec.media.volumes.nrrd:write",
        rules=_ARRAYS,
    ),
    Medium(
        "mrc",
        "MRC/CCP4",
        (".mrc", ".map", ".ccp4", ".rec", ".mrc.gz", ".map.gz", ".ccp4.gz"),
        re.compile(rb".{208}MAP ", re.DOTALL),
        reader="codec.media.volumes.mrc:read",
        writer="codec.media.volumes.mrc:write",
        rules=_ARRAYS,
    ),
    Medium(
        "fits",
        "FITS",
        (".fits", ".fit", ".fts", ".fits.gz"),
        re.compile(rb"SIMPLE  = "),
        reader="codec.media.volumes.fits:read",
        writer="codec.media.volumes.fits:write",
        rules=_ARRAYS,
        several=True,
    ),
    Medium(
        "vti",
        "VTK ImageData",
        (".vti",),
        re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<VTKFile\s", re.DOTALL),
        reader="codec.media.vti.image_data:read",
        writer="codec.media.vti.image_data:write",
        rules=_ARRAYS,
        several=True,
    ),
    Medium(
        "image",
        "images",
        IMAGE_SUFFIXES,
        # PNG, JPEG, WebP, BMP (whose reserved bytes tell it from text), PPM.
        re.compile(
            rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF.{4}WEBP|BM.{4}\x00{4}|P[2356][\s#]",
            re.DOTALL,
        ),
        reader="codec.media.image.read:read",
        writer="codec.media.image.write:write",
        rules="codec.media.image.metadata:RULES",
        kind="image",
        verbatim=False,
        portable=True,
    ),
    Medium(
        "tiff",
        "TIFF images and stacks",
        (".tif", ".tiff"),
        re.compile(_TIFF),
        reader="codec.media.volumes.tiff:read",
        writer="codec.media.volumes.tiff:write",
        rules=_ARRAYS,
        decide=recognise.tiff_medium,
        several=True,
    ),
    Medium(
        "mesh",
        "meshes",
        (".ply", ".obj", ".stl", ".off", ".glb"),
        re.compile(rb"ply\r?\n|glTF|OFF\s|solid\s"),
        reader="codec.media.mesh.read:read",
        writer="codec.media.mesh.write:write",
        rules="codec.media.mesh.metadata:RULES",
        kind="sdf",
        verbatim=False,
    ),
)

MEDIA: Mapping[str, Medium] = MappingProxyType({row.id: row for row in _ROWS})
"""Rows by id. Functions of this module look here each time, so a test may put another mapping in
its place to try a medium of its own; other modules ask these functions."""


def media() -> tuple[Medium, ...]:
    """All rows, in the order in which content is compared with them."""
    return tuple(MEDIA.values())


def medium_of(medium: str) -> Medium:
    """The row of an id; for one that is not known, a row that can do nothing.

    Files name media that a later version may know: their fields decode all the same.
    """
    return MEDIA.get(medium) or Medium(medium, "unknown", (), NO_CONTENT, reader="", writer="")


def native_metadata(dataset: DecodedDataset, medium: str) -> Metadata | None:
    """Metadata of a dataset that a writer of this medium may follow.

    None if it came from another medium, or is to be written as if it had.
    """
    return None if dataset.plain or dataset.medium != medium else dataset.metadata


def named_verbatim(dataset: DecodedDataset) -> Mapping[str, VerbatimValue]:
    """Verbatim variables that mean the same to every medium of named arrays."""
    return dataset.verbatim if medium_of(dataset.medium).named else {}
