"""Gain of the prior `photos-32` of `siren` on pictures it was not trained on.

    python benchmarks/siren_prior.py IMAGE.png ...

A crop of 384 x 256 in the middle of each image, at 96 x 64 pixels, is encoded from the prior and
from a start at random, with the same network, steps and bytes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

import codec

_CROP, _SIZE, _BYTES = (384, 256), (96, 64), 3200
_STEPS = (100, 400)
_STARTS = {
    "photos-32": {"arch.prior": "photos-32"},
    "at random": {"arch.width": 32, "arch.features": 12},
}


def main() -> int:
    """Print a line per image, number of steps and start."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    for image in parser.parse_args().images:
        with tempfile.TemporaryDirectory() as folder:
            small = Path(folder) / "small.png"
            _shrink(image, small)
            for steps in _STEPS:
                for start, settings in _STARTS.items():
                    report = codec.encode(
                        small,
                        Path(folder) / "small.inrc",
                        arch="siren",
                        bytes=_BYTES,
                        settings={"fit.steps": steps, "fit.finetune_steps": 60, **settings},
                        threads=1,
                        device="cpu",
                        overwrite=True,
                    )
                    psnr = report.qualities[0].psnr
                    print(
                        f"{image.name}: {steps} steps, {start}: {report.file_bytes} bytes, "
                        f"{psnr:.2f} dB",
                        flush=True,
                    )
    return 0


def _shrink(source: Path, target: Path) -> None:
    with Image.open(source) as image:
        left, top = ((n - m) // 2 for n, m in zip(image.size, _CROP, strict=True))
        crop = image.convert("RGB").crop((left, top, left + _CROP[0], top + _CROP[1]))
        crop.resize(_SIZE, Image.Resampling.BOX).save(target)


if __name__ == "__main__":
    sys.exit(main())
