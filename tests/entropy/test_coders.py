"""constriction does what the format's text says, bit for bit, on sound words and on garbage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import constriction
import numpy as np
import pytest

from codec.entropy import coders
from codec.entropy.coders import AnsDecoder, AnsEncoder, RangeDecoder, RangeEncoder
from codec.entropy.tables import TOTAL
from codec.errors import CorruptError

Table = np.ndarray[tuple[int], np.dtype[np.int64]]
MASK64 = 2**64 - 1


def find(table: Table, quantile: int) -> tuple[int, int, int]:
    """Symbol, cumulated frequency and frequency at `quantile`."""
    ends = np.cumsum(table)
    symbol = int(np.searchsorted(ends, quantile, side="right"))
    return symbol, int(ends[symbol] - table[symbol]), int(table[symbol])


def ans_decode(words: list[int], table: Table, count: int) -> list[int] | None:
    """Section 7.2, line by line; None for a refusal."""
    if words and words[-1] == 0:
        return None
    words = list(words)
    x = words.pop() if words else 0
    if words:
        x = x << 32 | words.pop()
    symbols = []
    for _ in range(count):
        symbol, low, width = find(table, x % TOTAL)
        symbols.append(symbol)
        x = (x // TOTAL) * width + x % TOTAL - low
        if x < 2**32 and words:
            x = x << 32 | words.pop()
    return symbols if x == 0 and not words else None


def range_decode(words: list[int], table: Table, count: int) -> list[int] | None:
    """Section 7.3, line by line; None for a refusal."""
    position = 2
    word = [*words, 0, 0].__getitem__
    lower, size = 0, MASK64
    point = word(0) << 32 | word(1)
    symbols = []
    for _ in range(count):
        unit = size >> 24
        quantile = (point - lower & MASK64) // unit
        if quantile >= TOTAL:
            return None
        symbol, low, width = find(table, quantile)
        symbols.append(symbol)
        lower, size = lower + unit * low & MASK64, unit * width
        if size < 2**32:
            lower, size, point = lower << 32 & MASK64, size << 32, point << 32 & MASK64
            point |= words[position] if position < len(words) else 0
            position += 1
    # Words that were read beyond the end do not count as left over.
    if position < len(words):
        return None
    return symbols if size == MASK64 or (point - lower & MASK64) < 2**33 - 1 else None


REFERENCE = {"ans": ans_decode, "range": range_decode}
ENCODERS = {"ans": AnsEncoder, "range": RangeEncoder}
DECODERS = {"ans": AnsDecoder, "range": RangeDecoder}


def tables(seed: int, count: int) -> Iterator[Table]:
    """Tables of 2 to 400 symbols, smooth, spiky, and with as many ones as can be."""
    random = np.random.default_rng(seed)
    for number in range(count):
        size = int(random.integers(2, 400) if number % 3 else random.integers(2, 5))
        shares = random.random(size) ** int(random.choice([1, 8, 60]))
        table = 1 + np.floor(shares / shares.sum() * (TOTAL - size)).astype(np.int64)
        table[int(random.integers(size))] += TOTAL - int(table.sum())
        yield table


def words_of(data: bytes) -> list[int]:
    return np.frombuffer(data, "<u4").tolist()


def product(kind: str, words: list[int], table: Table, count: int) -> list[int] | None:
    try:
        decoder = DECODERS[kind](np.array(words, "<u4").tobytes())
        symbols = decoder.take(count, table).tolist()
        decoder.finish()
    except CorruptError:
        return None
    return symbols


@pytest.mark.parametrize("kind", ["ans", "range"])
def test_sound_words_give_back_the_symbols(kind: str) -> None:
    random = np.random.default_rng(1)
    for number, table in enumerate(tables(0, 300)):
        count = (0, 1, 2)[number] if number < 3 else int(random.integers(0, 40))
        likely = random.choice(len(table), count, p=table / TOTAL)
        anything = random.integers(0, len(table), count)
        symbols = np.where(random.random(count) < 0.5, likely, anything).astype(np.int32)
        encoder = ENCODERS[kind]()
        encoder.add(symbols, table)
        words = words_of(encoder.finish())
        assert REFERENCE[kind](words, table, count) == symbols.tolist()
        assert product(kind, words, table, count) == symbols.tolist()


@pytest.mark.parametrize("kind", ["ans", "range"])
def test_garbage_words_are_taken_and_refused_alike(kind: str) -> None:
    random = np.random.default_rng(2)
    taken = refused = 0
    for table in tables(3, 300):
        for _ in range(4):
            words = random.integers(0, 2**32, int(random.integers(0, 5))).tolist()
            if random.random() < 0.3:
                words = [int(random.choice([0, 1, 2**31, 2**32 - 1])) for _ in words]
            count = int(random.integers(0, 12))
            expected = REFERENCE[kind](words, table, count)
            assert product(kind, words, table, count) == expected, (words, table, count)
            taken += expected is not None
            refused += expected is None
    assert min(taken, refused) > 20


@pytest.mark.parametrize("kind", ["ans", "range"])
def test_damaged_words_are_taken_and_refused_alike(kind: str) -> None:
    """Near misses: sound words with a bit flipped, a word less, a word more."""
    random = np.random.default_rng(4)
    for table in tables(5, 150):
        count = int(random.integers(1, 30))
        encoder = ENCODERS[kind]()
        encoder.add(random.choice(len(table), count, p=table / TOTAL).astype(np.int32), table)
        words = words_of(encoder.finish())
        changed = list(words)
        if changed:
            changed[int(random.integers(len(words)))] ^= 1 << int(random.integers(32))
        for other in (changed, words[:-1], words[1:], [*words, 0], [*words, 1], [0, *words]):
            for length in (count - 1, count, count + 1):
                expected = REFERENCE[kind](other, table, length)
                assert product(kind, other, table, length) == expected, (other, table, length)


@pytest.mark.parametrize("kind", ["ans", "range"])
def test_runs_under_different_tables_come_back(kind: str) -> None:
    random = np.random.default_rng(6)
    runs = [
        (random.choice(len(table), count, p=table / TOTAL).astype(np.int32), table)
        for count, table in zip([5, 0, 1, 700, 3], tables(7, 5), strict=True)
    ]
    encoder = ENCODERS[kind]()
    for symbols, table in runs:
        encoder.add(symbols, table)
    decoder = DECODERS[kind](encoder.finish())
    for symbols, table in runs:
        assert decoder.take(len(symbols), table).tolist() == symbols.tolist()
    decoder.finish()


@pytest.mark.parametrize("kind", ["ans", "range"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_half_words_are_refused(kind: str, size: int) -> None:
    with pytest.raises(CorruptError):
        DECODERS[kind](b"\x01" * size)


def test_ans_1_the_last_word_is_not_zero() -> None:
    with pytest.raises(CorruptError):
        AnsDecoder(b"\x01\0\0\0" + b"\0" * 4)


@pytest.mark.parametrize(
    "table", [[TOTAL], [TOTAL, 0], [TOTAL - 1, 2], [TOTAL + 1, -1], [1, 1], []], ids=str
)
def test_only_whole_tables_reach_the_coder(table: list[int]) -> None:
    with pytest.raises(CorruptError):
        coders.model(np.array(table, np.int64))


def test_the_coder_uses_the_integers_of_the_table() -> None:
    """A symbol of frequency 1 costs 24 bits, neither more nor less."""
    table = np.array([TOTAL - 2, 1, 1], np.int64)
    encoder = AnsEncoder()
    encoder.add(np.full(400, 1, np.int32), table)
    assert abs(len(encoder.finish()) - 400 * 3) <= 8


class PanicException(BaseException):
    """What a Rust panic looks like from Python."""


class Broken:
    """A coder of which every call panics."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def decode(self, *args: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("kind", ["ans", "range"])
