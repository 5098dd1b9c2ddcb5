"""The same input, options and seed give the same bytes, whatever the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, ROOTS

_QUICK = ("constant", "pyramid-netcdf", "pyramid-residuals-tiles")
_ALL = ("shell", "fvsrn", "amgsrn", "hashgrid", "miner", "siren", "neurcomp")


@pytest.mark.parametrize(
    "names", [_QUICK, pytest.param(_ALL, marks=[pytest.mark.slow, pytest.mark.torch])]
)
def test_two_processes_write_the_same_bytes(tmp_path: Path, names: tuple[str, ...]) -> None:
    """With other hashes of text, at another time, in a folder of another name."""
    found = []
    for seed in ("1", "77"):
        folder = tmp_path / seed
        folder.mkdir()
        program = REPOSITORY / "tests" / "golden" / "samples.py"
        paths = {"PYTHONPATH": os.pathsep.join(map(str, ROOTS)), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, str(program), str(folder), *names],
            env=os.environ | paths,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.splitlines())
    assert found[0] == found[1]
    assert [line.split()[0] for line in found[0]] == list(names)
