"""Valid vectors: architecture 3 and coder 6."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..builders.file import File, Index, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn
from ..builders.octree import octree_data, octree_integers, octree_stream
from ..builders.pyramid import Pyramid, randoms
from ..builders.shell import Chosen, Fixed, Sampled, Scattered, Shell, plane, sphere
from ..builders.streams import byte_stream, laplace_stream, raw_stream, static_stream
from ..decoder.octree import INSIDE, OUTSIDE, SURFACE, Octree, Place
from .case import Case, case
from .mask import ball
from .residual import mixed, randomly

_SPEC = "SHELL-1 STR-8 VAL-1"
_MOST = 10**5


def shell_cases() -> list[Case]:
    """All valid cases of the shell and of octrees."""
    return [*_shape_cases(), *_surface_cases(), *_scattered_cases(), *_cell_cases(),
            *_value_cases(), *_stream_cases(), *_data_cases(), *_item_cases()]  # fmt: skip


def _valid(name: str, data: File | bytes, spec: str = _SPEC, tags: str = "") -> Case:
    return case("shell", name, data, spec, tags=tags)


def _valid_models(models: dict[str, Shell], spec: str = _SPEC) -> Iterator[Case]:
    for name, model in models.items():
        yield _valid(name, model.file(), spec)


def sampled(roots: Place, depth: int, distance: Any, unit: int = 256) -> Shell:
    """Return an item made of the distance to a surface."""
    return Shell(roots, depth, unit, Sampled(Octree(depth, roots, unit), distance))


def _shape_cases() -> Iterator[Case]:
    """Depths, roots and units."""
    round_one = sphere((4.2, 3.9, 4.1), 2.7)
    models = {
        "depth-0": sampled((6, 7, 6), 0, sphere((3.1, 3.4, 2.8), 2.2)),
        "depth-1": sampled((4, 4, 4), 1, round_one),
        "depth-2": sampled((2, 2, 2), 2, round_one),
        "depth-3": sampled((1, 1, 1), 3, round_one),
        "depth-4": sampled((1, 1, 1), 4, sphere((10.3, 6.1, 7.7), 2.6)),
        "roots-1-1-1": Shell((1, 1, 1), 0),
        "roots-1-1-5": Shell((1, 1, 5), 0, source=Scattered(2)),
        "roots-3-1-1": Shell((3, 1, 1), 1, source=Scattered(3)),
        "roots-1-2-4": Shell((1, 2, 4), 1, source=Scattered(4)),
        "roots-2-3-1": Shell((2, 3, 1), 1, source=Scattered(5)),
        "roots-4-1-3": sampled((4, 1, 3), 1, plane((0.6, 0.0, 0.8), 5.1)),
        "roots-1-2-1-depth-2": sampled((1, 2, 1), 2, sphere((2, 4, 2), 3)),
        "roots-2-1-3-depth-2": sampled((2, 1, 3), 2, plane((0.36, 0.48, 0.8), 7.3)),
    }
    for unit in (1, 2, 3, 16, 77, 1000, 65536):
        models[f"unit-{unit}"] = sampled((2, 2, 2), 1, sphere((2.2, 1.9, 2.1), 1.6), unit)
        source = Scattered(unit, 55, max(2, unit // 8))
        models[f"unit-{unit}-scattered"] = Shell((2, 1, 1), 2, unit, source)
    return _valid_models(models)


def _surface_cases() -> Iterator[Case]:
    """Surfaces that cross the border, thin ones, and small ones."""
    models = {
        "plane-along-axis": sampled((2, 1, 1), 2, plane((1.0, 0.0, 0.0), 3.4)),
        "plane-between-nodes": sampled((4, 2, 2), 1, plane((0.0, 0.6, 0.8), 2.5)),
        "plane-on-nodes": sampled((2, 2, 2), 1, plane((0.0, 0.0, 1.0), 2.0)),
        "plane-on-border": sampled((1, 1, 1), 2, plane((0.0, 1.0, 0.0), 0.0)),
        "plane-beside-last-border": sampled((1, 2, 1), 2, plane((0.0, 0.0, 1.0), 3.9)),
        "sphere-in-corner": sampled((1, 1, 1), 3, sphere((0.0, 0.0, 0.0), 4.3)),
        "sphere-in-last-corner": sampled((3, 3, 3), 1, sphere((6.0, 6.0, 6.0), 3.2)),
        "sphere-from-outside": sampled((2, 2, 2), 1, sphere((-2.0, 2.0, 2.0), 4.1)),
        "sphere-around-grid": sampled((4, 4, 4), 0, sphere((2.0, 2.0, 2.0), 2.9)),
        "hollow": sampled((2, 2, 2), 2, _hollow),
        "two-spheres": sampled((1, 1, 2), 2, _two_spheres),
        "inside-out": sampled((2, 2, 2), 1, lambda *p: -sphere((2.1, 2.0, 1.8), 1.4)(*p)),
    }
    return _valid_models(models)


def _hollow(x: float, y: float, z: float) -> float:
    return abs(sphere((4.0, 4.0, 4.0), 2.4)(x, y, z)) - 0.6


def _two_spheres(x: float, y: float, z: float) -> float:
    return min(sphere((2.0, 2.1, 1.7), 1.3)(x, y, z), sphere((2.2, 1.8, 6.1), 1.0)(x, y, z))


def _scattered_cases() -> Iterator[Case]:
    """Pseudo-random cells with pseudo-random values."""
    models: dict[str, Shell] = {}
    for seed, (roots, depth) in enumerate(
        (((4, 4, 4), 0), ((3, 2, 3), 1), ((2, 1, 2), 2), ((1, 1, 1), 3))
    ):
        for surface in (15, 40, 65, 90):
            if (surface, depth) == (90, 3):
                continue
            source = Scattered(10 * surface + seed, surface, 30)
            models[f"scattered-depth-{depth}-{surface}"] = Shell(roots, depth, 64, source)
        source = Scattered(5000 + seed, 70 - 5 * depth, 400, smooth=True)
        models[f"scattered-smooth-depth-{depth}"] = Shell(roots, depth, 256, source)
    models["scattered-large"] = Shell((2, 2, 1), 1, 65536, Scattered(77, 60, 2**17))
    models["scattered-small"] = Shell((2, 2, 2), 1, 8, Scattered(78, 60, 1))
    return _valid_models(models)


def _cell_cases() -> Iterator[Case]:
    """Octrees of one kind of cell, and surface cells whose children are none."""
    far, near = {OUTSIDE: "outside", INSIDE: "inside"}, {SURFACE: "surface"}
    models: dict[str, Shell] = {}
    for state, name in (far | near).items():
        for depth in (0, 1, 2):
            roots = (2, 1, 1) if depth == 2 else (3, 2, 2)
            models[f"all-{name}-depth-{depth}"] = Shell(roots, depth, 64, Fixed(state, 3))
    for state, name in far.items():
        childless = Chosen(
            _surface_where(lambda level, _: level < 2, state),
            lambda place: 5 * place[0] - 3 * place[1] + place[2] - 9,
        )
        models[f"no-surface-in-last-level-{name}"] = Shell((1, 2, 1), 2, 64, childless)
    halves = Chosen(lambda _, place: INSIDE if place[2] > 1 else OUTSIDE, lambda _: 0)
    models["outside-beside-inside"] = Shell((2, 2, 4), 0, 64, halves)
    for state, name in far.items():
        lonely = Chosen(_surface_where(lambda _, place: place == (2, 2, 2), state), _bowl)
        models[f"one-surface-cell-{name}"] = Shell((6, 6, 6), 0, 64, lonely)
    checked = Chosen(lambda _, place: (OUTSIDE, SURFACE, INSIDE)[sum(place) % 3], _bowl)
    models["diagonal-layers"] = Shell((4, 5, 4), 0, 64, checked)
    mixed_far = Chosen(
        lambda _, p: SURFACE if p == (2, 2, 2) else INSIDE if (p[0] + p[2]) % 2 else OUTSIDE, _bowl
    )
    models["sides-around-one-surface-cell"] = Shell((5, 5, 5), 0, 64, mixed_far)
    return _valid_models(models)


def _surface_where(
    where: Callable[[int, Place], bool], elsewhere: int
) -> Callable[[int, Place], int]:
    """Return a function of level and place: surface in some cells, the same in all others."""
    return lambda level, place: SURFACE if where(level, place) else elsewhere


def _bowl(place: Place) -> int:
    """Return values of both signs around the middle of a grid of some five cells."""
    i, j, k = place
    return (i - 2) ** 2 + (j - 3) ** 2 - 3 * (k - 2) + 1


def _value_cases() -> Iterator[Case]:
    """Values that are hard to predict, or large."""
    steps = {
        "0": Fixed(SURFACE),
        "large": Fixed(SURFACE, 2**26),
        "large-negative": Fixed(SURFACE, -(2**26)),
        "large-of-both-signs": Chosen(
            lambda *_: SURFACE, lambda place: 2**24 if place[0] > 1 else -(2**24)
        ),
        "huge-checkerboard": Chosen(
            lambda *_: SURFACE, lambda p: 2**25 + 77 if sum(p) % 2 else -(2**26) - p[0]
        ),
        "huge-jumps": Chosen(
            lambda *_: SURFACE, lambda p: (p[0] % 3 - 1) * 2**26 + (p[1] * p[2] % 2) * 2**26
        ),
        "plane": Chosen(lambda *_: SURFACE, lambda p: 100 * p[0] - 37 * p[1] + 11 * p[2] - 130),
        "quadric": Chosen(lambda *_: SURFACE, lambda p: 16 * _bowl(p) - 40),
        "checkerboard": Chosen(lambda *_: SURFACE, lambda p: 90 if sum(p) % 2 else -70),
    }
    models = {f"values-{name}": Shell((2, 1, 1), 1, 1024, s) for name, s in steps.items()}
    deep = Chosen(lambda _, place: SURFACE if place[2] <= 1 else OUTSIDE, _wave)
    models["values-deep"] = Shell((1, 1, 1), 3, 65536, deep)
    models["values-deep-of-unit-1"] = Shell((1, 1, 1), 3, 1, deep)
    return _valid_models(models)


def _wave(place: Place) -> int:
    i, j, k = place
    return (7 * i * i - 5 * j * k + 31 * k) % 97 - 40


def _stream_cases() -> Iterator[Case]:
    """The integers of an octree in other coders, streams and sections."""
    model = sampled((2, 2, 2), 1, sphere((2.2, 1.7, 2.0), 1.5))
    values = model.integers()
    whole, empty = model.stream(), raw_stream([])
    streams = {
        "raw": [raw_stream(values)],
        "zstd": [byte_stream(3, values, 2)],
        "brotli": [byte_stream(4, values, 2)],
        "ans-static": [static_stream(1, values)],
        "range-static": [static_stream(2, values)],
        "ans-laplace": [laplace_stream(1, [(12, values)])],
        "range-laplace": [laplace_stream(2, [(12, values[:50]), (3, values[50:])])],
        "raw-pieces": [raw_stream(values[:3]), raw_stream(values[3:40]), raw_stream(values[40:])],
        "zstd-then-raw": [byte_stream(3, values[:11], 4), raw_stream(values[11:])],
        "octree-beside-empty-streams": [empty, whole, empty],
    }
    for name, some in streams.items():
        yield _valid(f"coded-{name}", model.file(some), "STR-8 TENS-2 SHELL-1")
    file = File().item(model.header())
    for start, stop in ((0, 5), (5, 30), (30, len(values))):
        file.tens([raw_stream(values[start:stop])], values[start:stop], attribute=1)
    yield _valid("sections-of-raw", file, "STR-8 TENS-2")
    file = File().tens([], []).tens([whole], values, attribute=2).item(model.header())
    yield _valid("section-before-item", file, "STR-8 TENS-3")
    extreme = Shell((1, 1, 1), 0, 64, values=[SURFACE, *[2**31 - 1] * 8])
    yield _valid("raw-largest", extreme.file([raw_stream(extreme.values or [])]))
    extreme = Shell((1, 1, 1), 1, 1, values=[1, *[-(2**31)] * 8, *[2] * 8])
    yield _valid("raw-smallest", extreme.file([raw_stream(extreme.values or [])]))


def _data_cases() -> Iterator[Case]:
    """Data that an encoder would not write: all of it stands for some integers (OCT-1)."""
    draw = randoms(12)
    junk = bytes(next(draw) % 256 for _ in range(150))
    model = Shell((2, 1, 2), 1, 64, Scattered(91, 60, 50))
    full = octree_data(model.octree, model.integers())
    given = {
        "empty": b"",
        "00": bytes(30),
        "ff": b"\xff" * 40,
        "ff-short": b"\xff" * 7,
        "junk": junk,
        "junk-other": junk[70:],
        "cut": full[: len(full) // 2],
        "with-more": full + junk,
    }
    for name, data in given.items():
        values = octree_integers(model.octree, data, _MOST)
        part = Shell(model.roots, model.depth, model.unit, values=values)
        file = part.file([octree_stream(len(values), data)])
        yield _valid(f"data-{name}", file, "OCT-1 MIX-1 STR-8")


def _item_cases() -> list[Case]:
    """Items with other dtypes, scales, masks, residuals and tiles, and beside others."""
    ball_like = sphere((2.2, 1.7, 2.0), 1.5)

    def model(**changes: Any) -> Shell:
        shell = sampled((2, 2, 2), 1, ball_like)
        for name, value in changes.items():
            setattr(shell, name, value)
        return shell

    given = {
        "spacing": model(components=(("distance", 7, 0.0, 0.75),)),
        "float64": model(components=(("distance", 8, 0.0, 3e-7),)),
        "integers": model(components=(("distance", 3, 0.0, 3000.0),)),
        "offset": model(components=(("d", 0, 127.5, 127.5),)),
        "scale-0": model(components=(("d", 7, 2.5, 0.0),)),
        "named-dims": model(extra={1: [["x", 5], ["y", 5], ["z", 5]]}),
        "bounds": model(extra={6: [0.5]}),
    }
    out = [_valid(f"item-{n}", m.file(), f"{_SPEC} VAL-2 VAL-3") for n, m in given.items()]
    data = model().file(k3=[[0, 1.0, 0]]).build({0: 2, 1: 1}, index=Index())
    out.append(_valid("item-zero-0-and-index", data, f"{_SPEC} STR-7 IDX-2"))
    spec = MaskSpec(ball((5, 5, 5)), method=2, patterns=(float_bits(-9.0, "f"),))
    masked = model(components=(("d", 7, 0.0, 3.0, 0),)).file().mask(spec)
    out.append(_valid("item-masked", masked, f"{_SPEC} ITEM-4 VAL-4", "mask"))
    residuals = randomly(125, 71)
    file = model().file(k7=[0.01]).resd([mixed((5, 5, 5), residuals)], residuals)
    out.append(_valid("item-with-residuals", file, f"{_SPEC} VAL-7 RESD-1"))
    return [*out, _two_items(), _tiles(), _beside_others()]


def _two_items() -> Case:
    """Two shells; each starts with a memory of its own."""
    first = Shell((2, 1, 1), 1, 64, Scattered(81), components=(("one", 7, 0.0, 3.0),))
    second = Shell((1, 2, 2), 1, 64, Scattered(82), components=(("two", 7, 0.0, 3.0),))
    file = File().item(first.header()).item(second.header())
    file.tens([second.stream()], second.integers(), 1).tens([first.stream()], first.integers(), 0)
    return _valid("two-items", file, f"{_SPEC} TENS-2")


def _tiles() -> Case:
    """Two tiles of one field, of different depths."""
    first = Shell((2, 2, 2), 1, 64, Scattered(83), extra={5: [0, 0, 0]})
    second = Shell((2, 4, 4), 0, 16, Scattered(84), extra={5: [5, 0, 0]})
    file = File().item(first.header()).item(second.header())
    file.tens([first.stream()], first.integers(), 0).tens([second.stream()], second.integers(), 1)
    return _valid("two-tiles", file, f"{_SPEC} ITEM-11")


def _beside_others() -> Case:
    """A shell beside items of all other architectures."""
    shell = Shell((2, 1, 1), 1, 64, Scattered(85))
    pyramid = Pyramid((6, 7), (1, 1), (("p", 7, 0.0, 1.0),), seed=86)
    other = Fvsrn((4,), (2,), components=(("f", 7, 0.0, 1.0),), seed=87)
    file = File().item(other.header()).item(pyramid.header()).item(constant_item([2]))
    file.item(shell.header()).tens([shell.stream()], shell.integers(), 3)
    file.tens(pyramid.streams(), pyramid.integers(), 1)
    file.tens([raw_stream(other.integers())], other.integers())
    return _valid("beside-other-architectures", file, f"{_SPEC} TENS-2")
