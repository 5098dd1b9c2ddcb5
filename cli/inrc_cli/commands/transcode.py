"""`inrc transcode`."""

from __future__ import annotations

import dataclasses

import click

import codec
from codec.options.plugin_settings import texts_of
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.paths import need_file, need_target


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@shared_options.output_option
@shared_options.coder_option
@click.option("--quantise", metavar="NAME", help="Quantise anew by this.")
@click.option("--prune", metavar="NAME", help="Prune anew by this.")
@click.option("--psnr", metavar="DB", type=float, help="At least DB, against what FILE decodes to.")
@click.option(
    "--bytes",
    metavar="N",
    type=parameter_types.SizeType(),
    help="At most N bytes: 20000, 20k, 1.5M.",
)
@shared_options.seed_option
@shared_options.settings_option
@shared_options.threads_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
def transcode(
    source: str,
    target: str | None,
    coder: str,
    quantise: str | None,
    prune: str | None,
    psnr: float | None,
    bytes: int | None,
    seed: int,
    plugin_settings: tuple[tuple[str, str], ...],
    threads: int,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Code the models of FILE anew, without what they were fitted to.

    With --coder alone every decoded value stays the same, bit for bit. With --quantise, --prune,
    a target or --set, the stages after the fit are done again.
    """
    need_file(source)
    target = need_target(target, "smaller.inrc", force=force)
    with failures.checking_options(), failures.about(source):
        report = codec.transcode(
            source,
            target,
            coder=coder,
            quantise=quantise,
            prune=prune,
            psnr=psnr,
            bytes=bytes,
            settings=dict(texts_of(plugin_settings)),
            seed=seed,
            threads=threads,
            overwrite=force,
        )
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        if report.qualities:
            rows = map(tables.quality_row, report.qualities)
            tables.show_table(tables.QUALITY_HEADINGS[:4], (row[:4] for row in rows))
        tables.show_line(
            f"{report.path}: {tables.format_bytes(report.file_bytes)}, "
            f"from {tables.format_bytes(report.source_bytes)}, {report.seconds:.1f} s"
        )
    if report.shortfall:
        raise codec.TargetError(report.shortfall)
