"""Multi-objective search over the settings that plugins declare.

Every trial is a whole encode: its bytes are those of a written file, its PSNR that of the decoded
values, its seconds those of the encode. Optuna proposes the settings (NSGA-II, Deb et al. 2002, or
its TPE where there are few trials).
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codec.encoding.encode import encode_file
from codec.errors import InvalidOptionError, MissingDependencyError, TargetError
from codec.options.defaults import ARCHITECTURE_OF_ARRAYS, AUTO
from codec.options.encode import EncodeOptions, Goal, Progress
from codec.options.plugin_settings import Setting, texts_of
from codec.plugin_api import registry

# Whole numbers and decimals that differ by more than this factor are searched by factors.
_WIDE = 64.0
# Number of trials from which on generations pay.
_GENERATIONS = 60
TARGET = "psnr"


@dataclass(frozen=True)
class Trial:
    """One encode.

    Attributes:
        number: number in order of the search, from 0.
        settings: values by full name, with the target PSNR as "psnr".
        file_bytes, psnr, seconds: size of the file, lowest PSNR of all fields, time of the encode.
        best: whether no other trial is better in one of the three and as good in the others.
    """

    number: int
    settings: tuple[tuple[str, Any], ...]
    file_bytes: int
    psnr: float
    seconds: float
    best: bool = False

    @property
    def target(self) -> float:
        """The PSNR asked for, in dB."""
        return float(dict(self.settings)[TARGET])


def searchable(options: EncodeOptions, chosen: Sequence[str]) -> tuple[Setting, ...]:
    """The settings to search: those that are named, or all with a range or choices.

    Raises:
        InvalidOptionError: a name does not exist or has no range to search.
    """
    architecture = registry.architecture(options.architecture)
    plugins = [options.architecture]
    if architecture.staged:
        plugins += [options.quantiser]
        plugins += [] if options.pruner == registry.NO_PRUNER else [options.pruner]
    fixed = {name for name, _ in options.settings}
    declared = [setting for name in plugins for setting in registry.settings_of(name)]
    there = {
        setting.name: setting
        for setting in declared
        if _has_range(setting) and setting.name not in fixed
    }
    if unknown := [name for name in chosen if name not in there]:
        known = ", ".join(there) or "none"
        raise InvalidOptionError(f"{unknown[0]}: cannot be searched; there are: {known}")
    return tuple(there[name] for name in chosen) if chosen else tuple(there.values())


def _has_range(setting: Setting) -> bool:
    if setting.choices or isinstance(setting.default, bool):
        return True
    return (
        isinstance(setting.default, (int, float))
        and setting.low is not None
        and setting.high is not None
    )


def search(
    source: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    psnr: tuple[float, float],
    trials: int,
    settings: Sequence[Setting],
    on_trial: Callable[[Trial], None],
) -> tuple[Trial, ...]:
    """Run the trials.

    Args:
        source: input to encode.
        options: options of all trials; their goal is not used.
        psnr: least and greatest target that is tried, in dB.
        settings: settings to search, from `searchable`.
        on_trial: function called after each trial.

    Returns:
        All trials that gave a file, in order, the best ones marked.

    Raises:
        InvalidOptionError: no trial gave a file, and the settings of the last did not go together.
    """
    optuna = _optuna()
    study = _study(optuna, options.seed, trials)
    if psnr[0] == psnr[1]:
        study.enqueue_trial(
            {
                setting.name: setting.default + _shift(setting)
                for setting in settings
                if _in_range(setting)
            }
        )
    done: list[Trial] = []
    refused: InvalidOptionError | None = None
    with tempfile.TemporaryDirectory(prefix="inrc-tune-") as folder:
        for number in range(trials):
            proposed = study.ask()
            chosen = _proposed(proposed, settings, psnr)
            try:
                trial = _encode(source, Path(folder) / f"{number}.inrc", options, number, chosen)
            except (TargetError, InvalidOptionError) as error:
                # Settings that are right alone may not go together.
                if isinstance(error, InvalidOptionError):
                    refused = error
                study.tell(proposed, state=optuna.trial.TrialState.FAIL)
                continue
            study.tell(proposed, (math.log2(trial.file_bytes), trial.psnr, trial.seconds))
            done.append(trial)
            on_trial(trial)
    if refused is not None and not done:
        raise refused
    return marked(done)


def _study(optuna: Any, seed: int, trials: int) -> Any:
    sampler = (
        optuna.samplers.NSGAIISampler(seed=seed % 2**32, population_size=20)
        if trials >= _GENERATIONS
        else optuna.samplers.TPESampler(seed=seed % 2**32)
    )
    return optuna.create_study(directions=("minimize", "maximize", "minimize"), sampler=sampler)


def _encode(
    source: str | os.PathLike[str],
    target: Path,
    options: EncodeOptions,
    number: int,
    chosen: tuple[tuple[str, Any], ...],
) -> Trial:
    values = dict(chosen)
    goal = Goal.choose(psnr=values.pop(TARGET))
    settings = texts_of([*options.settings, *values.items()])
    report = encode_file(source, target, replace(options, goal=goal, settings=settings))
    target.unlink()
    lowest = min(quality.psnr for quality in report.qualities)
    # A field that comes back exactly has no PSNR to compare; a high one stands for it.
    return Trial(number, chosen, report.file_bytes, min(lowest, 400.0), report.seconds)


def marked(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials with `best` set on those of the Pareto front."""

    def beats(first: Trial, second: Trial) -> bool:
        costs = [(trial.file_bytes, -trial.psnr, trial.seconds) for trial in (first, second)]
        pairs = zip(*costs, strict=True)
        return costs[0] != costs[1] and all(mine <= other for mine, other in pairs)

    return tuple(
        replace(trial, best=not any(beats(other, trial) for other in trials)) for trial in trials
    )


