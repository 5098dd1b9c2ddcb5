"""Context-coded bits of masks (section 8.1).

`code_bits` walks the bits in coding order and asks a `coder` for them, so that an encoder, which
knows the bits, can use the same walk.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt

from .errors import Malformed
from .range_coder import RangeDecoder

Bits = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Parity = tuple[int, ...]
Coder = Callable[[int, Positions], Bits]
"""Given f1 and flat positions in coding order, codes the bits there and returns them."""

TOTAL = 2**24
_MAX_AXES = 4
_MAX_COUNT = 65536
_WEIGHTS = (0, 4, 2, 1, 1)


def decode_bits(shape: tuple[int, ...], data: bytes) -> Bits:
    """Decode the bits of a mask of a shape from which no axis is dropped yet."""
    decoder = RangeDecoder(data)

    def coder(f1: int, positions: Positions) -> Bits:
        f0 = TOTAL - f1
        symbols = decoder.decode((f0, f1), (0, f0), positions.size)
        return np.array(symbols, dtype=np.uint8)

    bits = code_bits(shape, coder)
    decoder.finish()
    return bits


def code_bits(shape: tuple[int, ...], coder: Coder) -> Bits:
    """Walk over all bits in coding order; return them in the given shape."""
    axes = tuple(size for size in shape if size > 1) or (1,)
    if len(axes) > _MAX_AXES:
        raise Malformed("MASK-5: more than 4 axes")
    bits = np.zeros(axes, dtype=np.uint8)
    flat = bits.reshape(-1)
    flat[:1] = coder(TOTAL // 2, np.zeros(1, dtype=np.int64))
    parities = parity_order(len(axes))
    counts = {parity: np.zeros((3 ** len(axes) * 9, 2), np.int64) for parity in parities}
    stride = (1 << (max(axes) - 1).bit_length()) // 2
    while stride >= 1:
        for table in counts.values():
            table >>= 1
        for parity in parities:
            _pass(bits, stride, parity, parities, counts[parity], coder)
        stride //= 2
    return bits.reshape(shape)


def parity_order(axes: int) -> list[Parity]:
    """Return the parity vectors other than 0 by descending sum, then lexicographically."""
    vectors = [e for e in product((0, 1), repeat=axes) if any(e)]
    return sorted(vectors, key=lambda e: (-sum(e), e))


def _pass(
    bits: Bits,
    stride: int,
    parity: Parity,
    parities: list[Parity],
    counts: npt.NDArray[np.int64],
    coder: Coder,
) -> None:
    """Code all positions `stride * (e + 2k)` of one parity."""
    lengths = [
        max(0, -(-(size - stride * e) // (2 * stride)))
        for size, e in zip(bits.shape, parity, strict=True)
    ]
    total = int(np.prod(lengths))
    if total == 0:
        return
    positions = _positions(bits.shape, stride, parity, lengths)
    contexts = _contexts(bits, stride, parity, parities, lengths)
    flat = bits.reshape(-1)
    chunk = max(1024, -(-total // 64))
    for start in range(0, total, chunk):
        part = contexts[start : start + chunk]
        order = np.argsort(part, kind="stable")
        distinct, first = np.unique(part[order], return_index=True)
        for context, where in zip(distinct.tolist(), np.split(order, first[1:]), strict=True):
            target = positions[start + where]
            row = counts[context]
            coded = coder(_probability(int(row[0]), int(row[1])), target)
            flat[target] = coded
            ones = int(np.count_nonzero(coded))
            row += (target.size - ones, ones)
            while int(row.sum()) > _MAX_COUNT:
                row >>= 1


def _probability(n0: int, n1: int) -> int:
    """Return f1 for two counts."""
    return min(max(TOTAL * (2 * n1 + 1) // (2 * (n0 + n1) + 2), 1), TOTAL - 1)


def _positions(
    shape: tuple[int, ...], stride: int, parity: Parity, lengths: list[int]
) -> Positions:
    """Return the flat indices of a pass in C order."""
    flat = np.zeros(1, dtype=np.int64)
    for size, e, length in zip(shape, parity, lengths, strict=True):
        along = stride * (e + 2 * np.arange(length, dtype=np.int64))
        flat = (flat[:, None] * size + along).reshape(-1)
    return flat


def _contexts(
    bits: Bits, stride: int, parity: Parity, parities: list[Parity], lengths: list[int]
) -> npt.NDArray[np.int16]:
    """Return the contexts of a pass; no neighbour of a pass is in the pass itself."""
    axes = bits.ndim
    earlier = {(0,) * axes, *parities[: parities.index(parity)]}
    weights, ones = np.zeros(lengths, np.int16), np.zeros(lengths, np.int16)
    along = [np.zeros((2, *lengths), np.int16) for _ in range(axes)]
    for offset in product((-1, 0, 1), repeat=axes):
        reached = tuple((e + o) % 2 for e, o in zip(parity, offset, strict=True))
        entries = sum(map(abs, offset))
        if entries == 0 or reached not in earlier:
            continue
        target, source = _slices(bits.shape, stride, parity, offset, lengths)
        neighbours = bits[source].astype(np.int16)
        weights[target] += _WEIGHTS[entries]
        ones[target] += _WEIGHTS[entries] * neighbours
        if entries == 1:
            axis = next(a for a in range(axes) if offset[a])
            along[axis][0][target] += 1
            along[axis][1][target] += neighbours
    context = np.zeros(lengths, np.int16)
    for number, sum_of_bits in along:
        t = np.where(sum_of_bits == 0, 0, np.where(sum_of_bits == number, 2, 1))
        context = (context * 3 + np.where(number == 0, 1, t)).astype(np.int16)
    h = np.where(weights == 0, 4, 8 * ones // np.maximum(weights, 1))
    return (context * 9 + h).astype(np.int16).reshape(-1)


def _slices(
    shape: tuple[int, ...], stride: int, parity: Parity, offset: Parity, lengths: list[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a pass has the neighbour inside the mask, and where these neighbours are."""
    target: list[slice] = []
    source: list[slice] = []
    for size, e, o, length in zip(shape, parity, offset, lengths, strict=True):
        first = 1 if e + o < 0 else 0
        begin = stride * (e + o + 2 * first)
        inside = max(0, -(-(size - begin) // (2 * stride)))
        stop = min(length, first + inside)
        target.append(slice(first, max(first, stop)))
        source.append(slice(begin, begin + 2 * stride * max(0, stop - first), 2 * stride))
    return tuple(target), tuple(source)
