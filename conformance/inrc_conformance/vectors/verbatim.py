"""Vectors of verbatim variables, valid and malformed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ..builders.file import File, verbatim
from .case import Case, case
from .container_faults import small
from .item import DTYPES


def verbatim_cases() -> list[Case]:
    """All types with all filters, and texts."""
    types = (*DTYPES, "u8", "i8", "S1")
    entries: list[list[Any]] = []
    for number, kind in enumerate(types):
        size = int(kind[1])
        raw = b"".join(((i * i * 7919 + i) % 2 ** (8 * size)).to_bytes(size, "little")
                       for i in range(12))  # fmt: skip
        for method in range(4):
            path = f"/{kind}/{method}"
            entries.append([path, number, [3, 4], method, filtered(raw, size, method)])
    edges: list[list[Any]] = [
        ["/scalar", 7, [], 0, struct.pack("<f", 2.5)],
        ["/empty", 8, [3, 0, 2], 2, b""],
        ["/one", 4, [1], 3, b"\1\2\3\4"],
        ["", 0, [2], 1, b"\1\2"],
        ["/text", [2], ["", "grüße\n"]],
        ["/no-text", [0, 5], []],
        ["/scalar-text", [], ["x"]],
        ["/many-axes", 0, [1] * 32, 0, b"\7"],
    ]
    filters = File().add("VERB", verbatim(entries))
    two = File().add("VERB", verbatim(edges[:4])).add("VERB", verbatim([]))
    two.add("VERB", verbatim(edges[4:]), 2)
    return [
        case("verbatim", "all-types-and-filters", filters, "VERB-2 VERB-3"),
        case("verbatim", "edges-in-several-sections", two, "VERB-1 VERB-2 VERB-3"),
    ]


def filtered(data: bytes, size: int, method: int) -> bytes:
    """Apply a filter of VERB-3."""
    if method == 0:
        return data
    values = [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]
    for _ in range(method - 1):
        before = [0, *values[:-1]]
        values = [(a - b) % 2 ** (8 * size) for a, b in zip(values, before, strict=True)]
    raw = [value.to_bytes(size, "little") for value in values]
    return b"".join(bytes(value[plane] for value in raw) for plane in range(size))


def verbatim_faults() -> Iterator[Case]:
    """Faults of VERB payloads whose CBOR is right."""
    good: list[Any] = ["a", 0, [2], 0, b"\1\2"]
    payloads: dict[str, tuple[Any, str]] = {
        "path-twice": ([good, good], "VERB-1"),
        "path-twice-text": ([good, ["a", [], ["x"]]], "VERB-1"),
        "path-bytes": ([[b"a", *good[1:]]], "VERB-1"),
        "shape-negative": ([["a", 0, [-2], 0, b"\1\2"]], "VERB-1"),
        "shape-33-axes": ([["a", 0, [1] * 33, 0, b"\1"]], "VERB-1"),
        "shape-not-an-array": ([["a", 0, 2, 0, b"\1\2"]], "VERB-1"),
        "one-text-too-few": ([["a", [2], ["x"]]], "VERB-1"),
        "one-text-too-many": ([["a", [0], ["x"]]], "VERB-1"),
        "text-is-bytes": ([["a", [1], [b"x"]]], "VERB-1"),
        "data-too-short": ([["a", 2, [2], 0, b"\1\2\3"]], "VERB-2"),
        "data-too-long": ([["a", 2, [2], 1, b"\1\2\3\4\5"]], "VERB-2"),
        "data-of-huge-shape": ([["a", 0, [2**40, 2**40], 0, b"\1\2"]], "VERB-2"),
        "data-not-bytes": ([["a", 0, [2], 0, "ab"]], "VERB-2"),
        "four-entries": ([good[:4]], "VERB-1"),
        "not-an-array": ({0: good}, "VERB-1"),
        "type-negative": ([["a", -1, [2], 0, b"\1\2"]], "VERB-2"),
        "filter-negative": ([["a", 0, [2], -1, b"\1\2"]], "VERB-3"),
        "filter-text": ([["a", 0, [2], "none", b"\1\2"]], "VERB-3"),
    }
    for name, (value, spec) in payloads.items():
        yield case("verbatim", name, small().add("VERB", verbatim(value)), spec, "malformed")
    twice = small().add("VERB", verbatim([good])).add("VERB", verbatim([good])).build()
    yield case("verbatim", "path-twice-in-two-sections", twice, "VERB-1", "malformed")
