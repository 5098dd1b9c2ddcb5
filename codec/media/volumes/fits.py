"""FITS images: one array per HDU that holds one, and every header as text; tables stay as bytes.

Unsigned integers, which FITS stores with an offset, are fields of their own unsigned dtype.
"""

from __future__ import annotations

import gzip
import io
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import ArrayFile, StoredArray, code_of
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import ArraySource, Dataset, DecodedDataset, VerbatimValue
from codec.media.geometry import Geometry
from codec.media.libraries import library, reading, writing
from codec.media.metadata_error import metadata_error
from codec.media.recognise import first_bytes

MEDIUM = "fits"
_TITLE = "FITS"
_HDUS = 0
_HEADER = 0
_DIMS = ("z", "y", "x")
_CODES = ("u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8")
# Cards that astropy writes itself, from the values.
_STRUCTURAL = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND", "PCOUNT", "GCOUNT", "GROUPS",
               "CHECKSUM", "DATASUM", "BZERO", "BSCALE")  # fmt: skip
_MOST_AXES = 999
# Numbers of HDUs, which take a millisecond each, and of cards, which take time by their square.
_MOST_HDUS, _MOST_CARDS = 1 << 12, 1 << 14
# Dtypes of samples by BITPIX.
_STORED = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_OFFSETS = {"u2": 2**15, "u4": 2**31, "i1": -128}


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file; values are read as they are needed where the file is not compressed.

    Args:
        path: the file, also compressed with gzip.
        select: names of the arrays to fit (EXTNAME, or "hdu0", "hdu1" ...), or None for the default
            of `array_fields.dataset`.

    Raises:
        InvalidInputError: not such a file, or it holds no image.
        MissingDependencyError: astropy is not installed.
    """
    _check_axes(path)
    fits = library("astropy.io.fits")
    with reading(path, _TITLE):
        # Scaling is ours: astropy would turn stored integers into floats.
        file = fits.open(path, mode="readonly", memmap=False, do_not_scale_image_data=True,
                         ignore_missing_simple=False)  # fmt: skip
    try:
        with reading(path, _TITLE, fits.VerifyError):
            images = _opened(path, file)
        if not images.arrays:
            raise InvalidInputError(f"{path}: holds no image, only tables; nothing can be fitted")
        return array_fields.dataset(images, select)
    except BaseException:
        file.close()
        raise


def _check_axes(path: Path) -> None:
    """Refuses a damaged count of axes, for each of which astropy would look up a card."""
    zipped = first_bytes(path).startswith(b"\x1f\x8b")
    with reading(path, _TITLE), gzip.open(path) if zipped else path.open("rb") as stream:
        axes = re.search(rb"NAXIS   = +(\d+)", stream.read(2880))
    if axes and int(axes[1]) > _MOST_AXES:
        raise InvalidInputError(f"{path}: claims {int(axes[1])} axes; the header is damaged")


def _opened(path: Path, file: Any) -> ArrayFile:
    arrays: list[StoredArray] = []
    verbatim: dict[str, VerbatimValue] = {}
    order: list[list[Any]] = []
    stem = path.name.partition(".")[0]
    units = _units(path, file)
    only = sum(hdu.is_image and hdu.size > 0 for hdu in units) == 1
    for number, hdu in enumerate(units):
        named = str(hdu.name) if hdu.name and hdu.name != "PRIMARY" else f"hdu{number}"
        name = stem if only and named == "hdu0" else named
        if name in {entry[0] for entry in order}:
            name = f"{name}_{number}"
        if hdu.is_image and hdu.size:
            order.append([name, _text(hdu.header)])
            arrays.append(_array(name, hdu, _values(path, hdu)))
        elif hdu.is_image:
            order.append([name, _text(hdu.header)])
        else:
            order.append([name, ""])
            verbatim[name] = np.frombuffer(_bytes_of(hdu), np.uint8)
    size = path.stat().st_size
    return ArrayFile(path, MEDIUM, tuple(arrays), size, verbatim, {_HDUS: order}, {}, file.close)


def _units(path: Path, file: Any) -> list[Any]:
    """All HDUs; astropy would go round in circles where a damaged size leads back."""
    units: list[Any] = []
    end = -1
    while True:
        try:
            hdu = file[len(units)]
        except IndexError:
            return units
        place = hdu.fileinfo()
        if place["hdrLoc"] <= end or place["datSpan"] < 0:
            raise InvalidInputError(f"{path}: HDU {len(units)} has an impossible size; fetch again")
        end = place["hdrLoc"]
        units.append(hdu)


def _text(header: Any) -> str:
    text: str = header.tostring(sep="\n", endcard=False, padding=False)
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _bytes_of(hdu: Any) -> bytes:
    stream = io.BytesIO()
    hdu.copy().writeto(stream)
    data = stream.getvalue()
    # astropy puts an empty primary HDU before an extension that is written alone.
    return data[2880:] if data[2880:2888] == b"XTENSION" else data


def _values(path: Path, hdu: Any) -> ArraySource:
    """Stored values; those that are compressed are in memory."""
    plain = type(hdu).__name__ in ("PrimaryHDU", "ImageHDU")
    if not plain or first_bytes(path).startswith(b"\x1f\x8b"):
        values: ArraySource = hdu.data
        return values
    return SampleFile(path, _STORED[hdu.header["BITPIX"]], hdu.fileinfo()["datLoc"], hdu.shape)


def _array(name: str, hdu: Any, values: ArraySource) -> StoredArray:
    header = hdu.header
    slope, offset = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    code = code_of(values.dtype)
    unsigned = {"i2": "u2", "i4": "u4", "u1": "i1"}.get(code, "")
    source: Any = values
    scale = None
    blank = header.get("BLANK")
    whole = blank is not None and values.dtype.kind in "iu"
    fills: tuple[int, ...] = (int(blank),) if whole else ()
    if slope == 1 and offset and offset == _OFFSETS.get(unsigned):
        source = _Shifted(values, np.dtype(unsigned), int(offset))
        fills = tuple(fill + int(offset) for fill in fills)
    elif (slope, offset) != (1.0, 0.0) and slope:
        scale = (slope, offset)
    rank = len(values.shape)
    return StoredArray(
        name=name,
        values=source,
        dims=("",) * max(0, rank - 3) + _DIMS[max(0, 3 - rank) :],
        geometry=_geometry(header, rank),
        unit=str(header.get("BUNIT", "")).strip(),
        scale=scale,
        fills=fills,
    )


class _Shifted:
    """Integers that are stored with the offset of the other signedness."""

    def __init__(self, values: ArraySource, dtype: np.dtype[Any], offset: int) -> None:
        self._values = values
        self._offset = offset
        self.shape = values.shape
        self.dtype = dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        wide = np.asarray(self._values[index]).astype(np.int64) + self._offset
        return np.asarray(wide.astype(self.dtype))


def _geometry(header: Any, rank: int) -> Geometry | None:
    """The geometry of linear axes (CDELT, CRVAL, CRPIX, CUNIT); None if curved or turned."""
    spatial = 0
    while spatial < min(rank, 3) and f"CDELT{spatial + 1}" in header:
        spatial += 1
    steps, origins, units = [], [], []
    turned = any(key.startswith(("CD1_", "CD2_", "CD3_", "PC1_2", "PC2_1", "CROTA"))
                 for key in header)  # fmt: skip
    for number in range(1, spatial + 1):
        step = header.get(f"CDELT{number}")
        curved = "-" in str(header.get(f"CTYPE{number}", "")).strip("-")
        if not isinstance(step, int | float) or not step or curved or turned:
            return None
        pixel = float(header.get(f"CRPIX{number}", 1))
        steps.append(float(step))
        origins.append(float(header.get(f"CRVAL{number}", 0)) + (1 - pixel) * float(step))
        units.append(str(header.get(f"CUNIT{number}", "")).strip())
    if not steps:
        return None
    matrix = np.diag(steps)[:, ::-1]
    named = tuple(reversed(units)) if any(units) else ()
    return Geometry.from_matrix(range(rank - spatial, rank), matrix, origins, named)


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes every array as an image HDU: with its own header, or one made of its geometry.

    Args:
        path: where to write; compressed if the name ends in `.gz`. The caller renames it.
        dataset: any arrays; components stay an axis of their array.
        history: one line for a HISTORY card of the first HDU, or "".

    Raises:
        InvalidInputError: a dtype that FITS lacks, or the file cannot be written.
        MissingDependencyError: astropy is not installed.
    """
    fits = library("astropy.io.fits")
    layout = native_layout(dataset, MEDIUM)
    arrays = {array.name: array for array in decoded_arrays(dataset)}
    order = NativePart.of(layout).pairs(_HDUS, str)
    named = Counter(name for name, _ in order)
    if any(named[name] > 1 for name in (*arrays, *dataset.verbatim)):
        raise metadata_error("the medium", "an HDU is there twice")
    if len(order) > _MOST_HDUS or any(text.count("\n") >= _MOST_CARDS for _, text in order):
        raise metadata_error("the medium", "too many HDUs or cards")
    order += [(name, "") for name in arrays if name not in named]
    with writing(path, _TITLE), path.open("wb") as file:
        stream: Any = gzip.GzipFile("", "wb", 6, file, mtime=0) if path.suffix == ".gz" else file
        first = True
        for name, text in order:
            if name in arrays:
                array = arrays[name]
                made = (
                    _original_hdu(fits, array, text, first)
                    if layout is not None
                    else _new_hdu(fits, _plain(path, array), first, len(arrays) > 1)
                )
            elif text:
                made = _empty_hdu(fits, text, first)
            elif name in dataset.verbatim and not first:
                stream.write(_kept_bytes(dataset.verbatim[name]))
                continue
            else:
                continue
            if first and history:
                made.header.add_history(history)
            _append(made, stream, first)
            first = False
        if stream is not file:
            stream.close()


