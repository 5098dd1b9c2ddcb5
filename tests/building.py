"""Files made without training: random models, and sections put together by hand."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from codec.arrays import Array, BoolArray, Float32Array
from codec.coding.item_sections import encode_item
from codec.coding.mask_section import CodedMask, FillPatterns
from codec.coding.write_file import FileParts
from codec.entropy.mixing.coder import quantise_lattice
from codec.format.headers import Component, Dim, Quantisation
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.plugin_api.models import CodedTensor, Model
from codec.plugin_api.registry import architecture
from inrc_plugins.architectures.pyramid import bases
from inrc_plugins.architectures.pyramid.config import PyramidConfig
from inrc_plugins.architectures.pyramid.transform import analyse

HEADER_BYTES = 12


def coded_mask(valid: BoolArray, patterns: Array) -> CodedMask:
    """A validity mask; `patterns` are the stored values of the invalid samples, in C order."""
    bits = patterns.view(f"u{patterns.itemsize}")
    distinct, indices = np.unique(bits, return_inverse=True)
    single = len(distinct) == 1
    return CodedMask(valid, FillPatterns(distinct, None if single else indices.astype(np.int64)))


def random_model(
    shape: Sequence[int],
    components: int = 1,
    *,
    grid: Sequence[int] | None = None,
    features: int = 3,
    width: int = 8,
    layers: int = 2,
    octaves: int = 2,
    seed: int = 0,
    sparse: bool = False,
) -> Model:
    """An `fvsrn` model whose values stay mostly inside [-1, 1]."""
    random = np.random.default_rng(seed)
    active = [size for size in shape if size > 1]
    nodes = list(grid) if grid is not None else [min(5, size) for size in active]
    config = {0: nodes, 1: features, 2: width, 3: layers, 4: octaves}
    tensors = []
    for spec in architecture("fvsrn").tensors(config, tuple(shape), components):
        fan_in = spec.shape[-1] if spec.name.startswith("matrix") else width
        reach = 1.0 if spec.name == "grid" else 1 / np.sqrt(fan_in)
        step = float(np.float32(reach / 40))
        values = random.integers(-40, 41, spec.shape)
        mask = None
        if sparse and spec.name == "grid":
            mask = random.random(spec.shape[1:]) < 0.6
            values *= mask
        tensors.append(CodedTensor(values, Quantisation((step,)), mask))
    return Model(config, tuple(tensors))


def fvsrn_file(
    shape: Sequence[int],
    dtypes: Sequence[str] = ("f4",),
    *,
    offset: float = 1.5,
    scale: float = 3.0,
    names: Sequence[str] = (),
    dims: Sequence[str] = (),
    mask: CodedMask | None = None,
    coder: str = "auto",
    **model: Any,
) -> bytes:
    """A file with one random `fvsrn` item, a component per dtype (called v0, v1 ...)."""
    parts = FileParts()
    number = None if mask is None else parts.add_validity(mask)
    components = [
        Component(names[index] if names else f"v{index}", dtype, offset, scale, number)
        for index, dtype in enumerate(dtypes)
    ]
    sections = encode_item(
        0,
        architecture("fvsrn"),
        random_model(shape, len(dtypes), **model),
        components,
        [Dim(size, dims[axis] if dims else "") for axis, size in enumerate(shape)],
        first_mask=len(parts.masks),
        coder=coder,
    )
    parts.add_item(sections)
    return parts.to_bytes(1)


def pyramid_file(
    fields: Sequence[Array],
    axes: Sequence[int],
    step: float,
    *,
    reach: float | None = None,
    mask: CodedMask | None = None,
    coder: str = "auto",
) -> bytes:
    """A file with one `pyramid` item of float fields v0, v1 ..., by a plan that is given.

    Args:
        axes: codes of the active axes (the components first, if there are several).
        step: of the coefficients, in halves of the range `reach` (from the fields if None).
    """
    parts = FileParts()
    number = None if mask is None else parts.add_validity(mask)
    reach = reach or float(max(np.abs(field).max() for field in fields))
    shape = [size for size in fields[0].shape if size > 1]
    samples = np.stack([field / reach for field in fields]).astype(np.float32)
    samples = samples.reshape([len(fields), *shape] if len(fields) > 1 else shape)
    step = float(np.float32(step))
    coefficients, factors = analyse(samples, tuple(axes), step)
    packed = tuple(bases.pack(factors[axis], samples.shape[axis]) for axis in sorted(factors))
    config = PyramidConfig(samples.shape, tuple(axes), step, factors=packed)
    values, segments = quantise_lattice(config.lattice, coefficients, step, 0.0)
    tensor = CodedTensor(values, Quantisation((1.0,)), None, tuple(segments))
    sections = encode_item(
        0,
        architecture("pyramid"),
        Model(config.to_map(), (tensor,)),
        [
            Component(f"v{index}", f"f{field.itemsize}", 0.0, reach, number)
            for index, field in enumerate(fields)
        ],
        [Dim(size) for size in fields[0].shape],
        first_mask=len(parts.masks),
        coder=coder,
    )
    parts.add_item(sections)
    return parts.to_bytes(1)


def file_of_tensors(
    name: str,
    config: dict[int, Any],
    shape: Sequence[int],
    tensors: Sequence[Float32Array],
    *,
    components: int = 1,
    step: float = 2.0**-10,
) -> bytes:
    """A file with one item of any architecture, its tensors rounded to multiples of a step."""
    coded = [
        CodedTensor(np.rint(tensor / step).astype(np.int64), Quantisation((step,)), None)
        for tensor in tensors
    ]
    parts = FileParts()
    parts.add_item(
        encode_item(
            0,
            architecture(name),
            Model(config, tuple(coded)),
            [Component(f"v{index}", "f4", 0.5, 2.0) for index in range(components)],
            [Dim(size) for size in shape],
            first_mask=0,
            coder="auto",
        )
    )
    return parts.to_bytes(1)


def constant_file(shape: Sequence[int] = (4,), value: float = 2.5, dtype: str = "f4") -> bytes:
    """A file with one `constant` item called v0."""
    parts = FileParts()
    parts.add_item(
        encode_item(
            0,
            architecture("constant"),
            Model({}, ()),
            [Component("v0", dtype, value, 0.0)],
            [Dim(size) for size in shape],
            first_mask=0,
            coder="auto",
        )
    )
    return parts.to_bytes(1)


Sections = list[tuple[str, int, bytes]]


def split(data: bytes) -> tuple[bytes, Sections]:
    """Header, and (type, attribute, stored payload) of every section."""
    position, found = HEADER_BYTES, []
    while position < len(data):
        name, attribute = data[position : position + 4].decode("ascii"), data[position + 4]
        length, start = decode_uleb(data, position + 5)
        found.append((name, attribute, data[start : start + length]))
        position = start + length + 4
    return data[:HEADER_BYTES], found


def framed(name: str, attribute: int, stored: bytes, before: bytes = b"") -> bytes:
    """A section; `before` is covered by its CRC (the header, for the first section)."""
    body = before + name.encode("latin-1") + bytes([attribute]) + encode_uleb(len(stored)) + stored
    return body + zlib.crc32(body).to_bytes(4, "little")


def join(header: bytes, sections: Sections) -> bytes:
    """A file with right checksums, and with right offsets in its ENDS (if it has one)."""
    out, index = b"", 0
    for number, (name, attribute, stored) in enumerate(sections):
        payload = stored
        if name == "tIDX":
            index = len(out)
        if name == "ENDS":
            _, position = decode_uleb(stored)
            _, position = decode_uleb(stored, position)
            rest = encode_uleb(index) + stored[position:]
            for total in range(len(out), len(out) + 64):
                payload = encode_uleb(total) + rest
                if len(out) + len(framed(name, attribute, payload)) == total:
                    break
        out += framed(name, attribute, payload, header if number == 0 else b"")
    return out


def edited(data: bytes, change: Callable[[Sections], Sections | None]) -> bytes:
    """`data` with its list of sections changed, in place or by the list returned."""
    header, sections = split(data)
    return join(header, change(sections) or sections)


def with_payload(data: bytes, name: str, payload: bytes, attribute: int = 0) -> bytes:
    """`data` with the stored payload of its first section called `name` replaced."""

    def change(sections: Sections) -> None:
        index = [section[0] for section in sections].index(name)
        sections[index] = (name, attribute, payload)

    return edited(data, change)


def write_netcdf(path: Path, shape: tuple[int, int] = (24, 30)) -> None:
    """Two float variables (one with masked samples), an integer one, attributes of text."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    with netCDF4.Dataset(path, "w") as target:
        target.title = "a small file"
        for name, size in zip(("y", "x"), shape, strict=True):
            target.createDimension(name, size)
            axis = target.createVariable(name, "f8", (name,))
            axis.units = "m"
            axis[:] = 10 + 0.25 * np.arange(size)
        masked = target.createVariable("t", "f4", ("y", "x"), fill_value=-999.0)
        masked.units = "K"
        hole = (rows - shape[0] / 2) ** 2 + (columns - shape[1] / 3) ** 2 < 30
        masked[:] = np.ma.masked_where(hole, 280 + np.sin(rows / 5) * np.cos(columns / 7))
        plain = target.createVariable("p", "f4", ("y", "x"))
        plain.long_name = "Luftdruck über Grund"
        plain[:] = np.cos(rows / 9) + columns / 30
        counted = target.createVariable("n", "i4", ("y", "x"))
        counted[:] = rows * columns
