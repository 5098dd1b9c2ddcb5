"""The benchmark of speed: search for equal PSNR, turns, fields, and the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import zstandard
from peers import Setting
from peers.peer import Kind
from peers.zstd import Zstd
from sources.source import Sample
from sources.synthetic import ocean, turbulence
from speed.alternation import Seconds, in_turns
from speed.cases import CASES, load
from speed.contenders import Contender, contenders
from speed.equal_quality import Search

from codec.arrays import Array
from tests.conftest import REPOSITORY

SAMPLE = turbulence(12, 16, 20)(Path())
STEPS = [2.0 / 1.5**number for number in range(20)]


@dataclass
class Rounding:
    """Peer that rounds to multiples of its setting."""

    name: str = "rounding"
    kind: Kind = "volume"
    how: str = "multiples"
    encoded: list[float] = field(default_factory=list)

    def available(self) -> str | None:
        return None

    def version(self) -> str:
        return "0"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        yield from (Setting("step", step) for step in STEPS)

    def encode(self, values: Array, setting: Setting) -> bytes:
        self.encoded.append(setting.value)
        return zstandard.compress(np.rint(values / setting.value).astype(np.int16).tobytes())

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        multiples = np.frombuffer(zstandard.decompress(data), np.int16).reshape(shape)
        return (multiples * np.float32(setting.value)).astype(np.float32)


def test_bytes_at_a_psnr_lie_between_those_of_the_neighbours() -> None:
    peer = Rounding()
    search = Search(Contender(peer, 1, SAMPLE.values, charged=7), SAMPLE, [40.0])
    size = search.bytes_at(40.0)
    assert len(peer.encoded) <= 8
    trials = sorted((trial.psnr_db, trial.bytes) for trial in search._trials.values() if trial)
    below = max(trial for trial in trials if trial[0] < 40)
    above = min(trial for trial in trials if trial[0] >= 40)
    assert below[1] < size < above[1]


def test_the_nearest_file_is_near_although_the_settings_are_far_apart() -> None:
    peer = Rounding()
    search = Search(Contender(peer, 1, SAMPLE.values, charged=7), SAMPLE, [40.0])
    nearest = search.nearest(40.0)
    assert nearest is not None
    assert abs(nearest.psnr_db - 40) < 0.5
    assert nearest.setting.value not in STEPS
    assert nearest.bytes == 7 + len(peer.encode(SAMPLE.values, nearest.setting))


def test_no_file_is_good_enough() -> None:
    search = Search(Contender(Rounding(), 1, SAMPLE.values, 0), SAMPLE, [300.0])
    assert search.bytes_at(300.0) == np.inf


def test_a_lossless_peer_has_its_only_size_at_every_psnr() -> None:
    (contender,) = contenders([Zstd()], SAMPLE)
    search = Search(contender, SAMPLE, [40.0])
    size = len(Zstd().encode(SAMPLE.values, Setting("level", 3)))
    assert search.bytes_at(40.0) == search.bytes_at(90.0) == size


def test_runs_take_turns_and_their_medians_count() -> None:
    order: list[str] = []
    seconds = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 3.0, 4.0])}

    def runner(name: str) -> Seconds:
        order.append(name)
        return Seconds(next(seconds[name]), len(order))

    medians = in_turns([lambda: runner("a"), lambda: runner("b")], 3)
    assert "".join(order) == "ababab"
    assert medians == [Seconds(2.0, 3), Seconds(4.0, 4)]


def test_a_made_field_stands_in_for_missing_data(capsys: pytest.CaptureFixture[str]) -> None:
    small = [case for case in CASES if case.name in ("volume-91", "ocean")]
    fields = list(load(small, None))
    assert [loaded.case for loaded in fields] == ["volume-91", "ocean"]
    assert fields[0].source == "made-91"
    assert fields[0].sample.values.shape == (91, 91, 91)
    assert fields[1].sample.valid is not None
    assert "SKIPPED: volume-91: turb_wmag91: no folder of data" in capsys.readouterr().err


def test_masked_samples_are_filled_for_lossy_peers_alone() -> None:
    sample: Sample = ocean(2, 12, 20)(Path())
    assert sample.valid is not None
    lossy, lossless = contenders([Rounding(), Zstd()], sample)
    assert np.all(lossless.values[~sample.valid] == 0)
    assert np.any(lossy.values[~sample.valid] != 0)
    assert np.array_equal(lossy.values[sample.valid], sample.values[sample.valid])
    assert lossy.charged == lossless.charged > 0


@pytest.mark.slow
@pytest.mark.torch
def test_the_command_measures_small_fields(tmp_path: Path) -> None:
    cases = ["quick", "quick-4d", "quick-ocean"]
    options = ["--quick", "--psnr", "40", "--out", str(tmp_path)]
    for case in cases:
        options += ["--only", case]
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "bench_speed.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "speed.json").read_text("utf-8"))["rows"]
    ours = [row for row in rows if row["codec"] == "inrc pyramid e0"]
    assert [row["case"] for row in ours] == cases
    for row in ours:
        assert row["psnr_db"] >= 39.99
        assert row["encode"] > 0
        assert row["decode"] > 0
        assert row["equal_bytes"]["zstd"] > row["bytes"]
        assert row["encode_memory"] >= 0
    assert "### quick-ocean (made-ocean-small, 4x24x40) at 40 dB, 1 thread" in done.stdout
    assert "## speed" in (tmp_path / "RESULTS.md").read_text("utf-8")
