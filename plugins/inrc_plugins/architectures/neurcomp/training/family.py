"""`neurcomp` networks of all widths, for the gradient fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch

from codec.training.network_family import NetworkFamily
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.architectures.neurcomp.training import network

# The least width that the source takes for a ratio; small targets need narrower networks.
_LEAST_FOR_RATIO, _LEAST = 16, 4
_MOST = 4096
# Bits of a parameter of a good model of given size: sines do not bear coarse steps.
_BITS = 8.0
# Measured on short fits: 18 units learn most at 0.002 and diverge at 0.004, 64 learn most at 0.001.
_RATE, _HIGHEST_RATE = 0.008, 0.002


class NeurcompFamily(NetworkFamily[NeurcompConfig]):
    """Widths and starting values.

    Args:
        sizes: samples along each active axis.
        components: outputs.
        settings: what the user has fixed.
    """

    def within(self, file_bytes: int) -> NeurcompFamily:
        """The family whose only width is the one that is worth so many bytes."""
        width = self.sized(int(8 * file_bytes / _BITS)).width
        return NeurcompFamily(self.sizes, self.components, replace(self._settings, width=width))

    def sized(self, parameters: int) -> NeurcompConfig:
        """The widest config with at most so many parameters, unless the settings say the width."""
        s = self._settings
        if s.width:
            return self._config(s.width)
        if s.ratio:
            samples = self.components * math.prod(self.sizes)
            return self._config(max(_LEAST_FOR_RATIO, self._width(int(samples / s.ratio))))
        return self._config(max(_LEAST, self._width(parameters)))

    def _width(self, parameters: int) -> int:
        low, high = 1, _MOST
        while low < high:
            middle = (low + high + 1) // 2
            enough = self.count(self._config(middle)) <= parameters
            low, high = (middle, high) if enough else (low, middle - 1)
        return low

    def _config(self, width: int) -> NeurcompConfig:
        s = self._settings
        return NeurcompConfig(len(self.sizes), width, s.blocks, s.frequency)

    def start(self, config: NeurcompConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return network.initial_tensors(config, self.components, generator)

    def rates(self, config: NeurcompConfig) -> dict[str, float]:
        rate = self._settings.rate or min(_HIGHEST_RATE, _RATE / math.sqrt(config.width))
        return {spec.name: rate for spec in config.tensors(self.components)}

    def resize(
        self, tensors: Mapping[str, torch.Tensor], before: NeurcompConfig, after: NeurcompConfig
    ) -> dict[str, torch.Tensor]:
        """A wider network, which at first changes nothing: no old unit listens to a new one."""
        grown = self.start(after, torch.Generator().manual_seed(after.width))
        for name, tensor in tensors.items():
            old, new = tensor.detach().cpu(), grown[name]
            if old.ndim == 2:
                new[: len(old), old.shape[1] :] = 0
                new[: len(old), : old.shape[1]] = old
            else:
                new[: len(old)] = old
            grown[name] = new.to(tensor.device)
        return grown

    def network(self, config: NeurcompConfig) -> network.SineNetwork:
        return network.SineNetwork(config, self.sizes)
