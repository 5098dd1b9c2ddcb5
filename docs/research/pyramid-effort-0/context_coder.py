"""Binary range coder, adaptive bits with logistic mixing, and the coefficient coder (numba).

Everything a decoder needs is integer arithmetic.
"""

from __future__ import annotations

import math
import os

import numpy as np
from numba import njit, prange

# ---- tables ---------------------------------------------------------------------------------
STEPS = 256  # stretch units per nat
REACH = 2815  # 11 nats
SQUASH = np.array(
    [min(65535, max(1, round(65536 / (1 + math.exp(-i / STEPS))))) for i in range(-REACH, REACH + 1)],
    np.int64,
)
STRETCH = np.array(
    [max(-REACH, min(REACH, round(STEPS * math.log((i + 0.5) / (4095.5 - i))))) for i in range(4096)], np.int64
)
COUNT_LIMIT = int(os.environ.get("P_LIM", 100))
RATE = np.array([int(65536 / (n + 1.5)) for n in range(COUNT_LIMIT + 1)], np.int64)
COST = np.array([16 - math.log2(max(i, 0.5)) for i in range(65537)], np.float32)  # bits of p / 65536

INPUTS = 4
DECISIONS = 32  # unary decisions kept apart
SLOTS = 1024  # contexts per input and decision
LUT_SIZE = 16384


def _qlog(x, sub):
    """Level of x >= 0 on a log scale with 2^sub levels an octave: 0 -> 0."""
    if x == 0:
        return 0
    b = x.bit_length() - 1
    frac = (x << sub >> b) - (1 << sub)
    return 1 + (b << sub) + frac


FINE = np.array([min(47, _qlog(x, 2)) for x in range(LUT_SIZE)], np.int64)
MID = np.array([min(23, _qlog(x, 1)) for x in range(LUT_SIZE)], np.int64)
ROUGH = np.array([min(11, _qlog(x, 0)) for x in range(LUT_SIZE)], np.int64)
W0 = int(65536 * float(os.environ.get("P_W0", 0.3)))
LR = int(os.environ.get("P_LR", 6))
LR_SHIFT = 18

# state layout of the coder: int64 vector
X1, X2, X, POS = 0, 1, 2, 3
TOP = np.int64(1) << 40


class Model:
    """All adaptive state of one stream."""

    def __init__(self):
        n = INPUTS * DECISIONS * SLOTS
        self.p = np.full(n, -1, np.int64)  # 22 bits; -1: never used
        self.n = np.zeros(n, np.int64)
        self.w = np.full((DECISIONS * 16, INPUTS), W0, np.int64)
        self.zero_p = np.full(64, 1 << 18, np.int64)  # 22 bits: the all-zero neighbourhood
        self.zero_n = np.zeros(64, np.int64)
        self.low_p = np.full(64, 1 << 21, np.int64)
        self.low_n = np.zeros(64, np.int64)
        self.sign_p = np.full(8192, 1 << 21, np.int64)
        self.sign_n = np.zeros(8192, np.int64)
        self.bits = np.zeros(4, np.float64)

    def arrays(self):
        return (self.p, self.n, self.w, self.zero_p, self.zero_n, self.low_p, self.low_n, self.sign_p, self.sign_n, self.bits)


@njit(cache=True, inline="always")
def _code(st, buf, enc, p16, bit):
    """Code one bit; p16 = P(1) * 65536 in 1..65535."""
    x1 = st[0]
    x2 = st[1]
    mid = x1 + (((x2 - x1) * p16) >> 16)
    if enc == 0:
        bit = 1 if st[2] <= mid else 0
    if bit:
        x2 = mid
    else:
        x1 = mid + 1
    while (x1 ^ x2) >> 32 == 0:
        if enc:
            buf[st[3]] = x1 >> 32
            st[3] += 1
        else:
            byte = buf[st[3]] if st[3] < buf.size else 0
            st[2] = ((st[2] & 0xFFFFFFFF) << 8) | byte
            st[3] += 1
        x1 = (x1 & 0xFFFFFFFF) << 8
        x2 = ((x2 & 0xFFFFFFFF) << 8) | 255
    st[0] = x1
    st[1] = x2
    return bit


@njit(cache=True, inline="always")
def _adapt(p, n, i, bit, rate, limit):
    target = (1 << 22) - 1 if bit else 0
    p[i] += ((target - p[i]) * rate[n[i]]) >> 16
    if n[i] < limit:
        n[i] += 1


@njit(cache=True, inline="always")
def _direct(st, buf, enc, p, n, i, bit, rate, limit):
    """A bit of one adaptive probability, no mixing."""
    p16 = min(max(p[i] >> 6, 1), 65535)
    bit = _code(st, buf, enc, p16, bit)
    _adapt(p, n, i, bit, rate, limit)
    return bit


