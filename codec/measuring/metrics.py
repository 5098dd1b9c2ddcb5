"""Error measures."""

from __future__ import annotations

import math


def peak_signal_to_noise(error: float, peak: float = 2.0) -> float:
    """PSNR in dB of a mean squared error; infinite for 0. Normalised values have peak 2."""
    return 20 * math.log10(peak) - 10 * math.log10(error) if error > 0 else math.inf


def mean_squared_error(psnr: float, peak: float = 2.0) -> float:
    """The mean squared error that gives `psnr`."""
    return float(peak**2 * 10 ** (-psnr / 10))
