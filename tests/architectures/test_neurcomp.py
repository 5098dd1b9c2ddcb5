"""`neurcomp` follows its normative text, in NumPy and in torch, and meets what it is asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.arrays import Float32Array, Float64Array, FloatArray
from codec.errors import CorruptError, UnsupportedError
from codec.training.batches import AxisSampler
from codec.training.fitter import Tensors
from codec.training.trainer import Trainer
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.architectures.neurcomp.evaluation import NeurcompEvaluator
from inrc_plugins.architectures.neurcomp.settings import NeurcompSettings
from inrc_plugins.architectures.neurcomp.training import network
from inrc_plugins.architectures.neurcomp.training.device_evaluation import DeviceEvaluator
from inrc_plugins.architectures.neurcomp.training.family import NeurcompFamily
from tests.building import file_of_tensors
from tests.conftest import Fresh

# shape, width, blocks, frequency, components
CASES: dict[str, tuple[Any, ...]] = {
    "1-D": ((37,), 8, 2, 30, 1),
    "2-D": ((11, 13), 6, 3, 30, 2),
    "3-D": ((7, 6, 9), 8, 7, 30, 1),
    "4-D": ((5, 4, 3, 6), 7, 1, 10, 3),
    "size 1 all over": ((1, 8, 1, 1, 9, 1), 5, 2, 30, 2),
    "no block": ((8, 9), 5, 0, 30, 1),
    "two samples": ((2, 2), 1, 1, 1, 1),
    "long row": ((3, 1200), 5, 2, 1000, 1),
}


def case(name: str) -> tuple[NeurcompConfig, tuple[int, ...], int, list[Float32Array]]:
    shape, width, blocks, frequency, components = CASES[name]
    axes = sum(size > 1 for size in shape)
    config = NeurcompConfig(axes, width, blocks, frequency)
    tensors = network.initial_tensors(config, components, torch.Generator().manual_seed(len(name)))
    return config, shape, components, [tensor.numpy() for tensor in tensors.values()]


def naive(
    config: NeurcompConfig,
    shape: tuple[int, ...],
    parameters: Sequence[Float32Array],
    point: Sequence[float],
) -> Float64Array:
    """The section "Evaluation" of neurcomp.md for one position, line by line, in float64."""
    longest = max(shape)
    p = [(2 * i - (n - 1)) / (longest - 1) for i, n in zip(point, shape, strict=True) if n > 1]
    w = config.frequency
    remaining = [tensor.astype(np.float64) for tensor in parameters]
    matrix, vector = remaining.pop(0), remaining.pop(0)
    h = np.sin(w * (matrix @ p + vector))
    for b in range(1, config.blocks + 1):
        outer, outer_vector, inner, inner_vector = (remaining.pop(0) for _ in range(4))
        s = 1 if b == 1 else 1 / 2
        r = 1 / 2 if b == config.blocks else 1
        u = np.sin(w * (outer @ (s * h) + outer_vector))
        h = r * (h + np.sin(w * (inner @ u + inner_vector)))
    matrix, vector = remaining
    return matrix @ h + vector


def close(found: FloatArray, expected: Float64Array) -> None:
    """Class F: R is 2, for y runs from -1 to 1."""
    error = np.abs(found.astype(np.float64) - expected)
    assert error.max() <= 2.0**-16 * 2
    assert np.sqrt(np.square(error).mean()) <= 2.0**-19 * 2


@pytest.mark.parametrize("name", CASES)
def test_samples_and_points_are_those_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = NeurcompEvaluator(config, shape, parameters)
    random = np.random.default_rng(0)
    axes = [np.sort(random.integers(0, size, 5)).astype(np.float64) for size in shape]
    axes[0][:2] = random.random(2) * (shape[0] - 1)
    axes[-1][-1] = shape[-1] - 1
    grid = evaluator.on_axes(axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
    chosen = random.choice(len(points), min(60, len(points)), replace=False)
    expected = np.array([naive(config, shape, parameters, points[one]) for one in chosen]).T
    assert np.allclose(grid.reshape(components, -1)[:, chosen], expected, rtol=0, atol=1e-9)
    assert np.allclose(evaluator.at(points[chosen]), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_the_same(name: str) -> None:
    """The evaluator for GPUs, on the CPU where there is none, and the network that is fitted."""
    config, shape, components, parameters = case(name)
    plain = NeurcompEvaluator(config, shape, parameters)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    other = DeviceEvaluator(config, shape, components, parameters, device)
    axes = [np.arange(size, dtype=np.float64) for size in shape]
    expected = plain.on_axes(axes)
    close(other.on_axes(axes), expected)
    points = np.random.default_rng(2).random((50, len(shape))) * (np.array(shape) - 1)
    close(other.at(points), plain.at(points))
    if config.frequency > 30:
        return  # float32, in which networks are fitted, has too few digits for such phases
    sizes = [size for size in shape if size > 1]
    tensors = {
        spec.name: torch.from_numpy(values)
        for spec, values in zip(config.tensors(components), parameters, strict=True)
    }
    fitted = network.SineNetwork(config, sizes)
    found = fitted(tensors, [torch.arange(size) for size in sizes])
    close(found.numpy().reshape(expected.shape), expected)


def test_a_model_computed_by_hand() -> None:
    """One unit and two blocks, over two axes of which the second is half as long."""
    config = NeurcompConfig(2, 1, 2, 2)
    weights = [[[0.5, -1.0]], [0.25], [[3]], [0.5], [[-1]], [0.125], [[2]], [0], [[1]], [1]]
    tensors = [np.array(one, np.float32) for one in [*weights, [[4]], [-1]]]
    evaluator = NeurcompEvaluator(config, (5, 3), tensors)
    # Position (4, 0) is at the coordinates (1, -1/2).
    h = math.sin(2 * (0.5 + 0.5 + 0.25))
    h = h + math.sin(2 * (-math.sin(2 * (3 * h + 0.5)) + 0.125))
    h = (h + math.sin(2 * (math.sin(2 * (2 * h / 2)) + 1))) / 2
    assert evaluator.at(np.array([[4.0, 0.0]]))[0, 0] == pytest.approx(4 * h - 1)


def test_tensors_and_costs_are_those_of_the_text() -> None:
    config = NeurcompConfig(3, 16, 7, 30)
    specs = config.tensors(2)
    assert len(specs) == 4 * 7 + 4
    middle = [spec for spec in specs if spec.name.startswith("middle")]
    assert list(specs[2:-2]) == middle
    assert {spec.shape for spec in middle} == {(16, 16), (16,)}
    assert config.multiply_adds(2) == 16 * 3 + 14 * 16 * 16 + 2 * 16
    assert config.parameters(2) == 16 * 4 + 14 * 16 * 17 + 2 * 17


def test_gradients_are_right() -> None:
    """Against finite differences in float64."""
    config, shape, components, parameters = case("2-D")
    tensors = {
        spec.name: torch.from_numpy(values.astype(np.float64)).requires_grad_()
        for spec, values in zip(config.tensors(components), parameters, strict=True)
    }
    places = [torch.linspace(-1, 1, 3, dtype=torch.float64) for _ in shape]
    assert torch.autograd.gradcheck(
        lambda *values: network.forward(config, dict(zip(tensors, values, strict=True)), places),
        tuple(tensors.values()),
        eps=1e-7,
        atol=1e-5,
        fast_mode=True,
    )


def test_a_wider_network_begins_as_the_narrower_one() -> None:
    family = NeurcompFamily((9, 10), 2, NeurcompSettings(blocks=3))
    before, after = family.sized(800), family.sized(3000)
    assert before.width < after.width
    tensors = family.start(before, torch.Generator().manual_seed(0))
    grown = family.resize(tensors, before, after)
    indices = [torch.arange(9), torch.arange(10)]
    found = family.network(after)(grown, indices)
    assert torch.allclose(found, family.network(before)(tensors, indices), atol=1e-5)
    assert all((tensor != 0).any() for tensor in grown.values())


def test_the_width_is_the_greatest_that_fits() -> None:
    family = NeurcompFamily((50, 50, 50), 1, NeurcompSettings())
    for parameters in (1000, 5000, 100_000):
        config = family.sized(parameters)
        wider = NeurcompConfig(3, config.width + 1, 7, 30)
        assert family.count(config) <= parameters < family.count(wider)


def test_a_ratio_gives_the_width_of_the_source() -> None:
    """150^3 samples at ratio 50, eight layers: 69 units by the source's formula."""
    family = NeurcompFamily((150, 150, 150), 1, NeurcompSettings(ratio=50))
    width = 16
    while 4 * width + 14 * width * (width + 1) + width + 1 <= 150**3 / 50:
        width += 1
    assert family.sized(1) == family.sized(10**7) == NeurcompConfig(3, width - 1, 7, 30)
    # At least 16, where the source may come to 15.
    tiny = NeurcompFamily((20, 20, 20), 1, NeurcompSettings(ratio=1000))
    assert tiny.sized(1).width == 16
    assert NeurcompFamily((20, 20), 1, NeurcompSettings(width=9, ratio=2)).sized(1).width == 9


