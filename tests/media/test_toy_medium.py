"""A medium is one module and one row: everything that files are good for works with a new one."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import CorruptError, InvalidInputError
from codec.format import cbor
from codec.media import table
from codec.media.medium import Medium
from codec.media.metadata_rules import MetadataRules
from codec.reading.contents import FileContents
from tests import building
from tests.conftest import Fresh
from tests.layering.test_imports import MEDIA_LIBRARIES
from tests.media import toy_medium

ROW = Medium(
    "toy",
    "toys",
    (".toy",),
    re.compile(toy_medium.START),
    reader="tests.media.toy_medium:read",
    writer="tests.media.toy_medium:write",
    rules="tests.media.toy_medium:RULES",
    kind="image",
    several=True,
    grows=True,
)
OPTIONS: dict[str, Any] = {"psnr": 50, "effort": 0, "device": "cpu", "threads": 1}
SIZE = (24, 30)


def add(monkeypatch: pytest.MonkeyPatch, row: Medium) -> None:
    monkeypatch.setattr(table, "MEDIA", {**table.MEDIA, row.id: row})


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, ROW)


def values(first: int, count: int) -> Any:
    t, x = np.meshgrid(np.arange(first, first + count), np.arange(SIZE[1]), indexing="ij")
    return (np.sin(t / 7) + np.cos(x / 9)).astype(np.float32)


def write(path: Path, first: int = 0, count: int = SIZE[0]) -> Path:
    u = values(first, count)
    toy_medium.write_toy(
        path,
        {"u": (u, ("t", "x"), "m/s"), "v": (2 - u, ("t", "x"), "K"), "w": (u, ("t", "x"), "")},
        {"t": 0.5 * np.arange(first, first + count), "x": np.arange(SIZE[1])},
    )
    return path


def encoded(folder: Path) -> Path:
    target = folder / "a.inrc"
    codec.encode(write(folder / "a.toy"), target, var=("u", "v"), **OPTIONS)
    return target


def without_section(path: Path, target: Path, name: str, number: int = 0) -> None:
    """Write a copy in which one section of a type is damaged."""
    data = path.read_bytes()
    stored = [stored for kind, _, stored in building.split(data)[1] if kind == name][number]
    at = data.index(stored) + len(stored) // 2
    target.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])


@pytest.mark.usefixtures("toy")
def test_encode_info_and_verify(tmp_path: Path) -> None:
    target = encoded(tmp_path)
    report = codec.info(target)
    assert (report.medium, [field.units for field in report.fields]) == ("toy", ["m/s", "K"])
    with FileContents(target, device="cpu") as contents:
        assert contents.streams.head.kind == "image"
    with codec.open(target, device="cpu") as file:
        assert file["u"].attrs == {"units": "m/s"}
        np.testing.assert_array_equal(file["u"].coords["t"], 0.5 * np.arange(SIZE[0]))
    qualities = codec.verify(target, tmp_path / "a.toy", psnr=50, device="cpu").qualities
    assert [quality.name for quality in qualities] == ["u", "v"]


@pytest.mark.usefixtures("toy")
def test_metadata_that_break_a_rule_are_refused(tmp_path: Path) -> None:
    unsound = cbor.encode({0: "toy", 1: {7: 1}})
    target = encoded(tmp_path)
    target.write_bytes(building.with_payload(target.read_bytes(), "mETa", unsound))
    with pytest.raises(CorruptError, match="metadata of the toy: it has other keys"):
        codec.verify(target, device="cpu")


@pytest.mark.usefixtures("toy")
def test_content_is_recognised_under_any_name(tmp_path: Path) -> None:
    misnamed = write(tmp_path / "a.toy").rename(tmp_path / "a.nc")
    codec.encode(misnamed, tmp_path / "a.inrc", **OPTIONS)
    assert codec.info(tmp_path / "a.inrc").medium == "toy"


@pytest.mark.usefixtures("toy")
def test_decode_whole_a_region_and_to_other_media(tmp_path: Path) -> None:
    target = encoded(tmp_path)
    codec.decode(target, tmp_path / "b.toy", device="cpu")
    content = toy_medium.load_toy(tmp_path / "b.toy")
    assert content["fields"].keys() == {"u", "v"}
    assert content["fields"]["v"]["unit"] == "K"
    np.testing.assert_allclose(content["fields"]["u"]["values"], values(0, SIZE[0]), atol=0.05)
    assert content["axes"]["t"] == [0.5 * step for step in range(SIZE[0])]
    region = {"t": slice(4, 10, 2)}
    codec.decode(target, tmp_path / "part.toy", region=region, device="cpu")
    part = toy_medium.load_toy(tmp_path / "part.toy")
    assert part["axes"]["t"] == [2.0, 3.0, 4.0]
    assert part["fields"]["u"]["values"] == content["fields"]["u"]["values"][4:10:2]
    codec.decode(target, tmp_path / "u.npy", var="u", device="cpu")
    np.testing.assert_array_equal(np.load(tmp_path / "u.npy"), content["fields"]["u"]["values"])


@pytest.mark.usefixtures("toy")
def test_append(tmp_path: Path) -> None:
    target = encoded(tmp_path)
    report = codec.append(target, write(tmp_path / "more.toy", SIZE[0], 6), dim="t", **OPTIONS)
    assert (report.before, report.after) == (24, 30)
    codec.decode(target, tmp_path / "b.toy", device="cpu")
    content = toy_medium.load_toy(tmp_path / "b.toy")
    assert content["axes"]["t"] == [0.5 * step for step in range(30)]
    np.testing.assert_allclose(content["fields"]["u"]["values"], values(0, 30), atol=0.05)


@pytest.mark.usefixtures("toy")
def test_transcode(tmp_path: Path) -> None:
    source, target = encoded(tmp_path), tmp_path / "b.inrc"
    codec.transcode(source, target, coder="auto", threads=1)
    with codec.open(source, device="cpu") as old, codec.open(target, device="cpu") as new:
        assert (new.medium, new.metadata) == ("toy", old.metadata)
        np.testing.assert_array_equal(new["u"][...], old["u"][...])


@pytest.mark.usefixtures("toy")
def test_repair_names_a_lost_variable(tmp_path: Path) -> None:
    broken, target = tmp_path / "broken.inrc", tmp_path / "repaired.inrc"
    without_section(encoded(tmp_path), broken, "VERB")
    losses = codec.repair(broken, target).losses
    assert [(loss.kind, loss.name) for loss in losses] == [("variable", "t"), ("variable", "x")]
    with codec.open(target, device="cpu") as file:
        assert toy_medium.RULES.names(file.metadata) == {"u", "v"}


@pytest.mark.usefixtures("toy")
def test_repair_fills_a_lost_field(tmp_path: Path) -> None:
    broken, target = tmp_path / "broken.inrc", tmp_path / "repaired.inrc"
    without_section(encoded(tmp_path), broken, "TENS", 1)
    losses = codec.repair(broken, target).losses
    assert [(loss.kind, loss.name) for loss in losses] == [("samples", "v")]
    with codec.open(target, device="cpu") as file:
        assert (file["v"][...] == -999).all()
        assert file["u"].attrs == {"units": "m/s"}


@pytest.mark.usefixtures("toy")
def test_repair_calls_a_file_what_its_medium_is(tmp_path: Path) -> None:
    broken, target = tmp_path / "broken.inrc", tmp_path / "repaired.inrc"
    without_section(encoded(tmp_path), broken, "HEAD")
    codec.repair(broken, target)
    with FileContents(target, device="cpu") as file:
        assert file.streams.head.kind == "image"


def test_nothing_is_known_of_it_without_a_row(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="unknown file format"):
        codec.encode(write(tmp_path / "a.toy"), tmp_path / "a.inrc", **OPTIONS)


def test_what_a_row_lacks_cannot_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, ROW)
    target = encoded(tmp_path)
    more = write(tmp_path / "more.toy", SIZE[0], 6)
    with monkeypatch.context() as patch:
        add(patch, replace(ROW, grows=False))
        with pytest.raises(InvalidInputError, match="cannot be put behind a file from toy"):
            codec.append(target, more, dim="t", **OPTIONS)
    with monkeypatch.context() as patch:
        add(patch, replace(ROW, rules=Medium.rules))
        assert [field.units for field in codec.info(target).fields] == ["", ""]
    with monkeypatch.context() as patch:
        add(patch, replace(ROW, several=False))
        with pytest.raises(InvalidInputError, match="has no variable 'v' to compare with"):
            codec.verify(target, tmp_path / "a.toy", device="cpu")


@pytest.mark.parametrize("row", table.media(), ids=lambda row: str(row.id))
def test_every_row_refers_to_what_is_there(row: Medium) -> None:
    for reference in (row.reader, row.writer):
        module, _, name = reference.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    assert isinstance(row.metadata, MetadataRules)


def test_rules_import_no_library(fresh: Fresh) -> None:
    """Info about a file made from one medium needs the library of no medium."""
    done = fresh(
        "import sys\n"
        "from codec.media import formats, table\n"
        "rules = [row.metadata for row in table.media()]\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert done.returncode == 0, done.stderr
    assert not set(MEDIA_LIBRARIES) & set(done.stdout.split())
