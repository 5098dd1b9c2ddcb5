"""NumPy `.npz` archives: several arrays, each under its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import ArrayFile, StoredArray
from codec.media.arrays.layout import ArrayLayout
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import Dataset, DecodedDataset, VerbatimValue
from codec.media.libraries import reading, writing
from codec.media.recognise import first_bytes
from codec.media.table import named_verbatim

MEDIUM = "npz"
_TITLE = "a NumPy archive"
_COMPRESSED = 0
# Places in the native part of an array of texts.
_SHAPE, _DTYPE = range(2)
_WIDTH = re.compile(r"[<>=]?U(\d{1,9})", re.ASCII)
# Number of characters that texts of a fixed width take at most, unless they are so long.
_SPARE_CHARACTERS = 1 << 22


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Reads an archive into memory; texts and small arrays are kept verbatim.

    Args:
        path: the file.
        select: names of the arrays to fit, or None for the default of `array_fields.dataset`.

    Raises:
        InvalidInputError: not such an archive, or it holds Python objects or structured arrays.
    """
    first_bytes(path)
    arrays, texts, texts_native = [], dict[str, VerbatimValue](), {}
    with reading(path, _TITLE):
        with zipfile.ZipFile(path) as archive:
            packed = any(entry.compress_type for entry in archive.infolist())
            pickled = [name for name in archive.namelist() if not name.endswith(".npy")]
        if pickled:
            raise InvalidInputError(f"{path}: {pickled[0]!r} is no array; save arrays alone")
        with np.load(path, allow_pickle=False) as loaded:
            for name in loaded.files:
                values = _member(path, loaded, name)
                if values.dtype.kind == "U":
                    texts[name] = [str(text) for text in values.ravel()]
                    texts_native[name] = [list(values.shape), values.dtype.str]
                else:
                    dims = ("",) * values.ndim
                    arrays.append(StoredArray(name, np.asarray(values, order="C"), dims))
    size = path.stat().st_size
    native = {_COMPRESSED: True} if packed else {}
    file = ArrayFile(path, MEDIUM, tuple(arrays), size, texts, native, texts_native)
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
    with writing(path, _TITLE):
        values, packed = _members(dataset)
        method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        # `np.savez` would take some names for its options.
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, value in values.items():
                with archive.open(_member_name(path, name), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(value), allow_pickle=False)


def _member_name(path: Path, name: str) -> str:
    """Refuses names that lead elsewhere where somebody unpacks the archive."""
    if name.startswith("/") or ".." in name.split("/") or re.search(r"[\\\x00-\x1f\x7f]", name):
        raise InvalidInputError(
            f"{path}: {name!r} is no name for the member of an archive; write it as .nc or .h5"
        )
    return f"{name}.npy"


def _members(dataset: DecodedDataset) -> tuple[dict[str, Any], bool]:
    """Arrays by name, and whether they were compressed."""
    layout = native_layout(dataset, MEDIUM)
    layouts = {} if layout is None else {array.name: array for array in layout.arrays}
    values: dict[str, Any] = {}
    for array in decoded_arrays(dataset):
        scaled = array.unscaled()
        values[array.name] = _as_stored(scaled.read(), layouts.get(array.name))
    for name, value in named_verbatim(dataset).items():
        values[name] = _as_stored(value, layouts.get(name))
    return values, NativePart.of(layout).flag(_COMPRESSED)


def _as_stored(value: VerbatimValue, layout: ArrayLayout | None) -> np.ndarray:
    if isinstance(value, list):
        native = layout.native if layout is not None else None
        return np.array(value, "U") if native is None else _texts(value, native)
    return value if layout is None else value.astype(layout.stored_as(value.dtype), copy=False)


def _texts(value: list[str], native: Any) -> np.ndarray:
    """An array of texts in the shape and the width that they had."""
    entries = dict(enumerate(native)) if isinstance(native, list) else native
    part = NativePart(entries, "an array of texts")
    width = _WIDTH.fullmatch(part.text(_DTYPE))
    needed = max(map(len, value), default=0)
    most = max(needed, _SPARE_CHARACTERS // max(1, len(value)))
    if width is None or not needed <= int(width[1]) <= most:
        raise part.wrong("has an impossible dtype")
    return np.array(value, part.text(_DTYPE)).reshape(part.shape(_SHAPE, len(value)))
