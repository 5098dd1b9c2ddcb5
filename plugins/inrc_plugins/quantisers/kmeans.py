"""Quantiser `kmeans`: a codebook of centres per tensor.

As LFGC (seed 001: 256 centres for each level of the grid and each middle layer) and neurcomp (Lu
et al., Compressive Neural Representations of Volumetric Scalar Fields, 2021: 2^9 for middle
layers) do. Unlike there, pruned entries have no centre and take no part, tensors with too few
entries for a codebook have steps (`stepped`), as vectors do, and indices are entropy-coded around
the centre nearest to 0. Without a number of bits, each tensor has as many centres as its range
holds of the steps that `uniform` would take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import Int64Array
from codec.format.headers import Quantisation
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import QuantisingPhase
from inrc_plugins.quantisers.lloyd import centres_of
from inrc_plugins.quantisers.nearest import NearestPhase
from inrc_plugins.quantisers.stepped import Steps, refuse_one_bit, round_step

_MOST_CENTRES = 1 << 12
_LEAST_CENTRES = 2
# Entries per centre below which a codebook costs more than it saves.
_ENTRIES_PER_CENTRE = 4
_LARGEST_ENTRY = 32767


@dataclass(frozen=True)
class KMeansSettings:
    """Size of the codebooks, and who has one."""

    bits: int = setting(
        0, "2^bits centres, 2 to 12 (LFGC: 8, neurcomp: 9); 0: by rate control", low=0, high=12
    )
    middle_only: bool = setting(
        False, "codebooks only for what lies between the first and the last matrix (neurcomp)"
    )

    def __post_init__(self) -> None:
        refuse_one_bit(self.bits)


class KMeans:
    """Codebooks of k-means centres."""

    name = "kmeans"
    summary = "a codebook of k-means centres per tensor, by rate or of a number of bits"
    settings = KMeansSettings

    def __init__(self, settings: KMeansSettings | None = None) -> None:
        self._settings = settings or KMeansSettings()
        self._steps = Steps(per_channel=False, bits=0)
        self.adjustable = self._settings.bits == 0

    def configured(self, settings: KMeansSettings) -> KMeans:
        return KMeans(settings)

    def steps(
        self,
        tensors: Mapping[str, torch.Tensor],
        sensitivity: Mapping[str, torch.Tensor],
        coarseness: float,
        coded: Mapping[str, torch.Tensor],
    ) -> dict[str, Quantisation]:
        quantisations = self._steps.choose(tensors, sensitivity, coarseness, coded)
        for name in self._with_codebook(tensors):
            tensor, keep = tensors[name], coded.get(name)
            chosen = tensor if keep is None else tensor[keep]
            values = chosen.detach().double().cpu().numpy().ravel()
            count = self._count(values, quantisations[name].steps[0])
            if count >= _LEAST_CENTRES:
                quantisations[name] = codebook(centres_of(values, count))
        return quantisations

    def _with_codebook(self, tensors: Mapping[str, torch.Tensor]) -> list[str]:
        names = [name for name, tensor in tensors.items() if tensor.ndim > 1]
        return names[1:-1] if self._settings.middle_only else names

    def _count(self, values: np.ndarray, step: float) -> int:
        most = min(_MOST_CENTRES, len(values) // _ENTRIES_PER_CENTRE)
        if self._settings.bits:
            return min(most, 1 << self._settings.bits)
        spread = float(np.ptp(values)) if len(values) else 0.0
        return int(min(most, round(spread / step) + 1))

    def quantise(self, tensor: torch.Tensor, quantisation: Quantisation) -> Int64Array:
        if not quantisation.codebook:
            return self._steps.integers(tensor, quantisation)
        nearest = _nearest(tensor.detach().cpu(), quantisation)
        return np.asarray(nearest.numpy() + quantisation.first, dtype=np.int64)

    def straight_through(self, tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
        if not quantisation.codebook:
            return self._steps.straight_through(tensor, quantisation)
        centres = torch.from_numpy(quantisation.centres()).to(tensor.device)
        restored = centres[_nearest(tensor.detach(), quantisation)]
        return tensor + (restored - tensor).detach()

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        return (NearestPhase(steps, self.straight_through),)


def codebook(centres: np.ndarray) -> Quantisation:
    """The centres (ascending) as 16-bit integers, indexed from the one nearest to 0."""
    greatest = float(np.abs(centres).max())
    # A step of few digits must not push the greatest centre out of 16 bits.
    step = round_step(max(greatest, 1e-30) / _LARGEST_ENTRY * (1 + 2.0**-10))
    entries = np.unique(np.rint(centres / step).astype(np.int64))
    nearest_zero = int(np.argmin(np.abs(entries)))
    return Quantisation((step,), codebook=tuple(entries.tolist()), first=-nearest_zero)


def _nearest(tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
    """Index of the nearest centre (of two at the same distance the lower)."""
    centres = torch.from_numpy(quantisation.centres()).to(tensor.device)
    edges = (centres[1:].double() + centres[:-1].double()) / 2
    return torch.searchsorted(edges, tensor.double().contiguous())
