"""Networks evaluated by PyTorch on a device, block by block, in accuracy class F."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch

from codec.arrays import Float32Array, Float64Array, FloatArray
from codec.training.network_architecture import DecodedNetwork
from inrc_plugins.shared.block_evaluation import BlockEvaluator
from inrc_plugins.shared.training.exact_products import exact_products


class DeviceNetwork(BlockEvaluator):
    """Network whose tensors lie on a torch device.

    A subclass says how many samples make a block, which bounds the memory of what lies between
    input and output, and computes them.

    Args:
        config: checked config of the architecture.
        shape: samples along each axis of the item.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.

    Attributes:
        block_samples: samples evaluated together, at most.
        precision: dtype of the tensors and of y.
    """

    block_samples: ClassVar[int]
    precision: ClassVar[npt.DTypeLike] = np.float32

    def __init__(
        self,
        config: Any,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        super().__init__(shape, components, self.block_samples, self.precision)
        self._config = config
        self._device = device
        # One block at a time bounds the memory of the device.
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values, self.precision)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    @classmethod
    def of(cls, network: DecodedNetwork, device: str) -> Self:
        """Evaluator of a network that was read from a file."""
        return cls(network.config, network.shape, network.components, network.parameters, device)

    @abstractmethod
    def forward_product(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        """y (components, product of the lengths) on an outer product of float64 coordinates."""

    @abstractmethod
    def forward_points(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        """y (components, n) at n points, with one float64 coordinate of each per active axis."""

    def coordinates(self, indices: Float64Array, axis: int) -> Float64Array:
        """Coordinates of real sample indices along an axis: the default runs from 0 to 1."""
        return indices / (self._shape[axis] - 1)

    def _on_product(self, active: Sequence[Float64Array]) -> FloatArray:
        with exact_products(self._lock):
            values: FloatArray = self.forward_product(self._places(active)).cpu().numpy()
        return values

    def _at_points(self, active: Sequence[Float64Array]) -> FloatArray:
        with exact_products(self._lock):
            values: FloatArray = self.forward_points(self._places(active)).cpu().numpy()
        return values

    def _places(self, active: Sequence[Float64Array]) -> list[torch.Tensor]:
        # float64 until features are made: the phase of high octaves needs the digits.
        return [
            torch.from_numpy(np.ascontiguousarray(self.coordinates(indices, axis))).to(self._device)
            for axis, indices in zip(self._axes, active, strict=True)
        ]
