"""A medium of the tests: JSON with named arrays over named axes, and the positions along these.

It is all that a new medium takes besides a row of the table: a reader, a writer, and rules.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.media.dataset import Dataset, DecodedDataset, Field, Metadata, VerbatimValue
from codec.media.described import Along, Described
from codec.media.metadata_error import metadata_error
from codec.media.metadata_rules import Forms, MetadataRules

START = b"TOY\n"
# Tree: name of a field -> its unit, names of the axes, and the fill value of all fields.
_UNITS, _AXES, _FILL = range(3)


def write_toy(
    path: Path,
    fields: Mapping[str, tuple[Array, tuple[str, ...], str]],
    axes: Mapping[str, Array],
    fill: float = -999.0,
) -> None:
    """Write arrays (values, dims, unit) by name, and the positions along their axes."""
    content = {
        "fields": {
            name: {"values": values.tolist(), "dims": dims, "unit": unit}
            for name, (values, dims, unit) in fields.items()
        },
        "axes": {name: values.tolist() for name, values in axes.items()},
        "fill": fill,
    }
    path.write_bytes(START + json.dumps(content).encode())


def load_toy(path: Path) -> dict[str, Any]:
    """The content of a file."""
    content: dict[str, Any] = json.loads(path.read_bytes().removeprefix(START))
    return content


def read(path: Path, select: tuple[str, ...] | None) -> Dataset:
    """The reader, which takes the first array unless others are chosen."""
    content = load_toy(path)
    fill = content["fill"]
    first = next(iter(content["fields"]))
    chosen = {name: content["fields"][name] for name in select or (first,)}
    return Dataset(
        "toy",
        tuple(
            Field(
                name,
                tuple(entry["dims"]),
                np.array(entry["values"], np.float32),
                fill_values=(np.float32(fill),),
                units=entry["unit"],
            )
            for name, entry in chosen.items()
        ),
        metadata={
            _UNITS: [part for name, entry in chosen.items() for part in (name, entry["unit"])],
            _AXES: list(content["axes"]),
            _FILL: fill,
        },
        verbatim={name: np.array(values) for name, values in content["axes"].items()},
        source_bytes=path.stat().st_size,
        kind="image",
    )


def write(path: Path, dataset: DecodedDataset, history: str) -> None:
    """The writer."""
    units = RULES.units(dataset.metadata)
    write_toy(
        path,
        {field.name: (field.read(), field.dims, units[field.name]) for field in dataset.fields},
        {name: np.asarray(value) for name, value in dataset.verbatim.items()},
    )


class ToyRules(MetadataRules):
    """Rules of the tree above."""

    def units(self, tree: Metadata) -> dict[str, str]:
        """The unit of every field."""
        return dict(zip(tree[_UNITS][::2], tree[_UNITS][1::2], strict=True))

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        if tree.keys() != {_UNITS, _AXES, _FILL}:
            raise metadata_error("the toy", "it has other keys")

    def attributes(self, tree: Metadata, name: str) -> dict[str, Any]:
        """See `MetadataRules.attributes`."""
        units = self.units(tree)
        return {"units": units[name]} if name in units else {}

    def fill_value(self, tree: Metadata, name: str) -> int | float | None:
        """See `MetadataRules.fill_value`."""
        return float(tree[_FILL])

    def names(self, tree: Metadata) -> frozenset[str]:
        """See `MetadataRules.names`."""
        return frozenset([*self.units(tree), *tree[_AXES]])

    def without(self, tree: Metadata, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
        """See `MetadataRules.without`."""
        units = [part for entry in self.units(tree).items() if entry[0] in names for part in entry]
        axes = [name for name in tree[_AXES] if name in names]
        return {**tree, _UNITS: units, _AXES: axes}, tuple(sorted(self.names(tree) - set(names)))

    def cut(
        self,
        tree: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        samples: Mapping[str, Array],
    ) -> dict[str, VerbatimValue]:
        """See `MetadataRules.cut`."""
        return {
            name: np.asarray(value)[samples[name]] if name in samples else value
            for name, value in verbatim.items()
        }

    def extended(self, before: Described, added: Described, along: Along) -> Described:
        """See `MetadataRules.extended`."""
        parts = [np.asarray(file.verbatim[along.dim]) for file in (before, added)]
        verbatim = {**before.verbatim, along.dim: np.concatenate(parts)}
        return Described(before.medium, before.metadata, verbatim)


RULES = ToyRules()
