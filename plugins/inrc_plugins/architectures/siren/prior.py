"""Priors of `siren`: where they are, and what fits them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from codec.arrays import Float32Array
from codec.errors import CorruptError, UnsupportedError
from codec.format.prior_file import Prior
from codec.plugin_api.models import TensorSpec
from codec.plugin_api.prior_lookup import SUFFIX, find_prior
from inrc_plugins.architectures.siren.config import SirenConfig

IDENTIFIER, VERSION = 7, 1


def packaged() -> list[Path]:
    """Priors that come with the software."""
    return sorted((Path(__file__).parent / "priors").glob(f"*{SUFFIX}"))


def named(text: str) -> str | Path:
    """The packaged prior called so, unless there is such a file: "photos-32", for example."""
    for path in packaged():
        if path.stem == text and not Path(text).exists():
            return path
    return text


def config_of(prior: Prior) -> SirenConfig:
    """The network of a prior.

    Raises:
        CorruptError, UnsupportedError: it is not one of this architecture, or has not as many
            numbers as its config says.
    """
    if (prior.architecture, prior.version) != (IDENTIFIER, VERSION):
        raise CorruptError("the prior is of another architecture")
    config = SirenConfig.from_map(prior.config, (2,) * prior.axes)
    if config.prior is not None:
        raise CorruptError("the prior itself names a prior")
    if len(prior.values) != config.parameters(prior.components):
        raise CorruptError("the prior has not as many numbers as its config says")
    return config


def _is_of(prior: Prior, config: SirenConfig) -> bool:
    """Whether a prior is of a network; what nobody here knows is not (PRIOR-4)."""
    try:
        return config_of(prior) == config
    except UnsupportedError:
        return False


def split(prior: Prior, specs: tuple[TensorSpec, ...]) -> list[Float32Array]:
    """The tensors of a prior."""
    ends = np.cumsum([math.prod(spec.shape) for spec in specs])
    parts = np.split(prior.values, ends[:-1])
    return [part.reshape(spec.shape) for part, spec in zip(parts, specs, strict=True)]


def restored(
    config: SirenConfig, components: int, differences: list[Float32Array]
) -> list[Float32Array]:
    """The parameters of a network: the item's own, or the prior's plus the item's differences.

    Raises:
        UnsupportedError: the prior is not here.
        CorruptError: it is not one for this item, or a sum is not finite.
    """
    if config.prior is None:
        return differences
    prior = find_prior(config.prior, packaged())
    if prior.components != components or not _is_of(prior, config.without_prior()):
        raise CorruptError("the prior is not one for this network", section="ITEM")
    origin = split(prior, config.tensors(components))
    with np.errstate(over="ignore"):
        sums = [start + added for start, added in zip(origin, differences, strict=True)]
    if not all(np.isfinite(tensor).all() for tensor in sums):
        raise CorruptError("a parameter is not finite", section="ITEM")
    return sums
