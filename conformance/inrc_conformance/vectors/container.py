"""Valid vectors: container, items and streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, Section, constant_item, float_bits, meta
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import (
    byte_stream,
    entropy_encode,
    intervals,
    laplace_parameters,
    laplace_stream,
    pack_bits,
    range_encode,
    raw_stream,
    static_parameters,
    static_stream,
    stored_brotli,
    stored_zstd,
    stream,
    uleb,
    windowed_zstd,
    words,
    zigzag,
    zstd_checksum,
)
from ..decoder.tables import laplace_half_width, laplace_shift, laplace_table, static_table
from .case import Case, case

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")
_PLACES = {
    "u1": (120.0, 200.0),
    "i1": (-3.5, 160.0),
    "u2": (30000.0, 40000.0),
    "i2": (-100.25, 9000.0),
    "u4": (2147483648.0, 4294967296.0),
    "i4": (-7.0, 100000.0),
    "f2": (60000.0, 40000.0),
    "f4": (-273.15, 100.0),
    "f8": (1e10, 0.001),
}


def container_cases() -> list[Case]:
    """Files, sections, compression and digests."""
    out: list[Case] = []

    def add(name: str, data: bytes, spec: str, level: int = 1) -> None:
        out.append(case("container", name, data, spec, level=level))

    add("empty-item-list", File().build(), "FILE-1 FILE-6 HEAD-2 END-1 END-2")
    add("kind-image", File().build({0: 1, 1: 0}), "HEAD-1")
    add("kind-sdf", File().build({0: 2, 1: 0}), "HEAD-1")
    add("minor-200", File(bytes([1, 200, 1, 0])).item(constant_item([2])).build(), "FILE-3")
    add("level-2", File(bytes([1, 0, 2, 0])).item(constant_item([2])).build(), "FILE-4", 2)
    for size in (8, 16):
        add(f"digest-{size}", simple_file(Fvsrn()).build(digest_size=size), "END-2 END-3")
    file = File().add("abCd", b"anything").item(constant_item([3]))
    file.add("qQQq", b"", 0).add("tHMb", b"later").add("pADd", bytes(40))
    add("unknown-ancillary", file.build(), "SEC-2 SEC-3 SEC-4")
    add(
        "meta-unknown-medium",
        File().add("mETa", meta("no such medium", {"a": [1]})).build(),
        "SEC-2",
    )
    model = Fvsrn(seed=3)
    integers = model.integers()
    mask = MaskSpec(np.arange(20).reshape(5, 4) % 3 > 0, patterns=(float_bits(-9.0, "f"),))
    components = [["a", 7, 0.0, 1.0, 0]]
    for attribute, name in ((1, "zstd"), (2, "brotli")):
        file = File().item(model.header(k0=components), attribute)
        file.tens([raw_stream(integers)], integers, 0, attribute).mask(mask, attribute)
        file.add("VERB", b"\x80", attribute).add("mETa", meta("npy", {}), attribute)
        data = file.build(head_attribute=attribute, ends_attribute=attribute)
        add(f"outer-{name}-everywhere", data, "SEC-5 ITEM-4")
    file = File().item(constant_item([2, 2]))
    payload = file.sections[0].stored
    frames = {
        "zstd-raw-block": (1, stored_zstd(payload)),
        "zstd-checksum": (1, stored_zstd(payload, zstd_checksum(payload))),
        "zstd-window-2-27": (1, windowed_zstd(payload, 17 << 3)),
        "brotli-raw-block": (2, stored_brotli(payload)),
    }
    for name, (attribute, frame) in frames.items():
        file.sections[0] = Section("ITEM", uleb(len(payload)) + frame, attribute)
        add(f"outer-{name}", file.build(), "SEC-5")
    file = File().tens([raw_stream(integers[:7])], integers[:7]).mask(mask)
    file.tens([raw_stream(integers[7:])], integers[7:]).item(model.header(k0=components))
    add("sections-in-another-order", file.build(), "TENS-1 TENS-2 END-2 ITEM-4")
    return out


def item_cases() -> list[Case]:
    """Dtypes, dims, components, quantisation and architectures."""
    out: list[Case] = []

    def add(name: str, model: Fvsrn, spec: str, tags: str = "", **changes: Any) -> None:
        out.append(case("items", name, simple_file(model, **changes).build(), spec, tags=tags))

    for number, dtype in enumerate(DTYPES):
        offset, scale = _PLACES[dtype]
        part = ("t", number, offset, scale)
        model = Fvsrn((9, 7), components=(part,), seed=10 + number, spread=60)
        add(f"dtype-{dtype}", model, "ITEM-2 VAL-2 VAL-3")
    add("dims-1", Fvsrn((17,), (5,), seed=20), "FVSRN-1 VAL-1")
    add("dims-3", Fvsrn((4, 5, 6), (2, 3, 4), seed=21), "FVSRN-1 VAL-1")
    add("dims-4", Fvsrn((3, 4, 3, 5), (2, 2, 3, 3), seed=22), "FVSRN-1 VAL-1")
    add("axes-of-size-1", Fvsrn((1, 6, 1, 5, 1), (3, 2), seed=23), "FVSRN-1")
    dims = [["time", 1], 6, ["λ", 5]]
    add("named-dims", Fvsrn((1, 6, 5), (3, 2), seed=24), "ITEM-3", k1=dims)
    add("eight-dims", Fvsrn((1, 2, 1, 3, 2, 1, 1, 2), (2, 2, 2, 2), seed=25), "FVSRN-1")
    add("grid-finer-than-samples", Fvsrn((3, 2), (9, 5), seed=26), "VAL-1")
    add("octaves-0", Fvsrn(octaves=0, seed=27), "FVSRN-1")
    add("octaves-5", Fvsrn((33,), (3,), octaves=5, seed=28), "VAL-1")
    model = Fvsrn((257,), (3,), octaves=16, seed=29, spread=12)
    add("octaves-16", model, "VAL-1 VAL-5", "precision")
    add("layers-3-width-7", Fvsrn(layers=3, width=7, features=5, seed=30), "FVSRN-1")
    add("clipped-y", Fvsrn((12, 11), step=0.5, seed=31), "VAL-2", "clip")
    add("scale-0", Fvsrn(components=(("s", 7, 3.25, 0.0),), seed=32), "VAL-2")
    parts = (("u", 7, 1.0, 2.0), ("v", 3, -5.0, 500.0), ("", 0, 100.0, 90.0))
    add("three-components", Fvsrn(components=parts, seed=33), "ITEM-2 ITEM-3")
    names = ("é", "e\u0301", "A", "a", "a ", "")
    alike = [(name, 7, float(n), 1.0) for n, name in enumerate(names)]
    add("component-names-alike", Fvsrn(components=alike, seed=34), "ITEM-3 ITEM-10")
    out += _quantisation_cases() + _sparse_cases() + _constant_cases() + _extreme_cases()
    one = Fvsrn((4,), (2,), components=(("one", 7, 0.0, 1.0),), seed=40)
    two = Fvsrn((3, 3), (2, 2), components=(("two", 7, 0.0, 1.0),), seed=41)
    a, b = one.integers(), two.integers()
    file = File().item(one.header()).item(two.header()).item(constant_item([2]))
    file.tens([raw_stream(b[:9])], b[:9], 1).tens([raw_stream(a)], a, 0)
    file.tens([raw_stream(b[9:])], b[9:], 1).tens([], [], 2)
    ids = "TENS-1 TENS-2 TENS-3 HEAD-2"
    out.append(case("items", "three-items-interleaved", file.build(), ids))
    file = File().tens([], [], 0).item(one.header()).tens([raw_stream(a)], a).tens([], [])
    file.item(constant_item([2])).item(constant_item([3], [["c", 7, 2.5, 0.0]])).tens([], [], 2)
    out.append(case("items", "tens-without-streams", file.build(), "TENS-2 TENS-3"))
    return out


def _quantisation_cases() -> list[Case]:
    model = Fvsrn(seed=50)
    steps: list[object] = [model.step] * 5
    zero = [[0, 1 / 64, 37], [0, 1 / 128, -200], 1 / 32, [0, 2.0**-7, 5], [0, 0.25, 0]]
    slices = [[1, 0.125, 0.03125], [1, 0.5, 0.25, 0.0625, 2.0**-10], *steps[2:]]
    far: list[object] = [[0, 2.0**-31, -(2**31)], *steps[1:]]
    tenth = float(np.float32(0.1))
    return [
        case("items", name, simple_file(model, k3=value).build(), spec)
        for name, value, spec in (
            ("zero-not-0", zero, "ITEM-7 ITEM-9"),
            ("steps-per-slice", slices, "ITEM-7 ITEM-9"),
            ("zero-extreme", far, "ITEM-7 ITEM-9"),
            ("step-not-dyadic", [tenth] * 5, "ITEM-7 ITEM-9"),
        )
    ]


def _extreme_cases() -> list[Case]:
    """Parameters, y and x at the end of their ranges."""
    out: list[Case] = []

    def add(name: str, file: File, spec: str, tags: str = "") -> None:
        out.append(case("items", name, file.build(), spec, tags=tags))

    model = Fvsrn(seed=52)
    integers = [*model.integers()[:-1], 2**25 - 2]
    file = File().item(model.header(k3=[model.step] * 4 + [2.0**103]))
    add("parameter-largest", file.tens([raw_stream(integers)], integers), "ITEM-9 VAL-2", "clip")
    add("y-not-a-number", _all_nan(), "VAL-2", "clip")
    huge = 1.7e308
    four = (
        ("up", 8, huge, huge),
        ("up as f4", 7, huge, huge),
        ("up as i2", 3, huge, huge),
        ("down", 8, -huge, huge),
    )
    signs = (1, 1, 1, -1)
    add("x-overflows", _huge(four, signs), "VAL-2 VAL-3", "clip")
    two = (("top", 7, 1.0, 2.0), ("bottom", 3, 1.0, 2.0))
    add("y-huge", _huge(two, (1, -1)), "VAL-2", "clip")
    model = Fvsrn(components=[[name, 7, 0.0, 1.0] for name in "abc"], seed=53)
    first, last = model.integers(sum(model.counts()[:-1])), [-(2**31), 1 - 2**31]
    quantisation: list[Any] = [*[model.step] * 4, [0, 2.0**97, -(2**31)]]
    file = File().item(model.header(k3=quantisation, k4={4: 0}))
    file.tens([raw_stream(first), raw_stream(last)], [*first, *last])
    file.mask(MaskSpec(np.array([True, False, True]), purpose=1))
    add("sparse-uncoded-would-overflow", file, "ITEM-8 ITEM-9", "clip")
    return out


def _all_nan() -> File:
    """A network whose hidden values overflow float64, and so float32, and end as NaN."""
    parts = (("a", 7, 10.0, 4.0), ("b", 1, 10.0, 40.0))
    model = Fvsrn(components=parts, layers=10, octaves=0, step=2.0**120)
    integers = [64] * sum(model.counts())
    return File().item(model.header()).tens([raw_stream(integers, 64, 0)], integers)


def _huge(parts: Sequence[Sequence[Any]], signs: Sequence[int]) -> File:
    """A network with |y| above the range of float32."""
    model = Fvsrn(components=parts, octaves=0, step=2.0**56)
    counts = model.counts()
    integers = [16] * sum(counts[:3])
    integers += [16 * sign for sign in signs for _ in range(model.width)]
    integers += [16 * sign for sign in signs]
    return File().item(model.header()).tens([raw_stream(integers)], integers)


def _sparse_cases() -> list[Case]:
    model = Fvsrn((6, 5), (4, 5), features=3, seed=51)
    shared = np.indices((4, 5)).sum(axis=0) % 3 > 0
    full = np.arange(60).reshape(3, 4, 5) % 4 != 1
    vector = np.array([True, False, True, True])
    zero = [[0, 1 / 64, 30], *[1 / 64] * 4]
    out: list[Case] = []
    for name, masks, where, quantisation in (
        ("sparse-shared", [shared], {0: 0}, [1 / 64] * 5),
        ("sparse-full", [full], {0: 0}, [1 / 64] * 5),
        ("sparse-with-zero", [shared], {0: 0}, zero),
        ("sparse-several-tensors", [full, vector], {0: 0, 2: 1}, [1 / 64] * 5),
        ("sparse-nothing-coded", [shared & False], {0: 0}, [1 / 64] * 5),
    ):
        counts = model.counts()
        for tensor, number in where.items():
            share = counts[tensor] // masks[number].size
            counts[tensor] = share * int(np.count_nonzero(masks[number]))
        integers = model.integers(sum(counts))
        file = File().item(model.header(k3=quantisation, k4=where))
        for method, bits in enumerate(masks):
            file.mask(MaskSpec(bits, purpose=1, method=1 - method))
        file.tens([static_stream(1, integers)], integers)
        out.append(case("items", name, file.build(), "ITEM-8 ITEM-9 MASK-1"))
    return out


def _constant_cases() -> list[Case]:
    ties = [2.5, 3.5, -2.5, 0.5, 254.5, 1e9, -1e9]
    parts = [[f"{d}{v}", n, v, 0.0] for v in ties for n, d in enumerate(DTYPES[:4])]
    halves = [1 + 2.0**-11, 1 + 3 * 2.0**-11, 65519.0, 65520.0, -1e6, 6e-8, 2.0**-25]
    floats = [[f"f2 {v}", 6, v, 0.0] for v in halves] + [["f4", 7, 1e300, 0.0]]
    scaled = [["a", 7, 1.5, 2.0**-20], ["b", 3, -7.0, 100.0], ["c", 8, 0.25, 1.7e308]]
    wide = [["u4", 4, 4294967294.5, 0.0], ["i4", 5, -2147483649.0, 0.0], ["f8", 8, 0.1, 0.0]]
    return [
        case("items", name, File().item(constant_item(dims, components)).build(), spec)
        for name, dims, components, spec in (
            ("constant", [3, 2], [["a", 7, 1.5, 0.0]], "ITEM-6 VAL-2 CONSTANT-1"),
            ("constant-all-axes-1", [1, 1], [["a", 7, 1.5, 0.0]], "ITEM-6 VAL-2 CONSTANT-1"),
            ("constant-with-scale", [3, 2], scaled, "ITEM-6 VAL-2 CONSTANT-1"),
            ("constant-integer-ties", [2], parts, "VAL-3"),
            ("constant-float-ties", [2], floats, "VAL-3"),
            ("constant-wide", [2], wide, "VAL-3"),
        )
    ]


def stream_cases() -> list[Case]:
    """Every coder with every model, and their edges."""
    out: list[Case] = []
    model = Fvsrn(seed=60, width=8)
    integers = model.integers()

    def add(name: str, streams: Sequence[bytes], spec: str, values: Sequence[int]) -> None:
        file = File().item(model.header()).tens(streams, values)
        out.append(case("streams", name, file.build(), spec))

    makers: dict[str, tuple[Callable[[Sequence[int]], bytes], str]] = {
        "raw": (raw_stream, "STR-2"),
        "raw-width-32": (lambda v: raw_stream(v, -(2**31), 32), "STR-2"),
        "zstd-1": (lambda v: byte_stream(3, v, 1), "STR-3"),
        "zstd-2": (lambda v: byte_stream(3, v, 2), "STR-3"),
        "zstd-4": (lambda v: byte_stream(3, v, 4), "STR-3"),
        "brotli-1": (lambda v: byte_stream(4, v, 1), "STR-3"),
        "brotli-2": (lambda v: byte_stream(4, v, 2), "STR-3"),
        "brotli-4": (lambda v: byte_stream(4, v, 4), "STR-3"),
    }
    for name, (make, spec) in makers.items():
        add(name, [make(integers)], spec, integers)
    for coder, name, rule in ((1, "ans", "ANS-2 ANS-3"), (2, "range", "RNG-1 RNG-2")):
        for order in (0, 3, 7):
            data = static_stream(coder, integers, order)
            add(f"{name}-static-order-{order}", [data], f"{rule} TAB-1 TAB-2", integers)
        parts = [(12, integers[:30]), (9, []), (14, integers[30:70]), (11, integers[70:])]
        add(f"{name}-laplace", [laplace_stream(coder, parts)], f"{rule} LAP-1 LAP-2", integers)
        add(f"{name}-laplace-escapes", [laplace_stream(coder, [(0, integers)])], "LAP-3", integers)
        mixed = [(k, integers[k::64]) for k in range(64)]
        flat = [value for _, part in mixed for value in part]
        add(f"{name}-laplace-all-classes", [laplace_stream(coder, mixed)], "LAP-2 LAP-3", flat)
        same = [7] * len(integers)
        add(f"{name}-static-one-value", [static_stream(coder, same)], f"{rule} TAB-2", same)
    add("ans-no-words", [stream(1, len(integers), static_parameters(7, [1, 1], 0), b"")],
        "ANS-1 ANS-2 ANS-4", [7] * len(integers))  # fmt: skip
    add("raw-width-0", [raw_stream([3] * len(integers), 3, 0)], "STR-2", [3] * len(integers))
    out += _odd_streams(model, integers)
    cut = [integers[:11], integers[11:50], integers[50:51], integers[51:]]
    pieces = [
        raw_stream(cut[0]),
        static_stream(1, cut[1]),
        raw_stream([]),
        static_stream(2, cut[2]),
    ]
    last = [
        static_stream(1, []),
        static_stream(2, []),
        laplace_stream(1, []),
        byte_stream(3, [], 1),
    ]
    pieces += [laplace_stream(2, [(12, cut[3])]), *last, byte_stream(4, [], 2)]
    add("several-streams-some-empty", pieces, "TENS-2", integers)
    sizes = [2**31 - 1, -(2**31), 2**30, -5, 0, 1000000, -70000]
    wide = (sizes * len(integers))[: len(integers)]
    for name, coder in (("ans", 1), ("range", 2)):
        parts = [(63, wide[:50]), (48, wide[50:])]
        streams = [laplace_stream(coder, parts)]
        file = File().item(model.header(k3=[2.0**-31] * 5)).tens(streams, wide)
        data = file.build()
        out.append(case("streams", f"{name}-laplace-extreme", data, "LAP-3 STR-4 ITEM-9"))
    counts = [0] * 65536
    counts[0], counts[40000], counts[65535] = 5, 9, 9
    parameters = static_parameters(-32768, counts, 0)
    some = stream(1, 0, parameters, b"")
    add("static-65536-symbols", [some, raw_stream(integers)], "TAB-1 TAB-2", integers)
    out.append(case("streams", "longer", _longer().build(), "ANS-3 RNG-2 TENS-2"))
    return out


def _odd_streams(model: Fvsrn, integers: Sequence[int]) -> list[Case]:
    """Streams that are legal but not what an encoder writes."""
    out: list[Case] = []

    def add(name: str, streams: Sequence[bytes], spec: str) -> None:
        file = File().item(model.header()).tens(streams, integers)
        out.append(case("streams", name, file.build(), spec))

    offset = min(integers)
    counts = [integers.count(offset + s) for s in range(max(integers) - offset + 1)]
    pairs = intervals(static_table(counts), [value - offset for value in integers])
    data, parameters = range_encode(pairs), static_parameters(offset, counts, 0)
    long = stream(2, len(integers), parameters, data + bytes(4))
    add("range-zero-word-read", [long], "RNG-3")
    unused = stream(2, 0, parameters, words([7, 9]))
    add("range-words-without-symbols", [unused, raw_stream(integers)], "RNG-1 RNG-3")
    table, shift, half = laplace_table(30), laplace_shift(30), laplace_half_width(30)
    for coder, name in ((1, "ans"), (2, "range")):
        symbols: list[int] = []
        low, escapes = "", b""
        for index, value in enumerate(integers):
            if index % 3 == 0:
                symbols.append(2 * half + 1)
                escapes += uleb(zigzag(value))
            else:
                symbols.append((value >> shift) + half)
                low += format(value & ((1 << shift) - 1), f"0{shift}b")
        coded = entropy_encode(coder, intervals(table, symbols))
        data = uleb(len(coded) // 4) + coded + pack_bits(low) + escapes
        parameters = laplace_parameters([(30, integers)])
        one = stream(coder, len(integers), parameters, data)
        add(f"{name}-laplace-escapes-inside-table", [one], "LAP-3")
    return out


def _longer() -> File:
    """A few thousand integers, so that the coders renormalise often."""
    model = Fvsrn((5, 5), (16, 16), features=12, seed=61, spread=90, step=1 / 256)
    integers = model.integers()
    half = len(integers) // 2
    streams = [static_stream(1, integers[:half], 2), laplace_stream(2, [(17, integers[half:])])]
    return File().item(model.header()).tens(streams, integers)
