"""The optional keys of `fvsrn` follow their normative text, and its settings do what they say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.arrays import Float32Array, Float64Array, FloatArray
from codec.errors import CorruptError, InvalidOptionError, UnsupportedError
from inrc_plugins.architectures.fvsrn.bands import bands_of, joined, nodal_grid, parted
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig, GaussianRows, TimeAxis, Wavelet
from inrc_plugins.architectures.fvsrn.evaluation import FvsrnEvaluator
from inrc_plugins.architectures.fvsrn.fourier import row_matrix
from inrc_plugins.architectures.fvsrn.settings import FvsrnSettings
from inrc_plugins.architectures.fvsrn.training import network
from inrc_plugins.architectures.fvsrn.training.device_evaluation import DeviceEvaluator
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily
from inrc_plugins.shared.config_map import active_axes

Parameters = list[Float32Array]

_PLAIN_3D = FvsrnConfig((5, 4, 7), 3, 8, 2, 2)
# shape, config, components
CASES: dict[str, tuple[tuple[int, ...], FvsrnConfig, int]] = {
    "9/7, 1-D": ((37,), FvsrnConfig((9,), 3, 8, 2, 2, Wavelet(1, 3)), 1),
    "9/7, 2-D": ((11, 13), FvsrnConfig((4, 5), 2, 6, 3, 1, Wavelet(1, 1)), 2),
    "9/7, 3-D": ((7, 6, 9), replace(_PLAIN_3D, wavelet=Wavelet(1, 2)), 1),
    "5/3, 3-D, down to one": ((7, 6, 9), replace(_PLAIN_3D, wavelet=Wavelet(2, 3)), 1),
    "9/7, an axis ends early": ((5, 40), FvsrnConfig((2, 17), 2, 5, 1, 1, Wavelet(1, 5)), 1),
    "5/3, 4-D": ((5, 4, 3, 6), FvsrnConfig((2, 3, 2, 4), 3, 7, 1, 1, Wavelet(2, 2)), 3),
    "time first": ((6, 8, 9), replace(_PLAIN_3D, time=TimeAxis(0, True, 3)), 1),
    "time in the middle": ((6, 1, 8, 9), replace(_PLAIN_3D, time=TimeAxis(1, False, 1)), 2),
    "time last, unseen": ((6, 8, 9), replace(_PLAIN_3D, time=TimeAxis(2, False, 0)), 1),
    "time alone": ((12,), FvsrnConfig((4,), 2, 6, 2, 3, time=TimeAxis(0, True, 0)), 1),
    "rows, 1-D": ((30,), FvsrnConfig((5,), 2, 6, 2, 0, rows=GaussianRows(7, 900, 3)), 1),
    "rows, 3-D": ((7, 6, 9), replace(_PLAIN_3D, octaves=0, rows=GaussianRows(5, 300, 7)), 2),
    "fine rows": ((9, 30), FvsrnConfig((3, 3), 1, 4, 1, 0, rows=GaussianRows(3, 1 << 20, 1)), 1),
    "frequency 2": ((8, 9), FvsrnConfig((3, 4), 2, 5, 3, 1, frequency=512), 1),
    "frequency 1 / 2": ((8, 9), FvsrnConfig((3, 4), 2, 5, 2, 1, frequency=128), 2),
    "everything": (
        (6, 7, 5, 8),
        FvsrnConfig(
            (3, 4, 2, 5), 3, 6, 2, 0,
            Wavelet(1, 2), TimeAxis(3, True, 2), GaussianRows(4, 256, 4_000_000_000), 700,
        ),
        2,
    ),
}  # fmt: skip


def parameters_of(config: FvsrnConfig, components: int) -> Parameters:
    random = np.random.default_rng(5)
    found = []
    for spec in config.tensors(components):
        reach = 1.0 if not network.is_layer(spec.name) else 1 / math.sqrt(spec.shape[-1])
        found.append((reach * random.uniform(-1, 1, spec.shape)).astype(np.float32))
    return found


def synthesised(line: Float64Array, wavelet: int) -> Float64Array:
    """ "Synthesis" of pyramid.md, sample by sample."""
    n = len(line)
    if n == 1:
        return line
    a, b, c, d, k = (
        (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971,
         1.149604398860241)
        if wavelet == 1 else (-0.5, 0.25, 0.0, 0.0, 1.4142135623730951)
    )  # fmt: skip
    half = math.ceil(n / 2)
    x = np.empty(n)
    x[0::2] = line[:half] / k
    x[1::2] = line[half:] * k
    for first, factor in ((0, d), (1, c), (0, b), (1, a)):
        before = x.copy()
        for i in range(first, n, 2):
            left = before[i - 1] if i > 0 else before[i + 1]
            right = before[i + 1] if i + 1 < n else before[i - 1]
            x[i] -= factor * (left + right)
    return x


def naive_grid(
    config: FvsrnConfig, parameters: Parameters
) -> tuple[Float64Array, list[Float64Array]]:
    """ "The grid from its coefficients" of fvsrn.md, line by line."""
    tensors = [tensor.astype(np.float64) for tensor in parameters]
    if config.wavelet is None:
        return tensors[0], tensors[1:]
    levels = config.wavelet.levels
    sizes = [config.grid]
    for _ in range(levels):
        sizes.append(tuple(math.ceil(size / 2) for size in sizes[-1]))
    x = tensors[0].reshape(config.features, *sizes[levels])
    for j in range(levels, 0, -1):
        details, start = tensors[1 + levels - j], 0
        put = np.empty((config.features, *sizes[j - 1]))
        put[(slice(None), *(slice(0, size) for size in sizes[j]))] = x
        for e in range(1, 2**config.axes):
            bits = [(e >> (config.axes - 1 - axis)) & 1 for axis in range(config.axes)]
            place, box = [slice(None)], []
            for b, bit in zip(sizes[j - 1], bits, strict=True):
                low = math.ceil(b / 2)
                place.append(slice(low, b) if bit else slice(0, low))
                box.append(b // 2 if bit else low)
            count = math.prod(box)
            put[tuple(place)] = details[:, start : start + count].reshape(config.features, *box)
            start += count
        assert start == details.shape[1]
        for axis in range(1, config.axes + 1):
            put = np.apply_along_axis(synthesised, axis, put, config.wavelet.number)
        x = put
    return x, tensors[1 + levels :]


def naive_rows(config: FvsrnConfig) -> Float64Array:
    """ "Rows" of fvsrn.md, with Python's integers."""
    if config.rows is None:
        return np.zeros((0, config.axes))

    def r(k: int) -> int:
        z = (config.rows.seed + k * 0x9E3779B97F4A7C15) % 2**64
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        return z ^ (z >> 31)

    space = [a for a in range(config.axes) if config.time is None or a != config.time.axis]
    rows = np.zeros((config.rows.count, config.axes))
    for m in range(config.rows.count):
        for b, axis in enumerate(space):
            i = m * len(space) + b
            numbers = [r(3 * i + one) for one in (1, 2, 3)]
            x = sum((z >> shift) & 0xFFFF for z in numbers for shift in (0, 16, 32, 48))
            rows[m, axis] = config.rows.scale * (x - 393210) / 2**24
    return rows


