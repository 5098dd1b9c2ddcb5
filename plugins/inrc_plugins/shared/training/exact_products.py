"""Matrix products on a GPU that are as exact as float32 is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_products(lock: threading.Lock) -> Iterator[None]:
    """No TF32, which would be accuracy class P, and no gradients inside the block.

    Args:
        lock: of the model: one block of its samples at a time bounds the GPU's memory.
    """
    with lock, torch.inference_mode():
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before
