"""ANS and range coding through constriction, which here is only a fast implementation.

The format owns the integer tables and both algorithms (format_spec/inrc-1.md, section 7). Passing
`frequencies - 1` as float64 with `perfect=False` makes constriction use the integers as they are:
its scale is then exactly 1, and it adds 1 to every symbol. Its panics are `BaseException`s and are
caught here; nothing that came from a file reaches it but integer tables that were checked. It ends
the whole process where there is no memory for its results, so it is asked for little at once.
"""

from __future__ import annotations

from typing import Any, Protocol

import constriction
import numpy as np

from codec.arrays import Int32Array, Int64Array, UInt32Array
from codec.entropy.tables import TOTAL
from codec.errors import CorruptError, InrcError, MemoryLimitError

WORD_BYTES = 4
# Symbols decoded by one call.
_PIECE = 1 << 20


class SymbolEncoder(Protocol):
    """Takes runs of symbols in decoding order."""

    def add(self, symbols: Int32Array, frequencies: Int64Array) -> None: ...

    def finish(self) -> bytes: ...


class SymbolDecoder(Protocol):
    """Gives runs of symbols in the order they were added."""

    def take(self, count: int, frequencies: Int64Array) -> Int32Array: ...

    def finish(self) -> None: ...


def model(frequencies: Int64Array) -> Any:
    """The constriction model whose integer table is `frequencies` (sum 2**24, each >= 1)."""
    inside = len(frequencies) > 1 and frequencies.min() >= 1 and frequencies.max() < TOTAL
    if not inside or int(frequencies.sum()) != TOTAL:
        raise CorruptError("a frequency table is not positive with sum 2**24")
    return constriction.stream.model.Categorical(
        (frequencies - 1).astype(np.float64), perfect=False
    )


def _words(data: bytes) -> UInt32Array:
    if len(data) % WORD_BYTES:
        raise CorruptError("coded data is not a whole number of words")
    return np.frombuffer(data, dtype="<u4").astype(np.uint32)


def _decode(coder: Any, count: int, frequencies: Int64Array) -> Int32Array:
    """`count` symbols from a constriction decoder, its panics translated."""
    try:
        table = model(frequencies)
        symbols = np.empty(count, np.int32)
        for start in range(0, count, _PIECE):
            part = symbols[start : start + _PIECE]
            part[...] = coder.decode(table, len(part))
        return symbols
    except BaseException as error:  # noqa: BLE001 - a Rust panic is no Exception
        raise _translate_panic(error) from None


def _translate_panic(error: BaseException) -> InrcError:
    if isinstance(error, InrcError):
        return error
    if isinstance(error, MemoryError):
        return MemoryLimitError("the coded symbols do not fit into memory")
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return CorruptError(f"coded data is damaged: {error}")
    raise error


class RangeEncoder:
    """Range coder (32-bit words, 64-bit state, 24-bit precision)."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def add(self, symbols: Int32Array, frequencies: Int64Array) -> None:
        if len(symbols):
            self._coder.encode(np.ascontiguousarray(symbols, dtype=np.int32), model(frequencies))

    def finish(self) -> bytes:
        return bytes(self._coder.get_compressed().astype("<u4").tobytes())


class RangeDecoder:
    """The decoder of `RangeEncoder`.

    Raises:
        CorruptError: from `take` and `finish`, if the words cannot come from the encoder.
    """

    def __init__(self, data: bytes) -> None:
        self._coder = constriction.stream.queue.RangeDecoder(_words(data))

    def take(self, count: int, frequencies: Int64Array) -> Int32Array:
        return _decode(self._coder, count, frequencies)

    def finish(self) -> None:
        if not self._coder.maybe_exhausted():
            raise CorruptError("coded words are left over")


class AnsEncoder:
    """Asymmetric numeral system (32-bit words, 64-bit state, 24-bit precision).

    The coder is a stack: the run that is decoded first is encoded last, so runs wait for `finish`.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Int32Array, Int64Array]] = []

    def add(self, symbols: Int32Array, frequencies: Int64Array) -> None:
        if len(symbols):
            self._runs.append((np.ascontiguousarray(symbols, dtype=np.int32), frequencies))

    def finish(self) -> bytes:
        coder = constriction.stream.stack.AnsCoder()
        for symbols, frequencies in reversed(self._runs):
            coder.encode_reverse(symbols, model(frequencies))
        return bytes(coder.get_compressed().astype("<u4").tobytes())


class AnsDecoder:
    """The decoder of `AnsEncoder`.

    Raises:
        CorruptError: as `RangeDecoder`.
    """

    def __init__(self, data: bytes) -> None:
        words = _words(data)
        if len(words) and words[-1] == 0:
            raise CorruptError("the last coded word is zero")
        self._coder = constriction.stream.stack.AnsCoder(words)

    def take(self, count: int, frequencies: Int64Array) -> Int32Array:
        return _decode(self._coder, count, frequencies)

    def finish(self) -> None:
        if not self._coder.is_empty():
            raise CorruptError("coded words are left over")