def naive(
    config: FvsrnConfig, shape: tuple[int, ...], parameters: Parameters, points: Float64Array
) -> Float64Array:
    """The section "Evaluation" of fvsrn.md at each point, line by line, in float64."""
    grid, layers = naive_grid(config, parameters)
    rows = naive_rows(config)
    raw, octaves = [True] * config.axes, [config.octaves] * config.axes
    if config.time is not None:
        raw[config.time.axis], octaves[config.time.axis] = config.time.raw, config.time.octaves
    f = config.frequency / 256
    found = []
    for point in points:
        p = [point[axis] / (shape[axis] - 1) for axis in active_axes(shape)]
        z = np.zeros(config.features)
        cells = []
        for position, nodes in zip(p, config.grid, strict=True):
            u = position * (nodes - 1)
            k = min(int(np.floor(u)), nodes - 2)
            cells.append((k, u - k))
        for corner in itertools.product((0, 1), repeat=len(p)):
            weight = math.prod(t if e else 1 - t for e, (_, t) in zip(corner, cells, strict=True))
            nodes = tuple(k + e for e, (k, _) in zip(corner, cells, strict=True))
            z += weight * grid[(slice(None), *nodes)]
        waves = [
            2 * np.pi * 2**octave * q
            for octave in range(16)
            for q, n in zip(p, octaves, strict=True)
            if n > octave
        ]
        turns = [2 * np.pi * float(row @ p) for row in rows]
        inputs = [q for q, seen in zip(p, raw, strict=True) if seen]
        inputs += [*np.cos(waves), *np.sin(waves), *np.cos(turns), *np.sin(turns)]
        h = np.concatenate([inputs, z])
        for layer in range(config.layers):
            x = layers[2 * layer] @ h + layers[2 * layer + 1]
            h = (x + 1 - np.cos(2 * f * x)) / (2 * f)
        found.append(layers[-2] @ h + layers[-1])
    return np.array(found).T


