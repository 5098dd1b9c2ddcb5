"""`fvsrn` follows its normative text, in NumPy and in torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch

import codec
from codec.arrays import Float32Array, Float64Array
from codec.plugin_api.models import CodedTensor
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.evaluation import FvsrnEvaluator
from inrc_plugins.architectures.fvsrn.training import network
from inrc_plugins.architectures.fvsrn.training.device_evaluation import DeviceEvaluator
from inrc_plugins.architectures.fvsrn.training.latent_grid import refine_grid
from inrc_plugins.shared.config_map import active_axes
from tests.building import fvsrn_file, random_model

# shape, grid, features, width, layers, octaves, components
CASES = {
    "1-D": ((37,), (9,), 3, 8, 2, 2, 1),
    "2-D": ((11, 13), (4, 5), 2, 6, 3, 1, 2),
    "3-D": ((7, 6, 9), (3, 2, 4), 4, 8, 2, 3, 1),
    "4-D": ((5, 4, 3, 6), (2, 3, 2, 3), 3, 7, 1, 1, 3),
    "size 1 first": ((1, 8, 9), (3, 4), 2, 5, 2, 2, 1),
    "size 1 last": ((8, 9, 1), (3, 4), 2, 5, 2, 2, 1),
    "size 1 all over": ((1, 8, 1, 1, 9, 1), (3, 4), 2, 5, 2, 2, 2),
    "no octaves": ((8, 9), (3, 4), 2, 5, 2, 0, 1),
    "grid finer than the samples": ((4, 5), (17, 19), 2, 5, 2, 1, 1),
    "two samples": ((2, 2), (2, 2), 1, 1, 1, 1, 1),
    "long row": ((3, 1200), (2, 700), 2, 5, 1, 1, 1),
    "many octaves": ((40,), (3,), 1, 4, 1, 16, 1),
}


def case(name: str) -> tuple[FvsrnConfig, tuple[int, ...], int, list[Float32Array]]:
    shape, grid, features, width, layers, octaves, components = CASES[name]
    model = random_model(
        shape, components, grid=grid, features=features, width=width, layers=layers,
        octaves=octaves, seed=len(name),
    )  # fmt: skip
    return (
        FvsrnConfig(grid, features, width, layers, octaves),
        shape,
        components,
        [restored(tensor) for tensor in model.tensors],
    )


def restored(tensor: CodedTensor) -> Float32Array:
    return (tensor.values * tensor.quantisation.steps[0]).astype(np.float32)


def naive(
    config: FvsrnConfig,
    shape: tuple[int, ...],
    parameters: Sequence[Float32Array],
    point: Sequence[float],
) -> Float64Array:
    """The section "Evaluation" of fvsrn.md for one position, line by line, in float64."""
    grid, *layers = [tensor.astype(np.float64) for tensor in parameters]
    p = [point[axis] / (shape[axis] - 1) for axis in active_axes(shape)]
    z = np.zeros(config.features)
    cells = []
    for position, nodes in zip(p, config.grid, strict=True):
        u = position * (nodes - 1)
        k = min(int(np.floor(u)), nodes - 2)
        cells.append((k, u - k))
    for corner in itertools.product((0, 1), repeat=len(p)):
        weight = 1.0
        for e, (_, t) in zip(corner, cells, strict=True):
            weight *= t if e else 1 - t
        z += weight * grid[(slice(None), *(k + e for e, (k, _) in zip(corner, cells, strict=True)))]
    inputs = list(p)
    inputs += [np.cos(2 * np.pi * 2**octave * q) for octave in range(config.octaves) for q in p]
    inputs += [np.sin(2 * np.pi * 2**octave * q) for octave in range(config.octaves) for q in p]
    h = np.concatenate([inputs, z])
    for layer in range(config.layers):
        x = layers[2 * layer] @ h + layers[2 * layer + 1]
        h = x / 2 + np.sin(x) ** 2
    return layers[-2] @ h + layers[-1]


def close(found: npt.NDArray[np.floating], expected: Float64Array) -> None:
    """Class F: R is 2, for y runs from -1 to 1."""
    error = np.abs(found.astype(np.float64) - expected)
    assert error.max() <= 2.0**-16 * 2
    assert np.sqrt(np.square(error).mean()) <= 2.0**-19 * 2


@pytest.mark.parametrize("name", CASES)
def test_the_grid_is_that_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = FvsrnEvaluator(config, shape, parameters)
    found = evaluator.on_axes([np.arange(size, dtype=np.float64) for size in shape])
    assert found.shape == (components, *shape)
    assert found.dtype == np.float32
    points = list(np.ndindex(*shape))
    expected = np.array([naive(config, shape, parameters, point) for point in points]).T
    close(found.reshape(components, -1), expected)


@pytest.mark.parametrize("name", CASES)
def test_single_points_are_those_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = FvsrnEvaluator(config, shape, parameters)
    random = np.random.default_rng(0)
    points = random.random((200, len(shape))) * (np.array(shape) - 1)
    points[:20] = np.round(points[:20])
    points[20] = np.array(shape) - 1
    points[21] = 0
    found = evaluator.at(points)
    assert found.shape == (components, len(points))
    expected = np.array([naive(config, shape, parameters, point) for point in points]).T
    close(found, expected)


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_the_same(name: str) -> None:
    """The evaluator for GPUs, on the CPU where there is none: on axes and at points."""
    config, shape, components, parameters = case(name)
    plain = FvsrnEvaluator(config, shape, parameters)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    other = DeviceEvaluator(config, shape, components, parameters, device)
    axes = [np.arange(size, dtype=np.float64)[::2] for size in shape]
    close(other.on_axes(axes), plain.on_axes(axes).astype(np.float64))
    points = np.random.default_rng(2).random((50, len(shape))) * (np.array(shape) - 1)
    close(other.at(points), plain.at(points).astype(np.float64))


@pytest.mark.parametrize("name", ["1-D", "3-D", "size 1 first"])
def test_any_axes_give_the_same_as_points(name: str) -> None:
    """Real positions, in any order, repeated."""
    config, shape, components, parameters = case(name)
    evaluator = FvsrnEvaluator(config, shape, parameters)
    random = np.random.default_rng(1)
    axes = [random.random(4) * (size - 1) for size in shape]
    found = evaluator.on_axes(axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    close(found.reshape(components, -1), evaluator.at(points).astype(np.float64))


@pytest.mark.parametrize("name", [name for name in CASES if name != "many octaves"])
def test_torch_computes_the_same_function(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = FvsrnEvaluator(config, shape, parameters)
    expected = evaluator.on_axes([np.arange(size, dtype=np.float64) for size in shape])
    tensors = {
        spec.name: torch.from_numpy(values)
        for spec, values in zip(config.tensors(components), parameters, strict=True)
    }
    positions = [
        torch.linspace(0, 1, shape[axis], dtype=torch.float32) for axis in active_axes(shape)
    ]
    found = network.forward(config, tensors, positions).numpy()
    assert found == pytest.approx(expected.reshape(components, -1), abs=1e-4)


@pytest.mark.parametrize("frequency", [1.0, 2.5])
def test_gradients_of_the_activation_are_right(frequency: float) -> None:
    x = torch.linspace(-7, 7, 101, dtype=torch.float64, requires_grad=True)
    y = network._ScaledSnakeAlt.apply(x, frequency)
    assert torch.allclose(y + 1, x + 1 - torch.cos(2 * frequency * x))
    assert torch.autograd.gradcheck(network._ScaledSnakeAlt.apply, (x, frequency))


def test_gradients_of_the_network_are_right() -> None:
    """Against finite differences of the forward pass, in float32, so only roughly."""
    config, shape, components, parameters = case("2-D")
    names = [spec.name for spec in config.tensors(components)]
    tensors = {
        name: torch.from_numpy(values).requires_grad_()
        for name, values in zip(names, parameters, strict=True)
    }
    positions = [torch.linspace(0, 1, size) for size in shape]
    weights = torch.linspace(-1, 1, components * shape[0] * shape[1]).reshape(components, -1)
    (network.forward(config, tensors, positions) * weights).sum().backward()
    for number, name in enumerate(names):
        gradient = tensors[name].grad
        assert gradient is not None
        place = np.unravel_index(int(gradient.abs().argmax()), gradient.shape)
        moved = []
        for step in (1e-3, -1e-3):
            changed = [values.astype(np.float64) for values in parameters]
            changed[number][place] += step
            evaluator = FvsrnEvaluator(config, shape, [c.astype(np.float32) for c in changed])
            y = evaluator.on_axes([np.arange(size, dtype=np.float64) for size in shape])
            moved.append(float((y.reshape(components, -1) * weights.numpy()).sum()))
        slope = (moved[0] - moved[1]) / 2e-3
        assert float(gradient[place]) == pytest.approx(slope, rel=0.02, abs=0.02)


def test_a_refined_grid_is_the_same_function() -> None:
    grid = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32))
    finer = refine_grid(grid, (7, 9))
    assert finer.shape == (3, 7, 9)
    assert torch.allclose(finer[:, ::2, ::2], grid, atol=1e-6)


def test_multiply_adds_are_counted_as_the_text_says() -> None:
    config, _, components, _ = case("3-D")
    matrices = 8 * (3 + 2 * 3 * 3 + 4) + 8 * 8 + 1 * 8
    assert config.multiply_adds(components) == 2**3 * 4 + matrices


@pytest.mark.parametrize("seed", range(4))
def test_the_product_agrees_with_the_reference_decoder(seed: int) -> None:
    from inrc_conformance.decoder import decode_bytes

    data = fvsrn_file(
        [(9, 8), (30,), (4, 5, 6), (2, 3, 2, 3)][seed], ("f4", "f8"), seed=seed, sparse=seed % 2 > 0
    )
    (item,) = decode_bytes(data).items
    with codec.open(data, device="cpu") as file:
        for component, header in zip(item.components, item.header.components, strict=True):
            error = np.abs(file[component.name][...].astype(np.float64) - component.real)
            assert error.max() <= 2.0**-16 * 2 * header.scale
