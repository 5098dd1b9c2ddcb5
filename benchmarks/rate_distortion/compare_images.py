"""Rate differences per image against every peer, and PSNR at equal bits per pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rate_distortion.curves import Front, Point, bd_rate, pareto
from rate_distortion.run import by_codec, in_order

BITS_PER_PIXEL = (0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
Rates = dict[str, dict[str, dict[str, float]]]


def fronts(points: Sequence[Point]) -> dict[str, dict[str, Front]]:
    """Image -> codec -> its front."""
    return {
        source: {
            name: front
            for name, measured in by_codec(points, source).items()
            if (front := pareto(measured))
        }
        for source in in_order([point.source for point in points])
    }


def rates(points: Sequence[Point]) -> Rates:
    """Way of ours -> peer -> image -> BD-rate in per cent, where the curves overlap."""
    ways = in_order([point.codec for point in points if point.is_ours])
    peers = in_order([point.codec for point in points if not point.is_ours])
    differences: Rates = {way: {peer: {} for peer in peers} for way in ways}
    for image, curves in fronts(points).items():
        for way in ways:
            for peer in peers:
                if way in curves and peer in curves:
                    rate = bd_rate(curves[way], curves[peer])
                    if not math.isnan(rate):
                        differences[way][peer][image] = rate
    return differences


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, NaN of no values."""
    return sum(values) / len(values) if values else math.nan


def rate_table(differences: Rates) -> list[str]:
    """A Markdown table: peers by ways of ours, mean over images."""
    lines = ["| against | " + " | ".join(differences) + " |", "|---|" + "---:|" * len(differences)]
    peers = in_order([peer for against in differences.values() for peer in against])
    for peer in peers:
        cells = []
        for against in differences.values():
            values = list(against[peer].values())
            worst = f", worst {max(values):+.1f}" if values else ""
            cells.append(f"{mean(values):+.1f} % ({len(values)}{worst})" if values else "-")
        lines.append(f"| {peer} | {' | '.join(cells)} |")
    return lines


def equal_rate_table(points: Sequence[Point]) -> list[str]:
    """A Markdown table: mean PSNR over the images at equal bits per pixel, if all reach it."""
    curves = fronts(points)
    pixels = {point.source: point.samples / 3 for point in points}
    lines = [
        "| codec | " + " | ".join(f"{bits:g}" for bits in BITS_PER_PIXEL) + " |",
        "|---|" + "---:|" * len(BITS_PER_PIXEL),
    ]
    for name in by_codec(points):
        cells = []
        for bits in BITS_PER_PIXEL:
            reached = [
                by_codec_name[name].psnr_at(bits * pixels[image] / 8)
                if name in by_codec_name
                else math.nan
                for image, by_codec_name in curves.items()
            ]
            # Means over different images are not comparable.
            cells.append("-" if math.isnan(mean(reached)) else f"{mean(reached):.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines
