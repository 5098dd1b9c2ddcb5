"""The benchmark behind `make bench-pruning`: what it costs to prune half of a latent grid.

    python benchmarks/bench_pruning.py [--steps N] [--prune-steps N] [--only PRUNER ...]

A generated field of 48^3 samples (random waves, their spectrum falling as k^-2.2, inside a
soft-edged body that fills a quarter of the volume) is fitted by an `fvsrn` network with a grid of
15^3 x 8 features. Every pruner then brings the grid to a sparsity of 50 %, with gates per entry
and, where it has any, shared by the features. PSNRs are those of float networks over all samples,
so that quantisation hides nothing; the network without pruning is trained for as many steps at
the same rates. `benchmarks/results/pruning.json` keeps everything.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from reporting.machine import describe_machine
from reporting.sections import RESULTS_FOLDER, RESULTS_PAGE, replace_section

from codec.arrays import Float32Array
from codec.measuring.metrics import peak_signal_to_noise
from codec.plugin_api import registry
from codec.plugin_api.stages import UnitPruner
from codec.training.batches import AxisSampler, Shard
from codec.training.family_units import FamilyUnits
from codec.training.fitter import Tensors
from codec.training.progress import StageProgress
from codec.training.pruning import FINAL_SHARE, RATE_SHARE, prune_entries, remove_units
from codec.training.quantised_fit import bit_price
from codec.training.trainer import Trainer
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

_JSON = RESULTS_FOLDER / "pruning.json"
_SIZE = 48
_CONFIG = FvsrnConfig((15, 15, 15), 8, 32, 2, 2)
_SHARD = 5120
_SPARSITY = 0.5
_MOST_DB = 0.3
# Bits of an entry, for the price of its survival.
_BITS = 5.0


def field() -> Float32Array:
    """(1, n, n, n) in [-1, 1]."""
    random = np.random.default_rng(20)
    axes = np.meshgrid(*[np.fft.fftfreq(_SIZE) * _SIZE] * 3, indexing="ij")
    k = np.sqrt(sum(axis**2 for axis in axes))
    noise = np.fft.fftn(random.normal(size=(_SIZE,) * 3))
    waves = np.fft.ifftn(noise * (k > 0) * np.exp(-((k / 9) ** 2)) / np.maximum(k, 1) ** 2.2).real
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, _SIZE)] * 3, indexing="ij")
    inside = 1 / (1 + np.exp(14 * (np.sqrt(x**2 + y**2 + 0.5 * z**2) - 0.62)))
    values = inside * (2 + waves / waves.std())
    low, high = values.min(), values.max()
    return ((2 * values - low - high) / (high - low)).astype(np.float32)[None]


class Study:
    """Fit of a network, and what pruners make of it.

    Args:
        steps: steps of the fit.
        prune_steps: steps of each pruner.
    """

    def __init__(self, steps: int, prune_steps: int) -> None:
        values = field()
        self._family = FvsrnFamily(values.shape[1:], 1)
        self._sampler = AxisSampler(values, None, _SHARD, "cpu")
        whole = [torch.arange(_SIZE) for _ in range(3)]
        self._whole = Shard(whole, torch.from_numpy(values.reshape(1, -1)), None)
        self._prune_steps = prune_steps
        self._tensors = self._family.start(_CONFIG, torch.Generator().manual_seed(0))
        self._units = FamilyUnits(self._family, _CONFIG, self._trainer)
        network = self._units.fitted(_CONFIG)
        network.fitter.run(self._tensors, steps, network.rates)
        self._tensors = self._family.centred(_CONFIG, self._tensors)

    def _trainer(self, config: FvsrnConfig) -> Trainer:
        return Trainer(self._family.network(config), self._sampler, seed=0, threads=2)

    def _psnr(self, config: dict[int, Any], tensors: Tensors) -> float:
        checked = FvsrnConfig.from_map(config, (_SIZE,) * 3)
        return peak_signal_to_noise(self._trainer(checked).estimate(tensors, [self._whole]))

    def before(self) -> float:
        """PSNR of the fit, dB."""
        return self._psnr(_CONFIG.to_map(), self._tensors)

    def pruned(self, name: str | None, shared: bool = False) -> tuple[float, float]:
        """PSNR after pruning and finetuning (or after as many steps), and the share of zeros."""
        network, tensors = self._units.fitted(_CONFIG), self._tensors
        batches = network.fitter.draw(16)
        if name is None:
            copies = {key: tensor.clone() for key, tensor in tensors.items()}
            rates = {key: RATE_SHARE * rate for key, rate in network.rates.items()}
            network.fitter.run(copies, self._prune_steps, rates, final_rate=FINAL_SHARE)
            return self._psnr(network.config, copies), 0.0
        settings = {"prune.sparsity": str(_SPARSITY)}
        if shared:
            settings["prune.shared"] = "yes"
        pruner = registry.pruner(name, tuple(settings.items()))
        count = sum(tensor.numel() for tensor in tensors.values())
        error = network.fitter.estimate(tensors, batches)
        price = _BITS * bit_price(math.sqrt(12 * error / count))
        progress = StageProgress(lambda *_: None)
        if isinstance(pruner, UnitPruner):
            left, pruned_tensors, _ = remove_units(
                pruner, network, tensors, price, self._prune_steps, batches, progress
            )
            remaining_entries = sum(tensor.numel() for tensor in pruned_tensors.values())
            return self._psnr(left.config, pruned_tensors), 1 - remaining_entries / count
        curvature = network.fitter.curvature(tensors, batches)
        pruned_tensors, masks = prune_entries(
            pruner, network, tensors, curvature, price, self._prune_steps, 0, progress
        )
        zeros = 1 - np.broadcast_to(masks["grid"], pruned_tensors["grid"].shape).mean()
        return self._psnr(network.config, pruned_tensors), float(zeros)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--prune-steps", type=int, default=600)
    parser.add_argument("--only", action="append", metavar="PRUNER")
    options = parser.parse_args()
    started = time.monotonic()
    study = Study(options.steps, options.prune_steps)
    before, unpruned = study.before(), study.pruned(None)[0]
    print(f"fit {before:.2f} dB, trained on {unpruned:.2f} dB, {time.monotonic() - started:.0f} s")
    rows = []
    for name, gates in ways(options.only or registry.names("pruner")):
        psnr, zeros = study.pruned(name, gates == "position")
        rows.append({"pruner": name, "gates": gates, "zeros": zeros, "psnr": psnr})
        rows[-1] |= {"cost": before - psnr, "cost_trained_on": unpruned - psnr}
        print(f"{name} {gates}: {zeros:.1%}, {psnr:.2f} dB, {time.monotonic() - started:.0f} s")
    if options.only:
        return 0
    machine = describe_machine()
    figures = {"machine": machine, "before": before, "trained_on": unpruned, "rows": rows}
    figures |= {"steps": options.steps, "prune_steps": options.prune_steps}
    _JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    replace_section(RESULTS_PAGE, "pruning", table(figures))
    return 0


def ways(pruners: Sequence[str]) -> list[tuple[str, str]]:
    """Pruners, each with what its gates are of."""
    gated_pruners = []
    for name in pruners:
        gates = (
            ("unit",) if isinstance(registry.pruner(name), UnitPruner) else ("entry", "position")
        )
        gated_pruners += [(name, gate) for gate in gates]
    return gated_pruners


def table(figures: dict[str, Any]) -> str:
    """The section of RESULTS.md."""
    lines = ["Made by `make bench-pruning`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in figures["machine"].items()]
    lines += [
        f"- fit of {figures['steps']} steps: {figures['before']:.2f} dB; trained for another "
        f"{figures['prune_steps']} steps without pruning: {figures['trained_on']:.2f} dB",
        "",
        "| pruner | gates per | zeros | PSNR | cost | against trained on | target |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in figures["rows"]:
        target = ""
        if row["gates"] == "entry":
            verdict = "pass" if row["cost_trained_on"] <= _MOST_DB else "**fail**"
            target = f"<= {_MOST_DB}: {verdict}"
        lines.append(
            f"| `{row['pruner']}` | {row['gates']} | {row['zeros']:.1%} | {row['psnr']:.2f} dB "
            f"| {row['cost']:.2f} dB | {row['cost_trained_on']:.2f} dB | {target} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
