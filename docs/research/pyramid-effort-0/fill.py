"""Fill invalid samples so that they cost as few bits as possible (encoder only)."""

from __future__ import annotations

import os

import numpy as np

import wavelet


def pull_push(x, mask):
    """Smooth extension: averages over ever larger cells, then back down."""
    if mask.all():
        return x.copy()
    if not mask.any():
        return np.zeros_like(x)
    sums, counts = np.where(mask, x, 0).astype(np.float64), mask.astype(np.float64)
    for axis in range(x.ndim):
        if x.shape[axis] > 1:
            sums, counts = _pair(sums, axis), _pair(counts, axis)
    coarse = pull_push(np.where(counts > 0, sums / np.maximum(counts, 1), 0).astype(np.float32), counts > 0)
    for axis in range(x.ndim):
        if x.shape[axis] > 1:
            coarse = _up(coarse, axis, x.shape[axis])
    return np.where(mask, x, coarse).astype(np.float32)


def _pair(a, axis):
    n = a.shape[axis]
    if n % 2:
        a = np.concatenate([a, np.zeros_like(np.take(a, [0], axis))], axis)
    even = np.take(a, range(0, a.shape[axis], 2), axis)
    return even + np.take(a, range(1, a.shape[axis], 2), axis)


def _up(a, axis, n):
    """Linear interpolation from cell centres."""
    pos = np.clip((np.arange(n) - 0.5) / 2, 0, a.shape[axis] - 1)
    lo = np.floor(pos).astype(int)
    hi = np.minimum(lo + 1, a.shape[axis] - 1)
    f = (pos - lo).reshape([-1 if k == axis else 1 for k in range(a.ndim)]).astype(np.float32)
    return np.take(a, lo, axis) * (1 - f) + np.take(a, hi, axis) * f


def smooth(x, mask, rounds):
    """Jacobi steps towards the harmonic extension, axes of neighbours only."""
    for _ in range(rounds):
        total = np.zeros_like(x)
        for axis in range(x.ndim):
            if x.shape[axis] > 1:
                a = np.take(x, [0, *range(x.shape[axis] - 1)], axis)
                b = np.take(x, [*range(1, x.shape[axis]), -1], axis)
                total += a + b
        total /= 2 * sum(n > 1 for n in x.shape)
        x = np.where(mask, x, total)
    return x


def project(x, mask, axes, step, rounds=12):
    """Alternate between 'few coefficients' (soft threshold) and 'agrees with the valid samples'.

    Axes with code > 0 are in the joint wavelet, -2 has its own, others count as having their own too.
    """
    x = x.copy()
    own = [0 if n > 0 else wavelet.default_levels(m, 4) for n, m in zip(axes, x.shape)]
    joint = [max(n, 0) for n in axes]
    low = wavelet.box_sizes(x.shape, joint, max(joint))
    low = tuple(slice(0, n) for n in low)
    t = np.float32(step * THRESHOLD)
    before = x
    y = x
    for k in range(rounds):
        t = np.float32(step * max(THRESHOLD, START * (THRESHOLD / START) ** (k / max(rounds * ANNEAL, 1))))
        c = y.copy()
        if max(own):
            wavelet.forward(c, own)
        wavelet.forward(c, joint)
        keep = c[low].copy()
        c = np.sign(c) * np.maximum(np.abs(c) - t, 0)
        c[low] = keep
        wavelet.inverse(c, joint)
        if max(own):
            wavelet.inverse(c, own)
        x = np.where(mask, x, c)
        y = x + np.float32(MOMENTUM * k / (k + 3)) * (x - before)
        before = x
    return x


START = float(os.environ.get("P_FSTART", 20))
ANNEAL = 0.7
MOMENTUM = float(os.environ.get("P_FM", 1))
THRESHOLD = float(os.environ.get("P_FT", 0.6))
