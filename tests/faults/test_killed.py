"""A process that is killed at any step leaves the old target or the new one, and nothing else that
the next run would not clear away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Process

_PROGRAM = Path(__file__).with_name("killed.py")
# The first step of each is that at which its own folder is made; more follow where more is written.
_LEAST = 12
_SLOW = ("encode-tiles", "decode-nc", "decode-png", "decode-zarr", "transcode")
_NAMES = ("encode", "decode-npy", "append", "repair", *_SLOW)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in _SLOW)) for name in _NAMES]
)
def test_killed_at_any_step_the_target_is_the_old_or_the_new_one(
    process: Process, tmp_path: Path, name: str
) -> None:
    result = process(str(_PROGRAM), str(tmp_path), name)
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) >= _LEAST
    for step in found:
        assert step["killed"], step
        # A run of tiles starts without a target, for `--force` would drop its journal.
        assert step["target"] in ("absent" if name == "encode-tiles" else "old", "new"), step
        assert step["again"] == "", step
        assert step["left"] == [], step
        assert step["then"] == "new" or (name, step["target"]) == ("append", "new"), step
    # Both happen, so there is something to tell apart.
    assert len({step["target"] for step in found}) == 2
