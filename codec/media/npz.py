"""NumPy `.npz` archives: several arrays, each under its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media import array_fields
from codec.media.array_fields import ArrayFile, StoredArray
from codec.media.array_layout import NAMING, ArrayLayout
from codec.media.dataset import Dataset, DecodedDataset, VerbatimValue
from codec.media.decoded_arrays import decoded_arrays, own_layout
from codec.media.formats import first_bytes
from codec.media.libraries import reading, writing

MEDIUM = "npz"
_TITLE = "a NumPy archive"
_COMPRESSED = 0


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Reads an archive into memory; texts and small arrays are kept verbatim.

    Args:
        path: the file.
        select: names of the arrays to fit, or None for the default of `array_fields.dataset`.

    Raises:
        InvalidInputError: not such an archive, or it holds Python objects or structured arrays.
    """
    first_bytes(path)
    arrays, texts, texts_own = [], dict[str, VerbatimValue](), {}
    with reading(path, _TITLE):
        with zipfile.ZipFile(path) as archive:
            packed = any(entry.compress_type for entry in archive.infolist())
            pickled = [name for name in archive.namelist() if not name.endswith(".npy")]
        if pickled:
            raise InvalidInputError(f"{path}: {pickled[0]!r} is no array; save arrays alone")
        with np.load(path, allow_pickle=False) as found:
            for name in found.files:
                values = _member(path, found, name)
                if values.dtype.kind == "U":
                    texts[name] = [str(text) for text in values.ravel()]
                    texts_own[name] = [list(values.shape), values.dtype.str]
                else:
                    dims = ("",) * values.ndim
                    arrays.append(StoredArray(name, np.asarray(values, order="C"), dims))
    size = path.stat().st_size
    own = {_COMPRESSED: True} if packed else {}
    file = ArrayFile(path, MEDIUM, tuple(arrays), size, texts, own, texts_own)
    return array_fields.dataset(file, select)


def _member(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        values: np.ndarray = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise InvalidInputError(
            f"{path}: {name!r} holds Python objects; save each part as a plain numeric array"
        ) from None
    return values if values.ndim else values.reshape(())


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes every decoded array, and with those of an archive what was kept verbatim.

    Args:
        path: where to write; the caller renames it into place.
        dataset: any arrays; scaled ones are written in their own unit.
        history: ignored, an archive has no place for it.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    with writing(path, _TITLE), path.open("wb") as file:
        values, packed = _members(dataset)
        (np.savez_compressed if packed else np.savez)(file, **values)


def _members(dataset: DecodedDataset) -> tuple[dict[str, Any], bool]:
    """Arrays by name, and whether they were compressed."""
    found = own_layout(dataset, MEDIUM)
    layouts = {} if found is None else {array.name: array for array in found.arrays}
    values: dict[str, Any] = {}
    for array in decoded_arrays(dataset):
        scaled = array.unscaled()
        values[array.name] = _as_stored(scaled.read(), layouts.get(array.name))
    for name, kept in dataset.verbatim.items() if dataset.medium in NAMING else ():
        values[name] = _as_stored(kept, layouts.get(name))
    return values, found is not None and bool(found.own.get(_COMPRESSED, False))


def _as_stored(value: VerbatimValue, layout: ArrayLayout | None) -> np.ndarray:
    if isinstance(value, list):
        shape, dtype = layout.own if layout is not None and layout.own else ([len(value)], "U")
        return np.array(value, dtype).reshape(shape)
    return value.astype(layout.dtype) if layout is not None and layout.dtype else value
