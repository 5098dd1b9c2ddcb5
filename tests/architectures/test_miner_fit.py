"""What a fit of `miner` promises: targets, blocks only where they are needed, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec.arrays import Array
from codec.encoding import sampled_shape
from codec.files import fit_journal
from codec.format.headers import Quantisation
from codec.plugin_api.models import CodedTensor, Model
from codec.reading.contents import FileContents
from inrc_plugins.architectures.miner.config import MinerConfig
from inrc_plugins.architectures.miner.training import float_fit, network
from inrc_plugins.architectures.miner.training.coding import ActiveBlocks
from inrc_plugins.architectures.miner.training.float_fit import level_targets
from inrc_plugins.architectures.miner.training.level_fit import (
    LevelTask,
    fit_level,
    inherited_layers,
    peaks,
    start_layers,
)
from inrc_plugins.architectures.miner.training.planning import AboveThreshold, WithinBudget
from tests.conftest import Process

QUICK = {"arch.block": 8, "arch.levels": 2, "arch.width": 8, "fit.steps": 120}
QUICK |= {"fit.prune_steps": 5, "fit.finetune_steps": 10}


def waves(shape: tuple[int, ...]) -> Array:
    """A smooth field from -1 to 1."""
    axes = np.meshgrid(*(np.linspace(0, 1, size) for size in shape), indexing="ij")
    found = sum(np.sin((5 + 2 * number) * axis + number) for number, axis in enumerate(axes))
    return (found / len(shape)).astype(np.float32)


def corner(shape: tuple[int, ...]) -> Array:
    """Flat, but for ripples in the first block of 8."""
    field = np.zeros(shape, np.float32)
    ripples = np.cos(2.0 * np.arange(8))
    field[(slice(8),) * len(shape)] = (
        ripples if len(shape) == 1 else np.multiply.outer(ripples, ripples)
    )
    return field


def encode(folder: Path, field: Array, **options: Any) -> Path:
    # A run is taken up only if its source was not touched.
    if not (folder / "field.npy").exists():
        np.save(folder / "field.npy", field)
    settings = {**QUICK, **options.pop("settings", {})}
    codec.encode(
        folder / "field.npy", folder / "field.inrc", arch="miner", device="cpu",
        **{"overwrite": True, "effort": 0, "threads": 1, "settings": settings, **options},
    )  # fmt: skip
    return folder / "field.inrc"


def psnr(found: Array, field: Array) -> float:
    error = np.square(found.astype(np.float64) - field).mean()
    return float(20 * np.log10(float(field.max()) - float(field.min())) - 10 * np.log10(error))


@pytest.mark.parametrize("shape", [(45,), (1, 13, 18), (9, 10, 7)])
def test_a_psnr_is_met(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """In 1 to 3 dimensions, where the last blocks are cut."""
    field = waves(shape)
    with codec.open(encode(tmp_path, field, psnr=22), device="cpu") as file:
        view = next(iter(file.values()))
        whole = view[...]
        assert psnr(whole, field) >= 22
        part = tuple(slice(size // 3, size) for size in shape)
        assert np.array_equal(view[part], whole[part])


def test_a_number_of_bytes_is_met_and_used(tmp_path: Path) -> None:
    field = waves((16, 24)) + np.random.default_rng(0).normal(size=(16, 24)).astype("f4") / 5
    sizes, qualities = [], []
    for limit in (400, 800):
        path = encode(tmp_path, field, bytes=limit, settings={"arch.width": 0})
        sizes.append(path.stat().st_size)
        with codec.open(path, device="cpu") as file:
            qualities.append(psnr(next(iter(file.values()))[...], field))
        assert 0.7 * limit < sizes[-1] <= limit
    assert qualities[1] > qualities[0] + 1


def test_gaussian_units_and_encoded_positions_fit_as_well(tmp_path: Path) -> None:
    field = waves((16, 20))
    settings = {"arch.unit": "gaussian", "arch.octaves": 3, "arch.inherit": True}
    with codec.open(encode(tmp_path, field, psnr=25, settings=settings), device="cpu") as file:
        assert psnr(next(iter(file.values()))[...], field) >= 25


def test_colours_and_levels_of_an_image(tmp_path: Path) -> None:
    field = waves((32, 24))
    pixels = np.stack([field, field[::-1], np.abs(field)], -1) * 120 + 125
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "image.png")
    codec.encode(
        tmp_path / "image.png", tmp_path / "image.inrc", arch="miner", psnr=24, effort=0,
        threads=1, device="cpu", settings=QUICK,
    )  # fmt: skip
    with codec.open(tmp_path / "image.inrc", device="cpu") as file:
        (first, *_) = file.values()
        original = pixels[..., 0].astype(np.uint8)
        assert psnr(first[...], original) > 23
        coarse = first.level(1)
        assert coarse.shape == (16, 12)
        assert psnr(coarse[...], original[::2, ::2]) > 17


def test_decoding_does_not_import_torch(tmp_path: Path, process: Process) -> None:
    path = encode(tmp_path, waves((9, 10)), psnr=15, settings={"fit.steps": 10})
    code = (
        "import sys, codec; f = codec.open(sys.argv[1], device='cpu'); next(iter(f.values()))[...]"
    )
    done = process("-c", f"{code}; sys.exit('torch' in sys.modules)", str(path))
    assert done.returncode == 0, done.stderr


def test_occupancy_comes_back_as_it_was(tmp_path: Path) -> None:
    """0 and 1 are fitted as numbers; rounding makes them 0 and 1 again."""
    z, y, x = np.indices((12, 12, 12)) - 5.5
    inside = (z**2 + y**2 + x**2 < 16).astype(np.uint8)
    path = encode(tmp_path, inside, psnr=22, settings={"fit.steps": 100})
    with codec.open(path, device="cpu") as file:
        found = next(iter(file.values()))[...]
    assert set(np.unique(found)) == {0, 1}
    assert (found & inside).sum() / (found | inside).sum() > 0.9


def test_invalid_samples_cost_nothing(tmp_path: Path) -> None:
    """A block of fill values has no network, and none is fitted to them."""
    field = waves((16, 32))
    field[:, 16:] = np.nan
    with FileContents(encode(tmp_path, field, psnr=24), device="cpu") as file:
        found = next(iter(file.fields.values()))[...]
        assert np.isnan(found[:, 16:]).all()
        assert psnr(found[:, :16], field[:, :16]) >= 24
        header = file.items[0].header
        kept = file.items[0].sparsity(dict(header.tensor_masks)[len(header.quantisation) - 1])
    assert not kept[:, 2:].any()


def test_flat_blocks_have_no_network_and_a_level_has_one_mask(tmp_path: Path) -> None:
    field = corner((32, 32))
    with FileContents(encode(tmp_path, field, psnr=34), device="cpu") as file:
        header = file.items[0].header
        assert len(file.streams.sections.of_type("MASK")) <= QUICK["arch.levels"]
        masks = dict(header.tensor_masks)
        kept = file.items[0].sparsity(masks[len(header.quantisation) - 1])
        assert kept[0, 0]
        assert kept.sum() <= 2


def test_a_mesh_is_fitted_as_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a coarser grid than that of the product, which takes minutes."""
    trimesh = pytest.importorskip("trimesh")
    pytest.importorskip("igl")
    monkeypatch.setattr(sampled_shape, "_NODES", 16)
    trimesh.creation.icosphere(subdivisions=3, radius=30).export(tmp_path / "ball.ply")
    codec.encode(
        tmp_path / "ball.ply", tmp_path / "ball.inrc", arch="miner", bytes=900, effort=0,
        threads=1, device="cpu",
        settings={**QUICK, "arch.block": 16, "arch.levels": 1, "arch.width": 12, "fit.steps": 200},
    )  # fmt: skip
    assert (tmp_path / "ball.inrc").stat().st_size <= 900
    rays = np.array([[1.0, 0, 0], [0, -0.6, 0.8], [0.577, 0.577, -0.577]])
    with codec.open(tmp_path / "ball.inrc", device="cpu") as file:
        assert np.abs(file["distance"].sdf(31 * rays) - 1).max() < 3
        assert file["distance"].contains([[0, 0, 0], [0, 0, 36]]).tolist() == [True, False]


