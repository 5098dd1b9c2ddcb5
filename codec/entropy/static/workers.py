"""Threads that share the blocks of a lattice, each with memory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from codec.entropy.static.scratch import BlockScratch, Scratches

_T = TypeVar("_T")
_R = TypeVar("_R")


class Workers:
    """Threads that live while a lattice is coded, so that the memory of each serves all bands.

    Args:
        threads: 1 starts none.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._scratches = Scratches()

    @property
    def scratch(self) -> BlockScratch:
        """Memory of the thread that asks."""
        return self._scratches.block

    def map(self, work: Callable[[_T], _R], todo: Iterable[_T]) -> Iterator[_R]:
        """Results of `work` in the order of `todo`."""
        return map(work, todo) if self._pool is None else self._pool.map(work, todo)

    def __enter__(self) -> Workers:
        if self._threads > 1:
            self._pool = ThreadPoolExecutor(self._threads)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
