"""Description of an item: its header, and what its architecture makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codec.format.headers import Item
from codec.plugin_api.architecture import Architecture
from codec.plugin_api.models import TensorSpec


@dataclass(frozen=True)
class ItemDescription:
    """One model of a file, known without decoding any of it.

    Attributes:
        header: the decoded ITEM section.
        architecture: the plugin that evaluates the model.
        specs: the tensors of the model.
        multiply_adds: cost of evaluating every sample of the item once.
        largest_parameters: number of parameters without coefficients, before any are masked.
    """

    header: Item
    architecture: Architecture
    specs: Sequence[TensorSpec]
    multiply_adds: int
    largest_parameters: int

    @classmethod
    def from_bytes(cls, payload: bytes) -> ItemDescription:
        """The description of the item with this ITEM payload.

        Raises:
            CorruptError: the header breaks a rule of the format.
            UnsupportedError: the architecture is unknown.
        """
        from codec.plugin_api.registry import architecture_by_identifier

        header = Item.from_bytes(payload)
        architecture = architecture_by_identifier(header.architecture, header.version)
        count = len(header.components)
        specs = architecture.tensors(header.config, header.shape, count)
        cost = architecture.multiply_adds(header.config, header.shape, count)
        # Coefficients are as many as samples, and have the limit of these.
        sizes = (np.prod(spec.shape, dtype=object) for spec in specs if spec.lattice is None)
        return cls(
            header, architecture, specs, header.samples // count * cost, sum(map(int, sizes))
        )