def close(found: FloatArray, expected: Float64Array) -> None:
    """Class F: R is that of the values."""
    reach = np.ptp(expected)
    error = np.abs(found.astype(np.float64) - expected)
    assert error.max() <= 2.0**-16 * reach
    assert np.sqrt(np.square(error).mean()) <= 2.0**-19 * reach


def whole(shape: tuple[int, ...]) -> list[Float64Array]:
    return [np.arange(size, dtype=np.float64) for size in shape]


@pytest.mark.parametrize("name", CASES)
def test_samples_and_points_are_those_of_the_text(name: str) -> None:
    shape, config, components = CASES[name]
    parameters = parameters_of(config, components)
    evaluator = FvsrnEvaluator(config, shape, parameters)
    samples = np.array(list(np.ndindex(*shape)), dtype=np.float64)
    points = np.random.default_rng(0).random((50, len(shape))) * (np.array(shape) - 1)
    expected = naive(config, shape, parameters, np.concatenate([samples, points]))
    found = evaluator.on_axes(whole(shape)).reshape(components, -1)
    assert found.dtype == np.float32
    close(found, expected[:, : len(samples)])
    close(evaluator.at(points), expected[:, len(samples) :])


@pytest.mark.parametrize("name", CASES)
def test_torch_evaluates_the_same(name: str) -> None:
    """The evaluator for GPUs, and the network that is fitted, on the CPU."""
    shape, config, components = CASES[name]
    parameters = parameters_of(config, components)
    expected = FvsrnEvaluator(config, shape, parameters).on_axes(whole(shape)).astype(np.float64)
    device = DeviceEvaluator(config, shape, components, parameters, "cpu")
    close(device.on_axes(whole(shape)), expected)
    points = np.array(list(np.ndindex(*shape)), dtype=np.float64)
    close(device.at(points), expected.reshape(components, -1))
    sizes = [shape[axis] for axis in active_axes(shape)]
    fitted = network.GridNetwork(config, sizes)
    tensors = as_tensors(config, components, parameters)
    values = fitted(tensors, [torch.arange(size) for size in sizes]).numpy()
    assert values == pytest.approx(expected.reshape(components, -1), abs=2e-5 * np.ptp(expected))


def as_tensors(
    config: FvsrnConfig, components: int, parameters: Parameters
) -> dict[str, torch.Tensor]:
    specs = config.tensors(components)
    return {s.name: torch.from_numpy(v) for s, v in zip(specs, parameters, strict=True)}


@pytest.mark.parametrize("name", ["9/7, 3-D", "time in the middle", "rows, 3-D", "everything"])
def test_gradients_are_those_of_differences(name: str) -> None:
    shape, config, components = CASES[name]
    parameters = parameters_of(config, components)
    tensors = as_tensors(config, components, parameters)
    sizes = [shape[axis] for axis in active_axes(shape)]
    fitted = network.GridNetwork(config, sizes)
    indices = [torch.arange(size) for size in sizes]
    weights = torch.linspace(-1, 1, components * math.prod(sizes)).reshape(components, -1)
    for tensor in tensors.values():
        tensor.requires_grad_(True)
    (fitted(tensors, indices) * weights).sum().backward()
    for number, tensor in enumerate(tensors.values()):
        gradient = tensor.grad
        assert gradient is not None
        place = np.unravel_index(int(gradient.abs().argmax()), gradient.shape)
        moved = []
        for step in (1e-2, -1e-2):
            changed = [values.copy() for values in parameters]
            changed[number][place] += step
            y = FvsrnEvaluator(config, shape, changed).on_axes(whole(shape))
            moved.append(float((y.reshape(components, -1) * weights.numpy()).sum(dtype=np.float64)))
        slope = (moved[0] - moved[1]) / 2e-2
        assert float(gradient[place]) == pytest.approx(slope, rel=0.02, abs=0.05)


