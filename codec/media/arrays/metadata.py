"""Rules of the metadata that media of arrays share: HDF5, Zarr, npz, FITS, NIfTI and others.

Normative text: format_spec/metadata.md, "Media of arrays".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from codec.arrays import Array
from codec.media.arrays.decoded import DecodedArray, lost_axes, single_array
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.dataset import DecodedDataset, DecodedField, Metadata, VerbatimValue
from codec.media.geometry import Geometry
from codec.media.metadata_rules import Forms, MetadataRules


class ArrayRules(MetadataRules):
    """Rules of a tree that is a `DatasetLayout`."""

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        for array in DatasetLayout.from_tree(tree).arrays:
            array.check_fits([fields[name] for name in array.fields if name in fields])

    def attributes(self, tree: Metadata, name: str) -> dict[str, Any]:
        """The unit, which is all that these media have in common."""
        array = _array_of(tree, name)
        return {"units": array.unit} if array is not None and array.unit else {}

    def fill_value(self, tree: Metadata, name: str) -> int | float | None:
        """See `MetadataRules.fill_value`."""
        array = _array_of(tree, name)
        return array.fills[0] if array is not None and array.fills else None

    def names(self, tree: Metadata) -> frozenset[str]:
        """See `MetadataRules.names`."""
        arrays = DatasetLayout.from_tree(tree).arrays
        return frozenset(name for array in arrays for name in _variables(array))

    def without(self, tree: Metadata, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
        """See `MetadataRules.without`; an array that lost some components has the others."""
        layout = DatasetLayout.from_tree(tree)
        arrays, lost = [], list[str]()
        for array in layout.arrays:
            missing = [name for name in _variables(array) if name not in names]
            if len(missing) < len(_variables(array)):
                fields = tuple(name for name in array.fields if name in names)
                shape = _shape_with(array, len(fields))
                arrays.append(replace(array, fields=fields, shape=shape))
            lost += missing
        return replace(layout, arrays=tuple(arrays)).to_tree(), tuple(lost)

    def cut(
        self,
        tree: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        samples: Mapping[str, Array],
    ) -> dict[str, VerbatimValue]:
        """See `MetadataRules.cut`; only coordinates are cut, for the dims of others are unknown."""
        return {path: _cut_coordinate(path, value, samples) for path, value in verbatim.items()}

    def arrays(self, dataset: DecodedDataset) -> tuple[DecodedArray, ...]:
        """See `MetadataRules.arrays`."""
        return tuple(_joined(dataset.fields, DatasetLayout.from_tree(dataset.metadata)))


def _array_of(tree: Metadata, name: str) -> ArrayLayout | None:
    """The array that a field is, or of which it is a component."""
    arrays = DatasetLayout.from_tree(tree).arrays
    return next((array for array in arrays if name in array.fields), None)


def _variables(array: ArrayLayout) -> tuple[str, ...]:
    """Names of the fields of an array, or of the array itself if it is verbatim."""
    return array.fields or (array.name,)


def _shape_with(array: ArrayLayout, components: int) -> tuple[int, ...]:
    """The shape of an array with so many components."""
    if array.axis is None or array.axis >= len(array.shape):
        return array.shape
    shape = list(array.shape)
    shape[array.axis] = shape[array.axis] * components // len(array.fields)
    return tuple(shape)


def _cut_coordinate(path: str, value: VerbatimValue, samples: Mapping[str, Array]) -> VerbatimValue:
    """A coordinate (1-D, called like its dim) with the samples of the region."""
    indices = samples.get(path.rpartition("/")[2])
    if indices is None or isinstance(value, list) or value.ndim != 1:
        return value
    return value.take(indices) if indices.max(initial=-1) < len(value) else value


def _joined(fields: tuple[DecodedField, ...], layout: DatasetLayout) -> Iterator[DecodedArray]:
    by_name = {field.name: field for field in fields}
    for array in layout.arrays:
        parts = tuple(by_name.pop(name) for name in array.fields if name in by_name)
        if not parts:
            continue
        lone = array.axis is not None and len(parts) == 1 < len(array.fields)
        forms = [(part.shape, part.dtype) for part in parts]
        array.check_fits(forms, cut=bool(parts[0].window))
        if len(parts) < len(array.fields):
            array = replace(array, shape=())
        axis = None if lone else array.axis
        name = parts[0].name if lone else array.name
        whole = not parts[0].window
        geometry = _placed(array, parts[0], axis)
        yield DecodedArray(name, parts, axis, array, geometry, whole)
    yield from map(single_array, by_name.values())


def _placed(array: ArrayLayout, field: DecodedField, axis: int | None) -> Geometry | None:
    """The array's geometry, cut to what is decoded, on the axes that it now has."""
    geometry = array.geometry
    if geometry is None or (array.shape and not field.window):
        return geometry
    inner = [at - (array.axis is not None and at > array.axis) for at in geometry.axes]
    lost = lost_axes(array, field)
    if inner[0] < lost:
        return None
    cut = geometry.on_axes([at - lost for at in inner]).cut(field.window)
    if axis is None:
        return cut
    joined = max(0, axis - lost)
    return cut.on_axes([at + (at >= joined) for at in cut.axes])


RULES = ArrayRules()
