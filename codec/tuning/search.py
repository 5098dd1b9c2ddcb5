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
# From so many trials on, generations pay.
_GENERATIONS = 60
TARGET = "psnr"


@dataclass(frozen=True)
class Trial:
    """One encode.

    Attributes:
        number: in order of the search, from 0.
        settings: by full name, with the target PSNR as "psnr".
        file_bytes, psnr, seconds: what it gave; the lowest PSNR of all fields.
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
    """The settings to search: those named, or all with a range or choices.

    Raises:
        InvalidOptionError: a name that does not exist or has no range to search.
    """
    architecture = registry.architecture(options.architecture)
    plugins = [options.architecture]
    if architecture.staged:
        plugins += [options.quantiser]
        plugins += [] if options.pruner == registry.NO_PRUNER else [options.pruner]
    fixed = {name for name, _ in options.settings}
    declared = [one for name in plugins for one in registry.settings_of(name)]
    there = {one.name: one for one in declared if _has_range(one) and one.name not in fixed}
    if unknown := [name for name in chosen if name not in there]:
        known = ", ".join(there) or "none"
        raise InvalidOptionError(f"{unknown[0]}: cannot be searched; there are: {known}")
    return tuple(there[name] for name in chosen) if chosen else tuple(there.values())


def _has_range(one: Setting) -> bool:
    if one.choices or isinstance(one.default, bool):
        return True
    return isinstance(one.default, (int, float)) and one.low is not None and one.high is not None


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
        source: what to encode.
        options: what all trials have in common; its goal is not used.
        psnr: targets are searched between these two, in dB.
        settings: to search, from `searchable`.
        on_trial: called after each.

    Returns:
        All trials that gave a file, in order, the best ones marked.

    Raises:
        InvalidOptionError: no trial gave a file, and the settings of the last did not go together.
    """
    optuna = _optuna()
    sampler = (
        optuna.samplers.NSGAIISampler(seed=options.seed % 2**32, population_size=20)
        if trials >= _GENERATIONS
        else optuna.samplers.TPESampler(seed=options.seed % 2**32)
    )
    study = optuna.create_study(directions=("minimize", "maximize", "minimize"), sampler=sampler)
    if psnr[0] == psnr[1]:
        study.enqueue_trial(
            {one.name: one.default + _shift(one) for one in settings if _in_range(one)}
        )
    done: list[Trial] = []
    refused: InvalidOptionError | None = None
    with tempfile.TemporaryDirectory(prefix="inrc-tune-") as folder:
        for number in range(trials):
            proposed = study.ask()
            values = {one.name: _propose(proposed, one) for one in settings}
            target = psnr[0]
            if psnr[1] > psnr[0]:
                target = round(proposed.suggest_float(TARGET, *psnr), 2)
            chosen = (*sorted(values.items()), (TARGET, target))
            try:
                trial = _encode(source, Path(folder) / f"{number}.inrc", options, number, chosen)
            except (TargetError, InvalidOptionError) as error:
                # Settings that are right one by one may not go together.
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

    def beats(one: Trial, other: Trial) -> bool:
        first = (one.file_bytes, -one.psnr, one.seconds)
        second = (other.file_bytes, -other.psnr, other.seconds)
        return first != second and all(a <= b for a, b in zip(first, second, strict=True))

    return tuple(
        replace(trial, best=not any(beats(other, trial) for other in trials)) for trial in trials
    )


def chosen(trials: Sequence[Trial]) -> Trial:
    """The one to recommend: of those that reach their target, the fewest bits for its PSNR.

    6.02 dB are worth one bit per sample to every codec at high rate, and doubling the bytes is
    worth so much at any: trials with other targets are compared at that exchange.
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


def _in_range(one: Setting) -> bool:
    if one.choices or isinstance(one.default, bool):
        return True
    return one.low is not None and one.high is not None and one.low <= one.default <= one.high


def _shift(one: Setting) -> int:
    """What is added to a size that may be 0, so that it can be searched by factors."""
    return int(type(one.default) is int and one.logarithmic and one.low == 0)


def _propose(proposed: Any, one: Setting) -> Any:
    if one.choices:
        return proposed.suggest_categorical(one.name, one.choices)
    if isinstance(one.default, bool):
        return proposed.suggest_categorical(one.name, (False, True))
    low, high, shift = one.low or 0, one.high or 0, _shift(one)
    by_factors = shift > 0 or (low > 0 and (one.logarithmic or high / low > _WIDE))
    if isinstance(one.default, int):
        first, last = int(low) + shift, int(high) + shift
        return proposed.suggest_int(one.name, first, last, log=by_factors) - shift
    return proposed.suggest_float(one.name, low, high, log=by_factors)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingDependencyError(
            "inrc tune needs optuna; install it with pip install 'inrc[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
