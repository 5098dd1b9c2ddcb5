"""TIFF stacks: several pages, and hyperstacks of ImageJ and OME, read with tifffile.

A file that is one plain picture is an image, and goes to `codec.media.image.read`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import IMAGE, DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import MOST_COMPONENTS, ArrayFile, StoredArray
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import ArraySource, Dataset, DecodedDataset
from codec.media.geometry import Geometry
from codec.media.image.channels import in_channel_order
from codec.media.libraries import library, reading, writing
from codec.media.recognise import first_bytes
from codec.media.units import from_tiff, ome_name

MEDIUM = "tiff"
_TITLE = "TIFF"
_KIND, _BIG, _ENDIAN = range(3)
_AXES, _DESCRIPTION, _COMPRESSION, _PHOTOMETRIC, _RESOLUTION = range(5)
_IMAGEJ, _OME, _PLAIN = "imagej", "ome", "plain"
_LETTERS = {"T": "t", "Z": "z", "C": "c", "Y": "y", "X": "x", "S": "c"}
_CODES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
_LOSSLESS = ("ADOBE_DEFLATE", "DEFLATE", "LZW", "ZSTD", "PACKBITS")
_IMAGEJ_DTYPES = ("u1", "u2", "f4")


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file: every series of pages is an array, read page by page.

    Args:
        path: the file.
        select: names of arrays or their components, or None for the default of
            `array_fields.dataset`.

    Raises:
        InvalidInputError: not a readable TIFF file.
        MissingDependencyError: tifffile, or for compressed pages imagecodecs, is not installed.
    """
    first_bytes(path)
    tifffile = library("tifffile")
    with reading(path, _TITLE):
        file = tifffile.TiffFile(path)
    try:
        with reading(path, _TITLE):
            return array_fields.dataset(_opened(path, file), select)
    except BaseException:
        file.close()
        raise


def _opened(path: Path, file: Any) -> ArrayFile:
    kind = _IMAGEJ if file.is_imagej else _OME if file.is_ome else _PLAIN
    stem = path.name.partition(".")[0]
    alone = len(file.series) == 1
    arrays = tuple(
        _array(path, file, kind, series, stem if alone else f"{stem}_{number}")
        for number, series in enumerate(file.series)
    )
    native: dict[int, Any] = {_KIND: kind}
    if file.is_bigtiff:
        native[_BIG] = True
    if file.byteorder == ">":
        native[_ENDIAN] = True
    return ArrayFile(path, MEDIUM, arrays, path.stat().st_size, {}, native, {}, file.close)


def _array(path: Path, file: Any, kind: str, series: Any, name: str) -> StoredArray:
    axes, shape = str(series.axes), tuple(map(int, series.shape))
    page = series.keyframe
    few = [
        at
        for letter in "SC"
        for at, axis_letter in enumerate(axes)
        if axis_letter == letter and 2 <= shape[at] <= MOST_COMPONENTS
    ]
    native: dict[int, Any] = {_AXES: axes, _PHOTOMETRIC: page.photometric.name}
    if page.compression.name in _LOSSLESS:
        native[_COMPRESSION] = page.compression.name
    text = page.description or ""
    if text and kind != _IMAGEJ and not text.startswith('{"shape":'):
        native[_DESCRIPTION] = text
    if kind == _IMAGEJ:
        native[_DESCRIPTION] = _imagej_text(file)
    return StoredArray(
        name=name,
        values=_values(path, series),
        dims=_dims(axes),
        axis=few[0] if few else None,
        geometry=_geometry(file, kind, series, axes),
        native=native | _resolution(page),
    )


def _dims(axes: str) -> tuple[str, ...]:
    """t, z, c, y, x by tifffile's letters; an axis of pages alone is z."""
    names = [_LETTERS.get(letter, "") for letter in axes]
    if names.count("") == 1 and "z" not in names:
        names[names.index("")] = "z"
    repeated = {name for name in names if name and names.count(name) > 1}
    return tuple("" if name in repeated else name for name in names)


def _resolution(page: Any) -> dict[int, Any]:
    """Pixels per unit along x and y, and the unit, as the tags have them."""
    tags = [page.tags.get(name) for name in ("XResolution", "YResolution", "ResolutionUnit")]
    if tags[0] is None or tags[1] is None:
        return {}
    unit = 1 if tags[2] is None else int(tags[2].value)
    return {_RESOLUTION: [*map(int, tags[0].value), *map(int, tags[1].value), unit]}