def _append(hdu: Any, stream: Any, first: bool) -> None:
    packed = io.BytesIO()
    hdu.writeto(packed, output_verify="silentfix+ignore")
    data = packed.getvalue()
    # Written alone, an extension gets an empty primary HDU before it.
    stream.write(data if first else data[_header_length(data) :])


def _header_length(data: bytes) -> int:
    end = data.index(b"END" + b" " * 77)
    return 2880 * math.ceil((end + 80) / 2880)


def _kept_bytes(value: VerbatimValue) -> bytes:
    return np.asarray(value, np.uint8).tobytes()


def _plain(path: Path, array: DecodedArray) -> DecodedArray:
    """The array in its own unit and a dtype of FITS, for a new header."""
    return array.unscaled().as_one_of(path, *_CODES)


def _cards(fits: Any, text: str) -> Any:
    header = fits.Header.fromstring(text, sep="\n")
    for key in [key for key in header if key.startswith(_STRUCTURAL)]:
        header.remove(key, ignore_missing=True, remove_all=True)
    return header


def _original_hdu(fits: Any, array: DecodedArray, text: str, first: bool) -> Any:
    header = _cards(fits, text)
    if not array.whole:
        _shift(header, array)
    kind = fits.PrimaryHDU if first else fits.ImageHDU
    made = kind(array.read(), header)
    if array.layout.scale is not None:
        # Set afterwards, astropy takes the values for what they are: the stored ones.
        made.header["BSCALE"], made.header["BZERO"] = array.layout.scale
    return made


