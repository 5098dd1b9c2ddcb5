"""Checks that a sample has the same bits however it is requested; see docs/determinism.md.

    python tests/reliability/same_bits.py FILE ...

prints, for each file, a digest of its fields, and stops at the first difference.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codec.reading.contents import FileContents
from codec.reading.field import Field
from codec.reading.item import DecodableItem

# Architectures whose levels are filtered, and not a subset of the full-resolution samples.
FILTERED = {"pyramid", "miner"}
# Numbers of random regions and of random subsets of points, and the thread counts compared.
_REGIONS, _SUBSETS, _THREADS = 6, 4, (1, 3)
# Numbers of random points, and of positions of an outer product.
_POINTS, _DENSE = 3000, 20_000
_LEVELS = (1, 2)


def check(path: Path, seed: int = 0) -> str:
    """Compare regions, levels, points and positions between samples with the whole field.

    Args:
        path: file to check.
        seed: seed of the random regions and points.

    Returns:
        SHA-256 digest of the samples of all fields, in hexadecimal.

    Raises:
        AssertionError: if two ways to request the same sample give different bits.
    """
    random = np.random.default_rng(seed)
    wholes: list[dict[str, bytes]] = []
    for threads in _THREADS:
        with FileContents(path, device="cpu", threads=threads) as file:
            wholes.append({name: field[...].tobytes() for name, field in file.fields.items()})
            for name, field in file.fields.items():
                items = file.decoders[name].items
                _check_field(field, items, f"{path.stem}: {name}, {threads} threads", random)
            if threads == 1:
                for item in file.items:
                    _check_positions(item, f"{path.stem}: item {item.number}", random)
    assert wholes[0] == wholes[1], f"{path.stem}: threads change the samples"
    return hashlib.sha256(b"".join(wholes[0].values())).hexdigest()


def _check_same(actual: Any, expected: Any, what: str) -> None:
    assert actual.shape == expected.shape, what
    assert actual.tobytes() == np.ascontiguousarray(expected).tobytes(), what


def _check_field(
    field: Field, items: Sequence[DecodableItem], what: str, random: np.random.Generator
) -> None:
    whole = field[...]
    for index in _regions(field.shape, random):
        _check_same(field[index], whole[index], f"{what}: region {index}")
    deepest = min(item.deepest_level for item in items)
    for level in [level for level in _LEVELS if level <= deepest]:
        coarse = field.level(level)
        values = coarse[...]
        for index in _regions(coarse.shape, random):
            _check_same(coarse[index], values[index], f"{what}: level {level}, region {index}")
        if len(items) == 1 and _keeps_samples(items[0]):
            steps = tuple(slice(None, None, factor) for factor in coarse.factors)
            _check_same(values, whole[steps], f"{what}: level {level}")
    points = random.random((_POINTS, len(field.shape))) * (np.array(field.shape) - 1)
    values = field.at(points)
    for chosen in _subsets(_POINTS, random):
        _check_same(field.at(points[chosen]), values[chosen], f"{what}: {len(chosen)} points")


def _keeps_samples(item: DecodableItem) -> bool:
    """Whether a level is a regular subset of the full-resolution samples, bit for bit."""
    return item.architecture.name not in FILTERED and not item.header.residual_steps


def _check_positions(item: DecodableItem, what: str, random: np.random.Generator) -> None:
    """Check an outer product of more positions than an evaluator computes at once."""
    active = [size for size in item.header.shape if size > 1]
    if not active:
        return
    per_axis = math.ceil(_DENSE ** (1 / len(active)))
    positions = [
        np.sort(random.random(per_axis)) * (size - 1) if size > 1 else np.zeros(1)
        for size in item.header.shape
    ]
    evaluator = item.evaluator
    whole = evaluator.on_axes(positions)
    for index in _regions(whole.shape[1:], random):
        windows = [part if isinstance(part, slice) else slice(part, part + 1) for part in index]
        chosen = [axis[window] for axis, window in zip(positions, windows, strict=True)]
        expected = whole[(slice(None), *windows)]
        _check_same(np.asarray(evaluator.on_axes(chosen)), expected, f"{what}: positions {index}")


def _regions(shape: Sequence[int], random: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Index of a random sample, of the last sample, and of random regions with steps."""
    yield tuple(int(random.integers(size)) for size in shape)
    yield tuple(size - 1 for size in shape)
    for _ in range(_REGIONS):
        index = []
        for size in shape:
            first, last = sorted(random.integers(0, size + 1, 2).tolist())
            step = int(random.choice([1, 1, 1, 2, 3]))
            index.append(slice(first, max(last, first + 1), step) if first < size else size - 1)
        yield tuple(index)


def _subsets(count: int, random: np.random.Generator) -> Iterator[Any]:
    """Random subsets of 0..count - 1, from one element to some hundreds."""
    for size in (1, 2, *random.integers(3, 300, _SUBSETS)):
        yield random.choice(count, size, replace=False)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(f"{Path(argument).stem} {check(Path(argument))}\n")
