"""Metadata of an image besides its pixels: the colour profile, and EXIF.

Normative text: format_spec/metadata.md, medium `image`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from codec.errors import CorruptError
from codec.media.dataset import Metadata
from codec.media.metadata_error import metadata_error
from codec.media.metadata_rules import Forms, MetadataRules

ORIENTATION = 0x0112
EXIF_PREFIX = b"Exif\0\0"
_ICC, _EXIF = range(2)
_SHORT = 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_HEADER_BYTES = 8
_ENTRY_BYTES = 12


@dataclass(frozen=True)
class ImageMetadata:
    """Metadata of an image.

    Attributes:
        icc: an ICC profile, b"" if there is none.
        exif: EXIF data that starts with its TIFF header, orientation 1 or absent; b"" if none.
    """

    icc: bytes = b""
    exif: bytes = b""

    def to_tree(self) -> Metadata:
        """The tree for `mETa`."""
        return {key: value for key, value in ((_ICC, self.icc), (_EXIF, self.exif)) if value}

    @classmethod
    def from_tree(cls, tree: Metadata) -> ImageMetadata:
        """The inverse of `to_tree`.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """
        if unknown := tree.keys() - {_ICC, _EXIF}:
            raise _wrong(f"unknown key {min(unknown, key=str)!r}")
        for key, value in tree.items():
            if not isinstance(value, bytes) or not value:
                raise _wrong(f"key {key} is not a filled byte string")
        return cls(tree.get(_ICC, b""), tree.get(_EXIF, b""))


def _wrong(complaint: str) -> CorruptError:
    return metadata_error("the image", complaint)


class ImageRules(MetadataRules):
    """Rules of a tree that is an `ImageMetadata`."""

    def check(self, tree: Metadata, fields: Forms) -> None:
        """See `MetadataRules.check`."""
        ImageMetadata.from_tree(tree)


RULES = ImageRules()


def upright(exif: bytes) -> tuple[int, bytes]:
    """The orientation (1 to 8) that EXIF data asks for, and the same data asking for 1.

    No other byte is touched, so that what nobody understands (maker notes) stays right. Data that
    makes no sense is left as it is, with orientation 1.
    """
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return 1, exif
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for number in range(count):
            entry = start + 2 + number * _ENTRY_BYTES
            tag, kind, values, value = struct.unpack_from(order + "HHIH", exif, entry)
            if (tag, kind, values) == (ORIENTATION, _SHORT, 1) and 1 <= value <= 8:
                place = entry + _HEADER_BYTES
                return value, exif[:place] + struct.pack(order + "H", 1) + exif[place + 2 :]
    except struct.error:
        pass
    return 1, exif
