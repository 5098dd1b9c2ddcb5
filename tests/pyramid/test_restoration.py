"""The restoration network computes what the text says, and is the network that the text ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import CorruptError, UnsupportedError
from inrc_plugins.architectures.pyramid import restoration
from inrc_plugins.architectures.pyramid.config import PyramidConfig

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "format_spec" / "networks"
SHIPPED = ROOT / "plugins" / "inrc_plugins" / "architectures" / "pyramid" / "networks"
each_network = pytest.mark.parametrize("number", restoration.IMAGES)


def _plain(samples: np.ndarray, number: int, step: float) -> np.ndarray:
    """The normative text, position by position, in float64."""
    content = json.loads((SPEC / f"image-{number}.json").read_text("utf-8"))
    fold, rows = content["fold"], content["layers"]
    _, height, width = samples.shape
    values = np.empty((len(samples) * fold**2, -(-height // fold), -(-width // fold)))
    for c, u, v in np.ndindex(len(samples), fold, fold):
        for i, j in np.ndindex(*values.shape[1:]):
            row, column = min(fold * i + u, height - 1), min(fold * j + v, width - 1)
            values[fold**2 * c + fold * u + v, i, j] = float(samples[c, row, column]) / step
    for number, row in enumerate(rows):
        weights = np.reshape(row["weights"], row["shape"]) / 2.0 ** row["bits"]
        out = np.empty((len(row["biases"]), *values.shape[1:]))
        for i, j in np.ndindex(*values.shape[1:]):
            total = np.array(row["biases"]) / 2.0 ** row["bits"]
            for di, dj in np.ndindex(3, 3):
                k = min(max(i + di - 1, 0), values.shape[1] - 1)
                m = min(max(j + dj - 1, 0), values.shape[2] - 1)
                total = total + weights[:, di, dj] @ values[:, k, m]
            out[:, i, j] = total if number == len(rows) - 1 else np.maximum(total, 0)
        values = out
    found = samples.astype(np.float64)
    for c, i, j in np.ndindex(*samples.shape):
        channel = fold**2 * c + fold * (i % fold) + j % fold
        found[c, i, j] += step * values[channel, i // fold, j // fold]
    return found


@each_network
@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 37, 4), (3, 2, 2)])
def test_the_correction_is_that_of_the_text(number: int, shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted = _plain(samples, number, 0.25)
    restoration.restore(samples, ((number, 64),), 0.25, threads=2)
    assert np.abs(samples - wanted).max() < 1e-5


@each_network
def test_threads_and_bands_change_nothing(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(1).normal(size=(3, 70, 20)).astype(np.float32)
    once, again = samples.copy(), samples.copy()
    restoration.restore(once, ((number, 64),), 0.5, threads=1)
    monkeypatch.setattr(restoration, "_ROWS", 9)
    restoration.restore(again, ((number, 64),), 0.5, threads=2)
    assert np.abs(once - again).max() < 1e-6


@each_network
def test_the_network_does_not_see_a_constant(number: int) -> None:
    samples = np.full((3, 12, 12), 0.75, np.float32)
    shifted = samples + np.float32(10)
    for array in (samples, shifted):
        restoration.restore(array, ((number, 64),), 0.125)
    assert np.abs(shifted - samples - 10).max() < 1e-4


def test_the_shipped_networks_are_those_of_the_specification() -> None:
    names = [f"image-{number}.json" for number in restoration.IMAGES]
    assert sorted(path.name for path in SPEC.iterdir()) == names
    for name in names:
        assert (SHIPPED / name).read_bytes() == (SPEC / name).read_bytes()


def test_corrections_are_added_with_weights_to_the_same_samples() -> None:
    samples = np.random.default_rng(2).normal(size=(3, 9, 12)).astype(np.float32)
    both = samples.copy()
    restoration.restore(both, ((1, 20), (2, 130)), 0.25)
    parts = [_plain(samples, number, 0.25) - samples for number in (1, 2)]
    wanted = samples + 20 / 64 * parts[0] + 130 / 64 * parts[1]
    assert np.abs(both - wanted).max() < 1e-5


def test_the_weights_are_those_of_the_least_error() -> None:
    random = np.random.default_rng(3)
    samples = random.normal(size=(3, 40, 44)).astype(np.float32)
    original = samples.copy()
    restoration.restore(original, ((1, 25), (2, 70)), 0.25)
    assert restoration.fitted(original, samples, None, 0.25) == ((1, 25), (2, 70))
    # What does not count may be anything; a network that does not help is left out.
    valid = random.random(samples.shape) < 0.7
    assert restoration.fitted(np.where(valid, original, 99), samples, valid, 0.25) == (
        (1, 25),
        (2, 70),
    )
    original = samples - restoration.correction(samples, 1, 0.25)
    assert 1 not in dict(restoration.fitted(original, samples, None, 0.25))


def test_networks_are_refused_where_they_do_not_belong() -> None:
    config = {0: [-3, 2, 2], 1: 0.5, 5: [[1, 64]]}
    assert PyramidConfig.from_map(config, (16, 16), 3).restoration == ((1, 64),)
    with pytest.raises(CorruptError):
        PyramidConfig.from_map(config, (3, 16, 16), 1)
    for unknown in ([[99, 64]], [[1, 64], [3, 64]], [[2**64 - 1, 1]]):
        with pytest.raises(UnsupportedError):
            PyramidConfig.from_map({**config, 5: unknown}, (16, 16), 3)
    for wrong in ([], 1, [1, 64], [[1]], [[1, 0]], [[1, 256]], [[2, 64], [1, 64]], [[0, 64]]):
        with pytest.raises(CorruptError):
            PyramidConfig.from_map({**config, 5: wrong}, (16, 16), 3)


def test_a_photograph_gets_smaller_with_it(tmp_path: Path) -> None:
    """Effort 3 tries the network; on a natural image it must pay, at the same PSNR."""
    from PIL import Image

    ramp = np.add.outer(np.arange(96), np.arange(128)) / 2
    random = np.random.default_rng(3)
    edges = ((np.arange(128) // 9) % 2 * 60)[None] + ((np.arange(96) // 13) % 2 * 50)[:, None]
    texture = random.normal(0, 4, (96, 128))
    image = np.stack([ramp + edges + texture, ramp + edges / 2, 200 - ramp + edges], -1)
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(tmp_path / "in.png")
    sizes = []
    for effort in (2, 3):
        target = tmp_path / f"{effort}.inrc"
        report = codec.encode(tmp_path / "in.png", target, psnr=32, effort=effort)
        assert report.qualities[0].psnr >= 32
        sizes.append(report.file_bytes)
    assert sizes[1] <= sizes[0]
