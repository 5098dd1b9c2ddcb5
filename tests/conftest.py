"""What the tests share: real volumes, a small real file, and files made without training."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

import codec
from tests import building

REPOSITORY = Path(__file__).resolve().parents[1]
ROOTS = (REPOSITORY, *(REPOSITORY / name for name in ("plugins", "cli", "conformance")))

# How long an example takes says nothing on a machine that others use as well.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TORCH_IS_MISSING = find_spec("torch") is None
_NEEDS_TORCH = re.compile(
    r"^(import torch|from codec\.training\.\w+ import|from inrc_plugins\S*\.(training|\w+_fit)[. ]"
    r"|from inrc_plugins\.(pruners|quantisers)[. ])",
    re.MULTILINE,
)

Process = Callable[..., "subprocess.CompletedProcess[str]"]
Fresh = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out modules that import PyTorch, or modules of ours that do, where it is missing."""
    if not TORCH_IS_MISSING or collection_path.suffix != ".py":
        return None
    return bool(_NEEDS_TORCH.search(collection_path.read_text("utf-8"))) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `torch` where PyTorch is missing."""
    if TORCH_IS_MISSING:
        for item in items:
            if item.get_closest_marker("torch"):
                item.add_marker(pytest.mark.skip(reason="PYTORCH IS MISSING: inrc[torch]"))


def pytest_report_header() -> list[str]:
    """Line that says so where tests that need PyTorch are left out."""
    return ["PYTORCH IS MISSING: tests that need it are left out"] if TORCH_IS_MISSING else []


@pytest.fixture(scope="session")
def volumes() -> Path:
    """The folder of real volumes."""
    named = os.environ.get("INRC_VOLUMES")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data" / "volumes"
    if not folder.is_dir():
        pytest.skip(
            f"REAL VOLUMES ARE MISSING: {folder} is no folder; "
            "set INRC_VOLUMES to the folder that holds them"
        )
    return folder


@pytest.fixture(scope="session")
def tiny_netcdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A NetCDF file of 720 samples per variable."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.nc"
    building.write_netcdf(path)
    return path


@pytest.fixture(scope="session")
def tiny_file(tiny_netcdf: Path) -> bytes:
    """`tiny_netcdf` encoded: items, a mask, verbatim variables, metadata, in under 1.5 kB."""
    target = tiny_netcdf.with_suffix(".inrc")
    codec.encode(tiny_netcdf, target, psnr=15, effort=0, threads=1, device="cpu")
    return target.read_bytes()


@pytest.fixture(scope="session")
def build_file() -> Callable[..., bytes]:
    """Makes a file with a random `fvsrn` model in milliseconds; see `building.fvsrn_file`."""
    return building.fvsrn_file


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Python in a process of its own, in `tmp_path`; it finds the packages, installed or not."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))}

    def start(*arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            input=input,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=600,
            check=False,
        )

    return start


@pytest.fixture
def fresh(process: Process) -> Fresh:
    """Runs Python source in a process of its own."""
    return lambda source, *arguments: process("-c", source, *arguments)
