"""A run that was stopped in a stage ends with the same bytes, whatever that stage remembers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.files import fit_journal
from codec.options.encode import Progress


class _Stop(Exception):  # noqa: N818 - stands in for an interrupt
    pass


@pytest.mark.torch
@pytest.mark.parametrize(
    ("pruner", "quantiser", "stage", "step"),
    [
        ("smallify", "qat", "prune", 30),
        ("magnitude", "adaround", "quantise", 7),
        ("variational", "uniform", "prune", 4),
    ],
)
def test_a_stage_goes_on_where_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pruner: str,
    quantiser: str,
    stage: str,
    step: int,
) -> None:
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    z, y, x = np.mgrid[0:8, 0:8, 0:8] / 5
    np.save(tmp_path / "a.npy", (np.sin(z) * np.cos(y) + x).astype(np.float32))
    settings: dict[str, object] = {"fit.steps": 3, "fit.prune_steps": 9, "fit.finetune_steps": 5}
    settings["prune.sparsity"] = 0.2
    if pruner == "smallify":
        # Long enough, and under such a penalty, that signs change before the stop.
        settings |= {"prune.momentum": 0.1, "prune.start": "normal", "prune.gates": 1.0}
        settings |= {"fit.prune_steps": 45}
    if quantiser == "adaround":
        settings |= {
            "quantise.layered": "no",
            "quantise.regulariser": 0.1,
            "fit.finetune_steps": 30,
        }
    seen: list[str] = []

    def encode(name: str, *, stopped: bool = False) -> bytes:
        def stop(progress: Progress) -> None:
            seen.append(progress.stage)
            if stopped and seen.count(stage) == step:
                raise _Stop

        codec.encode(
            tmp_path / "a.npy", tmp_path / name, arch="fvsrn", bytes=900, prune=pruner,
            quantise=quantiser, settings=settings, threads=1, device="cpu", on_progress=stop,
        )  # fmt: skip
        return (tmp_path / name).read_bytes()

    whole = encode("whole.inrc")
    seen.clear()
    with pytest.raises(_Stop):
        encode("b.inrc", stopped=True)
    assert encode("b.inrc") == whole
