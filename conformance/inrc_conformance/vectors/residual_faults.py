"""Bad vectors: keys 6 and 7, and RESD sections."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

from ..builders.file import File, MaskSpec, constant_item, section_digest
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.mixing import mixing_stream
from ..builders.pyramid import Pyramid
from ..builders.streams import byte_stream, raw_stream, static_stream, stream, uleb
from .case import Case, case
from .fields import NAN
from .mask import ball
from .residual import THREE, TWO, mixed, randomly, residual_file, residual_item

_DIMS = (5, 6)
_COUNT = 30
_VALUES = randomly(_COUNT, 401)


def residual_faults() -> list[Case]:
    """All refused cases of error bounds and residuals."""
    return [*_key_faults(), *_number_faults(), *_mixing_faults(), *_section_faults(),
            *_digest_faults(), *_others()]  # fmt: skip


def _bad(name: str, file: File, spec: str, expect: str = "malformed") -> Case:
    return case("residuals", name, file, spec, expect)


def _key_faults() -> list[Case]:
    """Values of keys 6 and 7 (ITEM-12)."""
    lists: dict[str, tuple[Any, str]] = {
        "empty": ([], "ITEM-0 ITEM-12"),
        "one-too-few": ([0.5], "ITEM-12"),
        "one-too-many": ([0.5] * 3, "ITEM-12"),
        "negative": ([0.5, -0.5], "ITEM-12"),
        "negative-tiny": ([-5e-324, 0.5], "ITEM-12"),
        "nan": ([0.5, NAN], "ITEM-12"),
        "infinite": ([math.inf, 0.5], "ITEM-12"),
        "minus-infinite": ([-math.inf, 0.5], "ITEM-12"),
        "integer": ([1, 0.5], "ITEM-0 ITEM-12"),
        "text": (["1", 0.5], "ITEM-0 ITEM-12"),
        "null": (None, "ITEM-0 ITEM-12"),
        "a-float": (0.5, "ITEM-0 ITEM-12"),
        "a-map": ({0: 0.5, 1: 0.5}, "ITEM-0 ITEM-12"),
    }
    out: list[Case] = []
    for name, (value, spec) in lists.items():
        bounds = File().item(constant_item(_DIMS, TWO) | {6: value})
        out.append(_bad(f"bounds-{name}", bounds, spec))
        out.append(_bad(f"steps-{name}", residual_file(_DIMS, TWO, 402, value), spec))
        if name == "null":
            out[-1] = _bad("steps-null", _with_key_7(None), spec)
    zero = residual_file(_DIMS, TWO, 403, [0.5, 0.0])
    out.append(_bad("steps-0", zero, "ITEM-12"))
    minus = residual_file(_DIMS, TWO, 403, [-0.0, 0.5])
    out.append(_bad("steps-minus-0", minus, "ITEM-12"))
    single = residual_file(_DIMS, TWO, 404, [NAN, 0.5])
    return [*out, _bad("steps-nan-first", single, "ITEM-12")]


def _with_key_7(value: Any) -> File:
    integers = randomly(2 * _COUNT, 402)
    item = constant_item(_DIMS, TWO) | {7: value}
    return File().item(item).resd([raw_stream(integers)], integers)


def _residuals(*given: list[int], item: dict[Any, Any] | None = None) -> File:
    """Return a file with these residuals, one raw stream and section each."""
    file = File().item(residual_item(_DIMS) if item is None else item)
    for integers in given:
        file.resd([raw_stream(integers)], integers)
    return file


def _number_faults() -> Iterator[Case]:
    """Residuals that are not one for each sample (RESD-1, RESD-2)."""
    mask = MaskSpec(ball(_DIMS), patterns=(7,))
    valid = [0] * int(mask.bits.sum())
    masked = residual_item(_DIMS, [["a", 7, 1.5, 0.0, 0]])
    three = residual_item(_DIMS, THREE)
    plain = constant_item(_DIMS)
    model = Pyramid(_DIMS, (1, 1), seed=405)
    fitted = model.file(k7=[0.5])
    huge = [stream(0, 2**60, b"\0\0", b"")]
    files: dict[str, tuple[File, str]] = {
        "missing": (_residuals(), "RESD-1"),
        "missing-of-pyramid": (fitted, "RESD-1"),
        "no-streams": (File().item(residual_item(_DIMS)).resd([], []), "RESD-1"),
        "one-too-few": (_residuals(_VALUES[:-1]), "RESD-1"),
        "one-too-few-in-sections": (_residuals(_VALUES[:9], _VALUES[9:-1]), "RESD-1"),
        "one-too-many": (_residuals([*_VALUES, 0]), "RESD-1 RESD-2"),
        "one-too-many-in-sections": (_residuals(_VALUES, [0]), "RESD-1 RESD-2"),
        "one-too-many-in-last": (_residuals(_VALUES[:9], [*_VALUES[9:], 0]), "RESD-1 RESD-2"),
        "twice": (_residuals(_VALUES, _VALUES), "RESD-1 RESD-2"),
        "of-valid-samples": (_residuals(valid, item=masked).mask(mask), "RESD-1"),
        "of-one-component": (_residuals(_VALUES, item=three), "RESD-1"),
        "without-key-7": (_residuals(_VALUES, item=plain), "RESD-1"),
        "without-key-7-no-streams": (File().item(plain).resd([], []), "RESD-1"),
        "with-key-6-alone": (_residuals(_VALUES, item=plain | {6: [0.5]}), "RESD-1"),
        "count-2-60": (File().item(residual_item(_DIMS)).resd(huge, []), "RESD-2 STR-5"),
        "of-another-item": (_other_item(), "RESD-1"),
    }
    many = {
        "static": stream(1, _COUNT + 1, b"\0\0\2\0\xa0", b""),
        "laplace": stream(1, _COUNT + 1, b"\1\1\0", b"\0"),
        "zstd": byte_stream(3, [*_VALUES, 0], 1),
        "brotli": byte_stream(4, [*_VALUES, 0], 1),
    }
    for name, coded in many.items():
        file = File().item(residual_item(_DIMS)).resd([coded], [*_VALUES, 0])
        files[f"one-too-many-{name}"] = (file, "RESD-2")
    for name, (file, spec) in files.items():
        yield _bad(name, file, spec)


def _other_item() -> File:
    """Two items, of which the first has residuals that belong to the second."""
    file = File().item(constant_item(_DIMS)).item(residual_item(_DIMS, [("b", 7, 1.0, 0.0)]))
    return file.resd([raw_stream(_VALUES)], _VALUES, 0)


def _mixing_faults() -> Iterator[Case]:
    """Streams of coder 5: there is one level, so one stream holds all residuals (RESD-2)."""
    whole = mixed(_DIMS, _VALUES)
    faults: dict[str, list[bytes]] = {
        "count-0": [mixing_stream(0, b""), whole],
        "count-0-at-the-end": [whole, mixing_stream(0, b"")],
        "one-too-many": [mixing_stream(_COUNT + 1, b"")],
        "count-2-60": [mixing_stream(2**60, b"")],
        "in-two-parts": [mixing_stream(12, b""), mixing_stream(_COUNT - 12, b"")],
        "row-by-row": [mixing_stream(6, b"")] * 5,
        "one-too-few": [mixing_stream(_COUNT - 1, b""), raw_stream(_VALUES[-1:])],
        "after-raw": [raw_stream(_VALUES[:1]), mixing_stream(_COUNT - 1, b"")],
        "after-zstd": [byte_stream(3, _VALUES[:6], 1), mixing_stream(_COUNT - 6, b"")],
        "twice": [whole, whole],
        "data-past-end": [whole[:-1]],
    }
    for name, streams in faults.items():
        spec = "FILE-8" if name == "data-past-end" else "RESD-2 STR-6"
        file = File().item(residual_item(_DIMS)).resd(streams, _VALUES)
        yield _bad(f"mixing-{name}", file, spec)
    parts = File().item(residual_item(_DIMS, THREE))
    for _ in range(3):
        parts.resd([mixing_stream(_COUNT, b"")], _VALUES)
    yield _bad("mixing-component-by-component", parts, "RESD-2 STR-6")
    model = Pyramid(_DIMS, (1, 1), seed=406)
    ends = model.ends()
    levels = [mixing_stream(count, b"") for count in ends]
    file = model.file(k7=[0.5]).resd(levels, _VALUES)
    yield _bad("mixing-levels-of-the-tensor", file, "RESD-2 STR-6")


def _section_faults() -> Iterator[Case]:
    """Items that are not there, payloads and streams that end early (RESD-1, STR-*)."""
    good = residual_file(_DIMS)
    data = raw_stream(_VALUES)
    padded = stream(0, _COUNT, b"\0\1", b"\0\0\0\1")
    large = raw_stream([2**31] * _COUNT, 2**31, 0)
    constant = File().item(residual_item(_DIMS))
    files: dict[str, tuple[File, str]] = {
        "no-such-item": (residual_file(_DIMS).resd([], [], 1), "RESD-1"),
        "no-such-item-2-60": (residual_file(_DIMS).resd([], [], 2**60), "RESD-1"),
        "no-items": (File().resd([], []), "RESD-1"),
        "payload-empty": (good.add("RESD", b""), "FILE-8"),
        "item-not-shortest": (residual_file(_DIMS).add("RESD", b"\x80\0"), "NUM-1"),
        "stream-cut": (constant.add("RESD", uleb(0) + data[:-1]), "FILE-8"),
        "padding-1": (_residual_stream(padded, [0] * _COUNT), "STR-2"),
        "integer-2-31": (_residual_stream(large, [-(2**31)] * _COUNT), "STR-4"),
        "in-tens": (_in_tens(), "TENS-2 RESD-1"),
    }
    for name, (file, spec) in files.items():
        yield _bad(name, file, spec)


def _residual_stream(coded: bytes, values: list[int]) -> File:
    return File().item(residual_item(_DIMS)).resd([coded], values)


def _in_tens() -> File:
    """Residuals behind the parameters in a TENS section."""
    model = Fvsrn(_DIMS, seed=407)
    values = [*model.integers(), *_VALUES]
    return File().item(model.header(k7=[0.5])).tens([raw_stream(values)], values)


def _digest_faults() -> Iterator[Case]:
    """Digests that leave residuals out or take them in another order (END-2, END-3)."""
    model = Fvsrn(_DIMS, seed=408)
    file = simple_file(model, k7=[0.5]).resd([static_stream(1, _VALUES)], _VALUES)
    layers = [section.layer for section in file.sections if section.layer is not None]
    parts = [section_digest(layer) for layer in layers]
    digests = {
        "without-residuals": parts[:1],
        "of-residuals-alone": parts[1:],
        "in-another-order": parts[::-1],
        "of-no-residuals": [parts[0], section_digest(b"")],
    }
    for name, some in digests.items():
        yield case(
            "residuals",
            f"digest-{name}",
            file.build(digest=hashlib.sha256(b"".join(some)).digest()),
            "END-2 END-3",
            "malformed",
        )


def _others() -> Iterator[Case]:
    """Unknown coders and models, and enormous items."""
    for name, coded in (
        ("coder-10", stream(10, _COUNT, b"", b"")),
        ("ans-model-2", stream(1, _COUNT, b"\2", b"")),
    ):
        yield _bad(name, _residual_stream(coded, _VALUES), "STR-1", "unsupported")
    huge = File().item(residual_item((2**48,)))
    huge.add("RESD", uleb(0) + stream(0, 2**48, b"\0\0", b""))
    yield case("samples", "residuals-2-48", huge, "LIM-1 STR-5", "limit")
    huge = File().item(residual_item((2**48,)))
    huge.add("RESD", uleb(0) + mixing_stream(2**48, b""))
    yield case("samples", "residuals-mixing-2-48", huge, "LIM-1 STR-5", "limit")
