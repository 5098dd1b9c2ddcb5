"""NetCDF files of every variant, read without scaling, masking or decoding anything.

Two libraries look at a NetCDF-4 file: netCDF4 reads it, and h5py answers what netCDF4-python
cannot, whether a text attribute is NC_CHAR or NC_STRING and whether a variable was left out.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.dataset import Dataset, Field, VerbatimValue
from codec.media.netcdf.classic_header import read_header
from codec.media.netcdf.fields import choose, fill_values, packing, units
from codec.media.netcdf.layout import (
    CHAR,
    CLASSIC_FORMATS,
    CODE_OF_DTYPE,
    ENUM_BASE,
    FORMAT_CODES,
    NUMERIC_CODES,
    STRING,
    Attribute,
    Dimension,
    EnumType,
    FileLayout,
    GroupLayout,
    Storage,
    VariableLayout,
)
from codec.media.netcdf.tree import to_tree
from codec.media.recognise import first_bytes

MEDIUM = "netcdf"
_SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
_LIBRARY_ERRORS = (OSError, RuntimeError, KeyError, AttributeError, ValueError, IndexError)
# The C library is not safe to call from two threads, and netCDF4-python releases the GIL.
_LIBRARY_LOCK = threading.RLock()

TextReader = Callable[[str, str, str], tuple[int, bytes | None]]


class _VariableSource:
    """A NetCDF variable as an `ArraySource`: stored values, native byte order, read by slicing."""

    def __init__(self, path: Path, variable: Any) -> None:
        self._path = path
        self._variable = variable
        self.shape = tuple(int(size) for size in variable.shape)
        self.dtype: np.dtype[Any] = np.dtype(variable.dtype).newbyteorder("=")

    def __getitem__(self, index: Any) -> Array:
        with _reading(self._path):
            values = self._variable[index]
        return np.asarray(values, dtype=self.dtype)


class _Verbatim(Mapping[str, VerbatimValue]):
    """Every variable that is not fitted, read when asked for, so that none is held for long."""

    def __init__(self, path: Path, variables: dict[str, Any]) -> None:
        self._path = path
        self._variables = variables

    def __getitem__(self, name: str) -> VerbatimValue:
        variable = self._variables[name]
        if variable.dtype is not str:
            return _VariableSource(self._path, variable)[...]
        with _reading(self._path):
            strings = [str(item) for item in np.asarray(variable[...], object).ravel()]
        if any("\ufffd" in item for item in strings):
            raise InvalidInputError(
                f"{self._path}: string variable {name!r} is not UTF-8 text;"
                " re-encode it, since its bytes would not survive"
            )
        return strings

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a NetCDF file; values are read later, by slicing.

    Args:
        path: NetCDF-3 (classic, 64-bit offset, CDF-5) or NetCDF-4 (also classic model).
        select: paths of the variables to fit, or None for the default: float and packed variables
            of 1 to 4 axes and at least `SMALLEST_FIELD` samples that are not coordinates, bounds
            or the like. There may be none.

    Raises:
        InvalidInputError: not a readable NetCDF file, it uses compound, opaque or variable-length
            types, or `select` names something that cannot be fitted.
    """
    if not first_bytes(path).startswith(_SIGNATURES):
        raise InvalidInputError(f"{path}: not a NetCDF file; check that the download is complete")
    with _reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about skipped types, which are refused below
        file = netCDF4.Dataset(path, "r")
    try:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        layout, variables = _describe(path, file)
        chosen = choose(path, layout, select)
        fields = tuple(
            _field(path, file_path, variable, variables[file_path])
            for file_path, variable in layout.variables()
            if file_path in chosen
        )
        others = {name: item for name, item in variables.items() if name not in chosen}
    except BaseException:
        file.close()
        raise
    return Dataset(
        medium=MEDIUM,
        fields=fields,
        metadata=to_tree(layout),
        verbatim=_Verbatim(path, others),
        source_bytes=path.stat().st_size,
        close=lambda: _close(path, file),
    )


def _field(path: Path, name: str, layout: VariableLayout, variable: Any) -> Field:
    source = _VariableSource(path, variable)
    return Field(
        name=name,
        dims=tuple(str(dim) for dim in variable.dimensions),
        values=source,
        fill_values=fill_values(layout, source.dtype),
        packing=packing(layout),
        units=units(layout),
    )


