"""Rules of the metadata of meshes (format_spec/metadata.md, medium `mesh`)."""

from __future__ import annotations

from codec.media.dataset import Metadata
from codec.media.mesh.frame import MeshFrame
from codec.media.metadata_rules import Forms, MetadataRules


class MeshRules(MetadataRules):
    """Rules of a tree that is a `MeshFrame`."""

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        MeshFrame.from_map(tree)

    def frame(self, tree: Metadata) -> MeshFrame:
        """See `MetadataRules.frame`."""
        return MeshFrame.from_map(tree)


RULES = MeshRules()
