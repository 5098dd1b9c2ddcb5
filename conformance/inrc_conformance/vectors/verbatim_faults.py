"""Malformed vectors of verbatim variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..builders.file import verbatim
from .case import Case, case
from .container_faults import small


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
