"""Research systems: the plugins that stand for each of them, and its own way of storing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from research_systems import storage_schemes as schemes
from research_systems.storage_schemes import Scheme, Tensor

Judge = Callable[[Sequence[Tensor]], float]


@dataclass(frozen=True)
class System:
    """Research system.

    Attributes:
        name: name in the table.
        arch, prune: names of the plugins that fit the parameters.
        settings: settings of these plugins.
        scheme: function that makes the system's storage scheme; its argument gives the PSNR that
            tensors decode to.
        target: most bytes of ours over those of the source; None where nothing is promised.
    """

    name: str
    arch: str
    prune: str
    settings: dict[str, Any]
    scheme: Callable[[Judge], Scheme]
    target: float | None


# Grids stay as they were fitted: an arrangement for our coder would help SZ3 as well.
_AS_FITTED = {"arch.arranged": False}
_HALF_PRUNED_WAVELETS = {"arch.basis": "wavelet", "prune.sparsity": 0.5}


def _whatever_the_psnr(scheme: Scheme) -> Callable[[Judge], Scheme]:
    """Scheme that does not look at the PSNR it leaves."""
    return lambda _: scheme


SYSTEMS = (
    System(
        name="fV-SRN (8-bit grid, fp16 network)",
        arch="fvsrn",
        prune="none",
        settings={},
        scheme=_whatever_the_psnr(schemes.volnet),
        target=None,
    ),
    System(
        name="LFGC (k-means, raw mask)",
        arch="fvsrn",
        prune="smallify",
        settings=_HALF_PRUNED_WAVELETS,
        scheme=_whatever_the_psnr(schemes.lfgc),
        target=0.5,
    ),
    System(
        name="neurcomp (9-bit k-means)",
        arch="neurcomp",
        prune="none",
        settings={},
        scheme=_whatever_the_psnr(schemes.neurcomp),
        target=None,
    ),
    System(
        name="APMGSRN (float32)",
        arch="amgsrn",
        prune="none",
        settings=_AS_FITTED,
        scheme=_whatever_the_psnr(schemes.float32),
        target=0.5,
    ),
    System(
        name="AMGSRN++ (SZ3, zip)",
        arch="amgsrn",
        prune="none",
        settings=_AS_FITTED,
        scheme=schemes.sz3_and_zip,
        target=0.5,
    ),
    System(
        name="MINER (float32)",
        arch="miner",
        prune="none",
        settings={},
        scheme=_whatever_the_psnr(schemes.float32),
        target=0.5,
    ),
    System(
        name="SIREN (8 bit, static)",
        arch="siren",
        prune="none",
        settings={},
        scheme=_whatever_the_psnr(schemes.static_coding),
        target=0.9,
    ),
)
