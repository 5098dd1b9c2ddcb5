"""Vectors of architecture 7 without priors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..builders.file import File
from ..builders.network import Siren
from .case import Case, case, cases_of
from .fields import Field, config_case, config_faults
from .network import THREE, common_faults, item_cases, limit_case, shape_cases

_TOPIC, _RULE = "siren", "SIREN-1"
_SPEC = f"{_RULE} VAL-1"
NERF, POSITIONAL, GAUSS = (1, 2, 2000), (2, 3, 5000), (3, 4, 1500, 7)


def _make(dims: Sequence[int]) -> Siren:
    return Siren(dims)


_PLAIN = Siren((6, 5))


_MODELS = {
    "layers-0": replace(_PLAIN, hidden=0),
    "layers-0-nerf": replace(_PLAIN, hidden=0, encoding=NERF),
    "layers-2": replace(_PLAIN, hidden=2),
    "layers-4": replace(_PLAIN, hidden=4),
    "width-1": replace(_PLAIN, width=1),
    "width-12": replace(_PLAIN, width=12),
    "three-components-gauss": replace(_PLAIN, components=THREE, encoding=GAUSS),
    "nerf-1": replace(_PLAIN, encoding=(1, 1, 2000)),
    "nerf-5": replace(_PLAIN, encoding=(1, 5, 2000)),
    "nerf-s-below-1": replace(_PLAIN, encoding=(1, 3, 700)),
    "nerf-s-1": replace(_PLAIN, encoding=(1, 3, 1)),
    "nerf-s-not-dyadic": replace(_PLAIN, encoding=(1, 4, 1259)),
    "nerf-1-of-largest-s": replace(_PLAIN, encoding=(1, 1, 2**26)),
    "positional-1": replace(_PLAIN, encoding=(2, 1, 3000)),
    "positional-6": replace(_PLAIN, encoding=(2, 6, 9000)),
    "positional-s-below-1": replace(_PLAIN, encoding=(2, 3, 250)),
    "positional-s-large": replace(_PLAIN, encoding=(2, 4, 1000000)),
    "gauss-1": replace(_PLAIN, encoding=(3, 1, 900, 1)),
    "gauss-6": replace(_PLAIN, encoding=(3, 6, 1000, 12345)),
    "gauss-seed-0": replace(_PLAIN, encoding=(3, 3, 1000, 0)),
    "gauss-seed-2-32": replace(_PLAIN, encoding=(3, 3, 1000, 2**32)),
    "gauss-seed-2-64-less-1": replace(_PLAIN, encoding=(3, 3, 1000, 2**64 - 1)),
    "gauss-s-10": replace(_PLAIN, encoding=(3, 4, 10000, 3)),
}


_STEEP: dict[str, Sequence[int]] = {
    "nerf-to-2-24": (1, 25, 2000),
    "nerf-s-near-limit": (1, 3, 4096000),
    "positional-largest-s": (2, 8, 2**26),
    "gauss-largest-s": (3, 8, 2**22, 5),
}


def siren_cases() -> Iterator[Case]:
    """All valid cases without a prior."""
    yield from [*shape_cases(_TOPIC, _make, _SPEC), *item_cases(_TOPIC, _make, _SPEC)]
    for name, encoding in (("nerf", NERF), ("positional", POSITIONAL), ("gauss", GAUSS)):
        for seed, dims in enumerate(((9,), (5, 4), (3, 4, 3), (2, 3, 2, 3), (1, 4, 1, 3))):
            axes = "-1-4-1-3" if 1 in dims else f"-dims-{len(dims)}"
            model = Siren(dims, seed=seed + 1, encoding=encoding)
            yield case(_TOPIC, name + axes, model.file(), _SPEC)
    models = dict(_MODELS)
    models |= {f"omega-{w}": replace(_PLAIN, extra={3: w}) for w in (1, 2, 30, 100, 1024)}
    models["omega-10-nerf"] = replace(_PLAIN, extra={3: 10}, encoding=NERF)
    for seed, (name, model) in enumerate(models.items()):
        yield case(_TOPIC, name, replace(model, seed=20 + seed).file(), _SPEC)
    for seed, (name, numbers) in enumerate(_STEEP.items()):
        data = Siren((9, 7), seed=60 + seed, encoding=numbers).file().build()
        yield case(_TOPIC, name, data, f"{_SPEC} SIREN-2 VAL-5", tags="precision")


_FIELDS = (Field(0, "width", 1, 4096), Field(1, "layers", 0, 64), Field(3, "omega", 1, 1024))
_NO_PRIOR = {
    "15-bytes": bytes(15),
    "17-bytes": bytes(17),
    "empty": b"",
    "text": "a" * 16,
    "integer": 0,
    "array": [bytes(16)],
}
_NO_ENCODING: dict[str, Any] = {
    "empty": [],
    "not-an-array": 0,
    "mlp-longer": [0, 1],
    "kind-negative": [-1],
    "kind-float": [0.0],
    "kind-false": [False],
    "kind-text": ["nerf"],
    "kind-array": [[0]],
    "gauss-5-entries": [3, 4, 1500, 7, 0],
    "gauss-seed-missing": [3, 4, 1500],
    "gauss-seed-negative": [3, 4, 1500, -1],
    "gauss-seed-float": [3, 4, 1500, 7.0],
    "nerf-4-entries": [1, 2, 2000, 7],
    "positional-4-entries": [2, 2, 2000, 7],
}


def siren_faults() -> Iterator[Case]:
    """All refused cases without a prior."""
    model = _make((5, 4))
    with_omega = replace(model, extra={3: 30})
    yield from [
        *config_faults(_TOPIC, with_omega, _FIELDS, _RULE),
        *common_faults(_TOPIC, _make, _RULE, 3, (5, 6)),
        *_encoding_faults(model),
    ]
    prior = Field(4, "prior", wrong="", others=_NO_PRIOR)
    yield from config_faults(_TOPIC, model, [prior], _RULE, "")
    yield limit_case("siren-2-30", Siren((3, 3), width=4096, hidden=64))


def _encoding_faults(model: Siren) -> Iterator[Case]:
    """Arrays that are no encoding, and kinds that no decoder knows."""
    encodings = dict(_NO_ENCODING)
    for name, kind, tail in (("nerf", 1, []), ("positional", 2, []), ("gauss", 3, [7])):
        encodings |= {
            f"{name}-alone": [kind],
            f"{name}-2-entries": [kind, 2],
            f"{name}-l-0": [kind, 0, 2000, *tail],
            f"{name}-l-1025": [kind, 1025, 1000, *tail],
            f"{name}-l-float": [kind, 2.0, 2000, *tail],
            f"{name}-s-0": [kind, 2, 0, *tail],
            f"{name}-s-negative": [kind, 2, -2000, *tail],
            f"{name}-s-above-2-26": [kind, 2, 2**26 + 1, *tail],
            f"{name}-s-float": [kind, 2, 2.0, *tail],
        }
    field = Field(2, "encoding", wrong="", others=encodings)
    yield from config_faults(_TOPIC, model, [field], _RULE, "")
    for name, value in (("4", [4]), ("4-with-entries", [4, 2, 2000]), ("2-40", [2**40, "x"])):
        config = model.config() | {2: value}
        yield config_case(_TOPIC, f"encoding-{name}", model, config, _RULE, "unsupported")
    yield from _frequency_faults()


def _frequency_faults() -> list[Case]:
    """Frequencies above 2^24."""
    encodings = {
        "2-25": (1, 26, 2000),
        "just-above-2-24": (1, 3, 4096001),
        "far-above": (1, 1024, 2**26),
        "above-by-many-small": (1, 1024, 1017),
    }
    files: dict[str, tuple[File | bytes, str]] = {
        name: (Siren((5, 4), encoding=encoding).file(), "SIREN-2")
        for name, encoding in encodings.items()
    }
    return cases_of(_TOPIC, files, "malformed", "nerf-frequency-")