@pytest.mark.parametrize("wavelet", [1, 2])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 17])
def test_synthesis_undoes_analysis_and_is_nearly_orthonormal(wavelet: int, length: int) -> None:
    line = np.random.default_rng(length).normal(size=(length, 1))
    assert joined(parted(line, 0, wavelet), 0, wavelet) == pytest.approx(line)
    singular = np.linalg.svd(joined(np.eye(length), 0, wavelet), compute_uv=False)
    assert 0.65 <= singular.min() <= singular.max() <= 1.5


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][1].wavelet])
def test_bands_give_back_their_grid(name: str) -> None:
    _, config, _ = CASES[name]
    grid = np.random.default_rng(0).normal(size=(config.features, *config.grid))
    bands = bands_of(config, grid.astype(np.float32))
    assert [band.shape for band in bands] == [spec.shape for spec in config.latent_tensors()]
    assert sum(band.size for band in bands) == grid.size
    assert nodal_grid(config, bands)[0] == pytest.approx(grid, abs=1e-5)


def test_a_constant_grid_has_no_details() -> None:
    config = replace(_PLAIN_3D, wavelet=Wavelet(1, 2))
    low, *details = bands_of(config, np.ones((3, 5, 4, 7), np.float32))
    assert np.abs(low).min() > 1
    assert max(np.abs(band).max() for band in details) < 1e-6


def test_rows_are_nearly_normal_and_differ_by_seed() -> None:
    config = FvsrnConfig((3, 3, 3), 1, 4, 1, 0, rows=GaussianRows(2000, 512, 0))
    rows = row_matrix(config)
    assert rows.std() == pytest.approx(2.0, rel=0.03)
    assert abs(rows.mean()) < 0.1
    assert (np.abs(rows) > 2 * 2.0).mean() == pytest.approx(0.0455, abs=0.01)
    assert not np.array_equal(rows, row_matrix(replace(config, rows=GaussianRows(2000, 512, 1))))


def test_the_config_survives_its_map() -> None:
    for shape, config, _ in CASES.values():
        assert FvsrnConfig.from_map(config.to_map(), shape) == config
    plain = FvsrnConfig((3, 4), 2, 5, 3, 1)
    assert sorted(plain.to_map()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (5, [1]), (5, [1, 0]), (5, [1, 4]), (5, [0, 1]), (5, 1), (5, [1, True]),
        (6, [2, 0, 0]), (6, [-1, 0, 0]), (6, [0, 2, 0]), (6, [0, 1, 17]), (6, [0, 1]),
        (7, [0, 1, 1]), (7, [1, 0, 1]), (7, [1, 1, 2**32]), (7, [1, 1, 1]),
        (8, 0), (8, 65537), (8, 1.0),
    ],
)  # fmt: skip
def test_values_out_of_range_are_malformed(key: int, value: Any) -> None:
    """The grid has at most 5 nodes, so 3 levels; octaves exclude rows."""
    config = {0: [3, 5], 1: 2, 2: 5, 3: 1, 4: 1, key: value}
    with pytest.raises(CorruptError):
        FvsrnConfig.from_map(config, (8, 9))


def test_rows_need_an_axis_that_is_not_time() -> None:
    config = {0: [3], 1: 2, 2: 5, 3: 1, 4: 0, 6: [0, 1, 0], 7: [1, 1, 1]}
    with pytest.raises(CorruptError):
        FvsrnConfig.from_map(config, (8,))


@pytest.mark.parametrize("extra", [{9: 1}, {5: [3, 1]}])
def test_what_this_version_does_not_know_is_unsupported(extra: dict[int, Any]) -> None:
    with pytest.raises(UnsupportedError):
        FvsrnConfig.from_map({0: [3, 5], 1: 2, 2: 5, 3: 1, 4: 1, **extra}, (8, 9))


def test_multiply_adds_are_counted_as_the_text_says() -> None:
    _, config, components = CASES["everything"]
    inputs = 4 + 2 * 2 + 2 * 4 + 3
    assert config.inputs == inputs
    matrices = inputs * 6 + 6 * 6 + 6 * 2
    assert config.multiply_adds(components) == 2**4 * 3 + matrices + 3 * 4


@pytest.mark.parametrize("basis", ["nodal", "wavelet"])
def test_a_finer_grid_is_the_same_function(basis: str) -> None:
    family = FvsrnFamily((9, 17), 1, FvsrnSettings(basis=basis, features=2, width=4, layers=1))
    before = replace(family.sized(200), grid=(3, 5), wavelet=family._wavelet((3, 5)))
    after = replace(before, grid=(5, 9), wavelet=family._wavelet((5, 9)))
    tensors = family.start(before, torch.Generator().manual_seed(0))
    finer = family.resize(tensors, before, after)
    assert {n: tuple(t.shape) for n, t in finer.items()} == {
        spec.name: spec.shape for spec in family.tensors(after)
    }
    indices = [torch.arange(9), torch.arange(17)]
    was = family.network(before)(tensors, indices)
    assert torch.allclose(family.network(after)(finer, indices), was, atol=1e-5)


