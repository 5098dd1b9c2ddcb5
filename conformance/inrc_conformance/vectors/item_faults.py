"""Malformed vectors: ITEM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import raw_stream
from .case import Case, case, cases_of
from .fields import NAN, WRONG_STEP, Field, config_case, config_faults
from .mask import ball


def item_faults() -> list[Case]:
    """All faults inside ITEM sections and between ITEM, MASK and TENS."""
    return [*_schema_faults(), *_component_faults(), *_architecture_faults(),
            *_quantisation_faults(), *_reference_faults(), *_tens_faults()]  # fmt: skip


def _constant(name: str, spec: str, change: dict[int, Any], drop: int | None = None) -> Case:
    """A constant item with other or fewer keys."""
    value = constant_item([2, 3]) | change
    if drop is not None:
        del value[drop]
    return case("item", name, File().item(value), spec, "malformed")


def _schema_faults() -> list[Case]:
    name = "x" * 1025
    return [
        _constant("no-components-key", "ITEM-0", {}, 0),
        _constant("no-dims-key", "ITEM-0", {}, 1),
        _constant("no-model-key", "ITEM-0", {}, 2),
        _constant("components-empty", "ITEM-0", {0: []}),
        _constant("components-4097", "ITEM-0", {0: [[f"{n}", 7, 1.0, 0.0] for n in range(4097)]}),
        _constant("component-three-entries", "ITEM-0", {0: [["a", 7, 1.0]]}),
        _constant("dims-empty", "ITEM-0", {1: []}),
        _constant("dims-nine", "ITEM-0", {1: [1] * 9}),
        _constant("size-0", "ITEM-3", {1: [2, 0]}),
        _constant("size-negative", "ITEM-3", {1: [2, -3]}),
        _constant("size-above-2-48", "ITEM-3", {1: [1, 2**48 + 1]}),
        _constant("size-float", "ITEM-3", {1: [2.0]}),
        _constant("size-true", "ITEM-3", {1: [True]}),
        _constant("dim-name-empty", "ITEM-3", {1: [["", 3]]}),
        _constant("dim-name-nul", "ITEM-3", {1: [["a\0", 3]]}),
        _constant("dim-name-1025-bytes", "ITEM-3", {1: [[name, 3]]}),
        _constant("model-two-entries", "ITEM-0", {2: [0, 1]}),
        _constant("config-not-a-map", "ITEM-5", {2: [0, 1, []]}),
        _constant("config-text-key", "ITEM-5", {2: [0, 1, {"a": 1}]}),
    ]


def _component_faults() -> Iterator[Case]:
    components: dict[str, tuple[list[Any], str]] = {
        "dtype-256": (["a", 256, 1.0, 0.0], "ITEM-2"),
        "dtype-text": (["a", "f4", 1.0, 0.0], "ITEM-2"),
        "offset-integer": (["a", 7, 1, 0.0], "ITEM-3"),
        "offset-nan": (["a", 7, NAN, 0.0], "ITEM-3"),
        "offset-infinite": (["a", 7, math.inf, 0.0], "ITEM-3"),
        "scale-integer": (["a", 7, 1.0, 0], "ITEM-3"),
        "component-name-nul": (["a\0b", 7, 1.0, 0.0], "ITEM-3"),
        "component-name-1025-bytes": (["ü" * 513, 7, 1.0, 0.0], "ITEM-3"),
        "component-name-bytes": ([b"a", 7, 1.0, 0.0], "ITEM-3"),
        "mask-float": (["a", 7, 1.0, 0.0, 0.0], "ITEM-4"),
        "mask-missing": (["a", 7, 1.0, 0.0, 0], "ITEM-4"),
    }
    for n, (c, s) in components.items():
        yield _constant(n, s, {0: [c]})
    twice = [["a", 7, 1.0, 0.0], ["b", 7, 1.0, 0.0], ["a", 3, 2.0, 0.0]]
    yield _constant("component-name-twice", "ITEM-10", {0: twice})
    file = File().item(constant_item([2], [["a", 7, 1.0, 0.0]]))
    file.item(constant_item([3], [["b", 7, 1.0, 0.0], ["a", 7, 1.0, 0.0]]))
    name = "component-name-in-two-items"
    yield case("item", name, file, "ITEM-10", "malformed")
    for name, scale in (("scale-negative", -1.0), ("scale-nan", NAN), ("scale-infinite", math.inf)):
        model = Fvsrn(components=(("a", 7, 0.0, scale),))
        yield case("item", name, simple_file(model), "ITEM-3", "malformed")


_CONFIG = (
    Field(0, "grid", 2, 65536, "low-entry high-entry number",
          {"one-entry": [3], "three-entries": [3, 3, 3]}),
    Field(1, "features", 1, 1024, "low high float null"),
    Field(2, "width", 1, 4096, "low high"),
    Field(3, "layers", 1, 64, "low high"),
    Field(4, "octaves", 0, 16, "high negative true"),
)  # fmt: skip


def _architecture_faults() -> Iterator[Case]:
    """Configs of architecture 1, and axes that it does not have."""
    model = Fvsrn()
    yield from config_faults("fvsrn", model, _CONFIG, "FVSRN-1", "")
    without = {key: value for key, value in model.config().items() if key != 4}
    yield config_case("fvsrn", "key-missing", model, without, "FVSRN-1")
    for name, flat in (
        ("no-active-axis", Fvsrn((1, 1), ())),
        ("five-active-axes", Fvsrn((2,) * 5, (2,) * 5)),
    ):
        yield case("fvsrn", name, flat.file(), "FVSRN-1", "malformed")


_STEP = 1 / 64
_WRONG_ENTRIES: dict[str, Any] = {
    "step-above-float32": 2.0**128,
    "step-below-float32": 2.0**-150,
    "zero-2-31": [0, _STEP, 2**31],
    "zero-below-minus-2-31": [0, _STEP, -(2**31) - 1],
    "zero-float": [0, _STEP, 0.0],
    "zero-missing": [0, _STEP],
    "slices-one-too-few": [1, _STEP],
    "slices-one-too-many": [1, _STEP, _STEP, _STEP],
    "quantisation-256": [256, _STEP, 0],
    "quantisation-empty": [],
    "step-infinite": math.inf,
}
"""Entries of key 3 that are neither a step nor an array of a known kind."""


def _quantisation_faults() -> Iterator[Case]:
    others: list[Any] = [_STEP] * 4
    wrong = WRONG_STEP.values(_STEP) | _WRONG_ENTRIES
    for name, entry in wrong.items():
        yield case("item", name, simple_file(Fvsrn(), k3=[entry, *others]), "ITEM-7", "malformed")
    for name, number in (("quantisation-one-too-few", 4), ("quantisation-one-too-many", 6)):
        yield case("item", name, simple_file(Fvsrn(), k3=[_STEP] * number), "ITEM-6", "malformed")
    model = Fvsrn()
    for name, number, last in (
        ("parameter-overflows", 2**31 - 1, 2.0**98),
        ("parameter-overflows-negative", -(2**31), 2.0**97),
        ("parameter-rounds-to-infinity", 2**25 - 1, 2.0**103),
    ):
        integers = [*model.integers()[:-1], number]
        file = File().item(model.header(k3=[*others, last])).tens([raw_stream(integers)], integers)
        yield case("item", name, file, "ITEM-9", "malformed")
    header = model.header()
    del header[3]
    file = File().item(header).tens([raw_stream(model.integers())], model.integers())
    yield case("item", "quantisation-missing", file, "ITEM-6", "malformed")
    yield _constant("quantisation-of-constant", "ITEM-6", {3: [_STEP]})


def _reference_faults() -> Iterator[Case]:
    """Masks that do not fit what they are for."""
    bits = ball((5, 4))

    def validity(name: str, spec: MaskSpec, dtype: int = 7) -> Case:
        item = constant_item([5, 4], [["a", dtype, 1.0, 0.0, 0]])
        return case("item", name, File().item(item).mask(spec), "ITEM-4", "malformed")

    yield validity("mask-of-other-shape", MaskSpec(ball((4, 5))))
    yield validity("mask-with-more-axes", MaskSpec(ball((1, 5, 4))))
    yield validity("mask-of-other-purpose", MaskSpec(bits, purpose=1))
    yield validity("mask-pattern-size", MaskSpec(bits, pattern_bytes=4), 8)
    model = Fvsrn()
    for name, spec, where in (
        ("sparse-no-such-tensor", MaskSpec(np.ones((3, 3), np.bool_), 1), {5: 0}),
        ("sparse-no-such-mask", MaskSpec(np.ones((3, 3), np.bool_), 1), {0: 1}),
        ("sparse-other-shape", MaskSpec(np.ones((3, 2), np.bool_), 1), {0: 0}),
        ("sparse-first-axis-only", MaskSpec(np.ones((2,), np.bool_), 1), {0: 0}),
        ("sparse-validity-mask", MaskSpec(np.ones((3, 3), np.bool_), 0), {0: 0}),
    ):
        yield case("item", name, simple_file(model, k4=where).mask(spec), "ITEM-8", "malformed")
    yield case("item", "sparse-empty-map", simple_file(model, k4={}), "ITEM-0 ITEM-8", "malformed")


def _tens_faults() -> list[Case]:
    """Wrong numbers of integers, and TENS sections that no item asks for."""
    model = Fvsrn()
    integers = model.integers()
    part = MaskSpec(np.arange(9).reshape(3, 3) > 2, 1)
    fewer, more = integers[:-1], [*integers, 0]
    unasked = simple_file(model).item(constant_item([2])).tens([raw_stream([1])], [1], 1)
    files: dict[str, tuple[File | bytes, str]] = {
        "integers-one-too-few": (model.file(integers=fewer), "TENS-2"),
        "integers-one-too-many": (model.file(integers=more), "TENS-2"),
        "integers-missing": (File().item(model.header()), "TENS-2"),
        "integers-of-uncoded-entries": (simple_file(model, k4={0: 0}).mask(part), "TENS-2"),
        "integers-for-constant": (unasked, "TENS-2"),
        "no-such-item": (simple_file(model).tens([], [], 1), "TENS-1"),
        "payload-empty": (simple_file(model).add("TENS", b""), "FILE-8"),
    }
    return cases_of("tens", files, "malformed")
