"""Items of any architecture, built from a config, integers and quantisation entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .file import File
from .streams import Ints, raw_stream

Components = Sequence[Sequence[Any]]


class Item:
    """An item with integers; each architecture says which."""

    architecture: int
    dims: Sequence[int]
    components: Components

    def config(self) -> dict[int, Any]:
        """Return the config."""
        raise NotImplementedError

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors."""
        raise NotImplementedError

    def counts(self) -> list[int]:
        """Return the number of entries of each tensor."""
        return [math.prod(shape) for shape in self.shapes()]

    def quantisation(self) -> list[Any]:
        """Return the quantisation entry of each tensor."""
        raise NotImplementedError

    def integers(self) -> list[int]:
        """Return the integers in coded order."""
        raise NotImplementedError

    def more_keys(self) -> dict[int, Any]:
        """Return the keys of the item beside 0 to 3."""
        return {}

    def streams(self) -> list[bytes]:
        """Return the streams of the integers: a raw one."""
        return [raw_stream(self.integers())]

    def header(self, **changes: Any) -> dict[Any, Any]:
        """Return the ITEM map; `changes` replace entries, named k0 to k8."""
        value: dict[Any, Any] = {
            0: [list(component) for component in self.components],
            1: list(self.dims),
            2: [self.architecture, 1, self.config()],
            3: self.quantisation(),
        }
        return value | self.more_keys() | {int(key[1:]): entry for key, entry in changes.items()}

    def file(
        self, streams: Sequence[bytes] | None = None, integers: Ints | None = None, **changes: Any
    ) -> File:
        """Return a file with this item and all its integers in one TENS section."""
        coded = self.integers() if integers is None else integers
        if streams is None:
            streams = self.streams() if integers is None else [raw_stream(coded)]
        return File().item(self.header(**changes)).tens(streams, coded)

    def with_config(self, config: Any, version: int = 1) -> File:
        """Return a file whose config, or whose version of the architecture, is another one."""
        return self.file(k2=[self.architecture, version, config])
