"""Small checks of the trees of metadata (`metadata.md`); a tree that breaks a rule is corrupt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .cbor import Value, as_list, as_map, as_text, as_uint
from .errors import Malformed
from .headers import Item
from .masks import Mask
from .verbatim import Variable

Tree = dict[int | str, Value]


class Corrupt(Malformed):
    """A tree that breaks a rule; the file is decoded all the same."""


@dataclass(frozen=True)
class Held:
    """Items, masks and variables of the file that the tree belongs to."""

    items: Sequence[Item]
    masks: Sequence[Mask]
    verbatim: dict[str, Variable]

    def fields(self) -> set[str]:
        """Return the names of all components."""
        return {part.name for item in self.items for part in item.components}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a field, put together from its tiles."""
        items = [i for i in self.items if any(part.name == name for part in i.components)]
        ends = (
            tuple(
                a + n for a, n in zip(item.origin or (0,) * len(item.dims), item.dims, strict=True)
            )
            for item in items
        )
        return tuple(map(max, zip(*ends, strict=True)))


def require(holds: bool, rule: str) -> None:
    """Raise `Corrupt` unless something holds."""
    if not holds:
        raise Corrupt(rule)


def map_of(value: Value, known: range, rule: str, needed: Sequence[int] = ()) -> Tree:
    """Return a map whose keys are known (META-2) and that has those that are needed."""
    tree = as_map(value, rule)
    for key in tree:
        require(type(key) is int and key in known, f"META-2: an unknown key in {rule}")
    require(all(key in tree for key in needed), f"{rule}: a key is missing")
    return tree


def filled(value: Value, rule: str) -> list[Value]:
    """Return a list that is not empty."""
    some = as_list(value, rule)
    require(bool(some), f"{rule}: an empty list")
    return some


def texts(value: Value, rule: str) -> list[str]:
    """Return a list of texts."""
    return [as_text(entry, rule) for entry in as_list(value, rule)]


def uints(value: Value, rule: str) -> list[int]:
    """Return a list of unsigned integers that is not empty."""
    return [as_uint(entry, rule) for entry in filled(value, rule)]


def floats(value: Value, rule: str) -> list[float]:
    """Return a list of finite floats."""
    out: list[float] = []
    for entry in as_list(value, rule):
        if not isinstance(entry, float) or not math.isfinite(entry):
            raise Corrupt(f"{rule}: not a finite float")
        out.append(entry)
    return out
