"""Size of the tiles that a field is cut into."""

from __future__ import annotations

import math
from collections.abc import Sequence

# A field below this is one model: it codes better, and there is memory for it.
WHOLE_SAMPLES = 1 << 25
# Samples of a tile, about. Some hundred bytes of framing are below a tenth of a per cent of it even
# at a ratio of 100, and an encoder needs some 50 MB for it.
TILE_SAMPLES = 1 << 21
# A region is decoded with all tiles that it touches, which takes time by their bytes: where few
# samples take many, tiles are smaller, and what each model learns anew still is little of it.
LEAST_TILE_SAMPLES = 1 << 18
_TILE_BYTES = 40_000
# Tiles are a multiple of this long where they can be, so that levels of neighbours fit together.
ALIGNMENT = 64
# More tiles would exceed what a reader allows by default.
MOST_TILES = 1 << 13

Cuts = tuple[tuple[int, ...], ...]


def tile_samples(bytes_per_sample: float) -> int:
    """Number of samples that a tile should hold: a power of two."""
    if bytes_per_sample <= _TILE_BYTES / TILE_SAMPLES:
        return TILE_SAMPLES
    wanted = 1 << round(math.log2(_TILE_BYTES / bytes_per_sample))
    return min(max(wanted, LEAST_TILE_SAMPLES), TILE_SAMPLES)


def automatic_tile(
    shape: Sequence[int], components: int = 1, wanted: int = TILE_SAMPLES
) -> tuple[int, ...]:
    """Size of the tiles of a field of about `wanted` samples: the whole shape of a small one.

    The longest axis is halved until a tile is small enough. Axes of up to `ALIGNMENT` samples stay
    whole while there are longer ones.
    """
    samples = math.prod(shape) * components
    tile = list(shape)
    if samples < WHOLE_SAMPLES:
        return tuple(tile)
    most = max(wanted, samples // MOST_TILES)
    while math.prod(tile) * components > most:
        axis = max(range(len(tile)), key=tile.__getitem__)
        half = -(-tile[axis] // 2)
        if tile[axis] <= ALIGNMENT:
            # No axis is long: the slowest axis, often time, is cut finely.
            axis = next(number for number, size in enumerate(tile) if size > 1)
            tile[axis] = -(-tile[axis] // 2)
        else:
            tile[axis] = min(-(-half // ALIGNMENT) * ALIGNMENT, tile[axis] - 1)
    return tuple(tile)


def cuts_of(shape: Sequence[int], tile: Sequence[int]) -> Cuts:
    """Per axis 0, the borders between tiles, and the size."""
    return tuple(
        (*range(0, size, min(length, size)), size) for size, length in zip(shape, tile, strict=True)
    )
