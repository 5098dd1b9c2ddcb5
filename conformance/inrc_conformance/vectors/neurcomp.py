"""Vectors of architecture 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..builders.network import Neurcomp
from .case import Case, case
from .fields import Field, config_faults
from .network import THREE, common_faults, item_cases, limit_case, shape_cases

_TOPIC, _RULE = "neurcomp", "NEURCOMP-1"
_SPEC = f"{_RULE} VAL-1"


def _make(dims: Sequence[int]) -> Neurcomp:
    return Neurcomp(dims, blocks=2)


def neurcomp_cases() -> Iterator[Case]:
    """All valid cases."""
    yield from [*shape_cases(_TOPIC, _make, _SPEC), *item_cases(_TOPIC, _make, _SPEC)]
    models = {f"blocks-{k}": Neurcomp((5, 4), seed=40 + k, blocks=k) for k in (0, 1, 2, 3, 5)}
    models |= {f"frequency-{w}": Neurcomp((5, 4), seed=w, frequency=w) for w in (1, 2, 7, 500)}
    models |= {f"width-{h}": Neurcomp((5, 4), seed=h, width=h) for h in (1, 2, 13)}
    models["blocks-0-three-components"] = Neurcomp((4, 3), THREE, 46, blocks=0)
    models["blocks-4-dims-3"] = Neurcomp((3, 5, 2), seed=47, blocks=4, width=3)
    for name, model in models.items():
        yield case(_TOPIC, name, model.file(), _SPEC)
    steep = Neurcomp((9, 7), seed=48, blocks=0, frequency=1000)
    steps = [2.0**-3, 2.0**-3, *steep.steps()[2:]]
    data = steep.file(k3=steps).build()
    yield case(_TOPIC, "phases-of-thousands", data, f"{_SPEC} VAL-5", tags="precision")


_FIELDS = (Field(0, "width", 1, 4096), Field(1, "blocks", 0, 64), Field(2, "frequency", 1, 1000))


def neurcomp_faults() -> list[Case]:
    """All refused cases."""
    return [
        *config_faults(_TOPIC, _make((5, 4)), _FIELDS, _RULE),
        *common_faults(_TOPIC, _make, _RULE, 3, (3, 4)),
        limit_case("neurcomp-2-31", Neurcomp((3, 3), width=4096, blocks=64)),
    ]
