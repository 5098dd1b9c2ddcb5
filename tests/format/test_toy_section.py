"""A new type of section takes one module and one row: then all that handles files handles it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import codec
from codec.errors import CorruptError
from codec.format import cbor
from codec.format.section_types import SECTION_TYPES, Copier
from codec.reading.contents import FileContents
from tests.building import join, split, with_payload
from tests.format import toy_section
from tests.tiles.test_append import OPTIONS, write_steps

TOY = toy_section.NAME
CONTENT = "toy 0 of netcdf, 4 name(s)"


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts the row of the toy into the table, with changes where a test asks for some."""

    def put(**changes: object) -> None:
        monkeypatch.setitem(SECTION_TYPES, TOY, toy_section.row(**changes))

    put()
    return put


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    write_steps(folder / "old.nc", 0, 4)
    write_steps(folder / "new.nc", 4, 2)
    return folder


def encoded(inputs: Path, target: Path) -> Path:
    codec.encode(inputs / "old.nc", target, tile="none", overwrite=True, **OPTIONS)
    return target


def toys(path: Path) -> list[str]:
    """The words of `codec.info` for all toys of a file."""
    return [section.content for section in codec.info(path).sections if section.type == TOY]


def damaged(source: Path, target: Path) -> Path:
    """A copy with a wrong length of the section before the toy, so the toy has to be searched."""
    data = bytearray(source.read_bytes())
    with FileContents(source, device="cpu") as file:
        before = file.streams.sections.of_type("pROv")[0]
    data[before.start + 5] ^= 0x40
    target.write_bytes(bytes(data))
    return target


def test_encode_info_verify_and_decode(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    assert toys(path) == [CONTENT]
    codec.verify(path, inputs / "old.nc", device="cpu", threads=1)
    codec.decode(path, tmp_path / "a.nc", device="cpu", threads=1)


def test_transcode_copies_it(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    codec.transcode(path, tmp_path / "b.inrc", coder="range")
    assert toys(tmp_path / "b.inrc") == [CONTENT]


def test_repair_finds_and_copies_it(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    codec.repair(damaged(path, tmp_path / "b.inrc"), tmp_path / "c.inrc")
    assert toys(tmp_path / "c.inrc") == [CONTENT]
    codec.verify(tmp_path / "c.inrc", device="cpu", threads=1)


def test_append_makes_it_anew(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    codec.append(path, inputs / "new.nc", dim="time", **OPTIONS)
    assert toys(path) == [CONTENT]
    assert codec.open(path, device="cpu")["u"].shape[0] == 6


def test_append_copies_what_nothing_makes_anew(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    row(encode="", copied_by=frozenset(Copier))
    codec.append(path, inputs / "new.nc", dim="time", **OPTIONS)
    assert toys(path) == [CONTENT]


def test_a_bad_payload_is_one_error_of_verify_and_no_error_elsewhere(
    row: Any, inputs: Path, tmp_path: Path
) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    payload = cbor.encode(["another", []])
    path.write_bytes(with_payload(path.read_bytes(), TOY, payload))
    with pytest.raises(CorruptError, match="another medium"):
        codec.verify(path, device="cpu", threads=1)
    assert codec.open(path, device="cpu")["u"][...].shape == (4, 24, 22)
    row(check="")
    codec.verify(path, device="cpu", threads=1)


def test_without_encode_no_file_has_one(row: Any, inputs: Path, tmp_path: Path) -> None:
    row(encode="")
    assert toys(encoded(inputs, tmp_path / "a.inrc")) == []


def test_without_copied_by_other_files_lose_it(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    row(copied_by=frozenset())
    codec.transcode(path, tmp_path / "b.inrc", coder="range")
    assert toys(tmp_path / "b.inrc") == []
    codec.repair(damaged(path, tmp_path / "c.inrc"), tmp_path / "d.inrc")
    assert toys(tmp_path / "d.inrc") == []


def test_at_most_once_counts(row: Any, inputs: Path, tmp_path: Path) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    header, sections = split(path.read_bytes())
    at = next(number for number, section in enumerate(sections) if section[0] == TOY)
    twice = join(header, [*sections[:at], sections[at], *sections[at:]])
    with pytest.raises(CorruptError, match="repeated"):
        codec.open(twice)
    row(at_most_once=False)
    (tmp_path / "twice.inrc").write_bytes(twice)
    assert toys(tmp_path / "twice.inrc") == [CONTENT, CONTENT.replace("toy 0", "toy 1")]


def test_without_a_row_it_is_an_unknown_section(
    row: Any, monkeypatch: pytest.MonkeyPatch, inputs: Path, tmp_path: Path
) -> None:
    path = encoded(inputs, tmp_path / "a.inrc")
    monkeypatch.delitem(SECTION_TYPES, TOY)
    assert toys(path) == ["unknown, skipped"]
    codec.verify(path, device="cpu", threads=1)
    # Its fourth letter allows those to copy it who do not know it, but repair cannot search it.
    codec.transcode(path, tmp_path / "b.inrc", coder="range")
    assert len(toys(tmp_path / "b.inrc")) == 1
    codec.repair(damaged(path, tmp_path / "c.inrc"), tmp_path / "d.inrc")
    assert toys(tmp_path / "d.inrc") == []
