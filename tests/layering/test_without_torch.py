"""Every command works without PyTorch, or one line names the extra that brings it.

All cases run in one process in which PyTorch cannot be imported; each test looks at one of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

import codec
from codec.plugin_api import registry
from tests.conftest import REPOSITORY, ROOTS

GOLDEN = sorted((REPOSITORY / "tests" / "golden" / "files").glob("*.inrc"))
NETWORKS = ("fvsrn", "neurcomp", "amgsrn", "miner", "siren", "hashgrid")
GATES = ("binary-mask", "magnitude", "smallify", "variational")
PRUNERS = (*GATES, "taylor")
QUANTISERS = ("uniform", "adaround", "kmeans", "qat")
ARCHITECTURES = ("constant", "pyramid", "shell", *NETWORKS)

WORKS: dict[str, str] = {
    "encode": "encode in.npy -o out.inrc --psnr 30 --effort 0 --threads 1",
    "encode of a mesh": "encode in.ply -o out.inrc --psnr 30 --effort 0 --threads 1",
    "encode of an image": "encode in.png -o out.inrc --psnr 30 --effort 0 --threads 1",
    "encode on any device": "encode in.npy -o out.inrc --psnr 30 --effort 0 --device auto",
    "append": "append pyramid.inrc pyramid.npy --dim 0 --psnr 20 --effort 0 --threads 1",
    "append to a network": "append fvsrn.inrc fvsrn.npy --dim 0 --psnr 20 --effort 0 --threads 1",
    "plugins list": "plugins list --json",
    "info as a table": "info fvsrn.inrc",
    **{f"plugins show {name}": f"plugins show {name}" for name in (*ARCHITECTURES, "taylor")},
    **{f"info {path.stem}": f"info {path.name} --json" for path in GOLDEN},
    **{f"verify {path.stem}": f"verify {path.name} --device cpu" for path in GOLDEN},
    **{f"repair {path.stem}": f"repair {path.name} -o out.inrc" for path in GOLDEN},
    **{
        f"transcode {name}": f"transcode {name}.inrc -o out.inrc --coder auto"
        for name in ARCHITECTURES
    },
    **{f"decode {name}": f"decode {name}.inrc -o out.npz --device cpu" for name in ARCHITECTURES},
}
NAMES_THE_EXTRA: dict[str, str] = {
    "encode on a GPU": "encode in.npy -o out.inrc --device cuda",
    "decode on a GPU": "decode fvsrn.inrc -o out.npy --device cuda",
    "verify on a GPU": "verify fvsrn.inrc in.npy --device cuda",
    "append of a network": "append fvsrn.inrc fvsrn.npy --dim 0 --psnr 20 --arch fvsrn",
    "append on a GPU": "append pyramid.inrc pyramid.npy --dim 0 --psnr 20 --device cuda",
    "meta-train": "meta-train in.png -o prior.inrcprior --steps 1",
    **{f"encode --arch {name}": f"encode in.npy -o out.inrc --arch {name}" for name in NETWORKS},
    **{f"mesh --arch {name}": f"encode in.ply -o out.inrc --arch {name}" for name in NETWORKS},
    **{f"tune --arch {name}": f"tune in.npy -o results --arch {name}" for name in NETWORKS},
    **{
        f"encode --prune {name}": f"encode in.npy -o out.inrc --arch fvsrn --prune {name}"
        for name in PRUNERS
    },
    **{
        f"encode --quantise {name}": f"encode in.npy -o out.inrc --arch fvsrn --quantise {name}"
        for name in QUANTISERS
    },
    **{
        f"transcode --prune {name}": f"transcode fvsrn.inrc -o out.inrc --psnr 20 --prune {name}"
        for name in PRUNERS
    },
    **{
        f"transcode --quantise {name}": (
            f"transcode fvsrn.inrc -o out.inrc --psnr 20 --quantise {name}"
        )
        for name in QUANTISERS
    },
    **{f"plugins show {name}": f"plugins show {name}" for name in (*GATES, *QUANTISERS)},
}
FUNCTIONS: dict[str, str] = {
    "codec.encode": "codec.encode('in.npy', 'out.inrc', arch='fvsrn')",
    "codec.encode on a GPU": "codec.encode('in.npy', 'out.inrc', device='cuda')",
    "codec.decode": "codec.decode('fvsrn.inrc', 'out.npy', device='cuda')",
    "codec.verify": "codec.verify('fvsrn.inrc', 'in.npy', device='cuda')",
    "codec.open": "with codec.open('fvsrn.inrc', device='cuda') as f: next(iter(f.values()))[...]",
    "codec.transcode": "codec.transcode('fvsrn.inrc', 'out.inrc', psnr=20, quantise='qat')",
    "codec.tune": "codec.tune('in.npy', 'results', arch='siren', psnr=30)",
    "codec.meta_train": "codec.meta_train(['in.png'], 'prior.inrcprior', steps=1)",
    "codec.append": "codec.append('fvsrn.inrc', 'fvsrn.npy', dim='0', psnr=20, arch='siren')",
    "codec.plugin_settings": "codec.plugin_settings('smallify')",
}
DECODING = """
with codec.open({name!r}, device="cpu", threads=1) as file:
    for view in file.values():
        digest(view[...])
