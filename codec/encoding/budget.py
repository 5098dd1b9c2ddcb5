"""The target of a file, shared among its models."""

from __future__ import annotations

import math

from codec.coding.write_file import FileParts
from codec.encoding.tile_plan import TileGoals
from codec.errors import TargetError
from codec.media.dataset import Dataset, Field
from codec.options.encode import Goal
from codec.plugin_api.architecture import ItemGoal


def field_size(field: Field) -> int:
    """Bytes of the field in its stored dtype."""
    return math.prod(field.shape) * field.dtype.itemsize


class Budget:
    """Shares the target among the items."""

    def __init__(self, dataset: Dataset, goal: Goal) -> None:
        self._goal = goal
        self._bytes = goal.bytes
        if goal.ratio is not None:
            fields = sum(field_size(field) for field in dataset.fields)
            self._bytes = int(fields / goal.ratio)

    def goal_for(self, parts: FileParts, samples: int, remaining: int) -> ItemGoal:
        """The goal of the next item, which holds `samples` of the `remaining` samples.

        Raises:
            TargetError: what must be stored in any case is larger than the target.
        """
        if self._bytes is None:
            return ItemGoal(psnr=self._goal.psnr)
        left = self._left(self._bytes, parts)
        return ItemGoal(file_bytes=max(1, left * samples // remaining))

    def for_tiles(self, parts: FileParts, samples: int) -> TileGoals:
        """The goals of tiles that hold so many samples together, beside what is in `parts`.

        Raises:
            TargetError: what must be stored in any case is larger than the target.
        """
        left = None if self._bytes is None else self._left(self._bytes, parts)
        return TileGoals(self._goal.psnr, left, samples)

    def _left(self, total: int, parts: FileParts) -> int:
        """Bytes of `total` that `parts` leave."""
        taken = parts.file_bytes
        if taken >= total:
            raise TargetError(
                f"{self._goal.describe()}: {total} bytes are not enough, coordinates, masks "
                f"and metadata alone take {taken}; ask for more, or choose variables with --var"
            )
        return total - taken
