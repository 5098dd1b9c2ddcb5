"""Chunks that metadata ask for, and whether they cost more than their array explains."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Spare bytes of a chunk beyond those of its array: it is allocated whole.
_SPARE_CHUNK_BYTES = 1 << 24
# Number of chunks that cost little, and bytes that each has to hold where there are more.
_FREE_CHUNKS, _LEAST_CHUNK_BYTES = 1 << 14, 256


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