@pytest.mark.parametrize("error", [PanicException("unwrap"), ValueError("bad"), AssertionError()])
def test_panics_never_escape(kind: str, error: BaseException) -> None:
    decoder = DECODERS[kind](b"")
    decoder._coder = Broken(error)  # type: ignore[union-attr]
    with pytest.raises(CorruptError):
        decoder.take(1, np.array([TOTAL // 2, TOTAL // 2]))


@pytest.mark.parametrize("kind", ["ans", "range"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_interruptions_do_escape(kind: str, error: type[BaseException]) -> None:
    decoder = DECODERS[kind](b"")
    decoder._coder = Broken(error())  # type: ignore[union-attr]
    with pytest.raises(error):
        decoder.take(1, np.array([TOTAL // 2, TOTAL // 2]))


def test_a_real_panic_is_what_we_think_it_is() -> None:
    """constriction's own words, asked for the impossible, panic with this very class name."""
    coder = constriction.stream.queue.RangeDecoder(np.array([2**32 - 1] * 3, np.uint32))
    table = np.array([1, TOTAL - 1], np.int64)
    with pytest.raises(BaseException, match=r".") as caught:
        coder.decode(coders.model(table), 2500)
    assert isinstance(caught.value, Exception) or type(caught.value).__name__ == "PanicException"
