"""One field of an open file, seen as an array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from codec.arrays import Array, BoolArray, Float64Array, FloatArray, Int64Array
from codec.coding.evaluate import Window, evaluate_blocks, evaluate_points, windows
from codec.coding.normalise import denormalise, to_stored
from codec.errors import InvalidInputError
from codec.format.headers import Component, Dim
from codec.limits import within_memory
from codec.plugin_api.architecture import Evaluator, HoldsSamples
from codec.reading.shape_field import ShapeView

if TYPE_CHECKING:
    from codec.reading.item import DecodableItem
    from codec.reading.open_file import InrcFile

Selection = list[Int64Array]
# A field this large is not kept in memory besides the array that a reader of all of it gets.
_LARGE_SAMPLES = 1 << 22


class FieldView(ABC):
    """One field, seen as an array that decodes what is asked of it.

    Attributes:
        name, dims, dtype: of the stored array.
        shape: at the view's level.
        factors: per axis, how many samples of the full field lie from one sample to the next.
    """

    def __init__(
        self,
        file: InrcFile,
        component: Component,
        dims: Sequence[Dim],
        shape: Sequence[int],
        factors: Sequence[int],
        level: int,
    ) -> None:
        self._file = file
        self._level = level
        self._full_shape = tuple(shape)
        self.name = component.name
        self.dims = tuple(dim.name for dim in dims)
        self.dtype = np.dtype(component.dtype)
        self.factors = tuple(factors)
        self.shape = tuple(
            -(-size // factor) for size, factor in zip(shape, self.factors, strict=True)
        )

    @property
    @abstractmethod
    def items(self) -> Sequence[DecodableItem]:
        """The models behind the field: one, or its tiles."""

    @abstractmethod
    def level(self, level: int) -> FieldView:
        """The same field, halved `level` times along every axis that can be (0: the field itself).

        Sample i of an axis stands where sample i * factor of the full field does. Of a field that
        is stored as levels, only the streams of this and coarser ones are read.

        Raises:
            InvalidOptionError: there is no such level.
        """

    @abstractmethod
    def read(self, selection: Selection) -> Array:
        """Stored values at the outer product of sample indices, one array per axis."""

    @abstractmethod
    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        """Cut an outer product of sample indices into parts that are best read one by one.

        Yields:
            Per axis a slice of the selection; a part has at most `samples`.
        """

    def read_windows(self, selection: Selection, samples: int) -> Iterator[tuple[Window, Array]]:
        """The parts of `windows`, each with its stored values, in their order."""
        for window in self.windows(selection, samples):
            parts = [axis[part] for axis, part in zip(selection, window, strict=True)]
            yield window, self.read(parts)

    @abstractmethod
    def at(self, points: Any) -> Float64Array:
        """Values between the samples.

        Args:
            points: (n, ndim) real sample indices, 0 to size - 1 along each axis; positions outside
                are moved to the border.

        Returns:
            (n,) float64 in the unit of the stored values, not rounded to the stored dtype; NaN
            where the nearest sample is invalid.

        Raises:
            InvalidInputError: the points have another shape, or are not finite.
        """

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bound(self) -> float | None:
        """Greatest error that the encoder promised, in stored units, or None; levels have none."""
        if self._level or self._file.sections.truncated:
            return None
        found = [
            bound
            for item in self.items
            for component, bound in zip(item.header.components, item.header.bounds, strict=False)
            if component.name == self.name
        ]
        return max(found) if len(found) == len(self.items) else None

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes by name: str, number, array or list of str."""
        from codec.media.table import medium_of

        return medium_of(self._file.medium).metadata.attributes(self._file.metadata, self.name)

    @property
    def coords(self) -> dict[str, Array]:
        """Coordinate variables of the field's dims, kept verbatim in the file."""
        from codec.media.arrays.coordinates import coordinates

        full = coordinates(self._file.verbatim, self.name, self.dims, self._full_shape)
        factors = dict(zip(self.dims, self.factors, strict=True))
        return {name: values[:: factors[name]] for name, values in full.items()}

    def __repr__(self) -> str:
        axes = ", ".join(
            f"{name}: {size}" if name else str(size)
            for name, size in zip(self.dims, self.shape, strict=True)
        )
        return f"<inrc field {self.name!r} ({axes}) {self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        values = self[...]
        return values if dtype is None else values.astype(dtype)

    @within_memory()
    def __getitem__(self, index: Any) -> Array:
        """Stored values of a region; integers, slices with steps, `...`, per axis.

        Returns:
            An array of the field's dtype (a scalar array where every axis is an integer).

        Raises:
            IndexError: too many indices, or one out of range.
            FormatError: the file's streams are damaged or over the limits.
        """
        selection, kept = sample_indices(index, self.shape)
        return self.read(selection).reshape([len(selection[axis]) for axis in kept])

    def sdf(self, points: Any) -> Float64Array:
        """Distances to the surface of a shape, negative inside.

        Of a shape that was encoded with unsigned distances, they are at least 0, and blurred within
        about a quarter of a node's spacing from the faces.

        Args:
            points: (n, 3) positions in the frame and unit of the original mesh.

        Returns:
            (n,) float64 in that unit, exact near the surface and cut off at the width of the band
            (three nodes): farther away only the side is known.

        Raises:
            InvalidInputError: the file holds no shape, or the points are not (n, 3) and finite.
        """
        return self.shape_view().sdf(points)

    def contains(self, points: Any) -> BoolArray:
        """Which of the (n, 3) positions are inside a shape; see `sdf`.

        Raises:
            InvalidInputError: as of `sdf`; InvalidOptionError where distances are unsigned.
        """
        return self.shape_view().contains(points)

    def shape_view(self) -> ShapeView:
        """The field as a shape.

        Raises:
            InvalidInputError: it is none.
        """
        return ShapeView(self)

    def _checked_points(self, points: Any) -> Float64Array:
        """Points as positions of the full field, moved into it."""
        places = np.atleast_2d(np.asarray(points, np.float64))
        if places.ndim != 2 or places.shape[1] != self.ndim:
            raise InvalidInputError(f"{self.name}: points are (n, {self.ndim}), not {places.shape}")
        if not np.isfinite(places).all():
            raise InvalidInputError(f"{self.name}: a point is not finite")
        return np.clip(places, 0, np.array(self.shape) - 1) * np.array(self.factors, np.float64)

    def _full_indices(self, selection: Selection) -> Selection:
        return [axis * factor for axis, factor in zip(selection, self.factors, strict=True)]