def _imagej_text(file: Any) -> str:
    entries = {
        key: value
        for key, value in (file.imagej_metadata or {}).items()
        if isinstance(value, str | int | float | bool | list)
    }
    return json.dumps(entries, separators=(",", ":"))


def _values(path: Path, series: Any) -> ArraySource:
    if series.dataoffset is not None and math.prod(series.shape):
        dtype = np.dtype(series.parent.byteorder + series.dtype.str[1:])
        return SampleFile(path, dtype, series.dataoffset, series.shape)
    return _Pages(path, series)


class _Pages:
    """A series whose pages are read as they are needed."""

    def __init__(self, path: Path, series: Any) -> None:
        self._path = path
        self._series = series
        self.shape = tuple(map(int, series.shape))
        self.dtype: np.dtype[Any] = series.dtype

    def __getitem__(self, index: Any) -> Array:
        parts: tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
        pages, count = len(self._series.pages), self.shape[0]
        with reading(self._path, _TITLE):
            lone = len(self.shape) < 3 or pages % count or not isinstance(parts[0], int | slice)
            if lone or pages < 2:
                return np.asarray(self._series.asarray()[index])
            each = pages // count
            if isinstance(parts[0], int):
                return np.asarray(self._slab(parts[0], each)[parts[1:]])
            slabs = [self._slab(number, each)[parts[1:]] for number in range(count)[parts[0]]]
            return np.stack(slabs) if slabs else np.empty((0, *self.shape[1:]), self.dtype)

    def _slab(self, number: int, each: int) -> Array:
        """Samples at one index of the first axis."""
        pages = self._series.asarray(key=slice(number * each, (number + 1) * each))
        return np.asarray(pages).reshape(self.shape[1:])


def _geometry(file: Any, kind: str, series: Any, axes: str) -> Geometry | None:
    """Spacings by ImageJ or OME, for those of z, y, x that the array has."""
    sizes: dict[str, tuple[float, str]] = {}
    if kind == _IMAGEJ:
        description = file.imagej_metadata or {}
        unit = from_tiff(str(description.get("unit", "")))
        for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
            entry = series.keyframe.tags.get(tag)
            if entry is not None and all(entry.value):
                sizes[letter] = (entry.value[1] / entry.value[0], unit)
        if isinstance(description.get("spacing"), int | float):
            sizes["Z"] = (float(description["spacing"]), unit)
    elif kind == _OME:
        sizes = _ome_sizes(file, file.series.index(series))
    places = [at for at, letter in enumerate(axes) if letter in "ZYX"]
    letters = [axes[at] for at in places]
    if not {"X", "Y"} <= sizes.keys() or letters != sorted(letters, reverse=True):
        return None
    lengths = [sizes.get(letter, (1.0, "")) for letter in letters]
    if any(size <= 0 for size, _ in lengths):
        return None
    units = tuple(unit for _, unit in lengths)
    spacing = tuple(float(size) for size, _ in lengths)
    return Geometry(tuple(places), spacing, units=units if any(units) else ())


