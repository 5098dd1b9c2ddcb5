"""Storage of the same fitted parameters, by a system's own scheme and by `inrc transcode`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import codec
from codec.arrays import Array
from codec.reading.contents import reopened
from codec.reading.item import DecodableItem
from research_systems.decoded_values import THREADS, decoded, evaluated, original, psnr
from research_systems.inputs import Input
from research_systems.storage_schemes import Tensor
from research_systems.systems import System

# Size of the file of a fit, whose parameters are in 14 bits.
_FITTED_BYTES = 20_000
_TOLERANCE_DB = 0.05
# Files that are written to find the coarsest one at the PSNR wanted.
_TRIALS = 6


@dataclass(frozen=True)
class _Fit:
    """Fitted parameters, and what the system's own scheme makes of them.

    Attributes:
        path: file of the fit.
        source: what was encoded.
        original: samples that decoded ones are compared with.
        parameters: number of parameters that were not pruned.
        psnr: PSNR of the fit, dB.
        stored_bytes: bytes of the system's own scheme.
        stored_psnr: PSNR that the scheme leaves, dB.
        seconds: time of the fit.
    """

    path: Path
    source: Input
    original: Array
    parameters: int
    psnr: float
    stored_bytes: int
    stored_psnr: float
    seconds: float


def storage_row(system: System, source: Input, work: Path, steps: int) -> dict[str, Any]:
    """Row of the table of storage, after a fit of so many steps."""
    fit = _fitted(system, source, work / "fine.inrc", steps)
    target = work / "small.inrc"
    rounded = _smallest(fit, target, {"fit.finetune_steps": 0})
    finetuned = _smallest(fit, target, {"fit.finetune_steps": steps // 2})
    our_bytes, our_psnr = min(rounded, finetuned)
    row = {
        "system": system.name,
        "data": source.name,
        "steps": steps,
        "parameters": fit.parameters,
        "fitted_psnr": round(fit.psnr, 3),
        "source_bytes": fit.stored_bytes,
        "source_psnr": round(fit.stored_psnr, 3),
        "finetune_steps": steps // 2,
        "rounded_bytes": rounded[0],
        "bytes": our_bytes,
        "psnr": round(our_psnr, 3),
        "ratio": round(our_bytes / fit.stored_bytes, 4),
        "target": system.target,
        "fit_seconds": round(fit.seconds, 1),
    }
    print(row, flush=True)
    return row


def _fitted(system: System, source: Input, path: Path, steps: int) -> _Fit:
    settings = {
        "fit.steps": steps,
        "fit.prune_steps": steps // 3,
        "fit.finetune_steps": 1,
        "quantise.bits": 14,
        **system.settings,
    }
    started = time.perf_counter()
    codec.encode(
        source.path,
        path,
        bytes=_FITTED_BYTES,
        arch=system.arch,
        prune=system.prune,
        settings=settings,
        threads=THREADS,
        overwrite=True,
    )
    seconds = time.perf_counter() - started
    with reopened(path, THREADS) as file:
        (item,) = file.items
        before = original(source, file)

        def judge(tensors: Sequence[Tensor]) -> float:
            return psnr(before, evaluated(item, tensors, source), source)

        tensors = _tensors(item)
        stored = system.scheme(judge)(tensors)
        count = sum(tensor.unpruned.size for tensor in tensors)
        fitted, left = judge(tensors), judge(stored.tensors)
    return _Fit(path, source, before, count, fitted, stored.size, left, seconds)


def _smallest(fit: _Fit, target: Path, settings: dict[str, Any]) -> tuple[float, float]:
    """Bytes and PSNR of the coarsest file that is at most 0.05 dB below the system's scheme."""
    least = min(fit.stored_psnr, fit.psnr) - _TOLERANCE_DB
    # Errors of rounding add up with those of the fit, which they know nothing of.
    room = max(10 ** (-least / 10) - 10 ** (-fit.psnr / 10), 10 ** (-least / 10) * 1e-3)
    against_model, high, low = -10 * math.log10(room), math.inf, -math.inf
    best_bytes, best_psnr = math.inf, 0.0
    for _ in range(_TRIALS):
        codec.transcode(
            fit.path,
            target,
            psnr=against_model,
            settings=settings,
            threads=THREADS,
            overwrite=True,
        )
        reached = psnr(fit.original, decoded(target), fit.source)
        if reached >= least:
            high = against_model
            best_bytes, best_psnr = min((best_bytes, best_psnr), (target.stat().st_size, reached))
            against_model = high - 0.5 if low == -math.inf else (low + high) / 2
        else:
            low = against_model
            missing = max(0.3, 3 * (least - reached))
            against_model = low + missing if high == math.inf else (low + high) / 2
    return best_bytes, best_psnr


def _tensors(item: DecodableItem) -> list[Tensor]:
    masks = dict(item.header.tensor_masks)
    tensors = []
    for index, (spec, values) in enumerate(zip(item.specs, item.parameters(), strict=True)):
        mask = None
        if index in masks:
            mask = np.broadcast_to(item.sparsity(masks[index]), values.shape)
        tensors.append(Tensor(spec.name, np.array(values), mask))
    return tensors
