"""Results of a search in its folder: tables, a picture of the front, and a run file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from codec.errors import MissingDependencyError
from codec.options.encode import EncodeOptions, attribute_of
from codec.tuning.search import TARGET, Trial

TRIALS, FRONT, PICTURE, BEST = "trials.csv", "pareto.csv", "pareto.png", "best.toml"
# Options of a run file whose values are names.
_NAMES = ("arch", "prune", "quantise", "coder")


def write_results(
    folder: Path, trials: Sequence[Trial], best: Trial, options: EncodeOptions
) -> tuple[Path, ...]:
    """Write all four files; returns their paths.

    Raises:
        MissingDependencyError: matplotlib is not installed (the tables are written by then).
    """
    paths = tuple(folder / name for name in (TRIALS, FRONT, BEST, PICTURE))
    _write_table(paths[0], trials)
    _write_table(paths[1], [trial for trial in trials if trial.best])
    paths[2].write_text(run_file(best, options), encoding="utf-8")
    _draw(paths[3], trials)
    return paths


def write_trials(folder: Path, trials: Sequence[Trial]) -> None:
    """The table of the trials so far, for a search that may not come to its end."""
    _write_table(folder / TRIALS, trials)


def _write_table(path: Path, trials: Sequence[Trial]) -> None:
    names = sorted({name for trial in trials for name, _ in trial.settings if name != TARGET})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "bytes", "psnr", "seconds", "best", "target", *names])
        for trial in sorted(trials, key=lambda trial: trial.file_bytes):
            values = dict(trial.settings)
            writer.writerow(
                [
                    trial.number,
                    trial.file_bytes,
                    f"{trial.psnr:.4f}",
                    f"{trial.seconds:.3f}",
                    int(trial.best),
                    values[TARGET],
                    *(values.get(name, "") for name in names),
                ]
            )


def run_file(trial: Trial, options: EncodeOptions) -> str:
    """A TOML document for `inrc encode --config` that encodes as the trial did."""
    lines = [
        f"# {trial.file_bytes} bytes, {trial.psnr:.2f} dB, {trial.seconds:.1f} s",
        f"psnr = {trial.target:g}",
        *(f'{word} = "{getattr(options, attribute_of(word))}"' for word in _NAMES),
        f"effort = {options.effort}",
        f"seed = {options.seed}",
    ]
    tables: dict[str, list[str]] = {}
    for name, value in [*options.settings, *trial.settings]:
        group, dot, field = name.partition(".")
        if dot:
            tables.setdefault(group, []).append(f'{field} = "{_plain(value)}"')
    for group, entries in sorted(tables.items()):
        lines += ["", f"[set.{group}]", *sorted(entries)]
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _draw(path: Path, trials: Sequence[Trial]) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            f"{path}: the picture needs matplotlib; install it with pip install 'inrc[tune]'"
        ) from None
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    shown = axes.scatter(
        [trial.file_bytes for trial in trials],
        [trial.psnr for trial in trials],
        c=[trial.seconds for trial in trials],
        cmap="viridis_r",
    )
    front = sorted((t.file_bytes, t.psnr) for t in trials if t.best)
    axes.plot(*zip(*front, strict=True), "k-", linewidth=0.8, label="Pareto front")
    axes.set_xscale("log")
    axes.set_xlabel("bytes")
    axes.set_ylabel("PSNR, dB")
    axes.legend()
    figure.colorbar(shown, label="seconds to encode")
    figure.savefig(path)
