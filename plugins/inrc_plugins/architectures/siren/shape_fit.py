"""Fitting `siren` to the signed distance of a shape.

As the source does it, distances are those of the whole neighbourhood and not cut off near the
surface: a smooth field is what few sines can follow. Loss: mean squared error alone.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from codec.coding.evaluate import evaluate_points
from codec.errors import InvalidOptionError
from codec.files.fit_journal import no_journal
from codec.plugin_api.models import Measurement, Model, ShapeModel
from codec.plugin_api.surface import Sheet, Surface
from codec.plugin_api.tasks import FitTask, ItemGoal, ShapeTask
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.evaluation import SirenEvaluator
from inrc_plugins.architectures.siren.prior import restored
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.architectures.siren.training.fit import Problem, SirenFit
from inrc_plugins.architectures.siren.training.network import PointNetwork
from inrc_plugins.architectures.siren.training.shape_samples import (
    FixedSamples,
    FreshSamples,
    Grid,
    ShapeSampler,
)

# Nodes along the longest axis, of which so many lie beyond the shape on either side.
_NODES, _BORDER = 96, 3
# Points of a batch, and those on the surface that a model is measured at.
_BATCH, _MEASURED = 10_000, 30_000
# Cut off a little beyond the greatest distance there is at the nodes.
_ROOM = 1.01


def fit_shape(task: ShapeTask) -> ShapeModel:
    """The best model found for a shape.

    Raises:
        InvalidOptionError: the shape encloses nothing.
    """
    if isinstance(task.surface, Sheet):
        raise InvalidOptionError(
            "architecture siren fits signed distances; for sheets use --arch shell"
        )
    return _ShapeFit(task, task.surface).run()


class _ShapeFit:
    def __init__(self, task: ShapeTask, surface: Surface) -> None:
        self._task = task
        self._surface = surface
        self._settings: SirenSettings = task.settings
        self._grid = grid_around(surface)
        self._band = _greatest_distance(surface, self._grid)
        self._diagonal = float(np.linalg.norm(surface.upper - surface.lower))
        self._measured, _ = surface.sample(_MEASURED, task.seed)

    def run(self) -> ShapeModel:
        """The best model found."""
        settings, seed, device = self._settings, self._task.seed, self._task.device
        batch = settings.batch if settings.batch > 0 else _BATCH
        sampler = ShapeSampler(
            self._surface,
            self._grid,
            self._band,
            settings.points,
            settings.sigma * self._diagonal / 2,
        )
        problem = Problem(
            axes=3,
            components=1,
            longest=max(self._grid.counts),
            samples=math.prod(self._grid.counts),
            batches=FreshSamples(sampler, batch, seed, device),
            sampler=FixedSamples(sampler.draw(seed), batch, device),
            network=PointNetwork,
            price=settings.magnitude_price(shape=True),
            rate=settings.rate,
            roll_back=True,
        )
        return self._placed(SirenFit(self._as_field(), problem).run())

    def _as_field(self) -> FitTask:
        """The task in units of the band; the samples are the problem's."""
        task = self._task
        goal = task.goal
        if goal.psnr is not None:
            goal = ItemGoal(psnr=max(goal.psnr + self._offset, 1.0))
        return FitTask(
            values=np.zeros((1, *self._grid.counts), np.float32),
            valid=None,
            shape=self._grid.counts,
            goal=goal,
            effort=task.effort,
            seed=task.seed,
            threads=task.threads,
            device=task.device,
            settings=task.settings,
            schedule=task.schedule,
            journal=no_journal(),
            pruner=task.pruner,
            quantiser=task.quantiser,
            size=self._size,
            measure=self._measure,
            psnr=lambda model: self._measure(model).psnr,
            bounded_size=self._size,
            report=task.report,
        )

    @property
    def _offset(self) -> float:
        """From dB of the diagonal to dB of twice the band."""
        return 20 * math.log10(2 * self._band / self._diagonal)

    def _placed(self, model: Model) -> ShapeModel:
        origin = self._grid.origin
        return ShapeModel(
            model,
            self._grid.counts,
            (float(origin[0]), float(origin[1]), float(origin[2])),
            self._grid.spacing,
            self._band,
        )

    def _size(self, model: Model) -> int:
        return self._task.size(self._placed(model))

    def _measure(self, model: Model) -> Measurement:
        indices = (self._measured - self._grid.origin) / self._grid.spacing
        evaluator = _evaluator(model, self._grid.counts)
        distances = evaluate_points(evaluator.at, indices, self._task.threads)
        error = float(np.square(np.clip(distances, -1, 1).astype(np.float64)).mean())
        psnr = 20 * math.log10(2) - 10 * math.log10(error) if error else math.inf
        return Measurement(self._size(model), psnr)


def grid_around(surface: Surface) -> Grid:
    """The nodes of a shape: cubes, three of them beyond its bounding box on every side."""
    extent = surface.upper - surface.lower
    spacing = float(np.float32(extent.max() / (_NODES - 1 - 2 * _BORDER)))
    counts = np.ceil(extent / spacing).astype(np.int64) + 1 + 2 * _BORDER
    first = (surface.lower + surface.upper) / 2 - spacing * (counts - 1) / 2
    return Grid(first, spacing, (int(counts[0]), int(counts[1]), int(counts[2])))


def _greatest_distance(surface: Surface, grid: Grid) -> float:
    """Distances of corners, and of points in between."""
    corners = grid.origin + grid.extent * np.array(list(itertools.product((0, 1), repeat=3)))
    inner = grid.origin + grid.extent * np.random.default_rng(0).random((1000, 3))
    greatest = np.abs(surface.distance(np.concatenate([corners, inner]))).max()
    return float(np.float32(_ROOM * greatest))


def _evaluator(model: Model, shape: tuple[int, ...]) -> SirenEvaluator:
    config = SirenConfig.from_map(model.config, shape)
    decoded = []
    for tensor in model.tensors:
        quantisation = tensor.quantisation
        steps = np.array(quantisation.steps).reshape(-1, *[1] * (tensor.values.ndim - 1))
        product = (tensor.values - quantisation.zero).astype(np.float64) * steps
        decoded.append(product.astype(np.float32))
    return SirenEvaluator(config, shape, restored(config, 1, decoded))
