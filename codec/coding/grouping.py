"""Groups of fields that share a model, and their entries in its header."""

from __future__ import annotations

from collections.abc import Sequence

from codec.coding.normalise import NormalisedField
from codec.coding.write_file import FileParts
from codec.errors import InvalidInputError, InvalidOptionError
from codec.format.headers import DTYPES, Component
from codec.media.dataset import Field
from codec.plugin_api import registry
from codec.plugin_api.architecture import Architecture


def grouped(fields: Sequence[Field], joint: Sequence[Sequence[str]]) -> list[list[Field]]:
    """Groups of fields that share a model, in file order of the first field of each.

    Raises:
        InvalidOptionError: a name is unknown or named twice, or the fields of a group differ.
    """
    by_name = {field.name: field for field in fields}
    owner: dict[str, int] = {}
    for number, names in enumerate(joint):
        for name in names:
            if name not in by_name:
                known = ", ".join(by_name)
                raise InvalidOptionError(f"--joint: no variable {name!r} is fitted; {known} are")
            if name in owner:
                raise InvalidOptionError(f"--joint: {name!r} is named twice")
            owner[name] = number
        if len({(by_name[name].shape, by_name[name].dims) for name in names}) > 1:
            raise InvalidOptionError(f"--joint: {', '.join(names)} do not have the same dims")
    groups: dict[object, list[Field]] = {}
    for field in fields:
        groups.setdefault(owner.get(field.name, field.name), []).append(field)
    return list(groups.values())


def component_of(entry: NormalisedField, parts: FileParts) -> Component:
    """The header entry of a field; its mask becomes one of the parts.

    Raises:
        InvalidInputError: the format has no such dtype.
    """
    mask = None if entry.coded_mask is None else parts.add_validity(entry.coded_mask)
    dtype = entry.stored.dtype
    code = f"{dtype.kind}{dtype.itemsize}"
    if code not in DTYPES:
        raise InvalidInputError(f"{entry.field.name}: dtype {dtype} cannot be fitted")
    return Component(entry.field.name, code, entry.offset, entry.scale, mask)


def architecture_for(chosen: Architecture, fields: Sequence[NormalisedField]) -> Architecture:
    """The chosen architecture, or `constant` where there is nothing to fit."""
    return registry.architecture("constant") if all(f.scale == 0 for f in fields) else chosen
