"""A data-adaptive basis along one axis (a Tucker factor), coded with per-column precision.

The synthesis matrix is what is coded, so its rounding costs compaction, never accuracy: the
analysis is the inverse of the rounded matrix.
"""

from __future__ import annotations

import numpy as np

MAX_BITS = 15


def fit(x, axis, step):
    """(integer matrix n x n, bits per column): columns are basis vectors times 2^bits."""
    n = x.shape[axis]
    flat = np.moveaxis(x, axis, 0).reshape(n, -1)
    gram = (flat @ flat.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1]
    values, vectors = np.maximum(values[order], 0), vectors[:, order]
    vectors *= np.where(vectors.sum(0) < 0, -1, 1)
    rms = np.sqrt(values / flat.shape[1])
    bits = np.clip(np.ceil(np.log2(np.maximum(rms / step, 1e-9))) + 3, 4, MAX_BITS).astype(int)
    while True:
        q = np.rint(vectors * 2.0**bits).astype(int)
        if np.linalg.cond(q / 2.0**bits) < 4:
            return q, bits
        bits = np.minimum(bits + 1, MAX_BITS)


def matrix(q, bits):
    return (q / 2.0 ** np.asarray(bits)).astype(np.float64)


def apply(m, x, axis):
    """m along `axis`; gives float32."""
    moved = np.moveaxis(x, axis, 0)
    out = (m.astype(np.float32) @ moved.reshape(moved.shape[0], -1)).reshape((m.shape[0], *moved.shape[1:]))
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


class BitWriter:
    def __init__(self):
        self.value, self.count = 0, 0

    def put(self, v, bits):
        self.value = self.value << bits | v
        self.count += bits

    def bytes(self):
        pad = -self.count % 8
        return (self.value << pad).to_bytes((self.count + pad) // 8, "big")


def pack(q, bits, rank):
    """rank, then per column 4 bits of precision and n signed numbers of bits + 1... (sign, magnitude)."""
    w = BitWriter()
    w.put(rank, 16)
    for j in range(rank):
        w.put(int(bits[j]), 4)
        # entries of small columns use only as many bits as the greatest needs
        need = max(int(np.abs(q[:, j]).max()).bit_length(), 1)
        w.put(need, 4)
        for v in q[:, j]:
            w.put(1 if v < 0 else 0, 1)
            w.put(abs(int(v)), need)
    return w.bytes()


def unpack(data, n):
    """(q n x rank, bits, bytes used)."""
    rank = int.from_bytes(data[:2], "big")
    value, at, total = int.from_bytes(data, "big"), 16, 8 * len(data)

    def take(k):
        nonlocal at
        at += k
        return value >> (total - at) & ((1 << k) - 1)

    q, bits = np.zeros((n, rank), int), []
    for j in range(rank):
        bits.append(take(4))
        need = take(4)
        for i in range(n):
            s = take(1)
            v = take(need)
            q[i, j] = -v if s else v
    return q, bits, -(-at // 8)
