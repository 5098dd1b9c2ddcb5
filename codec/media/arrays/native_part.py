"""Native parts of metadata, entry by entry: a writer takes nothing that it has not checked.

They say how the original was stored, not what fields mean: where one breaks a rule, a file is
written without them (`DecodedDataset.plain`). Normative text: format_spec/metadata.md, "Own parts".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from codec.errors import CorruptError
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.metadata_error import metadata_error


class NativePart:
    """A map that only its medium understands. What it lacks has a default.

    Args:
        part: the tree of an `ArrayLayout` or `DatasetLayout`, or None for an empty map.
        owner: whose it is, for messages.

    Raises:
        CorruptError: here and by all methods, where something is of another type than it must be.
    """

    def __init__(self, part: Any, owner: str = "the file") -> None:
        self._owner = owner
        self._part: Mapping[Any, Any] = {} if part is None else part
        if not isinstance(self._part, Mapping):
            raise self.wrong("is not a map")

    @classmethod
    def of(cls, layout: ArrayLayout | DatasetLayout | None, owner: str = "the file") -> NativePart:
        """The native part of a layout; an empty one where a file came from another medium."""
        return cls(None if layout is None else layout.native, owner)

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
        texts: list[str] = self._each(key, self.items(key), str)
        if len(texts) % groups_of:
            raise self.wrong(f"has an incomplete entry {key}")
        return texts

    def pairs(self, key: int, kind: type) -> list[tuple[str, Any]]:
        """[[text, value of `kind`] ...]."""
        pairs = []
        for pair in self.items(key):
            if type(pair) is not list or [type(part) for part in pair] != [str, kind]:
                raise self.wrong(f"has an entry {key} that is not made of pairs")
            pairs.append((pair[0], pair[1]))
        return pairs

    def shape(self, key: int, count: int) -> tuple[int, ...]:
        """Shape of so many values; (count,) where it is not there."""
        shape = self.numbers(key) if key in self else (count,)
        if any(size < 0 for size in shape) or math.prod(shape) != count:
            raise self.wrong("has an impossible shape")
        return shape

    def wrong(self, complaint: str) -> CorruptError:
        """The error to raise."""
        return metadata_error("the medium", f"{self._owner} {complaint}")

    def _of(self, key: int, kinds: tuple[type, ...], default: Any) -> Any:
        value = self._part.get(key, default)
        if type(value) not in kinds:
            raise self.wrong(f"has an entry {key} of a wrong type")
        return value

    def _each(self, key: int, values: list[Any], kind: type) -> list[Any]:
        if any(type(value) is not kind for value in values):
            raise self.wrong(f"has an entry {key} of a wrong type")
        return values
