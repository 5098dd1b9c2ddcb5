"""The target of a file, shared among its models."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codec.coding.write_file import FileParts
from codec.encoding.tile_tasks import TileGoals
from codec.errors import TargetError
from codec.media.dataset import Field
from codec.options.encode import Goal
from codec.plugin_api.tasks import ItemGoal


def bytes_of_fields(fields: Sequence[Field]) -> int:
    """Bytes of fields in their stored dtypes."""
    return sum(math.prod(field.shape) * field.dtype.itemsize for field in fields)


class Budget:
    """The target of a file, of which its items get their shares.

    Args:
        fields: all that are encoded.
        goal: of the whole file.
    """

    def __init__(self, fields: Sequence[Field], goal: Goal) -> None:
        self._goal = goal
        self._bytes = goal.bytes
        if goal.ratio is not None:
            self._bytes = int(bytes_of_fields(fields) / goal.ratio)

    def for_next_item(self, parts: FileParts, samples: int, remaining: int) -> ItemGoal:
        """The goal of the next item, which holds `samples` of the `remaining` samples.

        Raises:
            TargetError: what must be stored in any case is larger than the target.
        """
        if self._bytes is None:
            return ItemGoal(psnr=self._goal.psnr)
        free = self._bytes_beside(parts, self._bytes)
        return ItemGoal(file_bytes=max(1, free * samples // remaining))

    def for_tiles(self, parts: FileParts, samples: int) -> TileGoals:
        """The goals of tiles that hold so many samples together, beside what is in `parts`.

        Raises:
            TargetError: what must be stored in any case is larger than the target.
        """
        free = None if self._bytes is None else self._bytes_beside(parts, self._bytes)
        return TileGoals(self._goal.psnr, free, samples)

    def _bytes_beside(self, parts: FileParts, total: int) -> int:
        """Bytes of `total` that `parts` leave."""
        taken = parts.file_bytes
        if taken >= total:
            raise TargetError(
                f"{self._goal.describe()}: {total} bytes are not enough, coordinates, masks "
                f"and metadata alone take {taken}; ask for more, or choose variables with --var"
            )
        return total - taken
