"""Valid vectors: error bounds and residuals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.mixing import lattice_integers, lattice_streams, mixing_stream
from ..builders.pyramid import Pyramid, randoms
from ..builders.streams import Ints, byte_stream, laplace_stream, raw_stream, static_stream
from ..decoder.lattice import AXES, Four, Lattice
from .case import Case, case
from .item import DTYPES
from .mask import ball

Parts = Sequence[Sequence[Any]]
ONE: Parts = (("a", 7, 0.5, 2.0),)
TWO: Parts = (("u", 7, 0.0, 3.0), ("v", 3, -1.0, 500.0))
THREE: Parts = (("r", 0, 127.5, 127.5), ("g", 0, 127.5, 127.5), ("b", 0, 127.5, 127.5))


def randomly(number: int, seed: int, spread: int = 6) -> list[int]:
    """Return residuals: most are small, some are 0."""
    draw = randoms(seed)
    return [(next(draw) % (2 * spread + 1) - spread) * (next(draw) % 4) // 3 for _ in range(number)]


def lattice(dims: Sequence[int], components: int = 1) -> Lattice:
    """Return the lattice of the residuals of an item, written from the text once more."""
    axes = [size for size in (components, *dims) if size > 1]
    front = axes[: max(0, len(axes) - AXES + 1)]
    lengths = [*([math.prod(front)] if front else []), *axes[len(front) :]]
    a, b, c, d = [1] * (AXES - len(lengths)) + lengths
    sizes: Four = (a, b, c, d)
    return Lattice(sizes, (0, 0, 0, 0))


def mixed(dims: Sequence[int], integers: Ints, components: int = 1) -> bytes:
    """Return residuals as a stream of coder 5."""
    return lattice_streams(lattice(dims, components), integers, [len(integers)])[0]


def residual_item(
    dims: Sequence[int], parts: Parts = (("a", 7, 1.5, 0.0),), steps: Any = None
) -> dict[Any, Any]:
    """Return the ITEM map of a constant with residuals, with steps of 0.25, 0.75, ..."""
    given = [0.25 + n / 2 for n in range(len(parts))] if steps is None else steps
    return constant_item(dims, parts) | {7: given}


def residual_file(
    dims: Sequence[int], parts: Parts = (("a", 7, 1.5, 0.0),), seed: int = 1, steps: Any = None
) -> File:
    """Return a constant with pseudo-random residuals in a raw stream."""
    integers = randomly(len(parts) * math.prod(dims), seed)
    return File().item(residual_item(dims, parts, steps)).resd([raw_stream(integers)], integers)


def residual_cases() -> list[Case]:
    """All valid cases of keys 6 and 7."""
    return [*_shape_cases(), *_model_cases(), *_coder_cases(), *_section_cases(), *_value_cases(),
            *_extreme_cases(), *_bound_cases()]  # fmt: skip


def _valid(name: str, file: File, spec: str, tags: str = "") -> Case:
    return case("residuals", name, file, spec, tags=tags)


def _shape_cases() -> Iterator[Case]:
    """One to eight dims, with and without components, in C order and by mixing."""
    shapes = {
        "dims-1": (23,),
        "dims-2": (7, 6),
        "dims-3": (4, 5, 3),
        "dims-4": (3, 4, 2, 5),
        "dims-5": (3, 2, 4, 2, 3),
        "dims-6": (2, 3, 2, 2, 3, 2),
        "dims-8": (2, 2, 1, 2, 3, 2, 2, 2),
        "axes-of-size-1": (1, 6, 1, 1, 5, 1),
        "one-sample": (1, 1),
    }
    for n, (name, dims) in enumerate(shapes.items()):
        for parts, end in ((ONE, ""), (THREE, "-components-3")):
            integers = randomly(len(parts) * math.prod(dims), 300 + n)
            streams = {"raw": raw_stream(integers), "mixing": mixed(dims, integers, len(parts))}
            for coder, coded in streams.items():
                file = File().item(residual_item(dims, parts)).resd([coded], integers)
                yield _valid(f"{name}{end}-{coder}", file, "RESD-1 RESD-2 VAL-7 ITEM-12")


def _model_cases() -> Iterator[Case]:
    """Residuals on top of every architecture."""

    def pyramid(name: str, model: Pyramid, steps: Any, spec: str = "VAL-5", **more: Any) -> Case:
        count = len(model.components)
        integers = randomly(count * math.prod(model.dims), model.seed)
        file = model.file(k7=steps).resd([mixed(model.dims, integers, count)], integers)
        for mask in more.get("masks", ()):
            file.mask(mask)
        tags = "mask" if more else ""
        return _valid(f"pyramid-{name}", file, f"RESD-1 VAL-7 {spec}", tags)

    yield pyramid("transformed", Pyramid((9, 10), (2, 2), seed=311), [0.125])
    yield pyramid("own-and-cosine", Pyramid((12, 9), (-2, -3), seed=312), [0.03])
    yield pyramid("plain", Pyramid((9, 10), (0, 0), seed=313), [0.125])
    yield pyramid("dims-4", Pyramid((3, 4, 3, 4), (1, 1, 0, 1), seed=314), [0.5])
    yield pyramid("components", Pyramid((6, 7), (-3, 1, 1), TWO, seed=315), [0.125, 20.0])
    yield pyramid("components-plain", Pyramid((6, 7), (0, 0, 0), TWO, seed=316), [0.5, 3.0])
    yield pyramid(
        "components-and-dims-4", Pyramid((3, 2, 5, 4), (0, 0, 0, 1, 1), TWO, seed=317), [1.0, 9.0]
    )
    network = Pyramid((8, 7), (-3, 2, 1), THREE, seed=318, extra={5: [[1, 64]]})
    yield pyramid("network", network, [3.0, 1.0, 2.0])
    clipped = Pyramid((9, 10), (2, 2), seed=319, extra={2: 0.875}, fixed_step=1 / 32)
    yield pyramid("clipped-y", clipped, [0.25], "VAL-2")
    patterns = (float_bits(-999.0, "f"),)
    masks = [MaskSpec(ball((9, 10)), patterns=patterns)]
    yield pyramid(
        "masked", Pyramid((9, 10), (2, 2), [[*ONE[0], 0]], 321), [0.5], "VAL-4", masks=masks
    )
    parts = [["u", 7, 0.0, 3.0, 1], ["v", 3, 0.0, 300.0, 0]]
    short = MaskSpec(ball((9, 10), 0.3), pattern_bytes=2, patterns=(0x8001,), method=2)
    model = Pyramid((9, 10), (0, 1, 1), parts, 322)
    yield pyramid("masks-differ", model, [0.5, 7.0], "VAL-4", masks=[short, *masks])
    for name, some in (("fvsrn", ONE), ("fvsrn-components", TWO)):
        integers = randomly(30 * len(some), 323)
        file = simple_file(Fvsrn((6, 5), components=some, seed=323), k7=[0.0625, 4.5][: len(some)])
        file.resd([static_stream(2, integers)], integers)
        yield _valid(name, file, "RESD-1 VAL-5 VAL-7")


def _coder_cases() -> Iterator[Case]:
    """Every coder, and several in one section."""
    dims = (8, 9)
    integers = randomly(72, 331)
    cut = [integers[:5], integers[5:40], integers[40:41], integers[41:]]
    streams = {
        "raw": [raw_stream(integers)],
        "raw-width-32": [raw_stream(integers, -(2**31), 32)],
        "ans-static": [static_stream(1, integers)],
        "range-static": [static_stream(2, integers)],
        "ans-laplace": [laplace_stream(1, [(9, integers[:50]), (20, integers[50:])])],
        "range-laplace": [laplace_stream(2, [(0, integers)])],
        "zstd": [byte_stream(3, integers, 2)],
        "brotli": [byte_stream(4, integers, 1)],
        "mixing": [mixed(dims, integers)],
        "several": [
            raw_stream(cut[0]),
            static_stream(1, cut[1]),
            raw_stream([]),
            byte_stream(4, cut[2], 1),
            laplace_stream(2, [(12, cut[3])]),
            byte_stream(3, [], 1),
        ],
        "mixing-between-empty": [raw_stream([]), mixed(dims, integers), byte_stream(3, [], 4)],
    }
    for n, s in streams.items():
        yield _valid(
            f"coder-{n}", File().item(residual_item(dims)).resd(s, integers), "RESD-1 RESD-2"
        )
    for name, data in (("empty", b""), ("ff", b"\xff" * 40), ("junk", bytes(range(7, 90, 3)))):
        some = lattice_integers(lattice(dims), data)
        file = File().item(residual_item(dims)).resd([mixing_stream(72, data)], some)
        yield _valid(f"coder-mixing-data-{name}", file, "RESD-2 MIX-1")


def _section_cases() -> Iterator[Case]:
    """Residuals spread over sections, among other sections in any order."""
    dims = (8, 9)
    integers = randomly(72, 341)
    item = residual_item(dims)
    several = File().item(item).resd([], [])
    several.resd([raw_stream(integers[:10])], integers[:10])
    several.resd([static_stream(1, integers[10:60]), raw_stream([])], integers[10:60])
    several.resd([byte_stream(3, integers[60:], 1)], integers[60:], 0, 1).resd([], [], 0, 2)
    before = File().resd([raw_stream(integers[:10])], integers[:10])
    before.item(item).resd([raw_stream(integers[10:])], integers[10:])
    empty = File().item(item).resd([], []).resd([mixed(dims, integers)], integers).resd([], [])
    compressed = File().item(item).resd([raw_stream(integers)], integers, 0, 1)
    brotli = File().item(item).resd([mixed(dims, integers)], integers, 0, 2)
    files = {
        "several": several,
        "before-item": before,
        "empty-beside-mixing": empty,
        "outer-zstd": compressed,
        "outer-brotli": brotli,
    }
    for n, f in files.items():
        yield _valid(f"sections-{n}", f, "RESD-1 RESD-2 END-2")
    yield _beside_tensors()
    yield _two_items()


def _beside_tensors() -> Case:
    """Coefficients and residuals by mixing, in turns; each have a memory of their own."""
    model = Pyramid((8, 9), (2, 2), seed=342)
    values, ends = model.integers(), model.ends()
    streams, residuals = model.streams(ends), randomly(72, 343)
    file = File().tens([streams[0]], values[: ends[0]]).item(model.header(k7=[0.25]))
    file.resd([mixed((8, 9), residuals)], residuals)
    file.tens(streams[1:], values[ends[0] :])
    return _valid("sections-between-levels", file, "RESD-2 STR-6 TENS-2 END-2")


def _two_items() -> Case:
    """Two items whose sections take turns, and one without residuals."""
    a, b = randomly(72, 344), randomly(60, 345)
    file = File().item(constant_item([3], [("c", 7, 2.0, 0.0)]))
    file.item(residual_item((8, 9))).item(residual_item((5, 4), THREE))
    file.resd([raw_stream(b[:7])], b[:7], 2).resd([mixed((8, 9), a)], a, 1)
    file.resd([raw_stream(b[7:])], b[7:], 2).tens([], [], 1)
    both = mixed((8, 9), a)
    file.item(residual_item((8, 9), [("d", 7, 0.0, 0.0)])).resd([both], a, 3)
    return _valid("sections-of-items-in-turns", file, "RESD-1 RESD-2 END-2")


def _value_cases() -> Iterator[Case]:
    """Dtypes, roundings and masks."""
    places = (100.25, -3.5, 30000.0, -100.0, 2147483648.0, -7.0, 1000.0, -273.15, 1e10)
    for number, (dtype, offset) in enumerate(zip(DTYPES, places, strict=True)):
        part = ("t", number, offset, abs(offset) / 64)
        file = residual_file((6, 7), [part], 351 + number, [0.375])
        yield _valid(f"dtype-{dtype}", file, "VAL-3 VAL-7 ITEM-2")
    halves = [["even", 3, 0.0, 0.0], ["odd", 3, 1.0, 0.0], ["u1", 0, 2.5, 0.0], ["f2", 6, 1.0, 0.0]]
    file = residual_file((5, 6), halves, 361, [0.5, 0.5, 1.5, 2.0**-11])
    yield _valid("ties", file, "VAL-3 VAL-7")
    thirds = [["a", 3, 0.4, 0.0], ["b", 1, -0.6, 0.0], ["c", 0, 100.3, 0.0]]
    yield _valid("rounded-once", residual_file((5, 6), thirds, 362, [0.3, 0.7, 0.2]), "VAL-3 VAL-7")
    exact = [["f8", 8, 0.3, 0.0], ["f4", 7, 0.7, 0.0], ["far", 8, 1e15, 0.0]]
    file = residual_file((9, 8), exact, 363, [0.1, 0.1, 1 / 3])
    yield _valid("exact", file, "VAL-5 VAL-7", "precision")
    steps = [0.1, 0.1 + 2.0**-54, 1e-5]
    file = residual_file((5, 4), [[n, 8, 1.0, 0.0] for n in "abc"], 364, steps)
    yield _valid("steps-not-float32", file, "ITEM-12 VAL-7", "precision")
    nan = MaskSpec(ball((5, 6)), patterns=(0x7FC00001, 3), indices=_indices((5, 6)))
    integers = [40 if valid else -(2**31) for valid in nan.bits.reshape(-1).tolist()]
    file = File().item(residual_item((5, 6), [["a", 7, 1.5, 0.0, 0]])).mask(nan)
    file.resd([byte_stream(4, integers, 4)], integers)
    yield _valid("masked", file, "VAL-4 VAL-7 RESD-1", "mask")
    none = MaskSpec(np.zeros((3, 4), np.bool_), patterns=(0x7FC00001,))
    file = File().item(residual_item((3, 4), [["a", 7, 1.5, 0.0, 0]])).mask(none)
    file.resd([raw_stream([0] * 12)], [0] * 12)
    yield _valid("none-valid", file, "VAL-4 RESD-1", "mask")


def _indices(shape: Sequence[int]) -> list[int]:
    bits = ball(shape)
    return [n % 2 for n in range(bits.size - int(np.count_nonzero(bits)))]


def _extreme_cases() -> Iterator[Case]:
    """Integers, steps and sums at the end of their ranges."""

    def vector(name: str, file: File, integers: Ints, spec: str, tags: str = "") -> Case:
        return _valid(name, file.resd([raw_stream(integers, -(2**31), 32)], integers), spec, tags)

    ends = [2**31 - 1, -(2**31), 2**30, -1, 0, 12345678]
    parts = [["f8", 8, 0.25, 0.0], ["u4", 4, 2147483648.0, 0.0], ["i2", 3, 5.0, 0.0]]
    file = File().item(residual_item((6,), parts, [0.5, 1.0, 2.0**-20]))
    yield vector("integers-of-32-bits", file, ends * 3, "STR-4 VAL-3 VAL-7", "clip")
    steps = [5e-324, 2.0**-1074, 1.7e308, 1e300]
    parts = [["a", 8, 0.0, 0.0], ["b", 7, 1.0, 0.0], ["c", 8, 0.0, 0.0], ["d", 5, 0.0, 0.0]]
    file = File().item(residual_item((4,), parts, steps))
    yield vector("steps-extreme", file, [7, -7, 0, 1] * 4, "ITEM-12 VAL-3 VAL-7", "clip")
    zeros = File().item(residual_item((40,), TWO))
    yield _valid("zeros", zeros.resd([raw_stream([0] * 80)], [0] * 80), "RESD-1 STR-2")
    model = Pyramid((6,), (0,), (("a", 8, 1.7e308, 1.7e308),), values=[0] * 6, extra={2: 1.5})
    model.fixed_step = 1.0
    file = model.file(k7=[1e300])
    yield vector("x-infinite", file, [-5, 5, 0, 1, 2, -(2**20)], "VAL-2 VAL-5 VAL-7", "clip")
    steep = randomly(72, 371, 2**20)
    file = File().item(residual_item((8, 9))).resd([mixed((8, 9), steep)], steep)
    yield _valid("large-by-mixing", file, "RESD-2 STR-4")


def _bound_cases() -> Iterator[Case]:
    """Key 6, alone and beside key 7."""
    tile = constant_item((3, 4), TWO) | {6: [0.0, 0.5], 7: [0.5, 1.0], 5: [0, 0]}
    integers = randomly(24, 381)
    files = {
        "alone": File().item(constant_item((3, 4)) | {6: [0.125]}),
        "0": File().item(constant_item((3, 4)) | {6: [0.0]}),
        "of-components": File().item(constant_item((3, 4), TWO) | {6: [1e-300, 1e308]}),
        "not-float32": File().item(constant_item((3, 4)) | {6: [0.1]}),
        "of-pyramid": Pyramid((9, 10), (2, 2), seed=382).file(k6=[0.01]),
        "with-residuals": residual_file((3, 4)),
        "with-residuals-of-a-tile": File().item(tile).resd([raw_stream(integers)], integers),
    }
    files["with-residuals"].sections[0].stored = (
        File().item(residual_item((3, 4)) | {6: [0.125]}).sections[0].stored
    )
    for name, file in files.items():
        yield _valid(f"bounds-{name}", file, "ITEM-12 ITEM-0")
