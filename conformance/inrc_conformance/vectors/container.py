"""Valid vectors of the container: files, sections, compression and digests."""

from __future__ import annotations

import numpy as np

from ..builders.file import File, MaskSpec, Section, constant_item, float_bits, meta
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import (
    raw_stream,
    stored_brotli,
    stored_zstd,
    uleb,
    windowed_zstd,
    zstd_checksum,
)
from .case import Case, case, cases_of


def container_cases() -> list[Case]:
    """All valid cases of the container."""
    return [*_file_cases(), *_compressed_cases(), *_frame_cases()]


def _file_cases() -> list[Case]:
    """Kinds, versions, digests and sections that nobody knows."""
    unknown = File().add("abCd", b"anything").item(constant_item([3]))
    unknown.add("qQQq", b"", 0).add("tHMb", b"later").add("pADd", bytes(40))
    other = File().add("mETa", meta("no such medium", {"a": [1]}))
    minor = File(bytes([1, 200, 1, 0])).item(constant_item([2]))
    files: dict[str, tuple[File | bytes, str]] = {
        "empty-item-list": (File(), "FILE-1 FILE-6 HEAD-2 END-1 END-2"),
        "kind-image": (File().build({0: 1, 1: 0}), "HEAD-1"),
        "kind-sdf": (File().build({0: 2, 1: 0}), "HEAD-1"),
        "minor-200": (minor, "FILE-3"),
        "unknown-ancillary": (unknown, "SEC-2 SEC-3 SEC-4"),
        "meta-unknown-medium": (other, "SEC-2"),
    }
    for size in (8, 16):
        files[f"digest-{size}"] = (simple_file(Fvsrn()).build(digest_size=size), "END-2 END-3")
    second = File(bytes([1, 0, 2, 0])).item(constant_item([2])).build()
    return [*cases_of("container", files), case("container", "level-2", second, "FILE-4", level=2)]


def _compressed_cases() -> list[Case]:
    """Sections that are all compressed, and sections in another order."""
    model = Fvsrn(seed=3)
    integers = model.integers()
    mask = MaskSpec(np.arange(20).reshape(5, 4) % 3 > 0, patterns=(float_bits(-9.0, "f"),))
    header = model.header(k0=[["a", 7, 0.0, 1.0, 0]])
    files: dict[str, tuple[File | bytes, str]] = {}
    for attribute, name in ((1, "zstd"), (2, "brotli")):
        file = File().item(header, attribute)
        file.tens([raw_stream(integers)], integers, 0, attribute).mask(mask, attribute)
        file.add("VERB", b"\x80", attribute).add("mETa", meta("npy", {}), attribute)
        data = file.build(head_attribute=attribute, ends_attribute=attribute)
        files[f"outer-{name}-everywhere"] = (data, "SEC-5 ITEM-4")
    file = File().tens([raw_stream(integers[:7])], integers[:7]).mask(mask)
    file.tens([raw_stream(integers[7:])], integers[7:]).item(header)
    files["sections-in-another-order"] = (file, "TENS-1 TENS-2 END-2 ITEM-4")
    return cases_of("container", files)


def _frame_cases() -> list[Case]:
    """Frames that compressors seldom write."""
    file = File().item(constant_item([2, 2]))
    payload = file.sections[0].stored
    frames = {
        "zstd-raw-block": (1, stored_zstd(payload)),
        "zstd-checksum": (1, stored_zstd(payload, zstd_checksum(payload))),
        "zstd-window-2-27": (1, windowed_zstd(payload, 17 << 3)),
        "brotli-raw-block": (2, stored_brotli(payload)),
    }
    files: dict[str, tuple[File | bytes, str]] = {}
    for name, (attribute, frame) in frames.items():
        file.sections[0] = Section("ITEM", uleb(len(payload)) + frame, attribute)
        files[f"outer-{name}"] = (file.build(), "SEC-5")
    return cases_of("container", files)
