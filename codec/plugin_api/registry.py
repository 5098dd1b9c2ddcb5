"""Finding plugins: a static table of built-ins, then entry points of the group `inrc.plugins`.

A plugin's module is imported when it is first used. A built-in is never replaced by an entry point,
nothing a file says names code, and a third-party plugin that fails to import is a warning.

An entry point is named `<kind>.<name>`, for example `architecture.mynet`, and loads a class without
arguments that satisfies the protocol of its kind in `codec.plugin_api.architecture`.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from codec.errors import InvalidOptionError, MissingDependencyError, UnsupportedError
from codec.options.plugin_settings import (
    ARCHITECTURE,
    PRUNER,
    QUANTISER,
    Setting,
    Texts,
    configured,
    space,
)
from codec.plugin_api.architecture import Architecture
from codec.plugin_api.stages import Pruner, Quantiser
from codec.reports import PluginInfo

ENTRY_POINT_GROUP = "inrc.plugins"
KINDS = ("architecture", "pruner", "quantiser")
NO_PRUNER = "none"

_log = logging.getLogger("inrc")


@dataclass(frozen=True)
class _Row:
    kind: str
    name: str
    target: str
    summary: str
    identifier: int | None = None
    version: int | None = None


# What a row says of its plugin is repeated from it (a test compares), so that listing plugins
# imports none of them, and so not torch.
_BUILT_IN = (
    _Row(
        "architecture",
        "constant",
        "inrc_plugins.architectures.constant:Constant",
        "one value for the whole field; chosen by itself where it fits",
        0,
        1,
    ),
    _Row(
        "architecture",
        "fvsrn",
        "inrc_plugins.architectures.fvsrn.architecture:Fvsrn",
        "latent grid, Fourier features and a small SnakeAlt network (fV-SRN)",
        1,
        1,
    ),
    _Row(
        "architecture",
        "pyramid",
        "inrc_plugins.architectures.pyramid.architecture:Pyramid",
        "wavelets and learned bases per axis, context-mixed coefficients (the default)",
        2,
        1,
    ),
    _Row(
        "architecture",
        "shell",
        "inrc_plugins.architectures.shell.architecture:Shell",
        "signed distances near a surface, an octree of spline coefficients (for meshes)",
        3,
        1,
    ),
    _Row(
        "architecture",
        "neurcomp",
        "inrc_plugins.architectures.neurcomp.architecture:Neurcomp",
        "one network of sines with residual blocks over the coordinates (neurcomp)",
        4,
        1,
    ),
    _Row(
        "architecture",
        "amgsrn",
        "inrc_plugins.architectures.amgsrn.architecture:Amgsrn",
        "latent grids placed where the error is, a small ReLU network (AMGSRN++)",
        5,
        1,
    ),
    _Row(
        "architecture",
        "miner",
        "inrc_plugins.architectures.miner.architecture:Miner",
        "Laplacian pyramid of small networks, one per block that needs one (MINER)",
        6,
        1,
    ),
    _Row(
        "architecture",
        "siren",
        "inrc_plugins.architectures.siren.architecture:Siren",
        "a network of sines on encoded coordinates, meta-learnt or not (SIREN codec)",
        7,
        1,
    ),
    _Row(
        "architecture",
        "hashgrid",
        "inrc_plugins.architectures.hashgrid.architecture:Hashgrid",
        "multiresolution hash encoding and a small ReLU network (instant-ngp)",
        8,
        1,
    ),
    _Row(
        "pruner",
        "binary-mask",
        "inrc_plugins.pruners.binary_mask:BinaryMask",
        "learned 0/1 gates per grid position, shared by its features (straight-through)",
    ),
    _Row(
        "pruner",
        "magnitude",
        "inrc_plugins.pruners.magnitude:Magnitude",
        "smallest entries to a given sparsity or by rate, on a cubic schedule",
    ),
    _Row(
        "pruner",
        "smallify",
        "inrc_plugins.pruners.smallify:Smallify",
        "gates under an L1 penalty, closed where their sign keeps changing (Smallify)",
    ),
    _Row(
        "pruner",
        "taylor",
        "inrc_plugins.pruners.taylor:Taylor",
        "removes whole units by Taylor saliency and exact ablation (oracle rank)",
    ),
    _Row(
        "pruner",
        "variational",
        "inrc_plugins.pruners.variational:Variational",
        "gates with learned noise, closed where the drop rate is high (variational dropout)",
    ),
    _Row(
        "quantiser",
        "uniform",
        "inrc_plugins.quantisers.uniform:Uniform",
        "steps per tensor or channel, calibrated or of a number of bits, rounding to nearest",
    ),
    _Row(
        "quantiser",
        "adaround",
        "inrc_plugins.quantisers.adaround:AdaRound",
        "uniform steps, rounding learned layer by layer (AdaRound), then finetuned",
    ),
    _Row(
        "quantiser",
        "kmeans",
        "inrc_plugins.quantisers.kmeans:KMeans",
        "a codebook of k-means centres per tensor, by rate or of a number of bits",
    ),
    _Row(
        "quantiser",
        "qat",
        "inrc_plugins.quantisers.qat:Qat",
        "uniform steps, finetuned with the rate of the integers in the loss",
    ),
)
_PROTOCOLS: dict[str, Any] = {
    "architecture": Architecture,
    "pruner": Pruner,
    "quantiser": Quantiser,
}


@cache
def _load_built_in(row: _Row) -> Any:
    module, _, attribute = row.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "torch":
            raise
        raise MissingDependencyError.without_torch(f"the {row.kind} {row.name}") from error


def _third_party() -> list[EntryPoint]:
    built_in = {f"{row.kind}.{row.name}" for row in _BUILT_IN}
    found = [
        entry
        for entry in entry_points(group=ENTRY_POINT_GROUP)
        if entry.name not in built_in and entry.name.partition(".")[0] in KINDS
    ]
    return sorted(found, key=lambda entry: entry.name)


def _load_third_party(entry: EntryPoint) -> Any | None:
    kind = entry.name.partition(".")[0]
    try:
        plugin = entry.load()()
    except Exception as error:  # noqa: BLE001 - a stranger's import can fail in any way
        _log.warning("plugin %s (%s) failed to load: %s", entry.name, entry.value, error)
        return None
    if not isinstance(plugin, _PROTOCOLS[kind]):
        _log.warning("plugin %s (%s) is not a %s", entry.name, entry.value, kind)
        return None
    return plugin


def _by_name(kind: str, name: str) -> Any:
    for row in _BUILT_IN:
        if (row.kind, row.name) == (kind, name):
            return _load_built_in(row)
    for entry in _third_party():
        if entry.name == f"{kind}.{name}" and (plugin := _load_third_party(entry)) is not None:
            return plugin
    raise _unknown(kind, name)


def _unknown(kind: str, name: str) -> InvalidOptionError:
    known = ", ".join(names(kind))
    return InvalidOptionError(f"no {kind} is called {name!r}; there are: {known}")


def check_names(pruner: str, quantiser: str) -> None:
    """Refuse names of plugins that do not exist, without importing any.

    Raises:
        InvalidOptionError: there is none of that name; the message lists those there are.
    """
    if pruner != NO_PRUNER and pruner not in names("pruner"):
        raise _unknown("pruner", pruner)
    if quantiser not in names("quantiser"):
        raise _unknown("quantiser", quantiser)


def names(kind: str) -> list[str]:
    """Names that options of this kind take, without importing any plugin."""
    built_in = [row.name for row in _BUILT_IN if row.kind == kind]
    others = [
        entry.name.partition(".")[2] for entry in _third_party() if entry.name.startswith(kind)
    ]
    return built_in + others


def architecture(name: str) -> Architecture:
    """The architecture called `name`.

    Raises:
        InvalidOptionError: there is none; the message lists those there are.
    """
    return cast(Architecture, _by_name("architecture", name))


def architecture_by_identifier(identifier: int, version: int) -> Architecture:
    """The architecture that a file names by number.

    Raises:
        UnsupportedError: none at hand has the number and at least the version.
    """
    plugin: Architecture | None = None
    for row in _BUILT_IN:
        if row.kind == "architecture" and row.identifier == identifier:
            plugin = _load_built_in(row)
    if plugin is None:
        for entry in _third_party():
            if entry.name.startswith("architecture."):
                candidate = _load_third_party(entry)
                if candidate is not None and candidate.identifier == identifier:
                    plugin = candidate
    if plugin is None or not 1 <= version <= plugin.version:
        raise UnsupportedError(
            f"no plugin here decodes architecture {identifier} version {version}", section="ITEM"
        )
    return plugin


def pruner(name: str, settings: Texts = ()) -> Pruner | None:
    """The pruner called `name` with its settings, None for "none".

    Raises:
        InvalidOptionError: there is none, or it has no such setting.
    """
    if name == NO_PRUNER:
        return None
    plugin = cast(Pruner, _by_name("pruner", name))
    return plugin.configured(configured(plugin.settings, PRUNER, f"pruner {name}", settings))


def quantiser(name: str, settings: Texts = ()) -> Quantiser:
    """The quantiser called `name` with its settings.

    Raises:
        InvalidOptionError: there is none, or it has no such setting.
    """
    plugin = cast(Quantiser, _by_name("quantiser", name))
    return plugin.configured(configured(plugin.settings, QUANTISER, f"quantiser {name}", settings))


def settings_of(name: str) -> tuple[Setting, ...]:
    """The settings of the plugin called `name`, of whatever kind, "group.name" each.

    Raises:
        InvalidOptionError: no plugin is called so.
    """
    groups = {"architecture": ARCHITECTURE, "pruner": PRUNER, "quantiser": QUANTISER}
    for kind, group in groups.items():
        if name in names(kind):
            settings = space(_by_name(kind, name).settings)
            return tuple(replace(one, name=f"{group}.{one.name}") for one in settings)
    known = ", ".join(one for kind in KINDS for one in names(kind))
    raise InvalidOptionError(f"no plugin is called {name!r}; there are: {known}")


def list_plugins() -> tuple[PluginInfo, ...]:
    """All plugins that load, built-ins first."""
    rows = [
        PluginInfo(row.kind, row.name, row.identifier, row.version, "built in", row.summary)
        for row in _BUILT_IN
    ]
    for entry in _third_party():
        plugin = _load_third_party(entry)
        if plugin is not None:
            kind, _, name = entry.name.partition(".")
            origin = entry.dist.name if entry.dist is not None else entry.value
            rows.append(_describe(kind, name, plugin, origin))
    return tuple(rows)


def _describe(kind: str, name: str, plugin: Any, origin: str) -> PluginInfo:
    return PluginInfo(
        kind,
        name,
        getattr(plugin, "identifier", None),
        getattr(plugin, "version", None),
        origin,
        plugin.summary,
    )
