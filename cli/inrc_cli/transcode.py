"""`inrc transcode`."""

from __future__ import annotations

import dataclasses

import click

import codec
from inrc_cli import arguments, failures, tables
from inrc_cli.paths import need_file, need_target


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@arguments.output_option
@click.option("--coder", metavar="NAME", default="auto", show_default=True, help="Entropy coder.")
@arguments.threads_option
@arguments.force_option
@arguments.json_option
@arguments.quiet_option
def transcode(
    source: str,
    target: str | None,
    coder: str,
    threads: int,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Code the models of FILE anew, without what they were fitted to.

    With --coder alone every decoded value stays the same, bit for bit.
    """
    need_file(source)
    target = need_target(target, "smaller.inrc", force=force)
    with failures.checking_options(), failures.about(source):
        report = codec.transcode(source, target, coder=coder, threads=threads, overwrite=force)
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        tables.show_line(
            f"{report.path}: {tables.format_bytes(report.file_bytes)}, "
            f"from {tables.format_bytes(report.source_bytes)}, {report.seconds:.1f} s"
        )
