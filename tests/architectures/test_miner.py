"""`miner` follows its normative text, in NumPy and in torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from codec.arrays import Float32Array, Float64Array
from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.registry import architecture
from inrc_plugins.architectures.miner.config import MinerConfig, layer_name
from inrc_plugins.architectures.miner.evaluation import MinerEvaluator
from inrc_plugins.architectures.miner.training import network
from inrc_plugins.architectures.miner.training.device_evaluation import DeviceEvaluator
from inrc_plugins.shared.config_map import active_axes

Parameters = list[Float32Array]

# shape, block, widths, layers, octaves, omega, components
CASES: dict[str, tuple[Any, ...]] = {
    "1-D": ((23,), 4, (3, 2), 2, 0, 30, 1),
    "2-D": ((11, 14), 4, (3, 3, 5), 2, 0, 150, 2),
    "3-D": ((7, 6, 9), 4, (3, 4), 1, 0, 30, 1),
    "4-D": ((3, 4, 5, 3), 2, (2, 2), 1, 0, 7, 1),
    "gaussian": ((9, 10), 4, (3, 4), 2, 0, None, 3),
    "octaves": ((9, 10), 4, (3, 4), 1, 3, 5, 1),
    "size 1 between": ((1, 9, 1, 10), 4, (3, 4), 1, 0, 30, 1),
    "one level": ((9, 10), 16, (3,), 1, 0, 30, 1),
    "levels of one sample": ((3, 9), 4, (2, 2, 2, 2, 2), 1, 0, 30, 1),
}


def case(name: str, active: float = 0.6) -> tuple[MinerConfig, tuple[int, ...], int, Parameters]:
    """A random model; each block but the last, which is, is active with the chance given."""
    shape, block, widths, layers, octaves, omega, components = CASES[name]
    config = MinerConfig(block, widths, layers, octaves, omega)
    random = np.random.default_rng(len(name))
    parameters = []
    for spec in config.tensors(shape, components):
        if spec.name.endswith("layer0"):
            kept = random.random(spec.shape[1:]) < active
            kept.flat[-1] = True
        # Phases of some turns, whatever omega is.
        reach = 1.0 if spec.name.endswith(str(layers)) else 4 / (omega or 2)
        values = random.uniform(-reach, reach, spec.shape)
        parameters.append((values * kept).astype(np.float32))
    return config, shape, components, parameters


def sample_of_text(
    config: MinerConfig,
    shape: tuple[int, ...],
    components: int,
    tensors: dict[str, Float32Array],
    level: int,
    index: Sequence[int],
) -> Float64Array:
    """Y of a level at one sample: the steps 1 and 2 of the text, in float64."""
    value = np.zeros(components)
    if level + 1 < config.levels:
        coarser = config.grid(level + 1, shape).sizes
        pairs = [
            (i // 2, i // 2) if i % 2 == 0 else ((i - 1) // 2, min((i + 1) // 2, n - 1))
            for i, n in zip(index, coarser, strict=True)
        ]
        corners = list(itertools.product(*pairs))
        for corner in corners:
            value += sample_of_text(config, shape, components, tensors, level + 1, corner)
        value /= len(corners)
    block = tuple(i // config.block for i in index)
    x = [2 * (i % config.block) / (config.block - 1) - 1 for i in index]
    h = x
    if config.octaves:
        h = [math.sin(2**f * one) for f in range(config.octaves) for one in x]
        h += [math.cos(2**f * one) for f in range(config.octaves) for one in x]
    for layer in range(config.layers + 1):
        w = tensors[layer_name(level, layer)][(slice(None), *block)].astype(np.float64)
        into = len(h)
        z = [
            sum(w[o * (into + 1) + i] * h[i] for i in range(into)) + w[o * (into + 1) + into]
            for o in range(len(w) // (into + 1))
        ]
        if layer == config.layers:
            return value + np.array(z)
        omega = config.omega
        h = [math.exp(-(one**2) / 2) if omega is None else math.sin(omega * one) for one in z]
    raise AssertionError("there is a last layer")


def text_of(
    config: MinerConfig, shape: tuple[int, ...], components: int, parameters: Parameters, level: int
) -> Float64Array:
    """Y of a level, (components, *sizes)."""
    names = [spec.name for spec in config.tensors(shape, components)]
    tensors = dict(zip(names, parameters, strict=True))
    sizes = config.grid(level, shape).sizes
    samples = [
        sample_of_text(config, shape, components, tensors, level, index)
        for index in np.ndindex(*sizes)
    ]
    return np.array(samples).T.reshape(components, *sizes)


def interpolated(samples: Float64Array, point: Sequence[float]) -> Float64Array:
    """Step 3 of the text."""
    for x in point:
        lower = min(int(x), samples.shape[1] - 1)
        above = min(lower + 1, samples.shape[1] - 1)
        samples = (1 - (x - lower)) * samples[:, lower] + (x - lower) * samples[:, above]
    return samples


@pytest.mark.parametrize("name", CASES)
def test_samples_and_levels_are_those_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    for level in (0, config.levels - 1, config.levels + 1):
        evaluator = MinerEvaluator(config, shape, components, parameters, level)
        finest = min(level, config.levels - 1)
        expected = text_of(config, shape, components, parameters, finest)
        steps = [min(2**finest, size) for size in shape]
        axes = [np.arange(0.0, size, step) for size, step in zip(shape, steps, strict=True)]
        found = evaluator.on_axes(axes)
        assert found.shape == (components, *(len(axis) for axis in axes))
        assert found.reshape(expected.shape) == pytest.approx(expected, abs=1e-9)
        assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize("name", CASES)
def test_between_samples_values_are_those_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    random = np.random.default_rng(0)
    points = random.random((60, len(shape))) * (np.array(shape) - 1)
    points[:10] = np.round(points[:10])
    points[10] = np.array(shape) - 1
    active = list(active_axes(shape))
    for level in (0, 1):
        finest = min(level, config.levels - 1)
        samples = text_of(config, shape, components, parameters, finest)
        tops = np.array(samples.shape[1:]) - 1
        expected = np.array(
            [interpolated(samples, np.minimum(p[active] / 2**finest, tops)) for p in points]
        ).T
        evaluator = MinerEvaluator(config, shape, components, parameters, level)
        assert evaluator.at(points) == pytest.approx(expected, abs=1e-9)
        axes = [points[:5, axis] for axis in range(len(shape))]
        mesh = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
        on_axes = evaluator.on_axes(axes).reshape(components, -1)
        assert on_axes == pytest.approx(evaluator.at(mesh), abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_the_same(name: str) -> None:
    """The evaluator for GPUs, on the CPU where there is none."""
    config, shape, components, parameters = case(name)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    axes = [np.arange(size, dtype=np.float64)[::-1] for size in shape]
    points = np.random.default_rng(2).random((50, len(shape))) * (np.array(shape) - 1)
    for level in (0, 1):
        plain = MinerEvaluator(config, shape, components, parameters, level)
        other = DeviceEvaluator(config, shape, components, parameters, device, level)
        assert other.on_axes(axes) == pytest.approx(plain.on_axes(axes), abs=1e-9)
        assert other.at(points) == pytest.approx(plain.at(points), abs=1e-9)


def test_a_sine_by_hand() -> None:
    """One level, one block, one unit: 3 sin(2 (0.5 x + 0.25)) - 1."""
    config = MinerConfig(3, (1,), 1, 0, 2)
    tensors = [np.array(one, np.float32) for one in ([[0.5], [0.25]], [[3.0], [-1.0]])]
    evaluator = MinerEvaluator(config, (3,), 1, tensors)
    expected = [3 * math.sin(2 * (0.5 * x + 0.25)) - 1 for x in (-1, 0, 1)]
    assert evaluator.on_axes([np.arange(3.0)])[0] == pytest.approx(expected)
    assert evaluator.at(np.array([[0.5]]))[0, 0] == pytest.approx((expected[0] + expected[1]) / 2)


def test_levels_are_upsampled_by_hand() -> None:
    """A coarse level of 1, 2, 6 under an empty fine one, along an axis of 5 and one of 6."""
    for size, expected in ((5, [1, 1.5, 2, 4, 6]), (6, [1, 1.5, 2, 4, 6, 6])):
        coarse = torch.tensor([[1.0, 2.0, 6.0]])
        assert network.upsample(coarse, (size,)).tolist() == [expected]


def test_a_coarser_level_is_the_weighted_mean_around_every_second_sample() -> None:
    ones, ramp = torch.ones(1, 6), torch.arange(6.0)[None]
    weights = network.downsample(ones, (3,))
    assert weights.tolist() == [[0.75, 1.0, 1.0]]
    assert (network.downsample(ramp, (3,)) / weights)[0].tolist() == pytest.approx([1 / 3, 2, 4])


@pytest.mark.parametrize("shape", [(5,), (6, 9), (4, 5, 3)])
def test_blocks_are_cut_and_joined_again(shape: tuple[int, ...]) -> None:
    """What lies beyond the last sample is 0 and is cut off; an inactive block is 0."""
    grid = MinerConfig(4, (1,), 1, 0, 1).grid(0, shape)
    canvas = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    blocks = network.to_blocks(canvas, grid)
    assert blocks.shape == (grid.count, 4 ** len(shape), 2)
    assert torch.equal(network.from_blocks(blocks, torch.arange(grid.count), grid), canvas)
    assert blocks.abs().sum() == pytest.approx(float(canvas.abs().sum()))
    without = network.from_blocks(blocks[1:], torch.arange(1, grid.count), grid)
    first = tuple(slice(4) for _ in shape)
    assert not without[(slice(None), *first)].any()
    without[(slice(None), *first)] = canvas[(slice(None), *first)]
    assert torch.equal(without, canvas)


def test_gradients_of_the_whole_pyramid_are_right() -> None:
    """Against finite differences in float64, through upsampling and inactive blocks."""
    config, shape, components, parameters = case("2-D")
    active, tensors = [], {}
    names = [spec.name for spec in config.tensors(shape, components)]
    flat = {
        name: torch.from_numpy(values.reshape(len(values), -1).astype(np.float64))
        for name, values in zip(names, parameters, strict=True)
    }
    for level in range(config.levels):
        last = flat[layer_name(level, config.layers)].numpy()
        active.append(np.flatnonzero(last.any(axis=0)))
        for layer in range(config.layers + 1):
            name = layer_name(level, layer)
            tensors[name] = flat[name][:, active[-1]].clone().requires_grad_()
    assert 0 < len(active[0]) < config.grid(0, shape).count
    function = network.MinerNetwork(config, shape, components, active, torch.float64)
    ids = torch.tensor([0, 5, 11])

    def values(*given: torch.Tensor) -> torch.Tensor:
        return function(dict(zip(tensors, given, strict=True)), [ids])

    assert values(*tensors.values()).shape == (components, 3 * config.grid(0, shape).count)
    assert torch.autograd.gradcheck(values, tuple(tensors.values()), fast_mode=True)


def test_multiply_adds_are_counted_as_the_text_says() -> None:
    config, shape, components, _ = case("3-D")
    fine = 3 * 3 + 3 * 1
    coarse = 3 * 4 + 4 * 1
    samples, below = 7 * 6 * 9, 4 * 3 * 5
    assert config.multiply_adds(shape, components) == fine + -(-below * coarse // samples)


GOOD = {0: 8, 1: [6, 6], 2: 2, 3: 0, 4: 30}


@pytest.mark.parametrize(
    "change",
    [
        {0: 1}, {0: 1025}, {0: True}, {0: 8.0}, {1: []}, {1: [6] * 33}, {1: [0]}, {1: [1025]},
        {1: 6}, {2: 0}, {2: 17}, {3: -1}, {3: 17}, {4: 0}, {4: 65536}, {4: 1.5},
    ],
)  # fmt: skip
def test_values_out_of_range_are_malformed(change: dict[int, Any]) -> None:
    with pytest.raises(CorruptError, match="miner"):
        architecture("miner").tensors({**GOOD, **change}, (20, 20), 1)


def test_missing_keys_are_malformed_and_unknown_ones_unsupported() -> None:
    plugin = architecture("miner")
    for key in range(4):
        with pytest.raises(CorruptError, match=f"key {key} is missing"):
            plugin.tensors({k: v for k, v in GOOD.items() if k != key}, (20, 20), 1)
    with pytest.raises(UnsupportedError, match="key 5"):
        plugin.tensors({**GOOD, 5: 1}, (20, 20), 1)
    for shape in ((1, 1), (2, 2, 2, 2, 2)):
        with pytest.raises(CorruptError, match="axes"):
            plugin.tensors(GOOD, shape, 1)
    assert plugin.tensors({k: v for k, v in GOOD.items() if k != 4}, (20, 20), 1)
