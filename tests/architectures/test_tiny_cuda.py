"""What tiny-cuda-nn fits is what we decode: a stand-in computes as its source does."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.errors import InvalidOptionError
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.settings import HashgridSettings
from inrc_plugins.architectures.hashgrid.training import network, tiny_cuda
from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily

PRIMES = (1, 2654435761, 805459861, 3674653429)


def aligned(size: int, to: int) -> int:
    return (size + to - 1) // to * to


class StandIn(torch.nn.Module):
    """`NetworkWithInputEncoding`, after the source (grid.h, common_device.h, fully_fused_mlp.cu):
    float32, one flat parameter, the network's matrices (padded) before the tables."""

    built = 0

    def __init__(
        self,
        n_input_dims: int,
        n_output_dims: int,
        encoding_config: dict[str, Any],
        network_config: dict[str, Any],
    ) -> None:
        super().__init__()
        assert encoding_config["type"] == "Hash"
        assert encoding_config["hash"] == "CoherentPrime"
        assert network_config["activation"] == "ReLU"
        assert network_config["output_activation"] == "None"
        type(self).built += 1
        self.axes, self.outputs = n_input_dims, n_output_dims
        self.features = encoding_config["n_features_per_level"]
        self.scales, self.sizes = [], []
        growth = np.log2(np.float32(encoding_config["per_level_scale"]))
        for level in range(encoding_config["n_levels"]):
            power = np.exp2(np.float32(level) * growth)
            scale = power * np.float32(encoding_config["base_resolution"]) - np.float32(1)
            resolution = int(np.ceil(scale)) + 1
            size = aligned(resolution**self.axes, 8)
            self.scales.append((float(scale), resolution))
            self.sizes.append(min(size, 1 << encoding_config["log2_hashmap_size"]))
        width, hidden = network_config["n_neurons"], network_config["n_hidden_layers"]
        inputs = aligned(self.features * encoding_config["n_levels"], 16)
        self.matrices = [(width, inputs), *[(width, width)] * (hidden - 1)]
        self.matrices.append((aligned(n_output_dims, 16), width))
        count = sum(a * b for a, b in self.matrices) + self.features * sum(self.sizes)
        self.params = torch.nn.Parameter(torch.rand(count) - 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start, matrices = 0, []
        for rows, columns in self.matrices:
            matrices.append(self.params[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        encoded = []
        for (scale, resolution), size in zip(self.scales, self.sizes, strict=True):
            encoded.append(self.level(self.params[start:], x, scale, resolution, size))
            start += size * self.features
        hidden = torch.cat(encoded, dim=1)
        padding = self.matrices[0][1] - hidden.shape[1]
        hidden = torch.nn.functional.pad(hidden, (0, padding))
        for matrix in matrices[:-1]:
            hidden = torch.relu(hidden @ matrix.T)
        return (hidden @ matrices[-1].T)[:, : self.outputs]

    def level(
        self, grid: torch.Tensor, x: torch.Tensor, scale: float, resolution: int, size: int
    ) -> torch.Tensor:
        position = x * scale + 0.5
        cell = position.floor()
        fraction = position - cell
        found = torch.zeros(len(x), self.features)
        for corner in range(1 << self.axes):
            weight = torch.ones(len(x))
            index = torch.zeros(len(x), dtype=torch.long)
            hashed = torch.zeros(len(x), dtype=torch.long)
            stride = 1
            for dim in range(self.axes):
                up = corner >> dim & 1
                weight = weight * (fraction[:, dim] if up else 1 - fraction[:, dim])
                node = cell[:, dim].long() + up
                index += node * stride
                stride *= resolution
                hashed ^= node * PRIMES[dim] % (1 << 32)
            index = (hashed if size < stride else index) % size
            rows = index[:, None] * self.features + torch.arange(self.features)
            found = found + weight[:, None] * grid[rows]
        return found


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    module = types.ModuleType("tinycudann")
    module.__spec__ = importlib.machinery.ModuleSpec("tinycudann", None)
    module.NetworkWithInputEncoding = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tinycudann", module)
    StandIn.built = 0
    return StandIn


CONFIGS = {
    "2-D": (HashgridConfig(2, 4, 2, 6, 3, 1.71875, 16, 2), (13, 9), 3),
    "3-D, one hidden layer": (HashgridConfig(3, 3, 4, 8, 3, 2.0, 32, 1), (7, 8, 6), 1),
    "4-D, outputs past 16": (HashgridConfig(4, 2, 1, 7, 2, 1.6875, 16, 3), (4, 3, 5, 4), 17),
    "inputs of 16": (HashgridConfig(3, 8, 2, 10, 3, 1.28125, 16, 2), (7, 8, 6), 2),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_parameters_mean_the_same_there(name: str, stand_in: type[StandIn]) -> None:
    config, shape, components = CONFIGS[name]
    assert tiny_cuda.supports(config)
    tensors = network.initial_tensors(config, components, torch.Generator().manual_seed(1))
    for number in range(config.levels):
        tensors[f"table{number}"] *= 1e4
    indices = [torch.arange(size) for size in shape]
    theirs = tiny_cuda.TinyCudaNetwork(config, shape, components)(tensors, indices)
    ours = network.HashNetwork(config, shape)(tensors, indices)
    assert torch.allclose(theirs, ours, atol=2e-5)
    assert float(ours.std()) > 0.01


@pytest.mark.parametrize("name", CONFIGS)
def test_their_parameters_are_ours_and_back(name: str, stand_in: type[StandIn]) -> None:
    config, shape, components = CONFIGS[name]
    module = stand_in(
        config.axes,
        components,
        tiny_cuda.encoding_settings(config),
        tiny_cuda.network_settings(config),
    )
    parameters = module.params.detach()
    ours = tiny_cuda.from_parameters(config, components, parameters)
    assert {n: tuple(t.shape) for n, t in ours.items()} == {
        spec.name: spec.shape for spec in config.tensors(components)
    }
    indices = [torch.arange(size) for size in shape]
    units = [index / (size - 1) for index, size in zip(indices, shape, strict=True)]
    points = torch.cartesian_prod(*units).flip(1).float()
    found = network.HashNetwork(config, shape)(ours, indices)
    assert torch.allclose(found, module(points).T, atol=2e-5)
    again = tiny_cuda.from_parameters(config, components, tiny_cuda.to_parameters(config, ours))
    assert all(torch.equal(again[name], tensor) for name, tensor in ours.items())


def test_gradients_reach_our_tensors(stand_in: type[StandIn]) -> None:
    config, shape, components = CONFIGS["2-D"]
    tensors = network.initial_tensors(config, components, torch.Generator().manual_seed(1))
    for tensor in tensors.values():
        tensor.requires_grad_()
    indices = [torch.arange(size) for size in shape]
    gradients = []
    for one in (
        tiny_cuda.TinyCudaNetwork(config, shape, components),
        network.HashNetwork(config, shape),
    ):
        loss = (one(tensors, indices) - 1).square().sum()
        gradients.append(torch.autograd.grad(loss, list(tensors.values())))
    for theirs, ours in zip(*gradients, strict=True):
        assert torch.allclose(theirs, ours, rtol=1e-3, atol=1e-5)


def test_another_layout_is_noticed(
    stand_in: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables of other sizes, as where float32 rounds to another resolution."""
    config, shape, components = CONFIGS["2-D"]
    settings = {**tiny_cuda.encoding_settings(config), "base_resolution": 4}
    monkeypatch.setattr(tiny_cuda, "encoding_settings", lambda config: settings)
    with pytest.raises(InvalidOptionError, match="parameters"):
        tiny_cuda.TinyCudaNetwork(config, shape, components)


@pytest.mark.parametrize(
    "config",
    [
        HashgridConfig(1, 4, 2, 6, 3, 2.0, 16, 2),
        HashgridConfig(3, 4, 3, 6, 3, 2.0, 16, 2),
        HashgridConfig(3, 4, 2, 6, 3, 2.0, 24, 2),
        HashgridConfig(3, 4, 2, 6, 4, 1.5, 16, 2),
    ],
)
def test_what_it_does_not_have_is_fitted_without_it(
    config: HashgridConfig, stand_in: type[StandIn]
) -> None:
    assert not tiny_cuda.supports(config)
    family = tiny_cuda.TinyCudaFamily((8,) * config.axes, 1, HashgridSettings())
    assert isinstance(family.network(config), network.HashNetwork)
    assert stand_in.built == 0


def test_it_is_used_with_a_gpu_only(stand_in: type[StandIn]) -> None:
    assert tiny_cuda.available("cuda")
    assert not tiny_cuda.available("cpu")


def test_without_it_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not tiny_cuda.available("cuda")


def test_a_file_fitted_with_it_decodes_without_it(
    stand_in: type[StandIn], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows, columns = np.mgrid[0:20, 0:24]
    field = np.sin(rows / 7).astype(np.float32) * np.cos(columns / 5).astype(np.float32)
    np.save(tmp_path / "a.npy", field)
    options: dict[str, Any] = {
        "arch": "hashgrid",
        "bytes": 1200,
        "device": "cpu",
        "threads": 1,
        "settings": {"fit.steps": 100, "fit.prune_steps": 10, "fit.finetune_steps": 20},
    }
    monkeypatch.setattr(tiny_cuda, "available", lambda device: True)
    codec.encode(tmp_path / "a.npy", tmp_path / "a.inrc", **options)
    assert stand_in.built > 0
    monkeypatch.delitem(sys.modules, "tinycudann")
    with codec.open(tmp_path / "a.inrc", device="cpu") as file:
        difference = file["a"][...].astype(np.float64) - field
    assert 10 * np.log10(4 / np.square(difference).mean()) > 35


def test_sizes_of_the_family_are_those_it_supports() -> None:
    for sizes in ((512, 768), (128, 128, 128), (64, 18, 432), (20, 20, 20, 20)):
        family = HashgridFamily(sizes, 1, HashgridSettings())
        assert all(tiny_cuda.supports(family.sized(2**k)) for k in range(8, 22))
