"""`inrc plugins`."""

from __future__ import annotations

import dataclasses

import click

import codec
from inrc_cli import failures, shared_options, tables


@click.group()
def plugins() -> None:
    """Architectures, pruners and quantisers at hand."""


@plugins.command("list")
@shared_options.json_option
def list_all(as_json: bool) -> None:
    """List all plugins: their names, their numbers in files and where they come from."""
    found = codec.plugins()
    if as_json:
        tables.show_json([dataclasses.asdict(plugin) for plugin in found])
        return
    tables.show_table(
        ("kind", "name", ">id", ">version", "origin", "summary"),
        (
            (
                plugin.kind,
                plugin.name,
                _number(plugin.identifier),
                _number(plugin.version),
                plugin.origin,
                plugin.summary,
            )
            for plugin in found
        ),
    )


@plugins.command("show")
@click.argument("name", metavar="NAME")
@shared_options.json_option
def show(name: str, as_json: bool) -> None:
    """List the settings of the plugin NAME, for --set."""
    with failures.checking_options():
        found = codec.plugin_settings(name)
    if as_json:
        tables.show_json([dataclasses.asdict(one) for one in found])
        return
    if not found:
        tables.show_line(f"{name} has no settings")
        return
    tables.show_table(
        ("setting", "default", "values", "meaning"),
        ((one.name, _plain(one.default), _values(one), one.about) for one in found),
    )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "-"


def _values(one: codec.Setting) -> str:
    if one.choices:
        return ", ".join(one.choices)
    if isinstance(one.default, bool):
        return "true, false"
    if one.low is None and one.high is None:
        return ""
    low = "" if one.low is None else f"{one.low:g}"
    return f"{low} ..." if one.high is None else f"{low} ... {one.high:g}"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