class ItemView(FieldView):
    """A field, or one tile of it, that is a component of one item.

    Args:
        factors: of the view; None for those of the level. A tile is asked for single samples of the
            full resolution, evaluated at the level: its factors are 1.
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
        super().__init__(item.file, self._component, header.dims, header.shape, factors, level)

    def level(self, level: int) -> FieldView:
        return ItemView(self._item, self._index, level)

    @property
    def items(self) -> Sequence[DecodableItem]:
        return (self._item,)

    @property
    def item(self) -> DecodableItem:
        """The model behind the field."""
        return self._item

    @property
    def component(self) -> Component:
        """The field's entry in its model's header."""
        return self._component

    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        return windows([len(axis) for axis in selection], samples)

    def read(self, selection: Selection) -> Array:
        return self.read_with(selection, self._item.file.threads)

    def real(self, selection: Selection, threads: int) -> Float64Array:
        """As `read_with`, but before rounding to the stored dtype, and without fill values."""
        out = np.empty([len(axis) for axis in selection])
        places = self._full_indices(selection)

        def store(window: Window, normalised: FloatArray) -> None:
            out[window] = self._restored(places, window, normalised)

        self._residuals()
        evaluate_blocks(self._item.evaluator_at(self._level), places, threads, store)
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
        """As `read`, with so many threads."""

        def store(window: Window, normalised: FloatArray) -> None:
            out[window] = to_stored(self._restored(places, window, normalised), self.dtype)

        places = self._full_indices(selection)
        whole = self._is_whole(selection)
        if whole and self.size >= _LARGE_SAMPLES:
            evaluator, own = self._item.evaluator_once(self._level)
        else:
            evaluator, own = self._item.evaluator_at(self._level), False
        # After the model is decoded, which takes memory that is free again by now.
        samples = self._samples_of(evaluator) if own else None
        lengths = [len(axis) for axis in selection]
        out = np.empty(lengths, self.dtype) if samples is None else samples
        # Decoded once, before several threads ask for them.
        self._residuals()
        evaluate_blocks(evaluator, places, threads, store)
        self.put_fill(out, selection)
        return out

    def _is_whole(self, selection: Selection) -> bool:
        return all(
            len(axis) == size and (np.diff(axis) == 1).all()
            for axis, size in zip(selection, self.shape, strict=True)
        )

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
        found = None if self._level else self._item.residuals
        if found is None:
            return None, 0.0
        return found[self._index], self._item.header.residual_steps[self._index]

    def put_fill(self, out: Array, selection: Selection) -> None:
        """Write the bit patterns of the selection's invalid samples over what is in `out`."""
        selection = self._full_indices(selection)
        coded = self._item.validity(self._component)
        if coded is None or coded.patterns is None or out.size == 0:
            return
        shape = self._item.header.shape
        whole = all(len(axis) == size for axis, size in zip(selection, shape, strict=True))
        patterns = coded.patterns
        bits = out.view(patterns.values.dtype)
        if whole and all((np.diff(axis) == 1).all() for axis in selection):
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
        evaluator = self._item.evaluator_at(self._level)
        normalised = evaluate_points(evaluator.at, places, self._item.file.threads)[self._index]
        real = denormalise(normalised, component.offset, component.scale)
        coded = self._item.validity(component)
        if coded is not None:
            real[~coded.mask[tuple(np.rint(places).astype(np.int64).T)]] = np.nan
        return real


def sample_indices(index: Any, shape: Sequence[int]) -> tuple[Selection, list[int]]:
    """Sample indices per axis for a NumPy-style basic index, and the axes that remain.

    Raises:
        IndexError: too many indices, one out of range, or of a kind that is not supported.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    ellipses = [number for number, part in enumerate(parts) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index has at most one '...'")
    if ellipses:
        missing = len(shape) - len(parts) + 1
        parts[ellipses[0] : ellipses[0] + 1] = [slice(None)] * missing
    if len(parts) > len(shape):
        raise IndexError(f"{len(parts)} indices for {len(shape)} axes")
    parts += [slice(None)] * (len(shape) - len(parts))
    selection, kept = [], []
    for axis, (part, size) in enumerate(zip(parts, shape, strict=True)):
        if isinstance(part, slice):
            selection.append(np.arange(*part.indices(size), dtype=np.int64))
            kept.append(axis)
            continue
        try:
            number = part.__index__()
        except (AttributeError, TypeError):
            raise IndexError(f"axis {axis}: only integers and slices, not {part!r}") from None
        if not -size <= number < size:
            raise IndexError(f"axis {axis}: {number} is out of range for {size} samples")
        selection.append(np.array([number % size], dtype=np.int64))
    return selection, kept
