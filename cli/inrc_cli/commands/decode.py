"""`inrc decode`."""

from __future__ import annotations

import click

import codec
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.defaults import default_of
from inrc_cli.paths import need_file, need_target, size_on_disk
from inrc_cli.progress import watching


@click.command()
@shared_options.input_argument
@shared_options.output_option
@shared_options.var_option
@click.option(
    "--region",
    metavar="DIM=INDEX,...",
    type=parameter_types.RegionType(),
    help="Samples to decode, no others: t=3,lat=10:40,lon=::2, or by position: 0=3.",
)
@click.option(
    "--level",
    metavar="N",
    type=click.IntRange(min=0),
    default=default_of(codec.decode, "level"),
    help="Halve every axis N times; only the streams of that level are read.",
)
@click.option(
    "--resolution",
    metavar="N",
    type=click.IntRange(2, 1024),
    help="Cells along the longest axis of the mesh of a shape [256].",
)
@click.option(
    "--closed",
    is_flag=True,
    help="Close the holes of the mesh of a shape.",
)
@click.option(
    "--allow-truncated",
    is_flag=True,
    help="Decode what is left of a file that was cut short.",
)
@shared_options.device_option
@shared_options.threads_option
@shared_options.force_option
@shared_options.quiet_option
@shared_options.verbose_option
def decode(
    source: str,
    target: str | None,
    var: tuple[str, ...] | None,
    region: dict[str, slice | int] | None,
    level: int,
    resolution: int | None,
    closed: bool,
    allow_truncated: bool,
    device: str,
    threads: int,
    force: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Decode INPUT, or a part of it, into OUT.

    The suffix of OUT chooses the format: .nc, .h5, .zarr, .npy, .npz, .raw, .nii, .nii.gz, .nrrd,
    .mrc, .fits, .vti, .tif, for images .png, .webp, .jpg, .bmp, .ppm, and for shapes .ply, .obj,
    .stl, .off, .glb.
    """
    need_file(source)
    target = need_target(target, "decoded.nc", force=force)
    with (
        failures.checking_options(),
        failures.about(source),
        watching(quiet=quiet, verbose=verbose) as on_progress,
    ):
        codec.decode(
            source,
            target,
            var=var,
            region=region,
            level=level,
            resolution=resolution,
            closed=closed,
            allow_truncated=allow_truncated,
            device=device,
            threads=threads,
            overwrite=force,
            on_progress=on_progress,
        )
    if not quiet:
        tables.show_line(f"{target}: {tables.format_bytes(size_on_disk(target))}")
