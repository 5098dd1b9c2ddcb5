"""Values between the samples (VAL-6), which no vector can ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.coding.evaluate import evaluate_blocks
from codec.reading.contents import FileContents
from inrc_conformance.decoder import DecodedItem, decode_bytes

VALID = Path(__file__).parents[2] / "conformance" / "vectors" / "v1" / "valid"


def _halves(data: bytes) -> np.ndarray:
    """y of the first component as `inrc` has it, at the samples and half-way between them."""
    with FileContents(data, device="cpu", limits=codec.Limits.level(1)) as file:
        item = file.items[0]
        axes = [np.arange(2 * size - 1) / 2 for size in item.header.shape]
        found = np.empty([len(axis) for axis in axes])

        def store(window: tuple[slice, ...], normalised: np.ndarray) -> None:
            found[window] = normalised[0]

        evaluate_blocks(item.evaluator, axes, 1, store)
    return found


def _with_means(y: np.ndarray) -> np.ndarray:
    """Samples, and the means of neighbours between them."""
    for axis in range(y.ndim):
        line = np.swapaxes(y, 0, axis)
        out = np.empty((2 * len(line) - 1, *line.shape[1:]))
        out[::2], out[1::2] = line, (line[1:] + line[:-1]) / 2
        y = np.swapaxes(out, 0, axis)
    return y


def _sines(item: DecodedItem, omega: int) -> np.ndarray:
    """A siren without encoding (`siren.md`) at the samples and half-way between them."""
    ends = [np.linspace(-1, 1, 2 * size - 1) for size in item.header.dims]
    h = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1)
    layers = [t.astype(np.float64) for t in item.parameters]
    for matrix, vector in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        h = np.sin(omega * (h @ matrix.T + vector))
    return (h @ layers[-2].T + layers[-1])[..., 0]


@pytest.mark.parametrize("name", ["shifts-one", "dims-1", "code-own"])
def test_a_pyramid_is_multilinear_between_its_samples(name: str) -> None:
    folder = next((VALID / "pyramid").glob(f"{name}*"))
    data = (folder / "input.inrc").read_bytes()
    y = decode_bytes(data).items[0].components[0].normalised
    np.testing.assert_allclose(_halves(data), _with_means(y), atol=2e-5)


def test_a_siren_has_its_own_values_between_its_samples() -> None:
    data = (VALID / "siren" / "omega-30" / "input.inrc").read_bytes()
    item = decode_bytes(data).items[0]
    assert item.header.config[2] == [0]
    found = _halves(data)
    np.testing.assert_allclose(found, _sines(item, 30), atol=1e-4)
    samples = found[tuple(slice(None, None, 2) for _ in found.shape)]
    assert np.abs(found - _with_means(samples)).max() > 1e-2
