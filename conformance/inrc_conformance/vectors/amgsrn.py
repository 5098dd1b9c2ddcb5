"""Vectors of architecture 5, valid and refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..builders.amgsrn import Amgsrn, listed
from ..builders.file import File, Index, MaskSpec, constant_item, float_bits
from ..builders.streams import raw_stream, static_stream
from .case import Case, case
from .fields import Field, config_faults, missing_keys, unknown_configs
from .mask import ball
from .network import limit_case

_SPEC = "AMGSRN-1 VAL-1"


def amgsrn_cases() -> list[Case]:
    """All valid cases of architecture 5."""
    return [*_shape_cases(), *_transform_cases(), *_item_cases()]


def amgsrn_faults() -> list[Case]:
    """All refused cases of architecture 5."""
    return [*_config_faults(), *_other_faults()]


def _valid(
    name: str, data: File | bytes, spec: str = _SPEC, tags: str = "", level: int = 1
) -> Case:
    return case("amgsrn", name, data, spec, tags=tags, level=level)


def _shape_cases() -> Iterator[Case]:
    """Axes, grids, features, layers, bias and components."""
    three = [["r", 7, 0.0, 1.0], ["g", 0, 127.5, 127.5], ["b", 3, -9.0, 30000.0]]
    models = {
        "dims-1": Amgsrn((17,), 3, 2, (5,), seed=2),
        "dims-2": Amgsrn((7, 9), 3, 2, (4, 3), seed=3),
        "dims-3": Amgsrn((4, 5, 3), 3, 2, (3, 2, 4), seed=4),
        "dims-1-no-bias": Amgsrn((17,), 3, 2, (5,), bias=0, seed=5),
        "dims-2-no-bias": Amgsrn((7, 9), 3, 2, (4, 3), bias=0, seed=6),
        "dims-3-no-bias": Amgsrn((4, 5, 3), 3, 2, (3, 2, 4), bias=0, seed=7),
        "axes-of-size-1": Amgsrn((1, 6, 1, 5, 1), 2, 2, (3, 4), seed=8),
        "eight-dims": Amgsrn((1, 1, 4, 1, 3, 1, 1, 2), 2, 1, (2, 2, 3), seed=9),
        "axes-of-size-2": Amgsrn((2, 2, 2), 2, 1, (2, 2, 2), seed=10),
        "one-grid": Amgsrn((6, 5), 1, 3, (3, 3), seed=11),
        "grids-9": Amgsrn((6, 5), 9, 1, (2, 3), seed=12),
        "features-1": Amgsrn((6, 5), 2, 1, (3, 3), seed=13),
        "features-5": Amgsrn((6, 5), 2, 5, (3, 3), seed=14),
        "features-64": Amgsrn((6, 5), 1, 64, (2, 2), 2, seed=15),
        "width-1": Amgsrn((6, 5), 2, 2, (3, 3), 1, seed=16),
        "width-17": Amgsrn((6, 5), 2, 2, (3, 3), 17, seed=17),
        "layers-2": Amgsrn((6, 5), 2, 2, (3, 3), 5, 2, seed=18),
        "layers-4-no-bias": Amgsrn((6, 5), 2, 2, (3, 3), 5, 4, 0, seed=19),
        "layers-64": Amgsrn((6, 5), 2, 2, (3, 3), 4, 64, seed=20),
        "more-nodes-than-samples": Amgsrn((3, 4), 2, 1, (9, 6), seed=21),
        "components-3": Amgsrn((6, 5), 2, 2, (3, 3), 5, 2, components=three, seed=22),
        "components-3-no-bias": Amgsrn((4, 3, 3), 2, 2, (3, 3, 2), 4, 1, 0, three, 23),
    }
    for name, model in models.items():
        yield _valid(name, model.settle().file())


def _transform_cases() -> Iterator[Case]:
    """Transforms of all kinds; the numbers of one grid are in units of 1/32."""
    two: dict[str, list[int]] = {
        "identity": [0] * 5,
        "quarter-turn": [0, 0, 50, 0, 0],
        "angle-of-100": [0, 0, 3200, 0, 0],
        "angle-negative": [0, 0, -17, 0, 0],
        "scales-differ": [20, -30, 0, 0, 0],
        "scales-then-rotation": [25, -25, 25, 0, 0],
        "translation": [0, 0, 0, 9, -14],
        "rotation-then-translation": [-8, 4, 30, 20, 5],
        "fades-out": [16, 16, 0, 0, 0],
        "half-a-cell-beyond": [-64, -64, 11, 43, 0],
        "far-away": [0, 0, 0, 320, 0],
        "on-the-border": [-3200, -3200, 0, 32, -32],
        "all-in-one-place": [-96, -96, 0, 5, 7],
    }
    for name, numbers in two.items():
        yield _transformed(name, Amgsrn((7, 9), 1, 2, (4, 3), 3, seed=40), numbers)
    three: dict[str, list[int]] = {
        "identity": [0] * 10,
        "half-turn": [0, 0, 0, -32, 32, 0, 0, 0, 0, 0],
        "no-quaternion": [8, -8, 0, -32, 0, 0, 0, 3, 0, 0],
        "quaternion": [0, 0, 0, 7, -20, 12, 31, 0, 0, 0],
        "quaternion-negative": [0, 0, 0, -100, 13, 60, -25, 0, 0, 0],
        "all-numbers": [9, -12, 5, -11, 14, -23, 8, 6, -7, 10],
    }
    for name, numbers in three.items():
        yield _transformed(
            f"dims-3-{name}", Amgsrn((4, 3, 5), 1, 2, (3, 2, 4), 3, seed=41), numbers
        )
    for name, numbers in {"shrunk": [-40, 11], "grown": [33, -20], "moved": [0, 64]}.items():
        yield _transformed(f"dims-1-{name}", Amgsrn((13,), 1, 2, (6,), 3, seed=42), numbers)
    yield _transformed("no-bias-out-of-reach", _unbiased(), [0, 0, 0, 3200, 0])
    yield _valid("values-at-nodes", listed([1, 60, 5, 33, 64, 0, 7]).file())
    yield _valid("cut-off", listed([-9, 70, 64, 0, 999], step=1 / 64).file())
    yield from _extreme_scales()


def _transformed(name: str, model: Amgsrn, numbers: list[int]) -> Case:
    model.given = {0: numbers}
    model.settle()
    return _valid(f"transform-{name}", model.file())


def _unbiased() -> Amgsrn:
    return Amgsrn((5, 6), 1, 1, (3, 3), bias=0, seed=43)


def _extreme_scales() -> Iterator[Case]:
    """Scales beyond exp(16) and exp(-16), and translations that nearly undo them."""
    for name, log in (("16", 512), ("17", 544), ("above-16", 10**6)):
        model = Amgsrn((3,), 1, 1, (5,), 1, bias=0, seed=44)
        model.given, model.steps = {0: [log, -8886110], 2: [1], 3: [1]}, {2: 1.0, 3: 1.0}
        model.steps[0] = [1, 1 / 32, 1.0]
        yield _valid(f"scale-{name}", model.file())
    for name, log in (("minus-16", -512), ("minus-17", -544), ("below-minus-16", -(10**6))):
        model = Amgsrn((3,), 1, 1, (4096,), 1, bias=0, seed=45)
        model.given = {0: [log, 0], 1: [0, 1] * 2048, 2: [1], 3: [1]}
        model.steps = {1: 1.0, 2: 1.0, 3: 1.0}
        yield _valid(f"scale-{name}", _raw(model))
    model = Amgsrn((3, 3), 2, 1, (3, 3), seed=46)
    model.given, model.steps = {0: [-1, 1, 2, 3, 4, -5, 6, -7, -8, 9]}, {0: 2.0**119}
    yield _valid("transform-huge", model.file())


def _raw(model: Amgsrn) -> File:
    """Return a file with one stream per tensor, so that bits stay bits."""
    integers = model.integers()
    cut = [integers[:2], integers[2:-2], integers[-2:]]
    return File().item(model.header()).tens([raw_stream(part) for part in cut], integers)


def _item_cases() -> Iterator[Case]:
    """Masks, other quantisation, levels, tiles and neighbours in a file."""
    bits = ball((7, 9))
    masked = Amgsrn((7, 9), 2, 1, (3, 3), components=[["a", 7, 1.0, 4.0, 0]], seed=60).settle()
    spec = MaskSpec(bits, patterns=(float_bits(-9.0, "f"),))
    yield _valid("masked", masked.file().mask(spec), f"{_SPEC} VAL-4", "mask")
    model = Amgsrn((6, 5), 2, 2, (3, 3), seed=61).settle()
    coded = np.arange(9).reshape(3, 3) % 4 > 0
    grid = model.integers()[10:46]
    some = np.array(grid).reshape(2, 2, 3, 3)[:, :, coded]
    whole = np.stack([coded, ~coded])
    for name, mask in (("sparse-grids", np.stack([coded] * 2)), ("sparse-per-grid", whole)):
        some = np.array(grid).reshape(2, 2, 3, 3)[:, mask]
        integers = [*model.integers()[:10], *some.reshape(-1).tolist(), *model.integers()[46:]]
        file = File().item(model.header(k4={1: 0})).tens([raw_stream(integers)], integers)
        yield _valid(name, file.mask(MaskSpec(mask, 1)), f"{_SPEC} ITEM-8")
    entries = model.quantisation()
    entries[1] = [1, 1 / 16, 1 / 32]
    entries[0] = [0, 1 / 32, -3]
    yield _valid("other-steps", model.file(k3=entries), f"{_SPEC} ITEM-7")
    file = model.file([static_stream(1, model.integers())], k6=[0.5])
    yield _valid("ans-and-index", file.build(index=Index()), f"{_SPEC} IDX-2")
    file = File(bytes([1, 0, 2, 0])).item(model.header())
    file.tens([raw_stream(model.integers())], model.integers())
    yield _valid("level-2", file, f"{_SPEC} FILE-4", level=2)
    other = Amgsrn((4, 5), 1, 2, (2, 4), components=[["b", 2, 500.0, 500.0]], seed=62).settle()
    file = File().item(other.header()).item(constant_item([2])).item(model.header())
    file.tens([raw_stream(model.integers())], model.integers(), 2)
    file.tens([raw_stream(other.integers())], other.integers())
    yield _valid("beside-others", file, f"{_SPEC} TENS-2")


_CONFIG = (
    Field(0, "grids", 1, 1024, "low high negative float true array"),
    Field(1, "features", 1, 64, "low high text null"),
    Field(2, "nodes", 2, 65536, "low-entry high-entry float-entry empty number",
          {"one-entry": [3], "three-entries": [3, 3, 3]}),
    Field(3, "width", 1, 4096, "low high", {"bytes": b"\4"}),
    Field(4, "layers", 1, 64, "low high"),
    Field(5, "bias", 0, 1, "high true negative"),
)  # fmt: skip


def _config_faults() -> list[Case]:
    """Keys and values of the config."""
    model = Amgsrn()
    faults = config_faults("amgsrn", model, _CONFIG, "AMGSRN-1")
    return [*faults, *missing_keys("amgsrn", model, 6, "AMGSRN-1 ITEM-5")]


def _other_faults() -> Iterator[Case]:
    """Axes, tensors, unknown keys and versions, and too many integers."""
    for name, dims, nodes in (
        ("no-active-axis", (1, 1), ()),
        ("four-active-axes", (2, 2, 2, 2), (2, 2, 2, 2)),
    ):
        yield case("amgsrn", name, Amgsrn(dims, 1, 1, nodes).file(), "AMGSRN-1", "malformed")
    model = Amgsrn()
    entries = model.quantisation()
    for name, some in (("tensor-missing", entries[:-1]), ("tensor-too-many", [*entries, 0.5])):
        yield case("amgsrn", name, model.file(k3=some), "ITEM-6 AMGSRN-1", "malformed")
    integers = Amgsrn(bias=0).integers()
    file = File().item(model.header()).tens([raw_stream(integers)], integers)
    yield case("amgsrn", "integers-of-no-bias", file, "TENS-2 AMGSRN-1", "malformed")
    yield from unknown_configs("amgsrn", model, {6: 0, -1: 0})
    yield limit_case("amgsrn-2-42", Amgsrn((4,) * 3, 64, 64, (1024,) * 3))
