"""Values that models and files decode to, the original of a mesh, and PSNRs."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.coding.evaluate import evaluate_blocks
from codec.coding.normalise import denormalise
from codec.reading.contents import FileContents
from codec.reading.item import DecodableItem
from research_systems.inputs import Input
from research_systems.storage_schemes import Tensor

THREADS = 2
_DECODING_PROGRAM = (
    "import codec, numpy, sys\n"
    "with codec.open(sys.argv[1], device='cpu', threads=2) as file:\n"
    "    numpy.save(sys.argv[2], numpy.stack([file[name][...] for name in file]))\n"
)
_POINTS_AT_ONCE = 1 << 17


def evaluated(item: DecodableItem, tensors: Sequence[Tensor], source: Input) -> Array:
    """Samples that a decoder would give with other parameters."""
    header = item.header
    evaluator = item.architecture.evaluator(
        header.config,
        header.shape,
        len(header.components),
        [tensor.values.copy() for tensor in tensors],
        "cpu",
    )
    samples = np.empty((len(header.components), *header.shape))

    def store(window: Any, normalised: Array) -> None:
        for number, (component, y) in enumerate(zip(header.components, normalised, strict=True)):
            samples[number][window] = denormalise(y, component.offset, component.scale)

    evaluate_blocks(evaluator, [np.arange(size) for size in header.shape], THREADS, store)
    if source.kind == "image":
        return np.moveaxis(np.clip(np.rint(samples), 0, 255), 0, -1)
    return samples[0].astype(np.float32)


def decoded(path: Path) -> Array:
    """Samples of all fields of a file, decoded by another process; fields are the last axis."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.npy"
        subprocess.run([sys.executable, "-c", _DECODING_PROGRAM, path, target], check=True)
        fields = np.load(target)
    return np.moveaxis(fields, 0, -1) if len(fields) > 1 else fields[0]


def original(source: Input, file: FileContents) -> Array:
    """Samples that a file is compared with; of a mesh, distances at the nodes of the file's grid.

    Distances are exact, and cut off where the file's values are.
    """
    if source.original is not None:
        return source.original
    from codec.media import formats
    from codec.media.mesh.frame import MeshFrame

    shape = formats.read(source.path, None, None).shape
    if shape is None:
        raise ValueError(f"{source.path}: no mesh")
    frame = MeshFrame.from_map(file.metadata.tree)
    header = file.items[0].header
    places = np.stack(np.meshgrid(*(np.arange(n) for n in header.shape), indexing="ij"), -1)
    points = frame.positions(places.reshape(-1, 3).astype(np.float64))
    starts = range(0, len(points), _POINTS_AT_ONCE)
    distances = np.concatenate(
        [shape.surface.distance(points[start : start + _POINTS_AT_ONCE]) for start in starts]
    )
    scale = header.components[0].scale
    return np.clip(distances, -scale, scale).reshape(header.shape).astype(np.float32)


def psnr(before: Array, after: Array, source: Input) -> float:
    """PSNR in dB, infinite where nothing differs."""
    peak = source.peak or float(before.max()) - float(before.min())
    error = np.square(before.astype(np.float64) - after.astype(np.float64)).mean()
    return math.inf if error == 0 else float(10 * np.log10(peak**2 / error))
