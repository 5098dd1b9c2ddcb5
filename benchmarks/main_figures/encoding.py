"""Encoded volumes that the other figures are taken from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from unittest.mock import patch

import torch
from measuring.processes import Finished, run_inrc

import codec
from codec.plugin_api.models import Model
from codec.training.quantised_fit import QuantisedFit
from main_figures.figure import THREADS, Encoded


def encode(volume: str, source: Path, effort: int, psnr: float) -> Encoded:
    """Encode a `.npy` file beside itself.

    Raises:
        RuntimeError: the command failed for another reason than a missed target.
    """
    path = source.with_suffix(".inrc")
    cost = run_inrc(
        "encode", source, "-o", path, "--psnr", f"{psnr:g}", "--effort", str(effort),
        "--threads", str(THREADS), "--arch", "fvsrn", "--force", "--json",
    )  # fmt: skip
    if cost.code not in (0, 6):
        raise RuntimeError(f"encode {volume}: exit code {cost.code}: {cost.errors.strip()}")
    return Encoded(volume, source, path, cost, json.loads(cost.output))


def encode_watched(volume: str, source: Path, effort: int, psnr: float) -> Encoded:
    """Volume encoded in this process, which sees the float parameters that no file holds."""
    path = source.with_suffix(".inrc")
    seen: list[bytes] = []
    quantise = QuantisedFit.run

    def watch(fit: QuantisedFit, tensors: dict[str, torch.Tensor]) -> Model:
        seen.append(b"".join(t.detach().cpu().half().numpy().tobytes() for t in tensors.values()))
        return quantise(fit, tensors)

    with patch.object(QuantisedFit, "run", watch):
        report = codec.encode(
            source,
            path,
            psnr=psnr,
            effort=effort,
            arch="fvsrn",
            threads=THREADS,
            device="cpu",
            overwrite=True,
        )
    cost = Finished(0, report.seconds, 0, 0, "", "")
    return Encoded(volume, source, path, cost, dataclasses.asdict(report), b"".join(seen))
