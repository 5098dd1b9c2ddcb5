"""Wrong restorations, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from ..decoder.architectures import pyramid, restoration
from ..decoder.values import Float64Array
from .mutant import Patches

Order = Callable[[Float64Array, int], Float64Array]
Weighted = Sequence[tuple[restoration.Network, int]]

_FOLDED, _UNFOLDED = restoration._folded, restoration._unfolded
_RESTORED = restoration.restored
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


def _choosing(choose: Callable[[Weighted], Weighted]) -> Patches:
    """Use other networks or weights."""

    def wrong(samples: Float64Array, step: float, networks: Weighted) -> Float64Array:
        return _RESTORED(samples, step, choose(networks))

    return ((pyramid, "restored", wrong),)


def _in_turn(samples: Float64Array, step: float, networks: Weighted) -> Float64Array:
    """Show each network the samples that those before it have changed."""
    for network in networks:
        samples = _RESTORED(samples, step, [network])
    return samples


def _exchanged(networks: Weighted) -> Weighted:
    """Give each network the weight of another."""
    weights = [weight for _, weight in networks]
    return [(n, weight) for (n, _), weight in zip(networks, reversed(weights), strict=True)]


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
    ("all weights of networks are 64", _choosing(lambda all_: [(n, 64) for n, _ in all_])),
    ("networks one after the other", ((pyramid, "restored", _in_turn),)),
    ("only the first network", _choosing(lambda all_: all_[:1])),
    ("only the last network", _choosing(lambda all_: all_[-1:])),
    ("weights of networks exchanged", _choosing(_exchanged)),
    (
        "weights of networks from 128 are negative",
        _choosing(lambda all_: [(n, weight - weight // 128 * 256) for n, weight in all_]),
    ),
)
