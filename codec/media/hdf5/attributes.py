"""Attributes of HDF5 files as a tree of plain values (format_spec/metadata.md, "Own parts")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays.layout import wrong_arrays

# Number of attributes of a group or dataset: HDF5 takes time that grows with the square of it.
_MOST_ATTRIBUTES = 1 << 11
_DTYPE_CODE = re.compile(r"[<>|=]?[biufcS]\d{1,9}", re.ASCII)


def attributes_to_tree(path: Path, owner: str, attributes: Mapping[str, Any]) -> list[Any]:
    """[name, value, name, value ...]; a value is text, [text, ...] or [dtype, shape, bytes].

    Raises:
        InvalidInputError: an attribute of a type that has no such form.
    """
    tree: list[Any] = []
    for name, value in attributes.items():
        array = np.asarray(value)
        if isinstance(value, str):
            tree += [name, value]
        elif array.dtype.kind in "biufcS":
            little = array.astype(array.dtype.newbyteorder("<"))
            tree += [name, [little.dtype.str, list(array.shape), little.tobytes()]]
        elif array.dtype.kind == "O" and all(isinstance(item, str) for item in array.ravel()):
            tree += [name, [*map(str, array.ravel())]]
        else:
            raise InvalidInputError(
                f"{path}: the attribute {name!r} of {owner!r} has the type {array.dtype}, which"
                " cannot be kept; remove it from a copy of the file first"
            )
    return tree


def attributes_from_tree(tree: Any) -> dict[str, Any]:
    """The inverse of `attributes_to_tree`.

    Raises:
        CorruptError: the tree is not such a list.
    """
    if not isinstance(tree, list) or len(tree) % 2:
        raise wrong_arrays("attributes are not names and values")
    if len(tree) > 2 * _MOST_ATTRIBUTES:
        raise wrong_arrays("there are too many attributes")
    if any(not isinstance(name, str) for name in tree[::2]):
        raise wrong_arrays("the name of an attribute is not text")
    return {name: _value(value) for name, value in zip(tree[::2], tree[1::2], strict=True)}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return np.array(value, object)
    try:
        code, shape, data = value
        if not _DTYPE_CODE.fullmatch(code):
            raise ValueError
        array = np.frombuffer(data, np.dtype(code)).reshape(shape)
        return array[()]
    except (TypeError, ValueError, OverflowError):
        raise wrong_arrays("an attribute has no such type") from None
