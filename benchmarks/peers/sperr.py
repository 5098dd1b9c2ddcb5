"""SPERR through the HDF5 filter of `hdf5plugin`; the bytes are those of the stored chunk.

The filter of hdf5plugin 7.1.0 takes HDF5's dimensions, slowest first, as if the fastest came first.
The round trip is right all the same, but an array that is no cube is scrambled on its way and loses
16 dB at a ratio of 100. So the same buffer is handed over with its shape reversed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import h5py
import numpy as np

from codec.arrays import Array, Float32Array

from .layouts import LAYOUTS
from .peer import Kind, Setting, span, value_range

_RATES = (
    0.0064,
    0.011,
    0.016,
    0.032,
    0.064,
    0.11,
    0.21,
    0.32,
    0.64,
    1.1,
    1.6,
    2.1,
    3.2,
    4,
    6,
    9,
    13,
)
_BOUNDS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0003, 0.0001)
_OPTION = {"rate": "rate", "psnr": "peak_signal_to_noise_ratio", "pwe": "absolute"}


@dataclass(frozen=True)
class Sperr:
    """Size-bounded, PSNR-bounded and point-wise bounded; the best is kept at every PSNR."""

    name: str = "SPERR"
    kind: Kind = "volume"
    how: str = (
        "best of size, PSNR and point-wise bound, dimensions corrected, stored chunk; "
        "4-D folded t-major, z-major and per step"
    )

    def available(self) -> str | None:
        return None if find_spec("hdf5plugin") else "no package hdf5plugin"

    def version(self) -> str:
        return f"hdf5plugin {version('hdf5plugin')}"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        layouts = ("fold-t", "fold-z", "per-step") if values.ndim == 4 else ("whole",)
        extent = value_range(values)
        for layout in layouts:
            for rate in _RATES:
                yield Setting("rate", rate, layout)
            for psnr in span(targets, below=24, above=6, step=4):
                yield Setting("psnr", psnr, layout)
        for bound in _BOUNDS:
            yield Setting("pwe", bound * extent, layouts[0])

    def encode(self, values: Array, setting: Setting) -> bytes:
        chunks = [_chunk(part, setting) for part in LAYOUTS[setting.layout].split(values)]
        if len(chunks) == 1:
            return chunks[0]
        lengths = struct.pack(f"<{len(chunks)}I", *map(len, chunks))
        return lengths + b"".join(chunks)

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        layout = LAYOUTS[setting.layout]
        shapes = layout.parts(shape)
        chunks = [data]
        if len(shapes) > 1:
            ends = np.cumsum([4 * len(shapes), *struct.unpack_from(f"<{len(shapes)}I", data)])
            chunks = [data[start:end] for start, end in pairwise(ends)]
        parts = [_values(*each, setting) for each in zip(chunks, shapes, strict=True)]
        return layout.join(parts, shape)


def _dataset(file: h5py.File, shape: tuple[int, ...], setting: Setting) -> Any:
    """An empty data set of one SPERR chunk, its axes reversed as the filter needs them."""
    import hdf5plugin

    turned = shape[::-1]
    options: dict[str, Any] = {_OPTION[setting.mode]: setting.value}
    filtering = hdf5plugin.Sperr(**options)
    return file.create_dataset("values", turned, np.float32, chunks=turned, **filtering)


def _in_memory() -> h5py.File:
    return h5py.File("sperr", "w", driver="core", backing_store=False)


def _chunk(values: Float32Array, setting: Setting) -> bytes:
    with _in_memory() as file:
        dataset = _dataset(file, values.shape, setting)
        dataset[...] = values.reshape(dataset.shape)
        skipped, data = dataset.id.read_direct_chunk((0,) * values.ndim)
    if skipped:
        raise RuntimeError(f"SPERR left the chunk uncompressed at {setting}")
    return bytes(data)


def _values(data: bytes, shape: tuple[int, ...], setting: Setting) -> Float32Array:
    with _in_memory() as file:
        dataset = _dataset(file, shape, setting)
        dataset.id.write_direct_chunk((0,) * len(shape), data)
        return np.asarray(dataset[...], np.float32).reshape(shape)