@njit(cache=True, inline="always")
def _mix(p, w, slots, wi, s, init, stretch, squash):
    dot = np.int64(0)
    for k in range(slots.size):
        v = p[slots[k]]
        v = stretch[(v if v >= 0 else init) >> 10]
        s[k] = v
        dot += w[wi, k] * v
    dot >>= 16
    dot = min(max(dot, -2815), 2815)
    return squash[dot + 2815]


@njit(cache=True, inline="always")
def _learn(p, n, w, slots, wi, s, init, p16, bit, rate, limit, lr):
    err = ((bit << 16) - p16) * lr
    for k in range(slots.size):
        w[wi, k] += (s[k] * err + (1 << 17)) >> 18
        if p[slots[k]] < 0:
            p[slots[k]] = init
        _adapt(p, n, slots[k], bit, rate, limit)


@njit(cache=True, inline="always")
def _bucket(m):
    """Magnitude -> unary index, number of low bits."""
    if m < 5:
        return m, 0
    v = m - 1  # 4.. : octaves in two halves
    b = 2
    while v >> (b + 1):
        b += 1
    half = (v >> (b - 1)) & 1
    return 5 + 2 * (b - 2) + half, b - 1


@njit(cache=True, inline="always")
def _bucket_base(k):
    if k < 5:
        return k, 0
    b = (k - 5) // 2 + 2
    half = (k - 5) & 1
    return ((2 + half) << (b - 1)) + 1, b - 1


@njit(cache=True, inline="always")
def _lms(wp, d, err, energy):
    gain = min(max(err, -(1 << 20)), 1 << 20) * LMS_GAIN
    for k in range(d.size):
        wp[k] += (gain * d[k]) // (energy + 256)


LMS_GAIN = int(os.environ.get("P_MU", 200))


