"""Binary masks, coded coarse to fine with the decoded neighbourhood as context.

Positions are visited in passes: first the corner, then the odd positions of ever finer lattices,
so that most samples are predicted from neighbours on all sides. Every context is a whole number
computed from samples of earlier passes, and the probabilities are counts of what was seen so far,
so a mask carries no table. Normative text: format_spec/inrc-1.md, section 8.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from codec.arrays import BoolArray, Int8Array, Int16Array, Int32Array, Int64Array
from codec.entropy.coders import RangeDecoder, RangeEncoder
from codec.entropy.tables import TOTAL

# Codes (or decodes) the samples at one chunk of a pass, all of one context.
Exchange = Callable[[Int32Array | int, Int64Array], Int32Array]

SHARES = 9
MIN_CHUNK = 1024
CHUNKS_PER_PASS = 64
COUNT_LIMIT = 1 << 16


def encode_mask(mask: BoolArray) -> bytes:
    """The coded bits of `mask` (bool, 1 to 4 axes, at least one sample)."""
    encoder = RangeEncoder()

    def exchange(symbols: Int32Array | int, frequencies: Int64Array) -> Int32Array:
        if isinstance(symbols, int):
            raise TypeError("encoding takes the symbols themselves")
        encoder.add(symbols, frequencies)
        return symbols

    _Walk(mask.astype(np.int8), known=True).run(exchange)
    return encoder.finish()


def decode_mask(data: bytes, shape: tuple[int, ...]) -> BoolArray:
    """The mask of `shape` that `encode_mask` coded.

    Raises:
        CorruptError: `data` cannot come from the encoder.
    """
    decoder = RangeDecoder(data)

    def exchange(symbols: Int32Array | int, frequencies: Int64Array) -> Int32Array:
        count = symbols if isinstance(symbols, int) else len(symbols)
        return decoder.take(count, frequencies)

    values = np.zeros(shape, dtype=np.int8)
    _Walk(values, known=False).run(exchange)
    decoder.finish()
    return values.astype(np.bool_)


@dataclass(frozen=True)
class _Pass:
    """One set of positions: the odd ones, along some axes, of a lattice."""

    stride: int
    parity: tuple[int, ...]


def passes(shape: tuple[int, ...]) -> Iterator[_Pass]:
    """The passes after the corner sample, in order."""
    stride = 1
    while stride < max(shape):
        stride *= 2
    parities = [parity for parity in itertools.product((0, 1), repeat=len(shape)) if any(parity)]
    parities.sort(key=lambda parity: (-sum(parity), parity))
    while stride > 1:
        stride //= 2
        for parity in parities:
            yield _Pass(stride, parity)


class _Walk:
    """The order, contexts and probabilities that encoder and decoder share."""

    def __init__(self, values: Int8Array, *, known: bool) -> None:
        self.values = values
        self.encoding = known
        self.ndim = values.ndim
        # Counts of zeros and ones for each parity (as a binary number) and context.
        self.counts = np.zeros((2**self.ndim, SHARES * 3**self.ndim, 2), dtype=np.int64)
        self.stride = 0

    def run(self, exchange: Exchange) -> None:
        corner = (0,) * self.ndim
        half = np.array([TOTAL // 2, TOTAL // 2], dtype=np.int64)
        first = np.array([self.values[corner]], dtype=np.int32)
        self.values[corner] = exchange(first if self.encoding else 1, half)[0]
        for step in passes(self.values.shape):
            if step.stride != self.stride:
                self.stride = step.stride
                self.counts >>= 1
            self._run_pass(step, exchange)

    def _run_pass(self, step: _Pass, exchange: Exchange) -> None:
        lattice = self.values[(slice(None, None, step.stride),) * self.ndim]
        target = lattice[tuple(slice(odd, None, 2) for odd in step.parity)]
        if target.size == 0:
            return
        contexts = self._contexts(lattice, step, target.shape).ravel()
        counts = self.counts[int("".join(map(str, step.parity)), 2)]
        symbols = target.ravel().astype(np.int32)
        chunk = max(MIN_CHUNK, -(-len(symbols) // CHUNKS_PER_PASS))
        for start in range(0, len(symbols), chunk):
            part = slice(start, start + chunk)
            self._run_chunk(symbols[part], contexts[part], counts, exchange)
        target[...] = symbols.reshape(target.shape)

    def _run_chunk(
        self,
        symbols: Int32Array,
        contexts: Int64Array,
        counts: Int64Array,
        exchange: Exchange,
    ) -> None:
        before = counts.copy()
        for context in np.unique(contexts):
            chosen = contexts == context
            frequencies = _bernoulli(before[context])
            if self.encoding:
                exchange(symbols[chosen], frequencies)
            else:
                symbols[chosen] = exchange(int(chosen.sum()), frequencies)
            ones = int(symbols[chosen].sum())
            counts[context] += (int(chosen.sum()) - ones, ones)
            while counts[context].sum() > COUNT_LIMIT:
                counts[context] >>= 1

    def _contexts(self, lattice: Int8Array, step: _Pass, shape: tuple[int, ...]) -> Int64Array:
        """Context of each target: agreement of the two neighbours along each axis, then the
        weighted share of ones among all decoded neighbours."""
        near = np.zeros((self.ndim, 2, *shape), dtype=np.int16)
        every = np.zeros((2, *shape), dtype=np.int16)
        rank = (-sum(step.parity), step.parity)
        for offset in itertools.product((-1, 0, 1), repeat=self.ndim):
            moved = tuple((odd + by) % 2 for odd, by in zip(step.parity, offset, strict=True))
            if not any(offset) or (any(moved) and (-sum(moved), moved) >= rank):
                continue
            distance = sum(abs(by) for by in offset)
            _add_neighbours(lattice, step.parity, offset, every, 1 << (3 - min(3, distance)))
            if distance == 1:
                axis = next(axis for axis, by in enumerate(offset) if by)
                _add_neighbours(lattice, step.parity, offset, near[axis], 1)
        contexts = np.zeros(shape, dtype=np.int64)
        for known, ones in near:
            agreed = np.where(ones == 0, 0, np.where(ones == known, 2, 1))
            contexts = 3 * contexts + np.where(known == 0, 1, agreed)
        known, ones = every
        share = np.where(known > 0, (SHARES - 1) * ones // np.maximum(known, 1), SHARES // 2)
        return SHARES * contexts + share


def _add_neighbours(
    lattice: Int8Array,
    parity: tuple[int, ...],
    offset: tuple[int, ...],
    sums: Int16Array,
    weight: int,
) -> None:
    """Add the neighbour at `offset`, where it lies inside, to `sums` = (weights, ones)."""
    source, destination = [], []
    for axis, (odd, by) in enumerate(zip(parity, offset, strict=True)):
        length, count = lattice.shape[axis], sums.shape[axis + 1]
        first = 1 if odd + by < 0 else 0
        start = odd + by + 2 * first
        available = max(0, min(count - first, (length - start + 1) // 2))
        source.append(slice(start, start + 2 * available, 2))
        destination.append(slice(first, first + available))
    weights, ones = sums
    weights[tuple(destination)] += weight
    ones[tuple(destination)] += weight * lattice[tuple(source)]


def _bernoulli(counts: Int64Array) -> Int64Array:
    """Frequencies of (0, 1) after `counts` of each: (2 n + 1) / (2 (n0 + n1) + 2), kept inside."""
    zeros, ones = int(counts[0]), int(counts[1])
    frequency = TOTAL * (2 * ones + 1) // (2 * (zeros + ones) + 2)
    frequency = min(max(frequency, 1), TOTAL - 1)
    return np.array([TOTAL - frequency, frequency], dtype=np.int64)
