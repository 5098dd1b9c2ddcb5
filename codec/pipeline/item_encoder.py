"""One item: from normalised fields to sections."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from codec import registry
from codec.container.items import Component, Dim, Item
from codec.contracts import (
    Architecture,
    FitReport,
    FitTask,
    Floats,
    ItemGoal,
    Measurement,
    Model,
    Values,
)
from codec.options import EncodeOptions
from codec.pipeline.blocks import Window, evaluate_blocks
from codec.pipeline.item_sections import (
    Coded,
    ItemSections,
    coded_entries,
    encode_item,
    restore_parameters,
)
from codec.pipeline.normalise import NormalisedField, denormalise, to_stored
from codec.pipeline.quality import psnr_of_components


class ItemEncoder:
    """Fits and codes one item.

    Args:
        number: of the item in the file.
        architecture: what to fit.
        fields: the components' values.
        components, dims: for the item's header.
        first_mask: index that its first sparsity mask will have.
        options: of the whole encode.
        device, threads: resolved.
        report: progress of this item, 0 to 1.
    """

    def __init__(
        self,
        *,
        number: int,
        architecture: Architecture,
        fields: Sequence[NormalisedField],
        components: Sequence[Component],
        dims: Sequence[Dim],
        first_mask: int,
        options: EncodeOptions,
        device: str,
        threads: int,
        report: FitReport,
    ) -> None:
        self._number = number
        self._architecture = architecture
        self._fields = fields
        self._components = components
        self._dims = dims
        self._first_mask = first_mask
        self._options = options
        self._device = device
        self._threads = threads
        self._report = report

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(dim.size for dim in self._dims)

    def encode(self, goal: ItemGoal) -> ItemSections:
        """The sections of the best model found for `goal`."""
        values = self._fields[0].values[None]
        if len(self._fields) > 1:
            values = np.stack([field.values for field in self._fields])
        valid = None
        if any(field.valid is not None for field in self._fields):
            valid = np.stack(
                [
                    np.ones(self._shape, np.bool_) if field.valid is None else field.valid
                    for field in self._fields
                ]
            )
        staged = self._architecture.staged
        task = FitTask(
            values=values,
            valid=valid,
            shape=self._shape,
            goal=goal,
            effort=self._options.effort,
            seed=self._options.seed,
            threads=self._threads,
            device=self._device,
            pruner=registry.pruner(self._options.pruner) if staged else None,
            quantiser=registry.quantiser(self._options.quantiser) if staged else None,
            size=lambda model: self._code(model, "range").file_bytes,
            measure=self._measure,
            report=self._report,
        )
        model = self._architecture.fit(task)
        self._report("code", 1.0, None, None)
        return self._code(model, self._options.coder)

    def _code(self, model: Model, coder: str) -> ItemSections:
        return encode_item(
            self._number,
            self._architecture,
            model,
            self._components,
            self._dims,
            first_mask=self._first_mask,
            coder=coder,
        )

    def _measure(self, model: Model) -> Measurement:
        sections = self._code(model, self._options.coder)
        item = Item.from_bytes(sections.item)
        count = len(self._components)
        specs = self._architecture.tensors(item.config, item.shape, count)
        masks = dict(
            enumerate((t.mask for t in model.tensors if t.mask is not None), self._first_mask)
        )
        parameters = restore_parameters(item, specs, _all_integers(model), masks)
        evaluator = self._architecture.evaluator(
            item.config, item.shape, count, parameters, self._device
        )
        errors: dict[tuple[int, ...], Floats] = {}

        def store(window: Window, normalised: Values) -> None:
            errors[tuple(part.start for part in window)] = self._squared_errors(window, normalised)

        indices = [np.arange(size, dtype=np.int64) for size in item.shape]
        evaluate_blocks(evaluator, indices, self._threads, store)
        # In a fixed order, so that the sum does not depend on which thread was first.
        total = np.sum([errors[corner] for corner in sorted(errors)], axis=0)
        counts = [self._valid_count(field) for field in self._fields]
        psnr = psnr_of_components(total.tolist(), counts, self._fields)
        return Measurement(sections.file_bytes, psnr)

    def _squared_errors(self, window: Window, normalised: Values) -> Floats:
        """Per component, the sum of squared errors of the stored values, in units of half the
        range (so that no unit makes a square overflow or vanish)."""
        found = []
        for component, field, y in zip(self._components, self._fields, normalised, strict=True):
            original = field.stored[window].astype(np.float64)
            real = denormalise(y, component.offset, component.scale)
            decoded = to_stored(real, field.stored.dtype).astype(np.float64)
            if field.valid is not None:
                valid = field.valid[window]
                original, decoded = original[valid], decoded[valid]
            unit = field.half_range or 1.0
            found.append(float(np.square(decoded / unit - original / unit).sum()))
        return np.array(found)

    @staticmethod
    def _valid_count(field: NormalisedField) -> int:
        return field.stored.size if field.valid is None else int(field.valid.sum())

    def multiply_adds(self, item: Item) -> int:
        """Multiply-adds to evaluate every sample of the item once."""
        count = len(self._components)
        return math.prod(item.shape) * self._architecture.multiply_adds(
            item.config, item.shape, count
        )

    def parameters(self, item: Item) -> int:
        """Entries of all tensors of the item, but for coefficients."""
        specs = self._architecture.tensors(item.config, item.shape, len(self._components))
        return sum(math.prod(spec.shape) for spec in specs if spec.lattice is None)


def _all_integers(model: Model) -> Coded:
    if len(model.tensors) == 1 and model.tensors[0].segments is not None:
        return model.tensors[0].values
    coded = [coded_entries(tensor.values, tensor.mask) for tensor in model.tensors]
    return np.concatenate([np.zeros(0, np.int64), *coded])