@njit(cache=True)
def code_band(
    st, buf, enc, coef, q, mag, offs, weights, wsum, near, prior_a, prior_b, band_id, lam,
    predict, val, sgn, p, n, w, zp, zn, lp, ln, sp, sn, bits,
    stretch, squash, rate, limit, lr, fine, mid, rough, cost,
):
    """Code one band in raster order.

    coef: float32 |c|/step with sign (encoder), q: int32 out (or in), mag: zeroed int32 (n0+1, n1+2, n2+2, n3+3)
    offs/weights: causal neighbours in mag (flat), near: 3 flat offsets; prior_a (parent), prior_b (siblings):
    expected magnitude in 1/16 or -1 if there is none.
    """
    n0, n1, n2, n3 = q.shape
    m1 = mag.shape[1] * mag.shape[2] * mag.shape[3]
    m2 = mag.shape[2] * mag.shape[3]
    m3 = mag.shape[3]
    flat = mag.ravel()
    sflat = sgn.ravel()
    vflat = val.ravel()
    taps = offs.size
    d = np.zeros(taps, np.int64)
    wp = np.zeros(taps, np.int64)
    pred = np.int64(0)
    pred16 = np.int64(0)
    c16 = np.int64(0)
    energy = np.int64(0)
    slots = np.empty(4, np.int64)
    base = np.empty(4, np.int64)
    s = np.empty(4, np.int64)
    ps = np.empty(8, np.int64)
    has_a = prior_a.size > 0
    has_b = prior_b.size > 0
    norm = (16 << 16) // wsum
    plane = 32 * 1024
    wset0 = 8 if not has_a else 0
    for i0 in range(n0):
        for i1 in range(n1):
            for i2 in range(n2):
                row = (i0 + 2) * m1 + (i1 + 2) * m2 + (i2 + 2) * m3 + 2
                for i3 in range(n3):
                    at = row + i3
                    acc = np.int64(0)
                    for k in range(offs.size):
                        acc += weights[k] * flat[at + offs[k]]
                    a = (acc * norm) >> 16
                    ea = prior_a[i0, i1, i2, i3] if has_a else 0
                    eb = prior_b[i0, i1, i2, i3] if has_b else 0
                    x = np.float32(0)
                    sign = 0
                    m = 0
                    if predict:
                        # mean of the axis neighbours inside the band, corrected by normalised LMS
                        total = np.int64(0)
                        inside = 0
                        if i3 > 0:
                            total += vflat[at - 1]
                            inside += 1
                        if i2 > 0:
                            total += vflat[at - m3]
                            inside += 1
                        if i1 > 0:
                            total += vflat[at - m2]
                            inside += 1
                        if i0 > 0:
                            total += vflat[at - m1]
                            inside += 1
                        c16 = (16 * total) // inside if inside else np.int64(0)
                        acc = np.int64(0)
                        energy = np.int64(0)
                        full = i3 > 1 and i3 + 1 < n3 and (i2 > 1 or n2 == 1) and (i2 + 1 < n2 or n2 == 1) and (i1 > 1 or n1 <= 2) and (i1 + 1 < n1 or n1 == 1) and (i0 > 1 or n0 <= 2) and (i0 + 1 < n0 or n0 == 1)
                        if full:
                            for k in range(taps):
                                d[k] = 16 * vflat[at + offs[k]] - c16
                                acc += wp[k] * d[k]
                                energy += d[k] * d[k]
                        pred16 = c16 + (acc >> 16)
                        pred = (pred16 + 8) >> 4
                        if not full:
                            energy = -1
                    if enc:
                        x = coef[i0, i1, i2, i3]
                        if predict:
                            x -= np.float32(pred)
                        if x < 0:
                            x = -x
                            sign = 1
                        m = int(x + np.float32(0.5))
                    if a + ea + eb == 0:
                        i = band_id
                        if enc and m > 0 and lam > 0:
                            # all around is zero: one is worth it only if it pays
                            p1 = min(max(zp[i] >> 6, 1), 65535)
                            r0 = cost[65536 - p1]
                            r1 = cost[p1] + 3.0
                            d1 = x * x - (x - m) * (x - m)
                            if d1 < lam * (r1 - r0):
                                m = 0
                        bit = _direct(st, buf, enc, zp, zn, i, 1 if m > 0 else 0, rate, limit)
                        if bit == 0:
                            if predict:
                                q[i0, i1, i2, i3] = pred
                                vflat[at] = pred
                                if energy > 0:
                                    _lms(wp, d, 16 * pred - pred16, energy)
                            else:
                                q[i0, i1, i2, i3] = 0
                            continue
                        start = 1
                    else:
                        start = 0
                    # expected magnitude, blend
                    if has_a and has_b:
                        e = (2 * a + ea + eb) >> 2
                    elif has_a:
                        e = (2 * a + ea) // 3
                    elif has_b:
                        e = (2 * a + eb) // 3
                    else:
                        e = a
                    aa = min(a, 16383)
                    ra = rough[aa]
                    ee = min(e, 16383)
                    base[0] = mid[min(ea, 16383)] * 12 + ra
                    base[1] = plane + mid[min(eb, 16383)] * 12 + ra
                    base[2] = 2 * plane + (fine[ee] >> 1) + 24 * (band_id & 31)
                    v1 = min(flat[at + near[0]], 3)
                    v2 = min(flat[at + near[1]], 3)
                    v3 = min(flat[at + near[2]], 3)
                    base[3] = 3 * plane + v1 + 4 * v2 + 16 * v3 + 64 * min(rough[min((ea + eb) >> 1, 16383)], 7)
                    # prior probability of "more" from the blend: E / (E + 1)
                    if enc and m > 0 and m < 5 and lam > 0:
                        # rate-distortion choice between m and m - 1 (and 0 for m = 2)
                        for t in range(start, m + 1):
                            init = ((e + 2) << 22) // (e + 2 + (16 if t else 24))
                            for k in range(4):
                                slots[k] = base[k] + t * 1024
                            ps[t] = _mix(p, w, slots, t * 16 + wset0 + min(ra, 7), s, init, stretch, squash)
                        best = np.float32(1e30)
                        pick = m
                        run = np.float32(0)
                        for t in range(start, m + 1):
                            stop = run + cost[65536 - ps[t]] + (1.0 if t else 0.0)
                            dd = x - t
                            j = dd * dd + lam * stop
                            if t >= m - 1 or t == 0:
                                if j < best:
                                    best = j
                                    pick = t
                            run += cost[ps[t]]
                        m = pick
                    if m == 0:
                        sign = 0
                    index, low = _bucket(m)
                    t = start
                    while True:
                        tt = min(t, 31)
                        init = ((e + 2) << 22) // (e + 2 + (16 if t else 24))
                        for k in range(4):
                            slots[k] = base[k] + tt * 1024
                        wi = tt * 16 + wset0 + min(ra, 7)
                        p16 = _mix(p, w, slots, wi, s, init, stretch, squash)
                        bit = _code(st, buf, enc, p16, 1 if index > t else 0)
                        _learn(p, n, w, slots, wi, s, init, p16, bit, rate, limit, lr)
                        if bit == 0:
                            break
                        t += 1
                    if enc == 0:
                        m, low = _bucket_base(t)
                    if low:
                        v = 0
                        if enc:
                            b0, _ = _bucket_base(t)
                            v = m - b0
                        got = 0
                        for b in range(low - 1, -1, -1):
                            bit = (v >> b) & 1
                            if b == low - 1:
                                bit = _direct(st, buf, enc, lp, ln, min(t, 63), bit, rate, limit)
                            else:
                                bit = _code(st, buf, enc, 32768, bit)
                            got = 2 * got + bit
                        if enc == 0:
                            m += got
                    if m:
                        c = (sflat[at + near[0]] + 1) + 3 * (sflat[at + near[1]] + 1) + 9 * (sflat[at + near[2]] + 1) + 27 * (sflat[at + near[3]] + 1) + 81 * (band_id & 127)
                        if predict:
                            c = 4096 + pred16 - 16 * pred + 8 + 16 * min(m, 3)
                        sign = _direct(st, buf, enc, sp, sn, c, sign, rate, limit)
                        flat[at] = m
                        sflat[at] = -1 if sign else 1
                    r = -m if sign else m
                    if predict:
                        r += pred
                        vflat[at] = r
                        if energy > 0:
                            _lms(wp, d, 16 * r - pred16, energy)
                    q[i0, i1, i2, i3] = r


