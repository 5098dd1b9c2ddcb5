"""Classes and tables of the static coder (section 7.6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .tables import Table, make_table

STATIC_CHANCES: tuple[int, ...] = (
    1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 21, 27, 35, 45, 58, 74, 94, 120, 153, 194, 246, 311, 391,
    488, 606, 747, 912, 1102, 1314, 1546, 1793, 2048, 2303, 2550, 2782, 2994, 3184, 3349, 3490,
    3608, 3705, 3785, 3850, 3902, 3943, 3976, 4002, 4022, 4038, 4051, 4061, 4069, 4075, 4079,
    4083, 4086, 4088, 4090, 4091, 4092, 4093, 4094, 4094,
)  # fmt: skip
"""A copy of `static_chances`, so that the decoder needs no file; see `differences`."""
STATIC_WEIGHTS: tuple[int, ...] = (14, 5, 12, 4, 3, 3, 8, 2, 4, 1, 0, 0, 0, 0, 0, 0, 0)
"""A copy of `static_weights`: w_0..w_9, v_0..v_6."""

MAGNITUDE, SIGN, FLAG = range(3)
"""Kinds of symbols, each with classes of its own."""
CLASSES = (31, 8, 24)
"""Number of classes of each kind."""
BITS = 12
TOTAL = 1 << BITS
"""Sum of the frequencies of a table."""
MOST_SYMBOLS = 59
GREATEST_HAZARD = 63


@dataclass(frozen=True)
class StaticTables:
    """The tables of a stream: those of the magnitude, sign and flag classes."""

    tables: tuple[tuple[Table, ...], ...]

    def of(self, kind: int, number: int) -> Table:
        """Return the table of a class."""
        return self.tables[kind][number]


def differences(registry: Path) -> list[str]:
    """Compare the copies with the lists of a registry file; empty when they agree."""
    content = json.loads(registry.read_text(encoding="utf-8"))
    copies = {"static_chances": STATIC_CHANCES, "static_weights": STATIC_WEIGHTS}
    return [f"{name} differ" for name, copy in copies.items() if tuple(content[name]) != copy]


def class_of(x: int) -> int:
    """Return CLASS(x)."""
    e = x + 1
    b = e.bit_length() - 1
    return 2 * b + (e >> (b - 1)) % 2 if b else 0


@lru_cache(maxsize=4096)
def table_of(hazards: tuple[int, ...]) -> Table:
    """Return the table of n - 1 hazards: the chance of each symbol if none before it came."""
    remaining = TOTAL
    frequencies: list[int] = []
    for i, hazard in enumerate(hazards):
        wanted = (remaining * STATIC_CHANCES[hazard] + TOTAL // 2) >> BITS
        frequencies.append(min(max(wanted, 1), remaining - (len(hazards) - i)))
        remaining -= frequencies[-1]
    return make_table([*frequencies, remaining])
