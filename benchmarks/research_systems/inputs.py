"""Inputs of the comparison: two volumes, two photographs and a mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from codec.arrays import Array


@dataclass(frozen=True)
class Input:
    """File that is encoded, and what its PSNR is measured against.

    Attributes:
        name: name in the tables.
        path: file that `codec.encode` reads.
        kind: "volume", "image" or "mesh".
        original: samples of the file; None for a mesh, whose distances depend on the grid.
        peak: peak of the PSNR; 0 stands for the range of the original.
    """

    name: str
    path: Path
    kind: str
    original: Array | None = None
    peak: float = 0.0


def inputs(folder: Path, work: Path) -> Iterator[Input]:
    """Inputs made from the folder of data; volumes and photographs are written into `work`."""
    with np.load(folder / "volumes" / "carotid_mra_45x49x76_f32.npz") as archive:
        yield _volume("carotid", archive["scalars"], work)
    with np.load(folder / "volumes" / "bonsai_ct_256_u8.npz") as archive:
        crop = archive["data"][64:160:2, 64:192:2, 64:192:2].astype(np.float32)
        yield _volume("bonsai, every other voxel of a crop", crop, work)
    for name in ("kodim07", "kodim20"):
        yield _halved_photograph(name, folder / "kodak" / f"{name}.png", work / f"{name}.png")
    yield Input("spot", folder / "meshes" / "spot.ply", "mesh")


def _volume(name: str, values: Array, work: Path) -> Input:
    path = work / f"{name.split(',')[0]}.npy"
    np.save(path, np.ascontiguousarray(values, np.float32))
    return Input(name, path, "volume", np.load(path))


def _halved_photograph(name: str, source: Path, target: Path) -> Input:
    with Image.open(source) as image:
        size = image.width // 2, image.height // 2
        small = image.convert("RGB").resize(size, Image.Resampling.BOX)
    small.save(target)
    return Input(f"{name}, halved", target, "image", np.asarray(small), 255.0)
