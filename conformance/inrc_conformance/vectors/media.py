"""Vectors of metadata: the section pROv, and the medium `mesh`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..builders.border import scattered
from ..builders.file import File, Index, MaskSpec, cbor, constant_item, meta
from ..builders.shell import Shell
from .case import Case, case
from .fields import NAN

_GOOD = {0: [0, 40], 1: 5, 2: 2, 3: "inrc 1.0.0"}


def media_cases() -> list[Case]:
    """Files with pROv, right or to be ignored, and the metadata of meshes."""
    return [*_provenance_cases(), *_ignored_cases(), *_place_cases(), *_loss_cases(),
            *_ignored_losses(), *_mesh_cases()]  # fmt: skip


def _valid(name: str, file: File, spec: str, **options: Any) -> Case:
    return case("media", name, file.build(**options), spec)


def _invalid(name: str, file: File, spec: str) -> Case:
    """A file that breaks a rule of metadata, which is no reason to refuse it."""
    return replace(_valid(name, file, spec), invalid=True)


def _made(payload: bytes, attribute: int = 0) -> File:
    """Return a file with the section pROv."""
    return File().item(constant_item([2, 3])).add("pROv", payload, attribute)


def _provenance_cases() -> Iterator[Case]:
    """Sections that keep the rules."""
    some: dict[str, dict[int, Any]] = {
        "empty": {},
        "all-keys": _GOOD,
        "encoder-only": {3: "another encoder 2.71"},
        "encoder-empty": {3: ""},
        "encoder-not-ascii": {3: "Grüße 1.0"},
        "effort-only": {1: 0},
        "effort-2-63": {1: 2**63},
        "architecture-only": {2: 4711},
        "psnr": {0: [0, 40]},
        "psnr-float": {0: [0, 38.5]},
        "ratio": {0: [1, 100]},
        "ratio-float": {0: [1, 0.25]},
        "bytes": {0: [2, 123456]},
        "max-error-0": {0: [3, 0]},
        "max-error": {0: [3, 0.001]},
        "rel-error-0": {0: [4, 0]},
        "rel-error": {0: [4, 0.999]},
    }
    for n, v in some.items():
        yield _valid(f"made-{n}", _made(cbor(v)), "META-36 SEC-2")


_BROKEN: dict[str, Any] = {
    "unknown-key": _GOOD | {4: 0},
    "negative-key": _GOOD | {-1: 0},
    "text-key": _GOOD | {"x": 0},
    "array": [0, 40],
    "null": None,
    "goal-5": {0: [5, 40]},
    "goal-negative": {0: [-1, 40]},
    "goal-text": {0: ["psnr", 40]},
    "goal-number": {0: 40},
    "goal-of-one-entry": {0: [0]},
    "goal-of-three-entries": {0: [0, 40, 1]},
    "psnr-0": {0: [0, 0]},
    "psnr-negative": {0: [0, -40]},
    "psnr-whole-float": {0: [0, 40.0]},
    "psnr-nan": {0: [0, NAN]},
    "psnr-infinite": {0: [0, math.inf]},
    "psnr-true": {0: [0, True]},
    "ratio-0": {0: [1, 0]},
    "ratio-negative": {0: [1, -0.5]},
    "bytes-0": {0: [2, 0]},
    "bytes-float": {0: [2, 99.5]},
    "max-error-negative": {0: [3, -0.25]},
    "max-error-0-float": {0: [3, 0.0]},
    "rel-error-1": {0: [4, 1]},
    "rel-error-above-1": {0: [4, 1.5]},
    "effort-float": {1: 5.5},
    "effort-negative": {1: -5},
    "architecture-text": {2: "pyramid"},
    "encoder-bytes": {3: b"inrc"},
    "encoder-null": {3: None},
}


_BROKEN_PAYLOADS = {
    "no-bytes": b"",
    "cut": cbor(_GOOD)[:-1],
    "bytes-behind": cbor(_GOOD) + b"\0",
    "not-shortest": b"\xa1\x01\x18\x05",
    "key-twice": b"\xa2\x01\x05\x01\x05",
    "tag": b"\xc1\xa0",
}


def _ignored_cases() -> Iterator[Case]:
    """Sections that break a rule (META-38)."""
    for name, value in _BROKEN.items():
        yield _invalid(f"ignored-{name}", _made(cbor(value)), "META-36 META-38")
    for name, payload in _BROKEN_PAYLOADS.items():
        yield _invalid(f"ignored-{name}", _made(payload), "META-38")


def _place_cases() -> list[Case]:
    """Several sections, compressed ones, and places in the file."""
    good, other = cbor(_GOOD), cbor({0: [1, 50]})
    plain = constant_item([2, 3])
    first = File().add("pROv", good).item(plain)
    twice = File().add("pROv", other).item(plain).add("pROv", good)
    broken = File().add("pROv", b"\xff").item(plain).add("pROv", good)
    return [
        _invalid("made-twice", twice, "META-37 META-38"),
        _invalid("made-twice-first-broken", broken, "META-37 META-38"),
        _valid("made-first-section", first, "META-38"),
        _valid("made-zstd", _made(good, 1), "META-38 SEC-5"),
        _valid("made-brotli", _made(good, 2), "META-38 SEC-5"),
        _valid("made-and-index", _made(good), "META-38 IDX-2", index=Index()),
        _valid("made-without-items", File().add("pROv", good), "META-38"),
    ]


def _loss_cases() -> Iterator[Case]:
    """Losses of samples, which are invalid then, and of bounds, variables and metadata."""
    edges = {"all": [], "part": [0, 1, 1, 3], "sample": [1, 2, 2, 3]}
    for name, part in edges.items():
        bits = np.ones((2, 3), np.bool_)
        bits[tuple(map(slice, part[::2], part[1::2]))] = False
        item = constant_item([2, 3], [["a", 7, 1.5, 0.0, 0]])
        file = File().item(item).mask(MaskSpec(bits)).add("pROv", cbor({4: [[0, "a", *part]]}))
        yield case("media", f"losses-samples-{name}", file, "META-40 VAL-4", tags="mask")
    bound, variable, metadata = [1, "constant", 0, 2, 1, 2], [2, "gone"], [3, ""]
    some: dict[str, list[list[Any]]] = {
        "bound": [bound],
        "bound-all": [bound[:2]],
        "bound-name-unknown": [[1, ""]],
        "variable": [variable],
        "variable-name-unknown": [[2, ""]],
        "variable-name-not-ascii": [[2, "Größe/时间"]],
        "metadata": [metadata],
        "three-kinds": [metadata, bound, variable],
        "same-twice": [variable, variable],
        "of-two-parts": [[1, "constant", 0, 1, 0, 1], [1, "constant", 1, 2, 2, 3]],
        "of-300": [[2, f"variable {n}"] for n in range(300)],
    }
    made = {name: _made(cbor({4: losses})) for name, losses in some.items()}
    made["and-all-keys"] = _made(cbor(_GOOD | {4: [variable]}))
    made["zstd"] = _made(cbor({4: [bound, variable]}), 1)
    made["brotli"] = _made(cbor({4: [bound, variable]}), 2)
    yield from (_valid(f"losses-{n}", file, "META-40") for n, file in made.items())


_LOSS = [1, "constant", 0, 2, 1, 2]


_BROKEN_LOSSES: dict[str, Any] = {
    "none": [],
    "number": 0,
    "null": None,
    "map": {0: _LOSS},
    "not-in-a-list": _LOSS,
    "empty": [[]],
    "without-name": [[1]],
    "name-null": [[1, None]],
    "name-bytes": [[1, b"constant"]],
    "name-number": [[1, 0, 2]],
    "metadata-with-a-name": [[3, "constant"]],
    "kind-4": [[4, ""]],
    "kind-negative": [[-1, ""]],
    "kind-text": [["samples", ""]],
    "kind-float": [[1.5, ""]],
    "kind-true": [[True, ""]],
    "start-alone": [[1, "constant", 0]],
    "second-start-alone": [[1, "constant", 0, 2, 1]],
    "stop-is-start": [[1, "constant", 1, 1, 1, 2]],
    "stop-0": [[1, "constant", 0, 0]],
    "stop-below-start": [[1, "constant", 0, 2, 2, 1]],
    "start-negative": [[1, "constant", -1, 2, 1, 2]],
    "stop-negative": [[1, "constant", 0, -2]],
    "start-float": [[1, "constant", 0.5, 2]],
    "stop-null": [[1, "constant", 0, None, 1, 2]],
    "stop-true": [[1, "constant", 0, True]],
    "pairs-in-lists": [[1, "constant", [0, 2], [1, 2]]],
    "second-wrong": [_LOSS, [1, "constant", 2, 2, 1, 2]],
}


def _ignored_losses() -> Iterator[Case]:
    """Losses that break a rule: the section is ignored, all of it."""
    for name, value in _BROKEN_LOSSES.items():
        yield _invalid(f"ignored-losses-{name}", _made(cbor(_GOOD | {4: value})), "META-40 META-38")
    beside = _made(cbor({0: [5, 40], 4: [_LOSS]}))
    key = _made(cbor({4: [_LOSS], 5: 0}))
    yield _invalid("ignored-losses-beside-goal-5", beside, "META-36 META-38 META-40")
    yield _invalid("ignored-unknown-key-5", key, "META-38")


def _mesh_cases() -> Iterator[Case]:
    """Signed and unsigned distances (META-34, META-39)."""
    axes = [["x", 5], ["y", 5], ["z", 5]]
    place = [-1.5, 0.25, 1e6]
    trees: dict[str, tuple[dict[int, Any], float]] = {
        "signed": ({0: place, 1: 0.5}, 0.0),
        "signed-with-unit": ({0: place, 1: 0.5, 2: "mm"}, 0.0),
        "unsigned": ({0: place, 1: 0.5, 3: 0.75}, 0.75),
        "unsigned-with-unit": ({0: place, 1: 0.1, 2: "km", 3: 0.1}, 0.1),
    }
    for number, (name, (tree, offset)) in enumerate(trees.items()):
        part = [("distance", 7, offset, 3 * tree[1])]
        for kind, model in (
            ("", Shell((2, 2, 2), 1, 64, components=part, extra={1: axes})),
            ("-border", scattered((2, 2, 2), 1, 1, 80 + number, components=part, extra={1: axes})),
        ):
            file = model.file().add("mETa", meta("mesh", tree)).add("pROv", cbor(_GOOD))
            spec = "META-34 META-39 VAL-2" if 3 in tree else "META-34 VAL-2"
            yield _valid(f"mesh-{name}{kind}", file, spec, head={0: 2, 1: 1})
