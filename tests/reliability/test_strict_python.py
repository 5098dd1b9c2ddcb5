"""Without `assert` (-O), and with every warning an error, everything still works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests import building
from tests.conftest import REPOSITORY, ROOTS

# Warnings inside packages of others, as in pyproject.toml, cannot be mended here.
_PYTHON = (sys.executable, "-O", "-W", "error", "-W", "ignore:numpy.ndarray size changed")
_CHECK = """
import pathlib, sys, numpy as np, codec
from inrc_cli.main import inrc
if sys.flags.optimize != 1:
    raise SystemExit("not optimised")
for command in (
    "encode in.nc -o out.inrc --psnr 30 --effort 0 --device cpu --threads 1 --quiet",
    "verify out.inrc in.nc --psnr 29 --device cpu",
    "info out.inrc",
    "decode out.inrc -o back.nc --device cpu --quiet",
):
    inrc.main(command.split(), standalone_mode=False)
values = np.load("in.npy")
codec.encode("in.npy", "api.inrc", max_error=0.01, tile=(8, 8, 8), effort=0, threads=1,
             device="cpu")
with codec.open("api.inrc", device="cpu") as file:
    if not np.abs(file["in"][...] - values).max() <= 0.01:
        raise SystemExit("the bound does not hold")
    try:
        file["in"][0, 0, 99]
    except IndexError:
        pass
    else:
        raise SystemExit("an index out of range was taken")
for damaged in (b"", pathlib.Path("api.inrc").read_bytes()[:-1]):
    try:
        codec.open(damaged)
    except codec.FormatError:
        pass
    else:
        raise SystemExit("a damaged file was opened")
"""


def test_values_that_are_not_finite_are_no_warnings(tmp_path: Path) -> None:
    """What a file may ask for is defined (VAL-2), so there is nothing to warn of."""
    items = REPOSITORY / "conformance" / "vectors" / "v1" / "valid" / "items"
    program = REPOSITORY / "tests" / "conformance_product.py"
    requests = [
        json.dumps(
            {"id": name, "input": str(items / name / "input.inrc"), "outdir": str(tmp_path / name)}
        )
        for name in ("x-overflows", "y-huge", "y-not-a-number")
    ]
    done = subprocess.run(
        [*_PYTHON, str(program), "batch"],
        input="\n".join(requests) + "\n",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok"] * 3
    assert done.stderr == ""


def test_encode_decode_info_and_verify_without_asserts_and_warnings(tmp_path: Path) -> None:
    building.write_netcdf(tmp_path / "in.nc")
    np.save(tmp_path / "in.npy", np.indices((16, 8, 8)).sum(0).astype(np.float32) / 7)
    done = subprocess.run(
        [*_PYTHON, "-c", _CHECK],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "sections intact" in done.stdout
    assert "pyramid" in done.stdout
