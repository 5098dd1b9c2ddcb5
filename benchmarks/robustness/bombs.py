"""Small files that ask for much, which a reader must refuse before it allocates or computes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import brotli
import zstandard

from codec import Limits
from codec.entropy.stream import ANS, LAPLACE, RANGE, RAW, STATIC
from codec.format import cbor
from codec.format.compression import BROTLI, NONE, ZSTD
from codec.format.leb128 import encode_uleb
from codec.format.sections import MAJOR, MINOR, SIGNATURE
from codec.plugin_api.registry import architecture
from robustness.container import Apart, Piece

HEADER = SIGNATURE + bytes([MAJOR, MINOR, 2, 0])
BOMB_BYTES = 1 << 28
# Most time and memory of the refusal of an input.
SECONDS, BYTES = 0.05, 16 << 20
_CONSTANT, _F4 = 0, 7
_LIMIT = ("LimitError",)
# A stream's model with two symbols of the same frequency.
_EVEN = bytes([STATIC]) + b"\x00\x02\x00" + b"\xa0"
_LAPLACE = bytes([LAPLACE]) + b"\x01\x05"


_DEFAULTS = Limits()


@dataclass(frozen=True)
class Bomb:
    """File that asks for much.

    Attributes:
        name: description of what is in it.
        make: function that makes its bytes.
        errors: names of the right errors.
        limits: limits of the reader.
    """

    name: str
    make: Callable[[], bytes]
    errors: tuple[str, ...] = ("LimitError",)
    limits: Limits = _DEFAULTS


def item(
    shape: list[int],
    model: list[Any] | None = None,
    *,
    mask: int | None = None,
    tensors: int = 0,
    residual: bool = False,
    sparse: dict[int, int] | None = None,
) -> bytes:
    """An ITEM payload of one component."""
    component: list[Any] = ["v", _F4, 0.0, 1.0]
    fields: dict[int, Any] = {
        0: [component if mask is None else [*component, mask]],
        1: shape,
        2: model or [_CONSTANT, 1, {}],
    }
    if tensors:
        fields[3] = [1.0] * tensors
    if sparse:
        fields[4] = sparse
    if residual:
        fields[7] = [0.5]
    return cbor.encode(fields)


def whole_file(*pieces: Piece | tuple[str, bytes], items: int = 1) -> bytes:
    """A file with right CRCs of one HEAD and these sections."""
    head = Piece("HEAD", NONE, cbor.encode({0: 0, 1: items}))
    sections = [
        piece if isinstance(piece, Piece) else Piece(piece[0], NONE, piece[1]) for piece in pieces
    ]
    return Apart(HEADER, (head, *sections), indexed=False, digest_bytes=8).to_bytes()


def stream(coder: int, count: int, model: bytes = b"", data: bytes = b"") -> bytes:
    """A TENS payload of item 0 with one stream."""
    return b"\0" + bytes([coder]) + encode_uleb(count) + model + encode_uleb(len(data)) + data


@cache
def packed_zeros(method: int, first: bytes = b"") -> bytes:
    """`first` and then `BOMB_BYTES` zeros in about nine kilobytes."""
    zeros = bytes(1 << 20)
    times = BOMB_BYTES >> 20
    if method == BROTLI:
        maker = brotli.Compressor(quality=5)
        pieces = [maker.process(first), *(maker.process(zeros) for _ in range(times))]
        return b"".join([*pieces, maker.finish()])
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    pieces = [packer.compress(first), *(packer.compress(zeros) for _ in range(times))]
    return b"".join([*pieces, packer.flush()])


# Configs for three axes, per architecture: with 10^9 parameters and more, and with few parameters
# but so many multiply-adds that 2^32 samples are over the limit. The parameters of other
# architectures are bounded by their samples.
_PLAIN = [0]
_PARAMETERS: dict[str, dict[int, Any]] = {
    "fvsrn": {0: [65536] * 3, 1: 1024, 2: 4096, 3: 64, 4: 16},
    "amgsrn": {0: 1024, 1: 64, 2: [65536] * 3, 3: 4096, 4: 64, 5: 1},
    "hashgrid": {0: 32, 1: 16, 2: 24, 3: 65536, 4: 1.0, 5: 1024, 6: 16},
    "neurcomp": {0: 4096, 1: 64, 2: 30},
    "siren": {0: 4096, 1: 64, 2: _PLAIN},
    "miner": {0: 2, 1: [1024] * 4, 2: 16, 3: 16},
}
_MULTIPLY_ADDS: dict[str, dict[int, Any]] = {
    "fvsrn": {0: [2] * 3, 1: 1, 2: 256, 3: 3, 4: 0},
    "amgsrn": {0: 1, 1: 1, 2: [2] * 3, 3: 256, 4: 3, 5: 1},
    "hashgrid": {0: 1, 1: 1, 2: 8, 3: 4, 4: 2.0, 5: 256, 6: 3},
    "neurcomp": {0: 256, 1: 2, 2: 30},
    "siren": {0: 256, 1: 3, 2: _PLAIN},
    "miner": {0: 1024, 1: [256], 2: 3, 3: 0},
}
_NETWORK = _MULTIPLY_ADDS["siren"]


def bombs() -> Iterator[Bomb]:
    """All files that ask for much."""
    yield from _streams()
    yield from _compressed()
    yield from _headers()
    yield from _models()
    yield from _masks()
    yield from _fill_values()
    yield from _residuals()
    yield from _verbatim()


def _network(*pieces: Piece | tuple[str, bytes]) -> bytes:
    """A file of a small network, with these sections."""
    model = [architecture("siren").identifier, 1, _NETWORK]
    return whole_file(("ITEM", item([4, 4, 4], model, tensors=10)), *pieces)


def _streams() -> Iterator[Bomb]:
    coders = {
        "ANS": (ANS, _EVEN),
        "range coder": (RANGE, _EVEN),
        "ANS, Laplace": (ANS, _LAPLACE),
        "raw bits of no width": (RAW, b"\0\0"),
        "zstd": (3, b"\1"),
        "mixing": (5, b""),
        "octree": (6, b""),
    }
    for name, (coder, model) in coders.items():
        data = b"\0" if model == _LAPLACE else b""
        for power, errors in ((40, ("LimitError",)), (28, ("CorruptError",))):
            right = ("CorruptError",) if coder > 4 else errors
            yield Bomb(
                f"{name}: 2^{power} integers in {len(data)} bytes",
                partial(_network, ("TENS", stream(coder, 1 << power, model, data))),
                right,
            )


def _compressed() -> Iterator[Bomb]:
    for method, name in ((ZSTD, "zstd"), (BROTLI, "brotli")):
        for section in ("HEAD", "ITEM", "mETa", "pROv"):
            yield Bomb(f"{section}: 256 MiB in {name}", partial(_packed, section, method))
        tight = Limits(max_verbatim_bytes=BOMB_BYTES - 1)
        for section in ("VERB", "TENS", "MASK"):
            yield Bomb(
                f"{section}: 256 MiB in {name}", partial(_packed, section, method), limits=tight
            )
        yield Bomb(
            f"ITEM: 256 MiB in {name} that says it is 1 MiB",
            partial(_packed, "ITEM", method, 1 << 20),
            ("CorruptError",),
        )


def _packed(section: str, method: int, declared: int = BOMB_BYTES) -> bytes:
    piece = Piece(section, method, encode_uleb(declared) + packed_zeros(method))
    if section == "HEAD":
        return Apart(HEADER, (piece,), indexed=False, digest_bytes=8).to_bytes()
    if section == "ITEM":
        return whole_file(piece)
    return _network(piece) if section == "TENS" else whole_file(("ITEM", item([4])), piece)


def _headers() -> Iterator[Bomb]:
    corrupt = ("CorruptError",)
    wide = b"\x9a" + (1 << 22).to_bytes(4, "big")
    texts = {
        "CBOR: a million arrays in each other": (b"\x81" * 10**6, corrupt),
        "CBOR: 2^32 - 1 elements declared": (b"\x9a" + b"\xff" * 4, corrupt),
        "CBOR: 2^64 - 1 entries declared": (b"\xbb" + b"\xff" * 8, corrupt),
        "CBOR: text of 2^63 bytes declared": (b"\x7b\x7f" + b"\xff" * 7, corrupt),
        "CBOR: 2^22 elements": (wide + bytes(1 << 22), ("LimitError",)),
    }
    for name, (payload, errors) in texts.items():
        packed = zstandard.ZstdCompressor().compress(payload)
        piece = Piece("ITEM", ZSTD, encode_uleb(len(payload)) + packed)
        yield Bomb(name, partial(whole_file, piece), errors)
    for shape in ([10**12], [10**4] * 3, [1 << 48] * 8):
        text = " x ".join(f"{size:,}" for size in shape[:3])
        text += " x ..." if len(shape) > 3 else ""
        yield Bomb(f"{text} samples", partial(whole_file, ("ITEM", item(shape))))
    yield Bomb("2^20 items declared", partial(whole_file, items=1 << 20), corrupt)
    yield Bomb("2^20 sections", _many_sections)


def _many_sections() -> bytes:
    framed = Piece("aBCd", NONE, b"").framed
    section = framed + zlib.crc32(framed).to_bytes(4, "little")
    start = whole_file(("ITEM", item([4])))
    return start[: start.rindex(b"ENDS")] + section * (1 << 20)


def _models() -> Iterator[Bomb]:
    for name, config in _PARAMETERS.items():
        model = [architecture(name).identifier, 1, config]
        payload = item([1 << 8] * 3, model)
        yield Bomb(f"{name}: 10^9 parameters and more", partial(whole_file, ("ITEM", payload)))
    for name, config in _MULTIPLY_ADDS.items():
        model = [architecture(name).identifier, 1, config]
        payload = item([1 << 11, 1 << 11, 1 << 10], model)
        yield Bomb(f"{name}: multiply-adds", partial(whole_file, ("ITEM", payload)))
    pyramid, shell = (architecture(name).identifier for name in ("pyramid", "shell"))
    models: dict[str, tuple[list[int], list[Any], tuple[str, ...]]] = {
        "pyramid: 10^12 coefficients": (
            *([10**4] * 3, [pyramid, 1, {0: [5] * 3, 1: 1.0}]),
            ("LimitError",),
        ),
        "pyramid: basis of 4096 x 4096 declared": (
            *([4096], [pyramid, 1, {0: [-1], 1: 1.0, 4: [b"\x0f" * 8]}]),
            ("CorruptError",),
        ),
        "shell: 2^40 integers": (
            *([1025] * 3, [shell, 1, {0: 8, 1: 256, 2: 1 << 40}]),
            ("CorruptError", "LimitError"),
        ),
        "shell: 2^48 nodes": (
            *([(1 << 16) + 1] * 3, [shell, 1, {0: 8, 1: 256, 2: 1 << 20}]),
            ("CorruptError", "LimitError"),
        ),
    }
    for name, (shape, model, errors) in models.items():
        tens = ("TENS", stream(5, math.prod(shape)))
        payload = item(shape, model, tensors=1)
        yield Bomb(name, partial(whole_file, ("ITEM", payload), tens), errors)


def _mask(shape: list[int], *, purpose: int = 1, constant: int = 0, method: int = 0) -> bytes:
    sizes = b"".join(map(encode_uleb, shape))
    patterns = b"\x04\x01" + bytes(4) if purpose == 0 else b""
    data = bytes([purpose, len(shape)]) + sizes + bytes([constant, method]) + b"\1\0"
    return data + patterns


def _masks() -> Iterator[Bomb]:
    for method, name in enumerate(("packed", "by context", "mixed")):
        payload = _mask([1 << 20] * 2, method=method)
        data = whole_file(("ITEM", item([4, 4])), ("MASK", payload))
        yield Bomb(f"mask, {name}: 2^40 samples", partial(bytes, data))
    huge = _mask([1 << 16] * 2, purpose=0, constant=3)
    yield Bomb(
        "mask: 2^32 samples in one bit, for a field of 16",
        partial(whole_file, ("ITEM", item([4, 4], mask=0)), ("MASK", huge)),
        ("CorruptError",),
    )
    yield Bomb(
        "mask: 2^32 samples in one bit, which no item names",
        partial(whole_file, ("ITEM", item([4, 4])), ("MASK", huge)),
    )
    million = _mask([1 << 10] * 2, purpose=0, constant=3)
    yield Bomb(
        "masks: 2^20 samples in one bit, 1000 times, which no item names",
        partial(whole_file, ("ITEM", item([4, 4])), *[("MASK", million)] * 1000),
    )
    sparse = _mask([1 << 16] * 2, constant=3)
    model = [architecture("siren").identifier, 1, _NETWORK]
    owner = item([4, 4, 4], model, tensors=10, sparse={0: 0})
    yield Bomb(
        "mask: 2^32 samples in one bit, for a tensor of 768",
        partial(whole_file, ("ITEM", owner), ("MASK", sparse)),
        ("CorruptError",),
    )


def _fill_values() -> Iterator[Bomb]:
    fills = _mask([4, 4], purpose=0)[:-6] + b"\x04\x02" + bytes(4) + b"\1\0\0\0"
    fills += stream(RANGE, 1 << 28, _EVEN)[1:]
    yield Bomb(
        "mask: 2^28 indices of fill values for 16 samples",
        partial(whole_file, ("ITEM", item([4, 4], mask=0)), ("MASK", fills)),
        ("CorruptError",),
    )


def _residuals() -> Iterator[Bomb]:
    for name, coder, count in (("mixing", 5, 1 << 40), ("ANS", ANS, 1 << 28)):
        coded = stream(coder, count, _EVEN if coder == ANS else b"")
        yield Bomb(
            f"residuals by {name}: 2^{count.bit_length() - 1} for 16 samples",
            partial(whole_file, ("ITEM", item([4, 4], residual=True)), ("RESD", coded)),
            ("CorruptError",),
        )


def _verbatim() -> Iterator[Bomb]:
    corrupt = ("CorruptError",)
    entries: dict[str, tuple[list[Any], tuple[str, ...]]] = {
        "2^40 values in no byte": (["x", 8, [1 << 40], 0, b""], corrupt),
        "2^40 texts in none": (["x", [1 << 40], []], corrupt),
        "32 axes of 2^62": (["x", 8, [1 << 62] * 32, 0, b""], corrupt),
        "an empty axis beside one of 2^62": (["x", 8, [0, 1 << 62, 1 << 62], 0, b""], _LIMIT),
    }
    for name, (entry, errors) in entries.items():
        payload = cbor.encode([entry])
        data = partial(whole_file, ("ITEM", item([4])), ("VERB", payload))
        yield Bomb(f"verbatim: {name}", data, errors)
