"""Vectors of shells with a border (architecture 3, keys 4 to 6), valid and refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.border import Bordered, Flagged, ValueAt, scattered, slope
from ..builders.file import File, Index, MaskSpec
from ..builders.octree import octree_data, octree_stream
from ..builders.shell import Fixed, Sampled, Scattered, Shell, sphere
from ..builders.streams import byte_stream, laplace_stream, raw_stream, static_stream
from ..decoder.octree import OUTSIDE, SURFACE, Octree, Place
from .case import Case, case
from .fields import Field, config_case, config_faults
from .residual import mixed, randomly

_SPEC = "SHELL-2 SHELL-3 SHELL-4"


def border_cases() -> list[Case]:
    """All valid cases of borders."""
    return [*_level_cases(), *_flag_cases(), *_value_cases(), *_stream_cases(), *_item_cases()]


def border_faults() -> list[Case]:
    """All refused cases of borders."""
    return [*_config_faults(), *_quantisation_faults(), *_count_faults(), *_stream_faults()]


def _valid(name: str, file: File, spec: str = _SPEC) -> Case:
    return case("border", name, file, spec)


def _valid_models(models: dict[str, Bordered]) -> Iterator[Case]:
    for name, model in models.items():
        yield _valid(name, model.file())


def cut_sphere(roots: Place, depth: int, level: int, value_at: ValueAt | None = None) -> Bordered:
    """Return a sphere with a hole on one side; values grow by 4 per cell across its edge."""
    n = max(r << depth for r in roots)
    distance = sphere((n / 2.1, n / 2.0, n / 1.9), n / 3.1)
    size = 1 << (depth - level)

    def across(place: Place) -> int:
        return round(4 * (place[0] - 0.6 * n / size))

    def flag_at(j: int, place: Place) -> int:
        s = 1 << (depth - j)
        ends = [across((s * (place[0] + e) // size, 0, 0)) for e in (0, 1)]
        return 0 if min(ends) < 8 and max(ends) > -8 else 1 if min(ends) >= 8 else -1

    source = Sampled(Octree(depth, roots, 256), distance)
    return Bordered(
        roots, depth, 256, source, level=level, flag_at=flag_at, value_at=value_at or across
    )


def _level_cases() -> Iterator[Case]:
    """Depths, and levels of the border."""
    models: dict[str, Bordered] = {}
    for depth, roots in enumerate(((4, 3, 3), (2, 2, 3), (2, 1, 1), (1, 1, 1))):
        for level in range(depth + 1):
            models[f"depth-{depth}-level-{level}"] = scattered(roots, depth, level, 10 + depth)
            if depth:
                models[f"sphere-depth-{depth}-level-{level}"] = cut_sphere(roots, depth, level)
    return _valid_models(models)


def _flag_cases() -> Iterator[Case]:
    """Few and many mixed cells, and flags of coarse levels that hold for finer ones."""
    models = {
        "all-mixed": Bordered((2, 2, 2), 1, 64, Scattered(31), level=1),
        "mostly-whole": scattered((3, 2, 2), 1, 1, 32, 10),
        "mostly-mixed": scattered((3, 2, 2), 1, 1, 33, 90),
        "one-root": scattered((1, 1, 1), 2, 2, 34, 60),
        "all-surface": Bordered((2, 2, 1), 1, 64, Fixed(SURFACE, 3), level=1, flag_at=_by_place),
        "no-surface-in-some-cells": Bordered(
            (2, 2, 2), 2, 64, Scattered(35, 25), level=1, flag_at=Flagged(36, 60)
        ),
        "kept-beside-dropped": Bordered(
            (4, 2, 2), 0, 64, Fixed(SURFACE, 9), level=0, flag_at=_halves
        ),
    }
    return _valid_models(models)


def _by_place(level: int, place: Place) -> int:
    return sum(place) % 3 - 1 if level else 0


def _halves(level: int, place: Place) -> int:
    """Return cells to be kept, then to be dropped, and a mixed one in a corner."""
    return 0 if place == (0, 0, 0) else -1 if place[0] < 2 else 1


def _value_cases() -> Iterator[Case]:
    """Values at their bounds, and residuals beyond them."""
    models: dict[str, Bordered] = {}
    for name, value_at in (
        ("0", lambda place: 0),
        ("constant", lambda place: -57),
        ("bounds", lambda place: 127 if sum(place) % 2 else -127),
        ("slope", slope),
        ("product", lambda place: 3 * place[0] * place[1] - 7 * place[2]),
    ):
        models[f"values-{name}"] = Bordered(
            (2, 2, 2), 1, 64, Scattered(41), level=1, value_at=value_at
        )
    for name, number in (
        ("128", 128),
        ("minus-128", -128),
        ("2-31", 2**31 - 1),
        ("minus-2-31", -(2**31)),
    ):
        model = Bordered((2, 2, 2), 1, 64, Scattered(42), level=1)
        residuals = model.border()[1]
        model.residuals = [number if n % 5 == 0 else r for n, r in enumerate(residuals)]
        models[f"residuals-{name}"] = model
    model = Bordered((2, 2, 2), 1, 64, Scattered(43), level=0)
    model.residuals = [7 * n % 23 - 11 for n in range(len(model.border()[1]))]
    return _valid_models(models | {"residuals-odd": model})


def _stream_cases() -> Iterator[Case]:
    """Flags and values in all coders, streams and sections."""
    model = scattered((2, 2, 2), 1, 1, 51)
    octree = model.integers()
    flags, values = model.border()
    both = [*flags, *values]
    every = [*octree, *both]
    whole = model.stream()
    streams = {
        "all-raw": [raw_stream(every)],
        "all-zstd": [byte_stream(3, every, 2)],
        "both-ans": [whole, static_stream(1, both)],
        "both-range-laplace": [whole, laplace_stream(2, [(2, flags), (10, values)])],
        "brotli-and-zstd": [whole, byte_stream(4, flags, 1), byte_stream(3, values, 1)],
        "raw-across-tensors": [
            raw_stream(every[: len(octree) + 3]),
            raw_stream(every[len(octree) + 3 :]),
        ],
        "pieces": [whole, raw_stream(both[:2]), raw_stream(both[2:9]), raw_stream(both[9:])],
        "empty-streams": [raw_stream([]), whole, raw_stream([]), raw_stream(both), raw_stream([])],
    }
    for n, some in streams.items():
        yield _valid(f"coded-{n}", model.file(some), f"{_SPEC} STR-8")
    file = File().tens([whole], octree).item(model.header())
    file.tens([raw_stream(flags)], flags, attribute=1).tens([raw_stream(values)], values)
    yield _valid("sections", file, f"{_SPEC} TENS-2")


def _item_cases() -> Iterator[Case]:
    """Other keys of the item, and shells beside one another."""
    model = scattered((2, 2, 2), 1, 1, 61)
    file = model.file(k3=[[0, 1.0, 0]] * 3)
    yield case("border", "zero-0-and-index", file.build({0: 2, 1: 1}, index=Index()), _SPEC)
    residuals = randomly(125, 71)
    file = model.file(k7=[0.01]).resd([mixed((5, 5, 5), residuals)], residuals)
    yield _valid("with-residuals", file, f"{_SPEC} VAL-7")
    first = scattered((2, 1, 1), 1, 0, 62, components=(("one", 7, 0.0, 3.0),))
    plain = Shell((1, 2, 2), 1, 64, Scattered(63), components=(("two", 7, 0.0, 3.0),))
    last = scattered((1, 1, 2), 1, 1, 64, components=(("three", 7, 0.0, 3.0),))
    file = File().item(first.header()).item(plain.header()).item(last.header())
    for number, shell in ((2, last), (1, plain), (0, first)):
        section = shell.file().sections[1]
        file.add("TENS", bytes([number]) + section.stored[1:], 0, section.layer, number)
    yield _valid("beside-others", file, f"{_SPEC} TENS-2")


def _bad(name: str, file: File, spec: str = "SHELL-2") -> Case:
    return case("border", name, file, spec, "malformed")


def _small(**options: Any) -> Bordered:
    return scattered((2, 2, 1), 1, 1, 117, **options)


_CONFIG = (
    Field(4, "level", 0, 1, "missing negative high float true text"),
    Field(5, "flags", 1, wrong="missing low negative float"),
    Field(6, "values", 1, wrong="missing low negative array"),
)


def _config_faults() -> Iterator[Case]:
    """Keys and values of the config."""
    model = _small()
    alone = {"level-alone": (5, 6), "flags-alone": (4, 6), "values-alone": (4, 5)}
    yield from config_faults("border", model, _CONFIG, "SHELL-2", "")
    for name, keys in alone.items():
        config = {key: value for key, value in model.config().items() if key not in keys}
        yield config_case("border", name, model, config, "SHELL-2")
    # 2 (4 * 4 * 2) flags and 5 * 5 * 3 values are the most.
    for name, number in (("flags-65", 65), ("flags-2-40", 2**40)):
        yield _bad(name, _small(flags=[0] * min(number, 65), keys={5: number}).file())
    for name, number in (("values-76", 76), ("values-2-40", 2**40)):
        yield _bad(name, _small(residuals=[0] * min(number, 76), keys={6: number}).file())
    yield _bad("flags-64", _small(flags=[0] * 64).file(), "SHELL-4")


def _quantisation_faults() -> Iterator[Case]:
    """Quantisation entries and masks that a border must not have (SHELL-3)."""
    model = _small()
    flags, values = model.border()
    entries: dict[str, Any] = {
        "step-2": 2.0,
        "step-half": 0.5,
        "step-near-1": 1 + 2.0**-23,
        "zero-1": [0, 1.0, 1],
        "codebook": [2, 1.0, -1, b"\xff\xff\0\0\1\0"],
    }
    for name, entry in entries.items():
        yield _bad(f"flags-of-{name}", model.file(k3=[1.0, entry, 1.0]), "SHELL-3")
        yield _bad(f"values-of-{name}", model.file(k3=[1.0, 1.0, entry]), "SHELL-3")
    each = [1.0, [1, *[1.0] * len(flags)], 1.0], [1.0, 1.0, [1, *[1.0] * len(values)]]
    yield _bad("flags-of-step-per-integer", model.file(k3=each[0]), "SHELL-3")
    yield _bad("values-of-step-per-integer", model.file(k3=each[1]), "SHELL-3")
    yield _bad("octree-of-step-2", model.file(k3=[2.0, 1.0, 1.0]), "STR-7")
    for number, name in ((1, "flags"), (2, "values")):
        mask = MaskSpec(np.ones(len(model.border()[number - 1]), np.bool_), 1, method=0)
        yield _bad(f"{name}-sparse", model.file(k4={number: 0}).mask(mask), "SHELL-3")
    yield _bad("quantisation-of-one-tensor", model.file(k3=[1.0]), "ITEM-6")


def _count_faults() -> Iterator[Case]:
    """Flags that are none, and more or fewer integers than a border has (SHELL-4)."""
    flags, values = _small().border()
    for flag in (2, -2, 256, -(2**31), 2**31 - 1):
        for place in (0, len(flags) - 1):
            some = [flag if n == place else other for n, other in enumerate(flags)]
            name = f"flag-{flag}-at-{place}".replace("--", "-minus-")
            yield _bad(name, _small(flags=some, residuals=values).file(), "SHELL-4")
    for name, some in (
        ("flags-one-too-few", flags[:-1]),
        ("flags-one-too-many", [*flags, 0]),
        ("flags-of-level-0-only", flags[:3]),
        ("flags-twice", flags * 2),
    ):
        yield _bad(name, _small(flags=some, residuals=values).file(), "SHELL-4")
    for name, some in (
        ("values-one-too-few", values[:-1]),
        ("values-one-too-many", [*values, 0]),
        ("values-one", values[:1]),
    ):
        yield _bad(name, _small(flags=flags, residuals=some).file(), "SHELL-4")
    full = [0] * len(flags)
    yield _bad("values-of-other-flags", _small(flags=full, residuals=values).file(), "SHELL-4")
    empty = Bordered((2, 1, 1), 0, 64, Fixed(OUTSIDE), flags=[0], residuals=[0])
    yield _bad("nothing-crossed", empty.file(), "SHELL-4")
    whole = Bordered((2, 1, 1), 0, 64, Fixed(SURFACE, 3), flags=[-1, 1], residuals=[0])
    yield _bad("nothing-mixed", whole.file(), "SHELL-4")


def _stream_faults() -> Iterator[Case]:
    """Streams of coder 6 that hold more than an octree, or something else."""
    model = _small()
    octree = model.integers()
    both = [*model.border()[0], *model.border()[1]]
    data = octree_data(model.octree, octree)
    every = len(octree) + len(both)
    streams = {
        "octree-of-all-tensors": [octree_stream(every, data)],
        "octree-of-flags": [raw_stream(octree), octree_stream(len(both), data)],
        "octree-twice": [model.stream(), model.stream()],
        "flags-before-octree": [raw_stream(both), model.stream()],
        "octree-alone": [model.stream()],
        "integer-too-many": [model.stream(), raw_stream([*both, 0])],
        "integer-too-few": [model.stream(), raw_stream(both[:-1])],
    }
    for name, some in streams.items():
        yield _bad(name, model.file(some), "STR-8 TENS-2")
    count = len(octree)
    large = _small(flags=[0] * 20, residuals=[0] * (count - 20))
    yield _bad("second-octree", large.file([raw_stream(octree), model.stream()]), "STR-8")
