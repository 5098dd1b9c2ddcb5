"""Closed-form pyramid coder: transform, rate-distortion quantisation, context coding."""

from __future__ import annotations

import itertools
import os
import struct
import time

import numpy as np

import context_coder as cc
import fill
import klt
import mask_mix as masks
import wavelet


LAMBDA = float(os.environ.get("P_LAM", 0.09))
FLOOR = int(os.environ.get("P_FLOOR", 5))


def bands(shape, levels):
    """(level, orientation, box) in coding order: the low box, then coarse to fine."""
    top = max(levels)
    low = wavelet.box_sizes(shape, levels, top)
    yield top, 0, tuple(slice(0, n) for n in low)
    for level in reversed(range(top)):
        outer = wavelet.box_sizes(shape, levels, level)
        inner = wavelet.box_sizes(shape, levels, level + 1)
        split = [a for a in range(4) if level < levels[a] and outer[a] > 1]
        kinds = [o for o in range(1, 16) if all(o >> (3 - a) & 1 == 0 or a in split for a in range(4))]
        kinds.sort(key=lambda o: (bin(o).count("1"), o))
        for o in kinds:
            box = tuple(
                slice(inner[a], outer[a]) if o >> (3 - a) & 1 else slice(0, inner[a]) for a in range(4)
            )
            if all(s.stop > s.start for s in box):
                yield level, o, box


def causal(shape, padded):
    """Flat offsets and weights of the causal neighbours."""
    st = [padded[1] * padded[2] * padded[3], padded[2] * padded[3], padded[3], 1]
    offs, ws = [], []
    for o in itertools.product((-1, 0, 1), repeat=4):
        if any(v and n == 1 for v, n in zip(o, shape)) or o >= (0, 0, 0, 0):
            continue
        d = sum(map(abs, o))
        if d <= 2:
            offs.append(sum(a * b for a, b in zip(o, st)))
            ws.append({1: 4, 2: 2}[d])
    for a in range(4):
        if shape[a] > 2:
            offs.append(-2 * st[a])
            ws.append(1)
    near = [-st[a] for a in (3, 2, 1, 0)]
    if not offs:
        offs, ws = [-1], [1]
    return np.array(offs, np.int64), np.array(ws, np.int64), sum(ws), np.array(near, np.int64)


def code_coefficients(levels, shape, coef=None, data=None, lam=LAMBDA):
    """Encode (coef: float32 in steps) or decode (data) all bands; gives (bytes, q)."""
    enc = coef is not None
    model = cc.Model()
    if enc:
        st, buf = cc.start_encoder(1024 + 8 * int(np.prod(shape)))
    else:
        st, buf = cc.start_decoder(data)
    q = np.zeros(shape, np.int32)
    empty = np.zeros((0, 0, 0, 0), np.int32)
    nothing = np.zeros((0, 0, 0, 0), np.float32)
    blurred = {}
    last_level = None
    for level, o, box in bands(shape, levels):
        if level != last_level:
            siblings = []
            last_level = level
        part = q[box]
        size = part.shape
        parent = empty
        if (level + 1, o) in blurred:
            parent = np.empty(size, np.int32)
            shifts = np.array([1 if level + 1 < k else 0 for k in levels], np.int64)
            cc.upsample_to(blurred.pop((level + 1, o)), shifts, parent)
        sib = empty
        if siblings:
            sib = np.zeros(size, np.int32)
            for b in siblings:
                cc.accumulate(b, sib)
            sib //= len(siblings)
        mag = np.zeros([size[0] + 2, size[1] + 4, size[2] + 4, size[3] + 4], np.int32)
        sgn = np.zeros(mag.shape, np.int8)
        offs, ws, wsum, near = causal(size, mag.shape)
        band_id = 0 if o == 0 else 1 + (o % 16 + 16 * min(level, 1))
        cc.code_band(
            st, buf, int(enc), coef[box] if enc else nothing, part, mag, offs, ws, wsum, near, parent, sib,
            band_id, np.float32(lam), o == 0, np.zeros(mag.shape if o == 0 else (1, 1, 1, 1), np.int32), sgn, *model.arrays(),
            cc.STRETCH, cc.SQUASH, cc.RATE, cc.COUNT_LIMIT, cc.LR, cc.FINE, cc.MID, cc.ROUGH, cc.COST,
        )
        if o:
            b = np.empty(size, np.int32)
            cc.blur(part, b)
            blurred[level, o] = b
            siblings.append(b)
    if enc:
        return cc.finish_encoder(st, buf), q
    return None, q


def low_box(axes, shape):
    levels = [max(axes[a], 0) for a in coded_order(axes)]
    return tuple(slice(0, n) for n in wavelet.box_sizes(shape, levels, max(levels)))


