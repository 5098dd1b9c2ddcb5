"""Malformed vectors: header, sections, compression, CBOR and HEAD."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import (
    HEADER,
    SIGNATURE,
    File,
    MaskSpec,
    Raw,
    assemble,
    cbor,
    constant_item,
    meta,
    section_digest,
)
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import (
    compress,
    declaring_zstd,
    stored_brotli,
    stored_zstd,
    uleb,
    windowed_zstd,
)
from .case import Case, case, cases_of
from .mask import ball


def small() -> File:
    """Return a file with one constant item."""
    return File().item(constant_item([2, 3]))


def container_faults() -> list[Case]:
    """All faults outside ITEM, TENS, MASK and VERB."""
    return [*_frame_faults(), *_section_faults(), *_compression_faults(), *_cbor_faults(),
            *_cbor_faults_of_heads(), *_head_faults(), *_ends_faults()]  # fmt: skip


def _frame_faults() -> Iterator[Case]:
    good = small().build()
    ends = assemble([]) + good[12:]
    files = {
        "signature-wrong": (b"\x88" + good[1:], "FILE-1"),
        "signature-newline": (good.replace(b"\r\n", b"\n", 1), "FILE-1"),
        "empty-file": (b"", "FILE-1 FILE-7"),
        "signature-only": (SIGNATURE, "FILE-7"),
        "header-only": (SIGNATURE + HEADER, "FILE-7"),
        "last-byte-missing": (good[:-1], "FILE-7"),
        "cut-in-item": (good[: len(good) // 2], "FILE-7"),
        "no-ends": (good[: good.rindex(b"ENDS")], "FILE-7"),
        "byte-after-ends": (ends + b"\0", "FILE-6"),
        "file-twice": (good + good, "FILE-6"),
        "unknown-critical-cut": (_cut_critical(), "FILE-7"),
    }
    for n, (d, s) in files.items():
        yield case("file", n, d, s, "malformed")


def _cut_critical() -> bytes:
    """A critical section that nobody knows, in a file without an end."""
    data = small().add("ABCD", b"x").build()
    return data[: data.rindex(b"ENDS") + 6]


def _section_faults() -> Iterator[Case]:
    def vector(name: str, data: File | bytes, spec: str) -> Case:
        return case("sections", name, data, spec, "malformed")

    for index, name in ((0, "head"), (1, "item"), (2, "unknown-ancillary"), (3, "ends")):
        yield _wrong_crc(index, name, small().add("abCd", b"x"))
    yield _wrong_crc(2, "unknown-critical", small().add("ABCD", b"x"))
    yield _wrong_crc(2, "meta", small().add("mETa", meta("npy")))
    data = bytearray(small().build())
    head_end = data.index(b"ITEM") - 4
    data[head_end : head_end + 4] = zlib.crc32(data[12:head_end]).to_bytes(4, "little")
    yield vector("crc-of-head-without-header", bytes(data), "SEC-4")
    yield vector("type-third-letter-lower", small().add("abcd", b""), "SEC-1")
    yield vector("type-with-digit", small().add("a1Cd", b""), "SEC-1")
    yield vector("type-not-ascii", small().add(b"a\xe9Cd", b""), "SEC-1")
    yield vector("attribute-3", small().add("abCd", b"x", 3), "SEC-5")
    file = small()
    file.sections.insert(0, file.sections.pop())
    built = file.build()
    item, ends = built.index(b"ITEM"), built.index(b"ENDS")
    yield vector("first-section-is-not-head", _item_first(), "FILE-6")
    yield vector("head-twice", small().add("HEAD", cbor({0: 0, 1: 1})), "SEC-6 FILE-6")
    yield vector("meta-twice", _with_meta(2), "SEC-6")
    twice = built[:ends] + built[ends:] + built[ends:]
    yield vector("ends-twice", twice, "SEC-6 FILE-6")
    long = bytearray(built)
    long[item + 5 : item + 6] = bytes([long[item + 5] | 0x80, 0])
    yield vector("uleb-not-shortest", _with_crc(bytes(long)), "NUM-1")
    wide = bytearray(built)
    wide[item + 5 : item + 6] = bytes([wide[item + 5] | 0x80]) + b"\x80" * 8 + b"\0"
    yield vector("uleb-10-bytes", _with_crc(bytes(wide)), "NUM-2")


def _with_meta(times: int) -> bytes:
    file = small()
    for _ in range(times):
        file.add("mETa", meta("npy", {}))
    return file.build()


def _wrong_crc(index: int, name: str, file: File) -> Case:
    """Break the CRC of one section, the header's section being number 0."""
    data = bytearray(file.build())
    starts = [data.index(s.type.encode() if isinstance(s.type, str) else s.type)
              for s in file.sections]  # fmt: skip
    ends = [*starts, data.rindex(b"ENDS"), len(data)]
    data[ends[index] - 1] ^= 0x10
    return case("sections", f"crc-of-{name}", bytes(data), "SEC-4", "malformed")


