"""One item: from normalised fields to sections."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array, FloatArray, Int32Array
from codec.coding.evaluate import Window, evaluate_blocks
from codec.coding.fills import FillAvoidance
from codec.coding.item_sections import ItemSections, coded_entries, encode_item, model_header
from codec.coding.normalise import NormalisedField, denormalise, to_stored
from codec.coding.residual_section import BoundedComponent, encode_residuals, extremes_of
from codec.coding.restore_parameters import restore_coefficients, restore_parameters
from codec.coding.tensor_sections import Coded
from codec.entropy.coder_numbers import MIXING
from codec.errors import InvalidOptionError
from codec.files.fit_journal import FitJournal, no_journal
from codec.format.headers import Component, Dim, Item
from codec.measuring.quality import psnr_of_components
from codec.options.encode import EncodeOptions
from codec.options.plugin_settings import ARCHITECTURE, FIT, PRUNER, QUANTISER, configured
from codec.plugin_api import registry
from codec.plugin_api.architecture import Architecture
from codec.plugin_api.evaluator import CLASS_F_PEAK
from codec.plugin_api.models import Measurement, Model
from codec.plugin_api.tasks import FitReport, FitSettings, FitTask, ItemGoal

# Tightest tolerance that an architecture's text may promise, in units of the declared range.
_MOST_PRECISE = 2.0**-40
# Least PSNR in dB for which a model is worth fitting, however loose the bound.
_LEAST_PSNR = 20.0


@dataclass
class ItemEncoder:
    """Fits and codes one item.

    Attributes:
        number: of the item in the file.
        architecture: what to fit.
        fields: the components' values.
        components, dims: for the item's header.
        bounds: per component, in stored units, how far decoded values may be from the original
            ones; empty if nothing is promised.
        first_mask: number that its first sparsity mask will have.
        options: of the whole encode.
        device, threads: resolved.
        report: progress of this item, 0 to 1.
        journal: where fits keep what they have done.
        fit: makes the model; that of the architecture if None.
    """

    number: int
    architecture: Architecture
    fields: Sequence[NormalisedField]
    components: Sequence[Component]
    dims: Sequence[Dim]
    bounds: tuple[float, ...]
    first_mask: int
    options: EncodeOptions
    device: str
    threads: int
    report: FitReport
    journal: FitJournal = field(default_factory=no_journal)
    fit: Callable[[FitTask], Model] | None = None
    # The smallest bounded model that was coded: it nearly always is the one that is chosen.
    _smallest: tuple[Model, ItemSections] | None = None

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(dim.size for dim in self.dims)

    def encode(self, goal: ItemGoal) -> ItemSections:
        """The sections of the best model found for `goal`.

        Raises:
            TargetError: the bounds cannot be kept.
        """
        if self.bounds:
            goal = self._bounded_goal()
        fit = self.fit or self.architecture.fit
        model = fit(self._task(goal))
        self.report("code", 1.0, None, None)
        if self._smallest is not None and self._smallest[0] is model:
            return self._smallest[1]
        return self._bounded(model) if self.bounds else self._without_fills(model)

    def _task(self, goal: ItemGoal) -> FitTask:
        """Task that the architecture is asked to fit."""
        staged, texts = self.architecture.staged, self.options.settings
        return FitTask(
            values=self._values(),
            valid=self._valid(),
            shape=self._shape,
            goal=goal,
            effort=self.options.effort,
            seed=self.options.seed,
            threads=self.threads,
            device=self.device,
            settings=architecture_settings(self.architecture, self.options),
            schedule=configured(FitSettings, FIT, "a fit", texts),
            journal=self.journal,
            pruner=registry.pruner(self.options.pruner, texts) if staged else None,
            quantiser=registry.quantiser(self.options.quantiser, texts) if staged else None,
            size=lambda model: self._code(model, "range").file_bytes,
            measure=self._measure,
            psnr=self._psnr,
            bounded_size=self._bounded_size,
            report=self.report,
        )

    def _values(self) -> Float32Array:
        """Normalised values, (components, *shape)."""
        if len(self.fields) == 1:
            return self.fields[0].values[None]
        return np.stack([entry.values for entry in self.fields])

    def _valid(self) -> BoolArray | None:
        """Mask of the samples that are data, (components, *shape); None if all are."""
        if all(entry.valid is None for entry in self.fields):
            return None
        everywhere = np.ones(self._shape, np.bool_)
        return np.stack(
            [everywhere if entry.valid is None else entry.valid for entry in self.fields]
        )

    def _code(
        self, model: Model, coder: str, residual_steps: tuple[float, ...] = ()
    ) -> ItemSections:
        return encode_item(
            self.number,
            self.architecture,
            model,
            self.components,
            self.dims,
            first_mask=self.first_mask,
            coder=coder,
            bounds=self.bounds,
            residual_steps=residual_steps,
        )

    def _bounded_goal(self) -> ItemGoal:
        """The tightest bound, in normalised units, or a PSNR near it: residuals do the rest.

        Raises:
            TargetError: no model of this architecture can promise it.
        """
        takes_bounds = self.architecture.bounded
        bounded = self._bounded_components(_MOST_PRECISE if takes_bounds else CLASS_F_PEAK)
        reached = [
            bound.step / 2 / component.scale
            for bound, component in zip(bounded, self.components, strict=True)
            if component.scale
        ]
        tightest = min(reached, default=1.0)
        if takes_bounds:
            return ItemGoal(bound=tightest)
        return ItemGoal(psnr=max(-20 * math.log10(tightest), _LEAST_PSNR))

    def _bounded_components(self, tolerance: float) -> list[BoundedComponent]:
        """Bounds that the components must keep, with a tolerance in units of the declared range."""
        alternative = "" if self.architecture.bounded else ", or --arch pyramid"
        return [
            BoundedComponent(
                c.name,
                entry.stored,
                entry.valid,
                limit,
                extremes,
                tolerance * 2 * c.scale,
                alternative,
                tuple(fill for fill in entry.field.fill_values if fill == fill),
            )
            for c, entry, limit, extremes in zip(
                self.components, self.fields, self.bounds, self._extremes, strict=True
            )
        ]

    @cached_property
    def _extremes(self) -> list[tuple[float, float]]:
        return [extremes_of(entry.stored, entry.valid) for entry in self.fields]

    def _bounded_size(self, model: Model) -> int:
        sections = self._bounded(model)
        if self._smallest is None or sections.file_bytes < self._smallest[1].file_bytes:
            self._smallest = model, sections
        return sections.file_bytes

    def _bounded(self, model: Model) -> ItemSections:
        """A model's sections with the residuals that keep the bounds."""
        bounded = self._bounded_components(self.architecture.tolerance(model.config))
        steps, residuals, met = self._residuals(model, bounded)
        while met:
            bounded = [
                component.narrowed() if number in met else component
                for number, component in enumerate(bounded)
            ]
            steps, residuals, met = self._residuals(model, bounded)
        return self._with_residuals(model, steps, residuals)

    def _without_fills(self, model: Model) -> ItemSections:
        """A model's sections with residuals where valid samples would become fill values."""
        avoided = self._avoided_fills(model)

        def note(window: Window, normalised: FloatArray) -> None:
            for number, (c, y) in enumerate(zip(self.components, normalised, strict=True)):
                avoided.moved(number, window, denormalise(y, c.offset, c.scale))

        if avoided.needed:
            self._evaluate(model, note)
        return self._with_residuals(model, avoided.steps, avoided.residuals)

    def _avoided_fills(self, model: Model) -> FillAvoidance:
        tolerance = self.architecture.tolerance(model.config)
        return FillAvoidance(self.components, self.fields, tolerance)

    def _with_residuals(
        self, model: Model, steps: tuple[float, ...], residuals: Int32Array
    ) -> ItemSections:
        """A model's sections, and those of the residuals if there are any."""
        needed = bool(residuals.any())
        sections = self._code(model, self.options.coder, steps if needed else ())
        if not needed:
            return sections
        payload, integers = encode_residuals(
            self.number, residuals, _lattice_coder(model), self.threads
        )
        return replace(sections, residuals=payload, residual_integers=integers)

    def _residuals(
        self, model: Model, bounded: Sequence[BoundedComponent]
    ) -> tuple[tuple[float, ...], Int32Array, set[int]]:
        """Steps, residuals, and the components of which a valid sample would become a fill."""
        steps = tuple(component.step for component in bounded)
        residuals = np.zeros((len(bounded), *self._shape), np.int32)
        met: set[int] = set()

        def store(window: Window, normalised: FloatArray) -> None:
            for number, (c, bound, y) in enumerate(
                zip(self.components, bounded, normalised, strict=True)
            ):
                real = denormalise(y, c.offset, c.scale)
                added = bound.residuals(window, real, steps[number])
                residuals[number][window] = added
                if bound.meets_fill(window, real + steps[number] * added):
                    met.add(number)

        self._evaluate(model, store)
        return steps, residuals, met

    def _measure(self, model: Model) -> Measurement:
        avoided = self._avoided_fills(model)
        psnr = self._decoded_psnr(model, avoided)
        sections = self._with_residuals(model, avoided.steps, avoided.residuals)
        return Measurement(sections.file_bytes, psnr)

    def _psnr(self, model: Model) -> float:
        return self._decoded_psnr(model, self._avoided_fills(model))

    def _decoded_psnr(self, model: Model, avoided: FillAvoidance) -> float:
        errors: dict[tuple[int, ...], Float32Array] = {}

        def store(window: Window, normalised: FloatArray) -> None:
            errors[tuple(part.start for part in window)] = self._squared_errors(
                window, normalised, avoided
            )

        self._evaluate(model, store)
        # In a fixed order, so that the sum does not depend on which thread was first.
        total = np.sum([errors[corner] for corner in sorted(errors)], axis=0)
        counts = [self._valid_count(entry) for entry in self.fields]
        return psnr_of_components(total.tolist(), counts, self.fields)

    def _evaluate(self, model: Model, store: Callable[[Window, FloatArray], None]) -> None:
        """Hand the samples of a model, as they will be decoded, to `store`, window by window."""
        item, sparsity = model_header(
            self.architecture, model, self.components, self.dims, self.first_mask
        )
        count = len(self.components)
        specs = self.architecture.tensors(item.config, item.shape, count)
        masks = dict(enumerate(sparsity, self.first_mask))
        if specs and specs[0].lattice is not None and model.tensors[0].values.ndim > 1:
            parameters = [restore_coefficients(item, model.tensors[0].values.astype(np.int32))]
        else:
            parameters = restore_parameters(item, specs, _all_integers(model), masks)
        evaluator = self.architecture.evaluator(
            item.config, item.shape, count, parameters, self.device
        )
        indices = [np.arange(size, dtype=np.int64) for size in item.shape]
        evaluate_blocks(evaluator, indices, self.threads, store)

    def _squared_errors(
        self, window: Window, normalised: FloatArray, avoided: FillAvoidance
    ) -> Float32Array:
        """Per component, the sum of squared errors of the stored values, in units of half the
        range (so that no unit makes a square overflow or vanish)."""
        errors = []
        for number, (component, entry, y) in enumerate(
            zip(self.components, self.fields, normalised, strict=True)
        ):
            original = entry.stored[window].astype(np.float64)
            real = denormalise(y, component.offset, component.scale)
            real = avoided.moved(number, window, real)
            decoded = to_stored(real, entry.stored.dtype).astype(np.float64)
            if entry.valid is not None:
                valid = entry.valid[window]
                original, decoded = original[valid], decoded[valid]
            unit = entry.half_range or 1.0
            errors.append(float(np.square(decoded / unit - original / unit).sum()))
        return np.array(errors)

    @staticmethod
    def _valid_count(entry: NormalisedField) -> int:
        return entry.stored.size if entry.valid is None else int(entry.valid.sum())

    def multiply_adds(self, item: Item) -> int:
        """Multiply-adds to evaluate every sample of the item once."""
        count = len(self.components)
        return math.prod(item.shape) * self.architecture.multiply_adds(
            item.config, item.shape, count
        )

    def parameters(self, item: Item) -> int:
        """Entries of all tensors of the item, but for coefficients."""
        specs = self.architecture.tensors(item.config, item.shape, len(self.components))
        return sum(math.prod(spec.shape) for spec in specs if spec.lattice is None)


