"""Bad vectors: architecture 2, coder 5 and what lattices must not have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.mixing import mixing_stream
from ..builders.pyramid import Pyramid, basis, some_basis
from ..builders.streams import byte_stream, raw_stream, stream
from .case import Case, case, cases_of
from .fields import Field, config_faults, unknown_configs
from .mask import ball

_TWO = (("u", 7, 0.0, 3.0), ("v", 7, -1.0, 5.0))


def pyramid_faults() -> list[Case]:
    """All refused cases of the pyramid and of mixing."""
    return [*_stream_faults(), *_lattice_faults(), *_config_faults(), *_axis_faults(),
            *_basis_faults(), *_network_faults(), *_other_faults()]  # fmt: skip


def _small() -> Pyramid:
    return Pyramid((9, 10), (2, 2), seed=91)


def _stream_faults() -> list[Case]:
    """Streams of coder 5 in the wrong place or of the wrong size (STR-6)."""
    model = _small()
    values, ends = model.integers(), model.ends()
    low, total = ends[0], len(values)
    first_band = model.lattice.bands[1].entries
    whole = model.streams()[0]
    parts = model.streams(ends)

    cut, half, last = low + first_band, low + first_band // 2, total - ends[-1]
    streams: dict[str, list[bytes]] = {
        "count-0": [mixing_stream(0, b""), whole],
        "count-0-at-the-end": [whole, mixing_stream(0, b"")],
        "count-0-alone": [mixing_stream(0, b""), raw_stream(values)],
        "one-too-many": [mixing_stream(total + 1, b"")],
        "count-2-60": [mixing_stream(2**60, b"")],
        "twice": [whole, whole],
        "ends-in-a-band": [mixing_stream(low + 1, b""), mixing_stream(total - low - 1, b"")],
        "ends-with-a-band": [mixing_stream(cut, b""), mixing_stream(total - cut, b"")],
        "ends-before-the-last": [mixing_stream(total - 1, b""), raw_stream(values[-1:])],
        "ends-in-the-low-band": [mixing_stream(low - 1, b""), raw_stream(values[low - 1 :])],
        "after-raw-level": [raw_stream(values[:low]), mixing_stream(total - low, b"")],
        "after-raw-integer": [raw_stream(values[:1]), mixing_stream(total - 1, b"")],
        "raw-between": [
            parts[0],
            raw_stream(values[low : low + ends[1]]),
            mixing_stream(ends[2], b""),
        ],
        "low-band-then-raw-in-a-band": [
            parts[0],
            raw_stream(values[low:half]),
            mixing_stream(total - half, b""),
        ],
        "after-raw-levels": [raw_stream(values[:last]), mixing_stream(ends[-1], b"")],
        "after-zstd-level": [byte_stream(3, values[:low], 2), mixing_stream(total - low, b"")],
        "level-missing": parts[:-1],
        "data-past-end": [whole[:-1]],
    }
    files: dict[str, tuple[File | bytes, str]] = {
        name: (model.file(coded), _SPECS.get(name, "STR-6")) for name, coded in streams.items()
    }
    return [*cases_of("streams", files, "malformed", "mixing-"), *_place_faults()]


_SPECS = {
    "count-2-60": "STR-6 STR-5",
    "twice": "STR-6 TENS-2",
    "level-missing": "TENS-2",
    "data-past-end": "FILE-8",
}
"""Requirements of cases of `_stream_faults` that are not about STR-6 alone."""


def _place_faults() -> Iterator[Case]:
    """Streams of coder 5 where there is no lattice."""
    fvsrn = Fvsrn()
    integers = fvsrn.integers()
    file = simple_file(fvsrn, mixing_stream(len(integers), b""))
    yield case("streams", "mixing-without-lattice", file, "STR-6", "malformed")
    file = File().item(constant_item([2])).tens([mixing_stream(1, b"")], [0])
    yield case("streams", "mixing-without-tensors", file, "STR-6", "malformed")
    bits = ball((5, 6))
    count = bits.size - int(np.count_nonzero(bits))
    mask = MaskSpec(bits, patterns=(1, 2), indices=[0] * count, stream=mixing_stream(count, b""))
    file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
    yield case("masks", "mixing-of-pattern-indices", file, "STR-6", "malformed", "mask")


def _lattice_faults() -> Iterator[Case]:
    """Quantisation entries and masks that a lattice must not have (STR-7)."""
    model = Pyramid((3, 4, 3, 4), (1, 1, 1, 1), seed=92)
    flat = Pyramid((9,), (2,), seed=93)
    entries: dict[str, tuple[Pyramid, Any]] = {
        "step-of-lattice-2": (flat, 2.0),
        "step-of-lattice-half": (flat, 0.5),
        "step-of-lattice-near-1": (flat, 1 + 2.0**-23),
        "step-of-lattice-integer": (flat, 1),
        "zero-0-step-2": (flat, [0, 2.0, 0]),
        "zero-1": (model, [0, 1.0, 1]),
        "zero-negative": (model, [0, 1.0, -(2**31)]),
        "step-per-slice": (model, [1, 1.0, 1.0, 1.0]),
        "one-slice": (flat, [1, 1.0]),
    }
    for name, (lattice, entry) in entries.items():
        yield case("pyramid", name, lattice.file(k3=[entry]), "STR-7", "malformed")
    mask = MaskSpec(np.ones((3, 4, 3, 4), np.bool_), 1, method=0)
    yield case("pyramid", "sparse-lattice", model.file(k4={0: 0}).mask(mask), "STR-7", "malformed")
    mask = MaskSpec(np.ones((4, 3, 4), np.bool_), 1, method=0)
    data = model.file(k4={0: 0}).mask(mask).build()
    yield case("pyramid", "sparse-lattice-shared", data, "STR-7", "malformed")


_CONFIG = (
    Field(0, "axes", wrong="missing few many number"),
    Field(0, "code", wrong="", others={"float": [2.0, 2], "true": [True, 2]}),
    Field(
        1,
        "step",
        wrong="missing nan infinite minus-infinite inexact above-float32 below-float32",
        others={"0": 0.0, "negative": -0.5, "integer": 1},
    ),
    Field(2, "offset", wrong="nan inexact", others={"integer": 0, "infinite": -math.inf}),
    Field(
        3,
        "shifts",
        wrong="empty",
        others={
            "0": [0, 0, 0],
            "two": [1, 2],
            "four": [1, 2, 3, 4],
            "129": [129, 0, 0],
            "below-minus-128": [1, 0, -129],
            "float": [1.0, 0, 0],
            "true": [True, 0, 0],
            "not-an-array": 5,
        },
    ),
    Field(
        6,
        "precise",
        wrong="empty null",
        others={"false": False, "1": 1, "float": 1.0, "text": "true"},
    ),
)


def _config_faults() -> list[Case]:
    """Keys and values of the config (PYR-1)."""
    model = _small()
    return config_faults("pyramid", model, _CONFIG, "PYR-1", good=model.config(1 / 64))


def _bad_axes(
    name: str, dims: list[int], codes: list[int], components: Any = None, spec: str = "PYR-2"
) -> Case:
    """A file whose config does not fit its axes; its integers are as many zeros as samples."""
    parts = components or [["a", 7, 0.5, 2.0]]
    count = len(parts) * math.prod(dims)
    header = {0: [list(p) for p in parts], 1: dims, 2: [2, 1, {0: codes, 1: 0.5}], 3: [1.0]}
    streams = [stream(0, count, b"\0\0", b"")]
    return case("pyramid", name, File().item(header).tens(streams, [0] * count), spec, "malformed")


def _axis_faults() -> list[Case]:
    """Codes that their axes do not allow (PYR-1, PYR-2)."""
    return [
        _bad_axes("five-active-axes", [2] * 5, [0] * 5, spec="PYR-1"),
        _bad_axes("five-active-axes-and-components", [2] * 5, [0] * 6, _TWO, "PYR-1"),
        _bad_axes("code-for-axis-of-size-1", [1, 5], [0, 1], spec="PYR-1"),
        _bad_axes("code-for-one-component", [5], [0, 1], spec="PYR-1"),
        _bad_axes("no-code-for-components", [5], [1], _TWO, "PYR-1"),
        _bad_axes("code-minus-4", [5, 6], [-4, 0]),
        _bad_axes("code-far-below", [5, 6], [0, -(2**63)]),
        _bad_axes("levels-one-too-many", [8, 9], [4, 3]),
        _bad_axes("levels-one-too-many-odd", [8, 9], [3, 5]),
        _bad_axes("levels-of-2", [2], [2]),
        _bad_axes("levels-2-62", [8, 9], [2**62, 3]),
        _bad_axes("components-with-levels", [5, 6], [1, 1, 1], _TWO),
        _bad_axes("cosine-of-4097", [4097], [-3]),
        _bad_axes("five-with-one-code-0", [2, 3, 2, 3], [0, 1, 1, 1, 1], _TWO),
        _bad_axes("learned-without-bases", [5, 6], [-1, 1]),
    ]


def _basis_faults() -> Iterator[Case]:
    """Key 4 and its strings (PYR-2, PYR-3)."""
    good = some_basis(5, 3)
    columns = [(4, 4, [1, -2, 3, 0, 15])]
    base = basis(columns)

    def vector(
        name: str, bases: Any, spec: str = "PYR-3", codes: tuple[int, ...] = (-1, 0)
    ) -> Case:
        model = Pyramid((5, 6), (0, 0), seed=94)
        config = {0: list(codes), 1: 1 / 64, 4: bases}
        data = model.file([raw_stream(model.integers())], k2=[2, 1, config]).build()
        return case("pyramid", f"bases-{name}", data, spec, "malformed")

    yield vector("without-code", [good], "PYR-2", (0, 0))
    yield vector("empty-without-code", [], "PYR-2", (0, 0))
    yield vector("none", [], "PYR-1 PYR-2")
    yield vector("one-too-many", [good, good], "PYR-1 PYR-2")
    yield vector("one-too-few", [good], "PYR-1 PYR-2", (-1, -1))
    yield vector("not-an-array", good, "PYR-1")
    yield vector("text", ["basis"], "PYR-1")
    yield vector("in-another-order", [some_basis(6, 6), some_basis(5, 5)], "PYR-3", (-1, -1))
    yield vector("string-empty", [b""])
    yield vector("rank-cut", [b"\0"])
    yield vector("rank-6-of-5", [basis([(4, 4, [1] * 5)] * 6)])
    yield vector("rank-65535", [b"\xff\xff"])
    yield vector("need-0", [basis([(4, 0, [0] * 5)])])
    yield vector("negative-0", [basis([*columns, (4, 1, [1, 0, 1, 1, 1])])[:-1] + b"\xd5"])
    yield vector("cut", [good[:-1]])
    yield vector("column-missing", [basis(columns, 2)])
    yield vector("byte-follows", [good + b"\0"])
    yield vector("column-too-many", [basis([*columns, *columns], 1)])
    yield vector("padding", [base[:-1] + bytes([base[-1] | 1])])
    yield case("pyramid", "learned-of-4097", _long_basis(), "PYR-2", "malformed")


def _long_basis() -> bytes:
    """A learned basis of rank 0 for an axis that is too long."""
    config = {0: [-1], 1: 0.5, 4: [basis([])]}
    header = {0: [["a", 7, 0.5, 2.0]], 1: [4097], 2: [2, 1, config], 3: [1.0]}
    streams = [stream(0, 4097, b"\0\0", b"")]
    return File().item(header).tens(streams, [0] * 4097).build()


_NO_PAIRS: dict[str, Any] = {
    "none": [],
    "not-a-list": 1,
    "map": {1: 64},
    "pair-alone": [1, 64],
    "pair-not-a-list": [[1, 64], 2],
    "pair-map": [{1: 64}],
    "pair-bytes": [b"\x01\x40"],
    "pair-empty": [[]],
    "pair-of-one": [[1]],
    "pair-of-three": [[1, 64, 0]],
    "pair-of-four": [[1, 64, 2, 64]],
    "second-pair-of-one": [[1, 64], [2]],
}
"""Values of key 5 that are no pairs of numbers."""
_WRONG_PAIRS: dict[str, Any] = {
    "0": [[0, 64]],
    "0-before-1": [[0, 64], [1, 64]],
    "negative": [[-1, 64]],
    "negative-before-1": [[-1, 64], [1, 64]],
    "float": [[1.0, 64]],
    "true": [[True, 64]],
    "text": [["1", 64]],
    "null": [[None, 64]],
    "falling": [[2, 64], [1, 64]],
    "twice": [[1, 30], [1, 34]],
    "twice-at-the-end": [[1, 30], [2, 64], [2, 64]],
    "weight-0": [[1, 0]],
    "weight-0-of-second": [[1, 64], [2, 0]],
    "weight-negative": [[1, -1]],
    "weight-256": [[1, 256]],
    "weight-256-of-second": [[1, 64], [2, 256]],
    "weight-2-32": [[1, 2**32 + 64]],
    "weight-float": [[1, 64.0]],
    "weight-half": [[1, 0.5]],
    "weight-true": [[1, True]],
    "weight-null": [[1, None]],
}
"""Values of key 5 with a wrong network or weight."""


def _network_faults() -> Iterator[Case]:
    """Key 5 (PYR-1, PYR-5)."""
    three = (("r", 0, 99.0, 9.0), ("g", 0, 99.0, 9.0), ("b", 0, 99.0, 9.0))
    picture = Pyramid((6, 7), (0, 1, 1), three, seed=95)

    def vector(name: str, model: Pyramid, pairs: Any, spec: str, expect: str = "malformed") -> Case:
        data = model.with_config(model.config(model.step()) | {5: pairs}).build()
        return case("pyramid", f"network-{name}", data, spec, expect)

    for name, pairs in _NO_PAIRS.items():
        yield vector(name, picture, pairs, "PYR-1")
    for name, pairs in _WRONG_PAIRS.items():
        yield vector(name, picture, pairs, "PYR-1 PYR-5")
    unknown = {"2-60": [[2**60, 64]], "2-32-and-1": [[2**32 + 1, 64]]}
    for name, pairs in (unknown | {"2-60-beside-1": [[1, 64], [2**60, 64]]}).items():
        yield vector(name, picture, pairs, "PYR-5", "unsupported")
    exact = Pyramid((6, 7), (0, 1, 1), three, seed=95, extra={6: True})
    yield vector("in-float64", exact, [[1, 64]], "PYR-6")
    yield vector("for-one-component", Pyramid((6, 7), (1, 1)), [[1, 64]], "PYR-5")
    yield vector("for-two-components", Pyramid((6, 7), (0, 1, 1), _TWO), [[1, 64]], "PYR-5")
    yield vector("for-one-axis", Pyramid((6,), (0, 1), three), [[1, 64]], "PYR-5")
    yield vector("for-three-axes", Pyramid((6, 7, 2), (0, 1, 1, 0), three), [[1, 64]], "PYR-5")
    yield vector("2-for-one-component", Pyramid((6, 7), (1, 1)), [[2, 64]], "PYR-5")
    yield vector("both-for-one-component", Pyramid((6, 7), (1, 1)), [[1, 64], [2, 64]], "PYR-5")
    yield vector("for-axis-of-3", Pyramid((3, 6, 7), (0, 1, 1)), [[1, 64]], "PYR-5")


def _other_faults() -> Iterator[Case]:
    """Cut files, unknown versions and keys, and limits."""
    model = _small()
    file = File().item(model.header())
    for coded, part in zip(model.streams(model.ends()), model.ends(), strict=True):
        start = sum(model.ends()[: len(file.sections) - 1])
        file.tens([coded], model.integers()[start : start + part])
    whole = file.build()
    before_ends = whole.rindex(b"ENDS")
    last_tens = whole.rindex(b"TENS")
    yield from [
        case("pyramid", "cut-before-ends", whole[:before_ends], "PYR-4 FILE-7", "malformed"),
        case("pyramid", "cut-after-a-level", whole[:last_tens], "PYR-4 FILE-7", "malformed"),
    ]
    yield from unknown_configs("pyramid", model, {7: 1, -1: [0.0]}, "PYR-1")
    header = {0: [["a", 7, 0.5, 2.0]], 1: [2**48], 2: [2, 1, {0: [0], 1: 0.5}], 3: [1.0]}
    huge = File().item(header).add("TENS", b"\0" + mixing_stream(2**48, b""))
    yield case("samples", "pyramid-2-48", huge, "LIM-1", "limit")
    header = header | {1: [2**39]}
    huge = File(bytes([1, 0, 2, 0])).item(header)
    huge.add("TENS", b"\0" + stream(0, 2**39, b"\0\0", b""))
    yield case("integers", "raw-lattice-2-39", huge, "LIM-1 STR-5", "limit", level=2)
