"""Vectors that need something else than version 1.0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item, verbatim
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import stream
from .case import Case, cases_of
from .container_faults import small


def unsupported_cases() -> list[Case]:
    """All legal files that need something else than version 1.0."""
    return [
        *_header_cases(),
        *_head_cases(),
        *_item_cases(),
        *_stream_cases(),
        *_mask_cases(),
        *_verbatim_cases(),
    ]


def _with_header(*header: int) -> File:
    return File(bytes(header)).item(constant_item([2]))


def _header_cases() -> list[Case]:
    """Versions, levels and flags of the header, and critical sections that nobody knows."""
    junk = File(bytes([2, 0, 1, 0])).build()[:12] + b"another layout altogether"
    files: dict[str, tuple[File | bytes, str]] = {"major-2-other-layout": (junk, "FILE-2 FILE-7")}
    files |= {f"major-{n}": (_with_header(n, 0, 1, 0), "FILE-2") for n in (0, 2, 255)}
    files |= {f"level-{n}": (_with_header(1, 0, n, 0), "FILE-4") for n in (0, 3)}
    files |= {f"flags-{n}": (_with_header(1, 0, 1, n), "FILE-5") for n in (1, 128)}
    for name, header, rule in (
        ("level-3", (1, 0, 3, 0), "FILE-4"),
        ("flags-1", (1, 0, 1, 1), "FILE-5"),
    ):
        whole = _with_header(*header).build()
        files[f"{name}-cut"] = (whole[:-20], f"{rule} FILE-7")
        files[f"{name}-header-only"] = (whole[:12], f"{rule} FILE-7")
    critical = {
        f"critical-{name}": (small().add(name, b"x"), "SEC-2") for name in ("ABCD", "AbCd", "TABL")
    }
    return cases_of("file", files, "unsupported") + cases_of("sections", critical, "unsupported")


def _head_cases() -> list[Case]:
    """Kinds, features and keys of HEAD."""
    files = {
        "kind-3": (File().build({0: 3, 1: 0}), "HEAD-1"),
        "feature": (File().build({0: 0, 1: 0, 2: ["tiles"]}), "HEAD-3"),
        "key-3": (File().build({0: 0, 1: 0, 3: 0}), "HEAD-3"),
        "key-text": (File().build({0: 0, 1: 0, "x": 0}), "HEAD-3"),
    }
    return cases_of("head", files, "unsupported")


def _item_cases() -> list[Case]:
    """Keys, dtypes, architectures and quantisation of items."""
    plain = constant_item([2])
    deep: Any = 0
    for _ in range(13):
        deep = [deep]
    items: dict[str, tuple[dict[Any, Any], str]] = {
        "config-value-of-depth-16": (plain | {2: [0, 1, {7: deep}]}, "ITEM-5 CBOR-3"),
        "key-9": (plain | {9: 0}, "ITEM-1"),
        "key-text": (plain | {"x": 0}, "ITEM-1"),
        "dtype-9": (constant_item([2], [["a", 9, 1.0, 0.0]]), "ITEM-2"),
        "dtype-255": (constant_item([2], [["a", 255, 1.0, 0.0]]), "ITEM-2"),
        "architecture-100": (plain | {2: [100, 1, {}]}, "ITEM-5"),
        "architecture-private": (plain | {2: [2**31, 1, {}]}, "ITEM-5"),
        "version-2": (plain | {2: [0, 2, {}]}, "ITEM-5"),
        "config-key-of-constant": (plain | {2: [0, 1, {0: 1}]}, "ITEM-5"),
    }
    model = Fvsrn()
    quantisation: list[Any] = [[3, 1 / 64, 0], *[1 / 64] * 4]
    files = {name: (File().item(value), spec) for name, (value, spec) in items.items()}
    files["config-key-of-fvsrn"] = (model.with_config(model.config() | {9: 1}), "ITEM-5")
    files["quantisation-3"] = (simple_file(model, k3=quantisation), "ITEM-7")
    return cases_of("item", files, "unsupported")


def _stream_cases() -> list[Case]:
    """Coders and models that nobody knows."""
    model = Fvsrn()
    count = len(model.integers())
    files = {
        "coder-10": (model.file([stream(10, count, b"", b"")]), "STR-1"),
        "ans-model-2": (model.file([stream(1, count, b"\2", b"")]), "STR-1"),
        "range-model-255": (model.file([stream(2, count, b"\xff", b"")]), "STR-1"),
    }
    return cases_of("streams", files, "unsupported")


def _mask_cases() -> list[Case]:
    """A purpose and a method of masks that nobody knows."""
    mask = MaskSpec(np.ones((2, 3), np.bool_), method=0).payload()
    files = {
        "purpose-2": (small().add("MASK", b"\2" + mask[1:]), "MASK-1"),
        "method-3": (small().add("MASK", mask[:5] + b"\3" + mask[6:]), "MASK-3"),
    }
    return cases_of("masks", files, "unsupported")


def _verbatim_cases() -> list[Case]:
    """A type and a filter of verbatim variables that nobody knows."""
    files = {
        "type-12": (small().add("VERB", verbatim([["a", 12, [1], 0, b"\1"]])), "VERB-2"),
        "filter-4": (small().add("VERB", verbatim([["a", 0, [1], 4, b"\1"]])), "VERB-3"),
    }
    return cases_of("verbatim", files, "unsupported")
