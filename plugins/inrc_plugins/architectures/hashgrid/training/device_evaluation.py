"""Evaluation of `hashgrid` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.training import network
from inrc_plugins.shared.training.unit_network import UnitNetworkEvaluator

# Each has 2^axes entries per level at once, which take some 200 bytes in 3-D.
_POINTS = 1 << 18


class DeviceEvaluator(UnitNetworkEvaluator):
    """A `hashgrid` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: HashgridConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }
        super().__init__(
            config,
            shape,
            components,
            tensors,
            device,
            samples=_POINTS,
            on_product=network.forward,
            at_points=network.forward_points,
        )
