"""`inrc plugins`."""

from __future__ import annotations

import dataclasses

import click

import codec
from inrc_cli import arguments, tables


@click.group()
def plugins() -> None:
    """Architectures, pruners and quantisers at hand."""


@plugins.command("list")
@arguments.json_option
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


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
