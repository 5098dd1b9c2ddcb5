"""Bad vectors: architecture 3, coder 6 and what octrees must not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.mixing import mixing_stream
from ..builders.octree import octree_data, octree_stream
from ..builders.pyramid import Pyramid
from ..builders.shell import Fixed, Scattered, Shell, sphere
from ..builders.streams import Ints, byte_stream, raw_stream, static_stream, stream
from ..decoder.octree import INSIDE, OUTSIDE, SURFACE
from .case import Case, case
from .fields import Field, config_case, config_faults, unknown_configs
from .mask import ball
from .residual import residual_item
from .shell import sampled


def shell_faults() -> list[Case]:
    """All refused cases of the shell and of octrees."""
    return [
        *_config_faults(),
        *_item_faults(),
        *_count_faults(),
        *_cell_faults(),
        *_stream_faults(),
        *_place_faults(),
        *_quantisation_faults(),
        *_other_faults(),
    ]


def _small() -> Shell:
    """All kinds of cells in both levels."""
    return Shell((2, 2, 1), 1, 64, Scattered(117, 55, 50))


def _bad(name: str, data: File | bytes, spec: str, topic: str = "shell") -> Case:
    return case(topic, name, data, spec, "malformed")


_CONFIG = (
    Field(0, "depth", 0, 12, "missing negative high float true text array",
          {"2": 2, "2-60": 2**60}),
    Field(1, "unit", 1, 65536, "missing low negative high float true null",
          {"2-32-and-64": 2**32 + 64}),
    Field(2, "count", 1, wrong="missing low negative float", others={"bytes": b"\1"}),
)  # fmt: skip


def _config_faults() -> Iterator[Case]:
    """Keys and values of the config."""
    model = _small()
    yield from config_faults("shell", model, _CONFIG, "SHELL-1")
    yield config_case("shell", "config-empty", model, {}, "SHELL-1 ITEM-5")
    good = model.config()
    most = 2 * (5 * 5 * 3 + 4 * 4 * 2)
    for name, count in (("largest-count", most), ("count-above-largest", most + 1)):
        some = [*model.integers(), *[0] * (count - good[2])]
        file = File().item(model.header(k2=[3, 1, good | {2: count}]))
        yield _bad(name, file.tens([raw_stream(some)], some), "SHELL-1 STR-8")


def _item_faults() -> Iterator[Case]:
    """Components and dims that a shell does not have; the integers are all 0."""
    given: dict[str, tuple[list[int], int, int]] = {
        "dims-1": ([9], 0, 1),
        "dims-2": ([5, 5], 0, 1),
        "dims-4": ([3, 3, 3, 3], 0, 1),
        "dims-4-one-of-size-1": ([3, 3, 3, 1], 0, 1),
        "dim-of-size-1": ([3, 1, 3], 0, 1),
        "last-dim-of-size-1": ([5, 5, 1], 1, 1),
        "components-2": ([3, 3, 3], 0, 2),
        "first-dim-not-a-multiple": ([4, 5, 3], 1, 1),
        "last-dim-not-a-multiple": ([5, 9, 7], 2, 1),
        "dims-are-multiples": ([4, 4, 4], 2, 1),
        "depth-above-dims": ([5, 5, 5], 3, 1),
    }
    for name, (dims, depth, components) in given.items():
        parts = [[f"d{n}", 7, 0.0, 3.0] for n in range(components)]
        count = 1
        for size in dims:
            count *= max(1, (size - 1) >> depth)
        header = {0: parts, 1: dims, 2: [3, 1, {0: depth, 1: 16, 2: count}], 3: [1.0]}
        file = File().item(header).tens([raw_stream([0] * count)], [0] * count)
        yield _bad(name, file, "SHELL-1")


def _with_count(model: Shell, streams: list[bytes], values: Ints) -> bytes:
    """Return a file whose config says that the octree has as many integers as are given."""
    config = {0: model.depth, 1: model.unit, 2: len(values)}
    return File().item(model.header(k2=[3, 1, config])).tens(streams, values).build()


def _count_faults() -> Iterator[Case]:
    """More or fewer integers than the octree has."""
    round_one = sampled((2, 2, 1), 1, sphere((2.0, 2.0, 1.0), 1.4))
    flat = Shell((3, 2, 2), 0, 64, Fixed(OUTSIDE))
    full = Shell((2, 1, 1), 0, 64, Fixed(SURFACE, 9))
    models = {"": _small(), "-sphere": round_one, "-no-surface": flat, "-all-surface": full}
    for name, model in models.items():
        values, data = model.integers(), octree_data(model.octree, model.integers())
        count = len(values)
        for suffix, some in (
            ("one-too-few", values[:-1]),
            ("one-too-many", [*values, 0]),
            ("half", values[: count // 2]),
            ("twice", values * 2),
        ):
            streams = [octree_stream(len(some), data)]
            yield _bad(f"octree{name}-{suffix}", _with_count(model, streams, some), "OCT-1")
            yield _bad(f"raw{name}-{suffix}", _with_count(model, [raw_stream(some)], some), "STR-8")
    model = _small()
    values = model.integers()
    zeros = [0] * len(values)
    yield _bad("raw-all-0", _with_count(model, [raw_stream(zeros)], zeros), "STR-8")
    ones = [1] * len(values)
    yield _bad("raw-all-1", _with_count(model, [raw_stream(ones)], ones), "STR-8")
    data = _with_count(model, [raw_stream([SURFACE])], [SURFACE])
    yield _bad("count-1-of-surface", data, "STR-8")


def _cell_faults() -> Iterator[Case]:
    """Cells that are none of the three kinds, in the place of cells that are not surface."""
    model = _small()
    values = model.integers()
    roots = [n for n in range(4) if values[n] != SURFACE]
    corners = _root_nodes(values[:4])
    first = 4 + corners
    children = [n for n in range(first, first + 8) if values[n] != SURFACE]
    for place, level in ((roots[0], 0), (children[0], 1)):
        for cell in (3, -1, 4, 257, 2**31 - 1, -(2**31) + OUTSIDE):
            some = [*values]
            some[place] = cell
            name = f"cell-{cell}-in-level-{level}"
            data = _with_count(model, [byte_stream(3, some, 4)], some)
            yield _bad(name.replace("--", "-minus-"), data, "STR-8")
    some = [*values]
    some[children[-1]] = INSIDE + 1
    yield _bad("cell-3-in-ans", _with_count(model, [static_stream(1, some)], some), "STR-8")


def _root_nodes(cells: Ints) -> int:
    """Return how many nodes the surface cells of level 0 of `_small` have."""
    nodes = {
        (n // 2 + a, n % 2 + b, c)
        for n, cell in enumerate(cells)
        if cell == SURFACE
        for a in (0, 1)
        for b in (0, 1)
        for c in (0, 1)
    }
    return len(nodes)


def _stream_faults() -> Iterator[Case]:
    """Streams of coder 6 that are not all of an octree, or have other integers beside them."""
    model = _small()
    values, whole = model.integers(), model.stream()
    data = octree_data(model.octree, values)
    count = len(values)

    def vector(name: str, streams: list[bytes], spec: str = "STR-8") -> Case:
        return _bad(f"octree-{name}", model.file(streams), spec, "streams")

    yield vector("count-0", [octree_stream(0, b"")])
    yield vector("count-0-before", [octree_stream(0, b""), whole])
    yield vector("count-0-behind", [whole, octree_stream(0, b"")])
    yield vector("count-0-then-raw", [octree_stream(0, b""), raw_stream(values)])
    yield vector("count-less-1", [octree_stream(count - 1, data)], "STR-8 TENS-2")
    yield vector("count-and-1", [octree_stream(count + 1, data)], "STR-8 TENS-2")
    yield vector("less-1-then-raw", [octree_stream(count - 1, data), raw_stream(values[-1:])])
    yield vector("after-raw", [raw_stream(values[:1]), octree_stream(count - 1, data)])
    yield vector("cells-then-raw", [octree_stream(4, data), raw_stream(values[4:])])
    yield vector("in-two-parts", [octree_stream(50, data), octree_stream(count - 50, data)])
    yield vector("twice", [whole, whole], "STR-8 TENS-2")
    yield vector("then-raw-integer", [whole, raw_stream([0])], "STR-8 TENS-2")
    yield vector("data-past-end", [whole[:-1]], "FILE-8")
    yield vector("missing", [], "TENS-2")
    yield vector("mixing", [mixing_stream(count, data)], "STR-6")
    yield vector("mixing-then-raw", [mixing_stream(4, data), raw_stream(values[4:])], "STR-6")
    yield vector(
        "raw-then-mixing", [raw_stream(values[:4]), mixing_stream(count - 4, b"")], "STR-6"
    )


def _place_faults() -> Iterator[Case]:
    """Streams of coder 6 where there is no octree."""
    fvsrn, pyramid = Fvsrn(), Pyramid((9, 10), (2, 2), seed=91)
    file = simple_file(fvsrn, octree_stream(len(fvsrn.integers()), b""))
    yield _bad("octree-without-octree", file, "STR-8", "streams")
    yield _bad("octree-of-lattice", pyramid.file([octree_stream(90, b"")]), "STR-8", "streams")
    file = File().item(constant_item([2])).tens([octree_stream(1, b"")], [0])
    yield _bad("octree-without-tensors", file, "STR-8 TENS-2", "streams")
    file = File().item(residual_item((3, 3, 3))).resd([octree_stream(27, b"")], [0] * 27)
    yield _bad("octree-of-residuals", file, "STR-8", "residuals")
    model = Shell((2, 2, 2), 0, 16, Fixed(OUTSIDE))
    file = model.file(k7=[0.5]).resd([octree_stream(27, b"")], [0] * 27)
    yield _bad("octree-of-residuals-of-shell", file, "STR-8", "residuals")
    bits = ball((5, 6))
    count = bits.size - int(np.count_nonzero(bits))
    mask = MaskSpec(bits, patterns=(1, 2), indices=[0] * count, stream=octree_stream(count, b""))
    file = File().item(constant_item([5, 6], [["a", 7, 1.0, 0.0, 0]])).mask(mask)
    yield case("masks", "octree-of-pattern-indices", file, "STR-8", "malformed", "mask")


def _quantisation_faults() -> Iterator[Case]:
    """Quantisation entries and masks that an octree must not have."""
    model = Shell((2, 1, 1), 0, 64, Fixed(OUTSIDE))
    entries: dict[str, Any] = {
        "step-2": 2.0,
        "step-half": 0.5,
        "step-near-1": 1 + 2.0**-23,
        "step-2-zero-0": [0, 2.0, 0],
        "zero-1": [0, 1.0, 1],
        "zero-minus-1": [0, 1.0, -1],
        "step-per-integer": [1, 1.0, 1.0],
    }
    for name, entry in entries.items():
        yield _bad(f"quantisation-{name}", model.file(k3=[entry]), "STR-7")
    for name, some in (("none", None), ("two", [1.0, 1.0])):
        header = model.header(k3=some)
        if some is None:
            del header[3]
        file = File().item(header).tens([model.stream()], model.integers())
        yield _bad(f"quantisation-{name}", file, "ITEM-6")
    mask = MaskSpec(np.ones(2, np.bool_), 1, method=0)
    yield _bad("sparse", model.file(k4={0: 0}).mask(mask), "STR-7")


def _other_faults() -> Iterator[Case]:
    """Unknown versions and keys, and more integers than any decoder takes."""
    model = _small()
    yield from unknown_configs("shell", model, {3: 1, -1: 0}, "SHELL-1", (0, 2))
    streams = [stream(10, len(model.integers()), b"", b"")]
    yield case("shell", "coder-10", model.file(streams), "STR-1", "unsupported")
    file = File(bytes([1, 0, 2, 0]))
    size, items = 405, 64
    count = (size - 1) ** 3
    for n in range(items):
        config = {0: 0, 1: 64, 2: count}
        header = {0: [[f"d{n}", 7, 0.0, 3.0]], 1: [size] * 3, 2: [3, 1, config], 3: [1.0]}
        file.item(header).add("TENS", bytes([n]) + stream(0, count, b"\0\0", b""))
    spec = "LIM-1 STR-5 SHELL-1"
    yield case("integers", "octrees-of-64-shells", file, spec, "limit", level=2)
