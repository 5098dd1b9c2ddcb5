"""The choice of NetCDF variables to fit, and what their attributes say about the values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from codec.errors import InvalidInputError, InvalidOptionError
from codec.media.netcdf.layout import (
    CHAR,
    INTEGER_CODES,
    NUMERIC_CODES,
    STRING,
    Attribute,
    FileLayout,
    VariableLayout,
)

SMALLEST_FIELD = 512  # samples; below this the verbatim form is cheaper than any model
LARGEST_RANK = 4

_WIDE_INTEGERS = frozenset({10, 11})
_FLOATS = frozenset({5, 6})
# Attributes whose words name variables that locate or qualify data; the second list has
# "key: name" words.
_NAMING = ("coordinates", "bounds", "climatology", "grid_mapping", "ancillary_variables")
_KEYED_NAMING = ("formula_terms", "cell_measures")


def choose(path: Path, layout: FileLayout, select: tuple[str, ...] | None) -> frozenset[str]:
    """Paths of the variables to fit: those of `select`, or the default choice.

    Raises:
        InvalidInputError: `select` names something that does not exist or cannot be fitted.
    """
    if select is None:
        named = _named(layout)
        return frozenset(
            name
            for name, variable in layout.variables()
            if name not in named and _fits_by_default(layout, variable)
        )
    known = dict(layout.variables())
    chosen = set()
    for wanted in select:
        name = wanted.strip("/")
        if name not in known:
            names = ", ".join(known) or "none"
            raise InvalidOptionError(f"{path}: has no variable {wanted!r}; available: {names}")
        reason = _unfit(layout, known[name])
        if reason:
            raise InvalidInputError(
                f"{path}: variable {name!r} cannot be fitted: {reason};"
                " leave it out of --var, then it is kept as it is"
            )
        chosen.add(name)
    return frozenset(chosen)


def _unfit(layout: FileLayout, variable: VariableLayout) -> str:
    """Why a variable cannot be a field, or an empty string."""
    shape = layout.shape(variable)
    if variable.type not in NUMERIC_CODES:
        return "it is not numeric"
    if variable.type in _WIDE_INTEGERS:
        return "64-bit integers do not survive the way through floating point"
    if not 1 <= len(shape) <= LARGEST_RANK:
        return f"it has {len(shape)} axes, not 1 to {LARGEST_RANK}"
    return "" if 0 not in shape else "it holds no samples"


def _fits_by_default(layout: FileLayout, variable: VariableLayout) -> bool:
    shape = layout.shape(variable)
    packed = variable.type in INTEGER_CODES and packing(variable) is not None
    is_coordinate = len(shape) == 1 and (
        layout.dimensions()[variable.dims[0]].name == variable.name
    )
    large = int(np.prod(shape, dtype=object)) >= SMALLEST_FIELD
    lossy = variable.type in _FLOATS or packed
    return lossy and large and not is_coordinate and not _unfit(layout, variable)


def _named(layout: FileLayout) -> frozenset[str]:
    """Paths of all variables that the attributes of others name as coordinates and the like."""
    known = {path for path, _ in layout.variables()}
    named = set()
    for group in layout.groups:
        owners = [group.attributes, *(variable.attributes for variable in group.variables)]
        for attributes in owners:
            for word in _named_words(attributes):
                # A name is looked up in the group itself and then outwards, as in CF.
                scope = "" if word.startswith("/") else group.path
                candidate = f"{scope}/{word.strip('/')}".strip("/")
                while candidate not in known and scope:
                    scope = scope.rpartition("/")[0]
                    candidate = f"{scope}/{word}".strip("/")
                named.add(candidate)
    return frozenset(named)


def _named_words(attributes: tuple[Attribute, ...]) -> Iterator[str]:
    for attribute in attributes:
        value = attribute.value
        if attribute.name not in _NAMING + _KEYED_NAMING or attribute.type not in (CHAR, STRING):
            continue
        text = b" ".join(value) if isinstance(value, tuple) else value
        for word in text.decode("utf-8", "replace").split():
            if not (word.endswith(":") and attribute.name in _KEYED_NAMING):
                yield word.rstrip(":")


def units(layout: VariableLayout) -> str:
    """The `units` attribute, or an empty string."""
    for attribute in layout.attributes:
        if attribute.name == "units" and attribute.type in (CHAR, STRING):
            value = attribute.value
            text = b" ".join(value) if isinstance(value, tuple) else value
            return text.decode("utf-8", "replace")
    return ""


def packing(layout: VariableLayout) -> tuple[float, float] | None:
    """(scale_factor, add_offset) if either is there as one number, else None."""
    numbers = {}
    for attribute in layout.attributes:
        if attribute.name in ("scale_factor", "add_offset") and attribute.numbers().size == 1:
            numbers[attribute.name] = float(attribute.numbers()[0])
    if not numbers:
        return None
    return numbers.get("scale_factor", 1.0), numbers.get("add_offset", 0.0)


def fill_values(layout: VariableLayout, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Stored values that mean "no sample", each once, as scalars of `dtype`."""
    fills: dict[bytes, Any] = {}
    attributes = {attribute.name: attribute for attribute in layout.attributes}
    for name in ("_FillValue", "missing_value"):
        if name in attributes:
            for number in attributes[name].numbers():
                with np.errstate(all="ignore"):
                    cast = number.astype(dtype)
                if _survives(number.item(), cast.item()):
                    fills[cast.tobytes()] = cast
    if "_FillValue" not in attributes and dtype.kind == "f" and not layout.storage.no_fill:
        default = dtype.type(netCDF4.default_fillvals[dtype.str[1:]])
        fills.setdefault(default.tobytes(), default)
    return tuple(fills.values())


def _survives(number: float, cast: float) -> bool:
    """Whether a listed value still means itself as a stored one.

    Writers put a double 1e20 beside single-precision data, so between floats rounding is fine;
    among integers a value that does not fit has wrapped around and means something else.
    """
    if isinstance(cast, float):
        return math.isfinite(number) == math.isfinite(cast)
    return cast == number
