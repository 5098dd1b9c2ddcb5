"""Vectors that ask for more than any decoder can give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..builders.file import File, Section, cbor, constant_item
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


def limit_cases() -> list[Case]:
    """All small files that declare enormous things, far above level 2."""
    return [*_samples(), *_integers(), *_texts(), *_payloads(), *_masks()]


def _limit(topic: str, files: Mapping[str, File], spec: str = "LIM-1") -> Iterator[Case]:
    """Return a case for each file, of the level that its header says."""
    for name, file in files.items():
        yield case(topic, name, file, spec, "limit", level=file.header[2])


def _samples() -> Iterator[Case]:
    """Items of too many samples, alone or together."""
    components = [[f"{n}", 7, 1.0, 0.0] for n in range(256)]
    many = File()
    for n in range(64):
        many.item(constant_item([2**36], [[f"{n}", 7, 1.5, 0.0]]))
    wide = Fvsrn((2**38,), (2,), features=1024, width=1024)
    integers = [0] * sum(wide.counts())
    steep = File(_LEVEL_2).item(wide.header()).tens([raw_stream(integers, 0, 0)], integers)
    files = {
        "one-axis-2-48": File().item(constant_item([2**48])),
        "eight-axes-2-48": File().item(constant_item([2**48] * 8)),
        "256-components": File().item(constant_item([2**40], components)),
        "sum-of-64-items": many,
        "fvsrn-2-45": simple_file(Fvsrn((2**45,), (2,))),
        "multiply-adds-2-58": steep,
    }
    return _limit("samples", files)


def _integers() -> list[Case]:
    """Streams and tensors of too many integers."""
    big = Fvsrn((4, 4, 4), (1024, 1024, 1024), features=1024)
    count = sum(big.counts())
    streams = {
        "raw-width-0": stream(0, count, uleb(0) + b"\0", b""),
        "ans-static": stream(1, count, static_parameters(0, [1, 1], 0), b""),
        "range-static": stream(2, count, static_parameters(0, [1, 1], 0), b""),
        "ans-laplace": stream(1, count, b"\1\1\0", b"\0"),
        "zstd": stream(3, count, b"\1", stored_zstd(b"")),
    }
    coded = {
        f"{name}-2-40": File().item(big.header()).add("TENS", uleb(0) + data)
        for name, data in streams.items()
    }
    models = {
        "grid-2-74": Fvsrn((4,) * 4, (65536,) * 4, features=1024, width=4096, layers=64),
        "uncoded-2-36": Fvsrn((4,) * 3, (1024, 1024, 64), features=1024),
    }
    sparse = {name: _uncoded(model) for name, model in models.items()}
    return [*_limit("integers", coded, "LIM-1 STR-5"), *_limit("integers", sparse)]


def _uncoded(model: Fvsrn) -> File:
    """Return a file that codes nothing of an enormous grid."""
    integers = stream(0, sum(model.counts()[1:]), uleb(0) + b"\0", b"")
    file = File(_LEVEL_2).item(model.header(k4={0: 0})).add("TENS", uleb(0) + integers)
    return file.add("MASK", _nothing_coded(model.grid))


def _nothing_coded(shape: Sequence[int]) -> bytes:
    """Return a MASK payload of a sparsity mask that is 0 everywhere."""
    sizes = b"".join(map(uleb, shape))
    return bytes([1, len(shape)]) + sizes + bytes([(1 << len(shape)) - 1, 0, 1, 0])


def _texts() -> Iterator[Case]:
    """CBOR of too many texts."""
    texts = b"\x81\x83\x61p\x81\x1a\1\0\0\0\x9a\1\0\0\0"
    file = small()
    frame = repeated_zstd(texts, b"\x60", 2**24)
    file.sections.append(Section("VERB", uleb(len(texts) + 2**24) + frame, 1))
    return _limit("cbor", {"items-2-24": file}, "LIM-1 VERB-1")


def _payloads() -> Iterator[Case]:
    """Compressed payloads that declare 2^50 bytes."""
    for attribute, name in ((1, "zstd"), (2, "brotli")):
        for kind, payload in (("ITEM", cbor(constant_item([2]))), ("VERB", b"\x80"), ("MASK", b"")):
            frame = stored_zstd(payload) if attribute == 1 else compress(2, payload)
            file = File(sections=[Section(kind, uleb(2**50) + frame, attribute)])
            data = file.build({0: 0, 1: 1 if kind == "ITEM" else 0})
            case_name = f"{name}-{kind.lower()}-2-50"
            yield case("payload", case_name, data, "LIM-1 SEC-5", "limit")


def _masks() -> Iterator[Case]:
    """Masks of too many samples, alone or together."""
    size = uleb(2**47)
    files = {
        "one-axis-2-47": small().add("MASK", b"\1\1" + size + b"\1\0\1\x80"),
        "context-2-47": small().add("MASK", b"\1\1" + size + b"\0\1\0"),
        "eight-axes-2-47": small().add("MASK", b"\1\x08" + size * 8 + b"\xff\0\1\x80"),
    }
    many = File(_LEVEL_2).item(constant_item([2, 3]))
    for _ in range(64):
        many.add("MASK", _nothing_coded((2**18, 2**18)))
    return _limit("masks", files | {"sum-of-64-masks": many})
