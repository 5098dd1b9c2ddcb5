"""`siren` follows its normative text, in NumPy and in torch, and its fit follows its source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import codec
from codec.arrays import Float32Array, Float64Array
from codec.errors import CorruptError, InvalidOptionError, UnsupportedError
from codec.reports import EncodeReport
from codec.training.batches import Shard
from inrc_plugins.architectures.siren.architecture import Siren
from inrc_plugins.architectures.siren.config import (
    GAUSS,
    MLP,
    NERF,
    POSITIONAL,
    Encoding,
    SirenConfig,
)
from inrc_plugins.architectures.siren.encodings import encoded_points, gauss_matrix, unit_places
from inrc_plugins.architectures.siren.evaluation import SirenEvaluator
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.architectures.siren.training.descent import Descent, Plan
from inrc_plugins.architectures.siren.training.device_evaluation import DeviceEvaluator
from inrc_plugins.architectures.siren.training.field_batches import batches_of
from inrc_plugins.architectures.siren.training.growth import widened
from inrc_plugins.architectures.siren.training.network import (
    GridNetwork,
    PointNetwork,
    initial_tensors,
    smooth_sine,
)
from inrc_plugins.shared.config_map import active_axes
from tests.conftest import Fresh
from tests.layering.test_import_time import BLOCK_TORCH

# shape, encoding, width, layers, omega, components
CASES = {
    "mlp": ((7, 9), Encoding(MLP), 5, 1, 30, 1),
    "nerf": ((7, 9), Encoding(NERF, 4, 1400), 6, 2, 30, 3),
    "nerf in 3-D": ((4, 5, 6), Encoding(NERF, 3, 2000), 5, 1, 20, 1),
    "positional": ((8, 5), Encoding(POSITIONAL, 3, 6000), 5, 1, 30, 2),
    "gauss": ((6, 7), Encoding(GAUSS, 5, 1500, 12345), 4, 1, 30, 1),
    "1-D, no hidden matrix": ((11,), Encoding(NERF, 2, 1400), 3, 0, 30, 1),
    "4-D": ((3, 4, 2, 3), Encoding(NERF, 2, 1400), 4, 1, 30, 1),
    "axes of size 1": ((1, 6, 1, 5), Encoding(GAUSS, 3, 900, 1), 4, 1, 30, 1),
}


def case(
    name: str,
) -> tuple[SirenConfig, tuple[int, ...], int, list[Float32Array]]:
    shape, encoding, width, layers, omega, components = CASES[name]
    config = SirenConfig(len(active_axes(shape)), width, layers, encoding, omega)
    start = initial_tensors(config, components, torch.Generator().manual_seed(len(name)))
    return config, shape, components, [tensor.numpy() for tensor in start.values()]


def by_name(
    config: SirenConfig, components: int, parameters: Sequence[Float32Array]
) -> dict[str, torch.Tensor]:
    specs = config.tensors(components)
    return {
        spec.name: torch.from_numpy(p.copy()) for spec, p in zip(specs, parameters, strict=True)
    }


def naive(
    config: SirenConfig,
    shape: tuple[int, ...],
    parameters: Sequence[Float32Array],
    point: Sequence[float],
) -> Float64Array:
    """The section "Evaluation" of siren.md for one position, line by line."""
    p = [2 * point[axis] / (shape[axis] - 1) - 1 for axis in active_axes(shape)]
    kind, count, scale = config.encoding.kind, config.encoding.features, config.encoding.scale
    v: list[float] = []
    if kind in (MLP, NERF):
        v += p
    for number in range(count):
        if kind == NERF:
            turns = [scale**number / 2 * q for q in p]
        elif kind == POSITIONAL:
            turns = [scale ** (number / count) * q for q in p]
        else:
            row = gauss_matrix(count, len(p), config.encoding.seed)[number]
            turns = [scale * float(row @ np.array(p))]
        for turn in turns:
            v += [math.sin(2 * math.pi * turn), math.cos(2 * math.pi * turn)]
    h = np.array(v)
    doubles = [tensor.astype(np.float64) for tensor in parameters]
    for layer in range(config.layers + 1):
        h = np.sin(config.omega * (doubles[2 * layer] @ h + doubles[2 * layer + 1]))
    return np.asarray(doubles[-2] @ h + doubles[-1])


def close(found: npt.NDArray[np.floating], expected: Float64Array) -> None:
    """Class F: R is 2, for y runs from -1 to 1."""
    error = np.abs(found.astype(np.float64) - expected)
    assert error.max() <= 2.0**-16 * 2
    assert np.sqrt(np.square(error).mean()) <= 2.0**-19 * 2


def grid(shape: Sequence[int]) -> list[Float64Array]:
    return [np.arange(size, dtype=np.float64) for size in shape]


@pytest.mark.parametrize("name", CASES)
def test_grid_and_points_are_those_of_the_text(name: str) -> None:
    config, shape, components, parameters = case(name)
    evaluator = SirenEvaluator(config, shape, parameters)
    found = evaluator.on_axes(grid(shape))
    assert found.shape == (components, *shape)
    points = list(np.ndindex(*shape))
    expected = np.array([naive(config, shape, parameters, point) for point in points]).T
    close(found.reshape(components, -1), expected)
    between = np.random.default_rng(0).random((50, len(shape))) * (np.array(shape) - 1)
    expected = np.array([naive(config, shape, parameters, point) for point in between]).T
    close(evaluator.at(between), expected)


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_the_same(name: str) -> None:
    """What is fitted, on the grid and at points, and what decodes on a GPU."""
    config, shape, components, parameters = case(name)
    expected = SirenEvaluator(config, shape, parameters).on_axes(grid(shape)).astype(np.float64)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    other = DeviceEvaluator(config, shape, components, parameters, device)
    close(other.on_axes(grid(shape)), expected)
    points = np.random.default_rng(1).random((20, len(shape))) * (np.array(shape) - 1)
    close(other.at(points), SirenEvaluator(config, shape, parameters).at(points).astype(np.float64))
    sizes = [shape[axis] for axis in active_axes(shape)]
    tensors = by_name(config, components, parameters)
    indices = [torch.arange(size) for size in sizes]
    flat = expected.reshape(components, -1)
    assert GridNetwork(config, sizes)(tensors, indices).numpy() == pytest.approx(flat, abs=1e-3)
    *hidden, last = GridNetwork(config, sizes).layer_outputs(tensors, indices)
    assert torch.equal(last, GridNetwork(config, sizes)(tensors, indices))
    assert len(hidden) + 1 == len(GridNetwork(config, sizes).layers) == config.layers + 2
    assert all(float(layer.abs().max()) <= 1 for layer in hidden)
    places = np.stack(np.meshgrid(*map(grid_places, sizes), indexing="ij"), -1)
    columns = [torch.from_numpy(axis) for axis in places.reshape(-1, len(sizes)).T]
    assert PointNetwork(config)(tensors, columns).numpy() == pytest.approx(flat, abs=1e-3)


def grid_places(size: int) -> Float64Array:
    return unit_places(np.arange(size, dtype=np.float64), size)


def test_a_network_of_one_sine_is_the_sine() -> None:
    config = SirenConfig(1, 1, 0, Encoding(MLP))
    parameters = [np.array(v, np.float32) for v in ([[0.1]], [0.02], [[0.5]], [-0.25])]
    found = SirenEvaluator(config, (5,), parameters).on_axes([np.arange(5.0)])
    p = np.linspace(-1, 1, 5)
    assert found[0] == pytest.approx(0.5 * np.sin(3 * p + 0.6) - 0.25, abs=1e-6)


def test_encodings_agree_where_their_frequencies_do() -> None:
    """pi S^l of nerf is 2 pi f_l of positional at half the coordinate, if S^L is its scale."""
    places = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    nerf = encoded_points(Encoding(NERF, 3, 2000), places)
    positional = encoded_points(Encoding(POSITIONAL, 3, 8000), places / 2)
    assert nerf[:, :2] == pytest.approx(places)
    assert nerf[:, 2:] == pytest.approx(positional, abs=1e-12)
    turns = 1.5 * places @ gauss_matrix(4, 2, 7).T
    gauss = encoded_points(Encoding(GAUSS, 4, 1500, 7), places)
    assert gauss[:, 0::2] == pytest.approx(np.sin(2 * np.pi * turns))
    assert gauss[:, 1::2] == pytest.approx(np.cos(2 * np.pi * turns))


def test_the_gauss_matrix_is_made_of_the_integers_of_the_text() -> None:
    state, draws = 5, []
    for _ in range(24):
        state = (6364136223846793005 * state + 1442695040888963407) & (2**64 - 1)
        draws.append(state >> 48)
    expected = [(sum(draws[:12]) - 393210) / 65536, (sum(draws[12:]) - 393210) / 65536]
    assert gauss_matrix(1, 2, 5).tolist() == [expected]
    many = gauss_matrix(4096, 1, 0)
    assert abs(many.mean()) < 0.05
    assert many.std() == pytest.approx(1, abs=0.05)


def test_networks_start_as_in_the_source() -> None:
    config = SirenConfig(2, 64, 3, Encoding(NERF, 16, 1400))
    tensors = initial_tensors(config, 3, torch.Generator().manual_seed(0))
    assert config.parameters(3) == 16963  # of the source, at width 64
    bounds = {"matrix0": 1 / 66, "vector0": 1 / math.sqrt(66), "vector4": 1 / 8}
    bounds |= {f"matrix{n}": math.sqrt(6 / 64) / 30 for n in (1, 2, 3, 4)}
    for name, bound in bounds.items():
        largest = float(tensors[name].abs().max())
        assert 0.6 * bound < largest <= bound


def test_multiply_adds_are_counted_as_the_text_says() -> None:
    assert case("nerf")[0].multiply_adds(3) == 6 * 18 + 2 * 36 + 3 * 6
    assert case("gauss")[0].multiply_adds(1) == 10 * 4 + 16 + 4 + 10


VALID = {0: 8, 1: 1, 2: [1, 4, 1400]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({5: 1}, UnsupportedError),
        ({0: 0}, CorruptError),
        ({0: True}, CorruptError),
        ({1: 65}, CorruptError),
        ({2: []}, CorruptError),
        ({2: [4, 1]}, UnsupportedError),
        ({2: [0, 1]}, CorruptError),
        ({2: [1, 4, 0]}, CorruptError),
        ({2: [1, 1025, 1000]}, CorruptError),
        ({2: [1, 25, 2000 + 1]}, CorruptError),
        ({2: [3, 4, 1000]}, CorruptError),
        ({2: [3, 4, 1000, -1]}, CorruptError),
        ({3: 0}, CorruptError),
        ({4: b"short"}, CorruptError),
        ({4: None}, CorruptError),
    ],
)
def test_configs_against_the_text_are_refused(change: dict[int, object], error: type) -> None:
    with pytest.raises(error):
        Siren().tensors({**VALID, **change}, (8, 8), 1)
    for key in VALID:
        with pytest.raises(CorruptError, match="missing"):
            Siren().tensors({k: v for k, v in VALID.items() if k != key}, (8, 8), 1)


def test_frequencies_may_be_as_high_as_the_text_says() -> None:
    assert len(Siren().tensors({**VALID, 2: [1, 25, 2000]}, (8, 8), 1)) == 6
    with pytest.raises(CorruptError, match="5 axes"):
        Siren().tensors(VALID, (2,) * 5, 1)


def test_configs_come_back_from_their_maps() -> None:
    for encoding in (Encoding(MLP), Encoding(NERF, 3, 1400), Encoding(GAUSS, 2, 6000, 9)):
        for omega, prior in ((30, None), (7, bytes(16))):
            config = SirenConfig(2, 8, 1, encoding, omega, prior)
            assert SirenConfig.from_map(config.to_map(), (4, 1, 5)) == config


def waves(shape: tuple[int, ...]) -> Float32Array:
    axes = np.meshgrid(*[np.linspace(0, 3, n) for n in shape], indexing="ij")
    return np.asarray(np.sin(sum(axes)) * 0.8, np.float32)


def plan(steps: int, price: float = 0.0, *, roll_back: bool = False) -> Plan:
    return Plan(steps, 1e-3, 50, 500, price, roll_back=roll_back)


def silent(fraction: float, loss: float) -> None:
    """Nobody watches."""


def test_the_descent_does_not_depend_on_threads() -> None:
    config = SirenConfig(2, 8, 1, Encoding(NERF, 3, 1400))
    start = initial_tensors(config, 1, torch.Generator().manual_seed(0))
    values = waves((160, 130))[None]
    for batch in (0, 20000):
        results = []
        for threads in (1, 3):
            batches = batches_of(values, None, batch, 0, "cpu")
            assert len(batches.draw()) == 2
            network = GridNetwork(config, values.shape[1:])
            results.append(Descent(network, batches, plan(4), threads, silent).run(start))
        assert all(torch.equal(results[0][name], results[1][name]) for name in start)


def test_magnitudes_count_where_states_are_compared() -> None:
    """A network that fits at once is left for one with smaller parameters."""
    config = SirenConfig(1, 6, 1, Encoding(MLP))
    start = initial_tensors(config, 1, torch.Generator().manual_seed(0))
    network = GridNetwork(config, (40,))
    target = network(start, [torch.arange(40)]).numpy().reshape(1, 40)

    def magnitude(price: float) -> float:
        batches = batches_of(target, None, 0, 0, "cpu")
        found = Descent(network, batches, plan(30, price), 1, silent).run(start)
        return float(sum(tensor.abs().sum() for tensor in found.values()))

    assert magnitude(0.0) == pytest.approx(float(sum(t.abs().sum() for t in start.values())))
    assert magnitude(1e-2) < 0.99 * magnitude(0.0)


class Poisoned:
    """Batches of which one blows the loss up."""

    whole = True

    def __init__(self, shards: Sequence[Shard], bad: int) -> None:
        self._shards, self._bad, self._count = shards, bad, 0

    def draw(self) -> Sequence[Shard]:
        self._count += 1
        if self._count != self._bad:
            return self._shards
        return [Shard(s.indices, s.target + 1e6, None) for s in self._shards]


@pytest.mark.parametrize("bad", [2, 12])
def test_a_step_that_blows_up_is_taken_back(bad: int) -> None:
    """Adam would remember a gradient a million times too large for hundreds of steps."""
    config = SirenConfig(1, 6, 1, Encoding(MLP))
    start = initial_tensors(config, 1, torch.Generator().manual_seed(0))
    network = GridNetwork(config, (40,))
    shards = batches_of(waves((40,))[None], None, 0, 0, "cpu").draw()

    def error(roll_back: bool, bad: int) -> float:
        steps = plan(60, roll_back=roll_back)
        found = Descent(network, Poisoned(shards, bad), steps, 1, silent).run(start)
        return float((network(found, shards[0].indices) - shards[0].target).square().mean())

    clean = error(False, -1)
    assert error(True, bad) < 1.2 * clean
    assert error(False, bad) > 1.5 * clean


def test_a_wider_network_is_the_same_function() -> None:
    config = SirenConfig(2, 6, 2, Encoding(NERF, 3, 1400))
    wider = SirenConfig(2, 11, 2, Encoding(NERF, 3, 1400))
    tensors = initial_tensors(config, 2, torch.Generator().manual_seed(0))
    grown = widened(tensors, wider, 2, torch.Generator().manual_seed(1))
    indices = [torch.arange(7), torch.arange(8)]
    before = GridNetwork(config, (7, 8))(tensors, indices)
    assert torch.allclose(GridNetwork(wider, (7, 8))(grown, indices), before, atol=1e-5)
    assert grown["matrix1"][6:].abs().min() > 0


def test_gradients_of_the_quick_sine_are_right() -> None:
    config, shape, components, parameters = case("nerf")
    tensors = by_name(config, components, parameters)
    tensors = {name: tensor.double().requires_grad_() for name, tensor in tensors.items()}
    indices = [torch.arange(size) for size in shape]
    found = []
    for arguments in ({}, {"activation": smooth_sine}):
        network = GridNetwork(config, shape, torch.float64, **arguments)
        loss = network(tensors, indices).square().sum()
        found.append(torch.autograd.grad(loss, list(tensors.values())))
    assert all(torch.allclose(one, other) for one, other in zip(*found, strict=True))


def test_settings_have_the_values_of_the_source() -> None:
    settings = SirenSettings()
    config = settings.config(2, 32, 768, 0)
    assert config.encoding == Encoding(NERF, 16, 1400)
    assert config.parameters(3) == 5411
    assert settings.rate == 5e-4
    assert (settings.patience_for(25_000), settings.stop_for(25_000)) == (500, 5000)
    assert settings.magnitude_price(shape=False) == 1e-5
    assert SirenSettings(encoding="positional").config(2, 32, 768, 0).encoding.features == 16
    assert SirenSettings(encoding="gauss").config(2, 32, 768, 3).encoding == Encoding(
        GAUSS, 32, 6000, 3
    )
    with pytest.raises(InvalidOptionError, match="2\\^24"):
        SirenSettings(features=100).config(2, 32, 768, 0)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth colours, 24 x 32."""
    rows, columns = np.meshgrid(np.linspace(0, 3, 24), np.linspace(0, 3, 32), indexing="ij")
    channels = [np.sin(rows + columns), np.cos(rows), np.sin(columns) * np.cos(rows)]
    path = tmp_path_factory.mktemp("picture") / "smooth.png"
    Image.fromarray(np.uint8(np.rint(127.5 + 110 * np.stack(channels, -1)))).save(path)
    return path


