"""The trainer finds what it should, whatever the number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from codec.measuring.metrics import peak_signal_to_noise
from codec.training.batches import AxisSampler
from codec.training.fitter import Tensors
from codec.training.trainer import Trainer
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

SHAPE = (24, 28, 40)


def smooth_field() -> np.ndarray:
    z, y, x = (np.linspace(0, 1, size) for size in SHAPE)
    waves = np.sin(7 * z)[:, None, None] * np.cos(5 * y)[:, None] * np.sin(9 * x + 1)
    return waves.astype(np.float32)[None]


def train(steps: int, threads: int) -> tuple[Tensors, Trainer]:
    config = FvsrnConfig((8, 8, 10), 4, 16, 2, 2)
    family = FvsrnFamily(SHAPE, 1)
    tensors = family.start(config, torch.Generator().manual_seed(0))
    sampler = AxisSampler(smooth_field(), None, 1024, "cpu")
    trainer = Trainer(family.network(config), sampler, seed=0, threads=threads)
    trainer.run(tensors, steps, family.rates(config))
    return tensors, trainer


def test_a_smooth_field_is_learned() -> None:
    """A grid that is trained on a scrambled gradient stays below 30 dB."""
    tensors, trainer = train(steps=250, threads=2)
    assert peak_signal_to_noise(trainer.estimate(tensors, trainer.draw(16))) > 38


@pytest.mark.parametrize("threads", [2, 3])
def test_the_result_does_not_depend_on_threads(threads: int) -> None:
    alone, _ = train(steps=12, threads=1)
    shared, _ = train(steps=12, threads=threads)
    for name, tensor in alone.items():
        assert torch.equal(tensor, shared[name]), name
