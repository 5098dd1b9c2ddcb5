"""Layout of a file that holds samples alone, which its reader must be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codec.errors import InvalidOptionError

ORDERS = ("C", "F")
ENDIANS = ("little", "big")
# Bytes per sample of the dtypes that can be fitted.
DTYPE_SIZES = {
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
}
_PREFIXES = {"little": "<", "big": ">"}


@dataclass(frozen=True)
class RawLayout:
    """A raw file.

    Attributes:
        shape: 1 or more axes, as NumPy would give it.
        dtype: a name of `DTYPE_SIZES`.
        order: "C" where the last axis varies fastest in the file, "F" where the first does.
        endian: "little" or "big".
        offset: bytes before the first sample.
    """

    shape: tuple[int, ...]
    dtype: str
    order: str = "C"
    endian: str = "little"
    offset: int = 0

    def __post_init__(self) -> None:
        if not self.shape or min(self.shape) < 1:
            raise InvalidOptionError(f"shape {self.shape}: give 1 or more positive sizes")
        if self.dtype not in DTYPE_SIZES:
            raise InvalidOptionError(f"dtype {self.dtype!r}: choose {', '.join(DTYPE_SIZES)}")
        if self.order not in ORDERS:
            raise InvalidOptionError(f"order {self.order!r}: choose {' or '.join(ORDERS)}")
        if self.endian not in ENDIANS:
            raise InvalidOptionError(f"endian {self.endian!r}: choose {' or '.join(ENDIANS)}")
        if self.offset < 0:
            raise InvalidOptionError(f"offset {self.offset}: choose 0 or more bytes")

    @property
    def code(self) -> str:
        """NumPy's code of the dtype with the file's byte order, such as "<f4"."""
        return f"{_PREFIXES[self.endian]}{self.dtype[0]}{DTYPE_SIZES[self.dtype]}"

    @property
    def size(self) -> int:
        """Bytes that such a file has."""
        return self.offset + math.prod(self.shape) * DTYPE_SIZES[self.dtype]
