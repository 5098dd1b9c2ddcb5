"""Grids in another order, with other signs and scales, are the same function and cost less."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from codec.entropy.stream import encode_stream
from inrc_plugins.architectures.amgsrn.config import AmgsrnConfig
from inrc_plugins.architectures.amgsrn.training import network
from inrc_plugins.architectures.amgsrn.training.arrangement import arranged

CONFIG = AmgsrnConfig(6, 2, (9, 8, 7), 8, 2, 1)
SIZES = (13, 12, 11)


def fitted() -> dict[str, torch.Tensor]:
    """A network of which every other grid is alike, but for sign and noise."""
    generator = torch.Generator().manual_seed(0)
    tensors = network.initial_tensors(CONFIG, 2, "default", generator)
    random = np.random.default_rng(0)
    one, other = 3 * gaussian_filter(random.normal(size=(2, 2, 9, 8, 7)), (0, 0, 0.8, 0.8, 0.8))
    noise = 0.1 * random.normal(size=(2, 6, 9, 8, 7))
    grids = np.stack([one, other, -one, -other, one, -other], axis=1) + noise
    tensors["grids"] = torch.from_numpy(grids.astype(np.float32))
    return tensors


def even(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: torch.ones_like(tensor) for name, tensor in tensors.items()}


def values(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    indices = [torch.randint(size, (500,), generator=generator) for size in SIZES]
    return network.GridsNetwork(CONFIG, SIZES)(tensors, indices)


@pytest.mark.parametrize("felt", ["evenly", "by one grid alone", "not at all"])
def test_the_function_stays(felt: str) -> None:
    tensors = fitted()
    curvature = even(tensors)
    if felt == "by one grid alone":
        curvature["grids"][:, :5] = 0
    elif felt == "not at all":
        curvature["grids"] *= 0
    found = arranged(tensors, curvature)
    assert torch.allclose(values(found), values(tensors), atol=2e-5)
    assert not torch.equal(found["grids"], tensors["grids"])


def test_grids_that_are_alike_follow_one_another_with_the_same_sign() -> None:
    found = arranged(fitted(), even(fitted()))["grids"].movedim(1, 0).reshape(6, -1).numpy()
    likeness = np.corrcoef(found)
    assert all(likeness[first, first + 1] > 0.9 for first in (0, 1, 3, 4))


def test_what_is_arranged_takes_less() -> None:
    tensors = fitted()

    def size(grids: torch.Tensor) -> int:
        integers = torch.round(grids / 0.1).numpy().astype(np.int64)
        return len(encode_stream([integers.ravel()], shape=integers.shape))

    assert size(arranged(tensors, even(tensors))["grids"]) < 0.9 * size(tensors["grids"])


def test_grids_that_the_loss_feels_more_get_finer_steps() -> None:
    tensors = fitted()
    curvature = even(tensors)
    curvature["grids"][:, 2] = 100
    found = arranged(tensors, curvature)
    # Where each grid went, by its translations.
    place = [
        int((found["transforms"] == column[:, None]).all(dim=0).nonzero())
        for column in tensors["transforms"].T
    ]
    scales = [
        float(found["grids"][:, place[grid]].norm() / tensors["grids"][:, grid].norm())
        for grid in range(6)
    ]
    assert scales[2] == pytest.approx(10 * scales[0], rel=1e-4)