def start_encoder(capacity):
    st = np.zeros(4, np.int64)
    st[X2] = TOP - 1
    return st, np.zeros(capacity, np.uint8)


def finish_encoder(st, buf):
    n = int(st[POS])
    if st[X1] > 0:
        buf[n] = (int(st[X1]) >> 32) + 1
        n += 1
    out = buf[:n].tobytes()
    return out.rstrip(b"\0")


def start_decoder(data):
    st = np.zeros(4, np.int64)
    st[X2] = TOP - 1
    buf = np.frombuffer(data, np.uint8).copy()
    for i in range(5):
        st[X] = (int(st[X]) << 8) | (int(buf[i]) if i < len(buf) else 0)
    st[POS] = 5
    return st, buf


@njit(cache=True)
def blur(q, out):
    """out = 16 (c |q| + sum of the axis neighbours) / (c + number of them): expected magnitude in 1/16."""
    n0, n1, n2, n3 = q.shape
    axes = (n0 > 1) + (n1 > 1) + (n2 > 1) + (n3 > 1)
    c = 2 * axes
    norm = (16 << 16) // max(c + 2 * axes, 1) if axes else (16 << 16)
    if axes == 0:
        c = 1
    for i0 in range(n0):
        for i1 in range(n1):
            for i2 in range(n2):
                for i3 in range(n3):
                    v = c * abs(q[i0, i1, i2, i3])
                    if n3 > 1:
                        if i3 > 0:
                            v += abs(q[i0, i1, i2, i3 - 1])
                        if i3 + 1 < n3:
                            v += abs(q[i0, i1, i2, i3 + 1])
                    if n2 > 1:
                        if i2 > 0:
                            v += abs(q[i0, i1, i2 - 1, i3])
                        if i2 + 1 < n2:
                            v += abs(q[i0, i1, i2 + 1, i3])
                    if n1 > 1:
                        if i1 > 0:
                            v += abs(q[i0, i1 - 1, i2, i3])
                        if i1 + 1 < n1:
                            v += abs(q[i0, i1 + 1, i2, i3])
                    if n0 > 1:
                        if i0 > 0:
                            v += abs(q[i0 - 1, i1, i2, i3])
                        if i0 + 1 < n0:
                            v += abs(q[i0 + 1, i1, i2, i3])
                    out[i0, i1, i2, i3] = min((v * norm) >> 16, 65535)


@njit(cache=True)
def upsample_to(src, shifts, out):
    """out[i] = src[min(i >> shift, last)]"""
    n0, n1, n2, n3 = out.shape
    for i0 in range(n0):
        j0 = min(i0 >> shifts[0], src.shape[0] - 1)
        for i1 in range(n1):
            j1 = min(i1 >> shifts[1], src.shape[1] - 1)
            for i2 in range(n2):
                j2 = min(i2 >> shifts[2], src.shape[2] - 1)
                for i3 in range(n3):
                    out[i0, i1, i2, i3] = src[j0, j1, j2, min(i3 >> shifts[3], src.shape[3] - 1)]


@njit(cache=True)
def accumulate(src, out):
    """out += src over the common box, the last value repeated beyond src."""
    n0, n1, n2, n3 = out.shape
    for i0 in range(n0):
        j0 = min(i0, src.shape[0] - 1)
        for i1 in range(n1):
            j1 = min(i1, src.shape[1] - 1)
            for i2 in range(n2):
                j2 = min(i2, src.shape[2] - 1)
                for i3 in range(n3):
                    out[i0, i1, i2, i3] += src[j0, j1, j2, min(i3, src.shape[3] - 1)]
