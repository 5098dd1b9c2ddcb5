"""Evaluation of `siren` on a GPU, with torch; float64, which accuracy class F needs here."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.encodings import encoded_points, unit_places
from inrc_plugins.architectures.siren.training.network import after_first, smooth_sine
from inrc_plugins.shared.block_evaluation import BlockEvaluator, outer_product

_POINTS = 1 << 18


class DeviceEvaluator(BlockEvaluator):
    """A `siren` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: of the network, float32, in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: SirenConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        super().__init__(shape, components, _POINTS)
        self._config = config
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(values.astype(np.float64)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    def _on_product(self, active: Sequence[Float64Array]) -> Float32Array:
        return self._at_points(outer_product(active))

    def _at_points(self, active: Sequence[Float64Array]) -> Float32Array:
        places = np.stack(
            [
                unit_places(indices, self._shape[axis])
                for axis, indices in zip(self._axes, active, strict=True)
            ],
            axis=1,
        )
        # One block at a time bounds the GPU's memory.
        with self._lock, torch.inference_mode():
            encoded = torch.from_numpy(encoded_points(self._config.encoding, places))
            first = torch.addmm(
                self._tensors["vector0"], encoded.to(self._device), self._tensors["matrix0"].T
            )
            values = after_first(self._config, self._tensors, first, smooth_sine)
            return values.float().cpu().numpy()
