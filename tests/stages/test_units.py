"""Units: saliency is what it says, removal folds means, and the config tells what is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from codec.arrays import FloatArray
from codec.plugin_api.models import TensorSpec
from codec.plugin_api.stages import UnitKind, UnitNetwork
from codec.training.batches import AxisSampler
from codec.training.family_units import FamilyUnits
from codec.training.fitted_network import FittedNetwork
from codec.training.fitter import Tensors
from codec.training.trainer import Trainer
from codec.training.unit_removal import RemovableNetwork
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily
from inrc_plugins.pruners.taylor import Taylor, TaylorSettings, normalise

SHAPE = (4, 4, 5)
CONFIG = FvsrnConfig((3, 3, 4), 3, 5, 2, 1)
FAMILY = FvsrnFamily(SHAPE, 2)


def network(config: FvsrnConfig = CONFIG, seed: int = 0) -> RemovableNetwork:
    """A random network of a random field, all of which is one batch."""
    values = np.random.default_rng(3).normal(size=(2, *SHAPE)).astype(np.float32)
    sampler = AxisSampler(values, None, 1 << 20, "cpu")

    def fitter(one: FvsrnConfig) -> Trainer:
        return Trainer(FAMILY.network(one), sampler, seed=0, threads=1)

    units = FamilyUnits(FAMILY, config, fitter)
    tensors = FAMILY.start(config, torch.Generator().manual_seed(seed))
    tensors["grid"] = 50 * tensors["grid"]
    fitted = units.fitted(config)
    return RemovableNetwork(fitted, tensors, {}, fitted.fitter.draw(1), lambda *_: None)


def outputs(one: RemovableNetwork) -> torch.Tensor:
    config = FvsrnConfig.from_map(one.network.config, SHAPE)
    found: torch.Tensor = FAMILY.network(config)(one.tensors, one.batches[0].indices)
    return found


def kind_called(one: RemovableNetwork, name: str) -> UnitKind:
    return next(kind for kind in one.kinds() if kind.name == name)


def exact_saliency(one: RemovableNetwork, tensor: str, axis: int, unit: int) -> float:
    """E[(dD/dgate)^2] from one gradient per sample."""
    config = FvsrnConfig.from_map(one.network.config, SHAPE)
    gate = torch.ones(())
    gate.requires_grad_(True)
    index: list[object] = [slice(None)] * one.tensors[tensor].ndim
    index[axis] = slice(unit, unit + 1)
    mask = torch.zeros_like(one.tensors[tensor])
    mask[tuple(index)] = 1
    gated = one.tensors[tensor] * (1 + (gate - 1) * mask)
    batch = one.batches[0]
    found = FAMILY.network(config)({**one.tensors, tensor: gated}, batch.indices)
    each = (found - batch.target).square().sum(dim=0)
    total = 0.0
    for sample in each:
        (slope,) = torch.autograd.grad(sample, gate, retain_graph=True)
        total += float(slope) ** 2
    return total / len(each)


def test_saliency_is_the_mean_square_of_the_first_order_change() -> None:
    one = network()
    many = replace(one, batches=one.batches * 300)
    for name, (tensor, axis) in (
        ("hidden units", ("matrix1", 1)),
        ("latent channels", ("grid", 0)),
    ):
        layers = many.saliency(kind_called(one, name))
        assert layers is not None
        exact = [exact_saliency(one, tensor, axis, unit) for unit in range(len(layers[0]))]
        assert layers[0] == pytest.approx(exact, rel=0.35)


def test_saliencies_of_a_layer_have_length_1() -> None:
    assert np.linalg.norm(normalise(np.array([3.0, 4.0]))) == pytest.approx(1)
    assert normalise(np.zeros(2)).tolist() == [0, 0]


def test_constant_units_go_without_a_trace() -> None:
    """A hidden unit without inputs and a channel with one value are constants: biases hold them."""
    one = network()
    tensors = {name: tensor.clone() for name, tensor in one.tensors.items()}
    for layer, unit in enumerate((1, 4)):
        tensors[f"matrix{layer}"][unit] = 0
        tensors[f"vector{layer}"][unit] = 0.7
    tensors["grid"][2] = -1.3
    one = replace(one, tensors=tensors)
    smaller = one.without(kind_called(one, "hidden units"), (1, 4))
    torch.testing.assert_close(outputs(smaller), outputs(one), rtol=1e-4, atol=1e-5)
    smaller = smaller.without(kind_called(smaller, "latent channels"), (2,))
    torch.testing.assert_close(outputs(smaller), outputs(one), rtol=1e-4, atol=1e-5)
    config = FvsrnConfig.from_map(smaller.network.config, SHAPE)
    assert (config.width, config.features) == (4, 2)
    shapes = {spec.name: spec.shape for spec in config.tensors(2)}
    assert {name: tuple(t.shape) for name, t in smaller.tensors.items()} == shapes


@pytest.mark.parametrize("name", ["hidden units", "latent channels"])
def test_a_kind_says_how_many_parameters_go_with_it(name: str) -> None:
    one = network()
    kind = kind_called(one, name)
    smaller = one.without(kind, (0,) * len(kind.layers))
    assert one.parameters - smaller.parameters == kind.freed


def test_the_last_unit_is_not_offered() -> None:
    assert network(FvsrnConfig((3, 3, 4), 1, 1, 2, 1)).kinds() == ()


def test_a_centred_grid_is_the_same_function() -> None:
    one = network()
    moved = FAMILY.centred(CONFIG, one.tensors)
    assert moved["grid"].flatten(1).median(dim=1).values.abs().max() == 0
    assert not torch.equal(moved["vector0"], one.tensors["vector0"])
    torch.testing.assert_close(outputs(replace(one, tensors=moved)), outputs(one))


def test_layers_show_what_the_network_computes() -> None:
    one = network()
    shown = list(FAMILY.network(CONFIG).layer_outputs(one.tensors, one.batches[0].indices))
    torch.testing.assert_close(shown[-1], outputs(one))
    matrix, vector = one.tensors["matrix1"], one.tensors["vector1"]
    before = matrix @ shown[0] + vector[:, None]
    torch.testing.assert_close(shown[1], before / 2 + torch.sin(before) ** 2)


def test_without_a_family_units_are_channels_and_go_by_masks() -> None:
    one = network()
    specs = [TensorSpec("grid", tuple(one.tensors["grid"].shape), prunable=True)]
    bare = FittedNetwork(specs, {}, one.network.fitter, one.network.rates)
    masked = replace(one, network=bare)
    (kind,) = masked.kinds()
    assert (kind.count, kind.freed) == (3, 36)
    twice = masked.without(kind, (1,))
    twice = twice.without(twice.kinds()[0], (1,))
    assert twice.masks["grid"].any(axis=(1, 2, 3)).tolist() == [True, False, False]
    assert not twice.tensors["grid"][1:].any()
    assert twice.kinds() == ()
    assert not twice.trained(3).tensors["grid"][1:].any()
    assert twice.parameters == masked.parameters - 72


@dataclass(frozen=True)
class Chain:
    """Units whose removal adds a known error each."""

    rises: tuple[float, ...]
    base: float = 1.0
    healed: float = 0.0

    @property
    def parameters(self) -> int:
        return 10 * len(self.rises)

    def kinds(self) -> tuple[UnitKind, ...]:
        count = len(self.rises)
        return (UnitKind("unit", count, (("t", 0),), 10),) if count > 1 else ()

    def saliency(self, kind: UnitKind) -> list[FloatArray] | None:
        return [np.array(self.rises)]

    def error(self) -> float:
        return self.base

    def without(self, kind: UnitKind, chosen: tuple[int, ...]) -> UnitNetwork:
        rises = tuple(rise for at, rise in enumerate(self.rises) if at != chosen[0])
        return Chain(rises, self.base + self.rises[chosen[0]], self.healed)

    def trained(self, steps: int) -> UnitNetwork:
        return Chain(self.rises, self.base - self.healed, self.healed)


def test_units_go_while_their_error_is_below_their_price() -> None:
    left = Taylor(TaylorSettings(budget=10, share=1)).remove(
        Chain((0.05, 0.3, 0.01, 0.2, 0.02)), price=0.01, steps=8
    )
    assert isinstance(left, Chain)
    assert left.rises == (0.3, 0.2)


def test_a_round_removes_no_more_than_its_share() -> None:
    settings = TaylorSettings(budget=10, share=0.4, rounds=1)
    left = Taylor(settings).remove(Chain((0.05, 0.3, 0.01, 0.2, 0.02)), price=1, steps=8)
    assert isinstance(left, Chain)
    assert left.rises == (0.05, 0.3, 0.2)


def test_a_round_that_overspends_the_budget_is_undone() -> None:
    """0.5 dB of an error of 1 are 0.122; the second round leaves 0.03 + 0.2."""
    settings = TaylorSettings(budget=0.5, share=0.3, rounds=4)
    left = Taylor(settings).remove(Chain((0.01, 0.02, 0.2, 0.3)), price=1, steps=8)
    assert isinstance(left, Chain)
    assert left.rises == (0.2, 0.3)


def test_a_sparsity_is_reached_whatever_the_budget() -> None:
    settings = TaylorSettings(budget=0, sparsity=0.6, rounds=2)
    left = Taylor(settings).remove(Chain((0.5, 0.6, 0.7, 0.8, 0.9)), price=1e-9, steps=8)
    assert isinstance(left, Chain)
    assert left.rises == (0.8, 0.9)


@dataclass(frozen=True)
class Uneven(Chain):
    """A large unit whose removal costs next to nothing, beside many small ones."""

    large: int = 45

    @property
    def parameters(self) -> int:
        return self.large + 10 * len(self.rises)

    def kinds(self) -> tuple[UnitKind, ...]:
        large = (UnitKind("large", 1, (("l", 0),), self.large),) if self.large else ()
        return (*large, *super().kinds())

    def saliency(self, kind: UnitKind) -> list[FloatArray] | None:
        return [np.zeros(1)] if kind.name == "large" else super().saliency(kind)

    def without(self, kind: UnitKind, chosen: tuple[int, ...]) -> UnitNetwork:
        if kind.name == "large":
            return Uneven(self.rises, self.base, self.healed, 0)
        left = super().without(kind, chosen)
        assert isinstance(left, Chain)
        return Uneven(left.rises, left.base, left.healed, self.large)

    def trained(self, steps: int) -> UnitNetwork:
        return self


@pytest.mark.parametrize(("sparsity", "left"), [(0.2, (45, 4)), (0.3, (0, 6)), (0.6, (0, 4))])
def test_a_sparsity_is_not_overshot_by_large_units(sparsity: float, left: tuple[int, int]) -> None:
    """Of 105: smaller units make up what the large one cannot, and rounding is to the nearest."""
    settings = TaylorSettings(sparsity=sparsity, rounds=1)
    found = Taylor(settings).remove(Uneven((0.1,) * 6), price=1e-9, steps=8)
    assert isinstance(found, Uneven)
    assert (found.large, len(found.rises)) == left


def test_a_network_that_tells_no_saliency_is_tried_unit_by_unit() -> None:
    class Silent(Chain):
        def saliency(self, kind: UnitKind) -> list[FloatArray] | None:
            return None

    settings = TaylorSettings(budget=10, rounds=1, share=0.1, candidates=1)
    left = Taylor(settings).remove(Silent((0.5, 0.6, 0.7, 0.01, 0.9)), price=0.1, steps=1)
    assert left.parameters == 40
    assert left.error() == pytest.approx(1.01)


def test_removal_and_training_do_not_touch_what_they_started_from() -> None:
    one = network()
    before: Tensors = {name: tensor.clone() for name, tensor in one.tensors.items()}
    kind = one.kinds()[0]
    one.without(kind, (0,) * len(kind.layers)).trained(2)
    for name, tensor in before.items():
        assert torch.equal(tensor, one.tensors[name])
