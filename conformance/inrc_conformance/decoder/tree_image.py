"""The tree of medium `image` (`metadata.md`, META-17 to META-20)."""

from __future__ import annotations

from .cbor import Value
from .headers import Component
from .trees import Corrupt, Held, map_of, require

_COLOURS = ("red", "green", "blue", "alpha")
_GREYS = ("grey", "alpha")
_PREFIX = b"Exif\0\0"
_ORIENTATION, _SHORT, _ENTRY = 0x0112, 3, 12


def check_image(tree: Value, held: Held) -> None:
    """Raise `Corrupt`, or another `Malformed`, for a tree that breaks a rule."""
    root = map_of(tree, range(2), "the tree")
    for key, value in root.items():
        if not isinstance(value, bytes) or not value:
            raise Corrupt("META-20: profile and EXIF are bytes, and not empty")
        if key == 1:
            _check_exif(value)
    _check_fields(held)


def _check_fields(held: Held) -> None:
    """Check the channels of the picture (META-17, META-18)."""
    parts = [part for item in held.items for part in item.components]
    names = list(dict.fromkeys(part.name for part in parts))
    order = _GREYS if "grey" in names else _COLOURS
    require(names == [name for name in order if name in names], "META-17: names of channels")
    require(len({part.dtype for part in parts}) <= 1, "META-17: dtypes differ")
    require(all(part.dtype in ("u1", "u2") for part in parts), "META-17: the dtype")
    axes = all(item.dim_names == ("y", "x") for item in held.items)
    require(axes, "META-17: the axes are not y and x")
    for part in parts:
        _check_pattern(part, held)


def _check_pattern(part: Component, held: Held) -> None:
    if part.mask is not None and part.name != "alpha":
        patterns = held.masks[part.mask].patterns
        require(list(patterns) == [0], "META-18: the fill pattern of colour")


def _check_exif(data: bytes) -> None:
    """Check where EXIF begins, and that it asks for no orientation (META-19, META-20)."""
    require(not data.startswith(_PREFIX), "META-20: EXIF with the prefix of a file format")
    if data[:4] == b"II*\0":
        order = "little"
    elif data[:4] == b"MM\0*":
        order = "big"
    else:
        raise Corrupt("META-20: EXIF without a TIFF header")

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little" if order == "little" else "big")

    start = number(4, 4)
    for index in range(number(start, 2)):
        at = start + 2 + _ENTRY * index
        if number(at, 2) == _ORIENTATION and number(at + 2, 2) == _SHORT:
            require(number(at + 8, 2) == 1, "META-19: an orientation that is not 1")
