"""Rules of the metadata of NumPy files."""

from __future__ import annotations

from codec.errors import CorruptError
from codec.media.arrays.extend import GrowingArrayRules
from codec.media.dataset import Metadata
from codec.media.metadata_rules import Forms, MetadataRules


class NpyRules(MetadataRules):
    """Rules of a single array, of which nothing is known but its values."""

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        if tree:
            raise CorruptError("the metadata of one array is not empty", section="mETa")

    def named_after_file(self, tree: Metadata) -> bool:
        """See `MetadataRules.named_after_file`."""
        return True


NPY_RULES = NpyRules()
# Texts of an archive have [shape, dtype] as their native part.
NPZ_RULES = GrowingArrayRules(text_shape=0)
