"""Both decoders pass the conformance suite, and the suite catches decoders that are wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import Process

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "conformance" / "vectors" / "v1"
DECODERS = {
    "reference": f"{sys.executable} -m inrc_conformance.decoder",
    "product": f"{sys.executable} {ROOT / 'tests' / 'conformance_product.py'}",
}


@pytest.mark.parametrize("decoder", DECODERS)
def test_decoder_passes_every_vector(process: Process, decoder: str) -> None:
    result = process(
        "-m",
        "inrc_conformance.runner",
        *("run", "--suite", str(SUITE), "--mode", "batch", "--decoder", DECODERS[decoder]),
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert " 0 failed" in result.stdout + result.stderr


@pytest.mark.slow
def test_wrong_decoders_are_caught(process: Process) -> None:
    result = process("-m", "inrc_conformance.runner", "selftest", "--suite", str(SUITE))
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