def _shift(header: Any, array: DecodedArray) -> None:
    """Reference pixels and steps of what was cut out; this holds on a curved sky as well."""
    window = array.fields[0].window
    for number, (start, step) in enumerate(reversed(window), 1):
        if f"CRPIX{number}" in header:
            header[f"CRPIX{number}"] = (float(header[f"CRPIX{number}"]) - 1 - start) / step + 1
        for key in (f"CDELT{number}", *(f"CD{row}_{number}" for row in range(1, len(window) + 1))):
            if key in header:
                header[key] = float(header[key]) * step


def _new_hdu(fits: Any, array: DecodedArray, first: bool, several: bool) -> Any:
    made = (fits.PrimaryHDU if first else fits.ImageHDU)(array.read())
    if several:
        made.header["EXTNAME"] = array.name
    if array.layout.unit:
        made.header["BUNIT"] = array.layout.unit.encode("ascii", "replace").decode()
    geometry = array.geometry
    if geometry is None:
        return made
    rank = len(array.shape)
    steps = geometry.matrix()
    straight = np.allclose(steps, np.diag(np.diag(steps[:, ::-1]))[:, ::-1])
    for column, axis in enumerate(geometry.axes):
        number, world = rank - axis, geometry.rank - 1 - column
        step = steps[world, column] if straight else geometry.spacing[column]
        made.header[f"CRPIX{number}"] = 1.0
        made.header[f"CDELT{number}"] = float(step)
        made.header[f"CRVAL{number}"] = geometry.position()[world]
        if geometry.units and geometry.units[column]:
            made.header[f"CUNIT{number}"] = geometry.units[column]
        for other, place in enumerate(geometry.axes if not straight else ()):
            value = steps[world, other] / geometry.spacing[column]
            made.header[f"PC{number}_{rank - place}"] = float(value)
    return made


def _empty_hdu(fits: Any, text: str, first: bool) -> Any:
    kind = fits.PrimaryHDU if first else fits.ImageHDU
    return kind(None, _cards(fits, text))
