"""Configuration of `fvsrn` and the tensors it implies.

Normative text: format_spec/architectures/fvsrn.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import active_axes, whole

Ranges = tuple[tuple[str, int, int], ...]
_RANGES = {
    1: ("features", 1, 1024),
    2: ("width", 1, 4096),
    3: ("layers", 1, 64),
    4: ("octaves", 0, 16),
}
_WAVELET, _TIME, _ROWS, _FREQUENCY = 5, 6, 7, 8
_REQUIRED = frozenset({0, *_RANGES})
_OPTIONAL = frozenset({_WAVELET, _TIME, _ROWS, _FREQUENCY})
MOST_NODES = 65536
MOST_ROWS, MOST_SCALE = 4096, 1 << 20
# Standard deviations of rows and frequencies are stored in these parts of one.
PARTS = 256
WAVELETS = {"9/7": 1, "5/3": 2}


@dataclass(frozen=True)
class Wavelet:
    """The basis of a grid of coefficients: number of the wavelet (`WAVELETS`), and levels."""

    number: int
    levels: int


@dataclass(frozen=True)
class TimeAxis:
    """The active axis that is time, and what the network sees of it beside the latent vector."""

    axis: int
    raw: bool
    octaves: int


@dataclass(frozen=True)
class GaussianRows:
    """Random directions of Fourier features: how many, `PARTS` times their deviation, the seed."""

    count: int
    scale: int
    seed: int


@dataclass(frozen=True)
class FvsrnConfig:
    """Shape of one model.

    Attributes:
        grid: nodes of the latent grid per active axis (axis of size > 1).
        features: channels of the grid.
        width: units per hidden layer.
        layers: hidden layers.
        octaves: Fourier octaves per axis that is not time.
        wavelet: the basis of the grid, None for its nodes.
        time: the time axis, None if time is an axis like the others, or there is none.
        rows: Gaussian Fourier features, None for octaves alone.
        frequency: of SnakeAlt, in 1 / `PARTS`.
    """

    grid: tuple[int, ...]
    features: int
    width: int
    layers: int
    octaves: int
    wavelet: Wavelet | None = None
    time: TimeAxis | None = None
    rows: GaussianRows | None = None
    frequency: int = PARTS

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        entries: dict[int, Any] = {
            0: list(self.grid),
            1: self.features,
            2: self.width,
            3: self.layers,
            4: self.octaves,
        }
        if self.wavelet is not None:
            entries[_WAVELET] = [self.wavelet.number, self.wavelet.levels]
        if self.time is not None:
            entries[_TIME] = [self.time.axis, int(self.time.raw), self.time.octaves]
        if self.rows is not None:
            entries[_ROWS] = [self.rows.count, self.rows.scale, self.rows.seed]
        if self.frequency != PARTS:
            entries[_FREQUENCY] = self.frequency
        return entries

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> FvsrnConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        if unknown := config.keys() - _REQUIRED - _OPTIONAL:
            raise UnsupportedError(f"fvsrn: config key {min(unknown)} is unknown", section="ITEM")
        if missing := _REQUIRED - config.keys():
            raise CorruptError(f"fvsrn: config key {min(missing)} is missing", section="ITEM")
        axes = active_axes(shape)
        grid = config[0]
        if not 1 <= len(axes) <= 4:
            raise CorruptError(f"fvsrn: {len(axes)} axes longer than 1", section="ITEM")
        if not isinstance(grid, list) or len(grid) != len(axes):
            raise CorruptError("fvsrn: the grid does not match the dims", section="ITEM")
        nodes = tuple(whole("fvsrn", size, "grid", 2, MOST_NODES) for size in grid)
        values = {
            name: whole("fvsrn", config[key], name, low, high)
            for key, (name, low, high) in _RANGES.items()
        }
        return cls(
            nodes,
            **values,
            wavelet=_wavelet(config, nodes),
            time=_time(config, len(axes)),
            rows=_rows(config, len(axes)),
            frequency=whole("fvsrn", config.get(_FREQUENCY, PARTS), "frequency", 1, 65536),
        )

    @property
    def axes(self) -> int:
        """Active axes."""
        return len(self.grid)

    @property
    def snake_frequency(self) -> float:
        """The f of SnakeAlt."""
        return self.frequency / PARTS

    @property
    def nodal(self) -> FvsrnConfig:
        """The same model with a grid of nodes."""
        return replace(self, wavelet=None)

    def raw(self, axis: int) -> bool:
        """Whether the position along an active axis is an input."""
        return self.time is None or axis != self.time.axis or self.time.raw

    def octaves_of(self, axis: int) -> int:
        """Fourier octaves of an active axis."""
        if self.time is not None and axis == self.time.axis:
            return self.time.octaves
        return self.octaves

    @property
    def row_count(self) -> int:
        """Gaussian rows."""
        return 0 if self.rows is None else self.rows.count

    def columns(self, axis: int) -> list[int]:
        """Inputs that belong to an active axis: position, cosines and sines by octave."""
        return [self._axis_inputs.index((kind, octave, axis)) for kind, octave in self._kinds(axis)]

    def _kinds(self, axis: int) -> list[tuple[str, int]]:
        waves = [(kind, o) for kind in ("cosine", "sine") for o in range(self.octaves_of(axis))]
        return [("position", 0)] * self.raw(axis) + waves

    @property
    def _axis_inputs(self) -> list[tuple[str, int, int]]:
        """Inputs of single axes, in the order of the text, as (kind, octave, axis)."""
        every = [(kind, o, axis) for axis in range(self.axes) for kind, o in self._kinds(axis)]
        order = ("position", "cosine", "sine")
        return sorted(every, key=lambda entry: (order.index(entry[0]), entry[1], entry[2]))

    @property
    def position_inputs(self) -> int:
        """Entries of the input vector before those of the rows and the latent vector."""
        return len(self._axis_inputs)

    @property
    def inputs(self) -> int:
        """Entries of the network's input vector."""
        return self.position_inputs + 2 * self.row_count + self.features

    def boxes(self) -> list[tuple[int, ...]]:
        """Sizes of the low band after 0, 1, ... levels of the wavelet."""
        boxes = [self.grid]
        for _ in range(0 if self.wavelet is None else self.wavelet.levels):
            boxes.append(tuple(-(-size // 2) for size in boxes[-1]))
        return boxes

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """The grid or its bands, then matrix and vector of every layer."""
        specs = self.latent_tensors()
        widths = [self.inputs, *[self.width] * self.layers, components]
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
            specs.append(TensorSpec(f"matrix{layer}", (fan_out, fan_in)))
            specs.append(TensorSpec(f"vector{layer}", (fan_out,)))
        return tuple(specs)

    def latent_tensors(self) -> list[TensorSpec]:
        """The grid, or its low band and the details of every level, from coarse to fine."""
        if self.wavelet is None:
            return [TensorSpec("grid", (self.features, *self.grid), prunable=True)]
        counts = [math.prod(box) for box in self.boxes()]
        specs = [TensorSpec("low", (self.features, counts[-1]), prunable=True)]
        for level in range(self.wavelet.levels, 0, -1):
            details = counts[level - 1] - counts[level]
            specs.append(TensorSpec(f"details{level}", (self.features, details), prunable=True))
        return specs

    def reaches(self) -> list[float]:
        """Per latent tensor, the root of the number of nodes that share one of its entries.

        As the wavelets are nearly orthonormal, an entry that moves by this moves nodes by about 1.
        """
        boxes = [math.prod(box) for box in self.boxes()]
        details = [math.sqrt(boxes[0] / count) for count in boxes[:0:-1]]
        return [details[0], *details] if details else [1.0]

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        widths = [self.inputs, *[self.width] * self.layers, components]
        matrices = sum(map(int.__mul__, widths[:-1], widths[1:]))
        return matrices + (1 << self.axes) * self.features + self.row_count * len(self.space_axes)

    @property
    def space_axes(self) -> list[int]:
        """Active axes that are not time."""
        time = -1 if self.time is None else self.time.axis
        return [axis for axis in range(self.axes) if axis != time]

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))


def _wavelet(config: Config, grid: tuple[int, ...]) -> Wavelet | None:
    if _WAVELET not in config:
        return None
    number, levels = _numbers(config, _WAVELET, (("wavelet", 1, 255), ("levels", 1, 16)))
    if number not in WAVELETS.values():
        raise UnsupportedError(f"fvsrn: wavelet {number} is unknown", section="ITEM")
    if 1 << (levels - 1) >= max(grid):
        raise CorruptError(f"fvsrn: {levels} levels are too many for the grid", section="ITEM")
    return Wavelet(number, levels)


def _time(config: Config, axes: int) -> TimeAxis | None:
    if _TIME not in config:
        return None
    ranges = (("time axis", 0, axes - 1), ("time input", 0, 1), ("time octaves", 0, 16))
    axis, raw, octaves = _numbers(config, _TIME, ranges)
    return TimeAxis(axis, bool(raw), octaves)


def _rows(config: Config, axes: int) -> GaussianRows | None:
    if _ROWS not in config:
        return None
    ranges = (("rows", 1, MOST_ROWS), ("scale", 1, MOST_SCALE), ("seed", 0, 2**32 - 1))
    count, scale, seed = _numbers(config, _ROWS, ranges)
    if config[4] or axes == (_TIME in config):
        raise CorruptError("fvsrn: rows beside octaves, or without an axis", section="ITEM")
    return GaussianRows(count, scale, seed)


def _numbers(config: Mapping[int, Any], key: int, ranges: Ranges) -> list[int]:
    values = config[key]
    if not isinstance(values, list) or len(values) != len(ranges):
        raise CorruptError(
            f"fvsrn: config key {key} is not a list of {len(ranges)} numbers", section="ITEM"
        )
    return [whole("fvsrn", value, *limits) for value, limits in zip(values, ranges, strict=True)]
