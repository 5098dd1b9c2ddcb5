"""The arrays of a decoded dataset, found by the rules of its medium."""

from __future__ import annotations

from pathlib import Path

from codec.errors import InvalidInputError
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.layout import DatasetLayout
from codec.media.dataset import DecodedDataset
from codec.media.table import medium_of, native_metadata


def decoded_arrays(dataset: DecodedDataset) -> tuple[DecodedArray, ...]:
    """The arrays of a dataset of any medium, in file order.

    Raises:
        CorruptError: the metadata breaks a rule of the format.
    """
    return medium_of(dataset.medium).metadata.arrays(dataset)


def only_array(path: Path, dataset: DecodedDataset) -> DecodedArray:
    """The array of a dataset that has no other.

    Raises:
        InvalidInputError: there are none, or several.
    """
    arrays = decoded_arrays(dataset)
    if len(arrays) != 1:
        names = ", ".join(field.name for field in dataset.fields) or "none"
        raise InvalidInputError(
            f"{path}: this format holds one variable, not {len(arrays)};"
            f" choose with --var (available: {names})"
        )
    return arrays[0]


def native_layout(dataset: DecodedDataset, medium: str) -> DatasetLayout | None:
    """The layout of a dataset that came from this medium of arrays; None for any other dataset.

    Raises:
        CorruptError: the metadata breaks a rule of the format.
    """
    tree = native_metadata(dataset, medium)
    return None if tree is None else DatasetLayout.from_tree(tree)
