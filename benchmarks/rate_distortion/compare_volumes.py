"""Bytes at equal PSNR against the best peer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rate_distortion.curves import Front, Point, geometric_mean, pareto
from rate_distortion.run import by_codec, in_order

# A target counts as missed when the decoded values are further below it than rounding explains.
_TOLERANCE_DB = 0.005


@dataclass(frozen=True)
class Cell:
    """File of ours against its peers.

    Attributes:
        source, codec: names of the source and of our setting.
        target: PSNR asked for, in dB.
        psnr: PSNR at which sizes are compared, in dB: that of our file, or the target (`above`).
        size: bytes of our file.
        peer, peer_size: name and bytes of the smallest peer there.
        ratios: our bytes over those of each peer whose curve holds `psnr`.
        low: whether the peer has no file of so low a PSNR; its smallest, taken then, flatters us.
        above: whether our file is better than any of the peers', which are taken at the target.
        missed: whether our file is below the target.
    """

    source: str
    codec: str
    target: float
    psnr: float
    size: int
    peer: str
    peer_size: float
    ratios: dict[str, float]
    low: bool
    above: bool
    missed: bool

    @property
    def ratio(self) -> float:
        """Below 1 where we are smaller."""
        return self.size / self.peer_size


def cells(points: Sequence[Point]) -> list[Cell]:
    """All files of ours that any peer can be compared with."""
    compared = []
    for source in in_order([point.source for point in points]):
        curves = by_codec(points, source)
        fronts = {
            name: front
            for name, measured in curves.items()
            if not measured[0].is_ours and (front := pareto(measured))
        }
        ours = [point for measured in curves.values() for point in measured if point.is_ours]
        compared += [cell for point in ours if (cell := _cell(point, fronts))]
    return compared


def _cell(point: Point, fronts: dict[str, Front]) -> Cell | None:
    psnr = point.psnr_db
    sizes = {name: front.bytes_at(psnr) for name, front in fronts.items()}
    above = not any(map(math.isfinite, sizes.values()))
    if above:
        psnr = min(psnr, point.target_db)
        sizes = {name: front.bytes_at(psnr) for name, front in fronts.items()}
    if not any(map(math.isfinite, sizes.values())):
        return None
    best = min(sizes, key=lambda name: sizes[name])
    held = {
        name: point.bytes / sizes[name]
        for name, front in fronts.items()
        if front.lowest <= psnr <= front.highest
    }
    return Cell(
        point.source,
        point.codec,
        point.target_db,
        psnr,
        point.bytes,
        best,
        sizes[best],
        held,
        low=psnr < fronts[best].lowest,
        above=above,
        missed=point.psnr_db < point.target_db - _TOLERANCE_DB,
    )


def summary(cells: Sequence[Cell]) -> dict[str, Any]:
    """Geometric means of the ratios of one way of ours, and its worst cell."""
    ratios = [cell.ratio for cell in cells]
    worst = max(cells, key=lambda cell: cell.ratio)
    peers = sorted({name for cell in cells for name in cell.ratios})
    return {
        "cells": len(cells),
        "mean": geometric_mean(ratios),
        "cells_reached_by_peer": sum(not cell.low for cell in cells),
        "mean_without_unreached": geometric_mean([c.ratio for c in cells if not c.low]),
        "targets_missed": sum(cell.missed for cell in cells),
        "worst": {
            "ratio": worst.ratio, "source": worst.source, "target": worst.target,
            "peer": worst.peer,
        },
        "per_volume": {
            name: geometric_mean([cell.ratio for cell in cells if cell.source == name])
            for name in in_order([cell.source for cell in cells])
        },
        "per_psnr": {
            f"{target:g}": geometric_mean([cell.ratio for cell in cells if cell.target == target])
            for target in sorted({cell.target for cell in cells})
        },
        "against": {
            name: geometric_mean([cell.ratios[name] for cell in cells if name in cell.ratios])
            for name in peers
        },
    }  # fmt: skip


def table(cells: Sequence[Cell]) -> list[str]:
    """A Markdown table of the cells of one way of ours: volumes by targets."""
    targets = sorted({cell.target for cell in cells})
    lines = [
        "| volume | " + " | ".join(f"{target:g}" for target in targets) + " | mean |",
        "|---|" + "---:|" * (len(targets) + 1),
    ]
    for source in in_order([cell.source for cell in cells]):
        by_target = {cell.target: cell for cell in cells if cell.source == source}
        row = [_show(by_target.get(target)) for target in targets]
        mean = geometric_mean([cell.ratio for cell in by_target.values()])
        lines.append(f"| {source} | {' | '.join(row)} | {mean:.3f} |")
    means = [geometric_mean([c.ratio for c in cells if c.target == target]) for target in targets]
    means.append(geometric_mean([cell.ratio for cell in cells]))
    lines.append("| **mean** | " + " | ".join(f"**{mean:.3f}**" for mean in means) + " |")
    return lines


def _show(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    marks = "*" * cell.low + "^" * cell.above + "!" * cell.missed
    # A backslash keeps Markdown from reading marks as emphasis.
    return f"{cell.ratio:.3f}{''.join(chr(92) + mark for mark in marks)} {cell.peer}"
