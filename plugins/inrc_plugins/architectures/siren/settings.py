"""Settings of `siren` that `--set arch.NAME=VALUE` takes, and their defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codec.errors import InvalidOptionError
from codec.options.plugin_settings import setting
from inrc_plugins.architectures.siren.config import (
    ENCODINGS,
    GAUSS,
    MLP,
    NERF,
    OMEGA,
    POSITIONAL,
    Encoding,
    SirenConfig,
    too_fast,
)

_NERF_BASE, _OTHER_SCALE = 1.4, 6.0
_MOST_NERF_FEATURES = 16
# Value of the source's images. Four times as much leaves a fit of 1,200 steps 6 dB behind; a fifth,
# as the source has it for shapes, one of 600 steps 5 dB.
_RATE = 5e-4
_PRICE = 1e-5
# Samples of a step by default: few enough for a CPU.
_BATCH = 1 << 15


@dataclass(frozen=True)
class SirenSettings:
    """Settings of the network and its float fit; values of the source are the defaults."""

    width: int = setting(0, "units per layer, 0 as the target says", low=0, high=4096)
    layers: int = setting(3, "hidden matrices", low=0, high=64)
    encoding: str = setting("nerf", "of the coordinates", choices=ENCODINGS)
    features: int = setting(
        0,
        "frequencies of the encoding, 0: nerf at most 16, positional width / 2, gauss width",
        low=0,
        high=1024,
    )
    base: float = setting(
        0.0, "base of the frequencies, or their scale, 0: nerf 1.4, others 6", low=0, high=65536
    )
    omega: int = setting(OMEGA, "factor inside the sines", low=1, high=1024)
    rate: float = setting(_RATE, "learning rate", low=1e-8, high=1, logarithmic=True)
    l1: float = setting(
        -1.0, "price of the sum of magnitudes of all parameters, -1: 1e-5, of shapes 0", low=-1
    )
    batch: int = setting(
        -1,
        "samples a step, 0 for all, -1 for all up to 32768 and else 32768, of shapes 10000",
        low=-1,
    )
    patience: int = setting(0, "steps without gain before the rate halves, 0: steps / 50", low=0)
    stop: int = setting(0, "steps without gain before the fit ends, 0: steps / 5", low=0)
    prior: str = setting("", "learnt initialisation: a file of inrc meta-train, or photos-32")
    points: int = setting(100_000, "samples of a shape at a time", low=1000)
    sigma: float = setting(
        0.01, "deviation of samples near a surface, of half the diagonal", low=1e-6, high=1
    )

    def config(self, axes: int, width: int, longest: int, seed: int) -> SirenConfig:
        """The network of a width.

        Args:
            axes: active axes; longest: samples along the longest of them.

        Raises:
            InvalidOptionError: frequencies that the format does not allow.
        """
        return SirenConfig(
            axes, width, self.layers, self._encoding(width, longest, seed), self.omega
        )

    def _encoding(self, width: int, longest: int, seed: int) -> Encoding:
        kind = ENCODINGS.index(self.encoding)
        if kind == MLP:
            return Encoding(MLP)
        base = self.base or (_NERF_BASE if kind == NERF else _OTHER_SCALE)
        thousandths = max(1, round(1000 * base))
        features = (
            self.features
            or {
                NERF: _nerf_features(base, longest),
                POSITIONAL: max(1, width // 2),
                GAUSS: min(width, 1024),
            }[kind]
        )
        if kind == NERF and too_fast(features, thousandths):
            raise InvalidOptionError(
                f"arch.features={features} of arch.base={base:g}: frequencies end at 2^24; "
                "choose fewer, or a lower base"
            )
        return Encoding(kind, features, thousandths, seed if kind == GAUSS else 0)

    @property
    def samples(self) -> int:
        """Samples a step, 0 for all."""
        return _BATCH if self.batch < 0 else self.batch

    def magnitude_price(self, *, shape: bool) -> float:
        """Weight of the sum of magnitudes of all parameters."""
        if self.l1 >= 0:
            return self.l1
        return 0.0 if shape else _PRICE

    def patience_for(self, steps: int) -> int:
        """500 of the source's 25,000 steps."""
        return self.patience or max(10, steps // 50)

    def stop_for(self, steps: int) -> int:
        """5,000 of the source's 25,000 steps."""
        return self.stop or max(100, steps // 5)


def _nerf_features(base: float, longest: int) -> int:
    """Frequencies that the samples of the longest axis can hold, at most those of the source."""
    if base <= 1:
        return _MOST_NERF_FEATURES
    # sin(f pi p) has f periods on [-1, 1].
    held = 1 + int(math.log(max(longest / 2, 1)) / math.log(base))
    return min(max(held, 1), _MOST_NERF_FEATURES)
