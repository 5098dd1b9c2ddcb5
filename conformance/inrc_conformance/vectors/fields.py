"""Faults of configs, made from tables of fields: each is a key with the range of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..builders.file import Raw
from ..builders.item import Item
from .case import Case, case

NAN = Raw(b"\xf9\x7e\x00")
"""CBOR of the only NaN that a file may have."""
MISSING = object()
"""Value of a key that is left out."""
EVERY_NUMBER = "low high float true text array wraps"


@dataclass(frozen=True)
class Field:
    """A key, the range of its integers, and the wrong values that the vectors have for it."""

    key: int
    name: str
    low: int = 0
    high: int = 0
    wrong: str = EVERY_NUMBER
    """Names of kinds in `_WRONG`, separated by blanks."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Wrong values of other kinds, by the end of their name."""

    def values(self, good: Any) -> dict[str, Any]:
        """Return the wrong values by name; `good` is a right one."""
        kinds = dict(_WRONG[kind](self, good) for kind in self.wrong.split())
        return {f"{self.name}-{name}": value for name, value in {**kinds, **self.others}.items()}


_WRONG: Mapping[str, Callable[[Field, Any], tuple[str, Any]]] = {
    "low": lambda f, good: (_signed(f.low - 1), f.low - 1),
    "high": lambda f, good: (f"{f.high + 1}", f.high + 1),
    "negative": lambda f, good: ("negative", -(good or 1)),
    "wraps": lambda f, good: ("wraps", 2**32 + good),
    "float": lambda f, good: ("float", float(good)),
    "true": lambda f, good: ("true", True),
    "text": lambda f, good: ("text", str(good)),
    "array": lambda f, good: ("array", [good]),
    "null": lambda f, good: ("null", None),
    "missing": lambda f, good: ("missing", MISSING),
    # Wrong floats.
    "nan": lambda f, good: ("nan", NAN),
    "infinite": lambda f, good: ("infinite", math.inf),
    "minus-infinite": lambda f, good: ("minus-infinite", -math.inf),
    "inexact": lambda f, good: ("not-a-float32", 0.1),
    "above-float32": lambda f, good: ("above-float32", 2.0**128),
    "below-float32": lambda f, good: ("below-float32", 2.0**-150),
    # Wrong arrays of integers; the last entry is the wrong one.
    "number": lambda f, good: ("not-an-array", good[0]),
    "empty": lambda f, good: ("empty", []),
    "few": lambda f, good: ("one-too-few", good[:-1]),
    "many": lambda f, good: ("one-too-many", [*good, 0]),
    "low-entry": lambda f, good: (f"of-{f.low - 1}", [*good[:-1], f.low - 1]),
    "high-entry": lambda f, good: (f"of-{f.high + 1}", [*good[:-1], f.high + 1]),
    "float-entry": lambda f, good: ("float", [*good[:-1], float(good[-1])]),
}


WRONG_STEP = Field(3, "step", wrong="negative nan inexact", others={"0": 0.0, "integer": 1})
"""Wrong steps, which several kinds of quantisation have."""


def _signed(number: int) -> str:
    return f"{number}".replace("-", "minus-")


def config_faults(
    topic: str,
    model: Item,
    fields: Sequence[Field],
    rule: str,
    more: str = " ITEM-5",
    good: Mapping[int, Any] | None = None,
) -> list[Case]:
    """Return a file with each wrong value of each field.

    `rule` is the id of the config, `more` the ids after it, and `good` a right config, if it is not
    that of the model.
    """
    good = model.config() if good is None else good
    out: list[Case] = []
    for row in fields:
        for name, value in row.values(good.get(row.key)).items():
            config: dict[int, Any] = {k: v for k, v in good.items() if k != row.key}
            if value is not MISSING:
                config[row.key] = value
            spec = rule + more if value is not None else f"ITEM-0 {rule}"
            out.append(config_case(topic, name, model, config, spec))
    return out


def config_case(
    topic: str,
    name: str,
    model: Item,
    config: Mapping[int, Any],
    spec: str,
    expect: str = "malformed",
) -> Case:
    """Return a case with another config and the integers of the good one."""
    return case(topic, name, model.with_config(dict(config)), spec, expect)


def missing_keys(topic: str, model: Item, number: int, spec: str) -> list[Case]:
    """Return an empty config, and one without each of the first keys."""
    good = model.config()
    configs: dict[str, dict[int, Any]] = {"config-empty": {}}
    for n in range(number):
        configs[f"key-{n}-missing"] = {k: v for k, v in good.items() if k != n}
    return [config_case(topic, name, model, config, spec) for name, config in configs.items()]


def unknown_configs(
    name: str, model: Item, keys: Mapping[int, Any], rule: str = "", versions: Sequence[int] = (2,)
) -> list[Case]:
    """Return other versions of an architecture, and keys that its config lacks."""
    good = model.config()
    files = {f"{name}-version-{v}": (model.with_config(good, v), "") for v in versions}
    for key, value in keys.items():
        suffix = "-negative" if key < 0 else ""
        files[f"config-key-of-{name}{suffix}"] = (model.with_config(good | {key: value}), rule)
    return [
        case("item", case_name, file, f"ITEM-5 {more}", "unsupported")
        for case_name, (file, more) in files.items()
    ]
