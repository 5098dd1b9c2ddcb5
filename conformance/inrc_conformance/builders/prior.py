"""Files of priors, right or deliberately wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .file import File, cbor
from .network import Siren
from .streams import uleb

SIGNATURE = bytes.fromhex("89494E500D0A1A0A")
_SIZES = {6: "<f2", 7: "<f4"}


def prior_file(
    core: bytes,
    ancillary: bytes = b"\xa0",
    version: int = 1,
    signature: bytes = SIGNATURE,
    digest: bytes | None = None,
) -> bytes:
    """Write a prior from its parts; its digest is the right one if none is given."""
    out = signature + bytes([version]) + uleb(len(core)) + core + uleb(len(ancillary)) + ancillary
    return out + (hashlib.sha256(out).digest() if digest is None else digest)


def prior_name(core: bytes) -> bytes:
    """Return the name of a prior."""
    return hashlib.sha256(core).digest()[:16]


@dataclass
class Learnt:
    """A prior of a model of architecture 7, with pseudo-random numbers."""

    model: Siren
    dtype: int = 7
    seed: int = 900
    changes: dict[Any, Any] = field(default_factory=dict)
    """Entries of the core that replace the right ones; None leaves a key out."""
    values: Sequence[float] | None = None

    def numbers(self) -> list[float]:
        """Return the numbers in coding order."""
        if self.values is not None:
            return list(self.values)
        extra = {key: value for key, value in self.model.extra.items() if key != 4}
        learnt = replace(self.model, seed=self.seed, gain=1.0, extra=extra)
        integers, out = iter(learnt.integers()), list[float]()
        for step, count in zip(learnt.steps(), learnt.counts(), strict=True):
            out += [step * (next(integers) + 1 / 3) for _ in range(count)]
        return out

    def data(self) -> bytes:
        """Return the numbers as bytes."""
        return np.array(self.numbers()).astype(_SIZES[self.dtype]).tobytes()

    def core(self) -> bytes:
        """Return the core."""
        config = {k: v for k, v in self.model.config().items() if k != 4}
        core: dict[Any, Any] = {
            0: [7, 1],
            1: config,
            2: len(self.model.active),
            3: len(self.model.components),
            4: self.dtype,
            5: self.data(),
        }
        core |= self.changes
        return cbor({key: value for key, value in core.items() if value is not None})

    def item(self) -> Siren:
        """Return the model that names this prior; its differences are small."""
        extra = self.model.extra | {4: prior_name(self.core())}
        return replace(self.model, extra=extra, gain=self.model.gain / 4)

    def using(self, **changes: Any) -> File:
        """Return a file with an item that names this prior."""
        return self.item().file(**changes)
