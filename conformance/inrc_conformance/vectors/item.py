"""Valid vectors of items: dtypes, axes, quantisation and sparse tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import raw_stream, static_stream
from .case import Case, case, cases_of

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")
_PLACES = {
    "u1": (120.0, 200.0),
    "i1": (-3.5, 160.0),
    "u2": (30000.0, 40000.0),
    "i2": (-100.25, 9000.0),
    "u4": (2147483648.0, 4294967296.0),
    "i4": (-7.0, 100000.0),
    "f2": (60000.0, 40000.0),
    "f4": (-273.15, 100.0),
    "f8": (1e10, 0.001),
}


def item_cases() -> list[Case]:
    """All valid cases of items."""
    return [
        *_dtype_cases(),
        *_model_cases(),
        *_quantisation_cases(),
        *_sparse_cases(),
        *_constant_cases(),
        *_extreme_cases(),
        *_several_items(),
    ]


def _dtype_cases() -> list[Case]:
    """Components of all dtypes."""
    files: dict[str, tuple[File | bytes, str]] = {}
    for number, dtype in enumerate(DTYPES):
        part = ("t", number, *_PLACES[dtype])
        model = Fvsrn((9, 7), components=(part,), seed=10 + number, spread=60)
        files[f"dtype-{dtype}"] = (simple_file(model), "ITEM-2 VAL-2 VAL-3")
    return cases_of("items", files)


def _model_cases() -> Iterator[Case]:
    """Axes, networks and components."""
    parts = (("u", 7, 1.0, 2.0), ("v", 3, -5.0, 500.0), ("", 0, 100.0, 90.0))
    names = ("é", "e\u0301", "A", "a", "a ", "")
    alike = [(name, 7, float(n), 1.0) for n, name in enumerate(names)]
    models = {
        "dims-1": (Fvsrn((17,), (5,), seed=20), "FVSRN-1 VAL-1"),
        "dims-3": (Fvsrn((4, 5, 6), (2, 3, 4), seed=21), "FVSRN-1 VAL-1"),
        "dims-4": (Fvsrn((3, 4, 3, 5), (2, 2, 3, 3), seed=22), "FVSRN-1 VAL-1"),
        "axes-of-size-1": (Fvsrn((1, 6, 1, 5, 1), (3, 2), seed=23), "FVSRN-1"),
        "eight-dims": (Fvsrn((1, 2, 1, 3, 2, 1, 1, 2), (2, 2, 2, 2), seed=25), "FVSRN-1"),
        "grid-finer-than-samples": (Fvsrn((3, 2), (9, 5), seed=26), "VAL-1"),
        "octaves-0": (Fvsrn(octaves=0, seed=27), "FVSRN-1"),
        "octaves-5": (Fvsrn((33,), (3,), octaves=5, seed=28), "VAL-1"),
        "layers-3-width-7": (Fvsrn(layers=3, width=7, features=5, seed=30), "FVSRN-1"),
        "scale-0": (Fvsrn(components=(("s", 7, 3.25, 0.0),), seed=32), "VAL-2"),
        "three-components": (Fvsrn(components=parts, seed=33), "ITEM-2 ITEM-3"),
        "component-names-alike": (Fvsrn(components=alike, seed=34), "ITEM-3 ITEM-10"),
    }
    yield from cases_of(
        "items", {n: (simple_file(model), ids) for n, (model, ids) in models.items()}
    )
    named = simple_file(Fvsrn((1, 6, 5), (3, 2), seed=24), k1=[["time", 1], 6, ["λ", 5]])
    steep = simple_file(Fvsrn((257,), (3,), octaves=16, seed=29, spread=12))
    clipped = simple_file(Fvsrn((12, 11), step=0.5, seed=31))
    yield case("items", "named-dims", named, "ITEM-3")
    yield case("items", "octaves-16", steep, "VAL-1 VAL-5", tags="precision")
    yield case("items", "clipped-y", clipped, "VAL-2", tags="clip")


def _several_items() -> list[Case]:
    """Items whose sections take turns, and sections without streams."""
    first = Fvsrn((4,), (2,), components=(("one", 7, 0.0, 1.0),), seed=40)
    second = Fvsrn((3, 3), (2, 2), components=(("two", 7, 0.0, 1.0),), seed=41)
    a, b = first.integers(), second.integers()
    turns = File().item(first.header()).item(second.header()).item(constant_item([2]))
    turns.tens([raw_stream(b[:9])], b[:9], 1).tens([raw_stream(a)], a, 0)
    turns.tens([raw_stream(b[9:])], b[9:], 1).tens([], [], 2)
    empty = File().tens([], [], 0).item(first.header()).tens([raw_stream(a)], a).tens([], [])
    empty.item(constant_item([2])).item(constant_item([3], [["c", 7, 2.5, 0.0]])).tens([], [], 2)
    files = {
        "three-items-interleaved": (turns, "TENS-1 TENS-2 TENS-3 HEAD-2"),
        "tens-without-streams": (empty, "TENS-2 TENS-3"),
    }
    return cases_of("items", files)


def _quantisation_cases() -> Iterator[Case]:
    model = Fvsrn(seed=50)
    steps: list[object] = [model.step] * 5
    zero = [[0, 1 / 64, 37], [0, 1 / 128, -200], 1 / 32, [0, 2.0**-7, 5], [0, 0.25, 0]]
    slices = [[1, 0.125, 0.03125], [1, 0.5, 0.25, 0.0625, 2.0**-10], *steps[2:]]
    far: list[object] = [[0, 2.0**-31, -(2**31)], *steps[1:]]
    tenth = float(np.float32(0.1))
    for name, value, spec in (
        ("zero-not-0", zero, "ITEM-7 ITEM-9"),
        ("steps-per-slice", slices, "ITEM-7 ITEM-9"),
        ("zero-extreme", far, "ITEM-7 ITEM-9"),
        ("step-not-dyadic", [tenth] * 5, "ITEM-7 ITEM-9"),
    ):
        yield case("items", name, simple_file(model, k3=value), spec)


def _extreme_cases() -> Iterator[Case]:
    """Parameters, y and x at the end of their ranges."""

    def vector(name: str, file: File, spec: str, tags: str = "") -> Case:
        return case("items", name, file, spec, tags=tags)

    model = Fvsrn(seed=52)
    integers = [*model.integers()[:-1], 2**25 - 2]
    file = File().item(model.header(k3=[model.step] * 4 + [2.0**103]))
    yield vector(
        "parameter-largest", file.tens([raw_stream(integers)], integers), "ITEM-9 VAL-2", "clip"
    )
    yield vector("y-not-a-number", _all_nan(), "VAL-2", "clip")
    huge = 1.7e308
    four = (
        ("up", 8, huge, huge),
        ("up as f4", 7, huge, huge),
        ("up as i2", 3, huge, huge),
        ("down", 8, -huge, huge),
    )
    signs = (1, 1, 1, -1)
    yield vector("x-overflows", _huge(four, signs), "VAL-2 VAL-3", "clip")
    two = (("top", 7, 1.0, 2.0), ("bottom", 3, 1.0, 2.0))
    yield vector("y-huge", _huge(two, (1, -1)), "VAL-2", "clip")
    model = Fvsrn(components=[[name, 7, 0.0, 1.0] for name in "abc"], seed=53)
    first, last = model.integers(sum(model.counts()[:-1])), [-(2**31), 1 - 2**31]
    quantisation: list[Any] = [*[model.step] * 4, [0, 2.0**97, -(2**31)]]
    file = File().item(model.header(k3=quantisation, k4={4: 0}))
    file.tens([raw_stream(first), raw_stream(last)], [*first, *last])
    file.mask(MaskSpec(np.array([True, False, True]), purpose=1))
    yield vector("sparse-uncoded-would-overflow", file, "ITEM-8 ITEM-9", "clip")


def _all_nan() -> File:
    """A network whose hidden values overflow float64, and so float32, and end as NaN."""
    parts = (("a", 7, 10.0, 4.0), ("b", 1, 10.0, 40.0))
    model = Fvsrn(components=parts, layers=10, octaves=0, step=2.0**120)
    integers = [64] * sum(model.counts())
    return File().item(model.header()).tens([raw_stream(integers, 64, 0)], integers)


def _huge(parts: Sequence[Sequence[Any]], signs: Sequence[int]) -> File:
    """A network with |y| above the range of float32."""
    model = Fvsrn(components=parts, octaves=0, step=2.0**56)
    counts = model.counts()
    integers = [16] * sum(counts[:3])
    integers += [16 * sign for sign in signs for _ in range(model.width)]
    integers += [16 * sign for sign in signs]
    return File().item(model.header()).tens([raw_stream(integers)], integers)


def _sparse_cases() -> Iterator[Case]:
    model = Fvsrn((6, 5), (4, 5), features=3, seed=51)
    shared = np.indices((4, 5)).sum(axis=0) % 3 > 0
    full = np.arange(60).reshape(3, 4, 5) % 4 != 1
    vector = np.array([True, False, True, True])
    zero = [[0, 1 / 64, 30], *[1 / 64] * 4]
    for name, masks, where, quantisation in (
        ("sparse-shared", [shared], {0: 0}, [1 / 64] * 5),
        ("sparse-full", [full], {0: 0}, [1 / 64] * 5),
        ("sparse-with-zero", [shared], {0: 0}, zero),
        ("sparse-several-tensors", [full, vector], {0: 0, 2: 1}, [1 / 64] * 5),
        ("sparse-nothing-coded", [shared & False], {0: 0}, [1 / 64] * 5),
    ):
        counts = model.counts()
        for tensor, number in where.items():
            share = counts[tensor] // masks[number].size
            counts[tensor] = share * int(np.count_nonzero(masks[number]))
        integers = model.integers(sum(counts))
        file = File().item(model.header(k3=quantisation, k4=where))
        for method, bits in enumerate(masks):
            file.mask(MaskSpec(bits, purpose=1, method=1 - method))
        file.tens([static_stream(1, integers)], integers)
        yield case("items", name, file, "ITEM-8 ITEM-9 MASK-1")


def _constant_cases() -> Iterator[Case]:
    ties = [2.5, 3.5, -2.5, 0.5, 254.5, 1e9, -1e9]
    parts = [[f"{d}{v}", n, v, 0.0] for v in ties for n, d in enumerate(DTYPES[:4])]
    halves = [1 + 2.0**-11, 1 + 3 * 2.0**-11, 65519.0, 65520.0, -1e6, 6e-8, 2.0**-25]
    floats = [[f"f2 {v}", 6, v, 0.0] for v in halves] + [["f4", 7, 1e300, 0.0]]
    scaled = [["a", 7, 1.5, 2.0**-20], ["b", 3, -7.0, 100.0], ["c", 8, 0.25, 1.7e308]]
    wide = [["u4", 4, 4294967294.5, 0.0], ["i4", 5, -2147483649.0, 0.0], ["f8", 8, 0.1, 0.0]]
    for name, dims, components, spec in (
        ("constant", [3, 2], [["a", 7, 1.5, 0.0]], "ITEM-6 VAL-2 CONSTANT-1"),
        ("constant-all-axes-1", [1, 1], [["a", 7, 1.5, 0.0]], "ITEM-6 VAL-2 CONSTANT-1"),
        ("constant-with-scale", [3, 2], scaled, "ITEM-6 VAL-2 CONSTANT-1"),
        ("constant-integer-ties", [2], parts, "VAL-3"),
        ("constant-float-ties", [2], floats, "VAL-3"),
        ("constant-wide", [2], wide, "VAL-3"),
    ):
        yield case("items", name, File().item(constant_item(dims, components)), spec)
