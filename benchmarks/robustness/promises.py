"""Promises of a repair, checked against the file as it was before the damage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codec.arrays import Array, BoolArray
from codec.errors import TruncatedError
from codec.format.provenance import BOUND, METADATA, SAMPLES, VARIABLE
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from codec.reports import LostRegion


@dataclass(frozen=True)
class Field:
    """A decoded field.

    Attributes:
        values: decoded samples.
        plain: samples without residuals; None where they are a blend of tiles.
        valid: True where a sample is valid.
        said: dims, attributes and coordinates, as text.
    """

    values: Array
    plain: Array | None
    valid: BoolArray
    bound: float | None
    said: str


@dataclass(frozen=True)
class Content:
    """Content of a file.

    Attributes:
        fields, verbatim: fields and verbatim variables by name.
        metadata: medium and tree, as text.
    """

    fields: dict[str, Field]
    verbatim: dict[str, str]
    metadata: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Contents of a valid file."""
        with FileContents(data, device="cpu", threads=1) as file:
            return cls.of_file(file, _without_residuals(data))

    @classmethod
    def of_file(cls, file: FileContents, plain: Mapping[str, Array] | None = None) -> Content:
        """Contents of an open file; `plain` are its fields without residuals."""
        fields = {name: _field(file, name, (plain or {}).get(name)) for name in file.fields}
        metadata = file.metadata
        verbatim = {name: repr(value) for name, value in metadata.verbatim.items()}
        return cls(fields, verbatim, repr((metadata.medium, metadata.tree)))


def _without_residuals(data: bytes) -> dict[str, Array]:
    """A file without its end is decoded without its residuals."""
    try:
        with FileContents(data[:-1], device="cpu", threads=1, allow_truncated=True) as file:
            return {
                name: decoder[...]
                for name, decoder in file.decoders.items()
                if not any(item.header.overlap for item in decoder.items)
            }
    except TruncatedError:
        return {}


def _field(file: FileContents, name: str, plain: Array | None) -> Field:
    field = file.fields[name]
    said = repr((field.dims, field.attrs, field.coords))
    return Field(field[...], plain, valid_samples(file.decoders[name]), field.bound, said)


def valid_samples(decoder: FieldDecoder) -> BoolArray:
    """Mask of the valid samples of a field, by the masks of its items."""
    valid = np.ones(decoder.shape, np.bool_)
    for item in decoder.items:
        header = item.header
        component = next(entry for entry in header.components if entry.name == decoder.name)
        coded = item.validity(component)
        if coded is None:
            continue
        # The tile whose core a sample lies in tells whether it is valid (TILE-5).
        origin = header.origin or (0,) * decoder.ndim
        overlap = header.overlap or ((0, 0),) * decoder.ndim
        core = tuple(slice(b, n - a) for n, (b, a) in zip(header.shape, overlap, strict=True))
        box = tuple(slice(o + p.start, o + p.stop) for o, p in zip(origin, core, strict=True))
        valid[box] = coded.mask[core]
    return valid


def broken(before: Content, after: Content, losses: Sequence[LostRegion]) -> Iterator[str]:
    """Every promise that a repaired file breaks, in words."""
    lost_names = {loss.name for loss in losses if loss.kind == VARIABLE}
    unnamed = any(not name for name in lost_names)
    for name in sorted(after.fields.keys() - before.fields.keys()):
        yield f"field {name!r} was not there before"
    for name, field in before.fields.items():
        if name in after.fields:
            of_field = [loss for loss in losses if loss.name == name]
            differences = _differences(field, after.fields[name], of_field, cut=unnamed)
            yield from (f"{name!r}: {words}" for words in differences)
        elif name not in lost_names and not unnamed:
            yield f"field {name!r} is gone, and nothing says so"
    for name, value in before.verbatim.items():
        if name not in after.verbatim:
            if name not in lost_names and not unnamed:
                yield f"variable {name!r} is gone, and nothing says so"
        elif after.verbatim[name] != value:
            yield f"variable {name!r} is another"
    told = any(loss.kind in (VARIABLE, METADATA) for loss in losses)
    if after.metadata != before.metadata and not told:
        yield "the metadata are others, and nothing says so"
    if not losses:
        for name in before.fields.keys() & after.fields.keys():
            if before.fields[name].said != after.fields[name].said:
                yield f"{name!r}: dims, attributes or coordinates are others, and nothing is lost"


def _differences(
    before: Field, after: Field, losses: Sequence[LostRegion], *, cut: bool
) -> Iterator[str]:
    """Places where a field is neither what it was nor lost."""
    if before.values.dtype != after.values.dtype or before.values.ndim != after.values.ndim:
        yield "another dtype, or number of axes"
        return
    shape = after.values.shape
    if any(new > old for new, old in zip(shape, before.values.shape, strict=True)):
        yield f"{shape} samples of {before.values.shape}"
        return
    if shape != before.values.shape and not cut:
        yield f"{shape} samples of {before.values.shape}, and nothing says so"
    window = tuple(slice(0, size) for size in shape)
    lost, unbounded = (_boxes(shape, losses, kind) for kind in (SAMPLES, BOUND))
    expected = before.values[window]
    same = _same(expected, after.values)
    if unbounded.any():
        same |= unbounded & (
            True if before.plain is None else _same(before.plain[window], after.values)
        )
    valid_before = before.valid[window]
    if (after.valid & ~valid_before).any():
        yield f"{int((after.valid & ~valid_before).sum())} samples became valid"
    if (after.valid & ~same).any():
        yield f"{int((after.valid & ~same).sum())} valid samples are others"
    if (~after.valid & valid_before & ~lost).any():
        yield f"{int((~after.valid & valid_before & ~lost).sum())} samples lost, and not listed"
    if (~same & ~after.valid & ~lost).any():
        yield "invalid samples are others outside of what is lost"
    if before.bound != after.bound and not losses:
        yield f"a bound of {after.bound} after {before.bound}"


def _same(first: Array, second: Array) -> BoolArray:
    """True where two samples are the same bit for bit."""
    unsigned = f"u{first.dtype.itemsize}"
    return np.ascontiguousarray(first).view(unsigned) == np.ascontiguousarray(second).view(unsigned)


def _boxes(shape: tuple[int, ...], losses: Sequence[LostRegion], kind: str) -> BoolArray:
    covered = np.zeros(shape, np.bool_)
    for loss in losses:
        if loss.kind == kind:
            covered[tuple(slice(*span) for span in loss.ranges)] = True
    return covered
