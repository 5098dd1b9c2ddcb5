"""Valid vectors: architecture 2 and coder 5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from ..builders.file import File, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import lattice_integers, lattice_streams, mixing_stream
from ..builders.pyramid import Pyramid, basis, randoms, some_basis
from ..builders.streams import Ints, byte_stream, laplace_stream, raw_stream, static_stream
from ..decoder.magnitudes import index_of
from .case import Case, case

TWO = (("u", 7, 0.0, 3.0), ("v", 7, -1.0, 5.0))
THREE = (("r", 0, 127.5, 127.5), ("g", 0, 127.5, 127.5), ("b", 0, 127.5, 127.5))
_LARGEST = 2**27


def pyramid_cases() -> list[Case]:
    """All valid cases of the pyramid and of mixing."""
    return [*_shape_cases(), *_code_cases(), *_network_cases(), *_config_cases(), *_integer_cases(),
            *_section_cases(), *_data_cases()]  # fmt: skip


def _valid(name: str, data: File | bytes, spec: str, tags: str = "") -> Case:
    return case("pyramid", name, data, spec, tags=tags)


def _shape_cases() -> Iterator[Case]:
    """Dimensions, lengths and components, all with the joint wavelet."""
    five = Pyramid((3, 4, 3, 5), (0, 1, -3, 2, 1), TWO, seed=17)
    models = {
        "dims-1": Pyramid((37,), (4,), seed=1),
        "dims-1-all-levels": Pyramid((33,), (6,), seed=2),
        "dims-2": Pyramid((12, 15), (2, 2), seed=3),
        "dims-2-larger": Pyramid((40, 45), (4, 4), seed=4, spread=300),
        "dims-3": Pyramid((7, 6, 9), (2, 2, 2), seed=5),
        "dims-4": Pyramid((3, 5, 4, 6), (1, 1, 1, 1), seed=6, spread=12),
        "dims-4-two-levels": Pyramid((5, 4, 6, 4), (2, 2, 2, 2), seed=7),
        "lengths-2-and-3": Pyramid((2, 3, 2), (1, 2, 1), seed=8),
        "odd-lengths": Pyramid((9, 11, 5), (3, 3, 2), seed=9),
        "axes-of-size-1": Pyramid((1, 9, 1, 1, 8, 1), (2, 2), seed=10),
        "levels-differ": Pyramid((6, 9, 20), (1, 2, 4), seed=11),
        "one-axis-with-levels": Pyramid((5, 4, 21), (0, 0, 3), seed=12),
        "components-2": Pyramid((9, 10), (0, 2, 2), TWO, seed=13),
        "components-3": Pyramid((10, 11), (-3, 2, 2), THREE, seed=14),
        "components-only": Pyramid((1, 1), (-3,), THREE, seed=15),
        "components-and-dims-3": Pyramid((4, 5, 6), (-3, 1, 1, 1), TWO, seed=16),
        "components-and-dims-4": five,
        "components-and-dims-4-merged-in-order": Pyramid(
            (3, 2, 5, 4), (-3, -2, 0, 2, 1), TWO, seed=18
        ),
    }
    for n, m in models.items():
        yield _valid(n, m.file(), "PYR-1 PYR-2 STR-6 VAL-1")


def _code_cases() -> Iterator[Case]:
    """Every code alone and beside others."""
    learned = {4: [some_basis(11, 7)]}
    both = {4: [some_basis(5, 5, 2), some_basis(9, 3, 3)]}
    widest = basis([(0, 1, [1, -1, 0]), (15, 15, [32767, -32767, 1])])
    empty = {4: [basis([])]}
    models = {
        "code-0": Pyramid((11, 13), (0, 0), seed=21),
        "code-learned": Pyramid((11, 6), (-1, 0), seed=22, extra=learned),
        "code-learned-two-axes": Pyramid((5, 7, 9), (-1, 1, -1), seed=23, extra=both),
        "code-learned-extreme-bits": Pyramid((3, 4), (-1, 0), seed=24, extra={4: [widest]}),
        "code-learned-rank-0": Pyramid((5, 4), (-1, 1), seed=25, extra=empty | {2: 0.25}),
        "code-own": Pyramid((40, 7), (-2, -2), seed=26),
        "code-own-too-short": Pyramid((6, 3, 2), (-2, -2, -2), seed=27),
        "code-own-and-joint": Pyramid((15, 8, 9), (-2, 2, 2), seed=28),
        "code-cosine": Pyramid((9, 8), (-3, -3), seed=29),
        "code-cosine-of-2": Pyramid((2, 17), (-3, 3), seed=30),
        "codes-mixed": Pyramid((6, 5, 9, 8), (2, -3, -2, 1), seed=31),
        "codes-mixed-learned-components": Pyramid(
            (6, 7, 8), (-1, 2, -3, 1), TWO, seed=32, extra={4: [some_basis(2, 2)]}
        ),
        "codes-joint-before-others": Pyramid((13, 10, 4), (3, -2, 0), seed=33),
    }
    spec = "PYR-1 PYR-2 PYR-3 VAL-1"
    for n, m in models.items():
        yield _valid(n, m.file(), spec)


def _network_cases() -> Iterator[Case]:
    """Restoration networks, on all parities of shapes; inputs do not depend on their files."""
    floats = (("r", 7, 0.0, 1.0), ("g", 7, 0.0, 1.0), ("b", 7, 0.0, 1.0))
    shapes: dict[str, tuple[Sequence[int], Sequence[int], Any, dict[int, Any]]] = {
        "": ((15, 14), (-3, 2, 2), floats, {}),
        "-offset": ((7, 9), (0, 1, 1), floats, {2: 0.125}),
        "-two-rows": ((2, 11), (-3, 0, 2), THREE, {}),
        "-axes-of-size-1": ((6, 1, 5), (-3, 1, 1), THREE, {}),
        "-even": ((12, 10), (-3, 2, 2), floats, {}),
        "-odd": ((5, 13), (0, 1, 3), floats, {}),
        "-odd-columns": ((8, 7), (-3, 2, 1), floats, {}),
        "-two-columns": ((9, 2), (0, 2, 0), floats, {}),
        "-two-by-two": ((2, 2), (-3, 1, 0), floats, {}),
        "-two-by-three": ((2, 3), (0, 0, 1), floats, {}),
        "-three-by-three": ((3, 3), (-3, 1, 1), THREE, {}),
    }
    for n, (name, (dims, codes, components, extra)) in enumerate(shapes.items()):
        for number in (1, 2):
            keys = extra | {5: [[number, 64]]}
            model = Pyramid(dims, codes, components, 131 + n, extra=keys, fixed_step=1 / 128)
            yield _valid(f"network-{number}{name}", model.file(), "PYR-5 VAL-1")
    pairs = ((1, 1), (1, 255), (2, 1), (2, 255), (1, 30, 2, 45), (1, 255, 2, 255), (1, 1, 2, 200))
    sizes = (((15, 14), (-3, 2, 2)), ((6, 1, 7), (0, 1, 1)))
    for n, numbers in enumerate((*pairs, (1, 64, 2, 64), (1, 100, 2, 1))):
        dims, codes = sizes[n % 2]
        keys = {5: [list(numbers[at : at + 2]) for at in range(0, len(numbers), 2)]}
        model = Pyramid(dims, codes, floats, 151 + n, extra=keys, fixed_step=1 / 128)
        name = "network-weights-" + "-".join(map(str, numbers))
        yield _valid(name, model.file(), "PYR-5 VAL-1")


def _config_cases() -> Iterator[Case]:
    """Offsets, shifts, dtypes and quantisation entries."""
    models: dict[str, Pyramid] = {
        "offset": Pyramid((9, 10), (2, 2), seed=41, extra={2: -0.375}),
        "offset-0": Pyramid((9, 10), (2, 2), seed=41, extra={2: 0.0}),
        "shifts": Pyramid((9, 10), (2, 2), seed=42, extra={3: [10, -20, 40]}, spread=20),
        "shifts-one": Pyramid((9, 10), (2, 2), seed=43, extra={3: [-128, 0, 0]}, spread=20),
        "shifts-largest": Pyramid((9, 10), (2, 2), seed=44, extra={3: [128, -128, 128]}),
        "shifts-low-band-only": Pyramid((9, 4), (0, 0), seed=45, extra={3: [50, 60, 70]}),
        "clipped-y": Pyramid((9, 10), (2, 2), seed=46, extra={2: 0.875}, fixed_step=1 / 32),
    }
    for name, model in models.items():
        tags = "clip" if name == "clipped-y" else ""
        yield _valid(name, model.file(), "PYR-1 VAL-1 VAL-2", tags)
    for dtype, offset, scale in (
        (0, 100.0, 140.0),
        (2, 30000.0, 40000.0),
        (3, -5.0, 900.0),
        (7, 1e10, 3e9),
        (8, -3.0, 1e-5),
    ):
        model = Pyramid((9, 7), (2, 1), (("t", dtype, offset, scale),), seed=50 + dtype)
        name = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")[dtype]
        yield _valid(f"dtype-{name}", model.file(), "ITEM-2 VAL-2 VAL-3")
    model = Pyramid((9, 10), (2, 2), seed=59)
    yield _valid("quantisation-with-zero-0", model.file(k3=[[0, 1.0, 0]]), "STR-7")


def _integer_cases() -> Iterator[Case]:
    """Integers out of the ordinary."""
    sizes = sorted({s for k in range(28) for s in (2**k, 2**k + 1, 3 * 2 ** max(k - 1, 0) + 1)})
    sizes = [size for size in sizes if size <= _LARGEST]
    if {index_of(size) for size in sizes} != set(range(1, 55)):
        raise ValueError("an index is missing")
    signed = [size if n % 2 else -size for n, size in enumerate(sizes)]
    tail = [*signed, *reversed(signed), 0, 0, 1, -1]
    large = Pyramid((2 * len(tail),), (1,), (("a", 8, 0.0, 1.0),))
    large.values = [*[0] * len(tail), *tail]
    models: dict[str, Pyramid] = {
        "one-coefficient": Pyramid((1, 1), (), values=[-5]),
        "one-coefficient-zero": Pyramid((1,), (), values=[0]),
        "one-coefficient-largest": Pyramid((1,), (), values=[_LARGEST]),
        "zeros": Pyramid((9, 10, 4), (2, 2, 1), values=[0] * 360),
        "all-indices": large,
    }
    models |= _low_bands() | _magnitudes()
    for n, m in models.items():
        yield _valid(n, m.file(), "STR-4 STR-6 MIX-1")
    wide = Pyramid((4, 4), (1, 1), (("a", 8, 0.0, 1.0),))
    wide.values = [2**31 - 1, -(2**31), 5, 0] * 4
    yield _valid("raw-32-bits", wide.file([raw_stream(wide.values)]), "STR-4 STR-2")


def _low_bands() -> dict[str, Pyramid]:
    """Return low bands that are hard to predict, and one that is easy."""
    steep = Pyramid((7, 9), (0, 0))
    steep.values = [(-1) ** (n // 5) * (n * n * n * 17 % 2000003) for n in range(63)]
    far = Pyramid((1, 6), (0,), values=[_LARGEST, 2 * _LARGEST, 2 * _LARGEST, 0, -5, -_LARGEST])
    jumps = Pyramid((9, 20), (0, 0))
    jumps.values = [n % 3 + (2**18 if n % 13 == 7 else 0) * (n % 2 * 2 - 1) for n in range(180)]
    plane = Pyramid((20, 24), (0, 0))
    plane.values = [3 * i - 2 * j for i in range(20) for j in range(24)]
    return {
        "low-band-steep": steep,
        "low-band-far": far,
        "low-band-jumps": jumps,
        "low-band-plane": plane,
    }


def _magnitudes() -> dict[str, Pyramid]:
    """Return coefficients of all magnitudes, and long runs of equal ones."""
    draw = randoms(5)
    huge = Pyramid((5, 6, 7), (2, 2, 2), (("a", 8, 0.0, 1.0),))
    huge.values = [(next(draw) % 3 - 1) * (next(draw) << next(draw) % 10) for _ in range(210)]
    hundreds = Pyramid((16, 17), (3, 3))
    hundreds.values = [(next(draw) % 2 * 2 - 1) * (1 << next(draw) % 10) for _ in range(272)]
    runs = Pyramid((2600,), (1,))
    runs.values = [*[0] * 1299, 7, *[-1] * 1299, 1]
    noise = Pyramid((20, 19), (2, 2))
    noise.values = [next(draw) % 2001 - 1000 for _ in range(380)]
    ones = Pyramid((20, 19), (2, 2))
    ones.values = [0] * 30 + [next(draw) % 3 - 1 for _ in range(350)]
    return {
        "magnitudes-beyond-32767": huge,
        "magnitudes-of-hundreds": hundreds,
        "long-runs": runs,
        "noise": noise,
        "signs": ones,
    }


def _section_cases() -> list[Case]:
    """Integers spread over streams and sections."""
    model = Pyramid((13, 14), (3, 3), seed=61)
    values, ends = model.integers(), model.ends()
    out: list[Case] = []

    def cut(counts: Ints) -> list[tuple[bytes, list[int]]]:
        streams = model.streams(counts)
        starts = [sum(counts[:n]) for n in range(len(counts))]
        return [
            (coded, values[start : start + count])
            for coded, start, count in zip(streams, starts, counts, strict=True)
        ]

    def add(name: str, counts: Ints) -> None:
        file = File().item(model.header())
        for coded, part in cut(counts):
            file.tens([coded], part)
        out.append(_valid(name, file, "STR-6 TENS-2 END-2"))

    add("section-per-level", ends)
    add("low-band-alone", [ends[0], sum(ends[1:])])
    add("two-levels-a-section", [ends[0] + ends[1], ends[2] + ends[3]])
    out.append(_valid("streams-in-one-section", model.file(model.streams(ends)), "STR-6 TENS-2"))
    file = File().tens([cut(ends)[0][0]], cut(ends)[0][1]).item(model.header())
    for coded, part in cut(ends)[1:]:
        file.tens([], []).tens([coded], part, attribute=1)
    out.append(_valid("sections-before-item", file, "STR-6 TENS-1 TENS-3"))
    return [*out, *_coder_cases(model), _two_items(), _items_of_other_kinds()]


def _coder_cases(model: Pyramid) -> Iterator[Case]:
    """Coefficients in other coders, and in coder 5 followed by another."""
    values, ends = model.integers(), model.ends()
    streams = {
        "raw": [raw_stream(values)],
        "zstd": [byte_stream(3, values, 2)],
        "brotli": [byte_stream(4, values, 2)],
        "ans-static": [static_stream(1, values)],
        "range-laplace": [laplace_stream(2, [(12, values[:50]), (3, values[50:])])],
        "raw-pieces": [raw_stream(values[:5]), raw_stream(values[5:7]), raw_stream(values[7:])],
        "mixing-then-raw": [*model.streams(ends[:2]), raw_stream(values[sum(ends[:2]) :])],
        "mixing-then-raw-in-a-band": _raw_behind(model, 2, (7, 1, 30)),
        "low-band-mixing-then-raw-in-a-band": _raw_behind(model, 1, (2,)),
    }
    for name, coded in streams.items():
        yield _valid(f"coded-{name}", model.file(coded), "TENS-2 STR-6")


def _raw_behind(model: Pyramid, levels: int, counts: Ints) -> list[bytes]:
    """Streams of coder 5 for the first levels, then raw ones of some counts, the last of the rest.

    All cuts between raw streams lie inside bands.
    """
    values, ends = model.integers(), model.ends()
    streams = model.streams(ends[:levels])
    start = sum(ends[:levels])
    borders = set(accumulate(band.entries for band in model.lattice.bands))
    for count in counts:
        streams.append(raw_stream(values[start : start + count]))
        start += count
        if start in borders:
            raise ValueError("a cut is not inside a band")
    return [*streams, raw_stream(values[start:])]


def _two_items() -> Case:
    """Two pyramids whose sections take turns; each keeps its own memory."""
    first = Pyramid((11, 12), (2, 2), (("one", 7, 0.0, 1.0),), seed=62)
    second = Pyramid((6, 5, 7), (2, 2, 2), (("two", 3, 0.0, 800.0),), seed=63)
    file = File().item(first.header()).item(second.header())
    parts: list[list[tuple[bytes, list[int]]]] = []
    for model in (first, second):
        values, ends = model.integers(), model.ends()
        streams = lattice_streams(model.lattice, values, ends)
        starts = [sum(ends[:n]) for n in range(len(ends))]
        cuts = [values[a : a + b] for a, b in zip(starts, ends, strict=True)]
        parts.append(list(zip(streams, cuts, strict=True)))
    for (a, a_values), (b, b_values) in zip(*parts, strict=True):
        file.tens([b], b_values, 1).tens([a], a_values, 0)
    return _valid("two-items-interleaved", file, "STR-6 TENS-2")


def _items_of_other_kinds() -> Case:
    """A pyramid beside items of the other architectures."""
    pyramid = Pyramid((6, 7), (1, 1), (("p", 7, 0.0, 1.0),), seed=64)
    other = Fvsrn((4,), (2,), components=(("f", 7, 0.0, 1.0),), seed=65)
    file = File().item(other.header()).item(pyramid.header()).item(constant_item([2]))
    file.tens(pyramid.streams(), pyramid.integers(), 1)
    file.tens([raw_stream(other.integers())], other.integers())
    return _valid("beside-other-architectures", file, "STR-6 TENS-2 STR-5")


def _data_cases() -> Iterator[Case]:
    """Data that an encoder would not write: all of it stands for some integers."""
    draw = randoms(10)
    junk = bytes(12) + bytes(next(draw) % 256 for _ in range(120))
    model = Pyramid((13, 12), (2, 2), seed=71)
    full = lattice_streams(model.lattice, model.integers(), [156])[0]
    data = full[-full[3] :] if full[3] < 128 else full[5:]
    given = {
        "data-empty": b"",
        "data-00": bytes(40),
        "data-ff": b"\xff" * 40,
        "data-junk": junk,
        "data-cut": data[: len(data) // 2],
        "data-with-more": data + junk,
    }
    for name, some in given.items():
        part = Pyramid((13, 12), (2, 2), (("a", 8, 0.0, 1.0),))
        part.values = lattice_integers(model.lattice, some)
        yield _valid(name, part.file([mixing_stream(156, some)]), "MIX-1 STR-6")
