"""Layout of tiles beyond their size: bricks by count, what neighbours share, whose range they have.

Bricks with ghost cells and a range of their own are the ensembles of APMGSRN (Wurster et al., IEEE
VIS 2023), which picks one brick for each sample; here what they share is blended (TILE-4).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from codec.encoding.tile_size import Cuts
from codec.errors import InvalidOptionError
from codec.format.tile_grid import Margins
from codec.options.encode import AUTOMATIC_TILE, EncodeOptions
from codec.options.plugin_settings import TILE, configured, setting


@dataclass(frozen=True)
class TileSettings:
    """Settings of tiles besides their size."""

    bricks: tuple[int, ...] = setting(
        (), "tiles per axis, such as 2x2x1, in place of the size of a tile", low=1
    )
    overlap: int = setting(
        0, "samples that a tile takes from each neighbour, blended when decoded", low=0, high=4096
    )
    own_range: bool = setting(False, "whether a tile is normalised by its own range")
    tries: int = setting(3, "how often a tile is tried that runs out of memory", low=1, high=100)


def tile_settings(options: EncodeOptions) -> TileSettings:
    """The tile settings of the options.

    Raises:
        InvalidOptionError: there is no such setting, or they contradict the other options.
    """
    settings = configured(TileSettings, TILE, "a field in tiles", options.settings)
    if settings.bricks and options.tile != AUTOMATIC_TILE:
        raise InvalidOptionError("tile.bricks and --tile contradict each other; give one")
    if options.goal.bounded and (settings.overlap or settings.own_range):
        name = "tile.overlap" if settings.overlap else "tile.own_range"
        raise InvalidOptionError(
            f"{name} is for a PSNR or a size: where samples are blended no bound can be kept; "
            "leave it out, or the error bound"
        )
    return settings


def brick_cuts(shape: Sequence[int], counts: Sequence[int]) -> Cuts:
    """Per axis the borders between so many intervals of about equal length, and the size."""
    cuts = []
    for size, asked in zip(shape, counts, strict=True):
        count = min(asked, size)
        cuts.append(tuple(number * size // count for number in range(count + 1)))
    return tuple(cuts)


def margins_of(cuts: Cuts, overlap: int) -> Margins:
    """Samples shared by neighbouring tiles: `overlap`, or half the shorter of two that meet."""
    margins: list[tuple[tuple[int, int], ...]] = []
    for axis in cuts:
        lengths = [stop - start for start, stop in itertools.pairwise(axis)]
        shared = [min(overlap, *pair) for pair in itertools.pairwise(n // 2 for n in lengths)]
        margins.append(tuple(zip([0, *shared], [*shared, 0], strict=True)))
    return tuple(margins) if any(any(map(any, axis)) for axis in margins) else ()
