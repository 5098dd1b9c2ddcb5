"""Changes of the payloads that hold integers: streams, their tables and words, and masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np

from codec.coding.mask_section import (
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.entropy.stream import CODERS, decode_stream, encode_stream, summarise_stream
from codec.errors import InrcError
from codec.format.leb128 import decode_uleb, encode_uleb
from robustness.reading import SMALL

_COUNTS = (
    0,
    1,
    2,
    255,
    65536,
    2**17,
    2**18,
    2**18 + 1,
    2**24,
    2**31,
    2**32,
    2**40,
    2**62,
    2**63 - 1,
)


@dataclass(frozen=True)
class _Stream:
    """Stream in its parts (format_spec/inrc-1.md, section 6)."""

    coder: int
    count: int
    parameters: bytes
    data: bytes
    declared: int | None = None

    def to_bytes(self) -> bytes:
        size = len(self.data) if self.declared is None else self.declared
        head = bytes([self.coder]) + encode_uleb(self.count) + self.parameters
        return head + encode_uleb(size) + self.data


def mutate_streams(random: Random, payload: bytes) -> bytes:
    """Another TENS or RESD payload."""
    try:
        item, position = decode_uleb(payload)
        streams = []
        while position < len(payload):
            start = position
            _, position = summarise_stream(payload, position)
            streams.append(_parsed(payload, start, position))
    except InrcError:
        return mutate_bytes(random, payload)
    kind = random.randrange(12)
    if kind == 0:
        item = random.choice([item + 1, max(0, item - 1), 2**20, 2**62])
    elif kind == 1 and streams:
        streams.append(random.choice(streams))
    elif kind == 2 and streams:
        del streams[random.randrange(len(streams))]
    elif kind == 3:
        random.shuffle(streams)
    elif kind == 4:
        return mutate_bytes(random, payload)
    elif streams:
        at = random.randrange(len(streams))
        streams[at] = _changed(random, streams[at])
    return encode_uleb(item) + b"".join(stream.to_bytes() for stream in streams)


def _parsed(payload: bytes, start: int, end: int) -> _Stream:
    count, first = decode_uleb(payload, start + 1)
    for place in range(first, end):
        try:
            size, after = decode_uleb(payload, place)
        except InrcError:
            continue
        if after + size == end:
            return _Stream(payload[start], count, payload[first:place], payload[after:end])
    return _Stream(payload[start], count, payload[first:end], b"")


def _changed(random: Random, stream: _Stream) -> _Stream:
    kind = random.randrange(8)
    if kind == 0:
        return replace(stream, coder=random.choice([*range(8), 255]))
    if kind == 1:
        near = (stream.count + 1, max(0, stream.count - 1), stream.count * 2, stream.count // 2)
        return replace(stream, count=random.choice([*near, random.choice(_COUNTS)]))
    if kind == 2 and stream.parameters:
        return replace(stream, parameters=mutate_bytes(random, stream.parameters))
    if kind == 3:
        near = (len(stream.data) + 1, max(0, len(stream.data) - 1), 0, 2**31, 2**62)
        return replace(stream, declared=random.choice(near))
    if kind == 4:
        return replace(stream, data=_words(random, stream.data))
    if kind == 5:
        return _coded_anew(random, stream)
    return replace(stream, data=mutate_bytes(random, stream.data))


def _words(random: Random, data: bytes) -> bytes:
    """Whole words of four bytes changed, added or taken away."""
    words = [data[at : at + 4] for at in range(0, len(data), 4)]
    new = random.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", random.randbytes(4)])
    at = random.randint(0, len(words))
    kind = random.randrange(4)
    if kind == 0:
        words.insert(at, new)
    elif kind == 1 and words:
        words[at - 1] = new
    elif kind == 2 and words:
        del words[at - 1]
    else:
        words = [new] * len(words)
    return b"".join(words)


def _coded_anew(random: Random, stream: _Stream) -> _Stream:
    """Other integers in a legal stream, by any coder."""
    try:
        values, _ = decode_stream(stream.to_bytes(), 0, SMALL)
    except InrcError:
        return replace(stream, data=_words(random, stream.data))
    changed = values.copy()
    extremes = (0, 1, -1, 127, -128, 32767, 2**24, 2**31 - 1, -(2**31))
    for _ in range(random.randint(1, 4)):
        if len(changed):
            changed[random.randrange(len(changed))] = random.choice(extremes)
    if random.random() < 0.1:
        changed = changed[: random.randrange(len(changed) + 1)]
    new = encode_stream([changed], random.choice(["auto", *CODERS]))
    return _parsed(new, 0, len(new))


def mutate_mask(random: Random, payload: bytes) -> bytes:
    """Another MASK payload."""
    if random.random() < 0.6:
        return mutate_bytes(random, payload)
    try:
        section = decode_mask_section(payload, SMALL)
    except InrcError:
        return mutate_bytes(random, payload)
    mask, patterns = section.mask.copy(), section.patterns
    kind = random.randrange(5)
    if kind == 0:
        mask.ravel()[random.randrange(mask.size)] ^= True
    elif kind == 1:
        mask[...] = random.random() < 0.5
    elif kind == 2:
        mask = mask.reshape(mask.shape[::-1])
    elif kind == 3:
        mask = np.concatenate([mask, mask], random.randrange(mask.ndim))
    else:
        patterns = None if patterns is not None else FillPatterns(np.array([1], np.uint32))
    if patterns is not None and patterns.indices is not None:
        indices = np.resize(patterns.indices, int((~mask).sum()))
        patterns = FillPatterns(patterns.values, indices)
    return encode_mask_section(CodedMask(mask, patterns))


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """A few bytes changed, added, taken away, or the end cut off."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 8])):
        at = random.randint(0, len(changed))
        kind = random.randrange(6)
        if kind == 0:
            changed[at:at] = random.randbytes(random.choice([1, 1, 4]))
        elif not changed:
            continue
        elif kind == 1:
            del changed[max(0, at - random.choice([1, 1, 4])) : at]
        elif kind == 2 and random.random() < 0.3:
            del changed[at:]
        elif kind == 3:
            changed[at - 1] = random.choice([0, 1, 0x7F, 0x80, 0xFF])
        else:
            changed[at - 1] ^= 1 << random.randrange(8)
    return bytes(changed)
