"""The octree coder gives back the integers that it was given, and refuses what it never writes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from codec.arrays import Int8Array
from codec.entropy.mixing import octree as coding
from codec.entropy.mixing.octree import Octree
from codec.errors import CorruptError
from tests.conftest import REPOSITORY, ROOTS

DEPTH, SIZES = 2, (3, 2, 2)


def random_cells() -> list[Int8Array]:
    """Cells of every level, at random; those below the surface alone differ from their parents."""
    generator = np.random.default_rng(3)
    levels = [generator.integers(0, 3, SIZES).astype(np.int8)]
    for _ in range(DEPTH):
        finer = levels[-1].repeat(2, 0).repeat(2, 1).repeat(2, 2)
        drawn = generator.integers(0, 3, finer.shape).astype(np.int8)
        levels.append(np.where(finer == 1, drawn, finer))
    return levels


CELLS = random_cells()
OCTREE = Octree(SIZES, DEPTH, 40, coding.count_numbers(CELLS))
WANTED = (
    np.random.default_rng(4).standard_normal(OCTREE.nodes).cumsum(0).cumsum(1).astype(np.float32)
)
PRICES = np.full(OCTREE.nodes, 0.05, np.float32)
NUMBERS, SEGMENT = coding.quantise_octree(OCTREE, CELLS, lambda values, known: WANTED, PRICES)


def test_decoding_gives_what_was_chosen() -> None:
    assert np.array_equal(coding.decode_octree(OCTREE, SEGMENT.data), NUMBERS)
    assert coding.encode_octree(OCTREE, NUMBERS).data == SEGMENT.data


def test_every_cell_and_every_node_is_where_it_belongs() -> None:
    placed = coding.place(OCTREE, NUMBERS)
    assert np.array_equal(placed.cells, CELLS[-1])
    assert np.abs(placed.values - WANTED)[placed.corners].max() <= 1.5


def test_large_values_survive() -> None:
    large = NUMBERS.copy()
    large[-20:] = np.array([1 << 26, -(1 << 26)] * 10)
    assert np.array_equal(
        coding.decode_octree(OCTREE, coding.encode_octree(OCTREE, large).data), large
    )


@pytest.mark.parametrize("more", [-1, 1])
def test_another_count_is_refused(more: int) -> None:
    with pytest.raises(CorruptError):
        coding.decode_octree(replace(OCTREE, count=OCTREE.count + more), SEGMENT.data)
    wrong = np.append(NUMBERS, 0)[: OCTREE.count + more]
    with pytest.raises(CorruptError, match="integers than"):
        coding.place(OCTREE, wrong)


def test_a_cell_with_another_number_is_refused() -> None:
    wrong = NUMBERS.copy()
    wrong[0] = 3
    with pytest.raises(CorruptError, match="neither"):
        coding.place(OCTREE, wrong)


def test_any_bytes_decode_or_are_refused() -> None:
    for seed in range(5):
        data = np.random.default_rng(seed).bytes(200)
        try:
            numbers = coding.decode_octree(OCTREE, data)
        except CorruptError:
            continue
        coding.place(OCTREE, numbers)


ORACLE = """
from numba import config
from tests.shapes import test_octree as here
assert config.DISABLE_JIT
print(here.SEGMENT.data.hex(), here.noise_numbers())
"""


def noise_numbers() -> str:
    """What the start of a string of noise decodes to."""
    numbers = np.zeros(OCTREE.count, np.int32)
    data = np.random.default_rng(9).bytes(300)
    coding._Walk(OCTREE, coding.new_decoder(data), numbers).code(coding.DECODE)
    return str(numbers.tolist())


def test_plain_python_gives_the_same_bytes() -> None:
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join(map(str, ROOTS)),
    }
    plain = subprocess.run(
        # Overflow of a NumPy scalar is a warning, and an error here.
        [sys.executable, "-W", "error", "-c", ORACLE],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
        cwd=REPOSITORY,
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == f"{SEGMENT.data.hex()} {noise_numbers()}\n"
