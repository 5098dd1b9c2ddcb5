"""`import codec` is quick, and decoding on the CPU needs no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from tests.conftest import REPOSITORY, Fresh

HEAVY = ("torch", "netCDF4", "h5py", "rich", "click", "inrc_plugins", "inrc_cli", "numpy",
         "constriction", "zstandard", "brotli", "zarr", "nibabel", "nrrd", "mrcfile", "tifffile",
         "astropy", "PIL", "gzip")  # fmt: skip
BUDGET_SECONDS = 0.15

BLOCK_TORCH = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked")
sys.meta_path.insert(0, Blocker())
"""


def test_importing_codec_loads_nothing_heavy(fresh: Fresh) -> None:
    done = fresh("import sys, codec; print(*(name.partition('.')[0] for name in sys.modules))")
    assert done.returncode == 0, done.stderr
    assert not set(HEAVY) & set(done.stdout.split())


def test_importing_codec_is_quick(fresh: Fresh) -> None:
    source = (
        # Of the processor, so that other programs do not count.
        "import time; start = time.process_time(); import codec; print(time.process_time() - start)"
    )
    best = min(float(fresh(source).stdout) for _ in range(5))
    assert best < BUDGET_SECONDS


def test_torch_is_really_blocked(fresh: Fresh) -> None:
    done = fresh(BLOCK_TORCH + "import torch")
    assert done.returncode
    assert "torch is blocked" in done.stderr


def test_info_and_decoding_work_without_torch(
    fresh: Fresh, tiny_file: bytes, tmp_path: Path
) -> None:
    (tmp_path / "tiny.inrc").write_bytes(tiny_file)
    done = fresh(
        BLOCK_TORCH
        + """
import codec
import numpy as np
import pytest
assert len(codec.info("tiny.inrc").fields) == 2
codec.verify("tiny.inrc", device="cpu")
codec.decode("tiny.inrc", "back.nc", device="cpu")
with codec.open("tiny.inrc", device="cpu") as file:
    np.save("t.npy", file["t"][...])
    file["t"].at([[1.5, 2.5]])
assert "torch" not in sys.modules
"""
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back.nc").exists()
    with codec.open(tiny_file, device="cpu") as file:
        assert np.load(tmp_path / "t.npy").tobytes() == file["t"][...].tobytes()


def test_encoding_without_torch_says_what_is_missing(
    tiny_netcdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(codec.MissingDependencyError, match=r"inrc\[torch\]"):
        codec.encode(tiny_netcdf, tmp_path / "out.inrc", arch="fvsrn")
    assert not list(tmp_path.glob("*.inrc"))


def test_files_decode_where_nothing_may_be_written(fresh: Fresh) -> None:
    """Numba keeps no compiled loops where it finds no folder for them."""
    done = fresh(
        """
import sys
from numba.core import caching
caching.CacheImpl._locator_classes = []
import codec
with codec.open(sys.argv[1], device="cpu") as file:
    print(file["fvsrn-zstd"][1, 2, 3])
""",
        str(REPOSITORY / "tests" / "golden" / "files" / "fvsrn-zstd.inrc"),
    )
    assert done.returncode == 0, done.stderr
    with codec.open(REPOSITORY / "tests/golden/files/fvsrn-zstd.inrc", device="cpu") as file:
        assert done.stdout.strip() == str(file["fvsrn-zstd"][1, 2, 3])


def test_the_default_architecture_encodes_without_torch(
    fresh: Fresh, tiny_netcdf: Path, tmp_path: Path
) -> None:
    done = fresh(
        """
import sys
sys.modules["torch"] = None
import codec
assert codec.encode(sys.argv[1], sys.argv[2], psnr=30, effort=0).goal_met
""",
        str(tiny_netcdf),
        str(tmp_path / "out.inrc"),
    )
    assert done.returncode == 0, done.stderr
    with codec.open(tmp_path / "out.inrc", device="cpu") as file:
        assert "p" in file


def test_commands_on_the_default_architecture_do_without_numba_the_second_time(
    fresh: Fresh, tmp_path: Path
) -> None:
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((9, 8, 7), np.float32))
    source = """
import sys
from inrc_cli.main import inrc
inrc.main(sys.argv[1].split(), standalone_mode=False)
sys.exit(10 * ("numba" in sys.modules))
"""
    folder = tmp_path.as_posix()
    encode = f"encode {folder}/in.npy -o {folder}/out.inrc --psnr 30 --effort 0 --force --quiet"
    decode = f"decode {folder}/out.inrc -o {folder}/back.npy --force --quiet"
    assert fresh(source, encode).returncode in (0, 10)
    assert fresh(source, encode).returncode == 0
    assert fresh(source, decode).returncode in (0, 10)
    for command in (decode, f"info {folder}/out.inrc", "--help"):
        done = fresh(source, command)
        assert done.returncode == 0, done.stderr