def test_starting_values_are_those_of_the_source() -> None:
    config = NeurcompConfig(3, 64, 2, 30)
    tensors = network.initial_tensors(config, 1, torch.Generator().manual_seed(0))
    bounds = {
        "first_matrix": 1 / 3,
        "first_vector": 1 / math.sqrt(3),
        "middle_matrix3": math.sqrt(6 / 64) / 30,
        "middle_vector0": 1 / 8,
        "last_matrix": math.sqrt(6 / 64) / 30,
    }
    for name, bound in bounds.items():
        assert 0.8 * bound < float(tensors[name].abs().max()) <= bound, name


def smooth_field() -> Float32Array:
    z, y, x = np.meshgrid(*(np.linspace(0, 1, size) for size in (10, 12, 9)), indexing="ij")
    return (np.sin(4 * z + x) * np.cos(3 * y) + 0.3 * x).astype(np.float32)


def test_the_result_does_not_depend_on_threads() -> None:
    def train(threads: int) -> Tensors:
        family = NeurcompFamily((10, 12, 9), 1, NeurcompSettings(blocks=2))
        config = family.sized(500)
        tensors = family.start(config, torch.Generator().manual_seed(0))
        sampler = AxisSampler(smooth_field()[None], None, 200, "cpu")
        trainer = Trainer(family.network(config), sampler, seed=0, threads=threads)
        trainer.run(tensors, 8, family.rates(config))
        return tensors

    alone, shared = train(1), train(2)
    assert all(torch.equal(tensor, shared[name]) for name, tensor in alone.items())


