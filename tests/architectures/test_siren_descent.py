"""The descent of `siren`: its gradients, its course, and that it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

import codec
from codec.files import fit_journal
from codec.files.fit_journal import FitJournal
from codec.files.journal import Journal
from codec.options.encode import Progress
from codec.training.batches import Shard
from inrc_plugins.architectures.siren.config import GAUSS, NERF, Encoding, SirenConfig
from inrc_plugins.architectures.siren.sine_kernel import sines_and_slopes
from inrc_plugins.architectures.siren.training.course import CosineCourse, PlateauCourse
from inrc_plugins.architectures.siren.training.descent import Descent, Plan
from inrc_plugins.architectures.siren.training.field_batches import batches_of
from inrc_plugins.architectures.siren.training.network import (
    AnyNetwork,
    GridNetwork,
    PointNetwork,
    ShiftedNetwork,
    initial_tensors,
)

CONFIG = SirenConfig(2, 6, 2, Encoding(NERF, 3, 1400))
SHAPE = (9, 7)


def tensors_of(config: SirenConfig) -> dict[str, torch.Tensor]:
    return initial_tensors(config, 2, torch.Generator().manual_seed(0))


def grid(encoding: Encoding) -> tuple[SirenConfig, AnyNetwork]:
    config = SirenConfig(2, 6, 2, encoding)
    return config, GridNetwork(config, SHAPE)


NETWORKS: dict[str, Callable[[], tuple[SirenConfig, AnyNetwork]]] = {
    "nerf": lambda: grid(Encoding(NERF, 3, 1400)),
    "gauss": lambda: grid(Encoding(GAUSS, 4, 2000, 1)),
    "points": lambda: (CONFIG, PointNetwork(CONFIG)),
    "prior": lambda: (CONFIG, ShiftedNetwork(GridNetwork(CONFIG, SHAPE), tensors_of(CONFIG))),
}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_by_hand_are_those_of_autograd(kind: str, masked: bool) -> None:
    config, network = NETWORKS[kind]()
    random = torch.Generator().manual_seed(1)
    indices = [torch.arange(size) for size in SHAPE]
    samples = SHAPE[0] * SHAPE[1]
    if kind == "points":
        indices, samples = [2 * torch.rand(50, generator=random) - 1 for _ in range(2)], 50
    target = torch.randn(2, samples, generator=random)
    valid = (torch.rand(2, samples, generator=random) < 0.7).float() if masked else None
    tensors = tensors_of(config)
    squared, found = network.squared_error(tensors, Shard(indices, target, valid))
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}
    difference = network(leaves, indices) - target
    expected = (difference if valid is None else difference * valid).square().sum()
    assert squared == pytest.approx(float(expected.detach()), rel=1e-5)
    gradients = torch.autograd.grad(expected, list(leaves.values()))
    for one, other in zip(found, gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize("kernel", [sines_and_slopes, sines_and_slopes.py_func])
def test_sines_and_slopes_are_those_of_numpy(kernel: Callable[..., None]) -> None:
    sums = np.random.default_rng(0).normal(0, 20, 3000).astype(np.float32)
    sines, slopes, omega = np.empty_like(sums), np.empty_like(sums), np.float32(30)
    kernel(sums, omega, sines, slopes)
    angles = (omega * sums).astype(np.float64)
    # A fused product keeps the digits of the angle that rounding it to float32 loses.
    lost = 2.0**-24 * np.abs(angles).max()
    np.testing.assert_allclose(sines, np.sin(angles), atol=lost + 3e-7)
    np.testing.assert_allclose(slopes / omega, np.cos(angles), atol=lost + 3e-7)


def waves(shape: tuple[int, ...]) -> np.ndarray:
    axes = np.meshgrid(*[np.linspace(0, 3, n) for n in shape], indexing="ij")
    return np.asarray(np.stack([np.sin(sum(axes)), np.cos(2 * axes[0])]), np.float32)


def test_noise_does_not_end_a_descent_on_random_samples() -> None:
    """No loss of a small batch is better than the luckiest one, but the fit gets better."""
    values, done = waves((40, 30)), []
    network, start = GridNetwork(CONFIG, (40, 30)), tensors_of(CONFIG)

    def error(steps: int) -> float:
        plan, batches = Plan(steps, 1e-3, 1, 2, 0.0), batches_of(values, None, 30, 0, "cpu")
        report = lambda fraction, loss: done.append(fraction)  # noqa: E731
        found = Descent(network, batches, plan, 1, report).run(start)
        (shard,) = batches_of(values, None, 0, 0, "cpu").draw()
        return network.squared_error(found, shard)[0] / values.size

    assert error(400) < 0.6 * error(40)
    assert len(done) == 440


def test_the_rate_falls_along_a_cosine_whose_mean_it_is() -> None:
    shares = [CosineCourse(1000).share(step) for step in range(1000)]
    assert np.mean(shares) == pytest.approx(1.01, abs=0.01)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.03


def test_the_rate_halves_on_plateaus_and_the_best_state_is_kept() -> None:
    course = PlateauCourse(patience=3, stop=9)
    losses, shares = [5.0, 1.0, *[2.0] * 20], []
    for step, loss in enumerate(losses):
        if not course.goes_on(loss, step, {"a": torch.tensor(loss)}):
            break
        shares.append(course.share(step))
    assert shares == [1] * 5 + [0.5] * 4 + [0.25] * 2
    assert float(course.result({})["a"]) == 1.0


class Drawn:
    """Batches from elsewhere, of which one blows the loss up, and that count."""

    def __init__(self, values: np.ndarray, batch: int, bad: int) -> None:
        self._inner = batches_of(values, None, batch, 0, "cpu")
        self._bad, self._count = bad, 0
        self.whole = self._inner.whole

    def draw(self) -> Sequence[Shard]:
        self._count += 1
        shards = self._inner.draw()
        if self._count != self._bad:
            return shards
        return [Shard(one.indices, one.target + 1e6, None) for one in shards]

    def state(self) -> dict[str, object]:
        return {"count": self._count, "inner": self._inner.state()}

    def restore(self, state: dict[str, object]) -> None:
        self._count = state["count"]  # type: ignore[assignment]
        self._inner.restore(state["inner"])  # type: ignore[arg-type]


class _Stop(Exception):  # noqa: N818 - stands in for an interrupt
    pass


@pytest.mark.parametrize("batch", [0, 60])
@pytest.mark.parametrize("roll_back", [False, True])
def test_a_stopped_descent_goes_on_as_it_would_have(
    batch: int, roll_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across a step that is taken back, and one more descent on the same batches."""
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    values, network = waves((20, 15)), GridNetwork(CONFIG, (20, 15))

    def descended(stop_at: int) -> dict[str, torch.Tensor]:
        batches = Drawn(values, batch, 14 if roll_back else -1)
        found, reports = tensors_of(CONFIG), 0

        def report(fraction: float, loss: float) -> None:
            nonlocal reports
            reports += 1
            if reports == stop_at:
                raise _Stop

        with closing(Journal(tmp_path / "a", {})) as records:
            journal = FitJournal(records)
            for _ in range(2):
                plan = Plan(30, 2e-3, 2, 20, 1e-5, warm_up=4, roll_back=roll_back)
                found = Descent(network, batches, plan, 1, report, journal).run(found)
            records.close(remove=stop_at < 0)
        return found

    expected = descended(-1)
    for stop_at in (13, 40):
        with pytest.raises(_Stop):
            descended(stop_at)
        found = descended(-1)
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("batch", [0, 50])
def test_a_fit_that_was_stopped_ends_with_the_same_bytes(
    batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    np.save(tmp_path / "a.npy", waves((20, 15))[0])
    settings = {"fit.steps": 24, "fit.finetune_steps": 4, "fit.prune_steps": 4}
    settings |= {"arch.batch": batch, "arch.width": 6, "arch.layers": 1}
    steps = 0

    def encode(name: str, stop_at: int) -> bytes:
        def watch(progress: Progress) -> None:
            nonlocal steps
            steps += 1
            if progress.stage == "fit" and steps == stop_at:
                raise _Stop

        target = tmp_path / name
        codec.encode(
            tmp_path / "a.npy", target, arch="siren", bytes=400, settings=settings, threads=1,
            device="cpu", on_progress=watch,
        )  # fmt: skip
        return target.read_bytes()

    whole = encode("whole.inrc", -1)
    every, steps = steps, 0
    with pytest.raises(_Stop):
        encode("b.inrc", 17)
    steps = 0
    assert encode("b.inrc", -1) == whole
    assert steps <= every - 16
