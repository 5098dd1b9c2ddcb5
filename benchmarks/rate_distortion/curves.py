"""Measured points of rate-distortion curves: their table on disk, fronts, and comparisons."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, get_type_hints

import numpy as np
from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]

from codec.arrays import Float64Array

OURS = "inrc"


@dataclass(frozen=True)
class Point:
    """File, and what it decodes to.

    Attributes:
        source, shape, dtype: sample that was coded; the shape is written "20x30x40".
        samples: number of samples; an image has 3 a pixel.
        codec: name of a peer, or "inrc" with architecture and effort.
        setting: setting given to the codec.
        target_db: PSNR asked for; NaN for peers, whose settings are swept.
        bytes: bytes that are charged, masks included.
        mask_bytes: the part of `bytes` that is a mask coded apart.
        psnr_db: PSNR of the decoded values in the source's dtype; infinite where none differs.
        max_error: greatest error, in the unit of the values.
        encode_s, decode_s: seconds of a run in a warm process.
        threads: number of threads.
        machine, date: machine and date of the measurement.
    """

    source: str
    shape: str
    dtype: str
    samples: int
    codec: str
    setting: str
    target_db: float
    bytes: int
    mask_bytes: int
    psnr_db: float
    max_error: float
    encode_s: float
    decode_s: float
    threads: int
    machine: str
    date: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the measurement: the same key is the same measurement."""
        return self.source, self.codec, self.setting

    @property
    def is_ours(self) -> bool:
        return self.codec.startswith(OURS)


_TYPES: dict[str, Callable[[str], object]] = get_type_hints(Point)
_COLUMNS = [field.name for field in dataclasses.fields(Point)]


class Table:
    """The points of a CSV file; what is added is on the disk at once.

    Args:
        path: file, made with its folder where it does not exist.
        keep: function that says whether a point of the file stays.
    """

    def __init__(self, path: Path, keep: Callable[[Point], bool]) -> None:
        self._path = path
        earlier_points = read_points(path) if path.exists() else []
        self.points = [point for point in earlier_points if keep(point)]
        self._known = {point.key for point in self.points}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(_as_row, self.points))
        temporary.replace(path)

    def find(self, source: str, codec: str, setting: str) -> Point | None:
        """The point, if it is there."""
        if (source, codec, setting) not in self._known:
            return None
        return next(point for point in self.points if point.key == (source, codec, setting))

    def add(self, point: Point) -> None:
        """Append a point."""
        self.points.append(point)
        self._known.add(point.key)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, _COLUMNS, lineterminator="\n").writerow(_as_row(point))


def _as_row(point: Point) -> dict[str, object]:
    return {
        name: f"{value:.6g}" if isinstance(value, float) else value
        for name, value in dataclasses.asdict(point).items()
    }


def read_points(path: Path) -> list[Point]:
    """The points of a CSV file; a last line cut short by an interruption is left out."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] for name in _COLUMNS)]
    return [Point(**{name: _TYPES[name](row[name]) for name in _COLUMNS}) for row in rows]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Front:
    """The Pareto front of one codec on one source.

    Attributes:
        psnr: dB, increasing.
        size: bytes, increasing.
    """

    psnr: Float64Array
    size: Float64Array

    @property
    def lowest(self) -> float:
        """Least PSNR, dB."""
        return float(self.psnr[0])

    @property
    def highest(self) -> float:
        """Greatest PSNR, dB."""
        return float(self.psnr[-1])

    def bytes_at(self, psnr: float) -> float:
        """Log-bytes interpolated; below the front its smallest file, above it infinite."""
        if psnr > self.highest:
            return math.inf
        return float(np.exp(np.interp(psnr, self.psnr, np.log(self.size))))

    def psnr_at(self, size: float) -> float:
        """PSNR interpolated over log-bytes; NaN outside the front."""
        if not self.size[0] <= size <= self.size[-1]:
            return math.nan
        return float(np.interp(np.log(size), np.log(self.size), self.psnr))


class SizeAtPsnr(Protocol):
    """Measured file: all that a front needs of a point."""

    @property
    def bytes(self) -> int:
        """Bytes that are charged."""

    @property
    def psnr_db(self) -> float:
        """PSNR in dB, infinite where nothing differs."""


def pareto(points: Iterable[SizeAtPsnr]) -> Front | None:
    """The points that no smaller file beats, None without any; lossless ones do not count."""
    best: list[tuple[float, int]] = []
    finite = (point for point in points if math.isfinite(point.psnr_db))
    for point in sorted(finite, key=lambda point: (point.bytes, -point.psnr_db)):
        if not best or (point.psnr_db > best[-1][0] and point.bytes > best[-1][1]):
            best.append((point.psnr_db, point.bytes))
    if not best:
        return None
    return Front(*(np.array(column, np.float64) for column in zip(*best, strict=True)))


def bd_rate(ours: Front, theirs: Front) -> float:
    """Bjontegaard's rate difference, per cent, negative where ours is smaller at equal PSNR.

    PCHIP on log-bytes over the PSNRs that both reach; NaN if those span no range or a curve has
    fewer than two points.
    """
    low, high = max(ours.lowest, theirs.lowest), min(ours.highest, theirs.highest)
    if high <= low or min(len(ours.psnr), len(theirs.psnr)) < 2:
        return math.nan
    areas = [
        float(PchipInterpolator(front.psnr, np.log(front.size)).integrate(low, high))
        for front in (ours, theirs)
    ]
    return 100 * math.expm1((areas[0] - areas[1]) / (high - low))


def geometric_mean(ratios: Sequence[float]) -> float:
    """Geometric mean, NaN of no ratios."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan
