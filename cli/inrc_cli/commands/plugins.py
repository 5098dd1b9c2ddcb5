"""`inrc plugins`."""

from __future__ import annotations

import dataclasses

import click

import codec
from inrc_cli import failures, shared_options, tables


@click.group()
def plugins() -> None:
    """Show the plugins that are installed, and their settings."""


@plugins.command("list")
@shared_options.json_option
def list_all(as_json: bool) -> None:
    """List all plugins: their names, their numbers in files and where they come from."""
    installed = codec.plugins()
    if as_json:
        tables.show_json([dataclasses.asdict(plugin) for plugin in installed])
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
            for plugin in installed
        ),
    )


@plugins.command("show")
@click.argument("name", metavar="NAME")
@shared_options.json_option
def show(name: str, as_json: bool) -> None:
    """List the settings of the plugin NAME, for --set."""
    with failures.checking_options():
        settings = codec.plugin_settings(name)
    if as_json:
        tables.show_json([dataclasses.asdict(setting) for setting in settings])
        return
    if not settings:
        tables.show_line(f"{name} has no settings")
        return
    tables.show_table(
        ("setting", "default", "values", "meaning"),
        map(_setting_row, settings),
    )


def _setting_row(setting: codec.Setting) -> tuple[str, ...]:
    return setting.name, _plain(setting.default), _values(setting), setting.about


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "-"


def _values(setting: codec.Setting) -> str:
    if setting.choices:
        return ", ".join(setting.choices)
    if isinstance(setting.default, bool):
        return "true, false"
    if setting.low is None and setting.high is None:
        return ""
    low = "" if setting.low is None else f"{setting.low:g}"
    return f"{low} ..." if setting.high is None else f"{low} ... {setting.high:g}"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
