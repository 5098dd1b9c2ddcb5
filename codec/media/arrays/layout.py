"""The layout that media of arrays share, which is what they keep besides values, and its tree.

Normative text: format_spec/metadata.md, "Media of arrays".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codec.errors import CorruptError
from codec.media.dataset import Metadata
from codec.media.geometry import Geometry
from codec.media.metadata_error import metadata_error

_DTYPE_CODE = re.compile(r"([<>|=][biuf][1248])?", re.ASCII)
_ARRAYS, _FILE_NATIVE = range(2)
_NAME, _FIELDS, _AXIS, _SHAPE, _GEOMETRY, _UNIT, _SCALE, _FILLS, _DTYPE, _NATIVE = range(10)


@dataclass(frozen=True)
class ArrayLayout:
    """An array of a file.

    Attributes:
        name: as in the file.
        fields: names of the fields that it was split into, by component; () if it is verbatim.
        axis: where the axis of the components stands in the array, None if it has none.
        shape: of the array, where that is not the shape of its fields with the axis put in;
            else ().
        geometry: of the array with all its axes, or None.
        unit: of the (scaled) values, "" if unknown.
        scale: (slope, offset) where a value is slope * stored + offset, or None.
        fills: stored values that mean "no sample".
        dtype: NumPy's code of the dtype in the file, where it is not that of the fields ("" else).
        native: what only this medium understands; a tree, or None.
    """

    name: str
    fields: tuple[str, ...] = ()
    axis: int | None = None
    shape: tuple[int, ...] = ()
    geometry: Geometry | None = None
    unit: str = ""
    scale: tuple[float, float] | None = None
    fills: tuple[int | float, ...] = ()
    dtype: str = ""
    native: Any = None

    def to_tree(self) -> Metadata:
        """The tree of one array."""
        alone = self.fields == (self.name,) and self.axis is None
        tree = {
            _NAME: self.name,
            _FIELDS: None if alone else list(self.fields),
            _AXIS: self.axis,
            _SHAPE: list(self.shape) or None,
            _GEOMETRY: None if self.geometry is None else self.geometry.to_tree(),
            _UNIT: self.unit or None,
            _SCALE: None if self.scale is None else list(self.scale),
            _FILLS: list(self.fills) or None,
            _DTYPE: self.dtype or None,
            _NATIVE: self.native,
        }
        return {key: value for key, value in tree.items() if value is not None}

    def check_fits(
        self, parts: Sequence[tuple[tuple[int, ...], np.dtype[Any]]], *, cut: bool = False
    ) -> None:
        """Refuse a layout that does not fit the fields it names.

        Args:
            parts: shape and dtype of those of the fields that are there.
            cut: they are not whole.

        Raises:
            CorruptError: it does not.
        """
        if not parts:
            return
        shape = list(self.shape) or list(parts[0][0])
        if self.axis is not None and not self.shape:
            shape.insert(self.axis, len(self.fields))
        if len(set(parts)) > 1 or (self.axis is not None and self.axis >= len(shape)):
            raise wrong_arrays(f"{self.name!r} does not fit its components")
        if self.geometry is not None and self.geometry.axes[-1] >= len(shape):
            raise wrong_arrays(f"{self.name!r} does not have such axes")
        samples = math.prod(parts[0][0]) * len(self.fields)
        if self.shape and not cut and math.prod(shape) != samples:
            raise wrong_arrays(f"{self.name!r} does not fit its shape")

    def stored_as(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype in the file of values that have `dtype` here.

        Raises:
            CorruptError: it cannot hold them.
        """
        try:
            stored = np.dtype(self.dtype) if self.dtype else dtype
        except TypeError:
            raise wrong_arrays(f"array {self.name!r} has the dtype {self.dtype!r}") from None
        # Truth values are stored as bytes.
        if not np.can_cast(dtype, stored, "safe") and (stored.kind, dtype.str[1:]) != ("b", "u1"):
            raise wrong_arrays(f"array {self.name!r} of {dtype} does not fit into {self.dtype!r}")
        return stored

    @classmethod
    def from_tree(cls, tree: Any) -> ArrayLayout:
        """The inverse of `to_tree`.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """
        if not isinstance(tree, dict) or not tree.keys() <= set(range(10)):
            raise wrong_arrays("an array is not a map, or has an unknown key")
        name, axis = tree.get(_NAME), tree.get(_AXIS)
        fields = tree.get(_FIELDS, [name])
        shape, scale, fills = tree.get(_SHAPE, []), tree.get(_SCALE), tree.get(_FILLS, [])
        texts = (name, tree.get(_UNIT, ""), tree.get(_DTYPE, ""))
        if not all(isinstance(text, str) for text in texts) or not _all(fields, (str,)):
            raise wrong_arrays("a name, unit or dtype is not text")
        if not _all(shape, (int,)) or any(size < 0 for size in shape):
            raise wrong_arrays(f"array {name!r} has an impossible shape")
        if axis is not None and (type(axis) is not int or axis < 0 or not fields):
            raise wrong_arrays(f"array {name!r} has no such axis of components")
        if axis is None and len(fields) > 1:
            raise wrong_arrays(f"array {name!r} has components but no axis of them")
        if scale is not None and not (_all(scale, (float,)) and _usable(scale)):
            raise wrong_arrays(f"array {name!r} has an impossible scale")
        if not _DTYPE_CODE.fullmatch(str(texts[2])):
            raise wrong_arrays(f"array {name!r} has the dtype {texts[2]!r}")
        if not _all(fills, (int, float)):
            raise wrong_arrays(f"array {name!r} has a fill value that is no number")
        place = tree.get(_GEOMETRY)
        return cls(
            name=texts[0] or "",
            fields=tuple(fields),
            axis=axis,
            shape=tuple(shape),
            geometry=None if place is None else Geometry.from_tree(place),
            unit=texts[1] or "",
            scale=None if scale is None else (scale[0], scale[1]),
            fills=tuple(fills),
            dtype=texts[2] or "",
            native=tree.get(_NATIVE),
        )


@dataclass(frozen=True)
class DatasetLayout:
    """A file: its arrays in order, and what else only its medium understands."""

    arrays: tuple[ArrayLayout, ...] = ()
    native: Metadata = field(default_factory=dict)

    def to_tree(self) -> Metadata:
        """The tree for `mETa`."""
        arrays = [array.to_tree() for array in self.arrays]
        tree: Metadata = {_ARRAYS: arrays, _FILE_NATIVE: self.native}
        return {key: value for key, value in tree.items() if value}

    @classmethod
    def from_tree(cls, tree: Mapping[int, Any]) -> DatasetLayout:
        """The inverse of `to_tree`.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """
        arrays, native = tree.get(_ARRAYS, []), tree.get(_FILE_NATIVE, {})
        if not tree.keys() <= {_ARRAYS, _FILE_NATIVE} or not isinstance(arrays, list):
            raise wrong_arrays("the tree has an unknown key, or no list of arrays")
        if not isinstance(native, dict):
            raise wrong_arrays("the medium's native part is not a map")
        made = tuple(ArrayLayout.from_tree(array) for array in arrays)
        names = [array.name for array in made]
        if len(set(names)) != len(names):
            raise wrong_arrays("two arrays have the same name")
        return cls(made, dict(native))


def _all(values: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(values, list) and all(type(value) in kinds for value in values)


def _usable(scale: list[float]) -> bool:
    return len(scale) == 2 and all(map(math.isfinite, scale)) and scale[0] != 0


def wrong_arrays(complaint: str) -> CorruptError:
    """The error for metadata of arrays that break a rule."""
    return metadata_error("the arrays", complaint)
