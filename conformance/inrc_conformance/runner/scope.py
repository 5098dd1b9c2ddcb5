"""Scope of the comparison with a decoder that has only some of the architectures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .architectures import ARCHITECTURES
from .suite import SuiteCase


@dataclass(frozen=True)
class Scope:
    """The architectures that a decoder evaluates; None stands for all of them."""

    architectures: frozenset[str] | None = None

    def allows_unsupported(self, case: SuiteCase) -> bool:
        """Say whether a refusal may be *unsupported* because of an architecture of the file."""
        return case.expect != "ok" and self._lacks(case.architectures)

    def may_leave_out(self, case: SuiteCase) -> set[int]:
        """Return the items of a good file that need no values.

        They are those of other architectures, and the tiles of a field with such an item in it.
        """
        names: dict[str, set[int]] = {}
        for limits in case.info["limits"]:
            names.setdefault(limits["name"], set()).add(limits["item"])
        lacking = {n for n, name in enumerate(case.architectures) if self._lacks([name])}
        return lacking.union(*(items for items in names.values() if items & lacking))

    def is_lacking(self, case: SuiteCase, item: int) -> bool:
        """Say whether an item of a good file has an architecture that the decoder lacks."""
        return self._lacks([case.architectures[item]])

    def _lacks(self, names: Iterable[str]) -> bool:
        return self.architectures is not None and not self.architectures.issuperset(names)


EVERYTHING = Scope()


def scope_of(text: str | None) -> Scope:
    """Read the option `--architectures`: names after commas; raises ValueError for another one."""
    if text is None:
        return EVERYTHING
    names = frozenset(text.split(","))
    for name in sorted(names):
        if name not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"--architectures: there is no {name!r}; there are {known}")
    return Scope(names)