def _with_crc(data: bytes) -> bytes:
    """Correct the CRC of ITEM and of ENDS, and `total`, after ITEM grew."""
    item, ends = data.index(b"ITEM"), data.rindex(b"ENDS")
    body = data[item : ends - 4]
    tail = data[ends:-4]
    tail = tail[:6] + uleb(len(data)) + tail[7:]
    out = data[:item] + body + zlib.crc32(body).to_bytes(4, "little")
    return out + tail + zlib.crc32(tail).to_bytes(4, "little")


def _item_first() -> bytes:
    """ITEM, HEAD, ENDS, each with the CRC of its place."""
    payload = cbor(constant_item([2, 3]))
    head = cbor({0: 0, 1: 1})
    first = SIGNATURE + HEADER + b"ITEM\0" + uleb(len(payload)) + payload
    out = first + zlib.crc32(first).to_bytes(4, "little")
    second = b"HEAD\0" + uleb(len(head)) + head
    out += second + zlib.crc32(second).to_bytes(4, "little")
    size = len(out) + 4 + 1 + 1 + 1 + 1 + 32 + 4
    ends = b"ENDS\0" + uleb(34) + uleb(size) + uleb(0) + hashlib.sha256(b"").digest()
    return out + ends + zlib.crc32(ends).to_bytes(4, "little")


def _compression_faults() -> Iterator[Case]:
    payload = cbor(constant_item([2, 3]))
    size = uleb(len(payload))
    zstd, brotli = compress(1, payload), compress(2, payload)
    dictionary = bytearray(stored_zstd(payload))
    dictionary[4] |= 1
    dictionary.insert(5, 7)
    checksum = stored_zstd(payload, b"\1\2\3\4")
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    half = len(payload) // 2
    two = stored_zstd(payload[:half]) + stored_zstd(payload[half:])
    stored = {
        "zstd-byte-after-frame": (1, size + zstd + b"\0"),
        "zstd-skippable-frame-after": (1, size + zstd + skippable),
        "zstd-skippable-frame-before": (1, size + skippable + zstd),
        "zstd-two-frames": (1, size + two),
        "zstd-size-too-small": (1, uleb(len(payload) - 1) + zstd),
        "zstd-size-too-large": (1, uleb(len(payload) + 1) + zstd),
        "zstd-truncated": (1, size + zstd[:-1]),
        "zstd-not-a-frame": (1, size + b"\0" + zstd[1:]),
        "zstd-needs-dictionary": (1, size + bytes(dictionary)),
        "zstd-window-above-2-27": (1, size + windowed_zstd(payload, 17 << 3 | 1)),
        "zstd-window-2-28": (1, size + windowed_zstd(payload, 18 << 3)),
        "zstd-wrong-checksum": (1, size + checksum),
        "zstd-frame-declares-less": (1, size + declaring_zstd(payload, len(payload) - 1)),
        "zstd-frame-declares-more": (1, size + declaring_zstd(payload, len(payload) + 1)),
        "zstd-no-frame": (1, uleb(0)),
        "brotli-byte-after-stream": (2, size + brotli + b"\0"),
        "brotli-size-too-small": (2, uleb(len(payload) - 1) + brotli),
        "brotli-size-too-large": (2, uleb(len(payload) + 1) + brotli),
        "brotli-truncated": (2, size + brotli[:-1]),
        "brotli-large-window": (2, size + stored_brotli(payload, large_window=True)),
        "brotli-not-a-stream": (2, size + b"\xff" * 12),
    }
    for name, (attribute, content) in stored.items():
        file = File().item(constant_item([2, 3]))
        file.sections[0].stored = content
        file.sections[0].attribute = attribute
        yield case("compression", name, file, "SEC-5", "malformed")


