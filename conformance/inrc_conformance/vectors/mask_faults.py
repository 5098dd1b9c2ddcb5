"""Malformed vectors of masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.streams import byte_stream, laplace_stream, raw_stream, static_stream, uleb
from .case import Case, case
from .mask import ball

_BITS = ball((5, 6))
_GOOD = MaskSpec(_BITS, method=0)
_FRONT, _DATA, _BACK = _GOOD.front(), _GOOD.data(), _GOOD.back()
_INVALID = _BITS.size - int(np.count_nonzero(_BITS))
_INDICES = [n % 2 for n in range(_INVALID)]


def mask_faults() -> Iterator[Case]:
    """All faults of MASK payloads."""
    item = constant_item([5, 6], [["a", 7, 1.0, 0.0]])
    for name, (payload, spec) in (_bit_payloads() | _pattern_payloads()).items():
        file = File().item(item).add("MASK", payload, layer=_layer(name))
        yield case("masks", name, file, spec, "malformed", "mask")


def _body(head: bytes, content: bytes = _DATA, tail: bytes = _BACK) -> bytes:
    """Return a payload from its parts."""
    return head + uleb(len(content)) + content + tail


def _patterns(stream: bytes, table: Sequence[int] = (1, 2)) -> bytes:
    """Return a payload with these patterns and this stream of indices."""
    tail = b"\4" + uleb(len(table)) + b"".join(p.to_bytes(4, "little") for p in table)
    return _body(_FRONT, _DATA, tail + stream)


def _bit_payloads() -> dict[str, tuple[bytes, str]]:
    """Return payloads whose axes or bits are wrong."""
    context = MaskSpec(_BITS)
    coded, context_front = context.data(), context.front()
    sparse = MaskSpec(_BITS, purpose=1, method=0).payload()
    five = MaskSpec(np.ones((2,) * 5, np.bool_), method=0).front()
    padded = _DATA[:-1] + bytes([_DATA[-1] | 1])
    return {
        "no-axes": (_body(b"\0\0\0\0", b"\x80"), "MASK-1"),
        "nine-axes": (_body(b"\0\x09" + b"\1" * 9 + b"\0\0", b"\x80"), "MASK-1"),
        "size-0": (_body(b"\0\2\5\0\0\0", b""), "MASK-1"),
        "byte-after": (_body(_FRONT) + b"\0", "MASK-1"),
        "byte-after-sparsity": (sparse + b"\0", "MASK-1"),
        "patterns-after-sparsity": (sparse + _BACK, "MASK-1"),
        "constant-bit-at-ndim": (_body(b"\0\2\5\6\4\0"), "MASK-2"),
        "packed-too-long": (_body(_FRONT, _DATA + b"\0"), "MASK-3"),
        "packed-too-short": (_body(_FRONT, _DATA[:-1]), "MASK-3"),
        "packed-padding-1": (_body(_FRONT, padded), "MASK-3"),
        "context-five-axes": (_body(five[:-1] + b"\1", b""), "MASK-5"),
        "context-three-bytes": (_body(context_front, coded + b"\0\0\0"), "RNG-1"),
        "context-words-left": (_body(context_front, coded + b"\1\0\0\0" * 2), "RNG-3"),
        "payload-empty": (b"", "FILE-8"),
        "front-only": (_FRONT, "FILE-8"),
    }


def _pattern_payloads() -> dict[str, tuple[bytes, str]]:
    """Return payloads whose fill patterns or indices are wrong."""
    negative = byte_stream(3, [-1] * _INVALID, 1)
    return {
        "pattern-bytes-3": (_body(_FRONT, _DATA, b"\3\1abc"), "MASK-4"),
        "pattern-bytes-0": (_body(_FRONT, _DATA, b"\0\1"), "MASK-4"),
        "no-pattern": (_body(_FRONT, _DATA, b"\4\0"), "MASK-4"),
        "patterns-missing": (_body(_FRONT, _DATA, b""), "FILE-8 MASK-4"),
        "patterns-past-end": (_body(_FRONT, _DATA, b"\4\2\1\0\0\0\2"), "FILE-8 MASK-4"),
        "patterns-equal": (_patterns(raw_stream(_INDICES), (7, 7)), "MASK-4"),
        "index-too-large": (_patterns(raw_stream([2] * _INVALID)), "MASK-4"),
        "index-negative": (_patterns(negative), "MASK-4"),
        "indices-one-too-few": (_patterns(static_stream(1, _INDICES[:-1])), "MASK-4"),
        "indices-one-too-many": (_patterns(laplace_stream(2, [(6, [*_INDICES, 0])])), "MASK-4"),
        "indices-missing": (_patterns(b""), "FILE-8 MASK-4"),
        "stream-for-one-pattern": (_patterns(raw_stream(_INDICES), (1,)), "MASK-1 MASK-4"),
    }


def _layer(name: str) -> bytes:
    """Return the integer layer that a decoder without the check would see."""
    indices = {
        "index-too-large": [2] * _INVALID,
        "index-negative": [-1] * _INVALID,
        "patterns-equal": _INDICES,
    }
    if name == "context-five-axes":
        return bytes(32)
    return _BITS.astype(np.uint8).tobytes() + np.array(indices.get(name, []), "<i4").tobytes()
