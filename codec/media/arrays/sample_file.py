"""Samples that lie in a file one after the other, read by position.

They are not mapped: a mapped file that another program cuts short ends the process (SIGBUS).
"""

from __future__ import annotations

import itertools
import math
import operator
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.files.byte_sources import FileSource

# Rows shorter than this are read with what lies between them, which costs less than many calls.
_ROW_BYTES = 4096
# Bytes that are read at once where they lie together.
_RUN_BYTES = 1 << 22


class SampleFile:
    """An array in a file, read by slicing; it is never held whole unless all of it is asked for.

    Args:
        path: the file.
        dtype: of its samples, with their byte order.
        offset: of the first, in bytes.
        shape: of the array.
        order: "C", or "F" if the first axis is the fastest.

    Raises:
        InvalidInputError: the file cannot be read, or is too short. Reading raises it as well, and
            where the file changed after it was opened.
    """

    def __init__(
        self,
        path: Path,
        dtype: npt.DTypeLike,
        offset: int,
        shape: Sequence[int],
        order: Literal["C", "F"] = "C",
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape = tuple(map(int, shape))
        self._path = path
        self._offset = offset
        self._order = order
        self._source = FileSource(path)
        needed = offset + math.prod(self.shape) * self.dtype.itemsize
        if self._source.size < needed:
            size = self._source.size
            self._source.close()
            raise InvalidInputError(
                f"{path}: truncated: has {size} bytes, its samples take {needed}; fetch it again"
            )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> Array:
        parts = _per_axis(index, self.ndim)
        if self._order == "F":
            turned = self._taken(parts[::-1], self.shape[::-1])
            return turned.transpose()
        return self._taken(parts, self.shape)

    def _taken(self, parts: Sequence[slice | int], shape: tuple[int, ...]) -> Array:
        """Samples of a box, in C order of `shape`, then those of them that were asked for."""
        spans = [_span(part, size) for part, size in zip(parts, shape, strict=True)]
        box = np.empty([len(span) for span in spans], self.dtype)
        if box.size:
            self._read(box, [span.start for span in spans], shape)
        picks = tuple(
            0 if isinstance(part, int) else _pick(part, size, span)
            for part, size, span in zip(parts, shape, spans, strict=True)
        )
        return box[picks]

    def _read(self, box: Array, start: Sequence[int], shape: tuple[int, ...]) -> None:
        """Fill a box whose first sample is at `start`, one run of bytes after the other."""
        itemsize = self.dtype.itemsize
        first = len(shape) - 1
        while first > 0:
            row = itemsize * math.prod(shape[first:])
            whole = box.shape[first:] == shape[first:] and row * box.shape[first - 1] <= _RUN_BYTES
            if not whole and row > _ROW_BYTES:
                break
            first -= 1
        # A run holds whole rows of the axes after the first, of which the box takes a part.
        rows = (box.shape[first], *shape[first + 1 :])
        taken = tuple(
            slice(begin, begin + size)
            for begin, size in zip(start[first + 1 :], box.shape[first + 1 :], strict=True)
        )
        strides = [itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        base = self._offset + sum(map(operator.mul, strides, start[: first + 1]))
        for place in itertools.product(*map(range, box.shape[:first])):
            at = base + sum(map(operator.mul, strides, place))
            data = self._source.read_at(at, itemsize * math.prod(rows))
            run = np.frombuffer(data, self.dtype).reshape(rows)
            box[place] = run[(slice(None), *taken)]

    def close(self) -> None:
        """Release the file."""
        self._source.close()


def _per_axis(index: Any, rank: int) -> list[slice | int]:
    """A slice or integer per axis, for an index that may end early or hold `...`."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    at = next(number for number, part in enumerate(parts) if part is Ellipsis)
    whole = [slice(None)] * (rank - len(parts) + 1)
    parts = parts[:at] + whole + parts[at + 1 :]
    return [part if isinstance(part, slice) else int(part) for part in parts]


def _span(part: slice | int, size: int) -> range:
    """All indices from the least to the greatest that are asked for."""
    if isinstance(part, int):
        if not -size <= part < size:
            raise IndexError(f"index {part} of an axis of {size}")
        return range(part % size, part % size + 1)
    wanted = range(size)[part]
    if not wanted:
        return range(0)
    return range(min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1]) + 1)


def _pick(part: slice, size: int, span: range) -> slice:
    """The samples that were asked for, as a slice of the span."""
    wanted = range(size)[part]
    if not wanted:
        return slice(0, 0)
    stop = wanted[-1] - span.start + (1 if wanted.step > 0 else -1)
    return slice(wanted[0] - span.start, None if stop < 0 else stop, wanted.step)


def reserve(path: Path, size: int) -> None:
    """Give a file its bytes on the disk, so that a mapping of it cannot run out of them (SIGBUS).

    Raises:
        OSError: the disk, or what the user may take of it, is full.
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, size)
