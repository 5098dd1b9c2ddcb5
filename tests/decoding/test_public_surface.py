"""What an open file, its fields and its shapes show to users: these names, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import codec
from codec.errors import CorruptError
from codec.format.sections import SectionReader
from codec.reading.field import Field
from codec.reading.shape_field import ShapeField
from tests.building import with_payload
from tests.shapes.conftest import ball, encoded, write

FILE = ["check_digest", "close", "file_bytes", "format_version", "get", "items", "keys", "made",
        "medium", "metadata", "values", "verbatim"]  # fmt: skip
ARRAY = ["at", "attrs", "bound", "coords", "dims", "dtype", "factors", "level", "name", "ndim",
         "shape", "size"]  # fmt: skip
SHAPE = sorted([*ARRAY, "contains", "mesh", "sdf", "signed"])


def public(thing: Any) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


@pytest.fixture(scope="module")
def shape_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(write(ball(), tmp_path_factory.mktemp("surface") / "ball.ply"), 900)


def test_a_file_shows_these_names(tiny_file: bytes) -> None:
    with codec.open(tiny_file) as file:
        assert public(file) == FILE


def test_a_field_of_an_array_shows_these_names(tiny_file: bytes) -> None:
    with codec.open(tiny_file) as file:
        for field in file.values():
            assert type(field) is Field
            assert public(field) == ARRAY


def test_a_shape_shows_these_names(shape_path: Path) -> None:
    with codec.open(shape_path) as file:
        shape = file["distance"]
        assert type(shape) is ShapeField
        assert public(shape) == SHAPE
        assert shape.signed
        # A level of it is an array alone.
        assert type(shape.level(1)) is Field


def test_every_public_name_is_documented(tiny_file: bytes, shape_path: Path) -> None:
    with codec.open(tiny_file) as file, codec.open(shape_path) as shapes:
        for thing in (file, shapes["distance"]):
            assert all(getattr(type(thing), name).__doc__ for name in public(thing)), thing


def test_a_file_says_what_it_is(tiny_file: bytes, shape_path: Path, tmp_path: Path) -> None:
    (tmp_path / "t.inrc").write_bytes(tiny_file)
    size = f"{len(tiny_file):,} bytes"
    with codec.open(tmp_path / "t.inrc") as file:
        assert repr(file) == f"<inrc file {str(tmp_path / 't.inrc')!r}: 2 fields, {size}>"
    with codec.open(tiny_file) as file:
        assert repr(file) == f"<inrc file in memory: 2 fields, {size}>"
    with codec.open(shape_path) as file:
        assert "1 field, " in repr(file)


def test_a_field_says_what_it_is_without_a_look_at_its_streams(
    tiny_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = SectionReader.read

    def counted(self: SectionReader, section: Any) -> bytes:
        read.append(section.type)
        return original(self, section)

    monkeypatch.setattr(SectionReader, "read", counted)
    with codec.open(tiny_file) as file:
        assert repr(file["t"]) == "<inrc field 't' (y: 24, x: 30) float32, K>"
        assert repr(file["t"].level(1)) == "<inrc field 't' (y: 12, x: 15) float32, K>"
    assert not {"TENS", "RESD", "MASK", "VERB"} & set(read)


def test_a_shape_without_its_place_is_an_array_and_no_surface(shape_path: Path) -> None:
    data = with_payload(shape_path.read_bytes(), "mETa", b"\xa1\x00\x63npy")
    with codec.open(data) as file:
        shape = file["distance"]
        assert shape[...].shape == shape.shape
        for use in (shape.sdf, shape.contains):
            with pytest.raises(CorruptError, match="where it lies"):
                use([[0, 0, 0]])
        with pytest.raises(CorruptError, match="where it lies"):
            shape.mesh(8)
