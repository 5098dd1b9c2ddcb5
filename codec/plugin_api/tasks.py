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
    """The target for one item: a PSNR in dB to reach, a number of bytes not to exceed, or a bound.

    A bound, in normalised units, is kept by residuals (`FitTask.bounded_size`): what counts is the
    size of both. Only architectures that say so get one.
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
    """How long gradient fits train; 0 leaves it to the effort."""

    steps: int = setting(0, "steps of the float fit, 0 as the effort says", low=0)
    prune_steps: int = setting(0, "steps with gates, 0 as the effort says", low=0)
    finetune_steps: int = setting(0, "steps under quantisation, 0 as the effort says", low=0)


FitReport = Callable[[str, float, float | None, float | None], None]


@dataclass(frozen=True)
class FitTask:
    """One item to fit.

    Attributes:
        values: (components, *shape) float32 in [-1, 1]; 0 where invalid. The architecture may
            overwrite them.
        valid: (components, *shape) bool, or None if every sample is valid.
        shape: the item's dims, all of them.
        goal: the target.
        effort: 0 to 9.
        seed: of every random choice.
        threads: CPU threads to use; must not change the result.
        device: "cpu" or "cuda".
        settings: of the architecture, an instance of its settings class.
        schedule: how long gradient fits train, where the effort is not to say so.
        journal: where gradient fits keep what they have done.
        pruner, quantiser: the plugins chosen, or None for no pruning; both None where the
            architecture does not use them.
        size: bytes of a coded model, by the quick coders only, so never less than the final.
        measure: codes and decodes a model; the only source of reported numbers.
        bounded_size: bytes of a coded model and of the residuals that keep it within the bound.
        report: call as report(stage, fraction, loss, psnr).
    """

    values: Float32Array
    valid: BoolArray | None
    shape: tuple[int, ...]
    goal: ItemGoal
    effort: int
    seed: int
    threads: int
    device: str
    settings: Any
    schedule: FitSettings
    journal: FitJournal
    pruner: Pruner | None
    quantiser: Quantiser | None
    size: Callable[[Model], int]
    measure: Callable[[Model], Measurement]
    bounded_size: Callable[[Model], int]
    report: FitReport

    @property
    def components(self) -> int:
        """Number of components."""
        return len(self.values)

    @property
    def active_sizes(self) -> tuple[int, ...]:
        """Samples along each axis longer than 1."""
        return tuple(size for size in self.shape if size > 1)


@dataclass(frozen=True)
class ShapeTask:
    """A shape to fit.

    Attributes:
        surface: what to fit.
        goal: the target; PSNR is that of distances decoded at points of the surface, with the
            diagonal of the bounding box as peak; of a sheet, at its offset.
        effort: 0 to 9.
        seed: of every random choice.
        settings: of the architecture, an instance of its settings class.
        schedule: how long gradient fits train, where the effort is not to say so.
        pruner, quantiser: as of `FitTask`.
        threads: CPU threads to use; must not change the result.
        device: "cpu" or "cuda".
        size: bytes of the coded model.
        report: call as report(stage, fraction, loss, psnr).
    """

    surface: Surface | Sheet
    goal: ItemGoal
    effort: int
    seed: int
    settings: Any
    schedule: FitSettings
    pruner: Pruner | None
    quantiser: Quantiser | None
    threads: int
    device: str
    size: Callable[[ShapeModel], int]
    report: FitReport


@dataclass(frozen=True)
class MetaTask:
    """A prior to train: an initialisation from which many items are fitted in few steps.

    Attributes:
        items: each (components, *size) float32 in [-1, 1], all of one shape.
        held_out: items of the same shape to choose the best state by; not trained on.
        steps: of the outer descent, each on one item.
        inner_steps: of the descent on an item, at learnt rates.
        rates: kind of these, one of `codec.format.prior_file.RATE_KINDS`.
        outer_rate: learning rate of the outer descent.
        inner_rate: where the learnt rates start.
        seed: of every random choice.
        threads: CPU threads to use.
        device: "cpu" or "cuda".
        settings: of the architecture, an instance of its settings class.
        half: whether the prior holds float16.
        trained_on: for the file.
        report: call as report(stage, fraction, loss, psnr).
    """

    items: Sequence[Float32Array]
    held_out: Sequence[Float32Array]
    steps: int
    inner_steps: int
    rates: str
    outer_rate: float
    inner_rate: float
    seed: int
    threads: int
    device: str
    settings: Any
    half: bool
    trained_on: str
    report: FitReport
