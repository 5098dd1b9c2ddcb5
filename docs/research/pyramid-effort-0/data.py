"""The 17 development volumes, loaded as those who measured the peers loaded them."""

import csv
import gzip
import os

import numpy as np

ROOT = os.environ["INRC_VOLUMES"].rstrip("/") + "/"
SHAPES = {}


def _npz(f, k="data"):
    return np.load(ROOT + f)[k].astype(np.float32)


def _nc(f, v):
    import netCDF4

    a = netCDF4.Dataset(ROOT + f)[v][:]
    mask = ~np.ma.getmaskarray(a)
    return np.ma.filled(a, np.nan).astype(np.float32), mask


def _nii(f):
    import nibabel

    return np.ascontiguousarray(np.asarray(nibabel.load(ROOT + f).dataobj, np.float32).T)


def _ccp4(f):
    raw = gzip.open(ROOT + f).read()
    h = np.frombuffer(raw[:1024], "<i4")
    c, r, s, mode = h[:4]
    assert mode == 2
    return np.frombuffer(raw[1024 + h[23] :], "<f4")[: c * r * s].reshape(s, r, c).copy()


def _fits(f):
    raw = open(ROOT + f, "rb").read()
    end = next(i for i in range(0, len(raw), 80) if raw[i : i + 8].strip() == b"END")
    start = -(-(end + 80) // 2880) * 2880
    return np.frombuffer(raw[start:], ">f4")[: 53 * 105 * 105].reshape(53, 105, 105).astype(np.float32)


LOAD = {
    "heptane302": lambda: _npz("heptane_302_u8.npz"),
    "rm_t20_256": lambda: _npz("richtmyer_meshkov_t20_256_u8.npz"),
    "turb_wmag91": lambda: _npz("turb_wmag_91_f32.npz"),
    "isabel_wind_6t": lambda: _npz("isabel_windspeed_6x25x125x125_f32.npz"),
    "bonsai256": lambda: _npz("bonsai_ct_256_u8.npz"),
    "cranium_ct": lambda: _npz("cranium_ct_108x256x256_i16.npz"),
    "inia19_t1": lambda: _nii("inia19_t1_macaque_f32.nii.gz"),
    "asl_4d": lambda: _nii("mpld_asl_4d_f32.nii.gz"),
    "jmjd2da": lambda: _ccp4("jmjd2da_event_147x152x137_f32.ccp4.gz"),
    "l1448_13co": lambda: _fits("l1448_13co_f32.fits"),
    "levitus_temp": lambda: _nc("levitus_climatology.cdf", "TEMP"),
    "levitus_salt": lambda: _nc("levitus_climatology.cdf", "SALT"),
    "navy_uwnd": lambda: _nc("monthly_navy_winds.cdf", "UWND")[0],
    "eraint_u": lambda: _nc("eraint_uvz.nc", "u")[0],
    "echam_t": lambda: _nc("echam_rectilinear_grid_3D.nc", "t")[0][0],
    "echam_rhum": lambda: _nc("echam_rectilinear_grid_3D.nc", "rhumidity")[0][0],
    "carotid_vec": lambda: np.ascontiguousarray(
        np.moveaxis(_npz("carotid_mra_45x49x76_f32.npz", "vectors"), -1, 0)
    ),
}


def load(name):
    got = LOAD[name]()
    x, mask = got if isinstance(got, tuple) else (got, None)
    assert "x".join(map(str, x.shape)) == shapes()[name], (x.shape, shapes()[name])
    return x, mask


def rows():
    return list(csv.DictReader(open(os.environ["INRC_PEER_CURVES"])))


def shapes():
    if not SHAPES:
        SHAPES.update({r["volume"]: r["shape"] for r in rows()})
    return SHAPES


def peer_bytes(name, psnrs, codecs=("SZ3", "ZFP", "SPERR", "SPERR-pwe", "TTHRESH")):
    """Best peer's bytes at each PSNR: per codec log-bytes interpolated on its Pareto front, then min."""
    best = np.full(len(psnrs), np.inf)
    who = [""] * len(psnrs)
    for codec in codecs:
        pts = [(float(r["psnr_db"]), float(r["bytes"])) for r in rows() if r["volume"] == name and r["codec"] == codec]
        pts = sorted(p for p in pts if np.isfinite(p[0]))
        front = []
        low = np.inf
        for q, b in reversed(pts):  # highest PSNR first; keep those cheaper than all better ones
            if b < low:
                front.append((q, b))
                low = b
        front.reverse()
        if not front:
            continue
        q = np.array([f[0] for f in front])
        b = np.log(np.array([f[1] for f in front]))
        for i, target in enumerate(psnrs):
            if target <= q[-1]:
                v = np.exp(np.interp(target, q, b))  # below the first point: its bytes
                if v < best[i]:
                    best[i], who[i] = v, codec
    return best, who


if __name__ == "__main__":
    for n in LOAD:
        x, m = load(n)
        print(n, x.shape, np.nanmin(x), np.nanmax(x), None if m is None else m.mean(), np.round(peer_bytes(n, [35, 50, 65])[0]), peer_bytes(n, [35, 50, 65])[1])
