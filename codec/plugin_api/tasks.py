"""Tasks that the pipeline gives to architectures: an item or a shape to fit, a prior to train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codec.arrays import BoolArray, Float32Array
from codec.files.fit_journal import FitJournal
from codec.options.plugin_settings import setting
from codec.plugin_api.models import Measurement, Model, ShapeModel
from codec.plugin_api.stages import Pruner, Quantiser
from codec.plugin_api.surface import Sheet, Surface


@dataclass(frozen=True)
class ItemGoal:
    """Target for an item: a PSNR in dB to reach, a number of bytes not to exceed, or a bound.

    A bound, in normalised units, is kept by residuals (`FitTask.bounded_size`): the size of
    both counts. Only architectures that say so get one.
    """

    psnr: float | None = None
    file_bytes: int | None = None
    bound: float | None = None

    def met_by(self, measured: Measurement) -> bool:
        """Whether the measurement meets the target."""
        if self.psnr is not None:
            return measured.psnr >= self.psnr
        return self.file_bytes is None or measured.file_bytes <= self.file_bytes


@dataclass(frozen=True)
class FitSettings:
    """Length of gradient fits; 0 leaves it to the effort."""

    steps: int = setting(0, "steps of the float fit, 0 as the effort says", low=0)
    prune_steps: int = setting(0, "steps with gates, 0 as the effort says", low=0)
    finetune_steps: int = setting(0, "steps under quantisation, 0 as the effort says", low=0)


FitReport = Callable[[str, float, float | None, float | None], None]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Work that the pipeline gives to an architecture.

    Attributes:
        seed: seed of every random choice.
        threads: CPU threads to use; their number must not change a fitted model.
        device: "cpu" or "cuda".
        settings: settings of the architecture, an instance of its settings class.
        report: call as report(stage, fraction, loss, psnr).
    """

    seed: int
    threads: int
    device: str
    settings: Any
    report: FitReport


@dataclass(frozen=True, kw_only=True)
class TargetedTask(Task):
    """Work that has a target to meet.

    Attributes:
        goal: the target; the PSNR of a shape is that of distances decoded at points of the
            surface, with the diagonal of the bounding box as peak; that of a sheet, at its offset.
        effort: 0 to 9.
        schedule: length of gradient fits, where the effort is not to say so.
        pruner: the plugin chosen; None for no pruning, and where the architecture does not prune.
        quantiser: the plugin chosen; None where the architecture does not use it.
    """

    goal: ItemGoal
    effort: int
    schedule: FitSettings
    pruner: Pruner | None
    quantiser: Quantiser | None


@dataclass(frozen=True, kw_only=True)
class FitTask(TargetedTask):
    """An item to fit.

    Attributes:
        values: (components, *shape) float32 in [-1, 1]; 0 where invalid. The architecture may
            overwrite them.
        valid: (components, *shape) bool, or None if every sample is valid.
        shape: all dimensions of the item.
        journal: store of what gradient fits have done.
        size: bytes of a coded model, by the quick coders only, so never less than the final.
        measure: codes and decodes a model; the only source of reported numbers.
        psnr: decodes a model without coding it, and gives the PSNR of `measure`.
        bounded_size: bytes of a coded model and of the residuals that keep it within the bound.
    """

    values: Float32Array
    valid: BoolArray | None
    shape: tuple[int, ...]
    journal: FitJournal
    size: Callable[[Model], int]
    measure: Callable[[Model], Measurement]
    psnr: Callable[[Model], float]
    bounded_size: Callable[[Model], int]

    @property
    def components(self) -> int:
        """Number of components."""
        return len(self.values)

    @property
    def active_sizes(self) -> tuple[int, ...]:
        """Samples along each axis longer than 1."""
        return tuple(size for size in self.shape if size > 1)


@dataclass(frozen=True, kw_only=True)
class ShapeTask(TargetedTask):
    """A shape to fit.

    Attributes:
        surface: the shape.
        size: bytes of the coded model.
    """

    surface: Surface | Sheet
    size: Callable[[ShapeModel], int]


@dataclass(frozen=True, kw_only=True)
class MetaTask(Task):
    """A prior to train: an initialisation from which many items are fitted in few steps.

    Attributes:
        items: each (components, *size) float32 in [-1, 1], all of one shape.
        held_out: items of the same shape to choose the best state by; not trained on.
        steps: steps of the outer descent, each on one item.
        inner_steps: steps of the descent on an item, at learnt rates.
        rates: kind of these, one of `codec.format.prior_file.RATE_KINDS`.
        outer_rate: learning rate of the outer descent.
        inner_rate: start of the learnt rates.
        half: whether the prior holds float16.
        trained_on: description of the items, for the file.
    """

    items: Sequence[Float32Array]
    held_out: Sequence[Float32Array]
    steps: int
    inner_steps: int
    rates: str
    outer_rate: float
    inner_rate: float
    half: bool
    trained_on: str
