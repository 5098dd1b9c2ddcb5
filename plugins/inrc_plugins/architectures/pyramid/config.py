"""The config of a `pyramid` item, and the lattice that follows from it.

Normative text: format_spec/architectures/pyramid.md.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from codec.entropy.lattice import AXES, Lattice
from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config
from inrc_plugins.architectures.pyramid import restoration
from inrc_plugins.architectures.pyramid.restoration import Restoration

# Transform along an axis: a positive number of levels of the joint wavelet, or one of these.
NONE, LEARNED, SEPARATE, COSINE = 0, -1, -2, -3
MAX_LEVELS = 40
LEARNED_MAX = 4096
COSINE_MAX = 4096
# An axis with a wavelet of its own is halved while that leaves at least so many samples.
SEPARATE_LEAST = 4


@dataclass(frozen=True)
class PyramidConfig:
    """Transform of an array of samples into coefficients.

    Attributes:
        lengths: of the active axes: the components if there are several, then the item's axes of
            more than one sample.
        axes: per active axis what is done along it.
        step: quantisation step of the coefficients, float32.
        offset: normalised value that was subtracted from all samples, float32.
        shifts: in 1/128 steps, what is added to the magnitudes 1, 2 and above.
        factors: packed bases of the axes with `LEARNED`, in the order of the axes.
        restoration: numbers of restoration networks, and their weights in 1/64.
        precise: whether samples are evaluated in float64, so that every decoder has the same ones.
    """

    lengths: tuple[int, ...]
    axes: tuple[int, ...]
    step: float
    offset: float = 0.0
    shifts: tuple[int, int, int] = (0, 0, 0)
    factors: tuple[bytes, ...] = ()
    restoration: Restoration = ()
    precise: bool = False

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...], components: int) -> PyramidConfig:
        """The config as a file has it.

        Raises:
            CorruptError, UnsupportedError: it breaks the normative text.
        """
        for key in config:
            if key not in range(7):
                raise UnsupportedError(f"config key {key} is unknown", section="ITEM")
        lengths = active_lengths(shape, components)
        axes = _integers(config.get(0), "the axes", -3, MAX_LEVELS)
        if len(axes) != len(lengths):
            _fail(f"{len(axes)} axes for {len(lengths)} active ones")
        shifts = _integers(config.get(3, [0, 0, 0]), "the shifts", -128, 128)
        factors = config.get(4, [])
        if not isinstance(factors, list) or not all(isinstance(entry, bytes) for entry in factors):
            _fail("the bases are not a list of bytes")
        if len(shifts) != 3 or len(factors) != axes.count(LEARNED):
            _fail("a list has the wrong length")
        if (3 in config and shifts == (0, 0, 0)) or (4 in config and not factors):
            _fail("a default is spelled out")
        checked = cls(
            lengths,
            axes,
            _float32(config.get(1), "the step"),
            _float32(config.get(2, 0.0), "the offset"),
            (shifts[0], shifts[1], shifts[2]),
            tuple(factors),
            _restoration(config, lengths, components),
            6 in config,
        )
        if checked.precise and (config[6] is not True or checked.restoration):
            _fail("key 6 is not true, or stands beside a restoration")
        if checked.step <= 0:
            _fail("the step is not positive")
        checked._check_axes(components)
        return checked

    def _check_axes(self, components: int) -> None:
        for length, code in zip(self.lengths, self.axes, strict=True):
            if code > 0 and halvings(length, 1) < code:
                _fail(f"an axis of {length} cannot be halved {code} times")
            if (code == LEARNED and length > LEARNED_MAX) or (
                code == COSINE and length > COSINE_MAX
            ):
                _fail(f"an axis of {length} is too long for its basis")
        if components > 1 and self.axes[0] > 0:
            _fail("components are not in the joint wavelet")
        if len(self.axes) > AXES and sum(code <= 0 for code in self.axes) < 2:
            _fail("of five axes, two are not in the joint wavelet")

    def to_map(self) -> dict[int, Any]:
        """The config for the file."""
        entries: dict[int, Any] = {0: list(self.axes), 1: self.step}
        if self.offset:
            entries[2] = self.offset
        if any(self.shifts):
            entries[3] = list(self.shifts)
        if self.factors:
            entries[4] = list(self.factors)
        if self.restoration:
            entries[5] = [list(pair) for pair in self.restoration]
        if self.precise:
            entries[6] = True
        return entries

    @cached_property
    def coded_order(self) -> tuple[int, ...]:
        """Active axes as they are coded: those outside the joint wavelet first."""
        channels = [axis for axis, code in enumerate(self.axes) if code <= 0]
        joint = [axis for axis, code in enumerate(self.axes) if code > 0]
        return tuple(channels + joint)

    @cached_property
    def lattice(self) -> Lattice:
        """Shape of the coefficients."""
        lengths = [self.lengths[axis] for axis in self.coded_order]
        levels = [max(self.axes[axis], 0) for axis in self.coded_order]
        if len(lengths) > AXES:
            lengths[:2] = [lengths[0] * lengths[1]]
            levels[:2] = [0]
        missing = AXES - len(lengths)
        return Lattice((1,) * missing + tuple(lengths), (0,) * missing + tuple(levels))

    def factors_at(self, level: int) -> tuple[int, ...]:
        """Per active axis, how many samples lie between those of a level."""
        return tuple(
            min(1 << min(level, max(code, 0)), length)
            for length, code in zip(self.lengths, self.axes, strict=True)
        )


def active_lengths(shape: tuple[int, ...], components: int) -> tuple[int, ...]:
    """Lengths of the active axes.

    Raises:
        CorruptError: there are more than four besides the components.
    """
    axes = tuple(size for size in shape if size > 1)
    if len(axes) > AXES:
        raise CorruptError(f"{len(axes)} axes of more than one sample", section="ITEM")
    return (components, *axes) if components > 1 else axes


def halvings(length: int, least: int) -> int:
    """Times that a length can be halved, rounding up, to at least `least` (and shorter)."""
    count = 0
    while length > 1 and -(-length // 2) >= least:
        length = -(-length // 2)
        count += 1
    return count


def _restoration(config: Config, lengths: tuple[int, ...], components: int) -> Restoration:
    if 5 not in config:
        return ()
    pairs = config[5]
    if not isinstance(pairs, list) or not pairs:
        _fail("the restoration is not a list of pairs")
    networks: list[tuple[int, int]] = []
    for pair in pairs:
        number, weight = _integers(pair, "a restoration", 1, 1 << 64, 2)
        if weight > restoration.HIGHEST_WEIGHT:
            _fail("the weight of a network is above 255")
        if networks and number <= networks[-1][0]:
            _fail("the numbers of networks do not rise")
        networks.append((number, weight))
    for number, _ in networks:
        if not restoration.known(number):
            raise UnsupportedError(f"restoration network {number} is unknown", section="ITEM")
        if not restoration.fits(number, lengths, components):
            _fail("the restoration network does not fit the item's axes")
    return tuple(networks)


def _fail(message: str) -> None:
    raise CorruptError(message, section="ITEM")


def _integers(
    value: Any, what: str, low: int, high: int, count: int | None = None
) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(
        isinstance(entry, int) and not isinstance(entry, bool) and low <= entry <= high
        for entry in value
    ):
        raise CorruptError(f"{what} are not a list of integers in range", section="ITEM")
    if count is not None and len(value) != count:
        raise CorruptError(f"{what} has not {count} entries", section="ITEM")
    return tuple(value)


def _float32(value: Any, what: str) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        raise CorruptError(f"{what} is not a finite float", section="ITEM")
    try:
        (exact,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        exact = math.inf
    if exact != value:
        raise CorruptError(f"{what} is not a float32", section="ITEM")
    return float(np.float32(value))