@pytest.mark.parametrize("goal", [{"psnr": 36}, {"bytes": 1500}])
def test_goals_are_met_by_the_file_as_decoded(goal: dict[str, Any], tmp_path: Path) -> None:
    field = smooth_field()
    np.save(tmp_path / "a.npy", field)
    target = tmp_path / "a.inrc"
    settings = {
        "arch.blocks": 2, "fit.steps": 250, "fit.prune_steps": 30, "fit.finetune_steps": 30,
    }  # fmt: skip
    codec.encode(
        tmp_path / "a.npy", target, arch="neurcomp", device="cpu", settings=settings, threads=1,
        **goal,
    )  # fmt: skip
    with codec.open(target, device="cpu") as file:
        whole = file["a"][...]
        assert np.array_equal(file["a"][3, 2:9:2], whole[3, 2:9:2])
        assert file["a"].at([[3.0, 2.0, 1.0]])[0] == pytest.approx(whole[3, 2, 1], abs=1e-5)
        assert np.array_equal(file["a"].level(1)[...], whole[::2, ::2, ::2])
    error = np.square(whole.astype(np.float64) - field).mean()
    reached = 10 * np.log10(float(field.max() - field.min()) ** 2 / error)
    assert reached >= goal.get("psnr", 28)
    assert os.stat(target).st_size <= goal.get("bytes", 2500)


def test_files_decode_without_torch(fresh: Fresh, tmp_path: Path) -> None:
    config, shape, components, parameters = case("2-D")
    data = file_of_tensors("neurcomp", config.to_map(), shape, parameters, components=components)
    (tmp_path / "a.inrc").write_bytes(data)
    done = fresh(
        """
import sys, codec, numpy as np
with codec.open("a.inrc", device="cpu") as file:
    np.save("a.npy", np.stack([file[name][...] for name in file]))
    file["v0"].at([[0.5, 1.25]])
assert "torch" not in sys.modules
"""
    )
    assert done.returncode == 0, done.stderr
    rounded = [np.rint(tensor * 1024) / np.float32(1024) for tensor in parameters]
    y = NeurcompEvaluator(config, shape, rounded).on_axes(
        [np.arange(n, dtype=float) for n in shape]
    )
    expected = 0.5 + 2 * np.clip(y, -1, 1)
    assert np.load(tmp_path / "a.npy") == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 0.01


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({3: 1}, UnsupportedError),
        ({0: 0}, CorruptError),
        ({0: 4097}, CorruptError),
        ({1: -1}, CorruptError),
        ({1: 65}, CorruptError),
        ({2: 0}, CorruptError),
        ({2: 1001}, CorruptError),
        ({2: 30.0}, CorruptError),
        ({0: True}, CorruptError),
    ],
)
def test_bad_configs_are_refused(change: dict[int, Any], error: type[Exception]) -> None:
    config = NeurcompConfig(3, 8, 7, 30).to_map()
    assert NeurcompConfig.from_map(config, (7, 6, 9)) == NeurcompConfig(3, 8, 7, 30)
    with pytest.raises(error, match="neurcomp"):
        NeurcompConfig.from_map({**config, **change}, (7, 6, 9))
    for key in config:
        with pytest.raises(CorruptError, match="missing"):
            NeurcompConfig.from_map({k: v for k, v in config.items() if k != key}, (7, 6, 9))
    for shape in ((1, 1), (2, 2, 2, 2, 2)):
        with pytest.raises(CorruptError, match="axes"):
            NeurcompConfig.from_map(config, shape)
