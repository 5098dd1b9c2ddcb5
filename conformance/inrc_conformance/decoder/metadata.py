"""The section mETa: its medium, and whether its tree keeps the rules of `metadata.md`."""

from __future__ import annotations

from collections.abc import Callable

from .cbor import Value, as_map, as_text, parse
from .errors import Malformed
from .mesh import check_mesh
from .tree_arrays import check_arrays, check_empty
from .tree_image import check_image
from .tree_netcdf import check_netcdf
from .trees import Held

_ARRAYS = ("hdf5", "zarr", "npz", "raw", "nifti", "nrrd", "mrc", "fits", "tiff", "vti")


def _mesh(tree: Value, held: Held) -> None:
    check_mesh(tree, held.items)


_CHECKS: dict[str, Callable[[Value, Held], None]] = {
    "npy": check_empty,
    "netcdf": check_netcdf,
    "image": check_image,
    "mesh": _mesh,
    **dict.fromkeys(_ARRAYS, check_arrays),
}


def parse_metadata(payload: bytes, most_items: int) -> tuple[str, Value]:
    """Return medium and tree; raises `Malformed` for an error in the payload (SEC-7)."""
    meta = as_map(parse(payload, most_items), "mETa")
    if 0 not in meta or any(key not in (0, 1) for key in meta):
        raise Malformed("mETa: keys are 0 and 1")
    medium = as_text(meta[0], "mETa: the medium")
    if 1 in meta:
        as_map(meta[1], "mETa: the metadata")
    return medium, meta.get(1, {})


def fault(medium: str, tree: Value, held: Held) -> str | None:
    """Return the fault of a tree, or None without one and for an unknown medium."""
    check = _CHECKS.get(medium)
    try:
        if check is not None:
            check(tree, held)
    except Malformed as error:
        return str(error)
    return None


def is_known(medium: str) -> bool:
    """Say whether `metadata.md` describes a medium."""
    return medium in _CHECKS
