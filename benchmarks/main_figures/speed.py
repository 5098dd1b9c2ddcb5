"""Seconds of encoding, decoding and training."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from measuring.processes import free_cores, run_inrc

import codec
from codec.arrays import Float32Array
from codec.training.batches import AxisSampler
from codec.training.gradient_fit import SHARD_POINTS
from codec.training.trainer import Trainer
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily
from main_figures.figure import MIB, THREADS, Encoded, Figure


def encode_cost(encoded: Encoded, effort: int) -> list[Figure]:
    """(d) Time and memory of the whole encode command."""
    cost = encoded.cost
    what = f"encode at effort {effort}, {THREADS} threads"
    return [
        Figure("encode", encoded.volume, what, cost.seconds, "s", "<", 180, "whole command"),
        Figure("encode", encoded.volume, "peak memory of encode", cost.peak_bytes / MIB, "MiB",
               "<", 2048, f"VmHWM; anonymous {cost.anonymous_bytes / MIB:.0f} MiB"),
    ]  # fmt: skip


def decode_speed(encoded: Encoded) -> list[Figure]:
    """(d) Decoding, warm in one process, and as a command."""
    with codec.open(encoded.path, threads=THREADS, device="cpu") as file:
        view = next(iter(file.values()))
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            view[...]
            seconds.append(time.perf_counter() - started)
        samples = view.size
    target = encoded.path.with_suffix(".back.npy")
    whole = run_inrc(
        "decode", encoded.path, "-o", target, "--threads", str(THREADS), "--force",
        "--device", "cpu",
    )  # fmt: skip
    target.unlink()
    note = f"best of 4; whole command {whole.seconds:.2f} s"
    return [
        Figure("decode", encoded.volume, f"decode speed, {THREADS} threads",
               samples / min(seconds) / 1e6, "M voxels/s", ">=", 3, note)
    ]  # fmt: skip


def threads_speedup(volume: str, source: Path) -> list[Figure]:
    """(d) The same training steps with one and with two threads, in turns."""
    values = np.load(source).astype(np.float32)
    values = 2 * (values - values.min()) / np.ptp(values) - 1
    rates: dict[int, list[float]] = {1: [], THREADS: []}
    cores = free_cores()
    for _ in range(3):
        for threads in rates:
            rates[threads].append(_training_rate(values, threads))
    best = {threads: max(measured) for threads, measured in rates.items()}
    note = ", ".join(f"{threads} threads: {best[threads]:.1f} steps/s" for threads in best)
    note += f"; the machine had {cores:.1f} cores to spare"
    ratio = best[THREADS] / best[1]
    return [Figure("threads", volume, "training, 2 threads / 1", ratio, "x", ">=", 1.6, note)]


def _training_rate(values: Float32Array, threads: int, steps: int = 100) -> float:
    family = FvsrnFamily(values.shape, 1)
    config = family.sized(200_000)
    tensors = family.start(config, torch.Generator().manual_seed(0))
    sampler = AxisSampler(values[np.newaxis], None, SHARD_POINTS["cpu"], "cpu")
    trainer = Trainer(family.network(config), sampler, 0, threads)
    trainer.run(tensors, steps // 4, family.rates(config))
    started = time.perf_counter()
    trainer.run(tensors, steps, family.rates(config))
    return steps / (time.perf_counter() - started)
