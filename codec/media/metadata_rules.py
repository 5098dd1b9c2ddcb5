"""Questions about a medium's metadata: the base class of the rules that each row names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import numpy as np

from codec.arrays import Array
from codec.media.arrays.decoded import DecodedArray, image_or_single_arrays
from codec.media.dataset import DecodedDataset, Metadata, VerbatimValue
from codec.media.described import Along, Described
from codec.media.mesh.frame import MeshFrame
from codec.options.raw_layout import RawLayout

Forms: TypeAlias = Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""Shape and dtype of each field of a file."""


class MetadataRules:
    """Rules of a medium whose metadata tree says nothing about variables.

    A medium that has more to say overrides the methods concerned. All trees but those given to
    `check` have been checked.
    """

    def check(self, tree: Metadata, fields: Forms) -> None:
        """Check all that the tree says of itself and of the fields.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """

    def attributes(self, tree: Metadata, name: str) -> dict[str, Any]:
        """Attributes of a variable: str, list of str, NumPy scalar or array; {} if it has none."""
        return {}

    def fill_value(self, tree: Metadata, name: str) -> int | float | None:
        """The stored value that means "no sample" in a field; None if the tree names none."""
        return None

    def names(self, tree: Metadata) -> frozenset[str]:
        """Names of the fields and verbatim variables that the tree mentions."""
        return frozenset()

    def without(self, tree: Metadata, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
        """The tree without the variables that a damaged file has lost.

        Args:
            tree: the metadata.
            names: of the fields and of the verbatim variables that are left.

        Returns:
            The tree, and the names of the variables that it no longer mentions.
        """
        return tree, ()

    def cut(
        self,
        tree: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        samples: Mapping[str, Array],
    ) -> dict[str, VerbatimValue]:
        """Verbatim variables of a region of the fields.

        Args:
            tree: the metadata.
            verbatim: variables of the whole file.
            samples: name of a dim -> indices of its samples that lie in the region.
        """
        return dict(verbatim)

    def arrays(self, dataset: DecodedDataset) -> tuple[DecodedArray, ...]:
        """The arrays that decoded fields make up, in file order, for writers of any medium.

        Raises:
            CorruptError: the metadata do not fit the fields.
        """
        return image_or_single_arrays(dataset.fields)

    def named_after_file(self, tree: Metadata) -> bool:
        """Whether the only array has no name but that of its file, which another file has not."""
        return False

    def meant_to_grow(self, tree: Metadata) -> bool:
        """Whether the original says that samples may be appended to it."""
        return False

    def extended(self, before: Described, added: Described, along: Along) -> Described:
        """A file with the variables of another behind its own; asked only of media that grow.

        Raises:
            InvalidInputError: the files do not fit together.
        """
        return before

    def raw_layout(
        self, tree: Metadata, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> RawLayout | None:
        """The layout that a reader of bare samples needs; None for files that describe themselves.

        Args:
            tree: the metadata.
            shape: of the one field.
            dtype: of the one field.
        """
        return None

    def frame(self, tree: Metadata) -> MeshFrame | None:
        """The place of the grid of a shape; None for a medium without shapes.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """
        return None


DEFAULT = MetadataRules()
