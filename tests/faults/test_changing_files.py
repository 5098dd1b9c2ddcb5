"""Files that change while they are open, and threads that share one: never mixed data."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import InrcError, InvalidInputError
from codec.reading.contents import FileContents
from tests.conftest import Process

FAST: dict[str, Any] = {"threads": 1, "device": "cpu"}
TILE = (8, 16, 12)


def encoded(path: Path, seed: int) -> np.ndarray:
    """A file in tiles at this path, and what it decodes to."""
    source = path.with_suffix(".npy")
    steps = np.random.default_rng(seed).normal(0, 1, (16, 16, 12))
    np.save(source, steps.cumsum(0).astype(np.float32))
    codec.encode(source, path, psnr=30, effort=0, tile=TILE, overwrite=True, **FAST)
    os.utime(path, ns=(seed, seed))
    with codec.open(path, **FAST) as file:
        return file[source.stem][...]


def test_a_file_that_is_replaced_while_it_is_open_is_read_on(tmp_path: Path) -> None:
    first, second = tmp_path / "f.inrc", tmp_path / "g.inrc"
    expected = encoded(first, 1)
    encoded(second, 2)
    with codec.open(first, **FAST) as file:
        part = file["f"][:8]
        os.replace(second, first)
        np.testing.assert_array_equal(np.concatenate([part, file["f"][8:]]), expected)


@pytest.mark.parametrize("size", [0, 200, None])
def test_a_file_that_is_overwritten_or_cut_while_it_is_open_is_refused(
    tmp_path: Path, size: int | None
) -> None:
    first, second = tmp_path / "f.inrc", tmp_path / "g.inrc"
    encoded(first, 1)
    encoded(second, 2)
    with codec.open(first, **FAST) as file:
        _ = file["f"][:8]
        first.write_bytes(second.read_bytes() if size is None else first.read_bytes()[:size])
        with pytest.raises(InvalidInputError, match=r"f\.inrc: the file changed while it was read"):
            file["f"][8:]


_CUT = """
import sys, os, codec
from codec.encoding import runners
original = runners.encode_tile
def cut(*arguments):
    os.truncate(sys.argv[1], 200)
    return original(*arguments)
runners.encode_tile = cut
try:
    codec.encode(sys.argv[1], "out.inrc", psnr=30, effort=0, tile=(8, 16, 12), threads=1,
                 device="cpu")
except codec.InrcError as error:
    print(error)
"""


def test_an_input_that_is_cut_while_it_is_encoded_is_an_error_and_not_a_signal(
    process: Process, tmp_path: Path
) -> None:
    """A mapping of the file would end the process with SIGBUS."""
    np.save(tmp_path / "in.npy", np.zeros((16, 16, 12), np.float32) + np.arange(12))
    result = process("-c", _CUT, str(tmp_path / "in.npy"))
    assert result.returncode == 0, result.stderr
    assert "in.npy: the file changed while it was read" in result.stdout
    assert not [name for name in os.listdir(tmp_path) if name.endswith((".inrc", ".part"))]


def test_eight_threads_read_what_one_reads(tmp_path: Path) -> None:
    path = tmp_path / "f.inrc"
    expected = encoded(path, 1)
    boxes = [
        (slice(a, a + 5), slice(b, b + 9), slice(c, c + 7))
        for a in (0, 6, 11)
        for b in (0, 4, 7)
        for c in (0, 5)
    ]
    with codec.open(path, device="cpu", threads=2) as file, ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            found = list(pool.map(lambda box: file["f"][box], boxes * 3))
            for box, values in zip(boxes * 3, found, strict=True):
                np.testing.assert_array_equal(values, expected[box])
            assert all(pool.map(lambda _: file["f"].level(0).shape == expected.shape, range(8)))


def test_threads_meet_the_same_error_in_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "f.inrc"
    encoded(path, 1)
    with FileContents(path, **FAST) as contents:
        section = contents.streams.sections.of_type("TENS")[1]
    data = bytearray(path.read_bytes())
    data[section.payload_offset + 3] ^= 1
    with codec.open(bytes(data), **FAST) as file, ThreadPoolExecutor(8) as pool:

        def read(_: int) -> str:
            try:
                file["f"][...]
            except InrcError as error:
                return str(error)
            return ""

        (message,) = set(pool.map(read, range(16)))
        assert "checksum mismatch" in message
