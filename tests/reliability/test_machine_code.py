"""Compiled kernels are kept on disk whole, run without numba, and follow their source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from codec.compiling import compiled, object_files
from codec.compiling.fingerprints import fingerprint
from codec.compiling.kernels import Kernel
from codec.compiling.machine_code import MachineCode
from tests.conftest import ROOTS

KERNELS = """
from codec.compiling import compiled
import numpy as np

FACTOR = 3

@compiled(forceinline=True, _nrt=False)
def part(value):
    return FACTOR * value

@compiled(nogil=True, _nrt=False)
def scaled(values, out):
    for i in range(values.size):
        out[i] = part(values[i])
    return out.size
"""
RUN = """
import sys
import numpy as np
from own_kernels import scaled
out = np.zeros(5)
assert scaled(np.arange(5.0), out) == 5
print(*out.astype(int), "numba" in sys.modules)
"""


class Pair(NamedTuple):
    values: Any
    weight: Any


FACTOR = 2
SCALE = np.float32(0.5)


@compiled(_nrt=False)
def part(value: Any) -> Any:
    return value * FACTOR


@compiled(nogil=True, _nrt=False)
def everything(pair: Any, matrix: Any, flags: Any, sizes: Any, number: Any, truth: Any) -> Any:
    total = 0.0
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            if flags[i, j]:
                total += part(matrix[i, j]) * pair.values[j] * pair.weight
    return total + sizes[0] + 10 * sizes[1][0] + number + (1000 if truth else 0)


@compiled(_nrt=False)
def wrapped(value: Any) -> Any:
    return value


@compiled(_nrt=False)
def ratio(first: Any, second: Any) -> Any:
    return first // second


@compiled(_nrt=False)
def counted(values: Any) -> Any:
    return values.shape[0] * values.shape[1]


@compiled()
def doubled(values: Any) -> Any:
    return np.concatenate((values, values))


@compiled()
def summed(count: Any) -> Any:
    values = np.ones(count)
    for i in range(1, count):
        values[i] += values[i - 1]
    return values[count - 1]


def start(folder: Path, source: str, cache: Path) -> subprocess.Popen[str]:
    """A process that runs the kernels of `source` with this cache."""
    (folder / "own_kernels.py").write_text(source)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": os.pathsep.join([str(folder), *map(str, ROOTS)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True, env=environment
    )


def output(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return text.strip()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in which this process keeps machine code."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "inrc"


def test_processes_compile_at_once_and_later_ones_do_without_numba(tmp_path: Path) -> None:
    both = [start(tmp_path, KERNELS, tmp_path / "cache") for _ in range(2)]
    assert [output(process) for process in both] == ["0 3 6 9 12 True"] * 2
    files = list((tmp_path / "cache" / "inrc").iterdir())
    assert [path.suffix for path in files] == [".kernel"]
    assert output(start(tmp_path, KERNELS, tmp_path / "cache")) == "0 3 6 9 12 False"
    # A constant that only a part of the kernel uses.
    changed = KERNELS.replace("FACTOR = 3", "FACTOR = 4")
    assert output(start(tmp_path, changed, tmp_path / "cache")) == "0 4 8 12 16 True"
    for path in files:
        path.write_bytes(path.read_bytes()[:-1])
    assert output(start(tmp_path, KERNELS, tmp_path / "cache")) == "0 3 6 9 12 True"
    assert output(start(tmp_path, KERNELS, tmp_path / "cache")) == "0 3 6 9 12 False"


def test_kernels_run_where_nothing_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, in which no folder can be made")
    assert output(start(tmp_path, KERNELS, tmp_path / "cache")) == "0 3 6 9 12 True"


def test_all_kinds_of_arguments_arrive(cache: Path) -> None:
    matrix = np.arange(24, dtype=np.int16).reshape(4, 6)[::-2, 1:4]
    matrix.flags.writeable = False
    flags = np.array([[True, False, True], [True, True, True]])
    pair = Pair(np.array([1.0, 2.0, 4.0], np.float32), np.float32(0.5))
    arguments = (pair, matrix, flags, (1, (2, 3.0)), np.uint8(200), True)
    expected = everything.py_func(*arguments)  # type: ignore[attr-defined]
    assert everything(*arguments) == expected
    assert everything(*arguments[:-1], False) == expected - 1000
    assert len(list(cache.glob("*everything*"))) == 1


@pytest.mark.parametrize(
    "value", [-5, 1 << 40, 2.5, True, np.float32(0.1), np.int8(-3), np.uint16(65535), np.bool_(0)]
)
@pytest.mark.usefixtures("cache")
def test_results_come_back(value: Any) -> None:
    assert wrapped(value) == value


@pytest.mark.usefixtures("cache")
def test_an_exception_of_a_kernel_is_not_lost() -> None:
    assert ratio(7, 2) == 3
    with pytest.raises(ArithmeticError, match="ratio"):
        ratio(7, 0)


def test_kernels_that_allocate_are_left_to_numba(cache: Path) -> None:
    assert doubled(np.arange(2)).tolist() == [0, 1, 0, 1]
    assert summed(5) == 5
    assert not cache.exists()


def test_an_unknown_type_of_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        wrapped([1])


def test_arrays_that_are_alike_to_numba_share_their_code(cache: Path) -> None:
    for shape in ((3, 4), (1, 4), (4, 1), (0, 4)):
        counted(np.ones(shape))
    assert len(list(cache.iterdir())) == 1


def test_fingerprints_tell_what_a_kernel_is_compiled_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def prints(kernel: Any, kinds: Any = ("int",), target: str = "machine") -> str:
        return fingerprint(kernel, kinds, target)

    first = prints(everything)
    assert first == prints(everything)
    assert first != prints(everything, ("float",))
    assert first != prints(everything, target="another machine")
    assert first != prints(Kernel(everything.py_func, {}))  # type: ignore[attr-defined]
    monkeypatch.setattr(f"{__name__}.FACTOR", 3)
    assert first != prints(everything)


def test_a_global_that_differs_in_every_process_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{__name__}.FACTOR", object())
    with pytest.raises(TypeError, match="cannot be hashed"):
        fingerprint(everything, (), "machine")


def test_folders_of_others_are_read_and_the_first_writable_one_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed").write_text("not a folder, as if it could not be written to")
    places = [tmp_path / "installed", tmp_path / "home", tmp_path / "unused"]
    monkeypatch.setattr(object_files, "folders", lambda: iter(places))
    code = MachineCode(b"machine code", "q", ("memset",))
    object_files.write("kernel", "key", code)
    assert object_files.read("kernel", "key") == code
    assert object_files.read("kernel", "other") is None
    assert not (tmp_path / "unused").exists()
    monkeypatch.setattr(object_files, "folders", lambda: iter([tmp_path / "unused", places[1]]))
    assert object_files.read("kernel", "key") == code


def test_a_user_without_a_home_keeps_machine_code_beside_the_source_or_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert [folder.name for folder in object_files.folders()] == ["__pycache__"]
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert list(object_files.folders())[1:] == [Path("/caches/inrc/kernels")]
