"""Both decoders pass the conformance suite, and the suite catches decoders that are wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "conformance" / "vectors" / "v1"
DECODERS = {
    "reference": f"{sys.executable} -m inrc_conformance.decoder",
    "product": f"{sys.executable} {ROOT / 'tests' / 'conformance_product.py'}",
}


def run_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    folders = [ROOT, *(ROOT / name for name in ("plugins", "cli", "conformance"))]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, folders)))
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize("decoder", DECODERS)
def test_decoder_passes_every_vector(decoder: str) -> None:
    result = run_module(
        "inrc_conformance.runner",
        *("run", "--suite", str(SUITE), "--mode", "batch", "--decoder", DECODERS[decoder]),
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert " 0 failed" in result.stdout + result.stderr


def test_every_requirement_has_a_vector_or_a_reason() -> None:
    result = run_module("inrc_conformance.coverage", "--spec", str(ROOT / "format_spec"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_selected_vector_is_an_error() -> None:
    result = run_module(
        "inrc_conformance.runner",
        *("run", "--suite", str(SUITE), "--run", "nothing/*", "--decoder", DECODERS["reference"]),
    )
    assert result.returncode == 2


@pytest.mark.slow
def test_wrong_decoders_are_caught() -> None:
    result = run_module("inrc_conformance.runner", "selftest", "--suite", str(SUITE))
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
