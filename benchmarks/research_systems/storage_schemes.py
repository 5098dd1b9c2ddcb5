"""Storage schemes of the research systems: sizes, and what is left of the numbers.

Each scheme takes the tensors of a fitted model (name, values, mask) and gives the bytes that the
source's own writer would take, and the values its reader would restore. Shapes of tensors, ranges
and coordinates are never counted, so a scheme is smaller here than in a usable file.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2

from codec.arrays import BoolArray, Float32Array

_LABELS = 256


@dataclass(frozen=True)
class Tensor:
    """Tensor of a fitted model; `mask` (of its shape) is False where it was pruned."""

    name: str
    values: Float32Array
    mask: BoolArray | None = None

    @property
    def unpruned(self) -> Float32Array:
        """Entries that were not pruned."""
        return self.values[self._all if self.mask is None else self.mask]

    @property
    def _all(self) -> BoolArray:
        return np.ones(self.values.shape, np.bool_)


@dataclass(frozen=True)
class Stored:
    """Bytes of a scheme, and the tensors it restores."""

    size: int
    tensors: Sequence[Tensor]


Scheme = Callable[[Sequence[Tensor]], Stored]


def float32(tensors: Sequence[Tensor]) -> Stored:
    """Four bytes for every unpruned entry: MINER, APMGSRN, a checkpoint."""
    return Stored(4 * sum(tensor.unpruned.size for tensor in tensors), tensors)


def lfgc(tensors: Sequence[Tensor]) -> Stored:
    """LFGC: 256 centres and a byte per weight or coefficient that is not 0, one mask bit each.

    Vectors and the first and last matrix are float32.
    """
    size, restored, bits = 0, [], 0
    matrices = [tensor.name for tensor in tensors if tensor.name.startswith("matrix")]
    for tensor in tensors:
        grid = not tensor.name.startswith(("matrix", "vector"))
        if grid:
            bits += tensor.values.size
        if grid or tensor.name in matrices[1:-1]:
            bytes_, values = _clustered(tensor.unpruned, _LABELS)
            size += bytes_
            restored.append(_with_unpruned(tensor, values))
        else:
            size += 4 * tensor.values.size
            restored.append(tensor)
    return Stored(size + -(-bits // 8), restored)


def volnet(tensors: Sequence[Tensor]) -> Stored:
    """fV-SRN: a byte per grid entry with offset and scale per channel, the network in float16."""
    size, restored = 0, []
    for tensor in tensors:
        if tensor.name.startswith(("matrix", "vector")):
            size += 2 * tensor.values.size
            values = tensor.values.astype(np.float16).astype(np.float32)
        else:
            size += tensor.values.size + 8 * len(tensor.values)
            axes = tuple(range(1, tensor.values.ndim))
            low = tensor.values.min(axes, keepdims=True)
            step = (tensor.values.max(axes, keepdims=True) - low) / 255
            step = np.where(step > 0, step, 1)
            values = (low + np.rint((tensor.values - low) / step) * step).astype(np.float32)
        restored.append(replace(tensor, values=values))
    return Stored(size, restored)


def neurcomp(tensors: Sequence[Tensor]) -> Stored:
    """neurcomp: 9-bit labels and 512 centres for middle matrices, float32 elsewhere."""
    size, restored = 0, []
    for tensor in tensors:
        if tensor.name.startswith("middle_matrix"):
            bytes_, values = _clustered(tensor.unpruned, 512, bits=9)
            size += bytes_
            restored.append(_with_unpruned(tensor, values))
        else:
            size += 4 * tensor.values.size
            restored.append(tensor)
    return Stored(size, restored)


def static_coding(tensors: Sequence[Tensor]) -> Stored:
    """Strümpler et al.: 8 bits, symmetric, a step per tensor, one static histogram for all.

    The coder is taken to reach the entropy of the histogram, whose 256 counts are stored in as many
    bits as the largest takes, behind 8 bits of header; steps are float64.
    """
    integers, restored = [], []
    for tensor in tensors:
        step = _best_step(tensor.values)
        rounded = np.clip(np.rint(tensor.values / step), -128, 127)
        integers.append(rounded.ravel())
        restored.append(replace(tensor, values=(rounded * step).astype(np.float32)))
    counts = np.bincount(np.concatenate(integers).astype(np.int64) + 128, minlength=_LABELS)
    shares = counts[counts > 0] / counts.sum()
    bits = -counts.sum() * (shares * np.log2(shares)).sum()
    table = 8 + _LABELS * int(counts.max()).bit_length()
    return Stored(int(np.ceil((bits + table) / 8)) + 8 * len(tensors), restored)


def sz3_and_zip(judge: Callable[[Sequence[Tensor]], float]) -> Scheme:
    """AMGSRN++: each feature of all grids through SZ3, all else float32, in a zip without deflate.

    The bound is the first of 40 from 0.1 to 1e-4 that costs less than 0.1 dB.

    Args:
        judge: function that gives the PSNR with these tensors.
    """

    def store(tensors: Sequence[Tensor]) -> Stored:
        whole, smallest = judge(tensors), float32(tensors)
        for bound in np.geomspace(0.1, 1e-4, 40):
            stored = _sz3(tensors, float(bound))
            if judge(stored.tensors) > whole - 0.1:
                return stored
        return smallest

    return store


def _sz3(tensors: Sequence[Tensor], bound: float) -> Stored:
    from pysz import sz, szConfig, szErrorBoundMode

    memory, restored = io.BytesIO(), []
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for tensor in tensors:
            if not tensor.name.startswith("grids"):
                archive.writestr(f"{tensor.name}.npy", tensor.values.tobytes())
                restored.append(tensor)
                continue
            values = np.empty_like(tensor.values)
            for number, feature in enumerate(np.ascontiguousarray(tensor.values)):
                config: Any = szConfig(feature.shape)
                config.errorBoundMode = szErrorBoundMode.ABS
                config.absErrorBound = bound
                coded, _ = sz.compress(feature, config)
                archive.writestr(f"{tensor.name}-{number}.sz3", coded.tobytes())
                values[number], _ = sz.decompress(coded, feature.dtype, feature.shape)
            restored.append(replace(tensor, values=values))
    return Stored(len(memory.getvalue()), restored)


def _clustered(values: Float32Array, most: int, bits: int = 8) -> tuple[int, Float32Array]:
    """Bytes of centres and labels, and the values at their centres."""
    if values.size == 0:
        return 0, values
    count = min(most, len(np.unique(values)))
    start = np.quantile(values, (np.arange(count) + 0.5) / count).astype(np.float64)
    centres, labels = kmeans2(values.astype(np.float64)[:, None], start[:, None], minit="matrix")
    size = 4 * most + -(-values.size * bits // 8)
    return size, centres[labels, 0].astype(np.float32)


def _with_unpruned(tensor: Tensor, unpruned: Float32Array) -> Tensor:
    values = tensor.values.copy()
    values[np.ones(values.shape, np.bool_) if tensor.mask is None else tensor.mask] = unpruned
    return replace(tensor, values=values)


def _best_step(values: Float32Array) -> float:
    """Step with the least squared error, of steps that clip more or less (tf_enhanced)."""
    largest = float(np.abs(values).max()) or 1.0
    steps = largest / 127 * np.linspace(0.4, 1.0, 25)
    errors = [
        float(np.square(np.clip(np.rint(values / step), -128, 127) * step - values).sum())
        for step in steps
    ]
    return float(steps[int(np.argmin(errors))])
