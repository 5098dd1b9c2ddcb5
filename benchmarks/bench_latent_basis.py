"""A latent grid by its nodes and by wavelet coefficients, at equal bytes.

    python benchmarks/bench_latent_basis.py [--edge 64] [--effort 2] [--ratios 150 300] [--seeds 2]

Two smooth fields are made: one with a spectrum that falls with the wavenumber, and a sum of
Gaussian bells. Each is encoded by `fvsrn` to each ratio with every basis; a figure is the PSNR
(peak: range of the field) of what the file decodes to. Writes benchmarks/results/latent_basis.csv.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from reporting.sections import RESULTS_FOLDER

import codec
from codec.arrays import Float32Array

BASES: dict[str, dict[str, str]] = {
    "nodal": {},
    "9/7": {"arch.basis": "wavelet"},
    "5/3": {"arch.basis": "wavelet", "arch.wavelet": "5/3"},
}
COLUMNS = ("field", "edge", "effort", "seed", "ratio", "prune", "basis", "bytes", "psnr")


def main() -> int:
    options = _options()
    fields = {"spectrum": spectrum(options.edge), "bells": bells(options.edge)}
    cases = product(range(options.seeds), fields, options.ratios, options.prune, BASES)
    with (
        tempfile.TemporaryDirectory() as folder,
        options.csv.open("w", newline="", encoding="utf-8", buffering=1) as file,
    ):
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for seed, name, ratio, prune, basis in cases:
            size, psnr = measure(fields[name], basis, ratio, seed, prune, options.effort, folder)
            case = (name, options.edge, options.effort, seed, f"{ratio:g}", prune, basis)
            rows.writerow((*case, size, f"{psnr:.2f}"))
            print(*case, size, f"{psnr:.2f}", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", type=int, default=64, help="samples along each axis [64]")
    parser.add_argument("--effort", type=int, default=2, help="effort of the encoder [2]")
    parser.add_argument("--ratios", type=float, nargs="+", default=[150, 300], help="[150 300]")
    parser.add_argument("--seeds", type=int, default=2, help="fits of each [2]")
    parser.add_argument("--prune", nargs="+", default=["binary-mask"], help="[binary-mask]")
    parser.add_argument(
        "--csv", type=Path, default=RESULTS_FOLDER / "latent_basis.csv", help="file for the figures"
    )
    return parser.parse_args()


def measure(
    field: Float32Array,
    basis: str,
    ratio: float,
    seed: int,
    prune: str,
    effort: int,
    folder: str,
) -> tuple[int, float]:
    """Bytes of a file, and the PSNR of what it decodes to."""
    source, target = Path(folder) / "field.npy", Path(folder) / "field.inrc"
    np.save(source, field)
    codec.encode(
        source,
        target,
        ratio=ratio,
        arch="fvsrn",
        effort=effort,
        prune=prune,
        seed=seed,
        settings=BASES[basis],
        overwrite=True,
    )
    with codec.open(target) as file:
        (view,) = file.values()
        error = np.square(view[...].astype(np.float64) - field).mean()
    return target.stat().st_size, float(20 * np.log10(np.ptp(field)) - 10 * np.log10(error))


def spectrum(edge: int, slope: float = 3.5) -> Float32Array:
    """Random phases under amplitudes that fall as the wavenumber to the power of -slope."""
    wavenumbers = np.fft.fftfreq(edge, 1 / edge)
    radius = np.sqrt(sum(np.square(k) for k in np.meshgrid(*[wavenumbers] * 3, indexing="ij")))
    radius[0, 0, 0] = np.inf
    noise = np.fft.fftn(np.random.default_rng(0).normal(size=(edge,) * 3))
    return np.fft.ifftn(noise * radius**-slope).real.astype(np.float32)


def bells(edge: int, count: int = 25) -> Float32Array:
    """Gaussian bells of random place, height and width (3 to 15 % of the edge)."""
    random, axis = np.random.default_rng(0), np.linspace(0, 1, edge)
    field = np.zeros((edge,) * 3)
    for _ in range(count):
        centre, width = random.random(3), random.uniform(0.03, 0.15)
        lines = [np.exp(-np.square(axis - place) / (2 * width**2)) for place in centre]
        field += random.normal() * np.einsum("i,j,k->ijk", *lines)
    return field.astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
