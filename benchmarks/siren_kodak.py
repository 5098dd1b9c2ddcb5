"""The published setting of the source of `siren` on a Kodak image, as files of this codec.

    python benchmarks/siren_kodak.py IMAGE.png [--width 32] [--steps 25000] [--batch 0] [--bytes N]

Strümpler et al. (ECCV 2022) report means over the 24 images: 0.0996 bpp and 25.64 dB at width 32,
0.1879 / 27.15 at 48, 0.2994 / 28.41 at 64, 0.9463 / 32.27 at 128 (8 bits, no meta-learning). Here
the file is no larger than theirs is on average; PSNR is that of the decoded 8-bit image.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import codec

# Width -> (bits per pixel, dB), means over the images.
PUBLISHED = {32: (0.0996, 25.64), 48: (0.1879, 27.15), 64: (0.2994, 28.41), 128: (0.9463, 32.27)}
_LINES = 50


def main() -> int:
    """Fit one image and print a line of results."""
    options = _options()
    with Image.open(options.image) as image:
        pixels = image.width * image.height
    published = PUBLISHED[options.width]
    size = options.bytes or int(published[0] * pixels / 8)
    settings = {
        "arch.width": options.width,
        "arch.features": 16,
        "arch.rate": options.rate,
        "arch.l1": 1e-5,
        "arch.batch": options.batch,
        "fit.steps": options.steps,
        "fit.finetune_steps": options.finetune_steps,
    }
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "image.inrc"
        codec.encode(
            options.image,
            target,
            bytes=size,
            arch="siren",
            prune="none",
            settings=settings,
            threads=options.threads,
            device=options.device,
            on_progress=_Lines(started),
        )
        bits = 8 * target.stat().st_size / pixels
        psnr = _psnr(options.image, target)
    print(
        f"{options.image.name}: width {options.width}, {options.steps} steps: {bits:.4f} bpp, "
        f"{psnr:.2f} dB, {time.perf_counter() - started:.0f} s; published mean {published[0]} bpp, "
        f"{published[1]} dB"
    )
    return 0


class _Lines:
    """A line of progress now and then."""

    def __init__(self, started: float) -> None:
        self._started, self._shown = started, -1

    def __call__(self, progress: codec.Progress) -> None:
        part = int(_LINES * progress.fraction)
        if part == self._shown or progress.psnr is None:
            return
        self._shown = part
        seconds = time.perf_counter() - self._started
        line = f"{progress.fraction:6.1%} {progress.stage} {progress.psnr:.2f} dB, {seconds:.0f} s"
        print(line, file=sys.stderr, flush=True)


def _psnr(original: Path, coded: Path) -> float:
    with Image.open(original) as image, tempfile.TemporaryDirectory() as folder:
        back = Path(folder) / "back.png"
        codec.decode(coded, back, threads=1, device="cpu")
        with Image.open(back) as decoded:
            difference = np.asarray(image, np.float64) - np.asarray(decoded, np.float64)
    return float(10 * np.log10(255**2 / np.square(difference).mean()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--width", type=int, default=32, choices=sorted(PUBLISHED))
    parser.add_argument("--steps", type=int, default=25_000)
    parser.add_argument("--rate", type=float, default=5e-4, help="mean of it, for --batch")
    parser.add_argument("--finetune-steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=0, help="samples a step, 0 for all")
    parser.add_argument("--bytes", type=int, default=0, help="file size, 0 as published")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
