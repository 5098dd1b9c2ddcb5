"""Vectors that ask for what version 1.0 lacks, or for more than any decoder can give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, Section, cbor, constant_item, verbatim
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import (
    compress,
    raw_stream,
    repeated_zstd,
    static_parameters,
    stored_zstd,
    stream,
    uleb,
)
from .case import Case, case
from .container_faults import small

_LEVEL_2 = bytes([1, 0, 2, 0])


def unsupported_cases() -> list[Case]:
    """Legal bytes that need something else than version 1.0."""
    out: list[Case] = []

    def add(topic: str, name: str, data: bytes, spec: str) -> None:
        out.append(case(topic, name, data, spec, "unsupported"))

    for major in (0, 2, 255):
        data = File(bytes([major, 0, 1, 0])).item(constant_item([2])).build()
        add("file", f"major-{major}", data, "FILE-2")
    junk = File(bytes([2, 0, 1, 0])).build()[:12] + b"another layout altogether"
    add("file", "major-2-other-layout", junk, "FILE-2 FILE-7")
    for name, header in (("level-3", b"\1\0\3\0"), ("flags-1", b"\1\0\1\1")):
        whole = File(header).item(constant_item([2])).build()
        rule = "FILE-4" if header[2] == 3 else "FILE-5"
        add("file", f"{name}-cut", whole[:-20], f"{rule} FILE-7")
        add("file", f"{name}-header-only", whole[:12], f"{rule} FILE-7")
    for level in (0, 3):
        data = File(bytes([1, 0, level, 0])).item(constant_item([2])).build()
        add("file", f"level-{level}", data, "FILE-4")
    for flags in (1, 128):
        data = File(bytes([1, 0, 1, flags])).item(constant_item([2])).build()
        add("file", f"flags-{flags}", data, "FILE-5")
    for name in ("ABCD", "AbCd", "TABL"):
        add("sections", f"critical-{name}", small().add(name, b"x").build(), "SEC-2")
    add("head", "kind-3", File().build({0: 3, 1: 0}), "HEAD-1")
    add("head", "feature", File().build({0: 0, 1: 0, 2: ["tiles"]}), "HEAD-3")
    add("head", "key-3", File().build({0: 0, 1: 0, 3: 0}), "HEAD-3")
    add("head", "key-text", File().build({0: 0, 1: 0, "x": 0}), "HEAD-3")
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
    for name, (value, spec) in items.items():
        add("item", name, File().item(value).build(), spec)
    config = {0: [3, 3], 1: 2, 2: 4, 3: 1, 4: 1, 9: 1}
    add("item", "config-key-of-fvsrn", simple_file(Fvsrn(), k2=[1, 1, config]).build(), "ITEM-5")
    quantisation: list[Any] = [[3, 1 / 64, 0], *[1 / 64] * 4]
    add("item", "quantisation-3", simple_file(Fvsrn(), k3=quantisation).build(), "ITEM-7")
    values = Fvsrn().integers()
    for name, data, spec in (
        ("coder-8", stream(8, len(values), b"", b""), "STR-1"),
        ("ans-model-2", stream(1, len(values), b"\2", b""), "STR-1"),
        ("range-model-255", stream(2, len(values), b"\xff", b""), "STR-1"),
    ):
        file = File().item(Fvsrn().header()).tens([data], values)
        add("streams", name, file.build(), spec)
    mask = MaskSpec(np.ones((2, 3), np.bool_), method=0).payload()
    add("masks", "purpose-2", small().add("MASK", b"\2" + mask[1:]).build(), "MASK-1")
    method = mask[:5] + b"\3" + mask[6:]
    add("masks", "method-3", small().add("MASK", method).build(), "MASK-3")
    for name, entry in (
        ("type-12", ["a", 12, [1], 0, b"\1"]),
        ("filter-4", ["a", 0, [1], 4, b"\1"]),
    ):
        rule = "VERB-2" if name == "type-12" else "VERB-3"
        add("verbatim", name, small().add("VERB", verbatim([entry])).build(), rule)
    return out


def _nothing_coded(shape: Sequence[int]) -> bytes:
    """Return a MASK payload of a sparsity mask that is 0 everywhere."""
    sizes = b"".join(map(uleb, shape))
    return bytes([1, len(shape)]) + sizes + bytes([(1 << len(shape)) - 1, 0, 1, 0])


def limit_cases() -> list[Case]:
    """Small files that declare enormous things, all far above level 2."""
    out: list[Case] = []

    def add(topic: str, name: str, data: bytes, spec: str = "LIM-1") -> None:
        out.append(case(topic, name, data, spec, "limit", level=data[10]))

    components = [[f"{n}", 7, 1.0, 0.0] for n in range(256)]
    add("samples", "one-axis-2-48", File().item(constant_item([2**48])).build())
    add("samples", "eight-axes-2-48", File().item(constant_item([2**48] * 8)).build())
    many = File().item(constant_item([2**40], components)).build()
    add("samples", "256-components", many)
    file = File()
    for n in range(64):
        file.item(constant_item([2**36], [[f"{n}", 7, 1.5, 0.0]]))
    add("samples", "sum-of-64-items", file.build())
    add("samples", "fvsrn-2-45", simple_file(Fvsrn((2**45,), (2,))).build())
    wide = Fvsrn((2**38,), (2,), features=1024, width=1024)
    integers = [0] * sum(wide.counts())
    file = File(_LEVEL_2).item(wide.header()).tens([raw_stream(integers, 0, 0)], integers)
    add("samples", "multiply-adds-2-58", file.build())
    big = Fvsrn((4, 4, 4), (1024, 1024, 1024), features=1024)
    count = sum(big.counts())
    zstd = stored_zstd(b"")
    for name, data in (
        ("raw-width-0", stream(0, count, uleb(0) + b"\0", b"")),
        ("ans-static", stream(1, count, static_parameters(0, [1, 1], 0), b"")),
        ("range-static", stream(2, count, static_parameters(0, [1, 1], 0), b"")),
        ("ans-laplace", stream(1, count, b"\1\1\0", b"\0")),
        ("zstd", stream(3, count, b"\1", zstd)),
    ):
        payload = uleb(0) + data
        file = File().item(big.header()).add("TENS", payload)
        add("integers", f"{name}-2-40", file.build(), "LIM-1 STR-5")
    for name, model in (
        ("grid-2-74", Fvsrn((4,) * 4, (65536,) * 4, features=1024, width=4096, layers=64)),
        ("uncoded-2-36", Fvsrn((4,) * 3, (1024, 1024, 64), features=1024)),
    ):
        count = sum(model.counts()[1:])
        streams = uleb(0) + stream(0, count, uleb(0) + b"\0", b"")
        file = File(_LEVEL_2).item(model.header(k4={0: 0})).add("TENS", streams)
        add("integers", name, file.add("MASK", _nothing_coded(model.grid)).build())
    texts = b"\x81\x83\x61p\x81\x1a\1\0\0\0\x9a\1\0\0\0"
    file = small().add("VERB", b"")
    frame = repeated_zstd(texts, b"\x60", 2**24)
    file.sections[-1] = Section("VERB", uleb(len(texts) + 2**24) + frame, 1)
    add("cbor", "items-2-24", file.build(), "LIM-1 VERB-1")
    for attribute, name in ((1, "zstd"), (2, "brotli")):
        for kind, payload in (("ITEM", cbor(constant_item([2]))), ("VERB", b"\x80"), ("MASK", b"")):
            file = File()
            file.add(kind, b"")
            frame = stored_zstd(payload) if attribute == 1 else compress(2, payload)
            file.sections[0].stored = uleb(2**50) + frame
            file.sections[0].attribute = attribute
            head = {0: 0, 1: 1 if kind == "ITEM" else 0}
            add("payload", f"{name}-{kind.lower()}-2-50", file.build(head), "LIM-1 SEC-5")
    size = uleb(2**47)
    for name, payload in (
        ("one-axis-2-47", b"\1\1" + size + b"\1\0\1\x80"),
        ("context-2-47", b"\1\1" + size + b"\0\1\0"),
        ("eight-axes-2-47", b"\1\x08" + size * 8 + b"\xff\0\1\x80"),
    ):
        add("masks", name, small().add("MASK", payload).build())
    file = File(_LEVEL_2).item(constant_item([2, 3]))
    for _ in range(64):
        file.add("MASK", _nothing_coded((2**18, 2**18)))
    add("masks", "sum-of-64-masks", file.build())
    return out
