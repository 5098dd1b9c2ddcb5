"""Coordinates of a field among the verbatim variables of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from codec.arrays import Array
from codec.media.dataset import VerbatimValue


def coordinates(
    verbatim: Mapping[str, VerbatimValue], path: str, dims: Sequence[str], shape: Sequence[int]
) -> dict[str, Array]:
    """Coordinate variables: 1-D, called like their dim, in the variable's group or above it."""
    by_dim = {}
    groups = path.split("/")[:-1]
    for dim, size in zip(dims, shape, strict=True):
        for depth in range(len(groups), -1, -1):
            value = verbatim.get("/".join([*groups[:depth], dim]))
            if isinstance(value, np.ndarray) and value.shape == (size,):
                by_dim[dim] = value
                break
    return by_dim
