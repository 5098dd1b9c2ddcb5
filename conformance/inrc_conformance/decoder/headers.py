"""HEAD and ITEM payloads (sections 4 and 5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .cbor import Value, as_float, as_list, as_map, as_text, as_uint, is_float32
from .errors import Malformed, Unsupported

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")
KINDS = ("volume", "image", "sdf")
_MAX_ITEMS = 2**20
_MAX_COMPONENTS = 4096
_MAX_DIMS = 8
_MAX_SIZE = 2**48
_MAX_NAME = 1024
_LAST_KEY = 8
_MAX_CODEBOOK = 65536


@dataclass(frozen=True)
class Component:
    """One scalar field of an item."""

    name: str
    dtype: str
    offset: float
    scale: float
    mask: int | None


@dataclass(frozen=True)
class Quantisation:
    """Steps and zero of one tensor; `per_slice` means one step per index of the first axis.

    With a codebook (ITEM-13), zero is the integer of its first entry.
    """

    per_slice: bool
    steps: tuple[float, ...]
    zero: int
    codebook: tuple[int, ...] | None = None

    @property
    def is_plain(self) -> bool:
        """True where integers stay as they are: one step, 1, with zero 0 (STR-7, SHELL-3)."""
        return not self.per_slice and self.steps == (1.0,) and not self.zero and not self.codebook


@dataclass(frozen=True)
class Item:
    """The content of one ITEM section."""

    components: tuple[Component, ...]
    dims: tuple[int, ...]
    dim_names: tuple[str | None, ...]
    architecture: int
    version: int
    config: dict[int, Value]
    quantisation: tuple[Quantisation, ...]
    sparse: dict[int, int]
    origin: tuple[int, ...] | None
    bounds: tuple[float, ...] | None
    residual_steps: tuple[float, ...] | None
    overlap: tuple[tuple[int, int], ...] | None = None
    """Samples before and after the core of a tile, along each axis (TILE-1)."""

    @property
    def samples(self) -> int:
        """The number of positions of the grid."""
        product = 1
        for size in self.dims:
            product *= size
        return product


def parse_head(value: Value) -> tuple[str, int]:
    """Return the kind and the item count (HEAD-1 to HEAD-3)."""
    head = as_map(value, "HEAD-3: the payload")
    for key in (0, 1):
        if key not in head:
            raise Malformed(f"HEAD-3: key {key} is missing")
    kind = as_uint(head[0], "HEAD-1: kind")
    count = as_uint(head[1], "HEAD-2: item count")
    if count > _MAX_ITEMS:
        raise Malformed("HEAD-2: more than 2^20 items")
    if 2 in head:
        features = [
            as_text(name, "HEAD-3: a feature") for name in as_list(head[2], "HEAD-3: features")
        ]
        if not features:
            raise Malformed("HEAD-3: the list of features is empty")
        raise Unsupported(f"HEAD-3: feature {features[0][:64]!r}")
    if kind >= len(KINDS):
        raise Unsupported(f"HEAD-1: kind {kind}")
    if len(head) > 2:
        raise Unsupported("HEAD-3: another key in HEAD")
    return KINDS[kind], count


def parse_item(value: Value) -> Item:
    """Check the schema of an ITEM payload; the architecture checks its own part later."""
    item = as_map(value, "ITEM-0: the payload")
    for key in (0, 1, 2):
        if key not in item:
            raise Malformed(f"ITEM-0: key {key} is missing")
    if any(not isinstance(key, int) or not 0 <= key <= _LAST_KEY for key in item):
        raise Unsupported("ITEM-1: another key in ITEM")
    components = tuple(_component(entry) for entry in as_list(item[0], "ITEM-0: components"))
    if not 1 <= len(components) <= _MAX_COMPONENTS:
        raise Malformed(f"ITEM-0: {len(components)} components")
    dims = [_dim(entry) for entry in as_list(item[1], "ITEM-0: dims")]
    if not 1 <= len(dims) <= _MAX_DIMS:
        raise Malformed(f"ITEM-0: {len(dims)} dims")
    model = as_list(item[2], "ITEM-0: model")
    if len(model) != 3:
        raise Malformed("ITEM-5: a model has three entries")
    config = as_map(model[2], "ITEM-5: config")
    quantisation: tuple[Quantisation, ...] = ()
    if 3 in item:
        quantisation = tuple(
            _quantisation(entry) for entry in as_list(item[3], "ITEM-0: quantisation")
        )
        if not quantisation:
            raise Malformed("ITEM-6: key 3 without entries")
    if 8 in item and (5 not in item or 6 in item or 7 in item):
        raise Malformed("TILE-3: key 8 without key 5, or with key 6 or 7")
    sizes = tuple(size for _, size in dims)
    return Item(
        components=components,
        dims=sizes,
        dim_names=tuple(name for name, _ in dims),
        architecture=as_uint(model[0], "ITEM-5: architecture"),
        version=as_uint(model[1], "ITEM-5: version"),
        config=_int_keys(config),
        quantisation=quantisation,
        sparse=_sparse(item[4]) if 4 in item else {},
        origin=_origin(item[5], len(dims)) if 5 in item else None,
        bounds=_bounds(item[6], len(components)) if 6 in item else None,
        residual_steps=_residual_steps(item[7], len(components)) if 7 in item else None,
        overlap=_overlap(item[8], sizes) if 8 in item else None,
    )


def _int_keys(config: dict[int | str, Value]) -> dict[int, Value]:
    result: dict[int, Value] = {}
    for key, value in config.items():
        if not isinstance(key, int):
            raise Malformed("ITEM-5: a config key is not an integer")
        if not _is_param(value):
            raise Malformed("ITEM-0: a config value is null or a map")
        result[key] = value
    return result


def _is_param(value: Value) -> bool:
    """Say whether a value is a `param` of the schema: no null and no map at any depth."""
    if isinstance(value, list):
        return all(_is_param(entry) for entry in value)
    return value is not None and not isinstance(value, dict)


def _name(value: Value, what: str) -> str:
    name = as_text(value, what)
    if len(name.encode("utf-8")) > _MAX_NAME or "\0" in name:
        raise Malformed(f"{what} is longer than 1024 bytes or has a NUL")
    return name


def _component(value: Value) -> Component:
    """Check one component (ITEM-2 to ITEM-4)."""
    entry = as_list(value, "ITEM-0: a component")
    if len(entry) not in (4, 5):
        raise Malformed("ITEM-0: a component has four or five entries")
    name = _name(entry[0], "ITEM-3: a component name")
    dtype = _small_number(entry[1], "ITEM-2: dtype")
    offset = as_float(entry[2], "ITEM-3: offset")
    scale = as_float(entry[3], "ITEM-3: scale")
    if scale < 0:
        raise Malformed("ITEM-3: scale is negative")
    mask = as_uint(entry[4], "ITEM-4: mask") if len(entry) == 5 else None
    if dtype >= len(DTYPES):
        raise Unsupported(f"ITEM-2: dtype {dtype}")
    return Component(name, DTYPES[dtype], offset, scale, mask)


def _small_number(value: Value, what: str) -> int:
    """Return a number up to 255; a larger one can never get a meaning."""
    number = as_uint(value, what)
    if number > 255:
        raise Malformed(f"{what} is above 255")
    return number


def _dim(value: Value) -> tuple[str | None, int]:
    """Check one dim (ITEM-3)."""
    name: str | None = None
    if isinstance(value, list):
        if len(value) != 2:
            raise Malformed("ITEM-0: a named dim has two entries")
        name = _name(value[0], "ITEM-3: a dim name")
        if not name:
            raise Malformed("ITEM-3: an empty dim name")
        value = value[1]
    size = as_uint(value, "ITEM-3: size")
    if not 1 <= size <= _MAX_SIZE:
        raise Malformed("ITEM-3: a size is not 1 to 2^48")
    return name, size


def _quantisation(value: Value) -> Quantisation:
    """Check one quantisation entry (ITEM-7), but not the number of its steps."""
    if not isinstance(value, list):
        return Quantisation(False, (_step(value),), 0)
    if not value:
        raise Malformed("ITEM-7: an empty quantisation entry")
    kind = _small_number(value[0], "ITEM-7: the first number")
    if kind == 2:
        return _codebook(value)
    if kind > 1:
        raise Unsupported(f"ITEM-7: quantisation {kind}")
    if kind == 1:
        if len(value) < 2:
            raise Malformed("ITEM-7: no steps")
        return Quantisation(True, tuple(_step(step) for step in value[1:]), 0)
    if len(value) != 3:
        raise Malformed("ITEM-7: [0, step, zero] has three entries")
    zero = value[2]
    if isinstance(zero, bool) or not isinstance(zero, int) or not -(2**31) <= zero < 2**31:
        raise Malformed("ITEM-7: zero is not a 32-bit integer")
    return Quantisation(False, (_step(value[1]),), zero)


def _codebook(value: list[Value]) -> Quantisation:
    """Check a codebook (ITEM-13)."""
    if len(value) != 4:
        raise Malformed("ITEM-13: [2, step, first, codebook] has four entries")
    first, entries = value[2], value[3]
    if isinstance(first, bool) or not isinstance(first, int):
        raise Malformed("ITEM-13: first is not an integer")
    if not 1 - _MAX_CODEBOOK <= first <= 0:
        raise Malformed("ITEM-13: first is not -65535 to 0")
    if not isinstance(entries, bytes):
        raise Malformed("ITEM-13: the codebook is not a byte string")
    if len(entries) % 2 or not 1 <= len(entries) // 2 <= _MAX_CODEBOOK:
        raise Malformed("ITEM-13: the codebook is not 1 to 65536 numbers of 16 bits")
    numbers = struct.unpack(f"<{len(entries) // 2}h", entries)
    return Quantisation(False, (_step(value[1]),), first, numbers)


def _step(value: Value) -> float:
    """Check a step: greater than 0 and exactly a float32."""
    step = as_float(value, "ITEM-7: a step")
    if step <= 0:
        raise Malformed("ITEM-7: a step is not greater than 0")
    if not is_float32(step):
        raise Malformed("ITEM-7: a step is not exactly a float32")
    return step


def _sparse(value: Value) -> dict[int, int]:
    """Check the types of key 4 (ITEM-8)."""
    result: dict[int, int] = {}
    for key, mask in as_map(value, "ITEM-8: key 4").items():
        result[as_uint(key, "ITEM-8: a tensor")] = as_uint(mask, "ITEM-8: a mask")
    if not result:
        raise Malformed("ITEM-8: key 4 without entries")
    return result


def _origin(value: Value, dims: int) -> tuple[int, ...]:
    """Check key 5; whether the tiles of a field fit together is seen later (ITEM-11)."""
    origin = tuple(as_uint(entry, "ITEM-0: an origin") for entry in as_list(value, "ITEM-0: key 5"))
    if len(origin) != dims:
        raise Malformed("ITEM-11: not one origin per dim")
    return origin


def _overlap(value: Value, sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Check key 8; whether the tiles of a field fit together is seen later (TILE-1, TILE-2)."""
    pairs: list[tuple[int, int]] = []
    for entry in as_list(value, "ITEM-0: key 8"):
        pair = as_list(entry, "ITEM-0: an overlap")
        if len(pair) != 2:
            raise Malformed("ITEM-0: an overlap is not a pair")
        before, after = (as_uint(number, "ITEM-0: an overlap") for number in pair)
        pairs.append((before, after))
    if len(pairs) != len(sizes):
        raise Malformed("TILE-1: not one overlap per dim")
    if any(sum(pair) >= size for pair, size in zip(pairs, sizes, strict=True)):
        raise Malformed("TILE-1: a core without a sample")
    return tuple(pairs)


def _bounds(value: Value, components: int) -> tuple[float, ...]:
    """Check key 6 (ITEM-12)."""
    bounds = tuple(as_float(entry, "ITEM-12: a bound") for entry in as_list(value, "ITEM-0: key 6"))
    if len(bounds) != components:
        raise Malformed("ITEM-12: not one bound per component")
    if any(bound < 0 for bound in bounds):
        raise Malformed("ITEM-12: a bound is negative")
    return bounds


def _residual_steps(value: Value, components: int) -> tuple[float, ...]:
    """Check key 7 (ITEM-12)."""
    steps = tuple(
        as_float(entry, "ITEM-12: a residual step") for entry in as_list(value, "ITEM-0: key 7")
    )
    if len(steps) != components:
        raise Malformed("ITEM-12: not one residual step per component")
    if any(step <= 0 for step in steps):
        raise Malformed("ITEM-12: a residual step is not greater than 0")
    return steps
