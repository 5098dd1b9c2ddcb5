"""Builds `.inrc` files at the level of bytes, right or deliberately wrong but with correct CRCs."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..decoder.cbor import shortest_float
from .mixing import mixed_mask_data
from .streams import Ints, compress, context_data, pack_bits, static_stream, uleb

SIGNATURE = bytes.fromhex("89494E520D0A1A0A")
HEADER = bytes([1, 0, 1, 0])


@dataclass(frozen=True)
class Raw:
    """Bytes that `cbor` copies as they are."""

    data: bytes


def _head(major: int, value: int) -> bytes:
    """Encode a CBOR head in its shortest form."""
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * size):
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError("the number does not fit CBOR")


def cbor(value: Any) -> bytes:
    """Encode a value deterministically."""
    if isinstance(value, Raw):
        return value.data
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        raw = shortest_float(value)
        return bytes([{2: 0xF9, 4: 0xFA, 8: 0xFB}[len(raw)]]) + raw
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        encoded = value.encode("utf-8")
        return _head(3, len(encoded)) + encoded
    if isinstance(value, Sequence):
        return _head(4, len(value)) + b"".join(cbor(entry) for entry in value)
    pairs = sorted((cbor(key), cbor(entry)) for key, entry in value.items())
    return _head(5, len(pairs)) + b"".join(key + entry for key, entry in pairs)


@dataclass
class Section:
    """A section to be written; `crc` is added to the right one, to make it wrong."""

    type: str | bytes
    stored: bytes
    attribute: int = 0
    crc: int = 0
    layer: bytes | None = None
    """Integer layer of a section MASK, TENS or RESD, which its digest covers."""
    item: int | None = None
    """The item of a section TENS or RESD."""

    def front(self) -> bytes:
        """Return the first bytes of the section: type, attribute and length."""
        name = self.type.encode("ascii") if isinstance(self.type, str) else self.type
        return name + bytes([self.attribute]) + uleb(len(self.stored))


def section_digest(layer: bytes) -> bytes:
    """Return the digest of a section."""
    return hashlib.sha256(layer).digest()[:8]


def outer(payload: bytes, attribute: int) -> bytes:
    """Return `stored` of a payload compressed with zstd (1) or brotli (2)."""
    return uleb(len(payload)) + compress(attribute, payload)


def assemble(sections: Sequence[Section], header: bytes = HEADER) -> bytes:
    """Write signature, header and sections with their CRCs."""
    out = SIGNATURE + header
    start = 0
    for section in sections:
        out += section.front() + section.stored
        crc = (zlib.crc32(out[start:]) + section.crc) & (2**32 - 1)
        out += crc.to_bytes(4, "little")
        start = len(out)
    return out


@dataclass(frozen=True)
class Index:
    """An index to be written; `change` makes its entries, one per section, wrong."""

    attribute: int = 0
    change: Callable[[list[bytes]], list[bytes]] = list

    def section(self, sections: Sequence[Section]) -> Section:
        """Return the tIDX section that belongs behind some sections."""
        entries: list[bytes] = []
        for section in sections:
            entry = section.front()
            if section.layer is not None:
                entry += section_digest(section.layer)
            if section.item is not None:
                entry += uleb(section.item)
            entries.append(entry)
        payload = b"".join(self.change(entries))
        stored = outer(payload, self.attribute) if self.attribute else payload
        return Section("tIDX", stored, self.attribute)


@dataclass
class File:
    """A file under construction: sections in order."""

    header: bytes = HEADER
    sections: list[Section] = field(default_factory=list)
    masks: int = 0
    items: int = 0

    def add(
        self,
        name: str | bytes,
        payload: bytes,
        attribute: int = 0,
        layer: bytes | None = None,
        item: int | None = None,
    ) -> File:
        """Add a section, compressed as the attribute says."""
        stored = outer(payload, attribute) if attribute in (1, 2) else payload
        self.sections.append(Section(name, stored, attribute, 0, layer, item))
        return self

    def item(self, value: Any, attribute: int = 0) -> File:
        """Add an ITEM section."""
        self.items += 1
        return self.add("ITEM", cbor(value), attribute)

    def tens(
        self, streams: Sequence[bytes], integers: Ints, item: int = 0, attribute: int = 0
    ) -> File:
        """Add a TENS section; `integers` are what the streams hold, for the digest."""
        layer = np.array(integers, dtype="<i4").tobytes()
        return self.add("TENS", uleb(item) + b"".join(streams), attribute, layer, item)

    def resd(
        self, streams: Sequence[bytes], integers: Ints, item: int = 0, attribute: int = 0
    ) -> File:
        """Add a RESD section; `integers` are what the streams hold, for the digest."""
        layer = np.array(integers, dtype="<i4").tobytes()
        return self.add("RESD", uleb(item) + b"".join(streams), attribute, layer, item)

    def mask(self, mask: MaskSpec, attribute: int = 0) -> File:
        """Add a MASK section."""
        self.masks += 1
        return self.add("MASK", mask.payload(), attribute, mask.layer())

    def digest(self) -> bytes:
        """Return the digest of all sections, all 32 bytes of it."""
        layers = [section.layer for section in self.sections if section.layer is not None]
        return hashlib.sha256(b"".join(map(section_digest, layers))).digest()

    def build(
        self,
        head: Any = None,
        digest_size: int = 32,
        total: int = 0,
        digest: bytes | None = None,
        head_attribute: int = 0,
        ends_attribute: int = 0,
        index: Index | None = None,
        offset: int | None = None,
    ) -> bytes:
        """Add HEAD, an index if one is given, and ENDS; `total` is added to the right one.

        `offset` stands in ENDS instead of that of the first tIDX section, or of 0.
        """
        payload = cbor({0: 0, 1: self.items} if head is None else head)
        stored = outer(payload, head_attribute) if head_attribute else payload
        sections = [Section("HEAD", stored, head_attribute), *self.sections]
        if index is not None:
            sections.append(index.section(sections))
        if offset is None:
            offset = _index_offset(sections, self.header)
        tail = self.digest()[:digest_size] if digest is None else digest
        size = len(assemble(sections, self.header))
        while True:
            ends = uleb(size + total) + uleb(offset) + tail
            stored = outer(ends, ends_attribute) if ends_attribute else ends
            section = Section("ENDS", stored, ends_attribute)
            out = assemble([*sections, section], self.header)
            if len(out) == size:
                return out
            size = len(out)


def _index_offset(sections: Sequence[Section], header: bytes) -> int:
    """Return the offset of the first tIDX section, or 0 without one."""
    types = [section.type for section in sections]
    return len(assemble(sections[: types.index("tIDX")], header)) if "tIDX" in types else 0


@dataclass
class MaskSpec:
    """A mask to be written; overrides make single fields wrong."""

    bits: npt.NDArray[np.bool_]
    purpose: int = 0
    constant: int = 0
    method: int = 1
    pattern_bytes: int = 4
    patterns: Sequence[int] = (0,)
    indices: Ints = ()
    stream: bytes | None = None

    def data(self) -> bytes:
        """Return the coded bits."""
        coded = self.bits
        for axis in range(self.bits.ndim):
            if self.constant >> axis & 1:
                coded = coded.take([0], axis=axis)
        if self.method == 1:
            return context_data(coded)
        if self.method == 2:
            return mixed_mask_data(coded)
        return pack_bits("".join(map(str, coded.astype(int).reshape(-1).tolist())))

    def front(self) -> bytes:
        """Return the part before the length of the data."""
        shape = b"".join(map(uleb, self.bits.shape))
        return bytes([self.purpose, self.bits.ndim]) + shape + bytes([self.constant, self.method])

    def back(self) -> bytes:
        """Return the patterns and their stream."""
        if self.purpose:
            return b""
        out = bytes([self.pattern_bytes]) + uleb(len(self.patterns))
        for pattern in self.patterns:
            out += pattern.to_bytes(self.pattern_bytes, "little")
        if len(self.patterns) > 1:
            out += self.stream if self.stream is not None else static_stream(1, self.indices)
        return out

    def payload(self) -> bytes:
        """Return the whole payload."""
        data = self.data()
        return self.front() + uleb(len(data)) + data + self.back()

    def layer(self) -> bytes:
        """Return the contribution to the integer layer."""
        out = self.bits.astype(np.uint8).tobytes()
        if self.purpose == 0 and len(self.patterns) > 1:
            out += np.array(self.indices, dtype="<i4").tobytes()
        return out


def constant_item(
    dims: Sequence[Any], components: Sequence[Sequence[Any]] = (("constant", 7, 1.5, 0.0),)
) -> dict[Any, Any]:
    """Return the ITEM map of architecture 0."""
    return {0: [list(c) for c in components], 1: list(dims), 2: [0, 1, {}]}


def float_bits(value: float, layout: str) -> int:
    """Return the bit pattern of a float of struct layout e, f or d."""
    return int.from_bytes(struct.pack("<" + layout, value), "little")


def verbatim(entries: Sequence[Any]) -> bytes:
    """Return a VERB payload."""
    return cbor(entries)


def meta(medium: Any, metadata: Mapping[Any, Any] | None = None) -> bytes:
    """Return a mETa payload."""
    return cbor({0: medium} if metadata is None else {0: medium, 1: metadata})
