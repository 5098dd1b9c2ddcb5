"""One component of an item, decoded as an array: a whole field, or one of its tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from codec.arrays import Array, Float64Array, FloatArray
from codec.coding.evaluate import Window, evaluate_blocks, evaluate_points, windows
from codec.coding.normalise import denormalise, to_stored
from codec.limits import within_memory
from codec.plugin_api.evaluator import Evaluator, HoldsSamples
from codec.reading.field_decoder import FieldDecoder
from codec.reading.item import DecodableItem
from codec.reading.selection import Selection, is_whole

# A field this large is not kept in memory besides the array that a reader of all of it gets.
_LARGE_SAMPLES = 1 << 22


class ComponentDecoder(FieldDecoder):
    """A component of one item: a field, or one tile of it.

    Args:
        index: index of the component in the item.
        factors: distance of samples per axis; None for that of the level. A tile is asked for
            single samples of the full resolution, evaluated at the level: its factors are 1.
    """

    def __init__(
        self,
        item: DecodableItem,
        index: int,
        level: int = 0,
        factors: Sequence[int] | None = None,
    ) -> None:
        self._item = item
        self._index = index
        self._component = item.header.components[index]
        header = item.header
        if factors is None:
            factors = item.level_factors(level) if level else (1,) * len(header.dims)
        super().__init__(item.streams, self._component, header.dims, header.shape, factors, level)

    def at_level(self, level: int) -> ComponentDecoder:
        return ComponentDecoder(self._item, self._index, level)

    @property
    def items(self) -> Sequence[DecodableItem]:
        return (self._item,)

    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        return windows([len(axis) for axis in selection], samples)

    def read(self, selection: Selection) -> Array:
        return self.read_with(selection, self.streams.threads)

    def real(self, selection: Selection, threads: int) -> Float64Array:
        """Values before they are rounded to the stored dtype, and without fill values.

        Args:
            selection: sample indices per axis.
            threads: that evaluate the model.

        Returns:
            float64, one axis per axis of the selection.
        """
        out = np.empty([len(axis) for axis in selection])
        places = self._full_indices(selection)

        def store(window: Window, normalised: FloatArray) -> None:
            out[window] = self._restored(places, window, normalised)

        self._residuals()
        evaluate_blocks(self._item.evaluator_at(self.level), places, threads, store)
        return out

    def _restored(self, places: Selection, window: Window, normalised: FloatArray) -> Float64Array:
        """Values of a window of samples, residuals included."""
        component = self._component
        real = denormalise(normalised[self._index], component.offset, component.scale)
        residuals, step = self._residuals()
        if residuals is not None:
            chosen = [axis[part] for axis, part in zip(places, window, strict=True)]
            # A file may ask for a step of any size; VAL-3 says what the values count as then.
            with np.errstate(over="ignore", invalid="ignore"):
                real += step * residuals[np.ix_(*chosen)]
        return real

    @within_memory()
    def read_with(self, selection: Selection, threads: int) -> Array:
        """Stored values at the outer product of sample indices, with so many threads."""

        def store(window: Window, normalised: FloatArray) -> None:
            out[window] = to_stored(self._restored(places, window, normalised), self.dtype)

        places = self._full_indices(selection)
        if self.size >= _LARGE_SAMPLES and is_whole(selection, self.shape):
            evaluator, overwritable = self._item.evaluator_once(self.level)
        else:
            evaluator, overwritable = self._item.evaluator_at(self.level), False
        # After the model is decoded, which takes memory that is free again by now.
        samples = self._samples_of(evaluator) if overwritable else None
        lengths = [len(axis) for axis in selection]
        out = np.empty(lengths, self.dtype) if samples is None else samples
        # Decoded once, before several threads ask for them.
        self._residuals()
        evaluate_blocks(evaluator, places, threads, store)
        self.put_fill(out, selection)
        return out

    def _samples_of(self, evaluator: Evaluator) -> Array | None:
        """All samples that a model holds, to be overwritten by what becomes of them.

        Windows are evaluated and stored one by one, each in its own place: so the field is in
        memory once.
        """
        if not isinstance(evaluator, HoldsSamples):
            return None
        samples = evaluator.samples
        if len(samples) > 1 or samples.dtype != self.dtype or samples.size != self.size:
            return None
        return samples.reshape(self.shape)

    def _residuals(self) -> tuple[Array | None, float]:
        """The component's residuals and their step; none above level 0."""
        residuals = None if self.level else self._item.residuals
        if residuals is None:
            return None, 0.0
        return residuals[self._index], self._item.header.residual_steps[self._index]

    def put_fill(self, out: Array, selection: Selection) -> None:
        """Write the bit patterns of the invalid samples of a selection over what is in `out`."""
        selection = self._full_indices(selection)
        coded = self._item.validity(self._component)
        if coded is None or coded.patterns is None or out.size == 0:
            return
        shape = self._item.header.shape
        patterns = coded.patterns
        bits = out.view(patterns.values.dtype)
        if is_whole(selection, shape):
            invalid = ~coded.mask
            bits[invalid] = patterns.fill(int(invalid.sum()))
            return
        invalid = ~coded.mask[np.ix_(*selection)]
        if patterns.indices is None:
            bits[invalid] = patterns.values[0]
            return
        numbers = np.cumsum(~coded.mask.ravel()) - 1
        flat = np.ravel_multi_index(np.ix_(*selection), shape)
        bits[invalid] = patterns.values[patterns.indices[numbers[flat[invalid]]]]

    @within_memory()
    def at(self, points: Any) -> Float64Array:
        places = self._checked_points(points)
        component = self._component
        evaluator = self._item.evaluator_at(self.level)
        normalised = evaluate_points(evaluator.at, places, self.streams.threads)[self._index]
        real = denormalise(normalised, component.offset, component.scale)
        coded = self._item.validity(component)
        if coded is not None:
            real[~coded.mask[tuple(np.rint(places).astype(np.int64).T)]] = np.nan
        return real
