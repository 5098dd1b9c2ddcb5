"""Small files of every kind of section, and what they decode to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.format.sections import Section
from codec.reading.contents import FileContents
from tests import building

SHAPE, TILE = (24, 20, 16), (12, 10, 8)


@dataclass(frozen=True)
class Sample:
    """A file before it is damaged: its bytes, sections, and decoded fields."""

    data: bytes
    sections: tuple[Section, ...]
    fields: dict[str, np.ndarray]

    @classmethod
    def of(cls, data: bytes) -> Sample:
        with FileContents(data, device="cpu", threads=1) as file:
            fields = {name: field[...] for name, field in file.fields.items()}
            return cls(data, file.streams.sections.sections, fields)

    def number(self, section_type: str, number: int = 0) -> Section:
        """The section of a type with this number."""
        return [one for one in self.sections if one.type == section_type][number]

    def flipped(self, *sections: Section) -> bytes:
        """The file with a bit in the middle of these sections' payloads turned over."""
        data = bytearray(self.data)
        for section in sections:
            data[section.payload_offset + section.stored_bytes // 2] ^= 0x10
        return bytes(data)


@pytest.fixture(scope="session")
def make_sample(tmp_path_factory: pytest.TempPathFactory) -> Any:
    def make(**options: Any) -> Sample:
        folder = tmp_path_factory.mktemp("salvage")
        x, y, z = np.indices(SHAPE).astype(np.float32)
        # Noise, so that a bound needs residuals.
        noise = np.random.default_rng(0).normal(0, 0.003, SHAPE)
        field = np.sin(x / 5) * np.cos(y / 7) + z / 160 + noise
        np.save(folder / "f.npy", field.astype(np.float32))
        chosen = {"effort": 4, "device": "cpu", "threads": 1, "tile": TILE}
        codec.encode(folder / "f.npy", folder / "f.inrc", **(chosen | options))
        return Sample.of((folder / "f.inrc").read_bytes())

    return make


@pytest.fixture(scope="session")
def bounded(make_sample: Any) -> Sample:
    """Eight tiles, most with residuals, and an index."""
    return make_sample(max_error=0.01)


@pytest.fixture(scope="session")
def blended(make_sample: Any) -> Sample:
    """Eight tiles that share samples."""
    return make_sample(psnr=40, settings={"tile.overlap": 2})


@pytest.fixture(scope="session")
def netcdf(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Two fields that are not cut, one with a mask, and verbatim variables; no index."""
    folder = tmp_path_factory.mktemp("salvage-netcdf")
    building.write_netcdf(folder / "n.nc")
    codec.encode(folder / "n.nc", folder / "n.inrc", psnr=25, effort=0, device="cpu", threads=1)
    return Sample.of((folder / "n.inrc").read_bytes())


@pytest.fixture
def repair(tmp_path: Path) -> Any:
    """Repairs bytes; returns the report, and the file, which is open and has been verified."""

    def run(damaged: bytes) -> Any:
        source, target = tmp_path / "damaged.inrc", tmp_path / "repaired.inrc"
        source.write_bytes(damaged)
        report = codec.repair(source, target, overwrite=True)
        codec.verify(target, device="cpu", threads=1)
        return report, FileContents(target.read_bytes(), device="cpu", threads=1)

    return run
