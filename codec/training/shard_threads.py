"""Threads of a training step: one per shard, each without torch's own threads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

_In = TypeVar("_In")
_Out = TypeVar("_Out")

SHARDS = 2
# Seconds. Two threads that run short operators hand Python's lock over all the time; at its default
# of 5 ms each waits for the other longer than it works.
_SWITCH_INTERVAL = 1e-4


def share_work(
    pool: ThreadPoolExecutor | None, work: Callable[[_In], _Out], tasks: Sequence[_In]
) -> list[_Out]:
    """`work` on every task, in order; the calling thread does its share.

    A caller that only waited would wake its workers on its own core, and steps are so short that
    they would stay there.
    """
    if pool is None:
        return [work(task) for task in tasks]
    others = [pool.submit(work, task) for task in tasks[1:]]
    return [work(tasks[0]), *(other.result() for other in others)]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch's own threading off inside the block; the shards are the threads."""
    threads, interval = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(1)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        sys.setswitchinterval(interval)