def test_a_stopped_fit_goes_on_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels that were done are not trained again."""
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    field, settings = waves((16, 24)), {"fit.steps": 15, "arch.width": 4}
    whole = encode(tmp_path, field, psnr=20, settings=settings).read_bytes()
    (tmp_path / "field.inrc").unlink()
    trained: list[int] = []

    def counted(*given: Any) -> list[torch.Tensor]:
        trained.append(1)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return fit_level(*given)

    monkeypatch.setattr(float_fit, "fit_level", counted)
    with pytest.raises(KeyboardInterrupt):
        encode(tmp_path, field, psnr=20, settings=settings, overwrite=False)
    assert (
        encode(tmp_path, field, psnr=20, settings=settings, overwrite=False).read_bytes() == whole
    )
    assert len(trained) == 3


def test_the_bytes_do_not_depend_on_threads_and_follow_the_seed(tmp_path: Path) -> None:
    field = np.concatenate([waves((16, 24))] * 2)
    settings = {"fit.steps": 15, "arch.samples": 16, "arch.width": 4}
    one = encode(tmp_path, field, psnr=20, settings=settings).read_bytes()
    assert encode(tmp_path, field, psnr=20, settings=settings, threads=3).read_bytes() == one
    assert encode(tmp_path, field, psnr=20, settings=settings, seed=1).read_bytes() != one


def level_task(
    floor: float = 0.0, relative: float = 0.0, steps: int = 60
) -> tuple[MinerConfig, LevelTask]:
    """Two blocks of 8: a slow wave, and noise that no network of 6 units reaches."""
    config = MinerConfig(8, (6,), 2, 0, 30)
    noise = torch.randn(8, 1, generator=torch.Generator().manual_seed(0))
    target = torch.stack([torch.linspace(-1, 1, 8)[:, None], noise])
    inputs = network.block_inputs(config, 1, torch.float32)
    fans = config.fans(0, 1, 1)
    weight = torch.ones_like(target)
    return config, LevelTask(fans, inputs, target, weight, steps, 0.002, 8, floor, relative)


def fitted(config: MinerConfig, task: LevelTask) -> list[torch.Tensor]:
    start = start_layers(config, task, torch.Generator().manual_seed(1))
    return fit_level(config, task, start, [0], 1, lambda fraction, loss: None)


def test_a_block_that_is_done_stays_as_it_was() -> None:
    """Whether the other goes on or not: no momentum moves what has left."""
    config, task = level_task(floor=0.25, steps=300)
    alone = replace(task, target=task.target * torch.tensor([1.0, 0.0])[:, None, None])
    both, one = fitted(config, task), fitted(config, alone)
    values = network.block_values(config, task.fans, both, task.inputs)
    errors = (values - task.target).square().mean(dim=(1, 2))
    assert errors[0] <= 0.25
    assert all(torch.equal(a[0], b[0]) for a, b in zip(both, one, strict=True))


def test_the_relative_threshold_is_of_a_blocks_own_energy() -> None:
    """Two scales of one signal stop at the same relative error."""
    config, task = level_task(relative=0.05, steps=400)
    small = LevelTask(
        task.fans, task.inputs, torch.stack([task.target[0], task.target[0] / 100]), task.weight,
        task.steps, task.rate, 8, 0.0, 0.05,
    )  # fmt: skip
    values = network.block_values(config, small.fans, fitted(config, small), small.inputs)
    shares = (values - small.target).square().mean((1, 2)) / small.target.square().mean((1, 2))
    assert shares.max() <= 0.05


def test_children_get_their_parents_parameters_divided() -> None:
    parents = [torch.tensor([[2.0, 4.0], [6.0, 8.0]])]
    fresh = [torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])]
    rows = torch.tensor([1, -1, 0])
    (found,) = inherited_layers(parents, rows, 2, fresh)
    assert found.tolist() == [[3.0, 4.0], [1.0, 1.0], [1.0, 2.0]]


def test_coarser_targets_ignore_what_is_invalid() -> None:
    field = np.full((1, 9, 9), 0.5, np.float32)
    valid = np.ones((1, 9, 9), np.bool_)
    valid[:, 4:] = False
    field[~valid] = 0
    config = MinerConfig(4, (2, 2, 2), 1, 0, 30)
    for target in level_targets(config, (9, 9), field, valid):
        assert torch.unique(target.values[target.weight > 0]).tolist() == [0.5]
    assert peaks(torch.zeros(1, 4, 1), torch.ones(1, 4, 1)).tolist() == [[1.0]]


def test_blocks_are_chosen_by_threshold_and_by_budget() -> None:
    sums, counts = np.array([4.0, 0.1, 9.0, 0.0]), np.array([4.0, 4.0, 4.0, 0.0])
    assert AboveThreshold(0.05)(0, sums, counts).tolist() == [0, 2]
    config = MinerConfig(4, (2, 2), 1, 0, 30)
    cost = config.block_parameters(0, 1, 1)
    within = WithinBudget(config, 1, 1, 3 * cost, 0.0)
    assert within(1, sums, counts).tolist() == [0, 1, 2]
    assert within(0, sums, counts).tolist() == []
    assert WithinBudget(config, 1, 1, cost, 0.0)(0, sums, counts).tolist() == [2]


def small_model() -> tuple[ActiveBlocks, Model]:
    """Blocks 0 and 2 of three have networks; that of block 0 adds nothing."""
    config = MinerConfig(4, (1, 1), 1, 0, 30)
    blocks = ActiveBlocks(config, (12,), 1, (np.array([0, 2]), np.array([], np.int64)))
    first = CodedTensor(np.array([[5, 6], [7, 8]]), Quantisation((0.5,)))
    last = CodedTensor(np.array([[0, 3], [0, 4]]), Quantisation((0.25,)))
    return blocks, Model({}, (first, last))


def test_a_model_of_active_blocks_becomes_that_of_the_text() -> None:
    blocks, compact = small_model()
    found = blocks.complete(compact)
    specs = blocks.config.tensors((12,), 1)
    assert [tensor.values.shape for tensor in found.tensors] == [spec.shape for spec in specs]
    coarse, fine = found.tensors[:2], found.tensors[2:]
    assert not any(tensor.values.any() or tensor.mask is None for tensor in coarse)
    assert [tensor.mask.tolist() for tensor in fine if tensor.mask is not None] == [
        [False, False, True]
    ] * 2
    assert [tensor.values.tolist() for tensor in fine] == [
        [[0, 0, 6], [0, 0, 8]], [[0, 0, 3], [0, 0, 4]],
    ]  # fmt: skip
    assert fine[0].quantisation == Quantisation((0.5,))


def test_an_index_of_0_is_not_a_value_of_0() -> None:
    """With a codebook, a block of zeros may have other entries than 0, and the reverse."""
    blocks, compact = small_model()
    first, last = compact.tensors
    book = Quantisation((0.25,), codebook=(7, -2, 0, 0, 0))
    found = blocks.complete(Model({}, (first, CodedTensor(last.values, book))))
    assert found.tensors[-1].mask is not None
    assert found.tensors[-1].mask.tolist() == [True, False, False]


def test_a_block_that_a_pruner_drops_is_gone_from_all_tensors() -> None:
    blocks, compact = small_model()
    first, last = compact.tensors
    pruned = CodedTensor(last.values, last.quantisation, np.array([True, False]))
    found = blocks.complete(Model({}, (first, pruned)))
    assert not any(tensor.mask is None or tensor.mask.any() for tensor in found.tensors)
