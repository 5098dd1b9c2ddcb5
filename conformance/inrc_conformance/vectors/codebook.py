"""Vectors of codebooks: quantisation 2 (ITEM-13)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..builders.amgsrn import Amgsrn
from ..builders.file import File, MaskSpec
from ..builders.fvsrn import Fvsrn
from ..builders.miner import Miner
from ..builders.pyramid import Pyramid
from ..builders.shell import Fixed, Shell
from ..builders.streams import Ints, laplace_stream, raw_stream, static_stream
from ..decoder.octree import OUTSIDE
from .case import Case, case
from .fields import WRONG_STEP

_SPEC = "ITEM-7 ITEM-13"
_STEP = 2.0**-15


def book(values: Sequence[int]) -> bytes:
    """Return the bytes of a codebook."""
    return struct.pack(f"<{len(values)}h", *values)


def entry(values: Sequence[int], first: int = 0, step: float = _STEP) -> list[Any]:
    """Return the quantisation entry of a codebook."""
    return [2, step, first, book(values)]


def codebook_cases() -> list[Case]:
    """All valid cases of codebooks."""
    return [*_book_cases(), *_tensor_cases(), *_sparse_cases(), _large()]


def codebook_faults() -> list[Case]:
    """All refused cases of codebooks."""
    return [*_entry_faults(), *_integer_faults(), *_lattice_faults()]


def _valid(name: str, file: File, spec: str = _SPEC, **options: Any) -> Case:
    return case("codebook", name, file, spec, **options)


def _indices(count: int, first: int, size: int, seed: int = 1) -> list[int]:
    """Return pseudo-random integers that have an entry in a codebook."""
    return [first + (value + 50) % size for value in Fvsrn(seed=seed, spread=40).integers(count)]


def _all_books(model: Fvsrn, values: Sequence[int], first: int, seed: int = 1) -> File:
    """Return an item all of whose tensors have the same codebook."""
    integers = _indices(sum(model.counts()), first, len(values), seed)
    header = model.header(k3=[entry(values, first)] * len(model.shapes()))
    return File().item(header).tens([raw_stream(integers)], integers)


def _book_cases() -> Iterator[Case]:
    """Codebooks in and out of order, short and long."""
    model = Fvsrn()
    books: dict[str, tuple[Sequence[int], int]] = {
        "ascending": ([-20000, -9000, -2000, 0, 3000, 11000, 26000], -3),
        "unordered": ([11000, -2000, 26000, 0, -20000, 3000, -9000], -3),
        "equal-entries": ([5000, 5000, -700, 5000, -700], -2),
        "one-entry": ([7123], 0),
        "one-entry-of-minus-9": ([-7123], -9),
        "first-0": ([-20000, -9000, 400, 12000], 0),
        "last-is-0": ([-20000, -9000, 400, 12000], -3),
        "all-below-0": ([-20000, -9000, 400, 12000], -300),
        "bounds-of-16-bits": ([-32768, 32767, -1, 0, 1, 2, -3, 4, -5], -2),
        "256-entries": ([(77 * n) % 12000 - 6000 for n in range(256)], -128),
        "first-minus-65535": ([-20000, 15000, 400], -65535),
    }
    for n, (name, (values, first)) in enumerate(books.items()):
        yield _valid(name, _all_books(model, values, first, 3 + n))


def _tensor_cases() -> Iterator[Case]:
    """Codebooks beside steps, in other architectures, and in other coders."""
    model = Fvsrn()
    steps: list[Any] = [1 / 64] * 4
    values = [9000, -4000, 20000, 600, -15000]
    integers = _indices(18, -2, 5) + model.integers()[18:]
    file = File().item(model.header(k3=[entry(values, -2), *steps]))
    yield _valid("one-tensor", file.tens([raw_stream(integers)], integers))
    counts = model.counts()
    books = [entry(values[: 2 + n], -n, 2.0 ** (n - 18)) for n in range(4)]
    integers = model.integers()[: counts[0]]
    for n, count in enumerate(counts[1:]):
        integers += _indices(count, -n, 2 + n, 9 + n)
    file = File().item(model.header(k3=[[1, 1 / 64, 1 / 32], *books]))
    yield _valid("books-differ", file.tens([raw_stream(integers)], integers))
    integers = _indices(sum(counts), -2, 5, 21)
    header = model.header(k3=[entry(values, -2)] * 5)
    for name, stream in (
        ("ans-static", static_stream(1, integers)),
        ("range-laplace", laplace_stream(2, [(5, integers)])),
    ):
        yield _valid(f"coded-{name}", File().item(header).tens([stream], integers))
    miner = Miner((9, 7), 4, (3, 2))
    integers = _indices(sum(miner.counts()), -2, 5, 22)
    file = miner.file([raw_stream(integers)], k3=[entry(values, -2)] * 4)
    file.sections[-1].layer = np.array(integers, "<i4").tobytes()
    yield _valid("of-miner", file)
    grids = Amgsrn((7, 9), 2, 2, (3, 3), seed=5).settle()
    grids.given[1] = _indices(36, 0, 5, 23)
    grids.steps[1] = entry([0, 9000, 32767, 21000, 15000])
    yield _valid("of-amgsrn", grids.file())


def _sparse_cases() -> Iterator[Case]:
    """Entries that are not coded are 0, whatever the codebook holds."""
    model = Fvsrn()
    steps: list[Any] = [1 / 64] * 4
    bits = np.arange(9).reshape(3, 3) % 4 > 0
    coded = 2 * int(np.count_nonzero(bits))
    for name, first in (("0-in-codebook", -2), ("0-not-in-codebook", -40)):
        integers = _indices(coded, first, 5, 31) + model.integers()[18:]
        values = [9000, -4000, 20000, 600, -15000]
        header = model.header(k3=[entry(values, first), *steps], k4={0: 0})
        file = File().item(header).tens([raw_stream(integers)], integers)
        yield _valid(f"sparse-{name}", file.mask(MaskSpec(bits, 1)), f"{_SPEC} ITEM-9")
    header = model.header(k3=[entry([9000], -7), *steps], k4={0: 0})
    integers = model.integers()[18:]
    file = File().item(header).tens([raw_stream(integers)], integers)
    file.mask(MaskSpec(np.zeros((3, 3), np.bool_), 1))
    yield _valid("sparse-nothing-coded", file, f"{_SPEC} ITEM-9")


def _large() -> Case:
    """The longest codebook."""
    model = Fvsrn()
    values = [200 * (n % 256) - 25000 for n in range(65536)]
    integers = [-65535, 0, -32767, -30000, -40000, *_indices(13, -34000, 4000, 33)]
    integers += model.integers()[18:]
    file = File().item(model.header(k3=[entry(values, -65535), *[1 / 64] * 4]), 1)
    file.tens([raw_stream(integers)], integers)
    return _valid("65536-entries", file)


def _bad(name: str, data: File | bytes, spec: str = _SPEC) -> Case:
    return case("codebook", name, data, spec, "malformed")


def _entry_faults() -> Iterator[Case]:
    """Entries of key 3 that are no codebooks."""
    some = book([9000, -4000, 20000])
    entries: dict[str, Any] = {
        "three-entries": [2, _STEP, 0],
        "two-entries": [2, _STEP],
        "five-entries": [2, _STEP, 0, some, 0],
        "first-1": [2, _STEP, 1, some],
        "first-minus-65536": [2, _STEP, -65536, some],
        "first-float": [2, _STEP, 0.0, some],
        "first-false": [2, _STEP, False, some],
        "first-null": [2, _STEP, None, some],
        "codebook-empty": [2, _STEP, 0, b""],
        "codebook-of-1-byte": [2, _STEP, 0, b"\1"],
        "codebook-of-5-bytes": [2, _STEP, 0, some[:5]],
        "codebook-array": [2, _STEP, 0, [9000, -4000, 20000]],
        "codebook-text": [2, _STEP, 0, "abcdef"],
    }
    for name, step in WRONG_STEP.values(_STEP).items():
        entries[name] = [2, step, 0, some]
    model = Fvsrn()
    integers = [0] * 18 + model.integers()[18:]
    for name, book_entry in entries.items():
        file = File().item(model.header(k3=[book_entry, *[1 / 64] * 4]))
        yield _bad(name, file.tens([raw_stream(integers)], integers))
    long = [2, _STEP, 0, bytes(2 * 65537)]
    file = File().item(model.header(k3=[long, *[1 / 64] * 4]), 1)
    yield _bad("65537-entries", file.tens([raw_stream(integers)], integers))


def _integer_faults() -> list[Case]:
    """Integers without an entry, and a parameter that overflows."""
    model = Fvsrn()

    def file(name: str, number: int, book_entry: list[Any], spec: str = _SPEC) -> Case:
        some: Ints = [-1] * 17 + [number] + model.integers()[18:]
        header = model.header(k3=[book_entry, *[1 / 64] * 4])
        return _bad(name, File().item(header).tens([raw_stream(some)], some), spec)

    three = entry([9000, -4000, 20000], -2)
    out = [
        file("integer-below-first", -3, three),
        file("integer-behind-last", 1, three),
        file("integer-far-below", -(2**31), three),
        file("integer-far-behind", 2**31 - 1, three),
        file("parameter-overflows", 0, entry([1, 1, 32767], -2, 2.0**114), f"{_SPEC} ITEM-9"),
    ]
    bits = np.ones((3, 3), np.bool_)
    bits[1, 1] = False
    some = [-1] * 15 + [5] + model.integers()[18:]
    header = model.header(k3=[three, *[1 / 64] * 4], k4={0: 0})
    sparse = File().item(header).tens([raw_stream(some)], some).mask(MaskSpec(bits, 1))
    return [*out, _bad("integer-behind-last-sparse", sparse)]


def _lattice_faults() -> list[Case]:
    """Lattices and octrees do not have a codebook (STR-7)."""
    plain = entry([0, 1, 2], 0, 1.0)
    pyramid = Pyramid((4, 4), (1, 1), values=[0] * 16)
    file = File().item(pyramid.header(1.0, k3=[plain])).tens([raw_stream([0] * 16)], [0] * 16)
    shell = Shell((2, 1, 1), 0, 64, Fixed(OUTSIDE))
    return [
        _bad("of-a-lattice", file, "STR-7"),
        _bad("of-an-octree", shell.file(k3=[plain]), "STR-7"),
    ]
