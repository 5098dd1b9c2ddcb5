"""Rules of the metadata of Zarr stores: those of all media of arrays, and of its documents."""

from __future__ import annotations

from codec.errors import InvalidInputError
from codec.media.arrays.extend import GrowingArrayRules
from codec.media.arrays.layout import DatasetLayout
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import Metadata
from codec.media.zarr.documents import DOCUMENTS, Documents

# Keys of the native part of an array: its path in the store, and the shape of texts.
PATH, TEXT_SHAPE = range(2)
_ROOT = {PATH: ""}


class ZarrRules(GrowingArrayRules):
    """Rules of a store, which may be one array without a group."""

    def named_after_file(self, tree: Metadata) -> bool:
        """Whether the store is one array, without a name of its own."""
        return any(array.native == _ROOT for array in DatasetLayout.from_tree(tree).arrays)

    def check_texts(self, name: str, layout: DatasetLayout, texts: list[str]) -> None:
        """Refuse texts that an array of fixed width would cut off."""
        part = NativePart.of(layout, "the store")
        documents = Documents.from_texts(part.texts(DOCUMENTS, 2))
        width = documents.text_width(name)
        if width is not None and max(map(len, texts), default=0) > width:
            raise InvalidInputError(f"{name}: has texts of more than {width} characters there")


RULES = ZarrRules(text_shape=TEXT_SHAPE)
