"""The section mETa: the medium of a file, and a tree that keeps the rules of that medium.

Normative text: format_spec/inrc-1.md, section 9, and format_spec/metadata.md.
"""

from __future__ import annotations

from codec.errors import CorruptError
from codec.format import cbor
from codec.media.dataset import Metadata
from codec.media.metadata_rules import Forms
from codec.media.table import medium_of


def encode_metadata(medium: str, tree: Metadata) -> bytes:
    """The payload of the section."""
    return cbor.encode({0: medium, 1: tree} if tree else {0: medium})


def decode_metadata(payload: bytes) -> tuple[str, Metadata]:
    """Medium and tree of a payload.

    Raises:
        CorruptError: it has another form; the tree is not looked at.
    """
    value = cbor.decode(payload)
    if not isinstance(value, dict) or not value.keys() <= {0, 1}:
        raise CorruptError("the metadata are not a map with the keys 0 and 1", section="mETa")
    if not isinstance(value.get(0), str):
        raise CorruptError("the metadata name no medium", section="mETa")
    if not isinstance(value.get(1, {}), dict):
        raise CorruptError("the metadata hold no map", section="mETa")
    return value[0], value.get(1, {})


def check_tree(medium: str, tree: Metadata, fields: Forms) -> None:
    """Check all that the tree says of itself and of the fields; of unknown media nothing.

    Raises:
        CorruptError: the tree breaks a rule.
    """
    medium_of(medium).metadata.check(tree, fields)
