"""Vectors of rules that lie across the topics: levels, bounds, and uses that no other case has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..builders.file import HEADER, File, MaskSpec, Section, cbor, constant_item
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import raw_stream, repeated_zstd, uleb
from ..decoder.headers import DTYPES
from .case import Case, case

_LEVEL_2 = bytes([1, 0, 2, 0])
_HEADER_BYTES = 2**24
"""The decoded bytes of mETa that level 1 allows (LIM-2)."""


def rule_cases() -> list[Case]:
    """All cases of this module."""
    return [*_levels(), *_bounds(), *_masks(), *_refused_uses()]


def _levels() -> Iterator[Case]:
    """Payloads of mETa beside the limit of level 1; decoders may have lower or higher limits."""
    yield replace(_padded("meta-of-level-1", _HEADER_BYTES, HEADER), accept=("limit",))
    over = _padded("meta-above-level-1", _HEADER_BYTES + 1, HEADER, "limit")
    yield replace(over, accept=("ok",), invalid=True)
    level_2 = _padded("meta-of-level-2", _HEADER_BYTES + 1, _LEVEL_2, "limit")
    yield replace(level_2, accept=("ok",), level=2)


def _padded(name: str, size: int, header: bytes, expect: str = "ok") -> Case:
    """Return a file whose metadata, of an unknown medium, have this many bytes."""
    front = b"\xa2" + cbor(0) + cbor("padding") + cbor(1) + b"\xa1" + cbor(0)
    zeros = size - len(front) - 5
    front += b"\x5a" + zeros.to_bytes(4, "big")
    frame = repeated_zstd(front, b"\0", zeros)
    file = File(header).item(constant_item([2]))
    file.sections.append(Section("mETa", uleb(size) + frame, 1))
    return case("levels", name, file, "LIM-2 LIM-1", expect)


def _bounds() -> Iterator[Case]:
    """Bounds that decoders of class F keep, and some that none of them can (VAL-8)."""
    for name, bounds, sound in (
        ("kept", [0.5], True),
        ("0-of-floats", [0.0], False),
        ("below-class-F", [2.0**-20], False),
    ):
        bounded = case("bounds", name, simple_file(Fvsrn(), k6=bounds), "VAL-8 ITEM-12")
        yield bounded if sound else replace(bounded, invalid=True)


def _masks() -> Iterator[Case]:
    """Sparsity masks that are constant along an axis."""
    model = Fvsrn()
    for method, name in enumerate(("packed", "context", "mixing")):
        bits = np.zeros((3, 3), np.bool_)
        bits[:, :2] = True
        mask = MaskSpec(bits, purpose=1, constant=1, method=method)
        integers = model.integers()[: sum(model.counts()) - 6]
        file = File().item(model.header(k4={0: 0})).mask(mask)
        file.tens([raw_stream(integers)], integers)
        yield case("masks", f"sparsity-constant-{name}", file, "MASK-2 ITEM-8")


def _refused_uses() -> Iterator[Case]:
    """Kinds, dtypes and masks in files that are refused for something else."""
    for kind, name in ((1, "image"), (2, "sdf")):
        data = File().item(constant_item([2, 2])).build(head={0: kind, 1: 2})
        yield case("head", f"count-of-{name}", data, "HEAD-2", "malformed")
    for number, dtype in enumerate(DTYPES):
        part = ["a", number, 1.5, 0.0]
        data = File().item(constant_item([2], [part, part])).build()
        yield case("item", f"component-name-twice-{dtype}", data, "ITEM-10", "malformed")
    bits = np.arange(20).reshape(5, 4) % 3 > 0
    other = constant_item([4, 5], [["a", 7, 1.5, 0.0, 0]])
    for method, name in ((0, "packed"), (2, "mixing")):
        file = File().item(other).mask(MaskSpec(bits, method=method))
        yield case("item", f"mask-{name}-of-other-shape", file, "ITEM-4", "malformed")
        used = File().item(constant_item([5, 4], [["a", 7, 1.5, 0.0, 0]]))
        used.mask(MaskSpec(bits, purpose=1, method=method))
        yield case("item", f"mask-{name}-of-sparsity", used, "ITEM-4", "malformed")
    model = Fvsrn()
    integers = model.integers()
    file = File().item(model.header(k4={0: 0, 1: 0})).tens([raw_stream(integers)], integers)
    file.mask(MaskSpec(np.ones((3, 3), np.bool_), purpose=1, method=2))
    yield case("item", "sparse-shared-of-other-shape", file, "ITEM-8", "malformed")
