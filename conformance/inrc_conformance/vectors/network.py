"""Vectors that all architectures of networks over coordinates share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..builders.file import File, MaskSpec
from ..builders.item import Item
from ..builders.network import Network
from ..builders.streams import laplace_stream, raw_stream, static_stream, stream, uleb
from .case import Case, case
from .fields import config_case, missing_keys
from .mask import ball

THREE = (("u", 7, 1.0, 2.0), ("v", 3, -5.0, 500.0), ("", 0, 100.0, 90.0))
Maker = Callable[[Sequence[int]], Network]
"""Makes an item of some dims."""


def shape_cases(topic: str, make: Maker, spec: str) -> Iterator[Case]:
    """Number and sizes of the axes."""
    dims: dict[str, list[int]] = {
        "dims-1": [13],
        "dims-1-of-2-samples": [2],
        "dims-2": [6, 5],
        "dims-2-first-longer": [9, 2],
        "dims-2-last-longer": [3, 8],
        "dims-3": [3, 4, 5],
        "dims-4": [3, 2, 4, 3],
        "axes-of-size-1": [1, 6, 1, 5, 1],
        "eight-dims": [1, 2, 1, 3, 2, 1, 1, 4],
    }
    for seed, (name, sizes) in enumerate(dims.items()):
        model = replace(make(sizes), seed=seed + 1)
        yield case(topic, name, model.file(), spec)


def item_cases(topic: str, make: Maker, spec: str) -> Iterator[Case]:
    """Components, quantisation, masks, tiles, residuals and streams."""
    model = make([5, 4])
    files = _component_files(model) | _parameter_files(model)
    files["tiles"] = (_tiles(make), "ITEM-11")
    for name, (file, more) in files.items():
        yield case(topic, name, file, f"{spec} {more}", tags=_TAGS.get(name, ""))
    values = model.integers()
    second = File(bytes([1, 0, 2, 0])).item(model.header()).tens([raw_stream(values)], values)
    yield case(topic, "level-2", second, f"{spec} FILE-4", level=2)


_Files = dict[str, tuple[File, str]]
_TAGS = {"clipped-y": "clip", "masked": "mask"}


def _component_files(model: Network) -> _Files:
    """Components, a mask and residuals."""
    masked = replace(model, components=[["a", 7, 0.5, 2.0, 0]]).file()
    residuals = range(-10, 10)
    file = model.file(k7=[0.125]).resd([raw_stream(residuals)], residuals)
    return {
        "three-components": (replace(model, components=THREE, seed=21).file(), "ITEM-6"),
        "dtype-f8": (replace(model, components=[["a", 8, 3.0, 4.0]], seed=22).file(), ""),
        "dtype-u2": (replace(model, components=[["a", 2, 3e4, 2e4]], seed=23).file(), "VAL-3"),
        "scale-0": (replace(model, components=[["a", 7, 3.25, 0.0]]).file(), "VAL-2"),
        "masked": (masked.mask(MaskSpec(ball((5, 4)))), "ITEM-4"),
        "residuals": (file, "VAL-7 ITEM-12"),
    }


def _parameter_files(model: Network) -> _Files:
    """Steps, sparse tensors and coders."""
    steps, values = model.steps(), model.integers()
    last = max(n for n, shape in enumerate(model.shapes()) if len(shape) > 1)
    far = [step * (32 if n == last else 1) for n, step in enumerate(steps)]
    slices = [[1, *[step * (1 + n % 3) for n in range(shape[0])]]
              for shape, step in zip(model.shapes(), steps, strict=True)]  # fmt: skip
    zero = [[0, step, n - 2] for n, step in enumerate(steps)]
    return {
        "clipped-y": (model.file(k3=far), "VAL-2"),
        "steps-per-slice": (model.file(k3=slices), "ITEM-7 ITEM-9"),
        "zero-not-0": (model.file(k3=zero), "ITEM-7 ITEM-9"),
        "sparse": (_sparse(model, shared=False), "ITEM-8 ITEM-9"),
        "sparse-shared": (_sparse(model, shared=True), "ITEM-8 ITEM-9"),
        "ans": (model.file([static_stream(1, values)]), "TENS-2"),
        "range-laplace": (model.file([laplace_stream(2, [(12, values)])]), "TENS-2"),
    }


def _tiles(make: Maker) -> File:
    """Return a field of two tiles."""
    file = File()
    for number, width in enumerate((4, 3)):
        tile = replace(make([5, width]), seed=30 + number)
        file.item(tile.header(k5=[0, 4 * number]))
        file.tens([raw_stream(tile.integers())], tile.integers(), number)
    return file


def _sparse(model: Network, shared: bool) -> File:
    """Leave out a part of tensor 0 and of the matrix before the last one or two."""
    shapes, counts = model.shapes(), model.counts()
    file, where = File(), {}
    masks: list[MaskSpec] = []
    for tensor in (0, max(n for n, shape in enumerate(shapes[:-1]) if len(shape) > 1)):
        shape = shapes[tensor][1:] if shared else shapes[tensor]
        size = int(np.prod(shape))
        bits = (np.arange(size) * 7 % 5 < 3).reshape(shape)
        counts[tensor] = counts[tensor] // size * int(np.count_nonzero(bits))
        where[tensor] = len(masks)
        masks.append(MaskSpec(bits, purpose=1, method=0))
    integers = model.integers(sum(counts))
    file.item(model.header(k4=where)).tens([raw_stream(integers)], integers)
    for mask in masks:
        file.mask(mask)
    return file


def common_faults(
    topic: str, make: Maker, rule: str, required: int, unknown: Sequence[int]
) -> Iterator[Case]:
    """Missing and unknown keys, wrong axes, and wrong numbers of entries and integers."""
    model = make([5, 4])
    good = model.config()
    yield from missing_keys(topic, model, required, rule)
    for key in range(required):
        config = good | {key: None}
        yield config_case(topic, f"key-{key}-null", model, config, f"ITEM-0 {rule}")
    for key in (*unknown, -1):
        name = f"config-key-{key}".replace("--", "-minus-")
        config = good | {key: 1}
        yield config_case(topic, name, model, config, f"ITEM-5 {rule}", "unsupported")
    for version in (0, 2):
        data = model.with_config(good, version).build()
        yield case(topic, f"version-{version}", data, "ITEM-5", "unsupported")
    yield from _shape_faults(topic, model, rule)


def _shape_faults(topic: str, model: Network, rule: str) -> Iterator[Case]:
    """Wrong axes, and wrong numbers of entries and integers."""
    steps, values = model.steps(), model.integers()
    mask = MaskSpec(np.ones((*model.shapes()[0], 2), np.bool_), purpose=1, method=0)
    files = {
        "no-active-axis": (model.file(k1=[1, 1]), rule),
        "five-active-axes": (model.file(k1=[2] * 5), rule),
        "quantisation-one-less": (model.file(k3=steps[:-1]), "ITEM-6"),
        "quantisation-one-more": (model.file(k3=[*steps, 1.0]), "ITEM-6"),
        "integers-one-less": (model.file(integers=values[:-1]), "TENS-2"),
        "integers-one-more": (model.file(integers=[*values, 0]), "TENS-2"),
        "parameter-overflows": (model.file(k3=[2.0**127, *steps[1:]]), "ITEM-9"),
        "sparse-of-another-shape": (model.file(k4={0: 0}).mask(mask), "ITEM-8"),
    }
    for name, (file, spec) in files.items():
        yield case(topic, name, file, spec, "malformed")


def limit_case(name: str, model: Item) -> Case:
    """Return a file that asks for more entries than level 2 has."""
    count = sum(model.counts())
    payload = uleb(0) + stream(0, count, uleb(0) + b"\0", b"")
    file = File(bytes([1, 0, 2, 0])).item(model.header()).add("TENS", payload)
    return case("integers", name, file, "LIM-1 STR-5", "limit", level=2)
