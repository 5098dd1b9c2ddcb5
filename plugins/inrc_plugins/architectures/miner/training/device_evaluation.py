"""Evaluation of `miner` on a GPU, with torch, in float64 as on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array, Float64Array, Int64Array
from inrc_plugins.architectures.miner.config import MinerConfig, layer_name
from inrc_plugins.architectures.miner.interpolation import InterpolatingEvaluator
from inrc_plugins.architectures.miner.training.network import MinerNetwork


class DeviceEvaluator(InterpolatingEvaluator):
    """A `miner` model on a torch device; its samples are computed once, all of them.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
        level: how coarse.
    """

    def __init__(
        self,
        config: MinerConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> None:
        finest = min(level, config.levels - 1)
        super().__init__(shape, components, finest, config.grid(finest, shape).sizes)
        self._finest = finest
        names = [spec.name for spec in config.tensors(shape, components)]
        flat = {
            name: tensor.reshape(len(tensor), -1)
            for name, tensor in zip(names, parameters, strict=True)
        }
        active = [
            np.flatnonzero(flat[layer_name(number, config.layers)].any(axis=0))
            for number in range(config.levels)
        ]
        self._network = MinerNetwork(config, shape, components, active, torch.float64, device)
        self._tensors = {
            name: torch.from_numpy(flat[name][:, active[number]].astype(np.float64)).to(device)
            for number in range(config.levels)
            for name in (layer_name(number, layer) for layer in range(config.layers + 1))
        }
        self._lock = threading.Lock()
        self._known: Float64Array | None = None

    def samples(self, indices: Sequence[Int64Array]) -> Float64Array:
        whole = self._all()
        return whole[np.ix_(np.arange(len(whole)), *indices)]

    def samples_at(self, places: Int64Array) -> Float64Array:
        return self._all()[(slice(None), *places.T)]

    def _all(self) -> Float64Array:
        with self._lock:
            if self._known is None:
                with torch.inference_mode():
                    samples = self._network.reconstruction(self._tensors, self._finest)
                self._known = samples.cpu().numpy()
            return self._known
