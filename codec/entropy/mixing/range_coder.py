"""The binary range coder, compiled by numba.

Normative text: format_spec/inrc-1.md, section 7.4, paragraph "Range decoder".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.arrays import Int64Array, UInt8Array
from codec.entropy.compilation import inlined

LOW32 = 0xFFFFFFFF
# Positions in `Coder.state`.
LOWER, UPPER, POINT, AT = 0, 1, 2, 3
_TOP = (1 << 40) - 1


class Coder(NamedTuple):
    """A binary range coder.

    Attributes:
        state: (4,) int64: lower and upper end of the interval, point, and position in `data`.
        data: uint8, the bytes that are written or read.
        encoding: 1 for an encoder, 0 for a decoder.
    """

    state: Int64Array
    data: UInt8Array
    encoding: int


def new_encoder(room: int) -> Coder:
    """An encoder for at most `room` bytes; memory that is never touched costs nothing."""
    return Coder(np.array([0, _TOP, 0, 0], np.int64), np.empty(room, np.uint8), 1)


def new_decoder(data: bytes) -> Coder:
    """A decoder at the start of `data`."""
    point = int.from_bytes(data[:5].ljust(5, b"\0"), "big")
    return Coder(np.array([0, _TOP, point, 5], np.int64), np.frombuffer(data, np.uint8).copy(), 0)


def finish_encoder(coder: Coder) -> bytes:
    """The fewest bytes that decode to the bits coded so far; the coder starts anew.

    Raises:
        ValueError: there was no room for all of them.
    """
    state, data = coder.state, coder.data
    used = int(state[AT])
    if used >= data.size:
        raise ValueError("more bytes were coded than there is room for")
    if state[LOWER] > 0:
        data[used] = (int(state[LOWER]) >> 32) + 1
        used += 1
    state[:] = 0, _TOP, 0, 0
    return data[:used].tobytes().rstrip(b"\0")


@inlined
def code_bit(coder: Any, chance: Any, bit: Any) -> Any:
    """Code one bit; `chance` is that of a 1, in 1/65536. A decoder ignores `bit`."""
    state = coder.state
    lower, upper = state[0], state[1]
    middle = lower + (((upper - lower) * chance) >> 16)
    if coder.encoding == 0:
        bit = 1 if state[2] <= middle else 0
    if bit:
        upper = middle
    else:
        lower = middle + 1
    while (lower ^ upper) >> 32 == 0:
        at = state[3]
        if coder.encoding:
            if at < coder.data.size:
                coder.data[at] = lower >> 32
        else:
            byte = np.int64(coder.data[at]) if at < coder.data.size else np.int64(0)
            state[2] = ((state[2] & LOW32) << 8) | byte
        state[3] = at + 1
        lower = (lower & LOW32) << 8
        upper = ((upper & LOW32) << 8) | 255
    state[0], state[1] = lower, upper
    return bit
