"""Round trips of files through inrc, by the public names of `codec` alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rate_distortion.curves import OURS
from sources.source import Sample

import codec
from codec.arrays import Array

DECODER = Path(__file__).with_name("decode_once.py")
_FIELD, _FILL = "values", np.float32(1e35)


@dataclass(frozen=True)
class Inrc:
    """Settings that inrc is called with.

    Attributes:
        architecture, effort, threads, device: arguments of `codec.encode`.
        picture: suffix of the file that holds an image, ".png" or ".npy".
    """

    architecture: str
    effort: int
    threads: int
    device: str
    picture: str = ".png"

    @property
    def name(self) -> str:
        return f"{OURS} {self.architecture} e{self.effort}"


@dataclass(frozen=True)
class Trip:
    """Size of a file, and what came back from it; seconds are those of one warm run each."""

    bytes: int
    decoded: Array
    encode_s: float
    decode_s: float


def round_trip(
    way: Inrc, sample: Sample, is_image: bool, goal: Mapping[str, float], work: Path
) -> Trip:
    """Encode to a target, named as `codec.encode` does; the values come from a fresh process.

    Raises:
        InrcError: inrc refused.
        RuntimeError: the fresh process failed, or decoded something else than this one.
    """
    source = write_source(way, sample, is_image, work)
    coded, fresh = work / "coded.inrc", work / f"fresh{source.suffix}"
    again = work / f"again{source.suffix}"
    encode_s = encode_file(way, source, coded, goal)
    decode_s = decode_file(way, coded, again)
    paths = (DECODER, coded, fresh)
    command = [sys.executable, *map(str, paths), str(way.threads), way.device]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"decoding in a fresh process failed: {done.stderr.strip()}")
    values = _read(fresh, sample)
    if not np.array_equal(values, _read(again, sample)):
        raise RuntimeError("two processes decoded different values from the same file")
    return Trip(coded.stat().st_size, values, encode_s, decode_s)


def write_source(way: Inrc, sample: Sample, is_image: bool, work: Path) -> Path:
    """Write a sample into the folder `work` as a file that inrc reads."""
    return _write(sample, work, way.picture if is_image else _suffix(sample))


def encode_file(way: Inrc, source: Path, coded: Path, goal: Mapping[str, float]) -> float:
    """Seconds of encoding a file to a target, named as `codec.encode` does.

    Raises:
        InrcError: inrc refused.
    """
    started = time.perf_counter()
    codec.encode(
        source,
        coded,
        **goal,
        effort=way.effort,
        arch=way.architecture,
        threads=way.threads,
        device=way.device,
        overwrite=True,
    )
    return time.perf_counter() - started


def decode_file(way: Inrc, coded: Path, target: Path) -> float:
    """Seconds of decoding a file into another.

    Raises:
        InrcError: inrc refused.
    """
    started = time.perf_counter()
    codec.decode(coded, target, threads=way.threads, device=way.device, overwrite=True)
    return time.perf_counter() - started


def warm_up(way: Inrc, sample: Sample, is_image: bool, work: Path) -> None:
    """Round trip of a little noise with as many axes, which compiles what needs it."""
    noise = np.random.default_rng(0).integers(0, 100, [min(16, n) for n in sample.values.shape])
    valid = None
    if sample.valid is not None:
        valid = np.ones(noise.shape, np.bool_)
        valid.flat[0] = False
    if is_image:
        noise = noise[..., :3]
    little = Sample(noise.astype(sample.values.dtype), valid)
    round_trip(way, little, is_image, {"psnr": 30.0}, work)


def _suffix(sample: Sample) -> str:
    return ".npy" if sample.valid is None else ".nc"


def _write(sample: Sample, work: Path, suffix: str) -> Path:
    """Images as PNG, masked volumes as NetCDF with a fill value, others as `.npy`."""
    path = work / f"source{suffix}"
    if suffix == ".png":
        Image.fromarray(sample.values).save(path)
    elif suffix == ".npy":
        np.save(path, sample.values)
    else:
        _write_netcdf(sample, path)
    return path


def _write_netcdf(sample: Sample, path: Path) -> None:
    from netCDF4 import Dataset

    with Dataset(path, "w") as file:
        names = [f"d{axis}" for axis in range(sample.values.ndim)]
        for name, size in zip(names, sample.values.shape, strict=True):
            file.createDimension(name, size)
        variable = file.createVariable(_FIELD, "f4", names, fill_value=_FILL)
        variable[...] = np.where(sample.valid, sample.values, _FILL)  # type: ignore[arg-type]


def _read(path: Path, sample: Sample) -> Array:
    """Decoded samples; those that were invalid come back as 0.

    Raises:
        RuntimeError: other samples are invalid than before.
    """
    if path.suffix == ".png":
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    if path.suffix == ".npy":
        return np.asarray(np.load(path))
    from netCDF4 import Dataset

    with Dataset(path) as file:
        values = np.ma.asarray(file[_FIELD][...])
    if not np.array_equal(~np.ma.getmaskarray(values), sample.valid):  # type: ignore[arg-type]
        raise RuntimeError("the decoded mask is not the original one")
    return np.asarray(values.filled(0))
