"""Own parts of a medium, entry by entry: a writer takes nothing from them that it has not checked.

Normative text: format_spec/metadata.md, "Own parts". They say how the original was stored, not what
fields mean: where one breaks a rule, a file is written without them (`DecodedDataset.plain`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from codec.errors import CorruptError

# A chunk may hold so many bytes more than its array: it is allocated whole.
_SPARE_CHUNK_BYTES = 1 << 24
# So many chunks cost nothing that is worth a look; of more, each has to hold so many bytes.
_FREE_CHUNKS, _LEAST_CHUNK_BYTES = 1 << 14, 256


class OwnPart:
    """A map that only its medium understands. What it lacks has a default.

    Args:
        part: of an `ArrayLayout` or `DatasetLayout`.
        owner: whose it is, for messages.

    Raises:
        CorruptError: here and by all methods, where something is of another type than it must be.
    """

    def __init__(self, part: Any, owner: str = "the file") -> None:
        self._owner = owner
        self._part: Mapping[Any, Any] = {} if part is None else part
        if not isinstance(self._part, Mapping):
            raise self.wrong("is not a map")

    def __contains__(self, key: int) -> bool:
        return key in self._part

    def flag(self, key: int) -> bool:
        """False where it is not there."""
        return bool(self._of(key, (bool,), False))

    def text(self, key: int) -> str:
        """Empty where it is not there."""
        return str(self._of(key, (str,), ""))

    def data(self, key: int) -> bytes:
        """Empty where it is not there."""
        return bytes(self._of(key, (bytes,), b""))

    def number(self, key: int, default: int) -> int:
        """A whole number."""
        return int(self._of(key, (int,), default))

    def items(self, key: int) -> list[Any]:
        """A list of anything; empty where it is not there."""
        return list(self._of(key, (list,), []))

    def numbers(self, key: int) -> tuple[int, ...]:
        """Whole numbers; () where they are not there."""
        return tuple(self._each(key, self.items(key), int))

    def texts(self, key: int, groups_of: int = 1) -> list[str]:
        """Texts, of which so many belong together."""
        found = self._each(key, self.items(key), str)
        if len(found) % groups_of:
            raise self.wrong(f"has an incomplete entry {key}")
        return found

    def pairs(self, key: int, kind: type) -> list[tuple[str, Any]]:
        """[[text, value of `kind`] ...]."""
        found = []
        for pair in self.items(key):
            if type(pair) is not list or [type(one) for one in pair] != [str, kind]:
                raise self.wrong(f"has an entry {key} that is not made of pairs")
            found.append((pair[0], pair[1]))
        return found

    def shape(self, key: int, count: int) -> tuple[int, ...]:
        """Shape of so many values; (count,) where it is not there."""
        found = self.numbers(key) if key in self else (count,)
        if any(size < 0 for size in found) or math.prod(found) != count:
            raise self.wrong("has an impossible shape")
        return found

    def wrong(self, complaint: str) -> CorruptError:
        """The error to raise."""
        return CorruptError(f"metadata of the medium: {self._owner} {complaint}", section="mETa")

    def _of(self, key: int, kinds: tuple[type, ...], default: Any) -> Any:
        value = self._part.get(key, default)
        if type(value) not in kinds:
            raise self.wrong(f"has an entry {key} of a wrong type")
        return value

    def _each(self, key: int, values: list[Any], kind: type) -> list[Any]:
        if any(type(value) is not kind for value in values):
            raise self.wrong(f"has an entry {key} of a wrong type")
        return values


def affordable(
    chunks: Sequence[int], shape: Sequence[int], item_bytes: int, least: int = _LEAST_CHUNK_BYTES
) -> bool:
    """Whether chunks cost no more time and memory than an array of this shape explains.

    Args:
        least: bytes that a chunk has to hold where there are many.
    """
    if len(chunks) != len(shape) or any(chunk < 1 for chunk in chunks):
        return False
    size = math.prod(shape) * item_bytes
    count = math.prod(-(-length // chunk) for length, chunk in zip(shape, chunks, strict=True))
    few = count <= max(_FREE_CHUNKS, size // least)
    return few and math.prod(chunks) * item_bytes <= size + _SPARE_CHUNK_BYTES
