"""`--config` gives options and the command line has the last word; curves and searches are kept."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import FakeCodec, Run, only_line

CONFIG = """
psnr = 45
arch = "fvsrn"
var = ["t", "u,v"]
force = true

[set.arch]
width = 64
grid = [16, 16, 8]

[set.quantise]
bits = 8
"""


@pytest.fixture
def config(run: Run) -> str:
    Path("run.toml").write_text(CONFIG)
    return "run.toml"


def test_options_come_from_the_file(fake: FakeCodec, run: Run, config: str) -> None:
    assert run("encode", "in.nc", "-o", "out.inrc", "--config", config).exit_code == 0
    options = fake.options
    assert (options["psnr"], options["arch"], options["overwrite"]) == (45.0, "fvsrn", True)
    assert options["var"] == ("t", "u", "v")
    assert options["settings"] == {
        "arch.width": "64",
        "arch.grid": "16x16x8",
        "quantise.bits": "8",
    }


def test_the_command_line_has_the_last_word(fake: FakeCodec, run: Run, config: str) -> None:
    line = ("encode", "in.nc", "-o", "out.inrc", "--arch", "pyramid", "--config", config)
    assert run(*line, "--bytes", "20k").exit_code == 0
    assert (fake.options["arch"], fake.options["bytes"]) == ("pyramid", 20_000)
    assert fake.options["psnr"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("psnrr = 4", "'psnrr' is no option"),
        ("psnr = [", "not a TOML file"),
        ("psnr = 'high'", "high"),
        ("force = 'yes'", "true or false"),
        ("[psnr]\nx = 1", "not a table"),
        ("[set]\nwidth = 3", "[set.arch]"),
        ("config = 'other.toml'", "'config' is no option"),
    ],
)
def test_nonsense_in_the_file_is_named(run: Run, fake: FakeCodec, text: str, said: str) -> None:
    Path("run.toml").write_text(text)
    result = run("encode", "in.nc", "-o", "out.inrc", "--config", "run.toml")
    assert result.exit_code == 2
    assert said in only_line(result.stderr)
    assert fake.calls == []


def test_a_missing_file_is_named(run: Run, fake: FakeCodec) -> None:
    result = run("encode", "in.nc", "--config", "nowhere.toml")
    assert result.exit_code == 2
    assert "nowhere.toml" in only_line(result.stderr)


def a_field(name: str = "a.npy") -> str:
    z, y, x = np.mgrid[0:10, 0:12, 0:9] / 10
    np.save(name, (np.sin(3 * z) * np.cos(4 * y) + x).astype(np.float32))
    return name


@pytest.mark.torch
def test_curves_are_written_for_tensorboard(run: Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = ("--set", "fit.steps=4", "--set", "fit.finetune_steps=3", "--prune", "none")
    line = ("encode", a_field(), "-o", "a.inrc", "--arch", "fvsrn", "--bytes", "1500", *settings)
    assert run(*line, "--log-dir", "logs").exit_code == 0
    events = EventAccumulator("logs").Reload()
    fitted = events.Tensors("a/fit/loss")
    assert [event.step for event in fitted] == [0, 1, 2, 3]
    assert all(event.tensor_proto.float_val[0] > 0 for event in fitted)


def test_settings_of_a_plugin_are_shown(run: Run) -> None:
    assert run("plugins", "show", "pyramid").stdout.startswith("pyramid has no settings")
    assert json.loads(run("plugins", "show", "pyramid", "--json").stdout) == []
    refused = run("plugins", "show", "nobody")
    assert refused.exit_code == 2
    assert "pyramid" in only_line(refused.stderr)


@pytest.mark.torch
def test_a_search_leaves_tables_a_picture_and_a_run_file(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.test_search import Tunable

    Tunable.plant(monkeypatch)
    result = run(
        "tune", a_field(), "-o", "found", "--arch", "tunable", "--psnr", "30:60", "--trials", "6"
    )
    assert result.exit_code == 0, result.stderr
    trials = list(csv.DictReader(Path("found/trials.csv").read_text().splitlines()))
    front = list(csv.DictReader(Path("found/pareto.csv").read_text().splitlines()))
    assert len(trials) == 6
    assert 1 <= len(front) == sum(trial["best"] == "1" for trial in trials)
    assert Path("found/pareto.png").read_bytes().startswith(b"\x89PNG")
    best = tomllib.loads(Path("found/best.toml").read_text())
    assert best["arch"] == "tunable"
    assert 0.001 <= float(best["set"]["arch"]["step"]) <= 0.1
    again = run("encode", "a.npy", "-o", "a.inrc", "--config", "found/best.toml", "--json")
    sizes = [int(trial["bytes"]) for trial in trials]
    assert json.loads(again.stdout)["file_bytes"] in sizes


@pytest.mark.torch
def test_a_search_does_not_replace_another(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.test_search import Tunable

    Tunable.plant(monkeypatch)
    Path("found").mkdir()
    Path("found/best.toml").write_text("psnr = 1")
    result = run("tune", a_field(), "-o", "found", "--arch", "tunable", "--trials", "1")
    assert result.exit_code == 1
    assert "--force" in only_line(result.stderr)
    assert Path("found/best.toml").read_text() == "psnr = 1"


@pytest.mark.torch
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arch", "pyramid"), "no settings"),
        (("--arch", "tunable", "--search", "arch.nothing"), "arch.nothing"),
        (("--arch", "tunable", "--psnr", "high"), "35:50"),
    ],
)
def test_what_cannot_be_searched_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    from tests.cli.test_search import Tunable

    Tunable.plant(monkeypatch)
    result = run("tune", a_field(), *words)
    assert result.exit_code == 2
    assert said in only_line(result.stderr)
    assert not Path("a.tune").exists()
