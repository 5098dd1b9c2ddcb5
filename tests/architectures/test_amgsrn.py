"""`amgsrn` follows its normative text, its grids move as the source says, and targets are met."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.arrays import Float32Array, Float64Array
from codec.errors import CorruptError, InvalidOptionError, UnsupportedError
from codec.files import fit_journal
from codec.plugin_api.registry import architecture
from codec.reading.contents import FileContents
from inrc_plugins.architectures.amgsrn.config import TRANSFORM_NUMBERS, AmgsrnConfig
from inrc_plugins.architectures.amgsrn.evaluation import AmgsrnEvaluator, linear_parts
from inrc_plugins.architectures.amgsrn.settings import AmgsrnSettings
from inrc_plugins.architectures.amgsrn.training import network
from inrc_plugins.architectures.amgsrn.training.device_evaluation import DeviceEvaluator
from inrc_plugins.architectures.amgsrn.training.family import matched
from inrc_plugins.architectures.amgsrn.training.placement import Placement, PlacingTrainer
from inrc_plugins.architectures.amgsrn.training.sampling import PointSampler
from inrc_plugins.shared.config_map import active_axes

# shape, grids, features, nodes, width, layers, bias, components
CASES = {
    "1-D": ((37,), 3, 2, (9,), 8, 2, 0, 1),
    "2-D": ((11, 13), 4, 1, (4, 5), 6, 3, 1, 2),
    "3-D": ((7, 6, 9), 5, 2, (3, 2, 4), 8, 2, 0, 1),
    "size 1 all over": ((1, 8, 1, 1, 9, 1), 2, 3, (3, 4), 5, 2, 1, 2),
    "one grid": ((5, 4, 6), 1, 1, (2, 2, 2), 1, 1, 0, 1),
    "grid finer than the samples": ((4, 5, 3), 2, 2, (17, 19, 12), 5, 2, 0, 3),
}


def case(name: str) -> tuple[AmgsrnConfig, tuple[int, ...], int, list[Float32Array]]:
    """A random model whose grids are turned, moved, and partly outside the field."""
    shape, grids, features, nodes, width, layers, bias, components = CASES[name]
    config = AmgsrnConfig(grids, features, nodes, width, layers, bias)
    random = np.random.default_rng(len(name))
    parameters = []
    for spec in config.tensors(components):
        reach = 0.6 if spec.name == "transforms" else 1.0
        if spec.name.startswith("matrix"):
            reach = 1 / math.sqrt(spec.shape[1])
        parameters.append(random.uniform(-reach, reach, spec.shape).astype(np.float32))
    return config, shape, components, parameters


def naive(
    config: AmgsrnConfig,
    shape: tuple[int, ...],
    parameters: Sequence[Float32Array],
    point: Sequence[float],
) -> Float64Array:
    """The section "Evaluation" of amgsrn.md for one position, line by line, in float64."""
    transforms, grids, *layers = [tensor.astype(np.float64) for tensor in parameters]
    x = [2 * point[axis] / (shape[axis] - 1) - 1 for axis in active_axes(shape)]
    d = len(x)
    inputs = []
    for k in range(config.grids):
        numbers = transforms[:, k]
        s = np.exp(np.clip(numbers[:d], -16, 16))
        t = numbers[len(numbers) - d :]
        rotation = np.ones((1, 1))
        if d == 2:
            w = numbers[2]
            rotation = np.array([[np.cos(w), -np.sin(w)], [np.sin(w), np.cos(w)]])
        if d == 3:
            q = numbers[3:7] + np.array([1, 0, 0, 0])
            length = np.sqrt((q**2).sum())
            q0, q1, q2, q3 = q / length if length else (1.0, 0.0, 0.0, 0.0)
            rotation = np.array(
                [
                    [1 - 2 * (q2**2 + q3**2), 2 * (q1 * q2 - q0 * q3), 2 * (q1 * q3 + q0 * q2)],
                    [2 * (q1 * q2 + q0 * q3), 1 - 2 * (q1**2 + q3**2), 2 * (q2 * q3 - q0 * q1)],
                    [2 * (q1 * q3 - q0 * q2), 2 * (q2 * q3 + q0 * q1), 1 - 2 * (q1**2 + q2**2)],
                ]
            )
        v = [t[a] + sum(rotation[a, b] * s[b] * x[b] for b in range(d)) for a in range(d)]
        u = [(v[a] + 1) / 2 * (config.nodes[a] - 1) for a in range(d)]
        z = np.zeros(config.features)
        for e in itertools.product((0, 1), repeat=d):
            corner = [math.floor(u[a]) + e[a] for a in range(d)]
            if all(0 <= corner[a] < config.nodes[a] for a in range(d)):
                shares = [u[a] - math.floor(u[a]) for a in range(d)]
                weight = math.prod(f if up else 1 - f for f, up in zip(shares, e, strict=True))
                z += weight * grids[(slice(None), k, *corner)]
        inputs += list(z)
    h = np.array(inputs)
    step = 1 + config.bias
    for j in range(config.layers + 1):
        h = layers[j * step] @ h
        if config.bias:
            h = h + layers[j * step + 1]
        if j < config.layers:
            h = np.maximum(h, 0)
    return 2 * h - 1


def points_of(shape: Sequence[int], count: int = 60) -> Float64Array:
    random = np.random.default_rng(5)
    inside = random.uniform(0, np.array(shape) - 1, (count, len(shape)))
    return np.concatenate([inside, np.zeros((1, len(shape))), np.array([shape]) - 1.0])


@pytest.mark.parametrize("name", CASES)
def test_the_evaluation_is_that_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = AmgsrnEvaluator(config, shape, parameters)
    points = points_of(shape)
    expected = np.stack([naive(config, shape, parameters, point) for point in points], 1)
    np.testing.assert_allclose(evaluator.at(points), expected, atol=3e-6)
    axes = [np.arange(size, dtype=np.float64) for size in shape]
    whole = evaluator.on_axes(axes)
    assert whole.shape == (components, *shape)
    samples = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
    np.testing.assert_array_equal(whole.reshape(components, -1), evaluator.at(samples))


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_as_numpy_does(name: str) -> None:
    config, shape, components, parameters = case(name)
    points = points_of(shape)
    expected = AmgsrnEvaluator(config, shape, parameters).at(points)
    device = DeviceEvaluator(config, shape, components, parameters, "cpu")
    np.testing.assert_allclose(device.at(points), expected, atol=3e-6)
    axes = [np.linspace(0, size - 1, 4) for size in shape]
    np.testing.assert_allclose(
        device.on_axes(axes), AmgsrnEvaluator(config, shape, parameters).on_axes(axes), atol=3e-6
    )


def test_a_grid_fades_within_one_cell_and_is_nothing_beyond() -> None:
    """One grid of 2 x 2 ones over the middle half of each axis; a network that hands it through."""
    config = AmgsrnConfig(1, 1, (2, 2), 1, 1, 0)
    transforms = np.array([[math.log(4)], [math.log(4)], [0.0], [0.0], [0.0]], np.float32)
    one = np.ones((1, 1), np.float32)
    parameters = [transforms, np.ones((1, 1, 2, 2), np.float32), one, one]
    evaluator = AmgsrnEvaluator(config, (9, 9), parameters)
    # It covers the samples 3 to 5; its cell is 2 samples long, so at sample 6 half is left.
    values = evaluator.on_axes([np.array([4.0]), np.arange(9.0)])[0, 0]
    np.testing.assert_allclose(values, [-1, -1, 0, 1, 1, 1, 0, -1, -1], atol=1e-6)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transforms_scale_and_turn_but_never_mirror(axes: int) -> None:
    numbers = np.random.default_rng(axes).normal(0, 2, (TRANSFORM_NUMBERS[axes], 30))
    matrices, _ = linear_parts(numbers)
    scales = np.exp(numbers[:axes].T)
    np.testing.assert_allclose(np.linalg.det(matrices), scales.prod(axis=1), rtol=1e-9)
    rotations = matrices / scales[:, None, :]
    unit = np.broadcast_to(np.eye(axes), (30, axes, axes))
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), unit, atol=1e-12)
    same, _ = network.linear_parts(torch.from_numpy(numbers), axes)
    np.testing.assert_allclose(same.numpy(), matrices, atol=1e-12)


def test_a_quaternion_of_0_turns_nothing() -> None:
    numbers = np.zeros((10, 1))
    numbers[3] = -1
    np.testing.assert_array_equal(linear_parts(numbers)[0][0], np.eye(3))
    np.testing.assert_array_equal(
        network.linear_parts(torch.from_numpy(numbers), 3)[0][0], np.eye(3)
    )


def test_the_variation_counts_neighbouring_grids_too() -> None:
    grids = torch.zeros(1, 3, 2, 2)
    grids[0, 1] = 1.0
    grids[0, :, 1, :] += 2.0
    # Grids differ by 1 at both borders, rows by 2, columns not at all.
    assert float(network.variation(grids)) == pytest.approx(1 + 4 + 0)


def placing(
    values: Float32Array, grids: int = 2, **settings: Any
) -> tuple[PlacingTrainer, dict[str, torch.Tensor]]:
    chosen = AmgsrnSettings(**settings)
    config = AmgsrnConfig(grids, 1, (4,) * (values.ndim - 1), 8, 1, 0)
    generator = torch.Generator().manual_seed(0)
    tensors = network.initial_tensors(config, 1, chosen.start, generator)
    sampler = PointSampler(values, None, 1 << 14, "cpu")
    function = network.GridsNetwork(config, values.shape[1:])
    return PlacingTrainer(function, chosen, sampler, 0, 1), tensors


def corner_field(size: int = 12) -> Float32Array:
    axes = np.meshgrid(*[np.linspace(-1, 1, size)] * 3, indexing="ij")
    return (2 * np.exp(-8 * sum((axis - 0.6) ** 2 for axis in axes)) - 1)[None].astype(np.float32)


def rates(tensors: dict[str, torch.Tensor]) -> dict[str, float]:
    return dict.fromkeys(tensors, 0.01)


def test_the_reconstruction_never_moves_the_grids() -> None:
    trainer, tensors = placing(corner_field(), transform_rate=0.0)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    trainer.run(tensors, 30, rates(tensors))
    for name, tensor in tensors.items():
        assert torch.equal(tensor, before[name]) == (name == "transforms")


def test_no_other_optimiser_moves_the_grids() -> None:
    trainer, tensors = placing(corner_field(), transform_rate=1e-4)
    before = tensors["transforms"].clone()
    trainer.run(tensors, 50, dict.fromkeys(tensors, 0.1))
    moved = (tensors["transforms"] - before).abs()
    # Adam goes by the rate at most, here for 10 steps along a cosine.
    assert 0 < moved.max() <= 10 * 1e-4


def test_under_pruning_and_quantisation_the_grids_stay() -> None:
    trainer, tensors = placing(corner_field(), transform_rate=0.1)
    before = tensors["transforms"].clone()
    trainer.run(tensors, 30, rates(tensors), transform=lambda name, tensor: tensor * 1.0)
    assert torch.equal(tensors["transforms"], before)


def test_the_grids_move_after_a_delay_and_for_a_fifth_of_the_steps() -> None:
    transforms = torch.zeros(2, 1)
    placement = Placement(transforms, 3000, 1e-3)
    moved = []
    for step in range(3000):
        before = transforms.clone()
        transforms.grad = torch.ones(2, 1)
        placement.step()
        if not torch.equal(transforms, before):
            moved.append((step, float((before - transforms)[0, 0])))
    assert moved[0] == (50, pytest.approx(1e-3, rel=1e-4))
    assert moved[-1][0] in range(640, 650)
    assert moved[300][1] == pytest.approx(0.5e-3, rel=0.02)


def test_the_grids_move_to_where_the_error_is() -> None:
    values = corner_field()
    trainer, tensors = placing(values, transform_rate=0.04)
    slow = dict.fromkeys(tensors, 1e-5)

    def density(place: float) -> float:
        local = trainer._grids_network.local(tensors["transforms"], [torch.tensor([place])] * 3)
        scales = tensors["transforms"][:3].sum(dim=0).exp()
        return float(scales @ torch.exp(-local[:, 0].pow(20).sum(dim=-1)))

    before = density(8.8) / density(4.0)
    trainer.run(tensors, 300, slow)
    assert before == pytest.approx(1, abs=0.01)
    assert density(8.8) > 1.5 * density(4.0)


def test_the_density_has_the_gradient_of_its_definition() -> None:
    """Central differences in float64, with the target and the sum that normalises held fixed."""
    generator = torch.Generator().manual_seed(3)
    transforms = 0.3 * torch.randn(10, 3, generator=generator, dtype=torch.float64)
    indices = [torch.randint(0, 9, (40,), generator=generator) for _ in range(3)]
    errors = torch.rand(40, generator=generator, dtype=torch.float64)
    function = network.GridsNetwork(AmgsrnConfig(3, 1, (2, 2, 2), 1, 1, 0), (9, 9, 9))

    def density(numbers: torch.Tensor) -> torch.Tensor:
        local = function.local(numbers, indices)
        return numbers[:3].sum(dim=0).exp() @ torch.exp(-local.abs().pow(20).sum(dim=-1))

    total = density(transforms).sum()
    target = (density(transforms) / total) ** (errors.mean() / errors)
    target = target / target.sum()

    def loss(numbers: torch.Tensor) -> float:
        rho = density(numbers) / total
        return float((target * (torch.log(target + 1e-16) - torch.log(rho + 1e-16))).mean())

    leaf = transforms.clone().requires_grad_(True)
    value = network.density_loss(leaf, function.local(leaf, indices), errors)
    assert float(value.detach()) == pytest.approx(loss(transforms), rel=1e-9)
    (found,) = torch.autograd.grad(value, leaf)
    expected = torch.zeros_like(found)
    for place in itertools.product(range(10), range(3)):
        shift = torch.zeros_like(transforms)
        shift[place] = 1e-5
        expected[place] = (loss(transforms + shift) - loss(transforms - shift)) / 2e-5
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_far_away_grids_have_a_gradient_that_is_a_number() -> None:
    transforms = torch.zeros(10, 2)
    transforms[:3] = 6.0
    transforms.requires_grad_(True)
    function = network.GridsNetwork(AmgsrnConfig(2, 1, (2, 2, 2), 1, 1, 0), (9, 9, 9))
    local = function.local(transforms, [torch.arange(9)] * 3)
    loss = network.density_loss(transforms, local, torch.zeros(9))
    assert torch.isfinite(torch.autograd.grad(loss, transforms)[0]).all()


@pytest.mark.parametrize("start", ["default", "large", "small"])
def test_grids_start_as_the_source_says(start: str) -> None:
    config = AmgsrnConfig(200, 1, (2, 2, 2), 1, 1, 0)
    made = network.initial_tensors(config, 1, start, torch.Generator().manual_seed(1))
    scales, moves = made["transforms"][:3].exp(), made["transforms"][7:]
    low, high = {"default": (0.95, 1), "large": (0.4, 0.7), "small": (3, 3.2)}[start]
    assert low - 1e-5 <= scales.min() < scales.max() <= high + 1e-5
    assert not made["transforms"][3:7].any()
    assert made["grids"].abs().max() <= 1e-4
    reach = scales - 1 if start == "small" else torch.full_like(scales, 0.05)
    assert (moves.abs() <= reach).all()


def test_nodes_have_the_aspect_of_the_field() -> None:
    assert matched((64, 64, 64), 4096) == (16, 16, 16)
    assert matched((128, 64, 32), 4096) == (32, 16, 8)
    assert matched((100, 10), 90) == (30, 3)


def test_refined_grids_are_the_same_function() -> None:
    grids = torch.randn(2, 3, 3, 4, 2, generator=torch.Generator().manual_seed(0))
    finer = network.refine_grids(grids, (5, 7, 3))
    assert torch.allclose(finer[:, :, ::2, ::2, ::2], grids, atol=1e-6)
    local = 2 * torch.rand(3, 50, 3, generator=torch.Generator().manual_seed(1)) - 1
    inside = network.features(grids, local)
    assert torch.allclose(network.features(finer, local), inside, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({6: 1}, UnsupportedError),
        ({0: None}, CorruptError),
        ({0: 0}, CorruptError),
        ({0: 1025}, CorruptError),
        ({1: 65}, CorruptError),
        ({2: [4, 4]}, CorruptError),
        ({2: [4, 1, 4]}, CorruptError),
        ({2: 4}, CorruptError),
        ({3: 0}, CorruptError),
        ({4: True}, CorruptError),
        ({5: 2}, CorruptError),
    ],
    ids=str,
)
def test_amgsrn_1_other_configs_are_refused(change: dict[int, Any], error: type) -> None:
    config: dict[int, Any] = {0: 2, 1: 1, 2: [4, 4, 4], 3: 8, 4: 2, 5: 0}
    config = {key: value for key, value in (config | change).items() if value is not None}
    with pytest.raises(error):
        architecture("amgsrn").tensors(config, (8, 8, 8), 1)


@pytest.mark.parametrize("shape", [(1,), (3, 3, 3, 3)])
def test_amgsrn_1_a_model_has_1_to_3_axes(shape: tuple[int, ...]) -> None:
    axes = len(active_axes(shape))
    with pytest.raises(CorruptError, match=f"{axes} axes"):
        architecture("amgsrn").tensors({0: 2, 1: 1, 2: [4] * axes, 3: 8, 4: 2, 5: 0}, shape, 1)


def test_multiply_adds_are_counted_as_the_text_says() -> None:
    config = AmgsrnConfig(5, 2, (3, 2, 4), 8, 2, 1)
    assert config.multiply_adds(3) == 5 * (8 * 2 + 9) + 10 * 8 + 8 * 8 + 8 * 3


def smooth(shape: tuple[int, ...]) -> Float32Array:
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij", sparse=True)
    slope = sum((1 + number) * axis for number, axis in enumerate(axes))
    return (np.tanh(slope) + 0.3 * np.sin(3 * axes[0])).astype(np.float32)


QUICK = {
    "fit.steps": 100,
    "fit.prune_steps": 10,
    "fit.finetune_steps": 15,
    "arch.rate": 0.03,
    "arch.points": 2000,
}


def encoded(folder: Path, field: Float32Array, **options: Any) -> Any:
    source, target = folder / "t.npy", folder / "t.inrc"
    np.save(source, field)
    options = {"settings": QUICK, "device": "cpu", "effort": 0, "arch": "amgsrn"} | options
    return codec.encode(source, target, overwrite=True, **options)


def test_a_psnr_is_reached(tmp_path: Path) -> None:
    field = smooth((16, 12, 14))
    report = encoded(tmp_path, field, psnr=30)
    assert report.goal_met
    with FileContents(tmp_path / "t.inrc", device="cpu") as file:
        view = file.fields["t"]
        assert [item.architecture.name for item in file.items] == ["amgsrn"]
        error = np.mean((view[...].astype(np.float64) - field) ** 2)
        np.testing.assert_array_equal(view[3:9, :, 5], view[...][3:9, :, 5])
    assert report.qualities[0].psnr >= 30
    assert 20 * np.log10(np.ptp(field)) - 10 * np.log10(error) >= 30


@pytest.mark.parametrize("shape", [(500,), (30, 24)], ids=["1-D", "2-D"])
def test_a_size_is_kept(tmp_path: Path, shape: tuple[int, ...]) -> None:
    report = encoded(tmp_path, smooth(shape), bytes=1200)
    assert report.goal_met
    assert report.file_bytes <= 1200
    assert report.qualities[0].psnr > 25


def test_what_was_asked_for_is_what_is_fitted(tmp_path: Path) -> None:
    asked = {"grids": 3, "features": 2, "nodes": "3x4x5", "width": 7, "layers": 1, "bias": True}
    settings = QUICK | {f"arch.{name}": value for name, value in asked.items()}
    settings |= {"arch.match_aspect": False, "fit.steps": 5}
    encoded(tmp_path, smooth((9, 9, 9)), bytes=3000, settings=settings)
    with FileContents(tmp_path / "t.inrc", device="cpu") as file:
        config = file.items[0].header.config
    assert config == {0: 3, 1: 2, 2: [3, 4, 5], 3: 7, 4: 1, 5: 1}


def test_threads_do_not_change_the_file(tmp_path: Path) -> None:
    settings = QUICK | {"fit.steps": 40}
    found = []
    for threads in (1, 2):
        encoded(tmp_path, smooth((12, 12, 12)), bytes=2000, threads=threads, settings=settings)
        found.append((tmp_path / "t.inrc").read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("step", [2, 12])
def test_a_fit_that_was_stopped_while_grids_move_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    settings = QUICK | {"fit.steps": 40, "arch.transform_rate": 0.05}
    field, options = smooth((10, 9, 8)), {"bytes": 1200, "settings": settings}
    encoded(tmp_path, field, **options)
    whole = (tmp_path / "t.inrc").read_bytes()
    (tmp_path / "t.inrc").unlink()
    seen: list[str] = []

    def stop(progress: codec.Progress) -> None:
        seen.append(progress.stage)
        if seen.count("fit") == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.encode(
            tmp_path / "t.npy", tmp_path / "t.inrc", arch="amgsrn", effort=0, device="cpu",
            on_progress=stop, **options,
        )  # fmt: skip
    seen.clear()
    codec.encode(
        tmp_path / "t.npy", tmp_path / "t.inrc", arch="amgsrn", effort=0, device="cpu",
        on_progress=lambda progress: seen.append(progress.stage), **options,
    )  # fmt: skip
    assert (tmp_path / "t.inrc").read_bytes() == whole
    assert seen.count("fit") < 40


def test_invalid_samples_do_not_count(tmp_path: Path) -> None:
    field = smooth((14, 14, 14))
    field[:5, :6] = np.nan
    report = encoded(tmp_path, field, bytes=2500)
    assert report.qualities[0].mask_intact
    assert report.qualities[0].psnr > 25


def test_steps_of_four_axes_are_models_of_their_own(tmp_path: Path) -> None:
    field = np.stack([smooth((8, 9, 8)), smooth((8, 9, 8)) ** 2])
    with pytest.raises(InvalidOptionError, match=r"4 axes longer than 1.*--tile 1x64x64x64"):
        encoded(tmp_path, field, bytes=4000)
    report = encoded(tmp_path, field, bytes=4000, tile=(1, 8, 9, 8))
    assert report.goal_met
    with FileContents(tmp_path / "t.inrc", device="cpu") as file:
        assert [item.header.origin for item in file.items] == [(0, 0, 0, 0), (1, 0, 0, 0)]


def test_files_decode_without_torch(tmp_path: Path, fresh: Any) -> None:
    encoded(tmp_path, smooth((10, 9, 8)), bytes=1500, settings=QUICK | {"fit.steps": 5})
    done = fresh(
        """
