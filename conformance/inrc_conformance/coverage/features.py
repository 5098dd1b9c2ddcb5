"""Features of the format that a file uses, as far as a file that may be bad can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..decoder import DecodeError, Limits, cbor, numbers
from ..decoder.architectures import plan_item
from ..decoder.headers import DTYPES, KINDS, Item, Quantisation, parse_item
from ..decoder.sections import Budget, Section
from ..decoder.streams import ANS, RANGE, read_stream
from ..runner.architectures import named_architectures

_FIRST_SECTION = 12
_ANY = 2**60
_COMPRESSION = ("stored", "zstd", "brotli")
_METHODS = ("packed", "context", "mixing")
CODERS = (
    *("raw", "ans", "range", "zstd", "brotli", "mixing", "octree", "array"),
    *("static", "static array"),
)
_MODELS = ("static", "laplace")
_PRECISE_KEY = 6


@dataclass(frozen=True)
class _Mask:
    """The front of a MASK payload."""

    purpose: int
    shape: tuple[int, ...]
    constant: int
    method: int
    ones: int
    """Number of bits that are 1, where they are packed; else -1."""


def features(data: bytes) -> set[str]:
    """Return names of features, each `group: feature`."""
    names = {f"architecture: {name}" for name in named_architectures(data)}
    if len(data) > _FIRST_SECTION:
        names.add(f"level: {data[10]}")
    items: list[Item] = []
    masks: list[_Mask] = []
    for section, payload in _payloads(data):
        names.add(f"section: {section.type}")
        if section.attribute < len(_COMPRESSION):
            names.add(f"compression of a section: {_COMPRESSION[section.attribute]}")
        try:
            names |= _of_section(section.type, payload, items, masks)
        except (DecodeError, LookupError):
            continue
    for item in items:
        names |= _of_item(item) | _of_sparsity(item, masks)
    return names


def _payloads(data: bytes) -> Iterator[tuple[Section, bytes]]:
    """Return all sections whose payload can be read, whatever their CRC."""
    budget, reader = Budget(Limits()), numbers.Reader(data, _FIRST_SECTION)
    while reader.left:
        try:
            name = reader.take(4).decode("ascii", "replace")
            attribute = reader.u8()
            section = Section(name, attribute, reader.take(reader.uleb()), 0, b"")
            reader.take(4)
        except DecodeError:
            return
        try:
            payload = budget.payload(section)
        except DecodeError:
            payload = b""
        yield section, payload


def _of_section(name: str, payload: bytes, items: list[Item], masks: list[_Mask]) -> set[str]:
    if name == "HEAD":
        kind = cbor.as_map(cbor.parse(payload, _ANY), "HEAD")[0]
        return {f"kind: {KINDS[cbor.as_uint(kind, 'kind')]}"}
    if name == "ITEM":
        items.append(parse_item(cbor.parse(payload, _ANY)))
    if name == "MASK":
        masks.append(_mask(payload))
        return _of_mask(masks[-1], payload)
    if name in ("TENS", "RESD"):
        return _of_streams(payload)
    if name == "mETa":
        medium = cbor.as_map(cbor.parse(payload, _ANY), "mETa")[0]
        return {f"medium: {medium}"} if isinstance(medium, str) else set()
    return set()


def _mask(payload: bytes) -> _Mask:
    reader = numbers.Reader(payload)
    purpose = reader.u8()
    shape = tuple(reader.uleb() for _ in range(reader.u8()))
    constant, method = reader.u8(), reader.u8()
    bits = reader.take(reader.uleb())
    ones = int.from_bytes(bits, "big").bit_count() if method == 0 else -1
    return _Mask(purpose, shape, constant, method, ones)


def _of_mask(mask: _Mask, payload: bytes) -> set[str]:
    purpose = ("validity", "sparsity")[mask.purpose]
    names = {f"mask: {purpose}, {_METHODS[mask.method]}"}
    if mask.constant:
        names.add(f"mask: {purpose}, constant along an axis")
    if mask.purpose == 0:
        reader = numbers.Reader(payload)
        reader.take(2)
        for _ in mask.shape:
            reader.uleb()
        reader.take(2)
        reader.take(reader.uleb())
        reader.u8()
        names.add(f"mask: {'one pattern' if reader.uleb() == 1 else 'several patterns'}")
    return names


def _of_streams(payload: bytes) -> set[str]:
    """Return the coders of a payload up to the first stream that cannot be read."""
    reader, names = numbers.Reader(payload), set()
    reader.uleb()
    while reader.left:
        coder = payload[reader.position]
        if coder < len(CODERS) and coder not in (ANS, RANGE):
            names.add(f"coder: {CODERS[coder]}")
        ahead = numbers.Reader(payload, reader.position)
        try:
            ahead.u8()
            count = ahead.uleb()
            model = ahead.u8()
            if coder in (ANS, RANGE) and model < len(_MODELS):
                names.add(f"coder: {CODERS[coder]}, {_MODELS[model]}")
            read_stream(reader, _ANY, _ANY, count)
        except DecodeError:
            break
    return names


def _of_item(item: Item) -> set[str]:
    names = {f"dtype: {component.dtype}" for component in item.components}
    names |= {f"quantisation: {_scheme(entry)}" for entry in item.quantisation}
    precise = item.architecture == 2 and _PRECISE_KEY in item.config
    names.add(f"accuracy: {'class F within 2^-40 R (PYR-6)' if precise else 'class F'}")
    for present, name in (
        (item.origin is not None, "tile"),
        (item.overlap is not None, "tile that overlaps"),
        (item.bounds is not None, "bounds"),
        (item.residual_steps is not None, "residuals"),
        (any(component.mask is not None for component in item.components), "validity mask"),
        (bool(item.sparse), "sparsity mask"),
        (len(item.components) > 1, "several components"),
    ):
        if present:
            names.add(f"item: {name}")
    return names


def _scheme(entry: Quantisation) -> str:
    if entry.codebook is not None:
        return "codebook (ITEM-13)"
    if entry.per_slice:
        return "one step per slice"
    if entry.is_plain:
        return "step 1, integers as they are (STR-7)"
    return "one step with zero" if entry.zero else "one step"


def _of_sparsity(item: Item, masks: Sequence[_Mask]) -> set[str]:
    """Return the features of sparse tensors (`stages/pruning.md`)."""
    names: set[str] = set()
    try:
        shapes = plan_item(item).shapes
        for tensor, number in item.sparse.items():
            mask, shape = masks[number], shapes[tensor]
            if mask.shape == shape:
                names.add("pruned: mask of the tensor's shape")
            elif mask.shape == shape[1:]:
                names.add("pruned: one mask for all slices of the first axis")
            if mask.ones == 0:
                names.add("pruned: mask without a single 1")
        if len(set(item.sparse.values())) < len(item.sparse):
            names.add("pruned: tensors that share a mask")
    except (DecodeError, LookupError):
        return names
    return names


ROWS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "level": ("1", "2"),
    "accuracy": ("class F", "class F within 2^-40 R (PYR-6)", "class P"),
    "dtype": DTYPES,
    "quantisation": (
        "one step",
        "one step with zero",
        "one step per slice",
        "codebook (ITEM-13)",
        "step 1, integers as they are (STR-7)",
    ),
    "coder": (
        "raw",
        "ans, static",
        "ans, laplace",
        "range, static",
        "range, laplace",
        "zstd",
        "brotli",
        "mixing",
        "octree",
        "array",
        "static",
        "static array",
    ),
    "mask": (
        *(f"validity, {method}" for method in _METHODS),
        "validity, constant along an axis",
        "one pattern",
        "several patterns",
        *(f"sparsity, {method}" for method in _METHODS),
        "sparsity, constant along an axis",
    ),
    "pruned": (
        "mask of the tensor's shape",
        "one mask for all slices of the first axis",
        "tensors that share a mask",
        "mask without a single 1",
        "removed units",
    ),
    "item": (
        "several components",
        "validity mask",
        "sparsity mask",
        "tile",
        "tile that overlaps",
        "bounds",
        "residuals",
    ),
    "compression of a section": _COMPRESSION,
    "section": ("HEAD", "ITEM", "TENS", "RESD", "MASK", "VERB", "mETa", "pROv", "tIDX", "ENDS"),
}
"""All features but architectures and media, group by group, in the order of the page."""