def _lattice_coder(model: Model) -> int:
    """Coder of a model's coefficients, which suits its residuals too."""
    segments = model.tensors[0].segments if model.tensors else None
    return segments[0].coder if segments else MIXING


def architecture_settings(architecture: Architecture, options: EncodeOptions) -> Any:
    """The settings of an architecture; those asked for are not those of one chosen by itself."""
    if architecture.name != options.architecture:
        return architecture.settings()
    owner = f"architecture {architecture.name}"
    return configured(architecture.settings, ARCHITECTURE, owner, options.settings)


def check_settings(options: EncodeOptions) -> None:
    """See that the plugins chosen have the settings asked for.

    Raises:
        InvalidOptionError: one does not, or does not take part.
    """
    architecture = registry.architecture(options.architecture)
    architecture_settings(architecture, options)
    configured(FitSettings, FIT, "a fit", options.settings)
    if architecture.staged:
        registry.pruner(options.pruner, options.settings)
        registry.quantiser(options.quantiser, options.settings)
        return
    stages = (PRUNER, QUANTISER, FIT)
    unused = [name for name, _ in options.settings if name.partition(".")[0] in stages]
    if unused:
        raise InvalidOptionError(
            f"{unused[0]}: architecture {architecture.name} has no such stage; leave it out"
        )


def _all_integers(model: Model) -> Coded:
    if len(model.tensors) == 1 and model.tensors[0].segments is not None:
        return model.tensors[0].values
    coded = [coded_entries(tensor.values, tensor.mask) for tensor in model.tensors]
    return np.concatenate([np.zeros(0, np.int64), *coded])
