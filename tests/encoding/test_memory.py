"""How much memory encoding and decoding take for a field."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.arrays import Array
from codec.entropy.mixing import coder
from codec.reading import component_decoder

# Per sample, of a float32 field and of all that is made of it.
INPUT, WORKING = 4, 12
OUTPUT, DECODING = 4, 3


def smooth(size: int) -> Array:
    axis = np.linspace(0, 9, size, dtype=np.float32)
    field = np.sin(axis)[:, None, None] * np.cos(axis)[:, None] * axis
    noise = np.random.default_rng(1).normal(0, 0.01, field.shape)
    return (field + noise).astype(np.float32)


def test_effort_0_needs_at_most_12_bytes_a_sample_beyond_the_input(tmp_path: Path) -> None:
    field = smooth(96)
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


def test_decoding_a_field_needs_little_beyond_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besides the 4 bytes of a float32 sample that a reader of all gets."""
    monkeypatch.setattr(component_decoder, "_LARGE_SAMPLES", 1)
    size = 112
    field = smooth(size)
    np.save(tmp_path / "field.npy", field)
    codec.encode(tmp_path / "field.npy", tmp_path / "field.inrc", psnr=45.0, effort=0)

    def decode() -> Array:
        with codec.open(tmp_path / "field.inrc", device="cpu", threads=1) as file:
            return file["field"][...]

    decode()
    tracemalloc.start()
    try:
        decoded = decode()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    blocks = 3 << 20
    assert peak - blocks < (OUTPUT + DECODING) * field.size
    assert kept - (1 << 20) < OUTPUT * field.size
    with codec.open(tmp_path / "field.inrc", device="cpu", threads=1) as file:
        parts = [file["field"][start : start + 16] for start in range(0, size, 16)]
    assert decoded.tobytes() == np.concatenate(parts).tobytes()
