"""The options of `fvsrn` and the stages after its fit work together."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.files import fit_journal
from codec.options.encode import Progress
from codec.plugin_api.stages import UnitKind
from codec.reading.contents import FileContents
from codec.training.batches import AxisSampler
from codec.training.family_units import FamilyUnits
from codec.training.fitter import Tensors
from codec.training.recipe import Recipe
from codec.training.trainer import Trainer
from codec.training.unit_removal import RemovableNetwork
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig, GaussianRows, TimeAxis, Wavelet
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily
from inrc_plugins.architectures.fvsrn.training.latent_grid import latent_grid

SHAPE = (6, 7, 8)
FAMILY = FvsrnFamily(SHAPE, 2)
PLAIN = FvsrnConfig((4, 3, 5), 3, 5, 2, 1)
CONFIGS = {
    "9/7": replace(PLAIN, wavelet=Wavelet(1, 2)),
    "5/3": replace(PLAIN, wavelet=Wavelet(2, 1)),
    "time": replace(PLAIN, time=TimeAxis(1, False, 2)),
    "rows": replace(PLAIN, octaves=0, rows=GaussianRows(4, 256, 1)),
    "frequency": replace(PLAIN, frequency=640),
    "everything": FvsrnConfig(
        (4, 3, 5), 3, 5, 2, 0, Wavelet(1, 2), TimeAxis(0, True, 1), GaussianRows(4, 256, 1), 100
    ),
}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def network(config: FvsrnConfig) -> RemovableNetwork:
    """A random network of a random field, all of which is one batch; its grid is large."""
    values = np.random.default_rng(3).normal(size=(2, *SHAPE)).astype(np.float32)
    sampler = AxisSampler(values, None, 1 << 20, "cpu")

    def fitter(one: FvsrnConfig) -> Trainer:
        return Trainer(FAMILY.network(one), sampler, seed=0, threads=1)

    fitted = FamilyUnits(FAMILY, config, fitter).fitted(config)
    tensors = FAMILY.start(config, torch.Generator().manual_seed(0))
    for spec in config.latent_tensors():
        tensors[spec.name] = 50 * tensors[spec.name]
    return RemovableNetwork(fitted, tensors, {}, fitted.fitter.draw(1), lambda *_: None)


def config_of(one: RemovableNetwork) -> FvsrnConfig:
    return FvsrnConfig.from_map(one.network.config, SHAPE)


def outputs(one: RemovableNetwork) -> torch.Tensor:
    found: torch.Tensor = FAMILY.network(config_of(one))(one.tensors, one.batches[0].indices)
    return found


def kind_called(one: RemovableNetwork, name: str) -> UnitKind:
    return next(kind for kind in one.kinds() if kind.name == name)


def check_tensors(one: RemovableNetwork) -> None:
    expected = {spec.name: spec.shape for spec in config_of(one).tensors(2)}
    assert {name: tuple(tensor.shape) for name, tensor in one.tensors.items()} == expected


@each_config
def test_a_channel_that_nothing_looks_at_goes_without_a_trace(config: FvsrnConfig) -> None:
    one = network(config)
    tensors = {name: tensor.clone() for name, tensor in one.tensors.items()}
    tensors["matrix0"][:, config.inputs - config.features + 1] = 0
    one = replace(one, tensors=tensors)
    smaller = one.without(kind_called(one, "latent channels"), (1,))
    torch.testing.assert_close(outputs(smaller), outputs(one))
    assert config_of(smaller) == replace(config, features=2)
    check_tensors(smaller)


@each_config
def test_a_channel_of_zeros_goes_without_a_trace(config: FvsrnConfig) -> None:
    one = network(config)
    tensors = {name: tensor.clone() for name, tensor in one.tensors.items()}
    for spec in config.latent_tensors():
        tensors[spec.name][0] = 0
    one = replace(one, tensors=tensors)
    smaller = one.without(kind_called(one, "latent channels"), (0,))
    torch.testing.assert_close(outputs(smaller), outputs(one))


@each_config
def test_a_constant_hidden_unit_goes_without_a_trace(config: FvsrnConfig) -> None:
    one = network(config)
    tensors = {name: tensor.clone() for name, tensor in one.tensors.items()}
    for layer, unit in enumerate((1, 4)):
        tensors[f"matrix{layer}"][unit] = 0
        tensors[f"vector{layer}"][unit] = 0.7
    one = replace(one, tensors=tensors)
    smaller = one.without(kind_called(one, "hidden units"), (1, 4))
    torch.testing.assert_close(outputs(smaller), outputs(one), rtol=1e-4, atol=1e-5)
    assert config_of(smaller) == replace(config, width=4)
    check_tensors(smaller)


@each_config
@pytest.mark.parametrize("name", ["hidden units", "latent channels"])
def test_a_kind_says_how_many_parameters_go_with_it(config: FvsrnConfig, name: str) -> None:
    one = network(config)
    kind = kind_called(one, name)
    smaller = one.without(kind, (0,) * len(kind.layers))
    assert one.parameters - smaller.parameters == kind.freed


@each_config
def test_a_channel_is_as_salient_as_all_its_coefficients_together(config: FvsrnConfig) -> None:
    one = network(config)
    kind = kind_called(one, "latent channels")
    layers = one.saliency(kind)
    assert layers is not None
    squares = torch.zeros(config.features)
    gradients = one.network.fitter.signed_gradients(one.tensors, one.batches)  # type: ignore[attr-defined]
    for gradient in gradients:
        gates = [
            (one.tensors[spec.name] * gradient[spec.name]).flatten(1).sum(dim=1)
            for spec in config.latent_tensors()
        ]
        squares += torch.stack(gates).sum(dim=0).square() / len(gradients)
    assert layers[0] == pytest.approx(squares.numpy(), rel=1e-3)


@each_config
def test_a_centred_grid_is_the_same_function(config: FvsrnConfig) -> None:
    one = network(config)
    centred = replace(one, tensors=FAMILY.centred(config, one.tensors))
    check_tensors(centred)
    medians = latent_grid(config, centred.tensors).flatten(1).median(dim=1).values
    assert medians.abs().max() < 1e-6
    assert not torch.equal(centred.tensors["vector0"], one.tensors["vector0"])
    torch.testing.assert_close(outputs(centred), outputs(one), rtol=1e-4, atol=1e-5)


@each_config
def test_layers_show_what_the_network_computes(config: FvsrnConfig) -> None:
    one, shows = network(config), FAMILY.network(config)
    shown = list(shows.layer_outputs(one.tensors, one.batches[0].indices))
    torch.testing.assert_close(shown[-1], outputs(one))
    before = one.tensors["matrix1"] @ shown[0] + one.tensors["vector1"][:, None]
    f = config.frequency / 256
    snake = (before + 1 - torch.cos(2 * f * before)) / (2 * f)
    torch.testing.assert_close(shown[1], snake, rtol=1e-4, atol=1e-5)


@each_config
def test_a_layer_needs_only_its_tensors_and_those_before(config: FvsrnConfig) -> None:
    one, shows = network(config), FAMILY.network(config)
    assert [name for layer in shows.layers for name in layer] == list(one.tensors)
    known: Tensors = {}
    for number, names in enumerate(shows.layers):
        known |= {name: one.tensors[name] for name in names}
        outputs = shows.layer_outputs(known, one.batches[0].indices)
        for _ in range(number + 1):
            assert torch.isfinite(next(outputs)).all()


STEPS = {"fit.steps": 40, "fit.prune_steps": 8, "fit.finetune_steps": 16}
SIZES = {"arch.width": 12, "arch.features": 4, "arch.layers": 2}
OPTIONS: dict[str, dict[str, Any]] = {
    "wavelet": {"arch.basis": "wavelet"},
    "gauss": {"arch.fourier": "gauss"},
    "frequency": {"arch.frequency": 2.5},
}
OPTIONS["all"] = {name: value for one in OPTIONS.values() for name, value in one.items()}
STAGES = {
    "taylor": {"prune": "taylor"},
    "binary-mask": {"prune": "binary-mask"},
    "adaround": {"prune": "none", "quantise": "adaround"},
}
GOALS: dict[str, dict[str, Any]] = {"psnr": {"psnr": 20.0}, "bytes": {"bytes": 1000}}
# All pairs of an option and a stage, and of each of them and a goal.
FILES = [
    (option, stage, "psnr" if (row + column) % 2 else "bytes")
    for row, option in enumerate(OPTIONS)
    for column, stage in enumerate(STAGES)
] + [("all", stage, goal) for stage, goal in zip(STAGES, ("bytes", "psnr", "bytes"), strict=True)]


def write_field(path: Path) -> np.ndarray:
    z, y, x = np.ix_(*(np.linspace(0, 1, size) for size in (9, 10, 11)))
    field: np.ndarray = (np.sin(3 * z) * np.cos(2 * y) * np.sin(3 * x + 1)).astype(np.float32)
    np.save(path, field)
    return field


@pytest.mark.parametrize(("option", "stage", "goal"), FILES)
def test_stages_meet_their_goals_with_every_option(
    option: str, stage: str, goal: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "a.npy", tmp_path / "a.inrc"
    field = write_field(source)
    settings = {**STEPS, **SIZES, **OPTIONS[option]}
    if stage != "adaround":
        settings["prune.sparsity"] = 0.2
    report = codec.encode(
        source, target, arch="fvsrn", threads=1, device="cpu", settings=settings,
        **STAGES[stage], **GOALS[goal],
    )  # fmt: skip
    with FileContents(target, device="cpu") as file:
        (decoded,) = file.fields.values()
        error = np.square(decoded[...].astype(np.float64) - field).mean()
        item = file.items[0]
        config = FvsrnConfig.from_map(item.header.config, field.shape)
        masks = len(item.header.tensor_masks)
    psnr = 10 * math.log10(float(np.ptp(field)) ** 2 / error)
    assert report.goal_met
    if goal == "psnr":
        assert psnr >= 20
    else:
        assert target.stat().st_size <= 1000
        assert psnr > 15
    assert (config.wavelet is not None) == ("arch.basis" in settings)
    assert (config.rows is not None) == ("arch.fourier" in settings)
    assert config.frequency == 256 * settings.get("arch.frequency", 1)
    assert (config.width < 12 or config.features < 4) == (stage == "taylor")
    assert (masks > 0) == (stage == "binary-mask")
    assert masks <= len(config.latent_tensors())


class _Stop(Exception):  # noqa: N818 - stands in for an interrupt
    pass


def test_a_run_with_recipe_and_stages_is_taken_up_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maps of the error, carried tensors and layers are in one journal; three stops."""
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    source = tmp_path / "a.npy"
    write_field(source)
    settings = {"fit.steps": 10, "fit.prune_steps": 9, "fit.finetune_steps": 6, **SIZES}
    settings |= OPTIONS["all"] | {"arch.loss": "l1", "arch.resample": 4}
    settings |= {"prune.sparsity": 0.4}

    def encode(name: str, stage: str = "", step: int = 0) -> bytes:
        seen: list[str] = []

        def stop(progress: Progress) -> None:
            seen.append(progress.stage)
            if step and seen.count(stage) == step:
                raise _Stop

        codec.encode(
            source, tmp_path / name, arch="fvsrn", bytes=900, prune="magnitude",
            quantise="adaround", settings=settings, threads=1, device="cpu", on_progress=stop,
        )  # fmt: skip
        return (tmp_path / name).read_bytes()

    for stage, step in (("fit", 7), ("prune", 5), ("quantise", 3)):
        with pytest.raises(_Stop):
            encode("b.inrc", stage, step)
    assert encode("b.inrc") == encode("whole.inrc")


@each_config
def test_a_layer_is_trained_by_a_recipe_too(config: FvsrnConfig) -> None:
    """Error-driven batches of what a layer gives, found by starting from somewhere else."""
    one = network(config)
    values = np.zeros((2, *SHAPE), np.float32)
    sampler = AxisSampler(values, None, 60, "cpu")
    whole = Trainer(FAMILY.network(config), sampler, seed=0, threads=1)
    alone = whole.layer_fitter(0, one.tensors)
    names = whole.layers[0]
    tensors = {name: one.tensors[name].clone() for name in names}
    tensors["vector0"] += 0.3
    shards = alone.draw(4)
    before = alone.estimate(tensors, shards)
    recipe = Recipe(loss="l1", resample=10)
    alone.run(tensors, 40, dict.fromkeys(names, 0.0) | {"vector0": 0.02}, recipe=recipe)
    assert alone.estimate(tensors, shards) < 0.05 * before
