"""Vectors of architecture 6, valid and refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import File, Index, MaskSpec, constant_item, float_bits
from ..builders.miner import Miner
from ..builders.streams import laplace_stream, raw_stream
from .case import Case, case
from .fields import Field, config_faults, missing_keys, unknown_configs
from .mask import ball
from .network import limit_case

_SPEC = "MINER-1 VAL-1"


def miner_cases() -> list[Case]:
    """All valid cases of architecture 6."""
    return [*_shape_cases(), *_network_cases(), *_sparse_cases(), *_item_cases()]


def miner_faults() -> list[Case]:
    """All refused cases of architecture 6."""
    return [*_config_faults(), *_other_faults()]


def _valid(
    name: str, data: File | bytes, spec: str = _SPEC, tags: str = "", level: int = 1
) -> Case:
    return case("miner", name, data, spec, tags=tags, level=level)


def _valid_models(models: dict[str, Miner]) -> Iterator[Case]:
    for name, model in models.items():
        yield _valid(name, model.file())


def _shape_cases() -> Iterator[Case]:
    """Axes, levels and blocks."""
    models = {
        "dims-1": Miner((21,), 4, (3, 3, 3), seed=2),
        "dims-2": Miner((9, 7), 4, (3, 2), seed=3),
        "dims-3": Miner((5, 6, 7), 4, (2, 2), seed=4),
        "dims-4": Miner((3, 4, 3, 5), 3, (2, 1), seed=5),
        "axes-of-size-1": Miner((1, 9, 1, 1, 6), 4, (2, 3), seed=6),
        "axes-of-size-2": Miner((2, 2), 2, (2, 2), seed=7),
        "one-level": Miner((9, 7), 4, (3,), seed=8),
        "levels-5": Miner((13, 3), 3, (1, 2, 1, 2, 1), seed=9),
        "levels-32": Miner((5,), 2, [1] * 32, seed=10, spread=6),
        "block-2": Miner((7, 5), 2, (2, 2), seed=11),
        "block-3": Miner((10, 4), 3, (2, 2), seed=12),
        "block-1024": Miner((9, 7), 1024, (3, 2), seed=13),
        "block-as-long-as-axis": Miner((8, 4), 4, (2, 2, 2), seed=14),
        "lengths-odd": Miner((11, 5), 4, (2, 2, 2), seed=15),
        "lengths-even": Miner((12, 8), 4, (2, 2, 2), seed=16),
        "last-block-of-one-sample": Miner((9,), 4, (3, 2), seed=17),
        "widths-differ": Miner((9, 7), 4, (5, 1, 7), seed=18),
    }
    return _valid_models(models)


def _network_cases() -> Iterator[Case]:
    """Layers, octaves, sines and components."""
    two = [["u", 7, 3.0, 5.0], ["v", 1, 0.0, 127.0]]
    models = {
        "layers-2": Miner((9, 7), 4, (3, 3), 2, seed=30),
        "layers-3": Miner((9, 7), 4, (3, 2), 3, seed=31),
        "layers-16": Miner((9,), 4, (2, 2), 16, seed=32),
        "octaves-1": Miner((9, 7), 4, (3, 3), 1, 1, seed=33),
        "octaves-3": Miner((9, 7), 4, (3, 3), 1, 3, seed=34),
        "octaves-16": Miner((9,), 4, (3, 3), 1, 16, seed=35),
        "octaves-2-dims-3": Miner((4, 3, 5), 4, (2, 2), 1, 2, seed=36),
        "omega-1": Miner((9, 7), 4, (3, 3), 1, 0, 1, seed=37),
        "omega-30": Miner((9, 7), 4, (3, 3), 1, 0, 30, seed=38),
        "omega-65535": Miner((9, 7), 8, (3, 3), 1, 0, 65535, seed=39),
        "omega-7-layers-2": Miner((9, 7), 4, (3, 3), 2, 0, 7, seed=40),
        "omega-2-octaves-2": Miner((9, 7), 4, (3, 3), 2, 2, 2, seed=41),
        "components-2": Miner((9, 7), 4, (3, 2), 1, 0, None, two, 42),
        "components-2-sines": Miner((9, 7), 4, (3, 2), 2, 1, 5, two, 43),
        "cut-off": Miner((9, 7), 4, (3, 3), seed=44, step=1 / 4),
        "parameters-large": Miner((9, 7), 4, (3, 3), seed=45, step=2.0**60),
        "parameters-0": Miner((9, 7), 4, (3, 3), seed=46, spread=0),
    }
    return _valid_models(models)


def _sparse(name: str, model: Miner, where: dict[int, int], masks: list[MaskSpec]) -> Case:
    """Leave out the entries that masks leave out; they are of the blocks, or of whole tensors."""
    integers, position = model.integers(), 0
    coded: list[int] = []
    for number, shape in enumerate(model.shapes()):
        count = model.counts()[number]
        part = np.array(integers[position : position + count]).reshape(shape)
        position += count
        mask = np.ones(shape, np.bool_)
        if number in where:
            mask = np.broadcast_to(masks[where[number]].bits, shape)
        coded += part[mask].tolist()
    file = File().item(model.header(k4=where)).tens([raw_stream(coded)], coded)
    for spec in masks:
        file.mask(spec)
    return _valid(name, file, f"{_SPEC} ITEM-8 ITEM-9")


def _sparse_cases() -> Iterator[Case]:
    """Blocks without entries."""
    model = Miner((9, 7), 4, (3, 2), seed=60)
    fine = MaskSpec(np.array([[1, 0], [0, 1], [1, 0]], np.bool_), 1, method=0)
    coarse = MaskSpec(np.array([[0], [1]], np.bool_), 1, method=0)
    none = MaskSpec(np.zeros((3, 2), np.bool_), 1, method=0)
    whole = MaskSpec(np.arange(9 * 6).reshape(9, 3, 2) % 3 > 0, 1)
    yield from [
        _sparse("blocks-left-out", model, {2: 0, 3: 0}, [fine]),
        _sparse("blocks-left-out-in-both", model, {0: 1, 1: 1, 2: 0, 3: 0}, [fine, coarse]),
        _sparse("finest-level-left-out", model, {2: 0, 3: 0}, [none]),
        _sparse("last-layer-left-out", model, {3: 0}, [fine]),
        _sparse("first-layer-left-out", model, {2: 0}, [fine]),
        _sparse("entries-left-out", model, {2: 0}, [whole]),
    ]
    sines = Miner((9, 7), 4, (3, 2), 2, 1, 3, seed=61)
    where = {3: 0, 4: 0, 5: 0}
    yield _sparse("blocks-left-out-of-sines", sines, where, [fine])


def _item_cases() -> Iterator[Case]:
    """Masks, other quantisation, levels and neighbours in a file."""
    masked = Miner((9, 7), 4, (2, 2), components=[["a", 7, 1.0, 4.0, 0]], seed=70)
    spec = MaskSpec(ball((9, 7)), patterns=(float_bits(-9.0, "f"),))
    yield _valid("masked", masked.file().mask(spec), f"{_SPEC} VAL-4", "mask")
    model = Miner((9, 7), 4, (3, 2), seed=71)
    entries: list[Any] = [[1, *[1 / 32] * 3, *[1 / 16] * 3], [0, 1 / 32, 5], 1 / 64, 1 / 32]
    yield _valid("other-steps", model.file(k3=entries), f"{_SPEC} ITEM-7")
    values = model.integers()
    file = model.file([laplace_stream(2, [(12, values[:30]), (14, values[30:])])], k6=[0.5])
    yield _valid("laplace-and-index", file.build(index=Index()), f"{_SPEC} IDX-2")
    file = File(bytes([1, 0, 2, 0])).item(model.header()).tens([raw_stream(values)], values)
    yield _valid("level-2", file, f"{_SPEC} FILE-4", level=2)
    other = Miner((6,), 3, (2,), components=[["b", 3, 0.0, 900.0]], seed=72)
    file = File().item(other.header()).item(constant_item([2])).item(model.header())
    file.tens([raw_stream(values)], values, 2)
    file.tens([raw_stream(other.integers())], other.integers())
    yield _valid("beside-others", file, f"{_SPEC} TENS-2")


_CONFIG = (
    Field(0, "block", 2, 1024, "low high float true", {"0": 0, "array": [4, 4]}),
    Field(1, "widths", 1, 1024, "low-entry float-entry empty number",
          {"33": [1] * 33, "of-1025": [1025, 3], "negative": [3, -3]}),
    Field(2, "layers", 1, 16, "low high text"),
    Field(3, "octaves", 0, 16, "high negative float"),
    Field(4, "omega", 1, 65535, "low high true null", {"negative": -30, "float": 30.0}),
)  # fmt: skip


def _config_faults() -> list[Case]:
    """Keys and values of the config."""
    model = Miner()
    faults = config_faults("miner", model, _CONFIG, "MINER-1")
    return [*faults, *missing_keys("miner", model, 4, "MINER-1 ITEM-5")]


def _other_faults() -> Iterator[Case]:
    """Axes, tensors, masks, unknown keys and versions, and too many integers."""
    for name, dims in (("no-active-axis", (1, 1)), ("five-active-axes", (2,) * 5)):
        yield case("miner", name, Miner(dims, 2, (1,)).file(), "MINER-1", "malformed")
    model = Miner()
    entries = [model.step] * len(model.shapes())
    for name, some in (("tensor-missing", entries[:-1]), ("tensor-too-many", [*entries, 0.5])):
        yield case("miner", name, model.file(k3=some), "ITEM-6 MINER-1", "malformed")
    fine = MaskSpec(np.ones((3, 2), np.bool_), 1)
    data = model.file(k4={0: 0}).mask(fine).build()
    yield case("miner", "mask-of-another-level", data, "ITEM-8 MINER-1", "malformed")
    integers = [*model.integers(), 0]
    file = File().item(model.header()).tens([raw_stream(integers)], integers)
    yield case("miner", "integer-too-many", file, "TENS-2 MINER-1", "malformed")
    yield from unknown_configs("miner", model, {5: 0, -1: 0})
    yield limit_case("miner-2-45", Miner((2**8,) * 3, 2, (1024,), 16))
