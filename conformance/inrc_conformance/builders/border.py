"""Shells with a border."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..decoder.architectures.shell_border import (
    LARGEST,
    MIXED,
    corners,
    crossed,
    guess,
    parent,
    places,
)
from ..decoder.octree import Place, grow
from .file import File
from .pyramid import randoms
from .shell import Scattered, Shell
from .streams import Ints, raw_stream

FlagAt = Callable[[int, Place], int]
ValueAt = Callable[[Place], int]


@dataclass
class Flagged:
    """Pseudo-random flags; of 100 cells some are mixed, and half of the others dropped."""

    seed: int = 1
    mixed: int = 50

    def __post_init__(self) -> None:
        self._draw = randoms(self.seed)

    def __call__(self, level: int, place: Place) -> int:
        """Return the flag of a cell."""
        number = next(self._draw) % 200
        return MIXED if number < 2 * self.mixed else 1 if number % 2 else -1


def mixed(level: int, place: Place) -> int:
    """Return the flag of a mixed cell."""
    return MIXED


def slope(place: Place) -> int:
    """Return values of both signs; some of them need no residual."""
    i, j, k = place
    return 4 * i - 3 * j + 2 * k - 5


@dataclass
class Bordered(Shell):
    """A shell with keys 4 to 6; the flags and values are made when they are first asked for."""

    level: int = 0
    flag_at: FlagAt = mixed
    value_at: ValueAt = slope
    flags: Ints | None = None
    """The integers of the flags, instead of those of `flag_at`."""
    residuals: Ints | None = None
    """The integers of the values, instead of those of `value_at`."""
    keys: dict[int, Any] = field(default_factory=dict)
    """Entries of the config that replace the right ones."""

    def border(self) -> tuple[list[int], list[int]]:
        """Return the integers of the flags and of the values."""
        if self.flags is None or self.residuals is None:
            flags, residuals = self._made()
            self.flags = flags if self.flags is None else self.flags
            self.residuals = residuals if self.residuals is None else self.residuals
        return list(self.flags), list(self.residuals)

    def _made(self) -> tuple[list[int], list[int]]:
        source = _Listed(self.integers())
        tree, _ = grow(self.octree, source)
        flags: list[int] = []
        above: dict[Place, int] = {}
        for j in range(self.level + 1):
            here: dict[Place, int] = {}
            for place in places(crossed(tree, j)):
                flag = above[parent(place)] if j else MIXED
                if flag == MIXED:
                    flag = self.flag_at(j, place) if not self._last_hope(j, place) else MIXED
                    flags.append(flag)
                here[place] = flag
            above = here
        return flags, self._residuals(above)

    def _last_hope(self, level: int, place: Place) -> bool:
        """Say whether a cell is left mixed so that there is a value at all."""
        return level < self.level and place == (0, 0, 0)

    def _residuals(self, flags: dict[Place, int]) -> list[int]:
        values: dict[Place, int] = {}
        out: list[int] = []
        for place in corners(flags, MIXED):
            value = min(max(self.value_at(place), -LARGEST), LARGEST)
            out.append(value - guess(values, place))
            values[place] = value
        return out

    def config(self) -> dict[int, Any]:
        """Return the config."""
        flags, residuals = self.border()
        border = {4: self.level, 5: len(flags), 6: len(residuals)}
        config = super().config() | border | self.keys
        return {key: value for key, value in config.items() if value is not None}

    def quantisation(self) -> list[Any]:
        """Return the steps of the octree, the flags and the values."""
        return [1.0] * 3

    def file(
        self, streams: Sequence[bytes] | None = None, integers: Ints | None = None, **changes: Any
    ) -> File:
        """Return a file with this item and all its integers in one TENS section."""
        flags, residuals = self.border()
        if streams is None:
            streams = [self.stream(), raw_stream(flags), raw_stream(residuals)]
        every = [*self.integers(), *flags, *residuals] if integers is None else integers
        return super().file(streams, every, **changes)


class _Listed:
    """The integers of an octree as a source of cells and values."""

    def __init__(self, integers: Sequence[int]) -> None:
        self._integers = iter(integers)

    def cell(self, tree: object, place: Place) -> int:
        """Return the next integer."""
        return next(self._integers)

    def value(self, tree: object, node: object) -> int:
        """Return the next integer."""
        return next(self._integers)


def scattered(
    roots: Place, depth: int, level: int, seed: int = 1, part: int = 50, **options: Any
) -> Bordered:
    """Return a shell with pseudo-random cells, flags and values."""
    draw = randoms(seed + 900)
    numbers: dict[Place, int] = {}

    def value_at(place: Place) -> int:
        return numbers.setdefault(place, next(draw) % 41 - 20)

    source = Scattered(seed, 60)
    flags = Flagged(seed, part)
    return Bordered(
        roots, depth, 64, source, level=level, flag_at=flags, value_at=value_at, **options
    )
