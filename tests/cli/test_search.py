"""The search keeps the front, recommends what reaches its target, and searches what is declared."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from codec.errors import InvalidOptionError
from codec.options.encode import EncodeOptions, Goal
from codec.options.plugin_settings import Setting, setting
from codec.plugin_api import registry
from codec.tuning import search as searching
from codec.tuning.search import Trial, chosen, marked, search, searchable
from tests.cli.closed_form import Cosines


@dataclass(frozen=True)
class TunableSettings:
    step: float = setting(0.01, "quantisation step", low=0.001, high=0.1, logarithmic=True)
    label: str = setting("", "free text: nothing to search")


class Tunable(Cosines):
    """The example under another name, with a range that is quick to search."""

    name = "tunable"
    settings = TunableSettings

    @classmethod
    def plant(cls, monkeypatch: pytest.MonkeyPatch) -> None:
        known, names = registry._by_name, registry.names

        def by_name(kind: str, name: str) -> Any:
            return cls() if (kind, name) == ("architecture", "tunable") else known(kind, name)

        monkeypatch.setattr(registry, "_by_name", by_name)
        monkeypatch.setattr(
            registry,
            "names",
            lambda kind: names(kind) + (["tunable"] if kind == "architecture" else []),
        )
        of_number = registry.architecture_by_identifier
        monkeypatch.setattr(
            registry,
            "architecture_by_identifier",
            lambda number, version: (
                cls() if number == cls.identifier else of_number(number, version)
            ),
        )


def trial(number: int, size: int, psnr: float, seconds: float, target: float = 40) -> Trial:
    return Trial(number, (("psnr", target),), size, psnr, seconds)


def test_the_front_is_what_no_other_beats() -> None:
    trials = marked(
        [trial(0, 100, 40, 1), trial(1, 90, 40, 1), trial(2, 200, 50, 1), trial(3, 100, 40, 0.5)]
    )
    assert [one.best for one in trials] == [False, True, True, True]


def test_equal_trials_do_not_beat_each_other() -> None:
    assert all(one.best for one in marked([trial(0, 9, 9, 9), trial(1, 9, 9, 9)]))


def test_the_smallest_that_reaches_its_target_is_recommended() -> None:
    trials = [trial(0, 50, 39.9, 1), trial(1, 100, 40.1, 1), trial(2, 100, 40.1, 0.5)]
    assert chosen(trials).number == 2


@pytest.mark.torch
def test_only_what_has_a_range_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    Tunable.plant(monkeypatch)
    options = EncodeOptions(architecture="tunable")
    assert [one.name for one in searchable(options, ())] == ["arch.step"]
    fixed = EncodeOptions(architecture="tunable", settings=(("arch.step", "0.01"),))
    assert searchable(fixed, ()) == ()


WIDTH = Setting("arch.width", 0, "units", low=0, high=4096, logarithmic=True)


def searched(
    monkeypatch: pytest.MonkeyPatch, refuses: Callable[[int], bool], trials: int
) -> tuple[Trial, ...]:
    """A search over widths whose trials encode nothing."""
    pytest.importorskip("optuna")

    def encode(source: Any, target: Path, options: Any, number: int, settings: Any) -> Trial:
        if refuses(dict(settings)["arch.width"]):
            raise InvalidOptionError("these do not go together")
        return Trial(number, settings, 100, 40.0, 1.0)

    monkeypatch.setattr(searching, "_encode", encode)
    return search(
        "field.npy",
        EncodeOptions(goal=Goal.choose(psnr=40)),
        psnr=(40, 40),
        trials=trials,
        settings=(WIDTH,),
        on_trial=lambda trial: None,
    )


def test_sizes_from_0_on_are_searched_by_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = [
        dict(one.settings)["arch.width"] for one in searched(monkeypatch, lambda _: False, 10)
    ]
    assert widths[0] == 0
    assert all(0 <= width <= 4096 for width in widths)
    assert statistics.median(widths) < 500


def test_settings_that_do_not_go_together_cost_a_trial_and_not_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = searched(monkeypatch, lambda width: width == 0, 5)
    assert [one.number for one in done] == [1, 2, 3, 4]
    with pytest.raises(InvalidOptionError, match="together"):
        searched(monkeypatch, lambda _: True, 3)