def _close(path: Path, file: Any) -> None:
    with _reading(path):
        if file.isopen():
            file.close()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Holds the library, and turns its errors into one line about the file."""
    with _LIBRARY_LOCK:
        try:
            yield
        except _LIBRARY_ERRORS as error:
            raise InvalidInputError(
                f"{path}: cannot be read as NetCDF, probably truncated or damaged;"
                f" fetch or write it again ({error})"
            ) from error


def _describe(path: Path, file: Any) -> tuple[FileLayout, dict[str, Any]]:
    """The layout of an open file, and its variables by path."""
    code = FORMAT_CODES[file.data_model]
    groups = list(_walk(file))
    # Dimension objects are compared by group and name: the library makes new ones on each access.
    index = {
        (group.path, name): number
        for number, (group, name) in enumerate(
            (group, name) for group in groups for name in group.dimensions
        )
    }
    enums = {
        (group.path, name): number
        for number, (group, name) in enumerate(
            (group, name) for group in groups for name in group.enumtypes
        )
    }
    variables: dict[str, Any] = {}
    with _text_reader(path, code, groups) as text, _reading(path):
        layouts = []
        for group in groups:
            layout = GroupLayout(
                path=group.path.strip("/"),
                attributes=_attributes(path, group, "", text),
                enums=tuple(_enum(name, item) for name, item in group.enumtypes.items()),
                dims=tuple(
                    Dimension(name, len(dim), bool(dim.isunlimited()))
                    for name, dim in group.dimensions.items()
                ),
                variables=tuple(
                    VariableLayout(
                        name=name,
                        type=_type_code(path, group, variable, enums),
                        dims=tuple(index[d.group().path, d.name] for d in variable.get_dims()),
                        attributes=_attributes(path, variable, name, text),
                        storage=_storage(code, variable),
                    )
                    for name, variable in group.variables.items()
                ),
            )
            layouts.append(layout)
            variables.update({layout.path_of(k): v for k, v in group.variables.items()})
    return FileLayout(code, tuple(layouts)), variables


def _walk(group: Any) -> Iterator[Any]:
    yield group
    for child in group.groups.values():
        yield from _walk(child)


def _enum(name: str, item: Any) -> EnumType:
    base = CODE_OF_DTYPE[np.dtype(item.dtype).str[1:]]
    return EnumType(name, base, tuple((key, int(n)) for key, n in item.enum_dict.items()))


def _type_code(path: Path, group: Any, variable: Any, enums: dict[tuple[str, str], int]) -> int:
    datatype = variable.datatype
    if isinstance(datatype, netCDF4.EnumType):
        owner: Any = group
        while owner is not None and (owner.path, datatype.name) not in enums:
            owner = owner.parent
        if owner is None:
            raise _refused(path, variable.name, f"enum type {datatype.name!r} of another group")
        return ENUM_BASE + enums[owner.path, datatype.name]
    if variable.dtype is str:
        return STRING
    if isinstance(datatype, (netCDF4.CompoundType, netCDF4.VLType)):
        kind = "compound" if isinstance(datatype, netCDF4.CompoundType) else "variable-length"
        raise _refused(path, variable.name, f"{kind} type")
    code = np.dtype(variable.dtype).str[1:]
    return CHAR if code == "S1" else CODE_OF_DTYPE[code]


def _refused(path: Path, name: str, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path}: {name!r} uses a {what}, which is not supported; remove it from a copy of the"
        " file first, because inrc does not drop good data silently"
    )


def _storage(code: int, variable: Any) -> Storage:
    if code in CLASSIC_FORMATS:
        return Storage()
    chunking, filters = variable.chunking(), variable.filters()
    primitive = isinstance(variable.datatype, np.dtype)
    level = int(filters["complevel"])
    return Storage(
        chunks=() if chunking == "contiguous" else tuple(int(size) for size in chunking),
        deflate=level if filters["zlib"] else 0,
        shuffle=bool(filters["shuffle"]),
        fletcher32=bool(filters["fletcher32"]),
        big_endian=variable.endian() == "big",
        no_fill=primitive and variable.get_fill_value() is None,
        filter=_filter(filters, level),
    )


def _filter(filters: dict[str, Any], level: int) -> tuple[str | int, ...]:
    """Name, level and settings of a compressor other than deflate; empty without one."""
    for name in ("zstd", "bzip2"):
        if filters[name]:
            return (name, level)
    if filters["blosc"]:
        return (filters["blosc"]["compressor"], level, int(filters["blosc"]["shuffle"]))
    if filters["szip"]:
        return ("szip", filters["szip"]["coding"], int(filters["szip"]["pixels_per_block"]))
    return ()


def _attributes(path: Path, owner: Any, name: str, text: TextReader) -> tuple[Attribute, ...]:
    """Attributes of a group (`name` is "") or of one of its variables."""
    attributes = []
    group = owner.group() if name else owner
    for key in owner.ncattrs():
        # latin-1 maps every byte to a character and back, whatever the encoding of the text is.
        value = owner.getncattr(key, encoding="latin-1")
        if isinstance(value, list):
            attributes.append(
                Attribute(key, STRING, tuple(item.encode("latin-1") for item in value))
            )
            continue
        if isinstance(value, str):
            value = value.encode("latin-1")
        code, raw = text(group.path, name, key)
        if isinstance(value, bytes):
            content = value if raw is None else raw.rstrip(b"\0")
            attributes.append(Attribute(key, code, (value,) if code == STRING else content))
            continue
        numbers = np.atleast_1d(np.asarray(value))
        kind = CODE_OF_DTYPE.get(numbers.dtype.str[1:])
        enum_fill = name and key == "_FillValue"  # its type follows from the variable's
        if kind is None or (code not in NUMERIC_CODES and not enum_fill):
            raise _refused(path, f"{name}:{key}", "user-defined attribute type")
        little = numbers.astype(numbers.dtype.newbyteorder("<"))
        attributes.append(Attribute(key, kind, little.tobytes()))
    return tuple(attributes)


@contextmanager
def _text_reader(path: Path, code: int, groups: list[Any]) -> Iterator[TextReader]:
    """Yields a function: group path, variable or "", attribute -> (type class, raw text).

    The type is `CHAR`, `STRING`, some numeric code for every number, or 0 for anything else; the
    raw text is None where netCDF4's own value has to do.
    """
    if code in CLASSIC_FORMATS:
        header = read_header(path)
        if header.data_end > path.stat().st_size:
            raise InvalidInputError(
                f"{path}: truncated: {path.stat().st_size} of at least {header.data_end} bytes;"
                " fetch or write it again"
            )

        def classic(group: str, variable: str, name: str) -> tuple[int, bytes | None]:
            raw = header.text.get((variable, name))
            return (1 if raw is None else CHAR), raw

        yield classic
        return
    import h5py

    with _reading(path):
        file = h5py.File(path, "r")
    with file:
        for group in groups:
            _refuse_left_out(path, group, file[group.path])

        def hdf5(group: str, variable: str, name: str) -> tuple[int, bytes | None]:
            owner = _stored(file[group], variable) if variable else file[group]
            return _hdf5_text(h5py, h5py.h5a.open(owner.id, name.encode()))

        yield hdf5


def _hdf5_text(h5py: Any, attribute: Any) -> tuple[int, bytes | None]:
    kind = attribute.get_type()
    if isinstance(kind, (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID)):
        return 1, None
    if not isinstance(kind, h5py.h5t.TypeStringID):
        return 0, None
    if kind.is_variable_str():
        return STRING, None
    if attribute.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return CHAR, b""
    raw = np.empty(attribute.shape, f"S{kind.get_size()}")
    attribute.read(raw, mtype=kind)  # the file's own type, so that nothing is converted
    return CHAR, raw.tobytes()


def _refuse_left_out(path: Path, group: Any, stored: Any) -> None:
    """Refuses what netCDF4-python skips with no more than a warning."""
    import h5py

    for key in stored:
        kind = stored.get(key, getclass=True)
        name = key.removeprefix("_nc4_non_coord_")
        if kind is h5py.Datatype and key not in group.enumtypes:
            raise _refused(path, key, "compound, opaque or variable-length type")
        if kind is h5py.Dataset and name not in group.variables and name not in group.dimensions:
            raise _refused(path, key, "type that NetCDF readers skip")
    for name, variable in group.variables.items():
        sizes = _stored(stored, name).shape
        # netCDF4-python looks dimensions up by name, and finds the wrong one behind another.
        for dim, size in zip(variable.get_dims(), sizes, strict=True):
            if len(dim) != size and not dim.isunlimited():
                raise _refused(path, name, f"dimension {dim.name!r} that its group redefines")


def _stored(group: Any, name: str) -> Any:
    """The HDF5 dataset of a variable; one that only shares a dimension's name is renamed there."""
    hidden = f"_nc4_non_coord_{name}"
    return group[hidden if hidden in group else name]
