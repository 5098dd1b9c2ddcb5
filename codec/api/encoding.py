"""Public functions that make `.inrc` files; each imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codec.api.arguments import PathLike, groups_of, names_of
from codec.options import defaults
from codec.options.encode import Goal, ProgressCallback, ignore_progress, options_from
from codec.options.plugin_settings import texts_of
from codec.reports import AppendReport, EncodeReport, TranscodeReport

if TYPE_CHECKING:
    from codec.options.raw_layout import RawLayout


def encode(
    source: PathLike,
    target: PathLike,
    *,
    psnr: float | None = None,
    ratio: float | None = None,
    bytes: int | None = None,
    max_error: float | None = None,
    rel_error: float | None = None,
    effort: int = defaults.EFFORT,
    arch: str = defaults.AUTO,
    var: str | Sequence[str] | None = None,
    joint: Sequence[Sequence[str]] = (),
    raw: RawLayout | None = None,
    prune: str = defaults.PRUNER,
    quantise: str = defaults.QUANTISER,
    coder: str = defaults.AUTO,
    seed: int = 0,
    threads: int = 0,
    device: str = defaults.AUTO,
    tile: str | Sequence[int] = defaults.AUTO,
    scheduler: str = defaults.SCHEDULER,
    settings: Mapping[str, Any] | None = None,
    sdf: str = defaults.SDF,
    overwrite: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> EncodeReport:
    """Fit the fields of `source` and write them to `target`; see `EncodeOptions` for the options.

    Fields in tiles are read and encoded tile by tile. If a run is killed, a journal beside the
    target (`.NAME.inrc-journal`) keeps finished tiles and what was trained, and the same call takes
    them up.

    `settings` are those of the plugins, by full name: {"arch.width": 64, "quantise.bits": 8}.

    The file is written also when the target could not be reached; the report then says so
    (`goal_met`, `shortfall`).

    Raises:
        InvalidInputError: the source, the target path or an option cannot be used.
        TargetError: no file could possibly meet the target, or an error bound cannot be kept.
    """
    from codec.encoding.encode import encode_file

    options = options_from(
        psnr=psnr,
        ratio=ratio,
        bytes=bytes,
        max_error=max_error,
        rel_error=rel_error,
        effort=effort,
        arch=arch,
        prune=prune,
        quantise=quantise,
        coder=coder,
        var=names_of(var),
        joint=groups_of(joint),
        raw=raw,
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
        tile=tile if isinstance(tile, str) else tuple(tile),
        scheduler=scheduler,
        settings=texts_of(settings or {}),
        sdf=sdf,
    )
    return encode_file(source, target, options, overwrite=overwrite)


def append(
    target: PathLike,
    source: PathLike,
    *,
    dim: str,
    psnr: float | None = None,
    ratio: float | None = None,
    bytes: int | None = None,
    max_error: float | None = None,
    rel_error: float | None = None,
    effort: int | None = None,
    arch: str = defaults.AUTO,
    var: str | Sequence[str] | None = None,
    prune: str = defaults.PRUNER,
    quantise: str = defaults.QUANTISER,
    coder: str = defaults.AUTO,
    seed: int = 0,
    threads: int = 0,
    device: str = defaults.AUTO,
    scheduler: str = defaults.SCHEDULER,
    overwrite: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> AppendReport:
    """Put the samples of `source` behind those of `target` along `dim`, as further tiles.

    What `target` holds is copied without decoding it. All its fields along the dim must be in
    `source`, with the same dtype, dims and other sizes. A PSNR or a `rel_error` is relative to the
    range of old and new samples; a ratio or a number of bytes concerns what is added. A run that
    was killed is taken up like one of `encode`.

    Without a goal, effort or architecture, those with which `target` was made are taken, as far as
    it says so (files in tiles do); else 40 dB, 3 and pyramid. Bytes become the same ratio.

    Args:
        dim: name of the dim, or its position ("0", "1" ...) where dims have no names.
        var: the fields that grow, to make sure; all along the dim if None.
        overwrite: drop the journal of another run.

    Raises:
        InvalidInputError: the source cannot be used, or does not fit the target.
        FormatError: the target is damaged.
    """
    from codec.encoding.append import append_file

    options = options_from(
        psnr=psnr,
        ratio=ratio,
        bytes=bytes,
        max_error=max_error,
        rel_error=rel_error,
        effort=defaults.EFFORT if effort is None else effort,
        arch=arch,
        prune=prune,
        quantise=quantise,
        coder=coder,
        var=names_of(var),
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
        scheduler=scheduler,
    )
    return append_file(
        target, source, dim, options, effort_named=effort is not None, anew=overwrite
    )


def transcode(
    source: PathLike,
    target: PathLike,
    *,
    coder: str = defaults.AUTO,
    quantise: str | None = None,
    prune: str | None = None,
    psnr: float | None = None,
    bytes: int | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 0,
    overwrite: bool = False,
) -> TranscodeReport:
    """Code the models of an `.inrc` file anew, without the fields they were fitted to.

    With a coder alone every decoded value stays the same. With a quantiser, a pruner, a target or
    settings, the stages after the fit are done again, for architectures that have such stages.

    Args:
        coder: "auto" for the smallest, or a coder of the entropy layer.
        quantise: name of a quantiser plugin, "uniform" if only other stages are named.
        prune: name of a pruner plugin; what is pruned already stays so without one.
        psnr: the target in dB, against what `source` decodes to.
        bytes: the target for the new file's size.
        settings: of these plugins by full name; "fit.prune_steps" and "fit.finetune_steps", none
            unless set, train on what `source` decodes to.

    Raises:
        InvalidInputError, FormatError: what is wrong with the arguments or with the file.
        TargetError: no file could be as small as asked for.
    """
    from codec.recoding.transcode import transcode_file

    texts = texts_of(settings or {})
    options = options_from(
        psnr=psnr,
        bytes=bytes,
        quantise=quantise or defaults.QUANTISER,
        prune=prune or defaults.NO_PRUNER,
        coder=coder,
        settings=texts,
        seed=seed,
        threads=threads,
    )
    stages = bool(quantise or prune or texts or options.goal != Goal())
    return transcode_file(source, target, options, stages=stages, overwrite=overwrite)