def chosen(trials: Sequence[Trial]) -> Trial:
    """The trial to recommend: among those that reach their target, the fewest bits for its PSNR.

    At high rate 6.02 dB cost one bit per sample with every codec, and at any rate twice the bytes
    are worth as much here: trials with different targets are compared at that exchange.
    """
    reached = [trial for trial in trials if trial.psnr >= trial.target] or list(trials)
    return min(reached, key=lambda t: (math.log2(t.file_bytes) - t.psnr / 6.02, t.seconds))


def resolved(options: EncodeOptions) -> EncodeOptions:
    """The options with the architecture that "auto" stands for with arrays."""
    if options.architecture == AUTO:
        return replace(options, architecture=ARCHITECTURE_OF_ARRAYS)
    return options


def progress_of(trial: Trial, trials: int) -> Progress:
    """A trial as a step of progress."""
    number = trial.number + 1
    return Progress(f"trial {number}", "tune", number / trials, None, trial.psnr)


def _in_range(setting: Setting) -> bool:
    if setting.choices or isinstance(setting.default, bool):
        return True
    return (
        setting.low is not None
        and setting.high is not None
        and setting.low <= setting.default <= setting.high
    )


def _shift(setting: Setting) -> int:
    """Number added to a size that may be 0, so that it can be searched by factors."""
    return int(type(setting.default) is int and setting.logarithmic and setting.low == 0)


def _proposed(
    proposed: Any, settings: Sequence[Setting], psnr: tuple[float, float]
) -> tuple[tuple[str, Any], ...]:
    """Names and values of the settings of a trial, its target last."""
    values = {setting.name: _propose(proposed, setting) for setting in settings}
    target = psnr[0]
    if psnr[1] > psnr[0]:
        target = round(proposed.suggest_float(TARGET, *psnr), 2)
    return (*sorted(values.items()), (TARGET, target))


def _propose(proposed: Any, setting: Setting) -> Any:
    if setting.choices:
        return proposed.suggest_categorical(setting.name, setting.choices)
    if isinstance(setting.default, bool):
        return proposed.suggest_categorical(setting.name, (False, True))
    low, high, shift = setting.low or 0, setting.high or 0, _shift(setting)
    by_factors = shift > 0 or (low > 0 and (setting.logarithmic or high / low > _WIDE))
    if isinstance(setting.default, int):
        first, last = int(low) + shift, int(high) + shift
        return proposed.suggest_int(setting.name, first, last, log=by_factors) - shift
    return proposed.suggest_float(setting.name, low, high, log=by_factors)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingDependencyError(
            "inrc tune needs optuna; install it with pip install 'inrc[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
