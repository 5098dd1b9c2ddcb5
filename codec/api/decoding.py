"""Public functions that read `.inrc` files; each imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codec.api.arguments import PathLike, Region, names_of
from codec.limits import Limits
from codec.options import defaults
from codec.options.encode import ProgressCallback, ignore_progress
from codec.reports import FileInfo, RepairReport, VerifyReport

if TYPE_CHECKING:
    from codec.reading.open_file import InrcFile


def open(
    source: PathLike | bytes,
    *,
    device: str = defaults.AUTO,
    threads: int = 0,
    limits: Limits | None = None,
    allow_truncated: bool = False,
) -> InrcFile:
    """Open a file (or its bytes) for reading; nothing is decoded until a field is indexed.

    With `allow_truncated`, also what is left of a file that was cut short: its fields are decoded
    from the levels that are there.

    Raises:
        InvalidInputError: the file cannot be read.
        FormatError: its headers are damaged, unknown or over the limits.
    """
    from codec.reading.open_file import InrcFile

    return InrcFile(
        source,
        device=device,
        threads=threads,
        limits=limits or Limits(),
        allow_truncated=allow_truncated,
    )


def decode(
    source: PathLike,
    target: PathLike,
    *,
    var: str | Sequence[str] | None = None,
    region: Region | None = None,
    level: int = 0,
    resolution: int | None = None,
    closed: bool = False,
    allow_truncated: bool = False,
    device: str = defaults.AUTO,
    threads: int = 0,
    overwrite: bool = False,
    limits: Limits | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> None:
    """Decode `source` into a file whose suffix chooses the format (.nc, .nii.gz, .png ...).

    Args:
        var: names of the fields to decode, all if None.
        region: dim name (or "0", "1" ... by position) -> index or slice in samples (of the level).
        level: how often every axis is halved; only the streams of this and coarser levels are read.
        resolution: of a shape that becomes a mesh (.ply, .obj, .stl, .off, .glb), cells along the
            longest axis, 2 to 1024; 256 if None.
        closed: give such a mesh with the holes of the original closed.
        allow_truncated: decode what is left of a file that was cut short, from the levels it holds.

    Raises:
        InvalidInputError, FormatError: what is wrong with the arguments or with the file.
    """
    from codec.options.decode import DecodeOptions
    from codec.reading.decode import decode_file

    options = DecodeOptions(
        select=names_of(var),
        region=region or {},
        level=level,
        resolution=resolution,
        closed=closed,
        allow_truncated=allow_truncated,
        device=device,
        threads=threads,
        limits=limits or Limits(),
        overwrite=overwrite,
        on_progress=on_progress,
    )
    decode_file(source, target, options)


def info(source: PathLike | bytes, *, limits: Limits | None = None) -> FileInfo:
    """Contents of a file, and where its bytes go; every checksum is checked, torch is not needed.

    Raises:
        InvalidInputError: the file cannot be read.
        FormatError: it is damaged, unknown or over the limits.
    """
    from codec.inspecting.info import describe_file

    return describe_file(source, limits or Limits())


def verify(
    source: PathLike,
    original: PathLike | None = None,
    *,
    psnr: float | None = None,
    max_error: float | None = None,
    threads: int = 0,
    device: str = defaults.AUTO,
    limits: Limits | None = None,
) -> VerifyReport:
    """Check every checksum and the digest, and, against `original`, what was decoded.

    Raises:
        VerificationError: a field is below `psnr`, above `max_error`, or its mask differs.
        FormatError: the file is damaged.
    """
    from codec.inspecting.verify import verify_file

    return verify_file(
        source,
        original,
        psnr=psnr,
        max_error=max_error,
        threads=threads,
        device=device,
        limits=limits or Limits(),
    )


def repair(
    source: PathLike,
    target: PathLike,
    *,
    overwrite: bool = False,
    limits: Limits | None = None,
) -> RepairReport:
    """Write what is intact of a damaged `.inrc` file as a legal file, and say what is lost.

    A tile, or a field that is not cut, of which anything but residuals is damaged becomes a
    constant without a valid sample. Where residuals are, its bound is not promised any more. What
    is lost also stands in the new file (`codec.open(target).made.losses`).

    Raises:
        InvalidInputError: the source or the target path cannot be used.
        FormatError: nothing can be saved, or an intact section needs what this reader lacks.
    """
    from codec.salvage.repair import repair_file

    return repair_file(source, target, limits or Limits(), overwrite=overwrite)
