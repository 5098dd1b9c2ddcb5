"""Finding plugins: those of the table of built-ins, then entry points of group `inrc.plugins`.

A plugin's module is imported when it is first used. A built-in is never replaced by an entry point,
nothing a file says names code, and a third-party plugin that fails to import is a warning.

An entry point is named `<kind>.<name>`, for example `architecture.mynet`, and loads a class without
arguments that satisfies the protocol of its kind in `codec.plugin_api`.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

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
from codec.plugin_api.built_in_plugins import BUILT_IN, BuiltInPlugin
from codec.plugin_api.stages import Pruner, Quantiser
from codec.reports import PluginInfo

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "inrc.plugins"
KINDS = ("architecture", "pruner", "quantiser")
NO_PRUNER = "none"

_log = logging.getLogger("inrc")


_PROTOCOLS: dict[str, Any] = {
    "architecture": Architecture,
    "pruner": Pruner,
    "quantiser": Quantiser,
}


@cache
def _load_built_in(row: BuiltInPlugin) -> Any:
    module, _, attribute = row.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "torch":
            raise
        raise MissingDependencyError.without_torch(f"the {row.kind} {row.name}") from error


def _third_party() -> list[EntryPoint]:
    # Reading what is installed takes a tenth of a second, and most runs name built-ins alone.
    from importlib.metadata import entry_points

    built_in = {f"{row.kind}.{row.name}" for row in BUILT_IN}
    entries = [
        entry
        for entry in entry_points(group=ENTRY_POINT_GROUP)
        if entry.name not in built_in and entry.name.partition(".")[0] in KINDS
    ]
    return sorted(entries, key=lambda entry: entry.name)


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
    for row in BUILT_IN:
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
    if pruner != NO_PRUNER and not _exists("pruner", pruner):
        raise _unknown("pruner", pruner)
    if not _exists("quantiser", quantiser):
        raise _unknown("quantiser", quantiser)


def _exists(kind: str, name: str) -> bool:
    return any((row.kind, row.name) == (kind, name) for row in BUILT_IN) or name in names(kind)


def names(kind: str) -> list[str]:
    """Names that options of this kind take, without importing any plugin."""
    built_in = [row.name for row in BUILT_IN if row.kind == kind]
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
    for row in BUILT_IN:
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
            return tuple(replace(entry, name=f"{group}.{entry.name}") for entry in settings)
    known = ", ".join(plugin for kind in KINDS for plugin in names(kind))
    raise InvalidOptionError(f"no plugin is called {name!r}; there are: {known}")


def list_plugins() -> tuple[PluginInfo, ...]:
    """All plugins that load, built-ins first."""
    rows = [
        PluginInfo(row.kind, row.name, row.identifier, row.version, "built in", row.summary)
        for row in BUILT_IN
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
