"""Every failure is one line on stderr and a documented exit code, never a traceback."""

from __future__ import annotations

import errno
import logging
import warnings

import pytest

import codec
from codec.reports import FileInfo, PluginInfo
from tests.cli.conftest import FILE, FakeCodec, Run, only_line

COMMANDS = {
    "encode": ("encode", "in.nc", "-o", "out.inrc"),
    "decode": ("decode", "out.inrc", "-o", "back.nc"),
    "info": ("info", "out.inrc"),
    "verify": ("verify", "out.inrc"),
}
ERRORS: list[tuple[BaseException, int, str]] = [
    (codec.InvalidInputError("in.nc: no such file"), 1, "inrc: in.nc: no such file"),
    (codec.MissingDependencyError("torch is needed"), 1, "inrc: torch is needed"),
    (OSError(errno.ENOSPC, "No space left", "x.nc"), 1, "inrc: x.nc: No space left"),
    (OSError(errno.ENOSPC, "No space left"), 1, "inrc: No space left"),
    (MemoryError(), 1, "inrc: out of memory"),
    (
        codec.CorruptError("bad checksum", section="TENS", offset=77),
        3,
        "inrc: out.inrc: bad checksum (section TENS, byte 77)",
    ),
    (codec.TruncatedError("the file ends early"), 3, "inrc: out.inrc: the file ends early"),
    (codec.FormatError("something"), 3, "inrc: out.inrc: something"),
    (codec.UnsupportedError("version 9"), 4, "inrc: out.inrc: version 9"),
    (codec.LimitError("too many samples"), 5, "inrc: out.inrc: too many samples"),
    (codec.VerificationError("t: 39 dB"), 6, "inrc: t: 39 dB"),
    (codec.TargetError("no file is that small"), 6, "inrc: no file is that small"),
    (codec.InrcError("anything"), 1, "inrc: anything"),
    (KeyboardInterrupt(), 130, "inrc: interrupted"),
]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(("error", "code", "line"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_code_and_one_line(
    fake: FakeCodec,
    run: Run,
    command: tuple[str, ...],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    fake.error = error
    result = run(*command)
    assert result.exit_code == code
    # Where a file is damaged inside, what reads it names the way out.
    repairable = "(section" in line and command[0] != "encode"
    hint = "; 'inrc repair' writes a file of what is intact" if repairable else ""
    assert only_line(result.stderr) == line + hint
    assert result.stdout == ""


def test_a_bug_is_one_line_too(fake: FakeCodec, run: Run) -> None:
    fake.error = ValueError("first\nsecond")
    result = run("info", "out.inrc")
    assert result.exit_code == 1
    line = only_line(result.stderr)
    assert "internal error" in line
    assert "ValueError: first second" in line


def test_debugging_shows_the_traceback_and_keeps_the_code(
    fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INRC_DEBUG", "1")
    fake.error = codec.CorruptError("bad checksum")
    result = run("info", "out.inrc")
    assert result.exit_code == 3
    assert "Traceback" in result.stderr


def test_messages_cannot_steer_the_terminal(fake: FakeCodec, run: Run) -> None:
    fake.error = codec.CorruptError("name \x1b[2J\r\n is bad")
    assert "\x1b" not in only_line(run("info", "out.inrc").stderr)


@pytest.mark.filterwarnings("always")
def test_warnings_are_one_line(fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def plugins() -> tuple[PluginInfo, ...]:
        warnings.warn("plugin x was left out:\nit is broken", RuntimeWarning, stacklevel=1)
        return ()

    monkeypatch.setattr(codec, "plugins", plugins)
    result = run("plugins", "list")
    assert result.exit_code == 0
    expected = "inrc: warning: plugin x was left out: it is broken"
    assert only_line(result.stderr) == expected


def test_what_the_codec_logs_as_a_warning_is_one_line(
    fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plugins() -> tuple[PluginInfo, ...]:
        logging.getLogger("inrc").warning("plugin %s\nis broken", "x")
        return ()

    monkeypatch.setattr(codec, "plugins", plugins)
    assert only_line(run("plugins", "list").stderr) == "inrc: warning: plugin x is broken"
    assert not logging.getLogger("inrc").handlers


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("encode", "in.nc"), "add '-o in.inrc' (try 'inrc encode --help')"),
        (("encode", "in.nc", "-o", "-"), "standard output"),
        (("encode", "-", "-o", "out.inrc"), "standard input"),
        (("encode",), "missing argument 'INPUT' (try 'inrc encode --help')"),
        (("encode", "in.nc", "-o", "o", "--psnr", "50", "--ratio", "9"), "psnr and ratio contra"),
        (("encode", "in.nc", "-o", "o", "--psnr", "-50"), "psnr -50"),
        (("encode", "in.nc", "-o", "o", "--psnr", "nan"), "psnr nan"),
        (("encode", "in.nc", "-o", "o", "--ratio", "0"), "ratio 0"),
        (("encode", "in.nc", "-o", "o", "--bytes", "0"), "bytes 0"),
        (("encode", "in.nc", "-o", "o", "--bytes", "much"), "'much' is not a size"),
        (("encode", "in.nc", "-o", "o", "--effort", "10"), "effort"),
        (("encode", "in.nc", "-o", "o", "--seed", "-1"), "seed -1"),
        (("encode", "in.nc", "-o", "o", "--threads", "-1"), "threads"),
        (("encode", "in.nc", "-o", "o", "--device", "abacus"), "abacus"),
        (("encode", "in.nc", "-o", "o", "--psn", "50"), "--psnr"),
        (("decode", "out.inrc"), "add '-o decoded.nc' (try 'inrc decode --help')"),
        (("decode", "-", "-o", "back.nc"), "standard input"),
        (("decode", "out.inrc", "-o", "b.nc", "--region", "lat=a"), "lat=10:40"),
        (("verify", "out.inrc", "--psnr", "50"), "ORIGINAL"),
        (("verify", "out.inrc", "in.nc", "--psnr", "0"), "psnr 0"),
        (("verify", "out.inrc", "in.nc", "--max-error", "-1"), "max-error -1"),
        (("verify", "-"), "standard input"),
        (("ncode",), "(try 'inrc --help')"),
        (("plugins", "shout"), "(try 'inrc plugins --help')"),
        (("completion", "csh"), "csh"),
    ],
)
def test_mistakes_on_the_command_line(
    fake: FakeCodec, run: Run, arguments: tuple[str, ...], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    line = only_line(result.stderr)
    assert words in line
    assert "--help')" in line
    assert result.stdout == ""
    assert fake.calls == []


@pytest.mark.parametrize(
    ("option", "name"), [("--arch", "fvsn"), ("--prune", "shears"), ("--quantise", "coarse")]
)
def test_an_unknown_plugin_is_a_usage_error(
    fake: FakeCodec, run: Run, option: str, name: str
) -> None:
    fake.error = codec.InvalidOptionError(f"there is no {name}")
    result = run("encode", "in.nc", "-o", "out.inrc", option, name)
    assert result.exit_code == 2
    assert f"there is no {name}" in only_line(result.stderr)


def test_bad_input_with_known_plugins_is_none(fake: FakeCodec, run: Run) -> None:
    fake.error = codec.InvalidInputError("in.nc holds no field")
    assert run("encode", "in.nc", "-o", "out.inrc", "--prune", "none").exit_code == 1


def test_an_empty_command_line_shows_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "encode" in result.stderr
    assert result.stdout == ""


def test_a_file_that_exists_is_kept(fake: FakeCodec, run: Run) -> None:
    with open("out.inrc", "w", encoding="ascii") as file:
        file.write("precious")
    result = run("encode", "in.nc", "-o", "out.inrc")
    assert result.exit_code == 1
    assert "--force" in only_line(result.stderr)
    assert fake.calls == []
    assert run("encode", "in.nc", "-o", "out.inrc", "--force").exit_code == 0
    assert fake.options["overwrite"] is True


def test_damage_on_standard_input_is_named(
    fake: FakeCodec, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = []

    def info(source: bytes) -> FileInfo:
        received.append(source)
        if source != b"good":
            raise codec.CorruptError("not an inrc file")
        return FILE

    monkeypatch.setattr(codec, "info", info)
    assert run("info", "-", stdin=b"good").exit_code == 0
    result = run("info", "-", stdin=b"\x89bad")
    assert result.exit_code == 3
    assert only_line(result.stderr) == "inrc: standard input: not an inrc file"
    assert received == [b"good", b"\x89bad"]
