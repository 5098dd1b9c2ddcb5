"""How much memory an encoder takes for a field."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np

import codec
from codec.entropy.mixing import coder

# Per sample, of a float32 field and of all that is made of it.
INPUT, WORKING = 4, 12


def test_effort_0_needs_at_most_12_bytes_a_sample_beyond_the_input(tmp_path: Path) -> None:
    size = 96
    axis = np.linspace(0, 9, size, dtype=np.float32)
    field = np.sin(axis)[:, None, None] * np.cos(axis)[:, None] * axis
    field += np.random.default_rng(1).normal(0, 0.01, field.shape).astype(np.float32)
    np.save(tmp_path / "field.npy", field)
    options = {"psnr": 45.0, "effort": 0, "threads": 1, "overwrite": True}
    codec.encode(tmp_path / "field.npy", tmp_path / "field.inrc", **options)
    tracemalloc.start()
    try:
        codec.encode(tmp_path / "field.npy", tmp_path / "field.inrc", **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The coder's room is address space, of which only the coded bytes are ever touched.
    peak -= coder.BYTES_PER_COEFFICIENT * field.size
    constant = 3 << 20
    assert peak - constant < (INPUT + WORKING) * field.size
