"""Two files of one medium put together along a dim: what is kept verbatim, and the metadata."""

from __future__ import annotations

from codec.errors import InvalidInputError
from codec.media.arrays import extend as extending_arrays
from codec.media.dataset import Metadata
from codec.media.described import Along, Described
from codec.media.netcdf import extend as extending_netcdf

NETCDF, NPY, RAW = "netcdf", "npy", "raw"
_GROWING = (NETCDF, *extending_arrays.MEDIA, NPY, RAW)


def meant_to_grow(medium: str, metadata: Metadata) -> bool:
    """Whether the file itself says so: it is NetCDF with an unlimited dimension."""
    return medium == NETCDF and extending_netcdf.meant_to_grow(metadata)


def named_after_file(medium: str, metadata: Metadata) -> bool:
    """Whether the one array of a file has no name but the file's, which another file has not."""
    return medium in (NPY, RAW) or extending_arrays.is_root(medium, metadata)


def extended(old: Described, new: Described, along: Along) -> Described:
    """The old file with the variables of the new one behind its own along a dim.

    What has no such dim stays as it is.

    Raises:
        InvalidInputError: the files do not fit together.
    """
    if old.medium not in _GROWING:
        raise InvalidInputError(
            f"it cannot be put behind a file from {old.medium or 'an unknown medium'}, only behind "
            f"one from {', '.join(_GROWING[:-1])} or {_GROWING[-1]}"
        )
    if new.medium != old.medium:
        raise InvalidInputError(
            f"it is {new.medium}, and the file is from {old.medium}; convert one of them"
        )
    if old.medium in (NPY, RAW):
        return old
    if old.medium == NETCDF:
        return extending_netcdf.extended(old, new, along)
    return extending_arrays.extended(old, new, along)
