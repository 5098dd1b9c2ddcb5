"""Binary arithmetic coding with mixed adaptive chances (section 7.4, up to "Lattice").

The models ask a `BitCoder` for every bit and say which one they expect, so that an encoder, which
knows the bits, can use the same models; a decoder does not look at what is expected.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

SQUASH_KNOTS: tuple[int, ...] = (
    1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342,
    439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702, 11955,
    14595, 17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834,
    57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097,
    65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519,
    65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535,
)  # fmt: skip
"""A copy of `squash_knots`, so that the decoder needs no file; see `differences`."""

HALF = 32768
_STEEPEST = 2815
_ALL = 2**40 - 1
_TOP = 2**22 - 1
_MOST = 100
_HEAVIEST = 2**20


def differences(registry: Path) -> list[str]:
    """Compare the copy with the `squash_knots` of a registry file; empty when they agree."""
    knots = json.loads(registry.read_text(encoding="utf-8"))["squash_knots"]
    return [] if tuple(knots) == SQUASH_KNOTS else ["squash_knots differ"]


def _squash(v: int) -> int:
    i, f = (v + 2816) >> 6, (v + 2816) % 64
    value = (SQUASH_KNOTS[i] * (64 - f) + SQUASH_KNOTS[i + 1] * f + 32) >> 6
    return min(max(value, 1), 65535)


def _stretch() -> list[int]:
    """Return STRETCH; SQUASH never falls, so one walk over it is enough."""
    out: list[int] = []
    v = -_STEEPEST
    for i in range(4096):
        while v < _STEEPEST and SQUASH[v + _STEEPEST] < 16 * i + 8:
            v += 1
        out.append(v)
    return out


SQUASH = [_squash(v) for v in range(-_STEEPEST, _STEEPEST + 1)]
"""SQUASH[v] of the text is at index v + 2815."""
STRETCH = _stretch()
RATE = [131072 // (2 * n + 3) for n in range(_MOST + 1)]


def level(x: int, s: int, top: int) -> int:
    """Return LEVEL(x, s, top)."""
    x = min(x, 16383)
    if x == 0:
        return 0
    b = x.bit_length() - 1
    return min(top, 1 + (b << s) + ((x << s) >> b) - (1 << s))


def fine(x: int) -> int:
    """Return FINE(x)."""
    return level(x, 2, 47)


def middle(x: int) -> int:
    """Return MIDDLE(x)."""
    return level(x, 1, 23)


def rough(x: int) -> int:
    """Return ROUGH(x)."""
    return level(x, 0, 11)


class BitCoder(Protocol):
    """Codes bits one after the other."""

    def bit(self, chance: int, value: int) -> int:
        """Code one bit that is 1 with a chance of `chance` / 65536; return it.

        `value` is the bit as far as the caller knows; only an encoder looks at it.
        """


class BitDecoder:
    """The range decoder of section 7.4; no bytes are malformed (MIX-1)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = 5
        self._lower, self._upper = 0, _ALL
        self._point = int.from_bytes(data[:5].ljust(5, b"\0"), "big")

    def bit(self, chance: int, value: int) -> int:
        """Decode one bit."""
        middle = self._lower + ((self._upper - self._lower) * chance >> 16)
        bit = 1 if self._point <= middle else 0
        if bit:
            self._upper = middle
        else:
            self._lower = middle + 1
        while self._lower >> 32 == self._upper >> 32:
            byte = self._data[self._next] if self._next < len(self._data) else 0
            self._next += 1
            self._lower = self._lower << 8 & _ALL
            self._upper = (self._upper << 8 & _ALL) + 255
            self._point = (self._point << 8 & _ALL) + byte
        return bit


class DirectChances:
    """Adaptive chances that are used one at a time."""

    def __init__(self, number: int, start: int) -> None:
        self._p = [start] * number
        self._n = [0] * number

    def code(self, coder: BitCoder, index: int, value: int) -> int:
        """Code one direct bit with the chance `index`."""
        p = self._p[index]
        bit = coder.bit(min(max(p >> 6, 1), 65535), value)
        self._p[index] = moved(p, self._n[index], bit)
        self._n[index] = min(self._n[index] + 1, _MOST)
        return bit


class MixedChances:
    """Slots and rows of weights for mixed bits."""

    def __init__(self, slots: int, rows: int, inputs: int, weight: int, rate: int) -> None:
        self._p = [0] * slots
        self._n = [0] * slots
        self._weights = [[weight] * inputs for _ in range(rows)]
        self._rate = rate

    def code(self, coder: BitCoder, slots: Sequence[int], row: int, guess: int, value: int) -> int:
        """Code one mixed bit with some slots (numbers in one list) and a row of weights."""
        weights = self._weights[row]
        chances = [self._p[slot] if self._n[slot] else guess for slot in slots]
        stretched = [STRETCH[p >> 10] for p in chances]
        dot = sum(w * s for w, s in zip(weights, stretched, strict=True)) >> 16
        chance = SQUASH[min(max(dot, -_STEEPEST), _STEEPEST) + _STEEPEST]
        bit = coder.bit(chance, value)
        error = ((bit << 16) - chance) * self._rate
        for k, s in enumerate(stretched):
            weight = weights[k] + ((s * error + 2**17) >> 18)
            weights[k] = min(max(weight, -_HEAVIEST), _HEAVIEST)
        for slot, p in zip(slots, chances, strict=True):
            self._p[slot] = moved(p, self._n[slot], bit)
            self._n[slot] = min(self._n[slot] + 1, _MOST)
        return bit


def moved(p: int, n: int, bit: int) -> int:
    """Return the chance p, updated n times before, after one more bit."""
    return p + (((_TOP if bit else 0) - p) * RATE[n] >> 16)