def centroids(coef, q, low):
    """Mean of |c| - |q| for |q| = 1, 2, >= 3, in 1/128 steps."""
    out = []
    a, m = np.abs(coef).ravel(), np.abs(q).ravel()
    nz = q != 0
    nz[low] = False
    nz = nz.ravel()
    a, m = a[nz], m[nz]
    for lo, hi in ((1, 1), (2, 2), (3, 1 << 30)):
        sel = (m >= lo) & (m <= hi)
        out.append(int(np.clip(np.rint(128 * (a[sel] - m[sel]).mean()), -100, 100)) if sel.any() else 0)
    return out


def dequantise(q, deltas, step, low):
    m = np.abs(q)
    d = np.array([0, *deltas], np.float32)[np.minimum(m, 3)] / np.float32(128)
    d[low] = 0
    return (np.sign(q) * (m + d) * np.float32(step)).astype(np.float32)


def to4(shape):
    return (1,) * (4 - len(shape)) + tuple(shape)


def default_levels(shape):
    return [wavelet.default_levels(n, FLOOR) for n in shape]


KLT, SEPARATE, NONE = -1, -2, 0  # an axis code above 0: levels of the joint dyadic wavelet
KLT_MAX = 64
SEPARATE_FLOOR = 4
TRIAL = 1 << 18


def analyse(x, axes, step):
    """x 4-D float32 -> (coefficients in steps, coded order; factors {axis: (q, bits)})."""
    factors = {}
    x = np.array(x, np.float32, order="C")
    for a in range(4):
        if axes[a] == KLT:
            factors[a] = klt.fit(x, a, step)
            x = klt.apply(np.linalg.inv(klt.matrix(*factors[a])), x, a)
        elif axes[a] == SEPARATE:
            wavelet.forward(x, separate_levels(x.shape, a))
    order = coded_order(axes)
    c = np.array(np.transpose(x, order), np.float32, order="C")
    wavelet.forward(c, [max(axes[a], 0) for a in order])
    c *= np.float32(1 / step)
    return c, factors


def separate_levels(shape, axis):
    return [wavelet.default_levels(shape[a], SEPARATE_FLOOR) if a == axis else 0 for a in range(4)]


def offset(x):
    """What becomes 0: a value that a twentieth of the samples has (the least such), else the mean."""
    low = x.min()
    return np.float32(low if (x == low).mean() > 0.05 else x.mean(dtype=np.float64))


def coded_order(axes):
    """Channel axes (not in the joint wavelet) first."""
    return [a for a in range(4) if axes[a] <= 0] + [a for a in range(4) if axes[a] > 0]


def pack_factors(factors, q, order):
    out = b""
    for a in list(factors):
        fq, bits = factors[a]
        used = np.abs(np.moveaxis(q, order.index(a), 0)).reshape(len(fq), -1).max(1)
        rank = int(np.max(np.nonzero(used)[0], initial=-1)) + 1
        out += klt.pack(fq, bits, rank)
        factors[a] = fq[:, :rank], bits[:rank]
    return out


def trial_cost(x, axes, step, whole):
    """Bits of coding the crop x for real, plus its distortion in bits; factors amortised over the whole."""
    c, factors = analyse(x, axes, step)
    order = coded_order(axes)
    data, q = code_coefficients([max(axes[a], 0) for a in order], c.shape, coef=c)
    side = pack_factors(factors, q, order)
    y = rebuild(q, centroids(c, q, low_box(axes, c.shape)), step, np.float32(0), axes, factors, None, x.shape)
    error = float(((y - x).astype(np.float64) ** 2).mean()) / step**2
    bits = 8 * len(data) + 8 * len(side) * x.size / whole
    # at a fixed slope, 6.02 dB a bit of every coefficient that matters: compare at D = bits + D / LAMBDA'
    return bits + x.size * error / SLOPE


SLOPE = 0.13


