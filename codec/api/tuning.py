"""Public functions that prepare an encode: plugins, their settings, and trained priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codec.api.arguments import PathLike, names_of
from codec.options import defaults
from codec.options.encode import ProgressCallback, ignore_progress, options_from
from codec.options.plugin_settings import Setting, texts_of
from codec.reports import MetaTrainReport, PluginInfo, TuneReport


def plugins() -> tuple[PluginInfo, ...]:
    """All plugins at hand; those that fail to load are left out with a warning."""
    from codec.plugin_api.registry import list_plugins

    return list_plugins()


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
        var=names_of(var),
        seed=seed,
        threads=threads,
        device=device,
        on_progress=on_progress,
        settings=texts_of(settings or {}),
    )
    between = (psnr, psnr) if isinstance(psnr, (int, float)) else (min(psnr), max(psnr))
    return run(source, folder, options, between, trials, tuple(search), overwrite=overwrite)


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