import sys
sys.modules["torch"] = None
import codec, numpy
with codec.open(sys.argv[1], device="cpu") as file:
    numpy.save(sys.argv[2], file["t"][...])
""",
        str(tmp_path / "t.inrc"),
        str(tmp_path / "back.npy"),
    )
    assert done.returncode == 0, done.stderr
    with codec.open(tmp_path / "t.inrc", device="cpu") as file:
        assert np.array_equal(np.load(tmp_path / "back.npy"), file["t"][...])


def seam(folder: Path, field: Float32Array, overlap: int) -> float:
    """How much more the error jumps from brick to brick than it does from sample to sample."""
    settings = QUICK | {"tile.bricks": "2x1x1", "tile.overlap": overlap, "tile.own_range": True}
    settings |= {"arch.grids": 2, "arch.nodes": "3x3x3", "arch.width": 8, "arch.layers": 1}
    encoded(folder, field, bytes=6000, settings=settings)
    with codec.open(folder / "t.inrc", device="cpu") as file:
        error = file["t"][...].astype(np.float64) - field
    jumps = np.abs(np.diff(error, axis=0)).mean(axis=(1, 2))
    border = field.shape[0] // 2 - 1
    return float(jumps[border] / np.delete(jumps, border).mean())


def test_blended_bricks_have_no_seam_above_the_error_of_the_fit(tmp_path: Path) -> None:
    axes = np.meshgrid(*(np.linspace(0, 3, n) for n in (40, 14, 14)), indexing="ij", sparse=True)
    field = (np.sin(2.2 * axes[0] + axes[1]) * np.cos(1.5 * axes[2] - axes[0])).astype(np.float32)
    assert seam(tmp_path, field, 0) > 2
    assert seam(tmp_path, field, 6) < 1
