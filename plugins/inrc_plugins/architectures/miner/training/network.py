"""`miner` networks in torch, for fits and for GPUs; the same function as `evaluation`.

Networks are batched: the layers of n blocks are arrays (n, entries), in the order of the text.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch

from codec.arrays import Int64Array
from inrc_plugins.architectures.miner.config import LevelGrid, MinerConfig, layer_name


def block_inputs(config: MinerConfig, axes: int, dtype: torch.dtype) -> torch.Tensor:
    """(B^axes, inputs): the input vectors of a block's samples in C order."""
    line = 2 * torch.arange(config.block, dtype=torch.float64) / (config.block - 1) - 1
    places = torch.cartesian_prod(*[line] * axes).reshape(-1, axes)
    if config.octaves:
        factors = 2.0 ** torch.arange(config.octaves, dtype=torch.float64)
        angles = (factors[:, None] * places[:, None, :]).reshape(len(places), -1)
        places = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
    return places.to(dtype)


def block_values(
    config: MinerConfig,
    fans: Sequence[tuple[int, int]],
    layers: Sequence[torch.Tensor],
    inputs: torch.Tensor,
    widths: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """(n, samples, components) of n blocks.

    Args:
        fans: (inputs, outputs) of every layer.
        layers: (n, entries) per layer.
        inputs: (samples, inputs), the same for all blocks.
        widths: of Gaussians while they are trained: (n, 1) per hidden layer; 1 if left out.
    """
    hidden = inputs.expand(len(layers[0]), *inputs.shape)
    for number, ((into, out), layer) in enumerate(zip(fans, layers, strict=True)):
        matrix = layer.reshape(-1, out, into + 1)
        if config.omega is not None and number < len(fans) - 1:
            matrix = config.omega * matrix
        z = torch.baddbmm(matrix[:, None, :, -1], hidden, matrix[:, :, :-1].transpose(1, 2))
        if number == len(fans) - 1:
            return z
        if widths:
            z = z / widths[number][:, :, None]
        hidden = torch.sin(z) if config.omega is not None else torch.exp(-z * z / 2)
    return hidden


def from_blocks(values: torch.Tensor, ids: torch.Tensor, grid: LevelGrid) -> torch.Tensor:
    """(components, *sizes) from values (n, B^d, components) of blocks `ids`, else 0."""
    components, axes = values.shape[-1], len(grid.sizes)
    whole = values.new_zeros((grid.count, *values.shape[1:])).index_copy(0, ids, values)
    split = whole.reshape(*grid.blocks, *[grid.block] * axes, components)
    order = [2 * axes, *itertools.chain(*((axis, axes + axis) for axis in range(axes)))]
    canvas = split.permute(order).reshape(components, *grid.padded)
    return canvas[(slice(None), *(slice(size) for size in grid.sizes))]


def to_blocks(canvas: torch.Tensor, grid: LevelGrid) -> torch.Tensor:
    """(blocks, B^d, components) of (components, *sizes); 0 beyond the last sample."""
    axes = len(grid.sizes)
    missing = [
        amount
        for size, padded in zip(reversed(grid.sizes), reversed(grid.padded), strict=True)
        for amount in (0, padded - size)
    ]
    padded = torch.nn.functional.pad(canvas, missing)
    cut = itertools.chain(*((count, grid.block) for count in grid.blocks))
    split = padded.reshape(len(canvas), *cut)
    order = [*range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 0]
    return split.permute(order).reshape(grid.count, -1, len(canvas))


def upsample(canvas: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """U of the text: (components, *coarse sizes) to (components, *sizes)."""
    for axis, size in enumerate(sizes, start=1):
        if canvas.shape[axis] == size:
            continue
        last = canvas.narrow(axis, canvas.shape[axis] - 1, 1)
        above = torch.cat([canvas.narrow(axis, 1, canvas.shape[axis] - 1), last], dim=axis)
        both = torch.stack([canvas, (canvas + above) / 2], dim=axis + 1)
        canvas = both.flatten(axis, axis + 1).narrow(axis, 0, size)
    return canvas


def downsample(canvas: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Weighted means around every second sample, weights 1 2 1; the target of a coarser level.

    Works on weighted sums, so that dividing by the downsampled weights gives the mean of what is
    valid.
    """
    for axis, size in enumerate(sizes, start=1):
        length = canvas.shape[axis]
        if length == size:
            continue
        edge = torch.zeros_like(canvas.narrow(axis, 0, 1))
        padded = torch.cat([edge, canvas, edge, edge], dim=axis)
        taps = [padded.narrow(axis, at, 2 * size) for at in range(3)]
        summed = (taps[0] + 2 * taps[1] + taps[2]) / 4
        chosen = torch.arange(0, 2 * size, 2, device=canvas.device)
        canvas = summed.index_select(axis, chosen)
    return canvas


class MinerNetwork:
    """The function of a model whose inactive blocks are left out.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        active: per level, ids of the blocks that have a network, ascending.
        dtype, device: of the tensors.

    Tensors are (entries, active blocks), named by `layer_name`; levels without blocks have none.
    """

    def __init__(
        self,
        config: MinerConfig,
        shape: tuple[int, ...],
        components: int,
        active: Sequence[Int64Array],
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self._config = config
        self._components = components
        self._grids = [config.grid(level, shape) for level in range(config.levels)]
        axes = len(self._grids[0].sizes)
        self._fans = [config.fans(level, axes, components) for level in range(config.levels)]
        self._inputs = block_inputs(config, axes, dtype).to(device)
        self._active = [torch.from_numpy(ids).to(device) for ids in active]

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, blocks * samples) at samples `indices[0]` of all blocks of level 0."""
        (chosen,) = indices
        grid = self._grids[0]
        values = self._inputs.new_zeros((grid.count, len(chosen), self._components))
        if self._config.levels > 1:
            below = upsample(self.reconstruction(tensors, 1), grid.sizes)
            values = to_blocks(below, grid).index_select(1, chosen)
        if len(self._active[0]):
            added = self._values(tensors, 0, self._inputs[chosen])
            values = values.index_add(0, self._active[0], added)
        return values.reshape(-1, self._components).T

    def reconstruction(self, tensors: Mapping[str, torch.Tensor], level: int) -> torch.Tensor:
        """Y of a level, (components, *sizes)."""
        grid = self._grids[level]
        canvas = self._inputs.new_zeros((self._components, *grid.sizes))
        if level + 1 < self._config.levels:
            canvas = upsample(self.reconstruction(tensors, level + 1), grid.sizes)
        if len(self._active[level]):
            added = self._values(tensors, level, self._inputs)
            canvas = canvas + from_blocks(added, self._active[level], grid)
        return canvas

    def _values(
        self, tensors: Mapping[str, torch.Tensor], level: int, inputs: torch.Tensor
    ) -> torch.Tensor:
        layers = [tensors[layer_name(level, number)].T for number in range(self._config.layers + 1)]
        return block_values(self._config, self._fans[level], layers, inputs)


def whole_block(grid: LevelGrid) -> int:
    """Samples of a whole block."""
    return math.prod([grid.block] * len(grid.sizes))
