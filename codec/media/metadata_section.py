"""The section mETa: the medium of a file, and a tree that keeps the rules of that medium.

Normative text: format_spec/inrc-1.md, section 9, and format_spec/metadata.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from codec.errors import CorruptError
from codec.format import cbor
from codec.media.arrays.layout import ARRAY_MEDIA, DatasetLayout
from codec.media.attributes import NETCDF
from codec.media.dataset import Metadata
from codec.media.image.metadata import ImageMetadata
from codec.media.mesh.frame import MeshFrame
from codec.media.netcdf import layout as netcdf_layout

Forms: TypeAlias = Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""Shape and dtype of each field of a file."""


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
    if medium == "npy" and tree:
        raise CorruptError("the metadata of one array is not empty", section="mETa")
    if medium == NETCDF:
        netcdf_layout.from_tree(tree)
    elif medium == "image":
        ImageMetadata.from_tree(tree)
    elif medium == "mesh":
        MeshFrame.from_map(tree)
    elif medium in ARRAY_MEDIA:
        for array in DatasetLayout.from_tree(tree).arrays:
            array.check_fits([fields[name] for name in array.fields if name in fields])
