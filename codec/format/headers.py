"""Payloads of HEAD and ITEM, as checked dataclasses over their CBOR maps.

Normative text: format_spec/inrc-1.md, sections 4 and 5, and format_spec/head.cddl.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from codec.arrays import Float32Array
from codec.errors import CorruptError, UnsupportedError
from codec.format import cbor

KINDS = ("volume", "image", "sdf")
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")
MAX_DIMS = 8
MAX_COMPONENTS = 4096
MAX_NAME_BYTES = 1024
MAX_SIZE = 1 << 48

UNIFORM = 0
UNIFORM_PER_SLICE = 1
CODEBOOK = 2
MAX_CODEBOOK = 1 << 16


@dataclass(frozen=True)
class Head:
    """Kind of the file and number of its models.

    Attributes:
        kind: "volume", "image" or "sdf".
        items: number of ITEM sections.
        required: names of features a reader must know beyond version 1.0.
    """

    kind: str
    items: int
    required: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        fields: dict[int, Any] = {0: KINDS.index(self.kind), 1: self.items}
        if self.required:
            fields[2] = list(self.required)
        return cbor.encode(fields)

    @classmethod
    def from_bytes(cls, payload: bytes) -> Head:
        fields = _map(cbor.decode(payload), "HEAD", required={0, 1}, optional={2})
        if 2 in fields:
            names = fields[2]
            if not names or not (
                isinstance(names, list) and all(isinstance(name, str) for name in names)
            ):
                _fail("HEAD", "the required features are not a list of text")
            raise UnsupportedError(f"feature {names[0]!r} is unknown", section="HEAD")
        if not isinstance(fields[0], int) or isinstance(fields[0], bool) or fields[0] < 0:
            _fail("HEAD", "the kind is not a number")
        if fields[0] >= len(KINDS):
            raise UnsupportedError(f"kind {fields[0]} is unknown", section="HEAD")
        return cls(KINDS[fields[0]], _count(fields[1], "HEAD", "item count", 0, 1 << 20))


@dataclass(frozen=True)
class Component:
    """One scalar field of an item.

    Attributes:
        name: path of the field in the dataset.
        dtype: stored dtype code, one of `DTYPES`.
        offset: value of a normalised sample of 0 (float64).
        scale: half the declared range (float64, >= 0); a sample is offset + scale * y, |y| <= 1.
        mask: index of the validity mask among the MASK sections, or None if every sample is valid.
    """

    name: str
    dtype: str
    offset: float
    scale: float
    mask: int | None = None


@dataclass(frozen=True)
class Dim:
    """One axis: its length, and its name ("" if it has none)."""

    size: int
    name: str = ""


@dataclass(frozen=True)
class Quantisation:
    """Rule by which the integers of a tensor become float32 values.

    Attributes:
        steps: one positive float32 step, or, with `per_slice`, one per index of the tensor's first
            axis.
        zero: the integer that stands for 0.0; always 0 with `per_slice` and with a codebook.
        per_slice: whether every slice has its own step.
        codebook: 16-bit integers in units of the step, which the tensor's integers index from
            `first` on; empty if these are multiples of the step themselves.
        first: the integer that stands for the first entry of the codebook, -65535 to 0.
    """

    steps: tuple[float, ...]
    zero: int = 0
    per_slice: bool = False
    codebook: tuple[int, ...] = ()
    first: int = 0

    def centres(self) -> Float32Array:
        """The parameters that the entries of the codebook stand for."""
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.array(self.codebook, np.float64) * self.steps[0]
            return scaled.astype(np.float32)


@dataclass(frozen=True)
class Item:
    """One model: its components share dims, architecture and streams.

    Attributes:
        components: the scalar fields, in the order of the model's outputs.
        dims: axes, slowest first.
        architecture: id in the registry.
        version: version of the architecture's normative text.
        config: the architecture's own parameters, CBOR values under integer keys.
        quantisation: one entry per tensor of the architecture, in its order.
        tensor_masks: (tensor index, MASK index) pairs for sparse tensors.
        bounds: largest difference of a decoded value from the original, in stored units, per
            component; empty if nothing was promised.
        residual_steps: step of the residuals per component; empty if there are none.
        origin: index of the first sample of a tile in the field, per axis; None for other items.
        overlap: numbers of samples before and after its core, per axis, that a tile shares with its
            neighbours; empty where it shares none.
    """

    components: tuple[Component, ...]
    dims: tuple[Dim, ...]
    architecture: int
    version: int
    config: dict[int, Any]
    quantisation: tuple[Quantisation, ...] = ()
    tensor_masks: tuple[tuple[int, int], ...] = ()
    bounds: tuple[float, ...] = ()
    residual_steps: tuple[float, ...] = ()
    origin: tuple[int, ...] | None = None
    overlap: tuple[tuple[int, int], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(dim.size for dim in self.dims)

    @property
    def samples(self) -> int:
        """Output samples over all components."""
        return math.prod(self.shape) * len(self.components)

    def to_bytes(self) -> bytes:
        fields: dict[int, Any] = {
            0: [_component_to_cbor(component) for component in self.components],
            1: [[dim.name, dim.size] if dim.name else dim.size for dim in self.dims],
            2: [self.architecture, self.version, self.config],
        }
        if self.quantisation:
            fields[3] = [_quantisation_to_cbor(entry) for entry in self.quantisation]
        if self.tensor_masks:
            fields[4] = dict(self.tensor_masks)
        if self.origin is not None:
            fields[5] = list(self.origin)
        if self.bounds:
            fields[6] = list(self.bounds)
        if self.residual_steps:
            fields[7] = list(self.residual_steps)
        if self.overlap:
            fields[8] = [list(pair) for pair in self.overlap]
        return cbor.encode(fields)

    @classmethod
    def from_bytes(cls, payload: bytes) -> Item:
        optional = {3, 4, 5, 6, 7, 8}
        fields = _map(cbor.decode(payload), "ITEM", required={0, 1, 2}, optional=optional)
        architecture, version, config = _model(fields[2])
        return cls(
            tuple(_component(value) for value in _list(fields[0], "components", MAX_COMPONENTS)),
            tuple(_dim(value) for value in _list(fields[1], "dims", MAX_DIMS)),
            architecture,
            version,
            config,
            tuple(_quantisation(value) for value in _steps(fields)),
            _tensor_masks(fields[4]) if 4 in fields else (),
            bounds=_per_component(fields, 6, "bound", 0.0),
            residual_steps=_per_component(fields, 7, "residual step", 5e-324),
            origin=_origin(fields[5], len(fields[1])) if 5 in fields else None,
            overlap=_overlap(fields) if 8 in fields else (),
        )


def _fail(section: str, message: str) -> NoReturn:
    raise CorruptError(message, section=section)


def _map(value: Any, section: str, *, required: set[int], optional: set[int]) -> dict[int, Any]:
    if not isinstance(value, dict):
        _fail(section, "the payload is not a CBOR map")
    if missing := required - value.keys():
        _fail(section, f"key {min(missing)} is missing")
    if unknown := value.keys() - required - optional:
        raise UnsupportedError(f"key {sorted(map(str, unknown))[0]} is unknown", section=section)
    return value


def _list(value: Any, what: str, most: int, least: int = 1) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        _fail("ITEM", f"{what}: not a list of {least} to {most} entries")
    return value


def _count(value: Any, section: str, what: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        _fail(section, f"{what} is not a whole number from {least} to {most}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value.encode()) > MAX_NAME_BYTES or "\0" in value:
        _fail("ITEM", f"{what} is not text of at most {MAX_NAME_BYTES} bytes")
    return value


def _float(value: Any, what: str) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        _fail("ITEM", f"{what} is not a finite float")
    return value


def _component_to_cbor(component: Component) -> list[Any]:
    values = [component.name, DTYPES.index(component.dtype), component.offset, component.scale]
    return values if component.mask is None else [*values, component.mask]


def _component(value: Any) -> Component:
    parts = _list(value, "component", 5, 4)
    scale = _float(parts[3], "the scale of a component")
    if scale < 0:
        _fail("ITEM", "the scale of a component is negative")
    code = _count(parts[1], "ITEM", "dtype", 0, 255)
    if code >= len(DTYPES):
        raise UnsupportedError(f"dtype {code} is unknown", section="ITEM")
    return Component(
        _text(parts[0], "the name of a component"),
        DTYPES[code],
        _float(parts[2], "the offset of a component"),
        scale,
        _count(parts[4], "ITEM", "mask index", 0, 1 << 20) if len(parts) == 5 else None,
    )


def _dim(value: Any) -> Dim:
    if isinstance(value, list):
        name, size = _list(value, "dim", 2, 2)
        if _text(name, "the name of a dim") == "":
            _fail("ITEM", "the name of a dim is empty")
    else:
        name, size = "", value
    return Dim(_count(size, "ITEM", "the size of a dim", 1, MAX_SIZE), name)


def _origin(value: Any, dims: int) -> tuple[int, ...]:
    return tuple(
        _count(start, "ITEM", "an origin", 0, MAX_SIZE)
        for start in _list(value, "origin", dims, dims)
    )


def _overlap(fields: dict[int, Any]) -> tuple[tuple[int, int], ...]:
    if 5 not in fields:
        _fail("ITEM", "an overlap without an origin")
    if 6 in fields or 7 in fields:
        _fail("ITEM", "an overlap with bounds or residuals")
    dims = [_dim(value).size for value in fields[1]]
    pairs = [
        _list(pair, "pair of an overlap", 2, 2)
        for pair in _list(fields[8], "overlap", len(dims), len(dims))
    ]
    overlap = []
    for size, (before, after) in zip(dims, pairs, strict=True):
        first = _count(before, "ITEM", "an overlap", 0, size - 1)
        overlap.append((first, _count(after, "ITEM", "an overlap", 0, size - 1 - first)))
    return tuple(overlap)


def _model(value: Any) -> tuple[int, int, dict[int, Any]]:
    parts = _list(value, "model", 3, 3)
    config = parts[2]
    if not isinstance(config, dict) or not all(isinstance(key, int) for key in config):
        _fail("ITEM", "the configuration is not a map with integer keys")
    return (
        _count(parts[0], "ITEM", "architecture id", 0, (1 << 64) - 1),
        _count(parts[1], "ITEM", "architecture version", 0, (1 << 64) - 1),
        config,
    )


def _quantisation_to_cbor(entry: Quantisation) -> Any:
    if entry.codebook:
        packed = np.array(entry.codebook, "<i2").tobytes()
        return [CODEBOOK, entry.steps[0], entry.first, packed]
    if entry.per_slice:
        return [UNIFORM_PER_SLICE, *entry.steps]
    return [UNIFORM, entry.steps[0], entry.zero] if entry.zero else entry.steps[0]


def _quantisation(value: Any) -> Quantisation:
    if isinstance(value, float):
        return Quantisation((_step(value),))
    parts = _list(value, "quantisation", 1 << 20, 2)
    method = _count(parts[0], "ITEM", "quantisation id", 0, 255)
    if method == UNIFORM:
        if len(parts) != 3:
            _fail("ITEM", "uniform quantisation takes a step and a zero")
        zero = _count(parts[2], "ITEM", "zero", -(1 << 31), (1 << 31) - 1)
        return Quantisation((_step(parts[1]),), zero)
    if method == UNIFORM_PER_SLICE:
        return Quantisation(tuple(_step(step) for step in parts[1:]), per_slice=True)
    if method == CODEBOOK:
        return _codebook(parts)
    raise UnsupportedError(f"quantisation {method} is unknown", section="ITEM")


def _codebook(parts: list[Any]) -> Quantisation:
    if len(parts) != 4:
        _fail("ITEM", "a codebook takes a step, a first integer and its entries")
    first = _count(parts[2], "ITEM", "the first integer of a codebook", 1 - MAX_CODEBOOK, 0)
    packed = parts[3]
    if not isinstance(packed, bytes) or len(packed) % 2 or not 2 <= len(packed) <= 2 * MAX_CODEBOOK:
        _fail("ITEM", f"a codebook is not bytes of 1 to {MAX_CODEBOOK} 16-bit integers")
    entries = tuple(np.frombuffer(packed, "<i2").tolist())
    return Quantisation((_step(parts[1]),), codebook=entries, first=first)


def _step(value: Any) -> float:
    step = _float(value, "a quantisation step")
    try:
        exact = struct.unpack("<f", struct.pack("<f", step))[0] == step
    except OverflowError:
        exact = False
    if step <= 0 or not exact:
        _fail("ITEM", "a quantisation step is not a positive float32")
    return step


def _per_component(fields: dict[int, Any], key: int, what: str, least: float) -> tuple[float, ...]:
    if key not in fields:
        return ()
    values = _list(fields[key], f"{what}s", MAX_COMPONENTS)
    numbers = tuple(_float(value, f"a {what}") for value in values)
    if len(numbers) != len(fields[0]) or min(numbers) < least:
        _fail("ITEM", f"the {what}s are not one per component, or too small")
    return numbers


def _steps(fields: dict[int, Any]) -> list[Any]:
    return _list(fields[3], "steps", 1 << 16) if 3 in fields else []


def _tensor_masks(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, dict) or not value:
        _fail("ITEM", "the sparse tensors are not a map with entries")
    return tuple(
        (
            _count(tensor, "ITEM", "tensor index", 0, 1 << 16),
            _count(mask, "ITEM", "mask index", 0, 1 << 20),
        )
        for tensor, mask in value.items()
    )
