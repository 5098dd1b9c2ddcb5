"""A file without its fields, and the dim along which another file follows it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import CorruptError, InvalidInputError
from codec.media.dataset import Metadata, VerbatimValue


@dataclass(frozen=True)
class Described:
    """A file without its fields: medium, metadata and verbatim variables."""

    medium: str
    metadata: Metadata
    verbatim: Mapping[str, VerbatimValue]


@dataclass(frozen=True)
class Along:
    """The dim along which new samples come.

    Attributes:
        dim: its name; where dims have none, its position.
        fields: names of the fields that grow.
        dims: names of all their dims, "" where one has none.
        before, added: samples along the dim, so far and new.
    """

    dim: str
    fields: tuple[str, ...]
    dims: tuple[str, ...]
    before: int
    added: int


def shaped(value: VerbatimValue, shape: tuple[int, ...]) -> Array:
    """A verbatim value as an array; texts, which are kept as a flat list, as one of objects.

    Raises:
        CorruptError: it does not have so many values.
    """
    array = np.asarray(value, object if isinstance(value, list) else None)
    if array.size != math.prod(shape):
        raise CorruptError(
            f"metadata: {array.size} values are kept of an array of shape {shape}", section="mETa"
        )
    return array.reshape(shape)


def joined(path: str, ours: Array, theirs: Array, axis: int) -> VerbatimValue:
    """Two values, one behind the other.

    Raises:
        InvalidInputError: they differ in length along another axis.
    """
    sizes: list[Any] = [
        [size for number, size in enumerate(array.shape) if number != axis]
        for array in (ours, theirs)
    ]
    if sizes[0] != sizes[1]:
        raise InvalidInputError(f"{path}: has shape {theirs.shape} there, {ours.shape} before")
    whole = np.concatenate([ours, theirs], axis)
    return [str(text) for text in whole.ravel()] if whole.dtype == object else whole
