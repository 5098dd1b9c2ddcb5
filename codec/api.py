"""The public functions; each imports what it needs when it is called, so `import codec` is fast."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codec.errors import InvalidOptionError
from codec.limits import Limits
from codec.options import defaults
from codec.options.encode import Goal, ProgressCallback, ignore_progress, options_from
from codec.options.plugin_settings import Setting, texts_of
from codec.reports import (
    AppendReport,
    EncodeReport,
    FileInfo,
    MetaTrainReport,
    PluginInfo,
    RepairReport,
    TranscodeReport,
    TuneReport,
    VerifyReport,
)

if TYPE_CHECKING:
    from codec.options.raw_layout import RawLayout
    from codec.reading.open_file import InrcFile

PathLike = str | os.PathLike[str]
Region = Mapping[str, slice | int]


def _names(var: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """The names given; a lone one is not a sequence of letters."""
    if var is None:
        return None
    return (var,) if isinstance(var, str) else tuple(var)


def _groups(joint: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    if isinstance(joint, str) or any(isinstance(group, str) for group in joint):
        raise InvalidOptionError(f"joint {joint!r}: give groups of names, say [['u', 'v']]")
    return tuple(tuple(group) for group in joint)


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
        var=_names(var),
        joint=_groups(joint),
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
        var=_names(var),
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
        scheduler=scheduler,
    )
    return append_file(
        target, source, dim, options, effort_named=effort is not None, anew=overwrite
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
    from codec.reading.decode import decode_file

    decode_file(
        source,
        target,
        select=_names(var),
        region=region or {},
        device=device,
        threads=threads,
        overwrite=overwrite,
        limits=limits or Limits(),
        level=level,
        resolution=resolution,
        closed=closed,
        allow_truncated=allow_truncated,
        on_progress=on_progress,
    )


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


def meta_train(
    sources: Sequence[PathLike],
    target: PathLike,
    *,
    size: Sequence[int] = (),
    width: int = 0,
    steps: int = 3000,
    inner_steps: int = 3,
    rates: str = "per-parameter-per-step",
    outer_rate: float = 5e-5,
    inner_rate: float = 1e-5,
    crops: int = 0,
    half: bool = False,
    arch: str = defaults.ARCHITECTURE_OF_PRIORS,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 0,
    device: str = defaults.AUTO,
    overwrite: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> MetaTrainReport:
    """Train a prior: an initialisation from which items like `sources` are fitted in few steps.

    Files that are encoded with it (`settings={"arch.prior": target}`) hold differences to it, and
    are decoded only where it is: in a folder that the environment variable INRC_PRIORS names.

    Args:
        sources: images or volumes with as many channels, or folders of them.
        target: the prior, usually `NAME.inrcprior`.
        size: every item is resampled to; 64 x 96 for images and 32 x 32 x 32 for volumes if empty.
        width: of the network, 32 if 0.
        steps: of the outer descent, each on one item.
        inner_steps: on an item, at the learnt rates.
        rates: "static", "global", "per-step", "per-parameter" or "per-parameter-per-step".
        outer_rate: learning rate of the outer descent.
        inner_rate: where the learnt rates start.
        crops: random windows of every item that are trained on too.
        half: write float16, which halves the prior.
        settings: of the architecture, by full name: {"arch.encoding": "nerf"}.

    Raises:
        InvalidInputError: a source cannot be read, or is not like the others.
    """
    from codec.training.meta_training import MetaOptions, train_prior

    given = dict(settings or {})
    if width:
        given["arch.width"] = width
    options = MetaOptions(
        size=tuple(size),
        steps=steps,
        inner_steps=inner_steps,
        rates=rates,
        outer_rate=outer_rate,
        inner_rate=inner_rate,
        crops=crops,
        half=half,
        architecture=arch,
        settings=texts_of(given),
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
    )
    return train_prior(sources, target, options, overwrite=overwrite)


def info(source: PathLike | bytes, *, limits: Limits | None = None) -> FileInfo:
    """What a file holds and where its bytes go; every checksum is checked, torch is not needed."""
    from codec.inspecting.inspect_file import inspect_file

    return inspect_file(source, limits or Limits())


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
    from codec.inspecting.inspect_file import verify_file

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


def plugins() -> tuple[PluginInfo, ...]:
    """All plugins at hand; those that fail to load are left out with a warning."""
    from codec.plugin_api.registry import list_plugins

    return list_plugins()


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


def plugin_settings(name: str) -> tuple[Setting, ...]:
    """The settings of the plugin called `name`, by full name ("arch.width"), for `settings`.

    Raises:
        InvalidOptionError: no plugin is called so.
    """
    from codec.plugin_api.registry import settings_of

    return settings_of(name)


def tune(
    source: PathLike,
    folder: PathLike,
    *,
    arch: str = defaults.AUTO,
    psnr: float | tuple[float, float] = defaults.PSNR,
    trials: int = 20,
    search: Sequence[str] = (),
    var: str | Sequence[str] | None = None,
    effort: int = 0,
    prune: str = defaults.PRUNER,
    quantise: str = defaults.QUANTISER,
    coder: str = defaults.AUTO,
    seed: int = 0,
    threads: int = 0,
    device: str = defaults.AUTO,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> TuneReport:
    """Search settings for few bytes, high PSNR and short encoding at once, by whole encodes.

    Leaves in `folder`: trials.csv, pareto.csv and pareto.png (the trials that no other beats), and
    best.toml, a run file for `inrc encode --config`.

    Args:
        psnr: the target of every trial in dB, or two between which targets are searched.
        search: full names of the settings to search; all that have a range or choices if empty.
        settings: those that are fixed.

    Raises:
        InvalidInputError: the source or the folder cannot be used.
        InvalidOptionError: nothing to search, or a name that cannot be.
        MissingDependencyError: optuna is not installed.
    """
    from codec.tuning.run import run

    options = options_from(
        effort=effort,
        arch=arch,
        prune=prune,
        quantise=quantise,
        coder=coder,
        var=_names(var),
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
        settings=texts_of(settings or {}),
    )
    between = (psnr, psnr) if isinstance(psnr, (int, float)) else (min(psnr), max(psnr))
    return run(source, folder, options, between, trials, tuple(search), overwrite=overwrite)
