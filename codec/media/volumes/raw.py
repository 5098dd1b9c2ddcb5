"""Files that are nothing but samples, after a header that nobody needs to understand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded_arrays import native_layout, only_array
from codec.media.arrays.fields import StoredArray
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.arrays.metadata import ArrayRules
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import Dataset, DecodedDataset, Metadata
from codec.media.libraries import writing
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
    name, size = path.stem, path.stat().st_size
    if size != layout.size:
        raise InvalidInputError(
            f"{path}: has {size} bytes; shape {','.join(map(str, layout.shape))} of"
            f" {layout.dtype} after {layout.offset} bytes takes {layout.size};"
            " check --shape, --dtype and --offset"
        )
    order: Literal["C", "F"] = "F" if layout.order == "F" else "C"
    values = SampleFile(path, layout.code, layout.offset, layout.shape, order)
    with path.open("rb") as file:
        header = file.read(layout.offset)
    native: Metadata = {_HEADER: header} if header else {}
    if layout.order == "F":
        native[_ORDER] = True
    array = StoredArray(name, values, ("",) * len(layout.shape))
    return array_fields.dataset(
        array_fields.single(path, MEDIUM, array, native, values.close), select
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
    array, layout = only_array(path, dataset), native_layout(dataset, MEDIUM)
    part = NativePart.of(layout)
    big = layout is not None and array.layout.dtype.startswith(">")
    dtype = array.dtype.newbyteorder(">" if big else "<")
    order: Literal["C", "F"] = "F" if part.flag(_ORDER) else "C"
    with writing(path, "raw samples"), path.open("wb") as file:
        file.write(part.data(_HEADER))
        file.write(array.read().astype(dtype).tobytes(order))


class RawRules(ArrayRules):
    """Rules of bare samples: those of all media of arrays, and how the samples are read again."""

    def named_after_file(self, tree: Metadata) -> bool:
        """See `MetadataRules.named_after_file`."""
        return True

    def raw_layout(self, tree: Metadata, shape: tuple[int, ...], dtype: np.dtype[Any]) -> RawLayout:
        """Layout that `read_as` needs to read the original of a field again."""
        layout = DatasetLayout.from_tree(tree)
        part = NativePart.of(layout)
        array = layout.arrays[0] if layout.arrays else ArrayLayout("")
        return RawLayout(
            array.shape or shape,
            dtype.name,
            "F" if part.flag(_ORDER) else "C",
            "big" if array.dtype.startswith(">") else "little",
            len(part.data(_HEADER)),
        )


RULES = RawRules()
