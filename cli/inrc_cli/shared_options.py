"""Arguments and options that several commands share."""

from __future__ import annotations

import click

import codec
from codec.options.encode import DEVICES
from inrc_cli.defaults import default_of
from inrc_cli.parameter_types import NamesType, SettingType, TileType


def join_names(
    ctx: click.Context, param: click.Parameter, values: tuple[tuple[str, ...], ...]
) -> tuple[str, ...] | None:
    """Names of a repeatable option of lists as one list, None if it was not given."""
    return tuple(name for names in values for name in names) or None


input_argument = click.argument("source", metavar="INPUT", type=click.Path())
output_option = click.option(
    "-o", "--output", "target", metavar="OUT", type=click.Path(), help="File to write."
)
var_option = click.option(
    "--var",
    metavar="A,B",
    type=NamesType(),
    multiple=True,
    callback=join_names,
    help="Variables to take, no others; repeatable.",
)
prune_option = click.option(
    "--prune",
    metavar="NAME",
    default=default_of(codec.encode, "prune"),
    show_default=True,
    help='Pruner, or "none".',
)
quantise_option = click.option(
    "--quantise",
    metavar="NAME",
    default=default_of(codec.encode, "quantise"),
    show_default=True,
    help="Quantiser.",
)
coder_option = click.option(
    "--coder",
    metavar="NAME",
    default=default_of(codec.encode, "coder"),
    show_default=True,
    help="Entropy coder.",
)
_SEED = default_of(codec.encode, "seed")
seed_option = click.option(
    "--seed", metavar="N", type=int, default=_SEED, help=f"Seed of every random choice [{_SEED}]."
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=default_of(codec.encode, "device"),
    show_default=True,
    envvar="INRC_DEVICE",
    show_envvar=True,
    help="Device that computes.",
)
threads_option = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=default_of(codec.encode, "threads"),
    envvar="INRC_THREADS",
    show_envvar=True,
    help="CPU threads; 0 takes all the process may use.",
)
tile_option = click.option(
    "--tile",
    metavar="AxBxC",
    type=TileType(),
    default=default_of(codec.encode, "tile"),
    show_default=True,
    help="Size of the models a field is cut into; auto cuts from 2^25 samples on, none never.",
)
scheduler_option = click.option(
    "--scheduler",
    metavar="WHERE",
    default=default_of(codec.encode, "scheduler"),
    show_default=True,
    help="Place to encode tiles: threads, processes, or tcp://HOST:PORT of a dask scheduler.",
)
settings_option = click.option(
    "--set",
    "plugin_settings",
    metavar="NAME=VALUE",
    type=SettingType(),
    multiple=True,
    help="Setting of a plugin, such as arch.width=64; repeatable. inrc plugins show lists them.",
)
force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
verbose_option = click.option(
    "--verbose", is_flag=True, help="Print a line per stage where stderr is not a terminal."
)
log_option = click.option(
    "--log-dir",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Write loss and PSNR of every stage there, for TensorBoard.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document; a number that is not finite (the PSNR of an exact field) "
    "is null.",
)
