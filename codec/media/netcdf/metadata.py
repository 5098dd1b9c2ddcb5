"""Rules of the metadata of NetCDF files (format_spec/metadata.md, medium `netcdf`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.media.arrays.decoded import DecodedArray
from codec.media.dataset import DecodedDataset, Metadata, VerbatimValue
from codec.media.described import Along, Described
from codec.media.metadata_rules import Forms, MetadataRules
from codec.media.netcdf.decoded import decoded_array
from codec.media.netcdf.extend import extended
from codec.media.netcdf.layout import CHAR, STRING, Attribute, FileLayout, VariableLayout
from codec.media.netcdf.tree import from_tree, to_tree


class NetcdfRules(MetadataRules):
    """Rules of a tree that is a `FileLayout`."""

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        from_tree(tree)

    def attributes(self, tree: Metadata, name: str) -> dict[str, Any]:
        """See `MetadataRules.attributes`."""
        variable = dict(from_tree(tree).variables()).get(name)
        if variable is None:
            return {}
        return {attribute.name: _value(attribute) for attribute in variable.attributes}

    def fill_value(self, tree: Metadata, name: str) -> int | float | None:
        """See `MetadataRules.fill_value`."""
        value = self.attributes(tree, name).get("_FillValue")
        number = value.item() if isinstance(value, np.generic) else value
        return number if isinstance(number, int | float) else None

    def names(self, tree: Metadata) -> frozenset[str]:
        """See `MetadataRules.names`."""
        return frozenset(path for path, _ in from_tree(tree).variables())

    def without(self, tree: Metadata, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
        """See `MetadataRules.without`; a variable without values need not be there."""
        layout = from_tree(tree)
        lost = {
            path
            for path, variable in layout.variables()
            if path not in names and 0 not in layout.shape(variable)
        }
        groups = tuple(
            replace(
                group,
                variables=tuple(
                    variable
                    for variable in group.variables
                    if group.path_of(variable.name) not in lost
                ),
            )
            for group in layout.groups
        )
        return to_tree(replace(layout, groups=groups)), tuple(sorted(lost))

    def cut(
        self,
        tree: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        samples: Mapping[str, Array],
    ) -> dict[str, VerbatimValue]:
        """See `MetadataRules.cut`; lists of texts are cut like arrays."""
        if not samples:
            return dict(verbatim)
        layout = from_tree(tree)
        dims = [dim.name for dim in layout.dimensions()]
        variables = dict(layout.variables())
        return {
            path: _cut(layout, variables[path], dims, value, samples)
            if path in variables
            else value
            for path, value in verbatim.items()
        }

    def arrays(self, dataset: DecodedDataset) -> tuple[DecodedArray, ...]:
        """See `MetadataRules.arrays`."""
        if not dataset.metadata:
            return super().arrays(dataset)

        def attributes(name: str) -> dict[str, Any]:
            return self.attributes(dataset.metadata, name)

        return tuple(decoded_array(field, attributes, dataset.verbatim) for field in dataset.fields)

    def meant_to_grow(self, tree: Metadata) -> bool:
        """Whether a dimension is unlimited."""
        return any(dim.unlimited for dim in from_tree(tree).dimensions())

    def extended(self, before: Described, added: Described, along: Along) -> Described:
        """See `MetadataRules.extended`."""
        return extended(before, added, along)


def _value(attribute: Attribute) -> Any:
    if attribute.type == CHAR and isinstance(attribute.value, bytes):
        return attribute.value.decode("utf-8", "replace")
    if attribute.type == STRING and not isinstance(attribute.value, bytes):
        texts = [text.decode("utf-8", "replace") for text in attribute.value]
        return texts[0] if len(texts) == 1 else texts
    numbers = attribute.numbers()
    return numbers[0] if len(numbers) == 1 else numbers


def _cut(
    layout: FileLayout,
    variable: VariableLayout,
    dims: Sequence[str],
    value: VerbatimValue,
    samples: Mapping[str, Array],
) -> VerbatimValue:
    names = [dims[index] for index in variable.dims]
    if not any(name in samples for name in names):
        return value
    shape = layout.shape(variable)
    array = np.asarray(value, dtype=object if isinstance(value, list) else None).reshape(shape)
    for axis, name in enumerate(names):
        if name in samples and samples[name].max(initial=-1) < shape[axis]:
            array = array.take(samples[name], axis)
    return [str(text) for text in array.ravel()] if isinstance(value, list) else array


RULES = NetcdfRules()
