"""Coding of the coefficients of a lattice by mixing (section 7.4, "Memory" and "A band")."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from .lattice import AXES, Band, Lattice
from .magnitudes import MagnitudeChances
from .mixing import BitCoder, DirectChances, fine, middle, rough
from .numbers import Int64Array

_LARGEST = 32767
_BEFORE, _AFTER = 2, 1
"""Cells around a band that stand for what lies outside it."""


class LatticeModel:
    """Codes a lattice band after band and remembers what it learned.

    `wanted` are the integers to be encoded; a decoder gives zeros, which have no effect.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.magnitude = MagnitudeChances()
        self.zero = DirectChances(64, 2**18)
        self.sign = DirectChances(4160, 2**21)
        self._blocks: dict[tuple[int, int], Int64Array] = {}
        self._next = 0

    def code(self, coder: BitCoder, wanted: Sequence[int]) -> list[int]:
        """Code the next `len(wanted)` coefficients, which are whole bands."""
        out: list[int] = []
        while len(out) < len(wanted):
            band = self.lattice.bands[self._next]
            self._next += 1
            ea, eb, family = self._priors(band)
            part = wanted[len(out) : len(out) + band.entries]
            values = BandModel(self, band, family).code(coder, part, ea, eb)
            block = np.array(values, dtype=np.int64).reshape(band.lengths)
            self._blocks[band.level, band.orientation] = blurred(block)
            out += values
        return out

    def _priors(self, band: Band) -> tuple[list[int], list[int], tuple[bool, bool]]:
        """Return the parent and sibling priors of a band, and whether it has any (step 2)."""
        ea = np.zeros(band.lengths, dtype=np.int64)
        eb = np.zeros(band.lengths, dtype=np.int64)
        if band.is_low:
            return ea.reshape(-1).tolist(), eb.reshape(-1).tolist(), (False, False)
        parent = self._blocks.get((band.level + 1, band.orientation))
        if parent is not None:
            halves = [int(band.level + 1 < count) for count in self.lattice.levels]
            ea = _spread(parent, band, halves)
        siblings = [b for (j, _), b in self._blocks.items() if j == band.level]
        for sibling in siblings:
            eb += _spread(sibling, band, [0] * AXES)
        eb //= max(1, len(siblings))
        family = (parent is not None, bool(siblings))
        return ea.reshape(-1).tolist(), eb.reshape(-1).tolist(), family


