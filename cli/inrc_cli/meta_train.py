"""`inrc meta-train`."""

from __future__ import annotations

import dataclasses
from typing import TypedDict, Unpack

import click

import codec
from codec.options import defaults
from inrc_cli import arguments, failures, tables
from inrc_cli.paths import need_file, need_target
from inrc_cli.progress import watching

_RATES = ("static", "global", "per-step", "per-parameter", "per-parameter-per-step")
_SUGGESTED = "prior.inrcprior"


class Request(TypedDict):
    """The options that are handed to `codec.meta_train` as they are."""

    width: int
    steps: int
    inner_steps: int
    rates: str
    outer_rate: float
    inner_rate: float
    crops: int
    half: bool
    arch: str
    seed: int
    threads: int
    device: str


@click.command("meta-train")
@click.argument("sources", metavar="INPUT...", nargs=-1, required=True, type=click.Path())
@arguments.output_option
@click.option(
    "--size",
    metavar="N,N",
    type=arguments.ShapeType(),
    help="All items are resampled to this size [images 64,96; volumes 32,32,32].",
)
@click.option("--width", metavar="N", type=int, default=0, help="Units per layer [32].")
@click.option("--steps", metavar="N", type=int, default=3000, show_default=True, help="To train.")
@click.option(
    "--inner-steps", metavar="N", type=int, default=3, show_default=True, help="On one item."
)
@click.option(
    "--rates",
    type=click.Choice(_RATES),
    default=_RATES[-1],
    show_default=True,
    help="Learning rates of the inner steps: which of them are learnt.",
)
@click.option(
    "--outer-rate", metavar="X", type=float, default=5e-5, show_default=True, help="Of training."
)
@click.option(
    "--inner-rate",
    metavar="X",
    type=float,
    default=1e-5,
    show_default=True,
    help="Where the rates of the inner steps start.",
)
@click.option(
    "--crops", metavar="N", type=int, default=0, help="Random windows of every item, too [0]."
)
@click.option("--half", is_flag=True, help="Write float16: half the size.")
@click.option(
    "--arch",
    metavar="NAME",
    default=defaults.ARCHITECTURE_OF_PRIORS,
    show_default=True,
    help="Architecture.",
)
@arguments.seed_option
@arguments.settings_option
@arguments.threads_option
@arguments.device_option
@arguments.force_option
@arguments.json_option
@arguments.quiet_option
@arguments.verbose_option
def meta_train(
    sources: tuple[str, ...],
    target: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    size: tuple[int, ...] | None,
    plugin_settings: tuple[tuple[str, str], ...],
    **request: Unpack[Request],
) -> None:
    """Train OUT, a prior, on images or volumes, or folders of them.

    What is encoded with --arch siren --set arch.prior=OUT needs fewer steps and fewer bytes, and
    is decoded only where OUT is in a folder that the environment variable INRC_PRIORS lists.
    """
    for source in sources:
        need_file(source)
    target = need_target(target, _SUGGESTED, force=force)
    with (
        failures.checking_options(),
        failures.about(target),
        watching(quiet=quiet, verbose=verbose) as on_progress,
    ):
        report = codec.meta_train(
            sources,
            target,
            **request,
            size=size or (),
            settings=dict(plugin_settings),
            overwrite=force,
            on_progress=on_progress,
        )
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        tables.show_line(
            f"{report.path}: {tables.format_bytes(report.file_bytes)}, {report.parameters:,} "
            f"parameters, {report.items} items, {report.seconds:.1f} s; name {report.name}"
        )
