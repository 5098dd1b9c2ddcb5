"""Fitting `siren` to arrays."""

from __future__ import annotations

import math

from codec.errors import InvalidOptionError
from codec.plugin_api.models import FittedModel, Model
from codec.plugin_api.tasks import FitTask
from codec.training.batches import AxisSampler
from codec.training.gradient_fit import SHARD_POINTS
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.architectures.siren.training.field_batches import batches_of
from inrc_plugins.architectures.siren.training.fit import Problem, SirenFit
from inrc_plugins.architectures.siren.training.initialisation import start_from
from inrc_plugins.architectures.siren.training.network import GridNetwork

_MOST_AXES = 4


def fit_field(task: FitTask) -> Model:
    """The best model found for an array.

    Raises:
        InvalidOptionError: the field has no axis longer than 1, or more than four; or the prior is
            for other fields.
    """
    return SirenFit(task, _problem(task)).run()


def requantise(task: FitTask, config: SirenConfig, fitted: FittedModel) -> Model:
    """A fitted model, through the later stages alone."""
    fit = SirenFit(task, _problem(task))
    return fit.requantised(start_from(config, task.components, fitted), fitted)


def _problem(task: FitTask) -> Problem:
    settings: SirenSettings = task.settings
    sizes = task.active_sizes
    if not 1 <= len(sizes) <= _MOST_AXES:
        raise InvalidOptionError(
            f"architecture siren fits 1 to {_MOST_AXES} axes longer than 1, not {len(sizes)}; "
            "use --arch pyramid"
        )
    components = task.components
    values = task.values.reshape(components, *sizes)
    valid = None if task.valid is None else task.valid.reshape(values.shape)
    return Problem(
        axes=len(sizes),
        components=components,
        longest=max(sizes),
        samples=math.prod(sizes),
        batches=batches_of(values, valid, settings.samples, task.seed, task.device),
        sampler=AxisSampler(values, valid, SHARD_POINTS[task.device], task.device),
        network=lambda config: GridNetwork(config, sizes),
        price=settings.magnitude_price(shape=False),
        rate=settings.rate,
    )
