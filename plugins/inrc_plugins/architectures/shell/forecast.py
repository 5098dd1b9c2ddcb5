"""Forecast of bytes and errors of resolutions that were not coded, from coarse ones that were.

Over resolutions and steps both follow power laws closely, so that two bands with a small part of
the nodes of the final one say which resolution that should have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Powers of the resolution that bytes, the error without quantisation and the error per step of
# quantisation grow or fall with: used after one sample, and limits of what two samples say.
_BYTES_POWER, _FLOOR_POWER, _NOISE_POWER = 1.6, 2.0, 1.1
_BYTES_RANGE, _FLOOR_RANGE, _NOISE_RANGE = (1.2, 2.0), (0.5, 3.0), (0.9, 1.5)
# Power of the step that bytes fall with.
_STEP_POWER, _STEP_RANGE = 0.4, (0.25, 0.7)


@dataclass(frozen=True)
class Sample:
    """A band that was coded.

    Attributes:
        resolution: cells along the longest axis; unit: 16 over the step in cells.
        size: bytes of the file.
        floor: error without quantisation, in the mesh's unit.
        noise: error that quantisation adds (in squares), in the mesh's unit.
    """

    resolution: int
    unit: int
    size: int
    floor: float
    noise: float

    def unit_at(self, size: float, power: float = _STEP_POWER) -> float:
        """Unit with which a file of this resolution has a size that grows with a power of it."""
        return self.unit * math.pow(size / self.size, 1 / power)

    def size_with(self, unit: float) -> float:
        """Size of a file of this resolution with a unit."""
        return self.size * math.pow(unit / self.unit, _STEP_POWER)

    def unit_within(self, error: float) -> float:
        """Unit that adds as much to the floor as an error leaves."""
        left = error**2 - self.floor**2
        return self.noise * self.unit / math.sqrt(left) if left > 0 else math.inf

    def error_at(self, size: float) -> float:
        """Error of this resolution at a size."""
        return math.hypot(self.floor, self.noise * self.unit / self.unit_at(size))

    def size_within(self, error: float) -> float:
        """Size of this resolution at an error."""
        if self.floor == 0:
            return 0
        unit = self.unit_within(error)
        return self.size_with(unit) if math.isfinite(unit) else math.inf


def foreseen(samples: list[Sample], resolution: int) -> Sample:
    """A sample of another resolution, with the unit of the last of `samples`.

    Args:
        samples: at least one; the last two are used, which have different resolutions.
    """
    last = samples[-1]
    powers = (_BYTES_POWER, -_FLOOR_POWER, -_NOISE_POWER)
    if len(samples) > 1:
        powers = _powers(samples[-2], last)
    ratio = resolution / last.resolution
    size, floor, noise = (
        value * math.pow(ratio, power)
        for value, power in zip((last.size, last.floor, last.noise), powers, strict=True)
    )
    return Sample(resolution, last.unit, round(size), floor, noise)


def step_power(samples: list[Sample]) -> float:
    """Power of the step that bytes fall with, from one or two samples of one resolution."""
    if len(samples) < 2 or samples[0].unit == samples[1].unit:
        return _STEP_POWER
    first, second = samples
    power = math.log(first.size / second.size) / math.log(first.unit / second.unit)
    return _limited(power, _STEP_RANGE)


def _powers(first: Sample, second: Sample) -> tuple[float, float, float]:
    """Powers of the resolution that bytes, floor and noise go with, through two samples."""
    apart = math.log(second.resolution / first.resolution)
    size = math.log(second.size / first.size_with(second.unit)) / apart
    floor, noise = _FLOOR_POWER, _NOISE_POWER
    if first.floor > 0 and second.floor > 0:
        floor = math.log(first.floor / second.floor) / apart
    if first.noise > 0 and second.noise > 0:
        noise = math.log(first.noise * first.unit / (second.noise * second.unit)) / apart
    return (
        _limited(size, _BYTES_RANGE),
        -_limited(floor, _FLOOR_RANGE),
        -_limited(noise, _NOISE_RANGE),
    )


def _limited(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
