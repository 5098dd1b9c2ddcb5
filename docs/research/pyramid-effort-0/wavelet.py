"""Biorthogonal 9/7 wavelet by lifting: any length, symmetric boundaries, critically sampled.

A line x[0..n-1] is split into ceil(n/2) low and floor(n/2) high coefficients, low first.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

ALPHA, BETA, GAMMA, DELTA = (
    np.float32(-1.586134342059924),
    np.float32(-0.052980118572961),
    np.float32(0.882911075530934),
    np.float32(0.443506852043971),
)
KAPPA = np.float32(1.149604398860241)  # low band scale; high band 1/KAPPA (near-orthonormal)
BLOCK = 16


@njit(cache=True, fastmath=True, inline="always")
def _lift(t, n, parity, c):
    """t[i] += c (t[i-1] + t[i+1]) for i of the parity; a missing neighbour is the other one."""
    for i in range(parity, n, 2):
        lo = i - 1 if i > 0 else i + 1
        hi = i + 1 if i + 1 < n else i - 1
        for j in range(BLOCK):
            t[i, j] += c * (t[lo, j] + t[hi, j])


@njit(cache=True, parallel=True, fastmath=True)
def _analyse(v):
    a, b, m, n = v.shape
    half = (n + 1) // 2
    for ab in prange(a * b):
        t = np.empty((n, BLOCK), np.float32)
        i0, i1 = ab // b, ab % b
        for s in range(0, m, BLOCK):
            w = min(BLOCK, m - s)
            for i in range(n):
                for j in range(w):
                    t[i, j] = v[i0, i1, s + j, i]
            _lift(t, n, 1, ALPHA)
            _lift(t, n, 0, BETA)
            _lift(t, n, 1, GAMMA)
            _lift(t, n, 0, DELTA)
            for i in range(n):
                k = i // 2 if i % 2 == 0 else half + i // 2
                f = KAPPA if i % 2 == 0 else np.float32(1) / KAPPA
                for j in range(w):
                    v[i0, i1, s + j, k] = t[i, j] * f


@njit(cache=True, parallel=True, fastmath=True)
def _synthesise(v):
    a, b, m, n = v.shape
    half = (n + 1) // 2
    for ab in prange(a * b):
        t = np.empty((n, BLOCK), np.float32)
        i0, i1 = ab // b, ab % b
        for s in range(0, m, BLOCK):
            w = min(BLOCK, m - s)
            for i in range(n):
                k = i // 2 if i % 2 == 0 else half + i // 2
                f = np.float32(1) / KAPPA if i % 2 == 0 else KAPPA
                for j in range(w):
                    t[i, j] = v[i0, i1, s + j, k] * f
            _lift(t, n, 0, -DELTA)
            _lift(t, n, 1, -GAMMA)
            _lift(t, n, 0, -BETA)
            _lift(t, n, 1, -ALPHA)
            for i in range(n):
                for j in range(w):
                    v[i0, i1, s + j, i] = t[i, j]


def box_sizes(shape, levels, level):
    """Shape of the low box after `level` splits."""
    return tuple(_after(n, min(level, k)) for n, k in zip(shape, levels))


def _after(n, k):
    for _ in range(k):
        n = (n + 1) // 2
    return n


def forward(x, levels):
    """In place, x 4-D float32; axis a is split in the levels 0..levels[a]-1."""
    for level in range(max(levels)):
        box = x[tuple(slice(0, n) for n in box_sizes(x.shape, levels, level))]
        for axis in range(4):
            if level < levels[axis] and box.shape[axis] > 1:
                _analyse(np.moveaxis(box, axis, 3))


def inverse(x, levels):
    for level in reversed(range(max(levels))):
        box = x[tuple(slice(0, n) for n in box_sizes(x.shape, levels, level))]
        for axis in reversed(range(4)):
            if level < levels[axis] and box.shape[axis] > 1:
                _synthesise(np.moveaxis(box, axis, 3))


def default_levels(n, floor=8):
    """Splits until the low part would fall under `floor` samples (n 16..31 with floor 8: 1)."""
    k = 0
    while (n + 1) // 2 >= floor:
        n = (n + 1) // 2
        k += 1
    return k