"""


VALUES = """
with codec.open('{name}', device="cpu", threads=1) as file:
    for view in file.values():
        digest(view[...])
"""


def write_inputs(folder: Path) -> list[str]:
    """Write an array, an image, a mesh and samples to append, and return their paths."""
    rows, columns, depths = np.indices((12, 10, 8)) / 10.0
    waves = (np.sin(5 * rows) + np.cos(3 * columns) * depths).astype(np.float32)
    for name in ("in", "pyramid", "fvsrn"):
        np.save(folder / f"{name}.npy", waves)
    Image.fromarray(np.uint8(100 * np.clip(waves[0] + 1, 0, 2))).save(folder / "in.png")
    trimesh.creation.icosphere(subdivisions=1).export(folder / "in.ply")
    return [str(path) for path in sorted(folder.iterdir())]


def all_cases(inputs: list[str]) -> list[dict[str, Any]]:
    """Cases as `run_without_torch.py` reads them, each with the golden files that it names."""
    cases: list[dict[str, Any]] = [
        {"name": name, "arguments": line.split()}
        for name, line in (WORKS | NAMES_THE_EXTRA).items()
    ]
    cases += [{"name": name, "source": source} for name, source in FUNCTIONS.items()]
    cases += [
        {"name": f"values {path.stem}", "source": VALUES.format(name=path.name)} for path in GOLDEN
    ]
    for case in cases:
        words = case.get("arguments") or case["source"].split("'")
        case["files"] = [*inputs, *(str(path) for path in GOLDEN if path.name in words)]
    return cases


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outcome of each case, by name."""
    folder = tmp_path_factory.mktemp("cases")
    inputs = folder / "inputs"
    inputs.mkdir()
    (folder / "cases.json").write_text(json.dumps(all_cases(write_inputs(inputs))), "utf-8")
    program = Path(__file__).with_name("run_without_torch.py")
    done = subprocess.run(
        [sys.executable, str(program), str(folder / "cases.json"), str(folder)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))},
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", WORKS)
def test_it_works(name: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[name]
    assert outcome["code"] == 0, outcome["errors"]
    assert "orch" not in outcome["errors"]


@pytest.mark.parametrize("name", [*NAMES_THE_EXTRA, *FUNCTIONS])
def test_one_line_names_the_extra(name: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[name]
    lines = outcome["errors"].splitlines()
    assert outcome["code"] == 1, outcome
    assert len(lines) == 1, lines
    assert lines[0].startswith("inrc: ")
    assert lines[0].endswith("pip install 'inrc[torch]'")
    assert outcome["output"] == ""
    assert outcome["changed"] == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_values_have_the_same_bits_as_with_torch(path: Path, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"values {path.stem}"]
    assert outcome["code"] == 0, outcome["errors"]
    with codec.open(path, device="cpu", threads=1) as file:
        digests = [hashlib.sha256(view[...].tobytes()).hexdigest() for view in file.values()]
    assert digests
    assert outcome["output"].split() == digests


def test_every_plugin_has_its_cases() -> None:
    assert set(ARCHITECTURES) == set(registry.names("architecture"))
    assert set(PRUNERS) == set(registry.names("pruner"))
    assert set(QUANTISERS) == set(registry.names("quantiser"))