def _cbor_faults() -> list[Case]:
    """Wrong CBOR in a VERB section, whose meaning would be right."""
    entry = [b"\x61p", b"\x00", b"\x81\x01", b"\x00", b"\x41\x07"]
    good = b"\x81\x85" + b"".join(entry)

    def changed(index: int, data: bytes) -> bytes:
        return b"\x81\x85" + b"".join([*entry[:index], data, *entry[index + 1 :]])

    text = b"\x81\x83\x61p\x80\x81"
    payloads = {
        "tag": (changed(4, b"\xd8\x40\x41\x07"), "CBOR-1"),
        "indefinite-array": (b"\x9f" + good[1:] + b"\xff", "CBOR-1"),
        "indefinite-bytes": (changed(4, b"\x5f\x41\x07\xff"), "CBOR-1"),
        "undefined": (changed(1, b"\xf7"), "CBOR-1"),
        "reserved-length": (changed(1, b"\x1c"), "CBOR-1"),
        "integer-not-shortest": (changed(1, b"\x18\x00"), "CBOR-2"),
        "integer-not-shortest-64": (changed(1, b"\x1b" + bytes(8)), "CBOR-2"),
        "length-not-shortest": (changed(4, b"\x58\x01\x07"), "CBOR-2"),
        "text-not-utf8": (text + b"\x61\xff", "CBOR-3"),
        "text-surrogate": (text + b"\x63\xed\xa0\x80", "CBOR-3"),
        "text-overlong": (text + b"\x62\xc0\x80", "CBOR-3"),
        "very-deep": (b"\x81" * 20000 + b"\x00", "CBOR-3"),
        "bytes-after": (good + b"\x00", "CBOR-4"),
        "ends-early": (good[:-1], "CBOR-4 FILE-8"),
        "empty-payload": (b"", "CBOR-4 FILE-8"),
        "array-longer-than-payload": (b"\x9b\x00\x00\x01" + bytes(5), "CBOR-4"),
        "bytes-longer-than-payload": (changed(4, b"\x5b\x00\x00\x01" + bytes(5)), "CBOR-4"),
    }
    files: dict[str, tuple[File | bytes, str]] = {
        name: (small().add("VERB", payload), spec) for name, (payload, spec) in payloads.items()
    }
    return cases_of("cbor", files, "malformed")


def _cbor_faults_of_heads() -> list[Case]:
    """Wrong CBOR in HEAD and ITEM."""
    heads = {
        "map-keys-descend": (b"\xa2\x01\x00\x00\x00", "CBOR-2"),
        "map-key-twice": (b"\xa3\x00\x00\x01\x00\x01\x00", "CBOR-2"),
        "map-key-bytes": (b"\xa3\x00\x00\x01\x00\x41\x00\x00", "CBOR-3"),
    }
    files: dict[str, tuple[File | bytes, str]] = {
        name: (File().build(Raw(payload)), spec) for name, (payload, spec) in heads.items()
    }
    deep: Any = 0
    for _ in range(14):
        deep = [deep]
    item = constant_item([2]) | {2: [0, 1, {7: deep}]}
    files["depth-17"] = (File().item(item), "CBOR-3")
    item = constant_item([2], [["a", 7, Raw(b"\xfa\x3f\xc0\x00\x00"), 0.0]])
    files["float-not-shortest"] = (File().item(item), "CBOR-2")
    return cases_of("cbor", files, "malformed")


