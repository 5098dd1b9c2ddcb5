"""Validity mask: raster order, three contexts mixed. The same adaptive bits and mixing as coefficients."""

from __future__ import annotations

import numpy as np
from numba import njit

import context_coder as cc


@njit(cache=True)
def _code(st, buf, enc, v, p, n, w, stretch, squash, rate, limit, lr):
    """v: int8 padded (n0+1, n1+2, n2+4) ; outside is 0."""
    slots = np.empty(4, np.int64)
    s = np.empty(4, np.int64)
    a, b, c = v.shape
    init = np.int64(1 << 21)
    for i in range(1, a):
        for j in range(2, b - 2):
            for k in range(2, c - 2):
                u = v[i - 1]
                y = v[i]
                # before in this row, rows above, slice before
                r = y[j, k - 1] + 2 * y[j, k - 2]
                q = y[j - 1, k - 1] + 2 * y[j - 1, k] + 4 * y[j - 1, k + 1] + 8 * y[j - 1, k + 2] + 16 * y[j - 1, k - 2]
                z = (u[j, k] + 2 * u[j, k + 1] + 4 * u[j + 1, k] + 8 * u[j, k - 1] + 16 * u[j - 1, k]
                     + 32 * u[j + 1, k + 1] + 64 * u[j + 1, k - 1] + 128 * u[j - 1, k + 1] + 256 * u[j - 1, k - 1])
                e = y[j - 2, k] + 2 * y[j - 2, k - 1] + 4 * y[j - 2, k + 1]
                f = u[j, k + 2] + 2 * u[j + 2, k] + 4 * u[j, k - 2] + 8 * u[j - 2, k]
                first = 1 if i == 1 else 0
                slots[0] = r + 4 * q + 128 * (u[j, k] + 2 * first)
                slots[1] = 4096 + (r & 1) + 2 * (q & 7) + 16 * z
                slots[2] = 2 * 4096 * 4 + r + 4 * q + 128 * e + 1024 * (u[j, k] + 2 * u[j, k + 1] + 4 * u[j + 1, k])
                slots[3] = 3 * 4096 * 4 + (z & 31) + 32 * f + 512 * ((r & 1) + 2 * (q & 7))
                wi = u[j, k] + 2 * (r & 1) + 4 * ((q >> 1) & 1) + 8 * first
                p16 = cc._mix(p, w, slots, wi, s, init, stretch, squash)
                bit = cc._code(st, buf, enc, p16, v[i, j, k])
                cc._learn(p, n, w, slots, wi, s, init, p16, bit, rate, limit, lr)
                v[i, j, k] = bit


def _run(v, st, buf, enc):
    p = np.full(4 * 4 * 4096, -1, np.int64)
    w = np.full((16, 4), int(65536 * 0.4), np.int64)
    _code(st, buf, enc, v, p, np.zeros(p.size, np.int64), w, cc.STRETCH, cc.SQUASH, cc.RATE, cc.COUNT_LIMIT, LR)


LR = 4


def _padded(shape):
    three = (int(np.prod(shape[:-2])), *shape[-2:])
    return three, np.zeros([three[0] + 1, three[1] + 4, three[2] + 4], np.int8)


def encode_mask(mask):
    three, v = _padded(mask.shape)
    v[1:, 2:-2, 2:-2] = mask.reshape(three)
    st, buf = cc.start_encoder(mask.size + 64)
    _run(v, st, buf, 1)
    return cc.finish_encoder(st, buf)


def decode_mask(data, shape):
    _, v = _padded(shape)
    st, buf = cc.start_decoder(data)
    _run(v, st, buf, 0)
    return v[1:, 2:-2, 2:-2].reshape(shape).astype(bool)


if __name__ == "__main__":
    import time

    import data

    x, m = data.load("levitus_temp")
    for LR in (4, 12, 30):
        b = encode_mask(m)
        print(LR, len(b))
    t = time.time()
    assert (decode_mask(b, m.shape) == m).all()
    print(m.size / (time.time() - t) / 1e6, "M/s")
