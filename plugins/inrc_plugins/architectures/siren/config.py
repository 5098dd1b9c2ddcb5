"""Configuration of `siren` and the tensors it implies.

Normative text: format_spec/architectures/siren.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import active_axes

MLP, NERF, POSITIONAL, GAUSS = 0, 1, 2, 3
ENCODINGS = ("mlp", "nerf", "positional", "gauss")
OMEGA = 30
PRIOR_NAME_BYTES = 16
_REQUIRED = {0, 1, 2}
_OMEGA_KEY, _PRIOR_KEY = 3, 4
# Entries of the encoding's array.
_LENGTHS = {MLP: 1, NERF: 3, POSITIONAL: 3, GAUSS: 4}
_MOST_FREQUENCY = 1 << 24
_MOST_SCALE = 1 << 26


@dataclass(frozen=True)
class Encoding:
    """Encoding of coordinates for the network.

    Attributes:
        kind: one of MLP, NERF, POSITIONAL, GAUSS.
        features: frequencies, L of the text; 0 for MLP.
        thousandths: the base or scale S in thousandths; 0 for MLP.
        seed: of the matrix of GAUSS, else 0.
    """

    kind: int
    features: int = 0
    thousandths: int = 0
    seed: int = 0

    @property
    def scale(self) -> float:
        """S of the text."""
        return self.thousandths / 1000

    def width(self, axes: int) -> int:
        """Entries of the encoded coordinates of so many axes."""
        if self.kind == MLP:
            return axes
        if self.kind == NERF:
            return axes * (1 + 2 * self.features)
        return 2 * self.features * (axes if self.kind == POSITIONAL else 1)

    def to_list(self) -> list[int]:
        """The array of the file."""
        return [self.kind, self.features, self.thousandths, self.seed][: _LENGTHS[self.kind]]

    @classmethod
    def from_list(cls, value: Any) -> Encoding:
        """The checked encoding of a file's array."""
        if not isinstance(value, list) or not value:
            raise CorruptError("siren: the encoding is not an array", section="ITEM")
        kind = _whole(value[0], "encoding", 0, math.inf)
        if kind not in _LENGTHS:
            raise UnsupportedError(f"siren: encoding {kind} is unknown", section="ITEM")
        if len(value) != _LENGTHS[kind]:
            raise CorruptError("siren: the encoding has another length", section="ITEM")
        if kind == MLP:
            return cls(MLP)
        features = _whole(value[1], "features", 1, 1024)
        thousandths = _whole(value[2], "scale", 1, _MOST_SCALE)
        if kind == NERF and too_fast(features, thousandths):
            raise CorruptError("siren: a frequency is beyond 2^24", section="ITEM")
        seed = _whole(value[3], "seed", 0, 2**64 - 1) if kind == GAUSS else 0
        return cls(kind, features, thousandths, seed)


def too_fast(features: int, thousandths: int) -> bool:
    """Whether the greatest frequency of a nerf encoding is beyond what the text allows."""
    return bool(thousandths ** (features - 1) > _MOST_FREQUENCY * 1000 ** (features - 1))


@dataclass(frozen=True)
class SirenConfig:
    """Shape of one model.

    Attributes:
        axes: active axes (of size > 1).
        width: units per layer of sines.
        layers: hidden matrices, one less than there are layers of sines.
        encoding: of the coordinates.
        omega: what sums are multiplied by before their sine is taken.
        prior: name of the prior that parameters are differences to, or None.
    """

    axes: int
    width: int
    layers: int
    encoding: Encoding
    omega: int = OMEGA
    prior: bytes | None = None

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        config: dict[int, Any] = {0: self.width, 1: self.layers, 2: self.encoding.to_list()}
        if self.omega != OMEGA:
            config[_OMEGA_KEY] = self.omega
        if self.prior is not None:
            config[_PRIOR_KEY] = self.prior
        return config

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> SirenConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key or encoding.
        """
        if unknown := config.keys() - {*_REQUIRED, _OMEGA_KEY, _PRIOR_KEY}:
            raise UnsupportedError(f"siren: config key {min(unknown)} is unknown", section="ITEM")
        if missing := _REQUIRED - config.keys():
            raise CorruptError(f"siren: config key {min(missing)} is missing", section="ITEM")
        axes = len(active_axes(shape))
        if not 1 <= axes <= 4:
            raise CorruptError(f"siren: {axes} axes longer than 1", section="ITEM")
        prior = config.get(_PRIOR_KEY)
        named = isinstance(prior, bytes) and len(prior) == PRIOR_NAME_BYTES
        if _PRIOR_KEY in config and not named:
            raise CorruptError("siren: the prior is not named by 16 bytes", section="ITEM")
        return cls(
            axes,
            _whole(config[0], "width", 1, 4096),
            _whole(config[1], "layers", 0, 64),
            Encoding.from_list(config[2]),
            _whole(config.get(_OMEGA_KEY, OMEGA), "omega", 1, 1024),
            prior,
        )

    def without_prior(self) -> SirenConfig:
        """The same network by itself."""
        return replace(self, prior=None)

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """Matrix and vector of every layer."""
        specs = []
        for layer, (fan_in, fan_out) in enumerate(pairwise(self._widths(components))):
            shape = (fan_out, fan_in)
            specs.append(TensorSpec(f"matrix{layer}", shape, prunable=True, shareable=False))
            specs.append(TensorSpec(f"vector{layer}", (fan_out,)))
        return tuple(specs)

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        widths = self._widths(components)
        matrices = sum(map(int.__mul__, widths[:-1], widths[1:]))
        gauss = self.encoding.features * self.axes if self.encoding.kind == GAUSS else 0
        return matrices + gauss

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))

    def _widths(self, components: int) -> list[int]:
        return [self.encoding.width(self.axes), *[self.width] * (self.layers + 1), components]


def _whole(value: Any, name: str, low: int, high: float) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CorruptError(f"siren: {name} is not a whole number in its range", section="ITEM")
    return value
