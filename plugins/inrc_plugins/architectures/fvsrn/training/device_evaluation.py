"""Evaluation of `fvsrn` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array
from inrc_plugins.architectures.fvsrn.bands import nodal_grid
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training import network
from inrc_plugins.shared.training.unit_network import UnitNetworkEvaluator

_POINTS = 1 << 20


class DeviceEvaluator(UnitNetworkEvaluator):
    """An `fvsrn` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: FvsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        grid, layers = nodal_grid(config, parameters)
        specs = config.nodal.tensors(components)
        tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(specs, [grid, *layers], strict=True)
        }
        super().__init__(
            config.nodal,
            shape,
            components,
            tensors,
            device,
            samples=_POINTS,
            on_product=network.forward,
            at_points=network.forward_points,
        )
