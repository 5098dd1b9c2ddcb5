"""Vectors of architecture 8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..builders.network import Hashgrid
from .case import Case, case
from .fields import Field, config_faults
from .network import THREE, common_faults, item_cases, limit_case, shape_cases

_TOPIC, _RULE = "hashgrid", "HASHGRID-1"
_SPEC = f"{_RULE} VAL-1"


def _make(dims: Sequence[int]) -> Hashgrid:
    return Hashgrid(dims, table=4 if len(dims) < 4 else 5)


def hashgrid_cases() -> Iterator[Case]:
    """All valid cases."""
    yield from [*shape_cases(_TOPIC, _make, _SPEC), *item_cases(_TOPIC, _make, _SPEC)]
    plain = Hashgrid((6, 5))
    models = {
        "levels-1": replace(plain, levels=1),
        "levels-6": replace(plain, levels=6, growth=1.25),
        "levels-32": replace(plain, levels=32, features=1, table=3, growth=1.0),
        "features-1": replace(plain, features=1),
        "features-5": replace(plain, features=5, levels=2),
        "table-3": replace(plain, table=3),
        "table-8-all-dense": replace(plain, table=8, base=3),
        "all-hashed": replace(plain, table=3, base=7, growth=2.0),
        "dense-exactly-full": replace(plain, levels=1, table=4, base=4),
        "hashed-by-one-node": replace(plain, levels=1, table=3, base=3),
        "base-2-growth-1": replace(plain, growth=1.0, levels=2),
        "growth-4": replace(plain, growth=4.0, base=3),
        "growth-near-1": replace(plain, growth=1 + 2.0**-23, base=4, table=6, levels=2),
        "growth-irrational": replace(plain, growth=1.4142135381698608, levels=5, base=4),
        "resolution-beyond-samples": replace(plain, base=40, levels=2),
        "width-1": replace(plain, width=1, seed=5),
        "width-16": replace(plain, width=16, levels=2),
        "hidden-2": replace(plain, hidden=2),
        "hidden-4": replace(plain, hidden=4),
        "three-components-hidden-3": replace(plain, components=THREE, hidden=3),
        "dims-1-dense": Hashgrid((17,), table=6, base=5),
        "dims-1-hashed": Hashgrid((17,), table=3, base=40),
        "dims-1-base-65536": Hashgrid((33,), table=3, base=65536, growth=2.0),
        "dims-3-dense": Hashgrid((3, 4, 5), table=7, base=3, levels=2),
        "dims-3-hashed": Hashgrid((4, 3, 5), table=5, base=5, levels=2),
        "dims-4-dense": Hashgrid((2, 3, 3, 4), table=8, base=3, levels=1),
        "dims-4-hashed": Hashgrid((4, 3, 2, 3), table=5, base=4, levels=2),
        "dims-4-of-2-24-nodes": Hashgrid((3, 3, 2, 3), table=3, base=65536, growth=4.0, levels=5),
    }
    for seed, (name, model) in enumerate(models.items()):
        some = replace(model, seed=50 + seed)
        yield case(_TOPIC, name, some.file(), f"{_SPEC} HASHGRID-2" if model.base > 1000 else _SPEC)
    fine = Hashgrid((257,), table=6, base=65536, growth=4.0, levels=5, seed=80)
    yield case(_TOPIC, "cells-of-2-24", fine.file(), f"{_SPEC} HASHGRID-2", tags="precision")


_FIELDS = (
    Field(0, "levels", 1, 32),
    Field(1, "features", 1, 16),
    Field(2, "table", 3, 24),
    Field(3, "base", 2, 65536),
    Field(5, "width", 1, 1024),
    Field(6, "hidden", 1, 16),
)
_GROWTH = Field(
    4,
    "growth",
    wrong="negative nan infinite true",
    others={"integer": 2, "below-1": 1 - 2.0**-24, "above-4": 4 + 2.0**-21, "not-a-float32": 1.1},
)


def hashgrid_faults() -> Iterator[Case]:
    """All refused cases."""
    model = _make((5, 4))
    yield from [
        *config_faults(_TOPIC, model, _FIELDS, _RULE),
        *config_faults(_TOPIC, model, [_GROWTH], _RULE, ""),
        *common_faults(_TOPIC, _make, _RULE, 7, (7, 8)),
    ]
    for name, number, base, growth in (
        ("above-2-24", 6, 65536, 4.0),
        ("far-above-2-24", 32, 65536, 4.0),
        ("just-above-2-24", 7, 4097, 4.0),
        ("just-above-by-growth", 9, 65536, 2 + 2.0**-22),
    ):
        grid = Hashgrid((5, 4), table=3, base=base, growth=growth, levels=number)
        yield case(_TOPIC, f"nodes-{name}", grid.file(), "HASHGRID-2", "malformed")
    huge = Hashgrid((3, 3), levels=32, features=16, table=24, base=65536, growth=1.0)
    yield limit_case("hashgrid-2-33", huge)
