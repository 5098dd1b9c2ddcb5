"""NumPy `.npy` files: one bare array, no metadata."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError, InvalidOptionError
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays
from codec.media.arrays.sample_file import SampleFile, reserve
from codec.media.dataset import Dataset, DecodedDataset, Field
from codec.media.recognise import first_bytes

MEDIUM = "npy"
_SIGNATURE = b"\x93NUMPY"
_DTYPES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4"})


class _NativeArray:
    """The array of a file, read by slicing into native-endian, C-order copies."""

    def __init__(self, values: SampleFile) -> None:
        self._values = values
        self.shape = values.shape
        self.dtype: np.dtype[Any] = values.dtype.newbyteorder("=")

    def __getitem__(self, index: Any) -> Array:
        return np.array(self._values[index], dtype=self.dtype, order="C")


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a `.npy` file as one field named after the file.

    Args:
        path: the file; 1 to 4 axes of float16/32/64 or integers of up to 32 bits.
        select: None, or the one name that the field has.

    Raises:
        InvalidInputError: not such a file, or `select` names anything else.
    """
    if first_bytes(path)[: len(_SIGNATURE)] != _SIGNATURE:
        raise InvalidInputError(f"{path}: not a NumPy file; save the array with numpy.save")
    try:
        with path.open("rb") as file:
            shape, order, dtype = _header(file)
            offset = file.tell()
    except (ValueError, OSError, EOFError) as error:
        raise _damaged(path) from error
    _check(path, shape, dtype)
    name = path.stem
    if select is not None and set(select) != {name}:
        wrong = next((item for item in select if item != name), "nothing")
        raise InvalidOptionError(f"{path}: has no variable {wrong!r}; available: {name}")
    try:
        values = SampleFile(path, dtype, offset, shape, order)
    except InvalidInputError as error:
        raise _damaged(path) from error
    field = Field(name=name, dims=("",) * len(shape), values=_NativeArray(values))
    size = path.stat().st_size
    return Dataset(MEDIUM, (field,), source_bytes=size, close=values.close)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, turned, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, turned, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {version} is only used for structured arrays")
    return shape, "F" if turned else "C", dtype


def _damaged(path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"{path}: truncated, damaged or not a plain array; write it again with numpy.save"
    )


def _check(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.fields is not None or dtype.hasobject:
        kind = "Python objects" if dtype.hasobject else "a structured dtype"
        raise InvalidInputError(f"{path}: holds {kind}; save each part as a plain numeric array")
    if dtype.str[1:] not in _DTYPES:
        raise InvalidInputError(
            f"{path}: dtype {dtype} is not supported;"
            " convert to float16/32/64 or an integer of up to 32 bits"
        )
    if not 1 <= len(shape) <= 4:
        raise InvalidInputError(f"{path}: has {len(shape)} axes; reshape or split it to 1 to 4")
    if 0 in shape:
        raise InvalidInputError(f"{path}: shape {shape} holds no samples; nothing to encode")


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes the one decoded array, or the channels of an image, block by block.

    Args:
        path: where to write; the caller renames it into place.
        dataset: one array of any medium, or all channels of an image, which become one array
            (y, x, channel); scaled values are written in their own unit, and metadata and verbatim
            values have no place here.
        history: ignored, a `.npy` file has no attributes.

    Raises:
        InvalidInputError: other fields, or the file cannot be created.
    """
    arrays = decoded_arrays(dataset)
    if len(arrays) != 1:
        names = ", ".join(field.name for field in dataset.fields) or "none"
        raise InvalidInputError(
            f"{path}: a .npy file holds one variable, or an image, not {len(dataset.fields)}"
            f" variables; choose with --var (available: {names})"
        )
    _write_array(path, arrays[0].unscaled())


def _write_array(path: Path, array: DecodedArray) -> None:
    shape, dtype = array.shape, array.dtype
    if 0 in shape:  # an empty file region cannot be mapped
        with path.open("wb") as file:
            np.lib.format.write_array(file, np.empty(shape, dtype))
        return
    try:
        target = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        reserve(path, path.stat().st_size)
    except OSError as error:
        raise InvalidInputError(
            f"{path}: cannot be written: {error.strerror or error}; choose another place"
        ) from error
    for index, block in array.blocks():
        target[index] = block
        _let_go(target)
    target.flush()


def _let_go(values: Array) -> None:
    """Let go of the pages of a mapped file, which would count as this process's memory."""
    mapping = values.base
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
