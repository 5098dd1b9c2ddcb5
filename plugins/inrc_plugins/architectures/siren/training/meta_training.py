"""Training a prior: MAML with learnt inner rates, second order.

Struempler et al., ECCV 2022: the loss of an item is its mean squared error after the inner steps;
Adam follows its gradient through these steps, to the initialisation and to the rates. The state
with the least error on held-out items is kept, and the outer rate halves where it stalls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array
from codec.format.prior_file import STATIC, Prior, Rates
from codec.measuring.metrics import peak_signal_to_noise
from codec.plugin_api.tasks import MetaTask
from codec.training.batches import Shard
from codec.training.fitter import Tensors
from codec.training.shard_threads import one_torch_thread
from inrc_plugins.architectures.siren.prior import IDENTIFIER, VERSION
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.architectures.siren.training.adaptation import LearntRates, adapted, mean_error
from inrc_plugins.architectures.siren.training.network import (
    GridNetwork,
    initial_tensors,
    smooth_sine,
)
from inrc_plugins.shared.config_map import active_axes

_DEFAULT_WIDTH = 32
# Between two looks at the held-out items; the outer rate halves after so many in vain.
_CHECK_STEPS, _PATIENCE, _FACTOR = 500, 10, 0.5
_LEAST_CHECKS = 10


def outer_loss(
    network: GridNetwork, shards: Sequence[Shard], tensors: Tensors, rates: LearntRates
) -> torch.Tensor:
    """The error of one item after the inner steps, differentiable to tensors and rates."""
    adapted_tensors = adapted(network, shards, tensors, rates, differentiable=True)
    return mean_error(network, shards, adapted_tensors)


def train_prior(task: MetaTask) -> Prior:
    """The prior with the least error on the held-out items after the inner steps."""
    return _Training(task).run()


class _Training:
    def __init__(self, task: MetaTask) -> None:
        self._task = task
        settings: SirenSettings = task.settings
        components, *shape = task.items[0].shape
        self._sizes = tuple(shape[axis] for axis in active_axes(tuple(shape)))
        self._components = components
        self._config = settings.config(
            len(self._sizes), settings.width or _DEFAULT_WIDTH, max(self._sizes), task.seed
        )
        self._network = GridNetwork(self._config, self._sizes, activation=smooth_sine)
        generator = torch.Generator().manual_seed(task.seed)
        self._tensors = {
            name: tensor.to(task.device)
            for name, tensor in initial_tensors(self._config, components, generator).items()
        }
        count = self._config.parameters(components)
        self._rates = LearntRates.constant(
            task.rates, task.inner_steps, count, task.inner_rate, torch.float32
        ).to(task.device)

    def run(self) -> Prior:
        """Train, and return the best state."""
        task = self._task
        learnt = [*self._tensors.values()]
        if task.rates != STATIC:
            learnt.append(self._rates.values)
        for leaf in learnt:
            leaf.requires_grad_(True)
        optimiser = torch.optim.Adam(learnt, lr=task.outer_rate)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, factor=_FACTOR, patience=_PATIENCE
        )
        items = [self._whole(values) for values in task.items]
        held_out = [self._whole(values) for values in task.held_out]
        random = np.random.default_rng(task.seed)
        every = max(1, min(_CHECK_STEPS, task.steps // _LEAST_CHECKS))
        best, best_prior = self._error(held_out), self._prior()
        with one_torch_thread():
            for step in range(1, task.steps + 1):
                shards = items[int(random.integers(len(items)))]
                loss = outer_loss(self._network, shards, self._tensors, self._rates)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                if step % every == 0 or step == task.steps:
                    error = self._error(held_out)
                    plateau.step(error)
                    if error < best:
                        best, best_prior = error, self._prior()
                task.report("meta", step / task.steps, best, peak_signal_to_noise(best))
        return best_prior

    def _whole(self, values: Float32Array) -> Sequence[Shard]:
        target = torch.from_numpy(values.reshape(self._components, -1)).to(self._task.device)
        places = [torch.arange(size, device=self._task.device) for size in self._sizes]
        return [Shard(places, target, None)]

    def _error(self, items: Sequence[Sequence[Shard]]) -> float:
        """Mean error over items after the inner steps, which are first-order here."""
        errors = []
        for shards in items:
            tensors = adapted(self._network, shards, self._tensors, self._rates)
            with torch.no_grad():
                errors.append(float(mean_error(self._network, shards, tensors)))
        return float(np.mean(errors))

    def _prior(self) -> Prior:
        flat = [tensor.detach().cpu().numpy().ravel() for tensor in self._tensors.values()]
        rates = self._rates.values.detach().cpu().numpy().copy()
        return Prior(
            IDENTIFIER,
            VERSION,
            self._config.to_map(),
            self._config.axes,
            self._components,
            self._stored(np.concatenate(flat)),
            half=self._task.half,
            rates=Rates(self._rates.kind, self._rates.steps, self._stored(rates)),
            trained_on=self._task.trained_on,
        )

    def _stored(self, values: Float32Array) -> Float32Array:
        """Tensors as the file has them."""
        return values.astype(np.float16).astype(np.float32) if self._task.half else values