def _head_faults() -> Iterator[Case]:
    heads = {
        "kind-negative": ({0: -1, 1: 0}, "HEAD-1 HEAD-3"),
        "count-negative": ({0: 0, 1: -1}, "HEAD-2 HEAD-3"),
        "features-empty": ({0: 0, 1: 0, 2: []}, "HEAD-3"),
        "kind-text": ({0: "volume", 1: 0}, "HEAD-3"),
        "kind-missing": ({1: 0}, "HEAD-3"),
        "count-missing": ({0: 0}, "HEAD-3"),
        "count-float": ({0: 0, 1: 0.0}, "HEAD-3"),
        "count-too-large": ({0: 0, 1: 1}, "HEAD-2"),
        "count-above-2-20": ({0: 0, 1: 2**20 + 1}, "HEAD-2"),
        "features-not-an-array": ({0: 0, 1: 0, 2: "x"}, "HEAD-3"),
        "feature-not-text": ({0: 0, 1: 0, 2: [5]}, "HEAD-3"),
        "not-a-map": ([0, 0], "HEAD-3"),
    }
    for n, (h, s) in heads.items():
        yield case("head", n, File().build(h), s, "malformed")
    fewer = small().item(constant_item([4], [["b", 7, 1.5, 0.0]])).build({0: 0, 1: 1})
    yield case("head", "count-too-small", fewer, "HEAD-2", "malformed")


def _ends_faults() -> Iterator[Case]:
    model = Fvsrn()
    file = simple_file(model)
    mask = MaskSpec(ball((5, 4)), patterns=(1,))
    swapped = simple_file(model).mask(mask)
    integers = np.array(model.integers(), dtype="<i4").tobytes()
    wrong = _digest(mask.layer(), integers)
    packed = _digest(integers, mask.data())
    digest = file.digest()
    whole = hashlib.sha256(integers + mask.layer()).digest()
    old = next(pair for pair in map(_digest_of, range(99)) if pair[1][0] < 0x80)
    last = digest[:-1] + bytes([digest[-1] ^ 1])
    files = {
        "total-plus-1": (file.build(total=1), "END-1"),
        "total-minus-1": (file.build(total=-1), "END-1"),
        "digest-7-bytes": (file.build(digest_size=7), "END-2"),
        "digest-missing": (file.build(digest=b""), "END-2"),
        "digest-33-bytes": (file.build(digest=digest + b"\0"), "END-2"),
        "digest-wrong": (file.build(digest=bytes(8)), "END-3"),
        "digest-wrong-in-last-byte": (file.build(digest=last), "END-3"),
        "digest-not-in-file-order": (swapped.build(digest=wrong), "END-2 END-3"),
        "digest-of-packed-mask": (swapped.build(digest=packed), "END-2 END-3"),
        "offset-missing": (old[0].build(digest=old[1][1:], offset=old[1][0]), "END-2 END-4"),
        "digest-of-the-integers": (swapped.build(digest=whole), "END-2 END-3"),
    }
    for n, (d, s) in files.items():
        yield case("ends", n, d, s, "malformed")


def _digest_of(seed: int) -> tuple[File, bytes]:
    """Return a file and its digest."""
    file = simple_file(Fvsrn(seed=seed))
    return file, file.digest()


def _digest(*layers: bytes) -> bytes:
    """Return the digest of sections with these integer layers."""
    return hashlib.sha256(b"".join(map(section_digest, layers))).digest()
