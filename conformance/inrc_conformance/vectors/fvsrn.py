"""Vectors of architecture 1 with keys 5 to 8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec
from ..builders.network import Latent
from ..builders.streams import raw_stream
from .case import Case, case
from .fields import Field, config_case, config_faults
from .network import THREE, common_faults, item_cases, limit_case

_TOPIC, _RULE = "fvsrn", "FVSRN-1"
_SPEC = f"{_RULE} VAL-1"


def _make(dims: Sequence[int]) -> Latent:
    """An item with all four keys."""
    active = [size for size in dims if size > 1]
    extra = {5: [1, 1], 6: [0, 1, 2], 7: [2, 200, 5], 8: 300}
    return Latent(dims, grid=[3, 4, 2, 2, 2][: len(active)], octaves=0, extra=extra)


def fvsrn_cases() -> Iterator[Case]:
    """All valid cases."""
    models = _wavelets() | _times() | _rows() | _frequencies() | _mixed()
    for seed, (name, model) in enumerate(models.items()):
        yield case(_TOPIC, name, replace(model, seed=10 + seed).file(), _spec(model))
    steep = replace(_time((257,), (5,), 0, 1, 16), seed=5)
    wide = Latent((65, 3), grid=(3, 3), octaves=0, extra={7: [5, 2**20, 3]}, seed=6)
    for name, model in (("time-of-16-octaves", steep), ("rows-of-thousands", wide)):
        yield case(_TOPIC, name, model.file(), f"{_spec(model)} VAL-5", tags="precision")
    yield from item_cases(_TOPIC, _make, _spec(_make((5, 4))))
    yield from _sparse_details()


def _spec(model: Latent) -> str:
    more = {5: " FVSRN-2", 7: " FVSRN-3"}
    return _SPEC + "".join(more.get(key, "") for key in model.extra)


def _wavelets() -> dict[str, Latent]:
    """Key 5."""
    out: dict[str, Latent] = {}
    for kind, name in ((1, "97"), (2, "53")):
        for grid, dims, levels in (
            ((9,), (12,), 1),
            ((8,), (9,), 3),
            ((2,), (5,), 1),
            ((3,), (5,), 2),
            ((4, 4), (6, 5), 1),
            ((5, 6), (6, 7), 2),
            ((3, 7), (4, 9), 3),
            ((2, 9), (3, 10), 4),
            ((2, 2), (5, 4), 1),
            ((3, 4, 5), (3, 4, 5), 1),
            ((2, 5, 3), (4, 5, 4), 3),
            ((2, 3, 2, 3), (2, 3, 3, 3), 1),
            ((3, 2, 4, 2), (3, 2, 4, 3), 2),
        ):
            size = "-".join(map(str, grid))
            out[f"wavelet-{name}-{size}-levels-{levels}"] = Latent(
                dims, grid=grid, extra={5: [kind, levels]}
            )
        deep = Latent((4, 33), grid=(2, 33), features=1, extra={5: [kind, 6]})
        out[f"wavelet-{name}-2-33-levels-6"] = deep
    return out


def _time(dims: Sequence[int], grid: Sequence[int], axis: int, raw: int, octaves: int) -> Latent:
    return Latent(dims, grid=grid, extra={6: [axis, raw, octaves]})


def _times() -> dict[str, Latent]:
    """Key 6."""
    out: dict[str, Latent] = {}
    for axis in range(3):
        for raw, octaves in ((0, 0), (1, 0), (0, 2), (1, 3)):
            name = f"time-axis-{axis}-raw-{raw}-octaves-{octaves}"
            out[name] = _time((3, 4, 5), (2, 3, 3), axis, raw, octaves)
    out |= {f"time-alone-raw-{raw}": _time((11,), (4,), 0, raw, raw) for raw in (0, 1)}
    out["time-axis-3-of-4"] = _time((2, 3, 2, 4), (2, 2, 2, 3), 3, 1, 1)
    out["time-behind-axes-of-size-1"] = _time((1, 4, 1, 5), (3, 3), 1, 0, 1)
    out["time-octaves-0-others-3"] = replace(_time((5, 6), (3, 3), 0, 0, 0), octaves=3)
    return out


def _rows() -> dict[str, Latent]:
    """Key 7."""
    plain = Latent((6, 5), octaves=0)
    rows = {
        "1": [1, 256, 0],
        "3": [3, 256, 1],
        "7": [7, 512, 99],
        "s-1": [2, 1, 7],
        "s-2000": [3, 2000, 7],
        "seed-2-32-less-1": [2, 256, 2**32 - 1],
    }
    out = {f"rows-{name}": replace(plain, extra={7: value}) for name, value in rows.items()}
    for dims, grid in (((9,), (3,)), ((3, 4, 4), (2, 2, 3)), ((2, 3, 2, 3), (2, 2, 2, 2))):
        model = Latent(dims, grid=grid, octaves=0, extra={7: [4, 300, 11]})
        out[f"rows-dims-{len(dims)}"] = model
    for axis in range(3):
        extra = {6: [axis, axis % 2, axis], 7: [3, 300, 12]}
        name = f"rows-beside-time-{axis}"
        out[name] = Latent((3, 4, 4), grid=(2, 3, 2), octaves=0, extra=extra)
    return out


def _frequencies() -> dict[str, Latent]:
    """Key 8."""
    plain = Latent((6, 5))
    out = {
        f"frequency-{f}": replace(plain, extra={8: f})
        for f in (1, 64, 255, 256, 257, 1000, 5120, 65536)
    }
    out["frequency-600-layers-3"] = replace(plain, hidden=3, extra={8: 600})
    return out


def _mixed() -> dict[str, Latent]:
    """Several keys."""
    out = {
        "all-keys-dims-2": _make((5, 4)),
        "all-keys-dims-3": _make((3, 4, 5)),
        "all-keys-dims-4": _make((3, 2, 4, 3)),
        "all-keys-three-components": replace(_make((5, 4)), components=THREE, hidden=2),
    }
    extra = {5: [2, 2], 6: [2, 0, 1]}
    out["wavelet-and-time"] = Latent((3, 4, 6), grid=(2, 3, 5), extra=extra)
    return out


def _sparse_details() -> Iterator[Case]:
    """Coefficients that are not coded, some of them in details alone."""
    model = Latent((6, 7), grid=(5, 6), extra={5: [1, 2]}, seed=77)
    shapes = model.shapes()
    for name, full in (("full", True), ("shared", False)):
        counts, where = model.counts(), dict[int, int]()
        masks: list[MaskSpec] = []
        for tensor in (1, 2):
            shape = shapes[tensor] if full else shapes[tensor][1:]
            bits = (np.arange(int(np.prod(shape))) * 5 % 7 < 3).reshape(shape)
            counts[tensor] = counts[tensor] // bits.size * int(np.count_nonzero(bits))
            where[tensor] = len(masks)
            masks.append(MaskSpec(bits, 1, method=0))
        values = model.integers(sum(counts))
        file = File().item(model.header(k4=where)).tens([raw_stream(values)], values)
        for mask in masks:
            file.mask(mask)
        name = f"wavelet-sparse-{name}"
        yield case(_TOPIC, name, file, "FVSRN-2 ITEM-8 ITEM-9")


def fvsrn_faults() -> Iterator[Case]:
    """All refused cases of the new keys."""
    model = _make((5, 4))
    frequency = [Field(8, "frequency", 1, 65536)]
    yield from [*config_faults(_TOPIC, model, frequency, _RULE), *_array_faults(model)]
    for fault in common_faults(_TOPIC, _make, _RULE, 5, (9, 10)):
        if fault.name not in ("no-active-axis", "five-active-axes"):
            yield replace(fault, name=f"more-{fault.name}")
    for name, grid, levels in (
        ("2-of-2", (2, 2), 2),
        ("3-of-4", (3, 4), 3),
        ("4-of-8", (8, 2), 4),
        ("16", (3, 3), 16),
    ):
        small = Latent((5, 4), grid=grid, extra={5: [1, 1]})
        config = small.config() | {5: [1, levels]}
        name = f"wavelet-levels-{name}"
        yield config_case(_TOPIC, name, small, config, "FVSRN-2", "malformed")
    for wavelet in (3, 128, 255):
        config = model.config() | {5: [wavelet, 1]}
        name = f"wavelet-{wavelet}"
        yield config_case(_TOPIC, name, model, config, "FVSRN-2", "unsupported")
    beside = Latent((5, 4), octaves=1, extra={7: [2, 256, 1]})
    yield case(_TOPIC, "rows-and-octaves", beside.file(), "FVSRN-3", "malformed")
    alone = Latent((9,), grid=(3,), octaves=0, extra={6: [0, 1, 1], 7: [2, 256, 1]})
    yield case(_TOPIC, "rows-of-time-alone", alone.file(), "FVSRN-3", "malformed")
    huge = Latent((3,) * 4, grid=(1024,) * 4, features=4, extra={5: [1, 1]})
    yield limit_case("fvsrn-wavelet-2-42", huge)


def _array_faults(model: Latent) -> list[Case]:
    """Values of keys 5, 6 and 7 that are not the arrays they have to be."""
    arrays: dict[int, tuple[str, list[tuple[int, int]]]] = {
        5: ("wavelet", [(1, 255), (1, 16)]),
        6: ("time", [(0, 1), (0, 1), (0, 16)]),
        7: ("rows", [(1, 4096), (1, 2**20), (0, 2**32 - 1)]),
    }
    fields = [
        Field(key, name, wrong="empty true", others=_wrong_arrays(model.extra[key], ranges))
        for key, (name, ranges) in arrays.items()
    ]
    return config_faults(_TOPIC, model, fields, _RULE, "")


def _wrong_arrays(good: list[Any], ranges: list[tuple[int, int]]) -> dict[str, Any]:
    """Return arrays of another length, and arrays with one wrong entry."""
    values: dict[str, Any] = {"integer": good[0], "one-less": good[:-1], "one-more": [*good, 0]}
    for place, (low, high) in enumerate(ranges):
        for suffix, value in (
            ("too-small", low - 1),
            ("too-large", high + 1),
            ("float", float(good[place])),
            ("true", True),
            ("array", [good[place]]),
        ):
            values[f"entry-{place}-{suffix}"] = [*good[:place], value, *good[place + 1 :]]
    return values
