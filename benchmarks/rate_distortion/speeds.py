"""Encoding and decoding speeds of all codecs, from the points that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rate_distortion.curves import Point
from rate_distortion.run import by_codec, in_order


def table(points: Sequence[Point], low: float, high: float) -> list[str]:
    """Medians over the sources of the samples a second, of points between two PSNRs in dB."""
    lines = [
        "| codec | threads | encode, M samples/s | decode, M samples/s |",
        "|---|---:|---:|---:|",
    ]
    near = [point for point in points if low - 5 <= point.psnr_db <= high + 5]
    for name, measured in by_codec(near).items():
        threads = "/".join(sorted({str(point.threads) for point in measured}))
        encode = _speed([(point.source, point.samples, point.encode_s) for point in measured])
        decode = _speed([(point.source, point.samples, point.decode_s) for point in measured])
        lines.append(f"| {name} | {threads} | {encode:.3g} | {decode:.3g} |")
    return lines


def _speed(runs: Sequence[tuple[str, int, float]]) -> float:
    """Median over the sources of the median over the points of each."""
    per_source = [
        median(
            samples / 1e6 / max(seconds, 1e-9)
            for source, samples, seconds in runs
            if source == source_name
        )
        for source_name in in_order([source for source, _, _ in runs])
    ]
    return median(per_source)
