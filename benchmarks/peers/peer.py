"""Interface of the peers that the benchmarks compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from codec.arrays import Array

Kind = Literal["volume", "image"]


@dataclass(frozen=True)
class Setting:
    """Setting that a peer is called with.

    Attributes:
        mode: meaning of `value`, such as "abs" or "quality"; with `layout` it names a series.
        value: the number handed to the peer.
        layout: arrangement of a 4-D array, a key of `layouts.LAYOUTS`.
    """

    mode: str
    value: float
    layout: str = "whole"

    @property
    def series(self) -> str:
        """Settings of one series differ in `value` alone and go from coarse to fine."""
        return self.mode if self.layout == "whole" else f"{self.mode}/{self.layout}"

    def __str__(self) -> str:
        return f"{self.series}={self.value:.6g}"


class Peer(Protocol):
    """A codec to compare with, at its best settings and in one thread.

    Volumes are float32 arrays of three or four axes, slowest first, all samples finite. Images are
    uint8 arrays (rows, columns, 3).
    """

    @property
    def name(self) -> str:
        """Name in reports and for `--peers`."""

    @property
    def kind(self) -> Kind:
        """Kind of arrays that it codes."""

    @property
    def how(self) -> str:
        """The settings in one line, for the report."""

    def available(self) -> str | None:
        """Reason why it cannot run here, or None."""

    def version(self) -> str:
        """Version of the library that does the work."""

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        """Settings whose PSNRs span `targets` (dB); every series from coarse to fine."""

    def encode(self, values: Array, setting: Setting) -> bytes:
        """All bytes that a reader needs who knows the shape, the dtype and the setting."""

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        """The array again, in the dtype that was encoded."""


def value_range(values: Array) -> float:
    """Maximum minus minimum, 1 for a constant array so that bounds relative to it are positive."""
    return float(np.ptp(values)) or 1.0


def span(targets: Sequence[float], below: float, above: float, step: float) -> list[float]:
    """PSNRs in dB every `step`, from `below` under the lowest target to `above` the highest."""
    low, high = min(targets) - below, max(targets) + above
    return [low + step * number for number in range(int((high - low) / step) + 1)]
