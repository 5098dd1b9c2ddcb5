"""constriction's panics are no `Exception`s, and must not leave the decoders either."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codec.entropy import coders
from codec.entropy.coders import AnsDecoder, RangeDecoder
from codec.entropy.tables import MAX_ALPHABET, TOTAL, laplace_frequencies
from codec.errors import CorruptError, InrcError, LimitError

EVEN = np.array([TOTAL // 2] * 2)
DECODERS = [AnsDecoder, RangeDecoder]


def absurd_tables() -> Iterator[np.ndarray]:
    yield np.array([], np.int64)
    yield np.array([TOTAL])
    yield np.array([0, TOTAL])
    yield np.array([-5, TOTAL + 5])
    yield np.array([2**62, 2**62, 2**62, 2**62, TOTAL])
    yield np.array([2**63 - 1, 2, TOTAL - 1])
    yield np.array([np.nan, 1.0])
    yield np.array([np.inf, 1.0])
    yield np.array([0.5, TOTAL - 0.5])
    yield np.ones(MAX_ALPHABET, np.int64)


def legal_tables() -> Iterator[np.ndarray]:
    yield EVEN
    yield np.array([1, TOTAL - 1])
    yield np.array([TOTAL - 1, 1])
    largest = np.ones(MAX_ALPHABET, np.int64)
    largest[0] += TOTAL - MAX_ALPHABET
    yield largest
    yield from (laplace_frequencies(index) for index in (0, 31, 63))


def words() -> Iterator[bytes]:
    random = np.random.default_rng(0)
    yield from (b"", b"\0" * 4, b"\0" * 64, b"\xff" * 4, b"\xff" * 8, b"\xff" * 64, b"\0\0\0\x80")
    yield from (random.bytes(4 * size) for size in range(1, 30))


@pytest.mark.parametrize("decoder", DECODERS)
def test_any_words_give_symbols_or_an_error(decoder: type[AnsDecoder | RangeDecoder]) -> None:
    for table in legal_tables():
        for data in words():
            try:
                made_decoder = decoder(data)
                symbols = made_decoder.take(1000, table)
                assert 0 <= symbols.min() <= symbols.max() < len(table)
                made_decoder.finish()
            except CorruptError:
                continue


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_absurd_table_is_an_error(decoder: type[AnsDecoder | RangeDecoder]) -> None:
    for table in absurd_tables():
        with pytest.raises(CorruptError):
            decoder(b"\x01\0\0\0").take(3, table)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("count", [-1, 1 << 62, 1 << 70])
def test_an_absurd_count_is_an_error(decoder: type[AnsDecoder | RangeDecoder], count: int) -> None:
    with pytest.raises(InrcError):
        decoder(b"\x01\0\0\0").take(count, EVEN)


@pytest.mark.parametrize("decoder", DECODERS)
def test_too_many_symbols_for_the_memory_do_not_end_the_process(
    decoder: type[AnsDecoder | RangeDecoder],
) -> None:
    """Asked for 2^45 symbols at once, constriction aborts; nothing could catch that."""
    with pytest.raises(LimitError):
        decoder(b"\x01\0\0\0").take(1 << 45, EVEN)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_panic_becomes_an_error(decoder: type[AnsDecoder | RangeDecoder]) -> None:
    """A real one: constriction cannot even count the bytes of so many symbols."""

    class Greedy:
        def decode(self, table: object, count: int) -> object:
            return decoder(b"\x01\0\0\0")._coder.decode(table, 1 << 62)

    with pytest.raises(CorruptError, match="capacity overflow"):
        coders._decode(Greedy(), 3, EVEN)


@pytest.mark.parametrize("encoder", [coders.AnsEncoder, coders.RangeEncoder])
def test_symbols_are_the_same_in_pieces(
    encoder: type[coders.AnsEncoder | coders.RangeEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coders, "_PIECE", 7)
    symbols = np.random.default_rng(1).integers(0, 2, 100).astype(np.int32)
    made = encoder()
    made.add(symbols, EVEN)
    decoder = AnsDecoder if encoder is coders.AnsEncoder else RangeDecoder
    made_decoder = decoder(made.finish())
    assert np.array_equal(made_decoder.take(100, EVEN), symbols)
    made_decoder.finish()


def test_interrupting_is_not_swallowed() -> None:
    class Interrupted:
        def decode(self, table: object, count: int) -> object:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        coders._decode(Interrupted(), 3, EVEN)
