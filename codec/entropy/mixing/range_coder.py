"""The binary range coder and its adaptive chances, compiled by numba.

Normative text: format_spec/inrc-1.md, section 7.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from codec.compiling import compiled
from codec.entropy.mixing.tables import COUNT_LIMIT, PROBABILITY_BITS

BITS22 = (1 << PROBABILITY_BITS) - 1
LOW32 = 0xFFFFFFFF
# Positions in `Coder.state`.
LOWER, UPPER, POINT, AT = 0, 1, 2, 3
_TOP = (1 << 40) - 1
_Function = TypeVar("_Function", bound=Callable[..., Any])


def uncounted(function: _Function) -> _Function:
    """Compile a function that allocates nothing without reference counts: it is twice as fast."""
    # numba does not document this option, so its types do not know it.
    return compiled(nogil=True, _nrt=False)(function)


class Coder(NamedTuple):
    """A binary range coder: its state (lower, upper, point, position) and its bytes."""

    state: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]


def new_encoder(room: int) -> Coder:
    """An encoder for at most `room` bytes; memory that is never touched costs nothing."""
    return Coder(np.array([0, _TOP, 0, 0], np.int64), np.empty(room, np.uint8))


def new_decoder(data: bytes) -> Coder:
    """A decoder at the start of `data`."""
    point = int.from_bytes(data[:5].ljust(5, b"\0"), "big")
    return Coder(np.array([0, _TOP, point, 5], np.int64), np.frombuffer(data, np.uint8).copy())


def finish_encoder(coder: Coder) -> bytes:
    """Bytes coded so far, fewest that decode to the same bits; the coder starts anew.

    Raises:
        ValueError: there was no room for all of them.
    """
    state, data = coder
    used = int(state[AT])
    if used >= data.size:
        raise ValueError("more bytes were coded than there is room for")
    if state[LOWER] > 0:
        data[used] = (int(state[LOWER]) >> 32) + 1
        used += 1
    state[:] = 0, _TOP, 0, 0
    return data[:used].tobytes().rstrip(b"\0")


@compiled(inline="always")
def code_bit(coder: Any, encoding: Any, chance: Any, bit: Any) -> Any:
    """Code one bit; `chance` is that of a one in 1/65536."""
    state = coder.state
    lower, upper = state[0], state[1]
    middle = lower + (((upper - lower) * chance) >> 16)
    if encoding == 0:
        bit = 1 if state[2] <= middle else 0
    if bit:
        upper = middle
    else:
        lower = middle + 1
    while (lower ^ upper) >> 32 == 0:
        at = state[3]
        if encoding:
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


@compiled(inline="always")
def adapt(chances: Any, counts: Any, index: Any, bit: Any, tables: Any) -> Any:
    chance = np.int64(chances[index])
    target = BITS22 if bit else 0
    chances[index] = chance + (((target - chance) * np.int64(tables.rate[counts[index]])) >> 16)
    if counts[index] < COUNT_LIMIT:
        counts[index] += 1


@compiled(inline="always")
def chance_of(chances: Any, index: Any) -> Any:
    return min(max(np.int64(chances[index]) >> 6, 1), 65535)


@compiled(inline="always")
def code_direct(
    coder: Any, encoding: Any, chances: Any, counts: Any, index: Any, bit: Any, tables: Any
) -> Any:
    """Code a bit with one adaptive probability."""
    bit = code_bit(coder, encoding, chance_of(chances, index), bit)
    adapt(chances, counts, index, bit, tables)
    return bit