def encoded(source: Path, target: Path, **request: Any) -> EncodeReport:
    settings = {"fit.steps": 300, "fit.finetune_steps": 40, "fit.prune_steps": 1}
    settings |= request.pop("settings", {})
    return codec.encode(
        source, target, arch="siren", effort=0, threads=1, device="cpu",
        settings=settings, overwrite=True, **request,
    )  # fmt: skip


def test_an_image_meets_its_psnr_and_decodes_without_torch(
    picture: Path, tmp_path: Path, fresh: Fresh
) -> None:
    target = tmp_path / "out.inrc"
    report = encoded(picture, target, psnr=30)
    assert report.goal_met
    assert min(quality.psnr for quality in report.qualities) >= 30
    done = fresh(
        BLOCK_TORCH + "import sys, codec; codec.decode(*sys.argv[1:])",
        str(target),
        str(tmp_path / "back.png"),
    )
    assert done.returncode == 0, done.stderr
    with Image.open(picture) as one, Image.open(tmp_path / "back.png") as other:
        difference = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    assert 10 * np.log10(255**2 / np.square(difference).mean()) >= 30


@pytest.mark.parametrize("encoding", ["mlp", "positional", "gauss"])
def test_an_image_keeps_its_bytes_with_every_encoding(
    picture: Path, tmp_path: Path, encoding: str
) -> None:
    settings = {"arch.encoding": encoding, "arch.base": 1.5, "fit.steps": 60}
    if encoding == "mlp":
        del settings["arch.base"]
    report = encoded(picture, tmp_path / "out.inrc", bytes=900, settings=settings)
    assert report.goal_met
    assert report.file_bytes <= 900
    assert report.qualities[0].psnr > 12


