"""Bytes at equal PSNR against the best peer, per volume. Usage: bench.py [quick] [volume ...]"""

import sys
import time
import warnings

import numpy as np

import data as volumes
import pyramid

warnings.simplefilter("ignore")
TARGETS = np.arange(35, 66, 5)
QUICK = ["turb_wmag91", "isabel_wind_6t", "cranium_ct", "inia19_t1", "asl_4d", "jmjd2da", "l1448_13co",
         "levitus_temp", "navy_uwnd", "eraint_u", "echam_t", "echam_rhum", "carotid_vec"]


def curve(x, mask, verify=False, factor=2.0, **kw):
    """(psnr, bytes) over a step sweep that covers 34..66 dB."""
    v = x[mask] if mask is not None else x
    span = float(v.max()) - float(v.min())
    pts = []
    enc = dec = 0.0
    step = span * 10 ** (-50 / 20) * 2.5
    if np.array_equal(v, np.rint(v)):  # integers: let the sweep pass through 1
        step = 2.0 ** round(np.log2(step))

    def run(step):
        nonlocal enc, dec
        t0 = time.time()
        info = {}
        b, y = pyramid.encode(x, step, mask, want=True, info=info, **kw)
        y = y.reshape(x.shape)
        if "-v" in sys.argv:
            print("   ", info)
        t1 = time.time()
        if verify:
            z = pyramid.decode(b).reshape(x.shape)
            dec += time.time() - t1
            assert np.array_equal(z, y, equal_nan=True), "decoder differs"
        enc += t1 - t0
        p = min(pyramid.psnr(x, y, mask), 150)
        pts.append((p, len(b)))
        return p

    p = run(step)
    s = step
    while p < 65:
        s /= factor
        p = run(s)
    p = pts[0][0]
    s = step
    while p > 35 and s < span * 4:
        s *= factor
        p = run(s)
    n = x.size * len(pts)
    return sorted(pts), n / enc / 1e6, n / dec / 1e6 if dec else 0


def ratios(name, verify=False, **kw):
    x, mask = volumes.load(name)
    pts, e, d = curve(x, mask, verify, **kw)
    q, b = np.array(pts).T
    ours = np.exp(np.interp(TARGETS, q, np.log(b)))
    ours = np.array([min(o, b[q >= t].min()) for o, t in zip(ours, TARGETS)])
    best, who = volumes.peer_bytes(name, TARGETS)
    return ours / best, ours, who, e, d


def main(args):
    verify = "verify" in args
    args = [a for a in args if a not in ("verify", "-v")]
    names = QUICK if args[:1] == ["quick"] else args or list(volumes.LOAD)
    table = []
    print("volume          " + "".join(f"{t:>7}" for t in TARGETS) + "   gmean   enc   dec M/s")
    for name in names:
        r, ours, who, e, d = ratios(name, verify)
        table.append(r)
        print(f"{name:16}" + "".join(f"{v:7.3f}" for v in r) + f" {np.exp(np.log(r).mean()):7.3f} {e:6.2f} {d:5.2f}", flush=True)
    t = np.array(table)
    print("gmean           " + "".join(f"{v:7.3f}" for v in np.exp(np.log(t).mean(0))) + f" {np.exp(np.log(t).mean()):7.4f}  worst {t.max():.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