def blurred(block: Int64Array) -> Int64Array:
    """Return B of a band: its magnitudes, blurred, in sixteenths."""
    axes = [axis for axis in range(AXES) if block.shape[axis] > 1]
    sizes = np.abs(block)
    if not axes:
        return np.asarray(np.minimum(16 * sizes, 65535), dtype=np.int64)
    v = 2 * len(axes) * sizes
    for axis in axes:
        ahead, behind = [slice(None)] * AXES, [slice(None)] * AXES
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        v[tuple(ahead)] += sizes[tuple(behind)]
        v[tuple(behind)] += sizes[tuple(ahead)]
    scaled = v * (2**20 // (4 * len(axes))) >> 16
    return np.asarray(np.minimum(scaled, 65535), dtype=np.int64)


def _spread(block: Int64Array, band: Band, halves: Sequence[int]) -> Int64Array:
    """Look up another band at the place of each coefficient of a band."""
    places = [
        np.minimum(np.arange(length) >> half, last - 1)
        for length, half, last in zip(band.lengths, halves, block.shape, strict=True)
    ]
    return np.asarray(block[np.ix_(*places)], dtype=np.int64)


def taps_of(lengths: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """Return the offsets and weights of the taps of a band."""
    out: list[tuple[tuple[int, ...], int]] = []
    for offset in product((-1, 0, 1), repeat=AXES):
        entries = sum(map(abs, offset))
        if offset < (0,) * AXES and entries in (1, 2):
            out.append((offset, 4 if entries == 1 else 2))
    for axis in range(AXES):
        if lengths[axis] > 2:
            out.append((tuple(-2 if a == axis else 0 for a in range(AXES)), 1))
    return [
        (offset, weight)
        for offset, weight in out
        if not any(o and length == 1 for o, length in zip(offset, lengths, strict=True))
    ]


class BandModel:
    """Codes one band; its cells lie in lists with a margin of zeros around axes of length > 1."""

    def __init__(self, model: LatticeModel, band: Band, family: tuple[bool, bool]) -> None:
        self.model = model
        self.band = band
        self.family = family
        self._lay_out(band.lengths)
        taps = taps_of(band.lengths)
        self.taps = [sum(map(_times, o, self.strides)) for o, _ in taps]
        self.tap_weights = [weight for _, weight in taps]
        self.unit = 2**20 // max(sum(self.tap_weights), 1)
        self.u = [0] * len(taps)
        self.t = [65536 // (len(taps) + 2)] * (len(taps) + 3)

    def _lay_out(self, lengths: Sequence[int]) -> None:
        """Make the lists of cells, all 0."""
        self.padded = [n > 1 for n in lengths]
        widths = [
            n + (_BEFORE + _AFTER) * wide for n, wide in zip(lengths, self.padded, strict=True)
        ]
        self.strides = [1] * AXES
        for axis in range(AXES - 2, -1, -1):
            self.strides[axis] = self.strides[axis + 1] * widths[axis + 1]
        cells = self.strides[0] * widths[0]
        self.magnitudes, self.fines = [0] * cells, [0] * cells
        self.signs, self.values = [0] * cells, [0] * cells
        self.inside = [False] * cells
        self.cells: list[int] = []
        for place in product(*map(range, lengths)):
            cell = sum(
                (i + _BEFORE * wide) * stride
                for i, wide, stride in zip(place, self.padded, self.strides, strict=True)
            )
            self.cells.append(cell)
            self.inside[cell] = True

    def code(
        self, coder: BitCoder, wanted: Sequence[int], ea: Sequence[int], eb: Sequence[int]
    ) -> list[int]:
        """Code all coefficients of the band in C order."""
        out: list[int] = []
        for cell, a, b, value in zip(self.cells, ea, eb, wanted, strict=True):
            out.append(self._coefficient(coder, cell, a, b, value))
        return out

    def _coefficient(self, coder: BitCoder, cell: int, ea: int, eb: int, wanted: int) -> int:
        """Code one coefficient (steps 1 to 7)."""
        near = [cell + tap for tap in self.taps]
        weighted = sum(map(_times, self.tap_weights, (self.magnitudes[c] for c in near)))
        a = weighted * self.unit >> 16
        f, errors, energy = self._predict(cell, near) if self.band.is_low else (0, [], 0)
        pred = (f + 8) >> 4
        want = wanted - pred
        r, first = 0, 0
        if a + ea + eb == 0:
            first = self.model.zero.code(coder, self.band.kind, int(want != 0))
        if first or a + ea + eb:
            r = self._magnitude(coder, cell, near, (a, ea, eb), first, abs(want))
        if r:
            context = self._sign_context(cell, r, f, pred)
            r = -r if self.model.sign.code(coder, context, int(want < 0)) else r
        if energy:
            x = (min(max(16 * (r + pred) - f, -(2**20)), 2**20) * 200 << 20) // (energy + 256)
            for k, d in enumerate(errors):
                self.u[k] = min(max(self.u[k] + (x * d >> 20), -(2**20)), 2**20)
        self.magnitudes[cell] = min(abs(r), _LARGEST)
        self.fines[cell] = fine(16 * abs(r))
        self.signs[cell] = (r > 0) - (r < 0)
        self.values[cell] = r + pred
        return r + pred

    def _before(self, cell: int, axis: int) -> int | None:
        """Return the cell one before along an axis; none on axes of length 1."""
        return cell - self.strides[axis] if self.padded[axis] else None

    def _predict(self, cell: int, near: Sequence[int]) -> tuple[int, list[int], int]:
        """Return f, the d_k and E of the low band (step 3)."""
        before = [self._before(cell, axis) for axis in range(AXES)]
        values = [self.values[c] for c in before if c is not None and self.inside[c]]
        base = 16 * sum(values) // len(values) if values else 0
        errors = [
            min(max(16 * self.values[c] - base, -(2**26)), 2**26) if self.inside[c] else 0
            for c in near
        ]
        f = base + (sum(map(_times, self.u, errors)) >> 16)
        return min(max(f, -(2**31)), 2**31), errors, sum(d * d for d in errors)

    def _magnitude(
        self,
        coder: BitCoder,
        cell: int,
        near: Sequence[int],
        means: tuple[int, int, int],
        first: int,
        wanted: int,
    ) -> int:
        """Code |r| and learn from it (step 5); `first` is the first decision."""
        _, ea, eb = means
        features = [*(self.fines[c] for c in near), fine(ea), fine(eb), 4]
        total = sum(map(_times, self.t, features))
        contexts, row, e = self._contexts(cell, means, total)
        size = self.model.magnitude.code(coder, contexts, row, e, first, wanted)
        error = min(max(((fine(16 * size) << 16) - total) >> 4, -(2**18)), 2**18)
        x = (error * 20 << 10) // (sum(feature**2 for feature in features) + 64)
        for k, feature in enumerate(features):
            self.t[k] = min(max(self.t[k] + (x * feature >> 16), -(2**20)), 2**20)
        return size

    def _contexts(
        self, cell: int, means: tuple[int, int, int], total: int
    ) -> tuple[tuple[int, ...], int, int]:
        """Return the contexts of the decisions, their row of weights, and e."""
        a, ea, eb = means
        e = a
        if all(self.family):
            e = (2 * a + ea + eb) >> 2
        elif any(self.family):
            e = (2 * a + ea + eb) // 3
        before = [self._before(cell, axis) for axis in (3, 2, 1)]
        v1, v2, v3 = (min(self.magnitudes[c], 3) if c is not None else 0 for c in before)
        contexts = (
            12 * middle(ea) + rough(a),
            12 * middle(eb) + rough(a),
            (fine(e) >> 1) + 24 * (self.band.kind % 32),
            v1 + 4 * v2 + 16 * v3 + 64 * min(rough((ea + eb) >> 1), 7),
            8 * min(max(total >> 15, 0), 95) + min(v1, 1) + 2 * min(v2, 1) + 4 * min(v3, 1),
        )
        row = (0 if self.family[0] else 8) + min(rough(a), 7)
        return contexts, row, e

    def _sign_context(self, cell: int, size: int, f: int, pred: int) -> int:
        """Return the number of the sign chance (step 6)."""
        if self.band.is_low:
            return 4096 + f - 16 * pred + 8 + 16 * min(size, 3)
        context = 81 * self.band.kind
        for k in range(AXES):
            before = self._before(cell, 3 - k)
            context += 3**k * (1 + (self.signs[before] if before is not None else 0))
        return context


def _times(a: int, b: int) -> int:
    return a * b
