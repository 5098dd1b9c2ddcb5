"""`--config run.toml`: options of a command from a file; the command line overrides them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from inrc_cli.failures import usage_error

GOALS = ("psnr", "ratio", "bytes", "max_error", "rel_error")
_SETTINGS = "set"


def apply(ctx: click.Context, param: click.Parameter, path: str | None) -> str | None:
    """Make the options in the file the defaults of the command."""
    if path is not None and not ctx.resilient_parsing:
        ctx.default_map = {**(ctx.default_map or {}), **_defaults(ctx.command, path)}
    return path


config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    is_eager=True,
    expose_value=False,
    callback=apply,
    help="Take options from a TOML file: psnr = 45, and settings under [set.arch] and the like.",
)


def goals_to_drop() -> tuple[str, ...]:
    """Goals of the file, where the command line has another goal."""
    ctx = click.get_current_context()
    sources = {name: ctx.get_parameter_source(name) for name in GOALS}
    if ParameterSource.COMMANDLINE not in sources.values():
        return ()
    return tuple(name for name, where in sources.items() if where is ParameterSource.DEFAULT_MAP)


def _defaults(command: click.Command, path: str) -> dict[str, Any]:
    options = {
        name.removeprefix("--").replace("-", "_"): option
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
        if name.startswith("--")
    }
    defaults: dict[str, Any] = {}
    for key, value in _read(path).items():
        option = options.get(key.replace("-", "_"))
        if option is None or option.name is None or not option.expose_value:
            known = ", ".join(sorted(name.replace("_", "-") for name in options))
            raise usage_error(f"{path}: {key!r} is no option of this command; there are: {known}")
        if key == _SETTINGS:
            value = _settings(path, value)
        defaults[option.name] = _value(path, key, option, value)
    return defaults


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise usage_error(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage_error(f"{path}: not a TOML file: {error}") from error


def _settings(path: str, tables: Any) -> list[str]:
    """Settings as the command line has them: [set.arch] width = 64 is arch.width=64."""
    if not isinstance(tables, Mapping) or not all(
        isinstance(table, Mapping) for table in tables.values()
    ):
        raise usage_error(f"{path}: write settings as [set.arch] and lines like width = 64")
    return [
        f"{group}.{name}={_plain(value)}"
        for group, table in tables.items()
        for name, value in table.items()
    ]


def _value(path: str, key: str, option: click.Option, value: Any) -> Any:
    if option.is_flag:
        if not isinstance(value, bool):
            raise usage_error(f"{path}: {key} is true or false")
        return value
    if isinstance(value, Mapping):
        raise usage_error(f"{path}: {key} is a value, not a table")
    if option.multiple:
        return (
            [_plain(element) for element in value] if isinstance(value, list) else [_plain(value)]
        )
    return _plain(value)


def _plain(value: Any) -> str:
    """Value as it would stand on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "x".join(map(str, value))
    return str(value)