def _ome_sizes(file: Any, number: int) -> dict[str, tuple[float, str]]:
    tifffile = library("tifffile")
    images = tifffile.xml2dict(file.ome_metadata).get("OME", {}).get("Image", [])
    images = images if isinstance(images, list) else [images]
    if not 0 <= number < len(images):
        return {}
    pixels = images[number].get("Pixels", {})
    sizes = {}
    for letter in "XYZ":
        size, unit = pixels.get(f"PhysicalSize{letter}"), pixels.get(f"PhysicalSize{letter}Unit")
        if size:
            sizes[letter] = (float(size), from_tiff(str(unit or "µm")))
    return sizes


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes a picture with Pillow, and any other array as a stack of pages with tifffile.

    Stacks keep ImageJ's or OME's description; those from other media get OME's.

    Args:
        path: where to write; the caller renames it into place.
        dataset: an image, or any arrays; scaled ones are written in their own unit.
        history: ignored.

    Raises:
        InvalidInputError: a dtype that TIFF lacks, or the file cannot be written.
        MissingDependencyError: tifffile is not installed.
    """
    layout = native_layout(dataset, MEDIUM)
    if layout is None and in_channel_order(dataset.fields):
        from codec.media.image import write as image_write

        image_write.write(path, dataset, history)
        return
    arrays = [array.unscaled() for array in decoded_arrays(dataset)]
    if not arrays:
        raise InvalidInputError(f"{path}: there is no array to write")
    tifffile = library("tifffile")
    part = NativePart.of(layout)
    kind = part.text(_KIND) or _OME if all(array.whole for array in arrays) else _OME
    if kind == _IMAGEJ and arrays[0].dtype.str[1:] not in _IMAGEJ_DTYPES:
        kind = _OME
    fresh = kind == _OME and (layout is None or not arrays[0].whole)
    endian = ">" if part.flag(_ENDIAN) or kind == _IMAGEJ else "<"
    size = sum(math.prod(array.shape) * array.dtype.itemsize for array in arrays)
    big = part.flag(_BIG) or size >= 2**32 - 2**25
    with writing(path, _TITLE), tifffile.TiffWriter(
        path, bigtiff=big and kind != _IMAGEJ, byteorder=endian, imagej=kind == _IMAGEJ, ome=fresh
    ) as file:  # fmt: skip
        codes = _CODES if fresh else ("f2", *_CODES)  # OME knows no half precision
        for array in arrays:
            array = array if kind == _IMAGEJ else array.as_one_of(path, *codes)
            array_layout = None if layout is None else array.layout
            array_part = NativePart.of(array_layout, repr(array.name))
            file.write(array.read(), **_options(array, kind, fresh, array_part))


def _options(array: DecodedArray, kind: str, fresh: bool, part: NativePart) -> dict[str, Any]:
    axes = part.text(_AXES)
    if len(axes) != len(array.shape):
        axes = _letters(array)
    options: dict[str, Any] = {"photometric": "minisblack"}
    if axes.endswith("S"):
        colour = part.text(_PHOTOMETRIC) == "RGB" or array.name == IMAGE
        options = {"photometric": "rgb" if colour and array.shape[-1] > 2 else "minisblack"}
        options["planarconfig"] = "contig"
    if _COMPRESSION in part:
        options["compression"] = part.text(_COMPRESSION)
        if options["compression"] not in _LOSSLESS:
            raise part.wrong("has an unknown compressor")
    if _RESOLUTION in part and array.whole:
        x, per_x, y, per_y, unit = part.numbers(_RESOLUTION)
        options |= {"resolution": ((x, per_x), (y, per_y)), "resolutionunit": unit}
    text = part.text(_DESCRIPTION)
    if kind == _IMAGEJ:
        hidden = ("ImageJ", "images", "slices", "frames", "channels", "hyperstack", "axes")
        description = json.loads(text or "{}")
        entries = {key: value for key, value in description.items() if key not in hidden}
        options["metadata"] = {"axes": axes.replace("Q", "Z").replace("I", "Z"), **entries}
    elif fresh:
        options["metadata"] = {"axes": axes, **_physical_sizes(array, axes)}
    elif text:
        options |= {"description": text.encode("utf-8"), "metadata": None}
    else:
        options["metadata"] = {"axes": axes}
    return options


def _letters(array: DecodedArray) -> str:
    """tifffile's letters: components last are samples, other axes by their place."""
    letters = ["Q"] * len(array.shape)
    free = [at for at in range(len(letters)) if at != array.axis]
    for letter, at in zip("XYZT", reversed(free), strict=False):
        letters[at] = letter
    if array.axis is not None:
        letters[array.axis] = "S" if array.axis == len(letters) - 1 else "C"
    return "".join(letters)


def _physical_sizes(array: DecodedArray, axes: str) -> dict[str, Any]:
    geometry = array.geometry
    if geometry is None:
        return {}
    sizes: dict[str, Any] = {}
    for column, axis in enumerate(geometry.axes):
        letter = axes[axis]
        if letter in "XYZ":
            sizes[f"PhysicalSize{letter}"] = geometry.spacing[column]
            unit = geometry.units[column] if geometry.units else ""
            sizes[f"PhysicalSize{letter}Unit"] = ome_name(unit)
    return sizes
