"""Datasets: what every reader of a medium produces and every writer consumes.

A `Dataset` is split in two: the fields that will be fitted, and everything else, which is kept
verbatim. `metadata` is a tree of plain values (the subset of CBOR that `codec.format.cbor`
writes: None, bool, int, float, str, bytes, list, dict with int keys), whose layout belongs to the
medium and is specified in `format_spec/metadata.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from codec.arrays import Array, BoolArray, Float64Array, Int64Array
from codec.plugin_api.surface import Sheet, Surface

Metadata = dict[int, Any]
VerbatimValue = Array | list[str]


class ArraySource(Protocol):
    """Something shaped like an array that is read by slicing: an ndarray, a NetCDF variable."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, index: Any) -> Array: ...


@dataclass(frozen=True)
class Field:
    """An array that is to be fitted.

    Attributes:
        name: path inside the dataset, `"t"` or `"group/t"`; unique within it.
        dims: one name per axis, `""` where the medium has none.
        values: the *stored* values (packed integers stay packed), 1 to 4 axes, C order.
        fill_values: stored values that mean "no sample here" (`_FillValue`, `missing_value`).
            NaN and infinities of float dtypes count as such without being listed.
        packing: (scale_factor, add_offset) where stored values are packed, else None.
        units: physical unit for people, `""` if unknown.
        valid: bool, of the field's shape: False where there is no sample whatever is stored there;
            None where only `fill_values` decide.
        peak: the largest value the medium can store, 255 in an 8-bit image, the smallest being 0:
            the field is normalised by it, its PSNR is relative to it, and the fields of a dataset
            that have one share one PSNR, that of the mean of their mean squared errors. None where
            every field is measured alone, against its own range.
    """

    name: str
    dims: tuple[str, ...]
    values: ArraySource
    fill_values: tuple[Any, ...] = ()
    packing: tuple[float, float] | None = None
    units: str = ""
    valid: BoolArray | None = None
    peak: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def unit_factor(self) -> float:
        """Size of a stored 1 in the field's unit; 1 for a scale factor that cannot measure."""
        factor = abs(self.packing[0]) if self.packing else 1.0
        return factor if 0 < factor < math.inf else 1.0

    def part(self, box: tuple[slice, ...]) -> Field:
        """The samples in a box, one slice per axis, read now."""
        valid = None if self.valid is None else self.valid[box]
        return replace(self, values=np.ascontiguousarray(self.values[box]), valid=valid)


@dataclass(frozen=True)
class Shape:
    """A shape that is to be fitted.

    Attributes:
        surface: its boundary, or faces that need not be one.
        faces: triangles of the mesh it came from.
        units: units of lengths, for people, `""` if unknown.
    """

    surface: Surface | Sheet
    faces: int
    units: str = ""


@dataclass(frozen=True)
class TriangleMesh:
    """Vertices (n, 3) float64 in the original frame and unit, and faces (m, 3) int64, outward."""

    vertices: Float64Array
    faces: Int64Array


@dataclass(frozen=True)
class Dataset:
    """A file as the pipeline sees it.

    Attributes:
        medium: id of the reader that made it and of the layout of `metadata` ("netcdf", "npy",
            "nifti" ...).
        fields: fields that will be fitted, in file order.
        metadata: the medium's own description of the file, or an empty dict.
        verbatim: path -> array (any numeric or `S1` dtype) or flat list of strings (C order), for
            every variable that is not fitted.
        source_bytes: size of the file that was read, `stat().st_size`.
        close: releases the file; fields and verbatim values must not be read afterwards.
        kind: what the file's HEAD calls it: "volume", "image" or "sdf".
        joint: groups of field names that share one model unless the caller groups them otherwise.
        shape: for kind "sdf", instead of fields.
    """

    medium: str
    fields: tuple[Field, ...]
    metadata: Metadata = field(default_factory=dict)
    verbatim: Mapping[str, VerbatimValue] = field(default_factory=dict)
    source_bytes: int = 0
    close: Callable[[], None] = lambda: None
    kind: str = "volume"
    joint: tuple[tuple[str, ...], ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True)
class DecodedField:
    """A decoded field, handed to a writer block by block so that memory stays bounded.

    Attributes:
        name: as in `Field`.
        dims: as in `Field`.
        shape: full shape.
        dtype: stored dtype, native byte order.
        blocks: yields (index, values); the index is one slice per axis, the blocks tile `shape`
            without overlap, and `values` has the stored dtype and the shape of the index.
        window: per axis, which sample of the whole field is the first, and how many of the whole
            lie from one to the next (negative where the axis was turned); () for the whole field.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[tuple[tuple[slice, ...], Array]]]
    window: tuple[tuple[int, int], ...] = ()

    def read(self) -> Array:
        """The whole field in memory, of `shape` and `dtype`."""
        values = np.empty(self.shape, self.dtype)
        for index, block in self.blocks():
            values[index] = block
        return values


@dataclass(frozen=True)
class DecodedDataset:
    """A dataset for a writer: decoded fields and verbatim variables, or a mesh alone.

    Attributes:
        plain: whether writers leave out what only its own medium understands, as if the arrays came
            from another one.
    """

    medium: str
    fields: tuple[DecodedField, ...]
    metadata: Metadata
    verbatim: Mapping[str, VerbatimValue]
    mesh: TriangleMesh | None = None
    plain: bool = False
