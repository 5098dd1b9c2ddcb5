"""Each command passes on what was typed, and its results can be read by people and programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

import codec
from codec.options.encode import Progress
from inrc_cli import tables
from tests.cli.conftest import FakeCodec, Run, encode_report, only_line


def test_encode_passes_every_option(fake: FakeCodec, run: Run) -> None:
    line = (
        "encode in.nc -o out.inrc --bytes 20k --effort 7 --arch a --var t,u --var v --joint u,v"
        " --joint x,y --prune p --quantise q --coder ans --seed 5 --threads 2 --device cpu --force"
        " --tile 8x9 --scheduler processes --set arch.width=64 --sdf auto"
    )
    assert run(*line.split()).exit_code == 0
    options = dict(fake.options)
    assert callable(options.pop("on_progress"))
    assert options == {
        "psnr": None,
        "ratio": None,
        "bytes": 20_000,
        "max_error": None,
        "rel_error": None,
        "effort": 7,
        "arch": "a",
        "var": ("t", "u", "v"),
        "joint": (("u", "v"), ("x", "y")),
        "raw": None,
        "prune": "p",
        "quantise": "q",
        "coder": "ans",
        "seed": 5,
        "threads": 2,
        "device": "cpu",
        "tile": (8, 9),
        "scheduler": "processes",
        "settings": {"arch.width": "64"},
        "sdf": "auto",
        "overwrite": True,
    }


def test_encode_leaves_the_rest_to_the_defaults_of_the_codec(fake: FakeCodec, run: Run) -> None:
    assert run("encode", "in.nc", "-o", "out.inrc").exit_code == 0
    defaults = codec.EncodeOptions()
    assert fake.options["psnr"] is None
    assert fake.options["var"] is None
    for name, attribute in (
        ("effort", "effort"),
        ("arch", "architecture"),
        ("prune", "pruner"),
        ("quantise", "quantiser"),
        ("coder", "coder"),
        ("seed", "seed"),
        ("threads", "threads"),
        ("device", "device"),
        ("sdf", "sdf"),
        ("joint", "joint"),
        ("raw", "raw"),
    ):
        assert fake.options[name] == getattr(defaults, attribute)


def test_encode_is_told_the_layout_of_bare_samples(fake: FakeCodec, run: Run) -> None:
    line = (
        "encode in.raw -o out.inrc --shape 128,64x2 --dtype int16 --order F --endian big --offset 7"
    )
    assert run(*line.split()).exit_code == 0
    assert fake.options["raw"] == codec.RawLayout((128, 64, 2), "int16", "F", "big", 7)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--shape 4,4", "both --shape and --dtype"),
        ("--dtype float32", "both --shape and --dtype"),
        ("--order F", "need --shape and --dtype"),
        ("--shape 4,0 --dtype float32", "'4,0' is not a shape"),
        ("--shape 4,4 --dtype complex64", "dtype 'complex64': choose float16"),
    ],
)
def test_half_a_layout_of_bare_samples_is_a_usage_error(
    options: str, reason: str, run: Run
) -> None:
    result = run("encode", "in.raw", "-o", "out.inrc", *options.split())
    assert result.exit_code == 2
    assert reason in result.output


def test_encode_shows_what_was_reached(fake: FakeCodec, run: Run) -> None:
    result = run("encode", "in.nc", "-o", "out.inrc", "--psnr", "50")
    assert result.stderr == ""
    for word in ("50.25 dB", "exact", "0.0125 K", "12,345 bytes (12.3 kB)", "ratio 77.8", "1.2 s"):
        assert word in result.stdout


def test_encode_prints_json(fake: FakeCodec, run: Run) -> None:
    result = run("encode", "in.nc", "-o", "out.inrc", "--json", "--quiet")
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["path"] == "out.inrc"
    assert report["goal_met"] is True
    assert report["ratio"] == pytest.approx(960_000 / 12_345)
    assert [quality["psnr"] for quality in report["qualities"]] == [50.25, None]


@pytest.mark.parametrize("flags", [(), ("--json",), ("--quiet",)])
def test_a_missed_target_still_reports_and_exits_6(
    fake: FakeCodec, run: Run, flags: tuple[str, ...]
) -> None:
    fake.shortfall = "reached 41 dB of 50 dB"
    result = run("encode", "in.nc", "-o", "out.inrc", "--psnr", "50", *flags)
    assert result.exit_code == 6
    assert only_line(result.stderr) == "inrc: reached 41 dB of 50 dB"
    assert bool(result.stdout) == (flags != ("--quiet",))


def test_progress_is_a_line_per_stage_if_asked_for(
    fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(source: str, target: str, **options: Any) -> object:
        for step in range(3):
            options["on_progress"](Progress("t+u", "fit", step / 4, loss=0.5, psnr=31.25))
        options["on_progress"](Progress("t+u", "code", 0.75))
        return encode_report()

    monkeypatch.setattr(codec, "encode", encode)
    command = ("encode", "in.nc", "-o", "out.inrc")
    assert run(*command).stderr == ""
    assert run(*command, "--verbose", "--quiet").stderr == ""
    result = run(*command, "--verbose")
    assert result.stderr.splitlines() == [
        "inrc: 0% t+u: fit loss 0.5, 31.2 dB",
        "inrc: 75% t+u: code",
    ]
    assert "fit" not in result.stdout


def test_decode(fake: FakeCodec, run: Run) -> None:
    result = run(
        *("decode", "out.inrc", "-o", "back.nc", "--var", "t", "--region", "time=3,lat=10:40")
    )
    assert result.exit_code == 0
    assert result.stdout == "back.nc: 7 bytes\n"
    assert fake.options["var"] == ("t",)
    assert fake.options["region"] == {"time": 3, "lat": slice(10, 40)}
    assert run("decode", "out.inrc", "-o", "quiet.nc", "--quiet").stdout == ""


def test_info_shows_fields_sections_and_verbatim_variables(fake: FakeCodec, run: Run) -> None:
    lines = run("info", "out.inrc").stdout.splitlines()
    assert lines[0] == (
        "out.inrc: 12,345 bytes (12.3 kB), ratio 77.8, format 1.0, level 1, from netcdf"
    )
    text = "\n".join(lines)
    for words in ("time 12 x lat 100 x lon 100", "fvsrn, shared by 2", "0.2667", "64.8%", "scalar"):
        assert words in text
    assert all(line == line.rstrip() for line in lines)


def test_info_shows_names_from_the_file_as_they_are_but_harmless(fake: FakeCodec, run: Run) -> None:
    text = run("info", "out.inrc").stdout
    assert "[red]s\\x1b[2J" in text
    assert "\x1b" not in text


def test_info_prints_json(fake: FakeCodec, run: Run) -> None:
    document = json.loads(run("info", "out.inrc", "--json").stdout)
    assert document["fields"][0]["dims"] == ["time", "lat", "lon"]
    assert document["verbatim"][0] == ["lat", "float64", [100]]
    assert document["sections"][1]["file_bytes"] == 8_000
    assert document["format_version"] == "1.0"


def test_verify(fake: FakeCodec, run: Run) -> None:
    assert run("verify", "out.inrc").stdout == (
        "out.inrc: 9 sections intact, 12,345 bytes (12.3 kB)\n"
    )
    result = run("verify", "out.inrc", "in.nc", "--psnr", "50", "--max-error", "0")
    assert result.exit_code == 0
    assert "exact" in result.stdout
    _, arguments, options = fake.calls[1]
    assert arguments == ("out.inrc", "in.nc")
    assert (options["psnr"], options["max_error"]) == (50.0, 0.0)
    document = json.loads(run("verify", "out.inrc", "in.nc", "--json").stdout)
    assert document["qualities"][1]["psnr"] is None


def test_plugins_list(fake: FakeCodec, run: Run) -> None:
    assert "latent grids and a small network" in run("plugins", "list").stdout
    document = json.loads(run("plugins", "list", "--json").stdout)
    assert document[1]["name"] == "binary-mask"
    assert document[1]["identifier"] is None


def test_flags_win_over_the_environment(
    fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INRC_DEVICE", "cuda")
    monkeypatch.setenv("INRC_THREADS", "3")
    run("decode", "out.inrc", "-o", "a.nc")
    run("decode", "out.inrc", "-o", "b.nc", "--device", "cpu", "--threads", "1")
    first, second = (options for _, _, options in fake.calls)
    assert (first["device"], first["threads"]) == ("cuda", 3)
    assert (second["device"], second["threads"]) == ("cpu", 1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_INRC_COMPLETE" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"# to install: inrc completion {shell} > ")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1,000 bytes (1 kB)"),
        (123_456_789, "123,456,789 bytes (123 MB)"),
        (5 * 10**15, "5,000,000,000,000,000 bytes (5e+03 TB)"),
    ],
)
def test_bytes_are_exact_and_readable(count: int, text: str) -> None:
    assert tables.format_bytes(count) == text


def test_psnr_in_words() -> None:
    assert tables.format_psnr(float("inf")) == "exact"
    assert tables.format_psnr(float("nan")) == "-"
    assert tables.format_psnr(40) == "40.00 dB"
