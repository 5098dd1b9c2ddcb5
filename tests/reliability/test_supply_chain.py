"""Nothing is fetched at run time, and every dependency is pinned for the tests."""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import InvalidInputError
from tests import building
from tests.conftest import REPOSITORY, Process

# Every way of Python to another machine, before anything else is imported.
_OFFLINE = """
import socket, sys

def refuse(*arguments, **options):
    raise RuntimeError("NETWORK: a connection was asked for")

class Refused(socket.socket):
    def connect(self, *arguments):
        refuse()
    connect_ex = connect

for name in ("create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, name, refuse)
socket.socket = Refused
from inrc_cli.main import inrc
for command in sys.argv[1:]:
    try:
        inrc.main(command.split(), standalone_mode=False)
    except RuntimeError as error:
        raise SystemExit(str(error))
try:
    socket.create_connection(("localhost", 9))
except RuntimeError:
    print("offline")
"""
_COMMANDS = (
    "encode in.npy -o out.inrc --psnr 30 --effort 0 --device cpu --threads 1",
    "decode out.inrc -o back.npy --device cpu",
    "info out.inrc",
    "verify out.inrc in.npy --device cpu",
    "transcode out.inrc -o small.inrc --coder zstd",
    "repair out.inrc -o repaired.inrc",
    "plugins list",
    "plugins show siren",
)


def test_no_command_asks_for_the_network(process: Process, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.indices((8, 8, 8)).sum(0).astype(np.float32))
    result = process("-c", _OFFLINE, *_COMMANDS)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("offline\n")
    assert "NETWORK" not in result.stderr


@pytest.mark.parametrize("name", ["../out", "a/../../out", "..", "/{folder}/out"])
def test_no_name_in_a_file_leads_out_of_the_target(tmp_path: Path, name: str) -> None:
    """A Zarr store is a folder, in which arrays lie under their names."""
    inside = tmp_path / "inside"
    inside.mkdir()
    named = name.format(folder=tmp_path)
    (inside / "f.inrc").write_bytes(building.fvsrn_file((4, 4), names=(named,)))
    with suppress(InvalidInputError):
        codec.decode(inside / "f.inrc", inside / "o.zarr", device="cpu", threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert {path.name for path in inside.iterdir()} <= {"f.inrc", "o.zarr"}


def _name(requirement: str) -> str:
    """The name of a package as indices compare it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pinned = {
        _name(line): line
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;*]+", line) for line in pinned.values())
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(one for extra in extras for one in extra)]
    missing = {_name(one) for one in wanted} - pinned.keys() - {"inrc"}
    assert not missing


def test_the_versions_pinned_are_those_that_the_project_allows() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    versions = {_name(name): version for name, version in pinned.items()}
    for one in project["dependencies"]:
        requirement = Requirement(one)
        assert requirement.specifier.contains(versions[_name(requirement.name)]), one
