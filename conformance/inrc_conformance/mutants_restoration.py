"""Wrong restorations, for deliberately wrong decoders: what they put in the place of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .decoder.architectures import pyramid, restoration
from .decoder.values import Float64Array

Order = Callable[[Float64Array, int], Float64Array]
Patches = tuple[tuple[Any, str, Any], ...]

_FOLDED, _UNFOLDED = restoration._folded, restoration._unfolded
_SURROUNDED, _APPLY = restoration._surrounded, restoration._apply


def _columns_first(channels: Float64Array, fold: int) -> Float64Array:
    """Exchange u and v in the order of the channels."""
    split = channels.reshape(-1, fold, fold, *channels.shape[1:])
    return split.swapaxes(1, 2).reshape(channels.shape)


def _to_last(channels: Float64Array, fold: int) -> Float64Array:
    """Make the components the last part of the order of the channels."""
    split = channels.reshape(-1, fold**2, *channels.shape[1:])
    return split.swapaxes(0, 1).reshape(channels.shape)


def _from_last(channels: Float64Array, fold: int) -> Float64Array:
    """Undo `_to_last`."""
    split = channels.reshape(fold**2, -1, *channels.shape[1:])
    return split.swapaxes(0, 1).reshape(channels.shape)


def _same(channels: Float64Array, fold: int) -> Float64Array:
    return channels


def _folding(fold: Order = _same, unfold: Order = _same) -> Patches:
    """Use other orders of the channels."""
    return (
        (restoration, "_folded", lambda samples, f: fold(_FOLDED(samples, f), f)),
        (restoration, "_unfolded", lambda channels, f: _UNFOLDED(unfold(channels, f), f)),
    )


def _filling(mode: Literal["constant", "reflect"]) -> Patches:
    """Fill blocks with something else than the nearest sample."""

    def continued(samples: Float64Array, fold: int) -> Float64Array:
        _, rows, columns = samples.shape
        return np.pad(samples, ((0, 0), (0, -rows % fold), (0, -columns % fold)), mode=mode)

    return ((restoration, "_continued", continued),)


def _zeros_around(values: Float64Array) -> Float64Array:
    return np.pad(values, ((0, 0), (1, 1), (1, 1)))


def _samples_around(values: Float64Array) -> Float64Array:
    """Continue the samples instead of the folded array, in front of the first layer."""
    fold = restoration.network_of(2).fold
    if len(values) != 3 * fold**2:
        return _SURROUNDED(values)
    samples = np.pad(_UNFOLDED(values, fold), ((0, 0), (fold, fold), (fold, fold)), mode="edge")
    return _FOLDED(samples, fold)


def _taps_of_columns(layer: restoration.Layer, values: Float64Array) -> Float64Array:
    """Read the weights as [out][columns][rows][in]."""
    weights = np.array(layer.weights).reshape(layer.shape).swapaxes(1, 2)
    return _APPLY(replace(layer, weights=tuple(weights.reshape(-1).tolist())), values)


RESTORATIONS: tuple[tuple[str, Patches], ...] = (
    ("no restoration", ((pyramid, "restored", lambda samples, *_: samples),)),
    ("folds columns before rows", _folding(fold=_columns_first)),
    ("unfolds columns before rows", _folding(unfold=_columns_first)),
    ("folds and unfolds columns before rows", _folding(_columns_first, _columns_first)),
    ("folds and unfolds components last", _folding(_to_last, _from_last)),
    ("unfolds components last", _folding(unfold=_from_last)),
    ("fills blocks with 0", _filling("constant")),
    ("fills blocks with a mirror", _filling("reflect")),
    ("zeros around the blocks", ((restoration, "_surrounded", _zeros_around),)),
    ("nearest samples around the blocks", ((restoration, "_surrounded", _samples_around),)),
    ("taps of columns before rows", ((restoration, "_apply", _taps_of_columns),)),
)