def test_the_same_call_gives_the_same_bytes_on_any_number_of_threads(
    picture: Path, tmp_path: Path
) -> None:
    files = []
    for threads in (1, 2):
        target = tmp_path / f"{threads}.inrc"
        codec.encode(
            picture, target, arch="siren", effort=0, threads=threads, device="cpu", bytes=700,
            settings={"fit.steps": 20, "fit.finetune_steps": 4},
        )  # fmt: skip
        files.append(target.read_bytes())
    assert files[0] == files[1]


def test_a_volume_is_fitted_sliced_and_evaluated_between(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", waves((9, 10, 11)))
    report = encoded(tmp_path / "v.npy", tmp_path / "v.inrc", bytes=900)
    assert report.qualities[0].psnr > 20
    with codec.open(tmp_path / "v.inrc", device="cpu") as file:
        (name,) = file
        whole = file[name][...]
        assert np.array_equal(file[name][2:4, ::3, 5], whole[2:4, ::3, 5])
        assert file[name].at([[2, 3, 5]])[0] == pytest.approx(whole[2, 3, 5], abs=1e-6)
        assert np.array_equal(file[name].level(1)[...], whole[::2, ::2, ::2])


def test_settings_that_contradict_the_format_are_refused_by_name(
    picture: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidOptionError, match=r"arch\.features"):
        encoded(picture, tmp_path / "out.inrc", bytes=900, settings={"arch.features": 1000})
    assert not (tmp_path / "out.inrc").exists()
