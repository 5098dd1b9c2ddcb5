"""Architecture 7, `siren`: one network of sines on encoded coordinates, perhaps over a prior."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..cbor import Value
from ..errors import Malformed
from ..headers import Item
from ..priors import Kind, find_prior
from .coordinate_networks import Indices, active_axes, by_blocks, check_keys, in_range
from .plan import Float32Array, Float64Array, Plan
from .siren_encoding import read_encoding

_RULE = "SIREN-1"
_OMEGA = 30
_PRIOR_KEY = 4
_NAME_SIZE = 16


class SirenPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        config = item.config
        self.item = item
        self.components = len(item.components)
        self.active = active_axes(item, _RULE)
        self.width = in_range(config[0], 1, 4096, f"{_RULE}: width")
        self.layers = in_range(config[1], 0, 64, f"{_RULE}: layers")
        self.encoding = read_encoding(config[2], len(self.active))
        self.omega = in_range(config.get(3, _OMEGA), 1, 1024, f"{_RULE}: omega")
        self.prior = _prior_name(config[_PRIOR_KEY]) if _PRIOR_KEY in config else None
        sizes = [self.encoding.size, *[self.width] * (self.layers + 1), self.components]
        shapes: list[tuple[int, ...]] = []
        for inputs, outputs in pairwise(sizes):
            shapes += [(outputs, inputs), (outputs,)]
        self.shapes = tuple(shapes)
        matrices = sum(shape[0] * shape[1] for shape in shapes[::2])
        self.multiply_adds = matrices + self.encoding.multiply_adds

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        if self.prior is not None:
            axes = len(self.active)
            prior = find_prior(self.prior, lambda kind: _check_prior(kind, self.item, axes))
            parameters = added(prior.tensors(self.shapes), parameters)
        network = [tensor.astype(np.float64) for tensor in parameters]
        widest = max(2 * self.encoding.size, self.width, self.components)
        return by_blocks(
            self.active,
            widest,
            self.components,
            lambda indices: self._block(places(indices, self.active), network),
        )

    def _block(self, p: Float64Array, network: Sequence[Float64Array]) -> Float64Array:
        """Evaluate steps 1 and 2 at some places."""
        h = self.encoding.of(p)
        for j in range(self.layers + 1):
            phases = self.omega * (network[2 * j] @ h + network[2 * j + 1][:, None])
            h = np.sin(phases)
        return np.asarray(network[-2] @ h + network[-1][:, None], dtype=np.float64)


def places(indices: Indices, active: Sequence[int]) -> Float64Array:
    """Return p of some samples, from -1 to 1 along every axis."""
    pairs = zip(indices, active, strict=True)
    return np.array([2 * i / (n - 1) - 1 for i, n in pairs], dtype=np.float64)


def added(prior: Sequence[Float32Array], differences: Sequence[Float32Array]) -> list[Float32Array]:
    """Return the parameters; a float64 sum of two float32 rounds to the same float32 as theirs."""
    out: list[Float32Array] = []
    for t, difference in zip(prior, differences, strict=True):
        with np.errstate(over="ignore"):
            total = (t.astype(np.float64) + difference.astype(np.float64)).astype(np.float32)
        if not np.isfinite(total).all():
            raise Malformed("SIREN-4: a parameter with its prior is not finite")
        out.append(total)
    return out


def _prior_name(value: Value) -> bytes:
    if not isinstance(value, bytes) or len(value) != _NAME_SIZE:
        raise Malformed(f"{_RULE}: prior is not a byte string of 16 bytes")
    return value


def _check_prior(kind: Kind, item: Item, axes: int) -> None:
    """Compare a prior with the item that names it (SIREN-3, PRIOR-4)."""
    config = {key: value for key, value in item.config.items() if key != _PRIOR_KEY}
    if (kind.architecture, kind.version) != (item.architecture, item.version):
        raise Malformed("SIREN-3: the prior is of another architecture")
    if repr(kind.config) != repr(config):
        raise Malformed("SIREN-3: the prior has another config")
    if kind.axes != axes:
        raise Malformed("SIREN-3: the prior has another number of axes")
    if kind.components != len(item.components):
        raise Malformed("SIREN-3: the prior has another number of components")


def plan(item: Item) -> Plan:
    """Check the config keys and return the plan."""
    check_keys(item.config, 3, 5, _RULE, "siren")
    return SirenPlan(item)
