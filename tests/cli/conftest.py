"""What the command line's tests share: a runner, reports to pretend with, and a real process."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import codec
from codec.reports import (
    EncodeReport,
    FieldInfo,
    FieldQuality,
    FileInfo,
    PluginInfo,
    SectionInfo,
    VerifyReport,
)
from inrc_cli.main import inrc

QUALITIES = (
    FieldQuality("t", 50.25, 0.0125, 0.003, 60.5, "K", 120_000, mask_intact=True),
    FieldQuality("mask", math.inf, 0.0, 0.0, 1.0, "", 120_000, mask_intact=True),
)
FILE = FileInfo(
    path="out.inrc",
    file_bytes=12_345,
    field_bytes=960_000,
    format_version="1.0",
    level=1,
    medium="netcdf",
    fields=(
        FieldInfo(
            "t", (12, 100, 100), ("time", "lat", "lon"), "float32", "K", "fvsrn", 2, 9_000, 8_000, 0
        ),
        FieldInfo("[red]s\x1b[2J", (), (), "float64", "", "fvsrn", 1, 1, 10, 0),
    ),
    sections=(SectionInfo("HEAD", 45, "dataset"), SectionInfo("TENS", 8_000, "weights of t, u")),
    verbatim=(("lat", "float64", (100,)), ("crs", "int32", ())),
)
PLUGINS = (
    PluginInfo("architecture", "fvsrn", 1, 1, "built in", "latent grids and a small network"),
    PluginInfo("pruner", "binary-mask", None, None, "built in", "learned masks"),
    PluginInfo("quantiser", "uniform", None, None, "built in", "one step per tensor"),
)

Run = Callable[..., Result]


def encode_report(path: str = "out.inrc", *, shortfall: str = "") -> EncodeReport:
    """A report of an encode that fell short if `shortfall` says so."""
    return EncodeReport(
        path=Path(path),
        file_bytes=12_345,
        source_bytes=1_000_000,
        field_bytes=960_000,
        qualities=QUALITIES,
        goal_met=not shortfall,
        shortfall=shortfall,
        seconds=1.25,
    )


class FakeCodec:
    """Stands in for the codec's functions, remembers their arguments, raises `error` if set."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = []
        self.error: BaseException | None = None
        self.shortfall = ""

    def _called(self, name: str, args: tuple[object, ...], options: dict[str, object]) -> None:
        self.calls.append((name, args, options))
        if self.error is not None:
            raise self.error

    def encode(self, *args: object, **options: object) -> EncodeReport:
        self._called("encode", args, options)
        return encode_report(str(args[1]), shortfall=self.shortfall)

    def decode(self, *args: object, **options: object) -> None:
        self._called("decode", args, options)
        Path(str(args[1])).write_bytes(b"decoded")

    def info(self, *args: object, **options: object) -> FileInfo:
        self._called("info", args, options)
        return FILE

    def verify(self, *args: object, **options: object) -> VerifyReport:
        self._called("verify", args, options)
        return VerifyReport("out.inrc", 12_345, 9, QUALITIES if args[1] else ())

    def plugins(self) -> tuple[PluginInfo, ...]:
        return PLUGINS

    @property
    def options(self) -> dict[str, object]:
        """The options of the only call."""
        ((_, _, options),) = self.calls
        return options


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeCodec:
    """The codec's functions replaced."""
    stand_in = FakeCodec()
    for name in ("encode", "decode", "info", "verify", "plugins"):
        monkeypatch.setattr(codec, name, getattr(stand_in, name))
    return stand_in


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`inrc` in this process, in an empty folder and without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("INRC_DEVICE", "INRC_THREADS", "INRC_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(inrc, arguments, input=stdin)

    return invoke


def only_line(text: str) -> str:
    """The single line in `text`, which must be one of ours."""
    (line,) = text.splitlines()
    assert line.startswith("inrc: ")
    assert "Traceback" not in line
    return line
