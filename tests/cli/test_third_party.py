"""A plugin of somebody else is found by its entry point, and missed by name where it is absent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[1] / "plugin_example"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed in it as pip does."""
    folder = tmp_path_factory.mktemp("site")
    copy = tmp_path_factory.mktemp("source") / "example"
    # pip builds beside the sources, which are to stay clean.
    import shutil

    shutil.copytree(EXAMPLE, copy)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--target",
            str(folder),
            str(copy),
        ],
        check=True,
        timeout=600,
    )
    return folder


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("field") / "a.npy"
    z, y = np.mgrid[0:12, 0:15] / 10
    np.save(path, (np.sin(z) * np.cos(2 * y)).astype(np.float32))
    return path


def inrc(*arguments: object, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = [*([str(site)] if site else []), str(ROOT), str(ROOT / "plugins"), str(ROOT / "cli")]
    return subprocess.run(
        [sys.executable, "-m", "codec", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.torch
def test_it_encodes_and_decodes_by_its_entry_point(installed: Path, field: Path) -> None:
    coded, back = field.with_suffix(".inrc"), field.with_name("back.npy")
    done = inrc(
        "encode",
        field,
        "-o",
        coded,
        "--arch",
        "cosines",
        "--psnr",
        50,
        "--effort",
        0,
        "--set",
        "fit.steps=100",
        site=installed,
    )
    assert done.returncode == 0, done.stderr
    assert inrc("decode", coded, "-o", back, site=installed).returncode == 0
    original, decoded = np.load(field), np.load(back)
    error = np.sqrt(np.mean((decoded - original) ** 2)) / np.ptp(original)
    assert 0 < error < 10 ** (-50 / 20)


@pytest.mark.torch
def test_its_settings_are_those_it_declares(installed: Path, field: Path) -> None:
    shown = inrc("plugins", "show", "cosines", site=installed)
    assert "arch.rate" in shown.stdout
    target = field.with_name("b.inrc")
    refused = inrc(
        "encode", field, "-o", target, "--arch", "cosines", "--set", "arch.rate=2", site=installed
    )
    assert refused.returncode == 2
    assert "arch.rate=2" in refused.stderr
    assert not target.exists()


@pytest.mark.torch
def test_without_it_the_file_is_unsupported(installed: Path, field: Path) -> None:
    coded = field.with_name("c.inrc")
    done = inrc(
        "encode",
        field,
        "-o",
        coded,
        "--arch",
        "cosines",
        "--psnr",
        20,
        "--effort",
        0,
        "--set",
        "fit.steps=100",
        site=installed,
    )
    assert done.returncode == 0, done.stderr
    decoded = field.with_name("c.npy")
    missing = inrc("decode", coded, "-o", decoded)
    assert missing.returncode == 4
    assert "architecture 2147483649" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1
    assert not decoded.exists()
    unknown = inrc("encode", field, "-o", decoded, "--arch", "cosines")
    assert unknown.returncode == 2
    assert "cosines" in unknown.stderr


def test_one_that_fails_to_load_is_a_warning(tmp_path: Path, field: Path, installed: Path) -> None:
    import shutil

    site = tmp_path / "site"
    shutil.copytree(installed, site)
    (site / "inrc_cosines" / "__init__.py").write_text("import nothing_of_the_kind\n")
    listed = inrc("plugins", "list", site=site)
    assert listed.returncode == 0
    assert "pyramid" in listed.stdout
    assert "cosines" in listed.stderr
    assert inrc("encode", field, "-o", tmp_path / "d.inrc", site=site).returncode == 0
