"""Search for the settings of a peer that lie around a PSNR, and its bytes at that PSNR.

Settings of a series go from coarse to fine, so halving the series finds the two neighbours of a
PSNR with few files; a third setting is interpolated between them, which comes close to the PSNR.
The bytes lie on the line through those of all series, as in `bench_volumes`.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from dataclasses import dataclass

from peers import Setting
from rate_distortion.curves import pareto
from rate_distortion.sweep import quality
from sources.source import Sample

from speed.contenders import Contender

_WHOLE_NUMBERS = ("precision", "level")
# Series whose bytes differ by less are equally good: the fastest is timed.
_EQUALLY_SMALL = 1.01


@dataclass(frozen=True)
class Trial:
    """File of a peer, and seconds of the only run.

    Attributes:
        setting: setting that the peer was called with.
        bytes: bytes of the file with those of the mask.
        psnr_db: PSNR over the valid samples, infinite where nothing differs.
        encode_s: seconds of encoding.
    """

    setting: Setting
    bytes: int
    psnr_db: float
    encode_s: float


class Search:
    """Files of one peer for one sample, each made once."""

    def __init__(self, contender: Contender, sample: Sample, targets: list[float]) -> None:
        self._contender, self._sample = contender, sample
        self._series: dict[str, list[Setting]] = {}
        for setting in contender.peer.settings(contender.values, targets):
            self._series.setdefault(setting.series, []).append(setting)
        self._trials: dict[Setting, Trial | None] = {}

    def bytes_at(self, psnr: float) -> float:
        """Bytes at a PSNR in dB on the line through all files; infinite if none is so good."""
        for settings in self._series.values():
            self._around(settings, psnr)
        return _bytes_at([trial for trial in self._trials.values() if trial], psnr)

    def nearest(self, psnr: float) -> Trial | None:
        """File nearest to a PSNR in dB, of the fastest among the series with the fewest bytes."""
        neighbours = [self._around(settings, psnr) for settings in self._series.values()]
        trials_of_series = [trials for trials in neighbours if trials]
        if not trials_of_series:
            return None
        most = _EQUALLY_SMALL * min(_bytes_at(trials, psnr) for trials in trials_of_series)
        small = [
            min(trials, key=lambda trial: abs(trial.psnr_db - psnr))
            for trials in trials_of_series
            if _bytes_at(trials, psnr) <= most
        ]
        return min(small, key=lambda trial: trial.encode_s)

    def _around(self, settings: list[Setting], psnr: float) -> list[Trial]:
        """Files of a series around a PSNR: the last below, one between, the first that reaches."""
        low, high = 0, len(settings)
        while low < high:
            middle = (low + high) // 2
            trial = self._trial(settings[middle])
            # A peer that refuses a setting does so at the coarse end.
            if trial is None or trial.psnr_db < psnr:
                low = middle + 1
            else:
                high = middle
        neighbours = [self._trial(setting) for setting in settings[max(0, low - 1) : low + 1]]
        trials = [trial for trial in neighbours if trial]
        if len(trials) == 2 and trials[0].setting.mode not in _WHOLE_NUMBERS:
            trials.append(self._trial(_between(trials[0], trials[1], psnr)) or trials[-1])
        return trials

    def _trial(self, setting: Setting) -> Trial | None:
        if setting not in self._trials:
            self._trials[setting] = self._measured(setting)
        return self._trials[setting]

    def _measured(self, setting: Setting) -> Trial | None:
        peer, values = self._contender.peer, self._contender.values
        started = time.perf_counter()
        try:
            data = peer.encode(values, setting)
            seconds = time.perf_counter() - started
            decoded = peer.decode(data, values.shape, setting)
        except Exception as error:  # noqa: BLE001 (a peer that refuses a setting has other settings)
            text = f"FAILED: {peer.name} {setting}: {type(error).__name__}: {error}"
            print(text, file=sys.stderr)
            return None
        psnr, _ = quality(self._sample, decoded, None)
        return Trial(setting, len(data) + self._contender.charged, psnr, seconds)


def _between(coarse: Trial, fine: Trial, psnr: float) -> Setting:
    """Setting that reaches a PSNR if that is linear in the logarithm of the setting."""
    extent = fine.psnr_db - coarse.psnr_db
    share = (psnr - coarse.psnr_db) / extent if 0 < extent < math.inf else 0.5
    ratio = fine.setting.value / coarse.setting.value
    value = coarse.setting.value * ratio ** min(max(share, 0.0), 1.0)
    return dataclasses.replace(coarse.setting, value=value)


def _bytes_at(trials: list[Trial], psnr: float) -> float:
    """Bytes at a PSNR: interpolated, or those of a lossless file if they are fewer."""
    front = pareto(trials)
    lossless = [float(trial.bytes) for trial in trials if math.isinf(trial.psnr_db)]
    return min([math.inf if front is None else front.bytes_at(psnr), *lossless])
