"""Wrong networks over coordinates, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import pi, prod
from typing import Any

import numpy as np

from ..decoder import priors
from ..decoder.architectures import (
    fvsrn,
    fvsrn_grid,
    fvsrn_inputs,
    hashgrid,
    neurcomp,
    siren,
    siren_encoding,
)
from ..decoder.architectures.coordinate_networks import Indices
from ..decoder.architectures.plan import Float32Array, Float64Array
from .mutant import Patches

Tensors = Sequence[Float32Array]
_PLACES_OF_SIREN, _PLACES_OF_HASHGRID = siren.places, hashgrid.places
_DENSE, _LEVELS, _LOOKED_UP = hashgrid.dense_entry, hashgrid.levels, hashgrid.looked_up
_DRAWS, _GAUSS, _ADDED = siren_encoding._draws, siren_encoding.gauss_matrix, siren.added
_ACTIVATION, _SPLIT_MIX, _JOINED = fvsrn.activation, fvsrn_inputs.split_mix, fvsrn_grid.joined
_INPUTS_OF = fvsrn_inputs.Inputs.of


def _plain_indices(indices: Indices, active: Sequence[int]) -> Float64Array:
    """Let the longest axis run from 0 to 1."""
    pairs = zip(indices, active, strict=True)
    return np.array([i / (max(active) - 1) for i, _ in pairs], dtype=np.float64)


def _sines_first(phases: Float64Array) -> Float64Array:
    return np.concatenate([np.sin(phases), np.cos(phases)])


def _cosines_first(phases: Float64Array) -> Float64Array:
    pairs = np.stack([np.cos(phases), np.sin(phases)], axis=1)
    return np.asarray(pairs.reshape(-1, phases.shape[1]))


def _columns_first(seed: int, rows: int, columns: int) -> Float64Array:
    return np.ascontiguousarray(_GAUSS(seed, columns, rows).T)


def _six_draws(seed: int) -> Any:
    """Give the low half of each state, too."""
    for number in _DRAWS(seed):
        yield number
        yield number ^ 0x5555


def _half_sum(prior: Tensors, added: Tensors) -> list[Float32Array]:
    return [
        (t.astype(np.float16) + d.astype(np.float16)).astype(np.float32)
        for t, d in zip(prior, added, strict=True)
    ]


def _any_sum(prior: Tensors, added: Tensors) -> list[Float32Array]:
    with np.errstate(over="ignore"):
        return [t + d for t, d in zip(prior, added, strict=True)]


def _where_coded(prior: Tensors, added: Tensors) -> list[Float32Array]:
    """Take the prior only where a difference is not 0."""
    return [np.where(d == 0, d, t + d) for t, d in zip(prior, added, strict=True)]


def _in_order(indices: Indices, active: Sequence[int]) -> list[Float64Array]:
    return _PLACES_OF_HASHGRID(indices, active)[::-1]


def _clipped_nodes(level: hashgrid.Level, nodes: hashgrid.Nodes) -> Any:
    return _DENSE(level, [np.minimum(c, level.resolution - 1) for c in nodes])


def _last_axis_first(level: hashgrid.Level, nodes: hashgrid.Nodes) -> Any:
    return _DENSE(level, nodes[::-1])


def _whole_scales(number: int, table: int, base: int, growth: float, axes: int) -> Any:
    """Round the scale down to a whole number."""
    some = _LEVELS(number, table, base, growth, axes)
    return [hashgrid.Level(float(level.resolution - 1), *_shape(level)) for level in some]


def _shape(level: hashgrid.Level) -> tuple[int, int, int]:
    return level.resolution, level.entries, level.axes


def _no_half(level: hashgrid.Level, table: Float64Array, places: Any) -> Float64Array:
    """Leave out the half cell."""
    return _LOOKED_UP(level, table, [x - 0.5 / level.scale for x in places])


def _boxes_reversed(low: Float64Array, details: Float64Array, size: Any) -> Float64Array:
    """Count the first axis as the last digit of e."""
    boxes: dict[tuple[int, ...], Float64Array] = {}
    start = 0
    for reverse in product((0, 1), repeat=len(size)):
        e = reverse[::-1]
        if any(e):
            count = prod(b // 2 if odd else -(-b // 2) for odd, b in zip(e, size, strict=True))
            boxes[e] = details[:, start : start + count]
            start += count
    return _JOINED(low, np.concatenate([boxes[e] for e in sorted(boxes)], axis=1), size)


def _interleaved(self: fvsrn_inputs.Inputs, places: Sequence[Float64Array]) -> Float64Array:
    """Put each sine behind its cosine."""
    out = _INPUTS_OF(self, places)
    raw, waves = sum(self.raw), sum(self.octaves)
    cosines, sines = out[raw : raw + waves], out[raw + waves : raw + 2 * waves]
    mixed = np.stack([cosines, sines], axis=1).reshape(2 * waves, -1)
    return np.concatenate([out[:raw], mixed, out[raw + 2 * waves :]])


def _by_axis(self: fvsrn_inputs.Inputs, places: Sequence[Float64Array]) -> Float64Array:
    """Put the octaves of an axis side by side."""
    out = _INPUTS_OF(self, places)
    raw, waves = sum(self.raw), sum(self.octaves)
    pairs = [
        (octave, axis)
        for octave in range(max(self.octaves))
        for axis, octaves in enumerate(self.octaves)
        if octave < octaves
    ]
    order = sorted(range(waves), key=lambda n: pairs[n][::-1])
    rows = [*range(raw), *(raw + n for n in order), *(raw + waves + n for n in order)]
    return np.asarray(out[[*rows, *range(raw + 2 * waves, out.shape[0])]])


def _snake(x: Float64Array, frequency: float) -> Float64Array:
    """Forget to divide the sine by the frequency."""
    return np.asarray(x / (2 * frequency) + np.sin(frequency * x) ** 2)


_WAVELETS = {1: fvsrn_grid.FILTERS[1], 2: fvsrn_grid.FILTERS[2]._replace(k=1.0)}
_NINE_SEVEN = dict.fromkeys((1, 2), fvsrn_grid.FILTERS[1])

NETWORKS: tuple[tuple[str, Patches, str], ...] = (
    ("each axis from -1 to 1", ((neurcomp, "places", _PLACES_OF_SIREN),), "valid/neurcomp/*"),
    ("places from 0 to 1", ((neurcomp, "places", _plain_indices),), "valid/neurcomp/*"),
    (
        "the last block does not halve",
        ((neurcomp, "factors", lambda block, _: (1.0 if block == 1 else 0.5, 1.0)),),
        "valid/neurcomp/*",
    ),
    (
        "all blocks halve",
        ((neurcomp, "factors", lambda block, _: (1.0 if block == 1 else 0.5, 0.5)),),
        "valid/neurcomp/*",
    ),
    (
        "no block has half its input",
        ((neurcomp, "factors", lambda block, blocks: (1.0, 0.5 if block == blocks else 1.0)),),
        "valid/neurcomp/*",
    ),
    (
        "the first block has half its input",
        ((neurcomp, "factors", lambda block, blocks: (0.5, 0.5 if block == blocks else 1.0)),),
        "valid/neurcomp/*",
    ),
    ("places of the longest axis", ((siren, "places", neurcomp.places),), "valid/siren/*"),
    ("sines before all cosines", ((siren_encoding, "waves", _sines_first),), "valid/siren/*"),
    ("cosines before sines", ((siren_encoding, "waves", _cosines_first),), "valid/siren/*"),
    (
        "nerf without pi",
        ((siren_encoding, "nerf", lambda scale, count: [scale**n for n in range(count)]),),
        "valid/siren/nerf*",
    ),
    (
        "positional to S",
        (
            (
                siren_encoding,
                "octaves",
                lambda s, n: [2 * pi * s ** (i / max(n - 1, 1)) for i in range(n)],
            ),
        ),
        "valid/siren/positional*",
    ),
    (
        "gauss column by column",
        ((siren_encoding, "gauss_matrix", _columns_first),),
        "valid/siren/*",
    ),
    ("other draws", ((siren_encoding, "_draws", _six_draws),), "valid/siren/gauss*"),
    (
        "seeds of 32 bits",
        ((siren_encoding, "_draws", lambda seed: _DRAWS(seed % 2**32)),),
        "valid/siren/gauss*",
    ),
    ("omega is 1", ((siren, "_OMEGA", 1),), "valid/siren/*"),
    ("no priors", ((siren, "added", lambda _, added: list(added)),), "valid/priors/*"),
    ("priors alone", ((siren, "added", lambda prior, _: list(prior)),), "valid/priors/*"),
    ("priors in half precision", ((siren, "added", _half_sum),), "valid/priors/*"),
    ("priors where differences are", ((siren, "added", _where_coded),), "valid/priors/*"),
    ("sums may overflow", ((siren, "added", _any_sum),), "malformed/priors/*"),
    ("any prior", ((siren, "_check_prior", lambda *_: None),), "malformed/priors/*"),
    ("any ancillary part", ((priors, "_check_ancillary", lambda *_: None),), "malformed/priors/*"),
    ("axes in order", ((hashgrid, "places", _in_order),), "valid/hashgrid/*"),
    ("no nodes beyond the grid", ((hashgrid, "dense_entry", _clipped_nodes),), "valid/hashgrid/*"),
    (
        "dense from the last axis",
        ((hashgrid, "dense_entry", _last_axis_first),),
        "valid/hashgrid/*",
    ),
    ("whole scales", ((hashgrid, "levels", _whole_scales),), "valid/hashgrid/*"),
    ("no half cell", ((hashgrid, "looked_up", _no_half),), "valid/hashgrid/*"),
    (
        "factors in another order",
        ((hashgrid, "_FACTORS", hashgrid._FACTORS[::-1]),),
        "valid/hashgrid/*",
    ),
    (
        "a first factor that is not 1",
        ((hashgrid, "_FACTORS", (3674653429, *hashgrid._FACTORS[1:])),),
        "valid/hashgrid/*",
    ),
    (
        "full tables are hashed",
        (
            (
                hashgrid.Level,
                "dense",
                property(lambda level: level.resolution**level.axes < level.entries),
            ),
        ),
        "valid/hashgrid/*",
    ),
    ("boxes with the digits reversed", ((fvsrn_grid, "joined", _boxes_reversed),), "valid/fvsrn/*"),
    ("5/3 without its factor", ((fvsrn_grid, "FILTERS", _WAVELETS),), "valid/fvsrn/*"),
    ("always 9/7", ((fvsrn_grid, "FILTERS", _NINE_SEVEN),), "valid/fvsrn/*"),
    ("sines behind cosines", ((fvsrn_inputs.Inputs, "of", _interleaved),), "valid/fvsrn/*"),
    ("octaves axis by axis", ((fvsrn_inputs.Inputs, "of", _by_axis),), "valid/fvsrn/*"),
    (
        "rows from number 0",
        ((fvsrn_inputs, "split_mix", lambda seed, k: _SPLIT_MIX(seed, k - 1)),),
        "valid/fvsrn/rows*",
    ),
    ("rows without their mean", ((fvsrn_inputs, "_MEAN_OF_12", 0),), "valid/fvsrn/rows*"),
    ("frequency 1", ((fvsrn, "activation", lambda x, _: _ACTIVATION(x, 1.0)),), "valid/fvsrn/*"),
    ("sines of any frequency", ((fvsrn, "activation", _snake),), "valid/fvsrn/*"),
)
"""Names, patches, and the cases that are tried first."""

UNCHECKED_NETWORKS: tuple[tuple[str, str, str], ...] = (
    ("any neurcomp", "NEURCOMP-1: frequency", "malformed/neurcomp/*"),
    ("any axes of networks", "NEURCOMP-1: 0 active", "malformed/neurcomp/*"),
    ("any encoding", "SIREN-1: encoding", "malformed/siren/*"),
    ("any frequencies", "SIREN-2", "malformed/siren/*"),
    ("any name of a prior", "SIREN-1: prior", "malformed/siren/*"),
    ("priors that are not there", "SIREN-3: there is no", "unsupported/priors/*"),
    ("priors of another config", "SIREN-3: the prior has another config", "malformed/priors/*"),
    ("any digest of a prior", "PRIOR-1: the digest", "malformed/priors/*"),
    ("any version of a prior", "PRIOR-1: version", "unsupported/priors/*"),
    ("any key of a prior", "PRIOR-2: another key", "unsupported/priors/*"),
    ("any core", "PRIOR-2: ", "malformed/priors/*"),
    ("any number of numbers", "PRIOR-3: not as many", "malformed/priors/*"),
    ("any numbers", "PRIOR-3: a number", "malformed/priors/*"),
    ("any growth", "HASHGRID-1: growth", "malformed/hashgrid/*"),
    ("any number of nodes", "HASHGRID-2", "malformed/hashgrid/*"),
    ("any levels of a wavelet", "FVSRN-2: more", "malformed/fvsrn/*"),
    ("any wavelet", "FVSRN-2: wavelet", "unsupported/fvsrn/*"),
    ("rows beside octaves", "FVSRN-3: rows beside", "malformed/fvsrn/*"),
    ("rows of time", "FVSRN-3: rows without", "malformed/fvsrn/*"),
)
"""Names, beginnings of refusals that are taken for ok, and cases that are tried first."""
