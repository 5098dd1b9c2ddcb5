"""The decoder in JavaScript passes its own tests, and a quick part of the suite."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECODER = ROOT / "conformance" / "decoders" / "js"
OLDEST_NODE = (20, 11)  # the first whose test runner ends tests that hang
QUICK = ("*/streams/*", "valid/array/*", "valid/siren/*", "valid/pyramid/b*", "limit/*")


@pytest.fixture(scope="module")
def node() -> str:
    """The path of a node that is new enough."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("THE JAVASCRIPT DECODER IS NOT TESTED: no node (20.11 or newer) on PATH")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_NODE:
        pytest.skip(f"THE JAVASCRIPT DECODER IS NOT TESTED: node {version.strip()} is below 20.11")
    return path


def run_suite(node: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run cases of the suite with the decoder, values of its architectures alone compared."""
    decoder = f"'{node}' '{DECODER / 'cli.mjs'}'"
    command = ["-m", "inrc_conformance.runner", "run", "--timeout", "60", "--decoder", decoder]
    selection = ["--architectures", "constant,pyramid,siren", *arguments]
    return subprocess.run(
        [sys.executable, *command, *selection],
        cwd=ROOT / "conformance",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_its_own_tests_pass(node: str) -> None:
    tests = subprocess.run(
        [node, "--test", "--test-timeout=60000"],
        cwd=DECODER,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert int(re.findall(r"pass (\d+)", tests.stdout)[-1]) > 50


def test_a_quick_part_of_the_suite_passes(node: str) -> None:
    globs = [argument for glob in QUICK for argument in ("--run", glob)]
    suite = run_suite(node, "--mode", "batch", *globs)
    assert suite.returncode == 0, suite.stdout + suite.stderr
    assert int(re.findall(r"(\d+) passed", suite.stdout)[-1]) > 300


def test_it_decodes_one_file_at_a_time(node: str) -> None:
    suite = run_suite(node, "--run", "*/streams/raw-width-*")
    assert suite.returncode == 0, suite.stdout + suite.stderr
