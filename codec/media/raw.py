"""Files that are nothing but samples, after a header that nobody needs to understand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import only_array, own_layout
from codec.media.arrays.fields import StoredArray
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.dataset import Dataset, DecodedDataset, Metadata
from codec.media.libraries import writing
from codec.media.own_parts import OwnPart
from codec.media.sample_file import SampleFile
from codec.options.raw_layout import RawLayout

MEDIUM = "raw"
_HEADER, _ORDER = range(2)


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Refuses a raw file whose layout is not known.

    Raises:
        InvalidInputError: always; `read_as` reads such files.
    """
    raise InvalidInputError(
        f"{path}: raw samples need their layout: --shape 128,128,64 --dtype float32"
        " (--order F, --endian big, --offset BYTES)"
    )


def read_as(path: Path, layout: RawLayout, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a raw file as one field named after the file.

    Args:
        path: the file.
        layout: its shape, dtype, order of axes, byte order and header.
        select: None, or the one name that the field has.

    Raises:
        InvalidInputError: the file has another size.
    """
    name, found = path.stem, path.stat().st_size
    if found != layout.size:
        raise InvalidInputError(
            f"{path}: has {found} bytes; shape {','.join(map(str, layout.shape))} of"
            f" {layout.dtype} after {layout.offset} bytes takes {layout.size};"
            " check --shape, --dtype and --offset"
        )
    order: Literal["C", "F"] = "F" if layout.order == "F" else "C"
    values = SampleFile(path, layout.code, layout.offset, layout.shape, order)
    with path.open("rb") as file:
        header = file.read(layout.offset)
    own: Metadata = {_HEADER: header} if header else {}
    if layout.order == "F":
        own[_ORDER] = True
    array = StoredArray(name, values, ("",) * len(layout.shape))
    return array_fields.dataset(array_fields.single(path, MEDIUM, array, own, values.close), select)


def layout_of(metadata: Metadata, shape: tuple[int, ...], dtype: np.dtype[Any]) -> RawLayout:
    """What `read_as` needs to read the original of a field again.

    Raises:
        CorruptError: the metadata breaks a rule of the format.
    """
    found = DatasetLayout.from_tree(metadata)
    own = OwnPart(found.own)
    array = found.arrays[0] if found.arrays else ArrayLayout("")
    return RawLayout(
        array.shape or shape,
        dtype.name,
        "F" if own.flag(_ORDER) else "C",
        "big" if array.dtype.startswith(">") else "little",
        len(own.data(_HEADER)),
    )


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes one array as bare samples: as they were, or little-endian and in C order.

    Args:
        path: where to write; the caller renames it into place.
        dataset: one array.
        history: ignored, there is no place for it.

    Raises:
        InvalidInputError: there are several arrays, or the file cannot be written.
    """
    array, found = only_array(path, dataset), own_layout(dataset, MEDIUM)
    own = OwnPart(found.own if found is not None else None)
    dtype = array.dtype.newbyteorder(">" if array.layout.dtype.startswith(">") and found else "<")
    order: Literal["C", "F"] = "F" if own.flag(_ORDER) else "C"
    with writing(path, "raw samples"), path.open("wb") as file:
        file.write(own.data(_HEADER))
        file.write(array.read().astype(dtype).tobytes(order))
