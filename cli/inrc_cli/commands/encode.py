"""`inrc encode`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TypedDict, Unpack

import click

import codec
from codec.options import defaults
from codec.options.encode import MAX_EFFORT, SDFS, options_from
from codec.options.plugin_settings import texts_of
from codec.options.raw_layout import ENDIANS, ORDERS
from codec.reports import EncodeReport
from inrc_cli import failures, parameter_types, run_files, shared_options, tables
from inrc_cli.defaults import default_of
from inrc_cli.paths import need_file, need_target
from inrc_cli.progress import watching


class Request(TypedDict):
    """The options that are handed to `codec.encode` as they are."""

    psnr: float | None
    ratio: float | None
    bytes: int | None
    max_error: float | None
    rel_error: float | None
    effort: int
    arch: str
    var: tuple[str, ...] | None
    joint: tuple[tuple[str, ...], ...]
    raw: codec.RawLayout | None
    prune: str
    quantise: str
    coder: str
    seed: int
    threads: int
    device: str
    tile: str | tuple[int, ...]
    scheduler: str
    settings: Mapping[str, str]
    sdf: str


@click.command()
@shared_options.input_argument
@shared_options.output_option
@click.option(
    "--psnr",
    metavar="DB",
    type=float,
    help="Least PSNR of every field; its peak is the range of the field, 255 for images, and the "
    f"size of a shape [{defaults.PSNR:g}, shapes {defaults.SHAPE_PSNR:g}].",
)
@click.option("--ratio", metavar="X", type=float, help="Least ratio of the fields to the file.")
@click.option(
    "--bytes",
    metavar="N",
    type=parameter_types.SizeType(),
    help="Greatest size of the file: 20000, 20k, 1.5M.",
)
@click.option(
    "--max-error",
    metavar="E",
    type=float,
    help="Greatest error of any sample; 0 keeps integers exactly.",
)
@click.option(
    "--rel-error", metavar="X", type=float, help="Greatest error, as a share of each field's range."
)
@click.option(
    "--effort",
    type=click.IntRange(0, MAX_EFFORT),
    default=default_of(codec.encode, "effort"),
    show_default=True,
    help=f"Effort: 0 to 3 are fast (static tables), 4 to {MAX_EFFORT} slow and smaller (mixing).",
)
@click.option(
    "--arch",
    metavar="NAME",
    default=default_of(codec.encode, "arch"),
    show_default=True,
    help="Architecture; auto is pyramid, and shell for meshes.",
)
@click.option(
    "--sdf",
    type=click.Choice(SDFS),
    default=default_of(codec.encode, "sdf"),
    show_default=True,
    help="Distances of a mesh: signed, unsigned, or signed if it encloses something (auto).",
)
@shared_options.var_option
@click.option(
    "--joint",
    metavar="U,V",
    type=parameter_types.NamesType(),
    multiple=True,
    help="Variables that share a model; repeatable.",
)
@click.option(
    "--shape",
    metavar="N,N,N",
    type=parameter_types.ShapeType(),
    help="Shape of INPUT if it is bare samples; needs --dtype.",
)
@click.option(
    "--dtype", metavar="NAME", help="Type of bare samples: float16/32/64, int8/16/32, uint8/16/32."
)
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    default=ORDERS[0],
    help="Order of bare samples: the last axis (C) or the first (F) is the fastest [C].",
)
@click.option(
    "--endian",
    type=click.Choice(ENDIANS),
    default=ENDIANS[0],
    help="Byte order of bare samples [little].",
)
@click.option(
    "--offset",
    metavar="BYTES",
    type=click.IntRange(min=0),
    default=0,
    help="Header bytes before bare samples [0].",
)
@shared_options.prune_option
@shared_options.quantise_option
@shared_options.coder_option
@shared_options.seed_option
@shared_options.tile_option
@shared_options.scheduler_option
@shared_options.settings_option
@run_files.config_option
@shared_options.log_option
@shared_options.threads_option
@shared_options.device_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
@shared_options.verbose_option
def encode(
    source: str,
    target: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    shape: tuple[int, ...] | None,
    dtype: str | None,
    order: str,
    endian: str,
    offset: int,
    plugin_settings: tuple[tuple[str, str], ...],
    **request: Unpack[Request],
) -> None:
    """Fit the fields of INPUT and write them to OUT.

    INPUT is NetCDF, HDF5, Zarr, .npy, .npz, NIfTI, NRRD, MRC/CCP4, FITS, VTK ImageData (.vti),
    TIFF, an image (PNG, JPEG, WebP, BMP, PPM), a mesh (PLY, OBJ, STL, OFF, GLB), or bare samples
    with --shape and --dtype.

    Give at most one of --psnr, --ratio, --bytes, --max-error and --rel-error. Where the target
    cannot be reached, the best file found is kept and the exit code is 6; where an error
    bound cannot be kept, there is no file.

    Large fields are encoded in tiles. If a run is interrupted or killed, the same command takes up
    finished tiles and what was trained, which are kept in .OUT.inrc-journal beside OUT.
    """
    with failures.checking_options():
        request["settings"] = dict(texts_of(plugin_settings))
    for name in run_files.goals_to_drop():
        request[name] = None  # type: ignore[literal-required]
    request["raw"] = _raw_layout(shape, dtype, order, endian, offset)
    _check_options(request)
    need_file(source)
    target = need_target(target, _suggest_target(source), force=force)
    with (
        failures.checking_options(),
        failures.about(target),
        watching(quiet=quiet, verbose=verbose, log_dir=log_dir) as on_progress,
    ):
        report = codec.encode(source, target, **request, overwrite=force, on_progress=on_progress)
    if report.advice and not quiet:
        click.echo(f"inrc: {report.advice}", err=True)
    if as_json:
        tables.show_json(dataclasses.asdict(report) | {"ratio": report.ratio})
    elif not quiet:
        _show_report(report)
    if not report.goal_met:
        raise codec.TargetError(report.shortfall)


def _raw_layout(
    shape: tuple[int, ...] | None, dtype: str | None, order: str, endian: str, offset: int
) -> codec.RawLayout | None:
    """Layout of INPUT if it is bare samples, None if it is not."""
    if shape is None and dtype is None:
        if (order, endian, offset) != (ORDERS[0], ENDIANS[0], 0):
            raise failures.usage_error("bare samples need --shape and --dtype")
        return None
    if shape is None or dtype is None:
        raise failures.usage_error("bare samples need both --shape and --dtype")
    with failures.checking_options():
        return codec.RawLayout(shape, dtype, order, endian, offset)


def _check_options(request: Request) -> None:
    """Refuse what makes no sense whatever the input is, before the input is read."""
    with failures.checking_options():
        options_from(**request)


def _suggest_target(source: str) -> str:
    return f"{os.path.splitext(os.path.basename(source))[0] or 'out'}.inrc"


def _show_report(report: EncodeReport) -> None:
    rows = map(tables.quality_row, report.qualities)
    # Encoding keeps every mask, so only samples, PSNR and error are news here.
    tables.show_table(tables.QUALITY_HEADINGS[:4], (row[:4] for row in rows))
    tables.show_line(
        f"{report.path}: {tables.format_bytes(report.file_bytes)}, "
        f"ratio {report.ratio:,.1f}, {report.seconds:.1f} s"
    )