def crop(x):
    """A central part of about TRIAL samples: the last two axes are cut first (to 32 at least)."""
    n = list(x.shape)
    while np.prod(n) > TRIAL and max(n[2:]) > 32:
        a = 2 if n[2] > n[3] else 3
        n[a] = max(32, int(n[a] * 0.9))
    while np.prod(n) > TRIAL * 2 and max(n[:2]) > 64:
        a = 0 if n[0] > n[1] else 1
        n[a] = max(64, int(n[a] * 0.9))
    start = [(m - k) // 2 for m, k in zip(x.shape, n)]
    return x[tuple(slice(s, s + k) for s, k in zip(start, n))]


def choose(x, step):
    """The transform per axis by coding a crop; the last two axes are always in the joint wavelet."""
    axes = default_levels(x.shape)
    part = crop(x)
    own = default_levels(part.shape)
    best = None
    for a in range(2):
        for option in (KLT, SEPARATE, NONE):
            if x.shape[a] == 1 or option == KLT and x.shape[a] > KLT_MAX or option == SEPARATE and x.shape[a] < 8:
                continue
            plan = list(own)
            plan[a] = option
            if plan == own:
                continue
            if best is None:
                best = trial_cost(part, own, step, x.size)
            cost = trial_cost(part, plan, step, x.size)
            if cost < MARGIN * best:
                best = cost
                own = plan
                axes[a] = option
    # no transform at all (prediction): where a crop likes it, the whole volume decides
    plain = [0, 0, 0, 0]
    best = trial_cost(part, own, step, x.size) if best is None else best
    if trial_cost(part, plain, step, x.size) < MARGIN * best and (
        part.size == x.size or trial_cost(x, plain, step, x.size) < trial_cost(x, axes, step, x.size)
    ):
        return plain
    return axes


MARGIN = 0.98


def encode(x, step, mask=None, axes=None, want=False, info=None):
    shape = to4(x.shape)
    mask_bytes = b""
    if mask is not None:
        mask_bytes = masks.encode_mask(mask)
        x = fill.smooth(fill.pull_push(x.reshape(shape), mask.reshape(shape)), mask.reshape(shape), FILL_SMOOTH)
    x = x.reshape(shape)
    mean = offset(x)
    x = (x - mean).astype(np.float32)
    axes = axes or choose(x, step)
    if mask is not None:
        x = fill.project(x, mask.reshape(shape), axes, step, FILL_ROUNDS)
    c, factors = analyse(x, axes, step)
    order = coded_order(axes)
    data, q = code_coefficients([max(axes[a], 0) for a in order], c.shape, coef=c)
    deltas = centroids(c, q, low_box(axes, c.shape))
    ndim = 4 - (shape[0] == 1) - (shape[:2] == (1, 1)) - (shape[:3] == (1, 1, 1))
    head = struct.pack("<B4b3bff", ndim, *axes, *deltas, step, mean) + struct.pack("<4H", *shape)
    head += struct.pack("<I", len(mask_bytes)) + mask_bytes
    head += pack_factors(factors, q, order)
    if info is not None:
        info.update(axes=axes, head=len(head), data=len(data))
    if want:
        return head + data, rebuild(q, deltas, step, mean, axes, factors, mask, shape)
    return head + data


FILL_SMOOTH = int(os.environ.get("P_FS", 4))
FILL_ROUNDS = int(os.environ.get("P_FR", 20))


def rebuild(q, deltas, step, mean, axes, factors, mask, shape):
    c = dequantise(q, deltas, np.float32(step), low_box(axes, q.shape))
    order = coded_order(axes)
    wavelet.inverse(c, [max(axes[a], 0) for a in order])
    c = np.transpose(c, np.argsort(order))
    c = np.ascontiguousarray(c)
    for a in reversed(range(4)):
        if axes[a] == SEPARATE:
            wavelet.inverse(c, separate_levels(shape, a))
        if axes[a] == KLT:
            fq, bits = factors[a]
            m = np.zeros((shape[a], shape[a]))
            m[:, : len(bits)] = klt.matrix(fq, bits)
            c = klt.apply(m, c, a)
    y = (c + mean).astype(np.float32)
    if mask is not None:
        y[~mask.reshape(shape)] = np.nan
    return y


def decode(data):
    ndim, *rest = struct.unpack_from("<B4b3bff", data)
    axes, deltas, step, mean = rest[:4], rest[4:7], rest[7], np.float32(rest[8])
    shape = struct.unpack_from("<4H", data, 16)
    (size,) = struct.unpack_from("<I", data, 24)
    at = 28
    mask = masks.decode_mask(data[at : at + size], shape) if size else None
    at += size
    factors = {}
    for a in range(4):
        if axes[a] == KLT:
            fq, bits, used = klt.unpack(data[at:], shape[a])
            factors[a] = fq, bits
            at += used
    order = coded_order(axes)
    _, q = code_coefficients([max(axes[a], 0) for a in order], tuple(shape[a] for a in order), data=data[at:])
    return rebuild(q, deltas, step, mean, axes, factors, mask, shape)


def psnr(x, y, mask=None):
    if mask is not None:
        x, y = x[mask], y[mask]
    d = x.astype(np.float64) - y
    return 20 * np.log10((float(x.max()) - float(x.min())) / np.sqrt(max((d * d).mean(), 1e-30)))


if __name__ == "__main__":
    import data as volumes

    x, _ = volumes.load("turb_wmag91")
    c = x.reshape(to4(x.shape)).copy()
    wavelet.forward(c, default_levels(c.shape))
    print("energy", (c**2).sum() / (x**2).sum())
    wavelet.inverse(c, default_levels(c.shape))
    print("round trip", np.abs(c.reshape(x.shape) - x).max())
    for step in (20, 20, 5, 1):
        t = time.time()
        b = encode(x, step)
        t1 = time.time()
        y = decode(b)
        t2 = time.time()
        p = psnr(x, y)
        pb, _ = volumes.peer_bytes("turb_wmag91", [p])
        print(step, len(b), p, len(b) / pb, x.size / (t1 - t) / 1e6, x.size / (t2 - t1) / 1e6)
