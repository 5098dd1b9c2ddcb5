"""Values that were decoded last, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
# A field, its mask and its residuals: none displaces the others while all are used.
_LEAST_VALUES = 3


class DecodedCache:
    """Values by key; the least recently used go first, and three stay, however large they are.

    The cache is safe to use from several threads: each value is made once, and different values
    at the same time.

    Args:
        capacity: bytes, or None to keep everything.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], cost: Callable[[T], int]) -> T:
        """The value of `key`, made if it is not there.

        Args:
            cost: bytes that a value takes.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    cached: T = self._values[key][0]
                    return cached
            value = make()
            with self._lock:
                self._values[key] = value, cost(value)
                self._shrink()
            return value

    def peek(self, key: Hashable) -> Any | None:
        """The value of `key`, or None if it is not there."""
        with self._lock:
            return self._values[key][0] if key in self._values else None

    def _shrink(self) -> None:
        if self._capacity is None:
            return
        total = sum(size for _, size in self._values.values())
        while total > self._capacity and len(self._values) > _LEAST_VALUES:
            key, (_, size) = self._values.popitem(last=False)
            self._making.pop(key, None)
            total -= size
