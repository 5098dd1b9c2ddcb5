"""The rate of a shell is foreseen: few octrees are coded, and most of these are coarse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import codec
from codec.entropy.mixing.octree import Octree
from inrc_plugins.architectures.shell import quantisation
from inrc_plugins.architectures.shell.forecast import Sample, foreseen, step_power
from tests.shapes.conftest import ball, write

COARSE, FINAL = 2, 3


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> list[Octree]:
    """The octrees that are coded from now on."""
    octrees: list[Octree] = []
    quantise = quantisation.quantise_octree

    def counted(octree: Octree, *arguments: Any) -> Any:
        octrees.append(octree)
        return quantise(octree, *arguments)

    monkeypatch.setattr(quantisation, "quantise_octree", counted)
    return octrees


@pytest.mark.parametrize("size", [2000, 6000])
def test_few_octrees_are_coded_for_a_number_of_bytes(
    coded: list[Octree], tmp_path: Path, size: int
) -> None:
    mesh = ball()
    mesh.vertices *= [1, 0.8, 0.6]
    source, target = write(mesh, tmp_path / "mesh.ply"), tmp_path / "mesh.inrc"
    codec.encode(source, target, bytes=size, threads=1)
    assert 0.98 * size <= target.stat().st_size <= size
    final = [octree for octree in coded if octree.nodes == coded[-1].nodes]
    assert len(coded) - len(final) <= COARSE
    assert len(final) <= FINAL


def test_few_octrees_are_coded_for_a_psnr(coded: list[Octree], tmp_path: Path) -> None:
    source, target = write(ball(), tmp_path / "mesh.ply"), tmp_path / "mesh.inrc"
    report = codec.encode(source, target, psnr=76, threads=1)
    assert 76 <= report.qualities[0].psnr < 78
    final = [octree for octree in coded if octree.nodes == coded[-1].nodes]
    assert len(coded) - len(final) <= COARSE
    assert len(final) <= FINAL


def test_power_laws_are_continued() -> None:
    def sample(resolution: int, unit: int) -> Sample:
        size = 0.5 * resolution**1.5 * unit**0.4
        floor, noise = 3 / resolution**1.8, 5 / resolution / unit
        return Sample(resolution, unit, round(1000 * size), floor, noise)

    coarse = [sample(20, 160), sample(40, 160)]
    expected, actual = sample(80, 160), foreseen(coarse, 80)
    assert actual.size == pytest.approx(expected.size, rel=1e-3)
    assert actual.floor == pytest.approx(expected.floor, rel=1e-3)
    assert actual.noise == pytest.approx(expected.noise, rel=1e-3)
    assert step_power([sample(40, 160), sample(40, 300)]) == pytest.approx(0.4, abs=1e-3)
    assert actual.error_at(actual.size_within(2 * actual.floor)) == pytest.approx(2 * actual.floor)
