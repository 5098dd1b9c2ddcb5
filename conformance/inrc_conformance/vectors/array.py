"""Valid vectors: streams of coder 7 (STR-9)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..builders.amgsrn import Amgsrn
from ..builders.file import File, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn
from ..builders.miner import Miner
from ..builders.mixing import array_integers, array_stream, raw_array_stream
from ..builders.network import Hashgrid, Neurcomp, Siren
from ..builders.pyramid import Pyramid, randoms
from ..builders.shell import sphere
from ..builders.streams import Ints, byte_stream, raw_stream, static_stream
from .case import Case, case
from .codebook import entry
from .mask import ball
from .residual import TWO, mixed, randomly, residual_item
from .shell import sampled

DOUBLE = (("a", 8, 0.5, 0.0),)
"""A component whose residuals are seen one by one, however large they are."""
_LARGEST = 2**27


def array_cases() -> list[Case]:
    """All valid cases of coder 7."""
    return [*_length_cases(), *_value_cases(), *_data_cases(), *_network_cases(),
            *_cut_cases(), *_sparse_cases(), *_lattice_cases(), *_other_places()]  # fmt: skip


def _valid(name: str, file: File, spec: str = "STR-9", tags: str = "") -> Case:
    return case("array", name, file, spec, tags=tags)


def rolling(lengths: Sequence[int], seed: int, noise: int = 2) -> list[int]:
    """Return integers that lie near a smooth surface, in C order."""
    draw = randoms(seed)
    out: list[int] = []
    for place in np.ndindex(*lengths):
        height = sum((7 + 3 * axis) * i - i * i // 2 for axis, i in enumerate(place))
        out.append(height + next(draw) % (2 * noise + 1) - noise - 10)
    return out


def arrays(shapes: Sequence[Sequence[int]], integers: Ints) -> list[bytes]:
    """Return one array for each shape, one after the other."""
    out: list[bytes] = []
    start = 0
    for shape in shapes:
        count = math.prod(shape)
        out.append(array_stream(shape, integers[start : start + count]))
        start += count
    if start != len(integers):
        raise ValueError("the arrays do not hold all integers")
    return out


def at_most_four(shape: Sequence[int]) -> tuple[int, ...]:
    """Merge the first axes of a shape until four are left."""
    front = len(shape) - 3
    return (math.prod(shape[:front]), *shape[front:]) if front > 1 else tuple(shape)


def _residuals(lengths: Sequence[int], integers: Ints) -> File:
    """Return an item of one axis whose residuals are an array of other axes."""
    file = File().item(residual_item((len(integers),), DOUBLE))
    return file.resd([array_stream(lengths, integers)], integers)


def _length_cases() -> Iterator[Case]:
    """Arrays of one to four axes, some of length 1, that are not those of the item."""
    shapes: Sequence[Sequence[int]] = (
        (1,), (2,), (29,), (1, 1), (1, 9), (9, 1), (7, 6), (1, 5, 4), (5, 1, 4), (5, 4, 1),
        (4, 3, 5), (1, 1, 1, 1), (1, 1, 11, 1), (1, 6, 1, 5), (6, 1, 1, 5), (2, 3, 1, 4),
        (3, 2, 4, 1), (2, 1, 3, 2), (3, 2, 4, 3), (2, 2, 2, 2), (1, 3, 3, 3),
    )  # fmt: skip
    for seed, lengths in enumerate(shapes):
        name = "lengths-" + "-".join(map(str, lengths))
        yield _valid(name, _residuals(lengths, rolling(lengths, 500 + seed)), "STR-9 RESD-2")


def _value_cases() -> Iterator[Case]:
    """Integers that neighbours foretell, and those that nothing does."""
    draw = randoms(520)
    sizes = sorted({s for k in range(28) for s in (2**k, 2**k + 1, 3 * 2 ** max(k - 1, 0) + 1)})
    large = [(-1) ** n * size for n, size in enumerate(s for s in sizes if s <= _LARGEST // 4)]
    shapes: dict[str, tuple[Sequence[int], list[int]]] = {
        "zeros": ((6, 7), [0] * 42),
        "all-alike": ((4, 5, 3), [-3] * 60),
        "slope": ((40,), [5 * n - 90 for n in range(40)]),
        "plane": ((9, 11), [3 * i - 2 * j for i in range(9) for j in range(11)]),
        "plane-dims-3": ((4, 5, 6), [i - 7 * j + 2 * k for i, j, k in np.ndindex(4, 5, 6)]),
        "bowl": ((9, 9), [(i - 4) ** 2 + (j - 3) ** 2 for i, j in np.ndindex(9, 9)]),
        "noise": ((8, 9), [next(draw) % 201 - 100 for _ in range(72)]),
        "seldom-not-0": ((100,), [(next(draw) % 19 == 0) * 5 for _ in range(100)]),
        "steps": ((6, 16), [40 * (i // 3) - 30 * (j // 5) for i, j in np.ndindex(6, 16)]),
        "signs": ((60,), [next(draw) % 3 - 1 for _ in range(60)]),
        "all-magnitudes": ((len(large),), large),
        "large": ((6,), [_LARGEST, 2 * _LARGEST, 2 * _LARGEST, 0, -5, -_LARGEST]),
        "large-slope": ((5, 6), [2**22 * i - 2**21 * j for i, j in np.ndindex(5, 6)]),
        "beyond-32767": ((7, 6), [(next(draw) << 6) - 2**21 for _ in range(42)]),
    }
    for name, (lengths, values) in shapes.items():
        yield _valid(f"values-{name}", _residuals(lengths, values), "STR-9 STR-4 RESD-2")


def _data_cases() -> Iterator[Case]:
    """Data that an encoder would not write: all of it stands for some integers (MIX-1)."""
    draw = randoms(530)
    lengths = (5, 8)
    junk = bytes(next(draw) % 256 for _ in range(90))
    whole = array_stream(lengths, rolling(lengths, 531, 9))
    data = whole[5:]
    given = {
        "empty": b"",
        "00": bytes(20),
        "ff": b"\xff" * 30,
        "junk": junk,
        "cut": data[: len(data) // 2],
        "without-last": data[:-1],
        "with-more": data + junk,
    }
    for name, some in given.items():
        values = array_integers(lengths, some)
        file = File().item(residual_item((40,), DOUBLE))
        file.resd([raw_array_stream(40, lengths, some)], values)
        yield _valid(f"data-{name}", file, "STR-9 MIX-1")


def _network_cases() -> Iterator[Case]:
    """Every tensor as an array of its own shape, in all architectures that have such tensors."""
    models: dict[str, Any] = {
        "fvsrn-dims-1": Fvsrn((9,), (5,), seed=541),
        "fvsrn-dims-2": Fvsrn((6, 5), (4, 3), 3, seed=542),
        "fvsrn-dims-3": Fvsrn((4, 5, 3), (3, 2, 4), seed=543),
        "fvsrn-dims-4": Fvsrn((3, 3, 2, 3), (3, 2, 2, 3), seed=544),
        "fvsrn-grid-of-length-2": Fvsrn((2, 5), (2, 3), 1, seed=545),
        "fvsrn-components": Fvsrn((5, 4), components=TWO, seed=546),
        "siren": Siren((6, 5), seed=547),
        "siren-layers-2": Siren((3, 4, 3), seed=548, hidden=2),
        "amgsrn": Amgsrn((6, 5), 3, 2, (4, 3), seed=549).settle(),
        "amgsrn-dims-3": Amgsrn((4, 5, 3), 2, 2, (3, 2, 3), seed=550).settle(),
        "neurcomp": Neurcomp((6, 5), seed=551),
        "hashgrid": Hashgrid((6, 5), seed=552),
        "miner": Miner((9, 7), seed=553),
    }
    for name, model in models.items():
        integers = model.integers()
        streams = arrays([at_most_four(shape) for shape in model.shapes()], integers)
        yield _valid(name, File().item(model.header()).tens(streams, integers), "STR-9 TENS-2")
    smooth = Fvsrn((9, 8), (6, 7), 2, seed=554, step=1 / 256)
    integers = [*rolling((2, 6, 7), 555), *smooth.integers()[84:]]
    streams = arrays([at_most_four(shape) for shape in smooth.shapes()], integers)
    file = File().item(smooth.header()).tens(streams, integers)
    yield _valid("fvsrn-smooth", file, "STR-9 TENS-2")
    large = Fvsrn((5, 4), seed=556, step=2.0**-26, spread=2**20)
    integers = large.integers()
    file = File().item(large.header()).tens(arrays(large.shapes(), integers), integers)
    yield _valid("fvsrn-large", file, "STR-9 TENS-2")


def _cut_cases() -> Iterator[Case]:
    """Arrays over parts of tensors, and beside streams of other coders."""
    model = Fvsrn((6, 5), seed=561)
    integers = model.integers()
    a, b, c = integers[:10], integers[10:31], integers[31:]
    alike = [*rolling((3, 8), 562), *rolling((3, 8), 562), *integers[48:]]
    across = [array_stream((2, 5), a), array_stream((7, 3), b), array_stream((2, 2, 7), c)]
    streams: dict[str, tuple[list[bytes], list[int]]] = {
        "all-tensors-in-one": ([array_stream((59,), integers)], integers),
        "across-tensors": (across, integers),
        "between-others": ([raw_stream(a), array_stream((21,), b), static_stream(2, c)], integers),
        "before-and-behind-another": (
            [across[0], byte_stream(3, b, 1), raw_stream([]), across[2]],
            integers,
        ),
        "one-integer-each": ([array_stream((1,), [v]) for v in integers], integers),
        "same-array-twice": (
            [*arrays([(3, 8), (3, 8)], alike[:48]), raw_stream(alike[48:])],
            alike,
        ),
        "same-integers-in-other-lengths": (
            [*arrays([(4, 6), (2, 3, 4)], alike[:48]), raw_stream(alike[48:])],
            alike,
        ),
    }
    for name, (some, values) in streams.items():
        yield _valid(name, File().item(model.header()).tens(some, values), "STR-9 TENS-2")
    file = File().tens(across[:1], a, attribute=1).item(model.header()).tens([], [])
    file.tens(across[1:2], b, attribute=2).tens(across[2:], c)
    yield _valid("sections", file, "STR-9 TENS-2 END-2")
    yield _two_items()


def _two_items() -> Case:
    """Two items whose arrays take turns; each array has a memory of its own."""
    network = Fvsrn((6, 5), components=(("one", 7, 0.0, 1.0),), seed=565)
    siren = Siren((5, 4), seed=566, components=(("two", 7, 0.5, 2.0),))
    file = File().item(network.header()).item(siren.header())
    first, second = network.integers(), siren.integers()
    file.tens([array_stream((6, 5), first[:30])], first[:30])
    file.tens(arrays(siren.shapes(), second), second, 1)
    file.tens([array_stream((29, 1), first[30:])], first[30:])
    return _valid("two-items-in-turns", file, "STR-9 TENS-2 END-2")


def _sparse_cases() -> Iterator[Case]:
    """Masks, codebooks and tiles."""
    model = Fvsrn((6, 5), (4, 3), seed=571)
    coded = ball((4, 3), 0.5)
    count = 2 * int(np.count_nonzero(coded))
    integers = model.integers(count + sum(model.counts()[1:]))
    shapes = [(2, count // 2), *model.shapes()[1:]]
    file = File().item(model.header(k4={0: 0})).mask(MaskSpec(coded, 1))
    file.tens(arrays(shapes, integers), integers)
    yield _valid("sparse", file, "STR-9 TENS-2 ITEM-8")
    part = [["a", 7, 0.5, 2.0, 0]]
    valid = MaskSpec(ball((6, 5)), patterns=(float_bits(-9.0, "f"),))
    some = Fvsrn((6, 5), components=part, seed=572)
    file = File().item(some.header()).mask(valid)
    file.tens(arrays(some.shapes(), some.integers()), some.integers())
    yield _valid("validity-mask", file, "STR-9 VAL-4", "mask")
    siren = Siren((6, 5), seed=573, components=part)
    file = File().item(siren.header(k4={0: 1, 2: 2})).mask(valid)
    masks = [np.indices(siren.shapes()[n]).sum(axis=0) % 3 > 0 for n in (0, 2)]
    for bits in masks:
        file.mask(MaskSpec(bits, 1, method=0))
    sizes = siren.counts()
    sizes[0], sizes[2] = (int(np.count_nonzero(bits)) for bits in masks)
    integers = siren.integers(sum(sizes))
    file.tens(arrays([(size,) for size in sizes], integers), integers)
    yield _valid("siren-sparse-and-masked", file, "STR-9 ITEM-8 VAL-4", "mask")
    books = [entry([-9000, 400, 7000, -20000, 15000], -2)] * 5
    integers = [v % 5 - 2 for v in model.integers()]
    file = File().item(model.header(k3=books)).tens(arrays(model.shapes(), integers), integers)
    yield _valid("codebook", file, "STR-9 ITEM-13")
    file = File()
    for n, start in enumerate((0, 6)):
        tile = Fvsrn((6, 5), seed=574 + n)
        file.item(tile.header(k5=[start, 0]))
        file.tens(arrays(tile.shapes(), tile.integers()), tile.integers(), n)
    yield _valid("tiles", file, "STR-9 ITEM-11")


def _lattice_cases() -> Iterator[Case]:
    """Coefficients of a lattice, and cells and values of an octree."""
    model = Pyramid((9, 10), (2, 2), seed=581)
    values, ends = model.integers(), model.ends()
    low, details = ends[0], values[ends[0] :]
    bands = [(band.entries,) for band in model.lattice.bands]
    later = [*model.streams(ends[:1]), array_stream((len(details),), details)]
    streams = {
        "whole": [array_stream((90,), values)],
        "whole-of-its-dims": [array_stream((9, 10), values)],
        "behind-mixing": later,
        "behind-mixing-and-raw": [
            later[0],
            raw_stream(details[:3]),
            array_stream((1, len(details) - 3), details[3:]),
        ],
        "band-by-band": arrays(bands, values),
        "then-raw": [array_stream((low,), values[:low]), raw_stream(details)],
    }
    for n, s in streams.items():
        yield _valid(f"lattice-{n}", model.file(s), "STR-9 STR-6 TENS-2")
    plain = Pyramid((7, 6), (0, 0), seed=582)
    file = plain.file([array_stream((7, 6), plain.integers())])
    yield _valid("lattice-without-transform", file, "STR-9 STR-6 TENS-2")
    shell = sampled((2, 2, 2), 1, sphere((2.2, 1.7, 2.0), 1.5))
    values = shell.integers()
    file = shell.file([array_stream((len(values),), values)])
    yield _valid("octree", file, "STR-9 STR-8")
    file = shell.file([raw_stream(values[:8]), array_stream((len(values) - 8, 1), values[8:])])
    yield _valid("octree-in-parts", file, "STR-9 STR-8")


def _other_places() -> Iterator[Case]:
    """Residuals of items with tensors, and indices of fill patterns."""
    model = Pyramid((8, 9), (2, 2), seed=591)
    residuals = randomly(72, 592)
    file = model.file(k7=[0.25]).resd([array_stream((8, 9), residuals)], residuals)
    yield _valid("residuals-of-a-pyramid", file, "STR-9 RESD-2")
    parts = [residuals[:24], residuals[24:54], residuals[54:]]
    file = File().item(residual_item((8, 9))).resd([array_stream((2, 3, 4), parts[0])], parts[0])
    file.resd([raw_stream(parts[1]), array_stream((18,), parts[2])], [*parts[1], *parts[2]])
    yield _valid("residuals-in-parts", file, "STR-9 RESD-2")
    both = randomly(144, 593)
    file = File().item(residual_item((8, 9), TWO)).resd([array_stream((2, 8, 9), both)], both)
    yield _valid("residuals-of-components", file, "STR-9 RESD-2")
    network = Fvsrn((8, 9), seed=594)
    file = File().item(network.header(k7=[0.125])).resd([mixed((8, 9), residuals)], residuals)
    file.tens(arrays(network.shapes(), network.integers()), network.integers())
    yield _valid("beside-residuals-by-mixing", file, "STR-9 RESD-2")
    bits = ball((7, 8))
    count = bits.size - int(np.count_nonzero(bits))
    indices = [n // 5 % 3 for n in range(count)]
    shapes = {"one-axis": (count,), "axes-of-length-1": (1, count, 1)}
    for name, lengths in shapes.items():
        mask = MaskSpec(bits, patterns=(1, 2, 0x7FC00001), indices=indices)
        mask.stream = array_stream(lengths, indices)
        file = File().item(constant_item((7, 8), [["a", 7, 1.5, 0.0, 0]])).mask(mask)
        yield _valid(f"patterns-{name}", file, "STR-9 MASK-4", "mask")
