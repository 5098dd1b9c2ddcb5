"""Built-in plugins, in the order in which they are listed.

The table repeats what its plugins say of themselves, so that listing plugins imports none of them,
and so not PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltInPlugin:
    """A row of the table.

    Attributes:
        kind: "architecture", "pruner" or "quantiser".
        name: name that options take.
        target: module and class, as in an entry point.
        summary: a line for lists.
        identifier: number of an architecture in files; None for the other kinds.
        version: latest version of an architecture; None for the other kinds.
    """

    kind: str
    name: str
    target: str
    summary: str
    identifier: int | None = None
    version: int | None = None


def _architecture(identifier: int, name: str, target: str, summary: str) -> BuiltInPlugin:
    """A row of an architecture; its target is given within the package of architectures."""
    path = f"inrc_plugins.architectures.{target}"
    return BuiltInPlugin("architecture", name, path, summary, identifier, version=1)


def _stage(kind: str, name: str, target: str, summary: str) -> BuiltInPlugin:
    """A row of a pruner or quantiser; its target is given within the package of its kind."""
    return BuiltInPlugin(kind, name, f"inrc_plugins.{kind}s.{target}", summary)


BUILT_IN = (
    _architecture(
        0,
        "constant",
        "constant:Constant",
        "one value for the whole field; chosen by itself where it fits",
    ),
    _architecture(
        1,
        "fvsrn",
        "fvsrn.architecture:Fvsrn",
        "latent grid, Fourier features and a small SnakeAlt network (fV-SRN)",
    ),
    _architecture(
        2,
        "pyramid",
        "pyramid.architecture:Pyramid",
        "wavelets and learned bases per axis, coded by tables or mixing (the default)",
    ),
    _architecture(
        3,
        "shell",
        "shell.architecture:Shell",
        "signed distances near a surface, an octree of spline coefficients (for meshes)",
    ),
    _architecture(
        4,
        "neurcomp",
        "neurcomp.architecture:Neurcomp",
        "one network of sines with residual blocks over the coordinates (neurcomp)",
    ),
    _architecture(
        5,
        "amgsrn",
        "amgsrn.architecture:Amgsrn",
        "latent grids placed where the error is, a small ReLU network (AMGSRN++)",
    ),
    _architecture(
        6,
        "miner",
        "miner.architecture:Miner",
        "Laplacian pyramid of small networks, one per block that needs one (MINER)",
    ),
    _architecture(
        7,
        "siren",
        "siren.architecture:Siren",
        "a network of sines on encoded coordinates, meta-learnt or not (SIREN codec)",
    ),
    _architecture(
        8,
        "hashgrid",
        "hashgrid.architecture:Hashgrid",
        "multiresolution hash encoding and a small ReLU network (instant-ngp)",
    ),
    _stage(
        "pruner",
        "binary-mask",
        "binary_mask:BinaryMask",
        "learned 0/1 gates per grid position, shared by its features (straight-through)",
    ),
    _stage(
        "pruner",
        "magnitude",
        "magnitude:Magnitude",
        "smallest entries to a given sparsity or by rate, on a cubic schedule",
    ),
    _stage(
        "pruner",
        "smallify",
        "smallify:Smallify",
        "gates under an L1 penalty, closed where their sign keeps changing (Smallify)",
    ),
    _stage(
        "pruner",
        "taylor",
        "taylor:Taylor",
        "removes whole units by Taylor saliency and exact ablation (oracle rank)",
    ),
    _stage(
        "pruner",
        "variational",
        "variational:Variational",
        "gates with learned noise, closed where the drop rate is high (variational dropout)",
    ),
    _stage(
        "quantiser",
        "uniform",
        "uniform:Uniform",
        "steps per tensor or channel, calibrated or of a number of bits, rounding to nearest",
    ),
    _stage(
        "quantiser",
        "adaround",
        "adaround:AdaRound",
        "uniform steps, rounding learned layer by layer (AdaRound), then finetuned",
    ),
    _stage(
        "quantiser",
        "kmeans",
        "kmeans:KMeans",
        "a codebook of k-means centres per tensor, by rate or of a number of bits",
    ),
    _stage(
        "quantiser",
        "qat",
        "qat:Qat",
        "uniform steps, finetuned with the rate of the integers in the loss",
    ),
)
