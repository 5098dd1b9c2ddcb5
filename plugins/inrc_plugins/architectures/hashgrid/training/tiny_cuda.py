"""Fitting `hashgrid` with tiny-cuda-nn: its settings, and its parameters from and to our tensors.

`tinycudann` is imported on use. It computes in half precision, so what it evaluates is of accuracy
class P and serves the gradient steps alone; models are measured and decoded by our own float32.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from codec.errors import InvalidOptionError
from codec.training.fitter import Network
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.growth import same_resolutions
from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily

_log = logging.getLogger("inrc")

# Sizes that its kernels are compiled for.
_AXES, _FEATURES, _WIDTHS = (2, 3, 4), (1, 2, 4, 8), (16, 32, 64, 128)
# The width of its matrix products: inputs and outputs are filled up to a multiple of it.
_ALIGNMENT = 16


def available(device: str) -> bool:
    """Whether tiny-cuda-nn is installed and there is a GPU for it."""
    if device == "cpu" or importlib.util.find_spec("tinycudann") is None:
        return False
    try:
        importlib.import_module("tinycudann")
    except (ImportError, OSError) as error:
        _log.warning("tinycudann is installed but does not load, fitting without it: %s", error)
        return False
    return True


def supports(config: HashgridConfig) -> bool:
    """Whether tiny-cuda-nn has this function, with tables of the same sizes."""
    return (
        config.axes in _AXES
        and config.features in _FEATURES
        and config.width in _WIDTHS
        and same_resolutions(config)
    )


def encoding_settings(config: HashgridConfig) -> dict[str, Any]:
    """Its `encoding_config`."""
    return {
        "otype": "Grid",
        "type": "Hash",
        "hash": "CoherentPrime",
        "interpolation": "Linear",
        "n_levels": config.levels,
        "n_features_per_level": config.features,
        "log2_hashmap_size": config.table,
        "base_resolution": config.base,
        "per_level_scale": config.growth,
    }


def network_settings(config: HashgridConfig) -> dict[str, Any]:
    """Its `network_config`."""
    return {
        "otype": "FullyFusedMLP",
        "activation": "ReLU",
        "output_activation": "None",
        "n_neurons": config.width,
        "n_hidden_layers": config.layers,
    }


def to_parameters(config: HashgridConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Its flat parameters, differentiably.

    Args:
        tensors: ours by name.

    Returns:
        (parameters) of the dtype of the tensors.
    """
    parts = []
    for layer in range(config.layers + 1):
        matrix = tensors[f"matrix{layer}"]
        rows, columns = matrix.shape
        below = _aligned(rows) - rows if layer == config.layers else 0
        beside = _aligned(columns) - columns if layer == 0 else 0
        parts.append(torch.nn.functional.pad(matrix, (0, beside, 0, below)).reshape(-1))
    parts += [tensors[f"table{number}"].T.reshape(-1) for number in range(config.levels)]
    return torch.cat(parts)


def from_parameters(
    config: HashgridConfig, components: int, parameters: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Our tensors by name from its flat parameters; what only fills up is dropped.

    Raises:
        InvalidOptionError: there are more or fewer parameters than the config has there.
    """
    specs = {spec.name: spec for spec in config.tensors(components)}
    expected = parameter_count(config, components)
    if parameters.shape != (expected,):
        raise InvalidOptionError(
            f"tinycudann has {parameters.numel()} parameters where {expected} belong to the "
            "config; its version differs from what format_spec/architectures/hashgrid.md describes"
        )
    tensors, start = {}, 0
    for layer in range(config.layers + 1):
        rows, columns = specs[f"matrix{layer}"].shape
        stored = _stored_shape(config, layer, rows, columns)
        block = parameters[start : start + math.prod(stored)].reshape(stored)
        tensors[f"matrix{layer}"] = block[:rows, :columns].clone()
        start += math.prod(stored)
    for number in range(config.levels):
        features, entries = specs[f"table{number}"].shape
        block = parameters[start : start + features * entries].reshape(entries, features)
        tensors[f"table{number}"] = block.T.contiguous()
        start += features * entries
    return {name: tensors[name] for name in specs}


def parameter_count(config: HashgridConfig, components: int) -> int:
    """Number of parameters, those that fill up included."""
    total = 0
    for spec in config.tensors(components):
        shape = spec.shape
        if spec.name.startswith("matrix"):
            shape = _stored_shape(config, int(spec.name.removeprefix("matrix")), *shape)
        total += math.prod(shape)
    return total


def _stored_shape(config: HashgridConfig, layer: int, rows: int, columns: int) -> tuple[int, int]:
    stored_rows = _aligned(rows) if layer == config.layers else rows
    return stored_rows, _aligned(columns) if layer == 0 else columns


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


class TinyCudaNetwork:
    """The function of a config on outer products of sample indices, by tiny-cuda-nn.

    Args:
        config: shape of the model, one that it supports.
        sizes: samples along each active axis.
        components: outputs.

    Raises:
        InvalidOptionError: its parameters are not those that the config implies.
    """

    def __init__(self, config: HashgridConfig, sizes: Sequence[int], components: int) -> None:
        module = importlib.import_module("tinycudann")
        self._config = config
        self._sizes = sizes
        self._module: torch.nn.Module = module.NetworkWithInputEncoding(
            n_input_dims=config.axes,
            n_output_dims=components,
            encoding_config=encoding_settings(config),
            network_config=network_settings(config),
        )
        from_parameters(config, components, self._module.params.detach())

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, product of the lengths) float32, right to half precision."""
        units = [
            (index.double() / (size - 1)).float()
            for index, size in zip(indices, self._sizes, strict=True)
        ]
        # Its first coordinate is that of our last axis.
        points = torch.stack(torch.meshgrid(*units, indexing="ij")[::-1], dim=-1)
        values: torch.Tensor = torch.func.functional_call(
            self._module,
            {"params": to_parameters(self._config, tensors)},
            (points.reshape(-1, len(units)),),
        )
        return values.float().T


class TinyCudaFamily(HashgridFamily):
    """Networks that tiny-cuda-nn evaluates wherever it has them."""

    def network(self, config: HashgridConfig) -> Network:
        if supports(config):
            return TinyCudaNetwork(config, self.sizes, self.components)
        _log.info("tinycudann does not have %s; fitting this without it", config)
        return super().network(config)
