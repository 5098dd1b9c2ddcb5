"""A sample has the same bits however it is asked for, on every machine (docs/determinism.md).

BLAS and NumPy have other kernels for every kind of processor, and environment variables choose
among those that this one runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import codec
from codec.plugin_api import registry
from codec.reading.contents import FileContents
from inrc_plugins.architectures.pyramid.config import COSINE
from inrc_plugins.shared.sample_panels import Affine, alike, from_panels, lanes_of, to_panels
from tests.building import pyramid_file
from tests.conftest import ROOTS
from tests.golden import add
from tests.reliability.same_bits import check

NAMES = sorted(path.stem for path in add.FOLDER.glob("*.inrc"))
CORES = ("Prescott", "Haswell", "Zen", "SkylakeX")
NUMPY_WITHOUT = ("AVX512F AVX512CD AVX512_SKX", "AVX2 FMA3")


@pytest.mark.parametrize("name", NAMES)
def test_regions_levels_and_points_are_those_of_the_whole(name: str) -> None:
    check(add.FOLDER / f"{name}.inrc")


def _one_of_each() -> list[str]:
    """A small file of every architecture there is."""
    chosen: dict[str, str] = {}
    for name in NAMES:
        with FileContents(add.FOLDER / f"{name}.inrc", device="cpu") as file:
            for item in file.items:
                chosen.setdefault(item.architecture.name, name)
    assert set(chosen) == set(registry.names("architecture"))
    return [str(add.FOLDER / f"{name}.inrc") for name in sorted(set(chosen.values()))]


def _checked(variables: dict[str, str]) -> list[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))} | variables
    program = Path(__file__).with_name("same_bits.py")
    done = subprocess.run(
        [sys.executable, str(program), *_one_of_each()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("core", CORES)
def test_kernels_of_other_processors(core: str) -> None:
    if "OPENBLAS_CORETYPE" in os.environ:
        pytest.skip("KERNELS OF OTHER PROCESSORS ARE NOT TESTED: this machine names its own")
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    needed = {"Haswell": "avx2", "Zen": "avx2", "SkylakeX": "avx512vl"}.get(core, "")
    if needed not in flags:
        pytest.skip(f"KERNELS OF {core} ARE NOT TESTED: this processor has no {needed}")
    assert len(_checked({"OPENBLAS_CORETYPE": core})) >= len(registry.names("architecture")) - 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("without", NUMPY_WITHOUT)
def test_numpy_with_other_instructions(without: str) -> None:
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_features__

    present = [
        name for name in without.split() if __cpu_features__.get(name)
        and name not in __cpu_baseline__
    ]  # fmt: skip
    if not present:
        pytest.skip(f"NUMPY WITHOUT {without} IS NOT TESTED: it has none of these here")
    assert _checked({"NPY_DISABLE_CPU_FEATURES": " ".join(present)})


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_sum_of_products_is_the_same_at_every_place(dtype: str) -> None:
    random = np.random.default_rng(0)
    for outputs, terms in ((1, 1), (3, 64), (4, 7), (16, 16), (33, 5), (64, 257)):
        matrix, vector = random.normal(size=(outputs, terms)), random.normal(size=outputs)
        layer = Affine(matrix.astype(dtype), vector.astype(dtype))
        samples = random.normal(size=(terms, 70)).astype(dtype)
        actual = layer.on_rows(samples)
        exact = matrix.astype(dtype) @ samples.astype("f8") + vector.astype(dtype)[:, None]
        scale = np.abs(matrix) @ np.abs(samples) + np.abs(vector)[:, None]
        assert (np.abs(actual - exact) <= scale * (terms + 2) * np.finfo(dtype).eps).all()
        for first in range(0, 70, 3):
            for last in (first + 1, first + 9, 70):
                part = layer.on_rows(samples[:, first:last])
                assert part.tobytes() == actual[:, first:last].tobytes()


def test_what_does_not_fit_is_refused() -> None:
    layer = Affine(np.ones((5, 3), np.float32))
    for panels in (np.ones((2, 4, 16), "f4"), np.ones((2, 3, 8), "f4"), np.ones((2, 3, 8), "f8")):
        with pytest.raises(ValueError, match="do not fit"):
            layer(panels)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_panels_hold_samples_and_then_zeros(dtype: str) -> None:
    lanes = lanes_of(dtype)
    for count in (0, 1, lanes - 1, lanes, 5 * lanes + 3):
        rows = np.arange(3.0 * count, dtype=dtype).reshape(3, count) + 1
        panels = to_panels(rows)
        assert panels.shape == (-(-count // lanes), 3, lanes)
        assert np.count_nonzero(panels) == rows.size
        assert from_panels(panels, count).tobytes() == rows.tobytes()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("function", [np.sin, np.cos, np.exp, np.tanh])
def test_an_elementwise_function_is_the_same_at_every_place(function: np.ufunc, dtype: str) -> None:
    values = (np.random.default_rng(0).normal(size=150) * 3).astype(dtype)
    actual = alike(function, values)
    for first in range(40):
        part = values[first : first + 61]
        assert alike(function, part).tobytes() == actual[first : first + 61].tobytes()
        assert alike(function, part[::3]).tobytes() == actual[first : first + 61 : 3].tobytes()


def test_threads_of_blas_do_not_change_a_pyramid() -> None:
    field = np.random.default_rng(0).normal(size=(60, 97, 131)).astype(np.float32)
    data = pyramid_file([field], (COSINE, COSINE, COSINE), 0.5)
    actual = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"), codec.open(data, device="cpu") as file:
            actual.append(file["v0"][...].tobytes())
    assert actual[0] == actual[1] == actual[2]
