"""From the tensors of active blocks to those of the text: a mask, and all blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import BoolArray, Int64Array
from codec.format.headers import Quantisation
from codec.plugin_api.models import CodedTensor, FittedModel, Model, TensorSpec
from codec.training.fitter import Tensors
from inrc_plugins.architectures.miner.config import LevelGrid, MinerConfig, layer_name

_UNIT_STEP = Quantisation((1.0,))


@dataclass(frozen=True)
class ActiveBlocks:
    """The networks there are, and how the quantised fit sees them.

    Attributes:
        config, shape, components: of the model.
        ids: per level, the blocks that have a network, ascending.
    """

    config: MinerConfig
    shape: tuple[int, ...]
    components: int
    ids: tuple[Int64Array, ...]

    def specs(self) -> tuple[TensorSpec, ...]:
        """(entries, active blocks) per layer, in coding order; none for levels without blocks.

        A pruner may drop blocks, by dropping them in the last layer.
        """
        specs = []
        axes = len(self._grid(0).sizes)
        for level in reversed(range(self.config.levels)):
            fans = self.config.fans(level, axes, self.components)
            specs += [
                TensorSpec(
                    layer_name(level, layer),
                    (out * (into + 1), len(self.ids[level])),
                    prunable=layer == self.config.layers,
                )
                for layer, (into, out) in enumerate(fans)
                if len(self.ids[level])
            ]
        return tuple(specs)

    def complete(self, compact: Model) -> Model:
        """The model of the text from one whose tensors are those of `specs`."""
        coded = {
            spec.name: tensor for spec, tensor in zip(self.specs(), compact.tensors, strict=True)
        }
        tensors: list[CodedTensor] = []
        for level in reversed(range(self.config.levels)):
            tensors += self._level(level, coded)
        return Model(self.config.to_map(), tuple(tensors))

    def _grid(self, level: int) -> LevelGrid:
        return self.config.grid(level, self.shape)

    def _level(self, level: int, coded: Mapping[str, CodedTensor]) -> list[CodedTensor]:
        """The layers of one level; blocks that add nothing are left out."""
        grid, ids = self._grid(level), self.ids[level]
        names = [layer_name(level, layer) for layer in range(self.config.layers + 1)]
        fans = self.config.fans(level, len(grid.sizes), self.components)
        entries = [out * (into + 1) for into, out in fans]
        layers = [np.zeros((count, 0), np.int64) for count in entries]
        steps = [_UNIT_STEP] * len(names)
        if len(ids):
            layers = [np.asarray(coded[name].values, np.int64) for name in names]
            steps = [coded[name].quantisation for name in names]
        active = ~_idle(coded[names[-1]]) if len(ids) else np.zeros(0, np.bool_)
        mask = np.zeros(grid.count, np.bool_)
        mask[ids[active]] = True
        spatial: BoolArray | None = None if mask.all() else mask.reshape(grid.blocks)
        return [
            CodedTensor(self._spread(layer[:, active], mask, grid), step, spatial)
            for layer, step in zip(layers, steps, strict=True)
        ]

    @staticmethod
    def _spread(values: Int64Array, mask: BoolArray, grid: LevelGrid) -> Int64Array:
        dense = np.zeros((len(values), grid.count), np.int64)
        dense[:, mask] = values
        return dense.reshape(len(values), *grid.blocks)


def _idle(last: CodedTensor) -> BoolArray:
    """The blocks whose last layer is 0 or masked throughout."""
    values, quantisation = np.asarray(last.values, np.int64), last.quantisation
    nothing = values == quantisation.zero
    if quantisation.codebook:
        nothing = np.array(quantisation.codebook)[values - quantisation.first] == 0
    if last.mask is not None:
        nothing = nothing | ~last.mask
    return np.asarray(nothing.all(axis=0))


def active_blocks(
    config: MinerConfig, shape: tuple[int, ...], components: int, fitted: FittedModel
) -> tuple[ActiveBlocks, Tensors]:
    """The other way round: from all blocks of the text to the tensors of active ones."""
    ids: list[Int64Array] = [np.zeros(0, np.int64)] * config.levels
    tensors: Tensors = {}
    at = 0
    for level in reversed(range(config.levels)):
        for layer in range(config.layers + 1):
            values, mask = np.asarray(fitted.parameters[at], np.float32), fitted.masks[at]
            count = len(values)
            active = np.ones(values[0].size, np.bool_)
            if mask is not None:
                active = np.broadcast_to(mask, values.shape)[0].reshape(-1)
            ids[level] = np.flatnonzero(active)
            if active.any():
                flat = values.reshape(count, -1)[:, active]
                tensors[layer_name(level, layer)] = torch.from_numpy(flat.copy())
            at += 1
    return ActiveBlocks(config, shape, components, tuple(ids)), tensors
