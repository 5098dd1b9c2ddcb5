"""`inrc meta-train`."""

from __future__ import annotations

import dataclasses
from typing import TypedDict, Unpack

import click

import codec
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.defaults import default_of
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
@shared_options.output_option
@click.option(
    "--size",
    metavar="N,N",
    type=parameter_types.ShapeType(),
    help="Size that all items are resampled to [images 64,96; volumes 32,32,32].",
)
@click.option(
    "--width",
    metavar="N",
    type=int,
    default=default_of(codec.meta_train, "width"),
    help="Units per layer [32].",
)
@click.option(
    "--steps",
    metavar="N",
    type=int,
    default=default_of(codec.meta_train, "steps"),
    show_default=True,
    help="Steps of training.",
)
@click.option(
    "--inner-steps",
    metavar="N",
    type=int,
    default=default_of(codec.meta_train, "inner_steps"),
    show_default=True,
    help="Steps on each item.",
)
@click.option(
    "--rates",
    type=click.Choice(_RATES),
    default=default_of(codec.meta_train, "rates"),
    show_default=True,
    help="Learning rates of the inner steps: which of them are learnt.",
)
@click.option(
    "--outer-rate",
    metavar="X",
    type=float,
    default=default_of(codec.meta_train, "outer_rate"),
    show_default=True,
    help="Learning rate of training.",
)
@click.option(
    "--inner-rate",
    metavar="X",
    type=float,
    default=default_of(codec.meta_train, "inner_rate"),
    show_default=True,
    help="Learning rate at which the inner steps start.",
)
@click.option(
    "--crops",
    metavar="N",
    type=int,
    default=default_of(codec.meta_train, "crops"),
    help="Random windows of every item, in addition to the whole [0].",
)
@click.option("--half", is_flag=True, help="Write float16: half the size.")
@click.option(
    "--arch",
    metavar="NAME",
    default=default_of(codec.meta_train, "arch"),
    show_default=True,
    help="Architecture.",
)
@shared_options.seed_option
@shared_options.settings_option
@shared_options.threads_option
@shared_options.device_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
@shared_options.verbose_option
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
