"""An encode that is interrupted or terminated ends soon, with its exit code and without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOTS


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_an_encode_without_partial_output(
    tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    source, target = tmp_path / "in.npy", tmp_path / "out.inrc"
    steps = np.random.default_rng(0).normal(0, 1, (64, 64, 64))
    np.save(source, steps.cumsum(0).astype(np.float32))
    options = ["--tile", "8x16x16", "--effort", "0", "--threads", "1", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "codec", "encode", str(source), "-o", str(target), *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))},
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / ".out.inrc.inrc-journal"
    deadline = time.monotonic() + 300
    while not journal.exists() or journal.stat().st_size < 3000:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    _, told = process.communicate(timeout=300)
    assert process.returncode == code
    assert told.splitlines()[-1] == f"inrc: {word}"
    # What is finished stays for the same command, and is named.
    assert "finished tiles are kept" in told
    assert sorted(os.listdir(tmp_path)) == [journal.name, "in.npy"]