def test_coarse_coefficients_learn_as_fast_as_the_nodes_they_move() -> None:
    asked = FvsrnSettings(basis="wavelet", levels=2, grid=(8, 8, 8), grid_rate=0.5)
    family = FvsrnFamily((16, 16, 16), 1, asked)
    rates = family.rates(family.sized(4000))
    assert [rates[name] for name in ("low", "details2", "details1")] == pytest.approx(
        [0.5 * 8, 0.5 * 8, 0.5 * 8**0.5]
    )
    assert rates["matrix0"] == asked.network_rate


def test_sizes_are_those_asked_for() -> None:
    asked = FvsrnSettings(
        grid=(4, 5, 6), features=3, width=7, layers=1, octaves=5, frequency=2.0, basis="wavelet",
        wavelet="5/3", levels=2, time=1, keyframes=5, time_raw=False, time_octaves=4,
    )  # fmt: skip
    assert FvsrnFamily((8, 9, 1, 10), 1, replace(asked, time=1)).sized(10**6) == FvsrnConfig(
        (4, 5, 6), 3, 7, 1, 5, Wavelet(2, 2), TimeAxis(1, False, 4), None, 512
    )


def test_keyframes_fix_the_nodes_along_time_alone() -> None:
    family = FvsrnFamily((20, 32, 32), 1, FvsrnSettings(time=0, keyframes=3))
    small, large = family.sized(2000), family.sized(16000)
    assert small.grid[0] == large.grid[0] == 3
    assert large.grid[1] > small.grid[1] > 2


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (FvsrnSettings(grid=(4, 4)), "arch.grid=4x4"),
        (FvsrnSettings(grid=(4, 4, 70000)), "arch.grid"),
        (FvsrnSettings(keyframes=4), "arch.time"),
        (FvsrnSettings(time=0, keyframes=1), "arch.keyframes"),
        (FvsrnSettings(time=2), "arch.time=2"),
        (FvsrnSettings(time=4), "arch.time=4"),
        (FvsrnSettings(time=0, keyframes=3, grid=(4, 4, 4)), "arch.grid=4x4x4"),
    ],
)
def test_settings_that_do_not_fit_the_shape_are_refused(asked: FvsrnSettings, named: str) -> None:
    with pytest.raises(InvalidOptionError, match=named):
        FvsrnFamily((8, 9, 1, 10), 1, asked)


def smooth_field(shape: Sequence[int]) -> Float32Array:
    axes = np.ix_(*(np.linspace(0, 1, size) for size in shape))
    waves = [np.sin((5 + 2 * number) * axis + number) for number, axis in enumerate(axes)]
    return math.prod(waves).astype(np.float32)  # type: ignore[union-attr]


STEPS = {"fit.steps": 40, "fit.prune_steps": 10, "fit.finetune_steps": 10}
OPTIONS = {
    "wavelet": {"arch.basis": "wavelet"},
    "time": {"arch.time": 0, "arch.keyframes": 5, "arch.time_octaves": 1},
    "gauss": {"arch.fourier": "gauss", "arch.fourier_rows": 6},
    "loss": {"arch.loss": "l1", "arch.rate_steps": 60, "arch.resample": 25},
}


@pytest.mark.parametrize("goal", [{"psnr": 28.0}, {"bytes": 1500}], ids=["psnr", "bytes"])
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_meets_its_goal_in_a_file(
    option: str, goal: dict[str, Any], tmp_path: Any
) -> None:
    field = smooth_field((12, 14, 16))
    source, target = tmp_path / "field.npy", tmp_path / "field.inrc"
    np.save(source, field)
    settings = {**STEPS, **OPTIONS[option]}
    report = codec.encode(source, target, arch="fvsrn", threads=1, settings=settings, **goal)
    with codec.open(target, device="cpu") as file:
        (view,) = file.values()
        error = np.square(view[...].astype(np.float64) - field).mean()
    psnr = 10 * math.log10(float(np.ptp(field)) ** 2 / error)
    if "psnr" in goal:
        assert psnr >= goal["psnr"]
    else:
        assert target.stat().st_size <= goal["bytes"]
        assert psnr > 17
    assert report is not None
