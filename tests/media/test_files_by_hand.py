"""Files written byte by byte, so that no library's writer hides a mistake of ours."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.errors import InvalidInputError
from codec.media import formats
from codec.media.arrays.layout import DatasetLayout
from codec.media.geometry import Geometry
from tests.media_samples import exact, rewrite

VALUES = [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 300]]]  # z, y, x
NUMBERS = [*range(11), 300]


def only(path: Path) -> tuple[Any, Geometry | None]:
    """The one field's values, and where they lie."""
    dataset = formats.read(path)
    (field,) = dataset.fields
    values = np.array(field.values[...])
    layout = DatasetLayout.from_tree(dataset.metadata)
    dataset.close()
    return values, layout.arrays[0].geometry


NRRD = (
    "NRRD0004\n# a comment\ntype: short\ndimension: 3\nsizes: 3 2 2\nendian: big\n"
    "spacings: 0.5 2 4\nowner:=me\n"
)


def test_nrrd_big_endian_attached(tmp_path: Path) -> None:
    data = (NRRD + "encoding: raw\n\n").encode() + struct.pack(">12h", *NUMBERS)
    (tmp_path / "a.nrrd").write_bytes(data)
    values, geometry = only(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(values, VALUES)
    assert geometry == Geometry((0, 1, 2), (4.0, 2.0, 0.5), (0.0, 0.0, 0.0))
    back = rewrite(tmp_path / "a.nrrd", tmp_path / "b.nrrd").read_bytes()
    assert back.endswith(b"\n\n" + struct.pack(">12h", *NUMBERS))
    assert b"owner:=me\n" in back


def test_nrrd_with_a_detached_header_and_zipped_samples(tmp_path: Path) -> None:
    (tmp_path / "a.raw.gz").write_bytes(gzip.compress(struct.pack(">12h", *NUMBERS)))
    (tmp_path / "a.nhdr").write_text(NRRD + "encoding: gzip\ndata file: a.raw.gz\n")
    np.testing.assert_array_equal(only(tmp_path / "a.nhdr")[0], VALUES)
    with pytest.raises(InvalidInputError, match=r"b\.nhdr: detached headers are only read"):
        rewrite(tmp_path / "a.nhdr", tmp_path / "b.nhdr")


def test_nrrd_as_text_with_lines_to_skip(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a title\n" + " ".join(map(str, NUMBERS)) + "\n")
    header = NRRD + "encoding: ascii\nline skip: 1\ndata file: a.txt\n"
    (tmp_path / "a.nhdr").write_text(header)
    np.testing.assert_array_equal(only(tmp_path / "a.nhdr")[0], VALUES)


def _nifti(order: str) -> bytes:
    """A NIfTI-1 file of int16 with an sform that turns x into y."""
    header = bytearray(352)
    struct.pack_into(order + "i", header, 0, 348)
    struct.pack_into(order + "8h", header, 40, 3, 3, 2, 2, 1, 1, 1, 1)
    struct.pack_into(order + "hh", header, 70, 4, 16)
    struct.pack_into(order + "8f", header, 76, 1, 0.5, 2, 4, 1, 1, 1, 1)
    struct.pack_into(order + "fff", header, 108, 352, 0.25, 10)
    header[123] = 2  # mm
    struct.pack_into(order + "hh", header, 252, 0, 1)
    rows = (0, -2, 0, 7, 0.5, 0, 0, 8, 0, 0, 4, 9)
    struct.pack_into(order + "12f", header, 280, *rows)
    header[344:348] = b"n+1\0"
    return bytes(header) + struct.pack(order + "12h", *NUMBERS)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_nifti(order: str, suffix: str, tmp_path: Path) -> None:
    data = _nifti(order)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == "nii.gz" else data)
    values, geometry = only(path)
    np.testing.assert_array_equal(values, VALUES)
    assert geometry == Geometry(
        (0, 1, 2),
        (4.0, 2.0, 0.5),
        (7.0, 8.0, 9.0),
        ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ("mm",) * 3,
        "RAS",
    )
    assert formats.read(path).fields[0].packing == (0.25, 10.0)
    assert rewrite(path, tmp_path / "b.nii").read_bytes() == data


def test_mrc_whose_columns_run_along_z(tmp_path: Path) -> None:
    header = bytearray(1024)
    struct.pack_into(">10i", header, 0, 3, 2, 2, 1, 5, 0, 0, 2, 2, 3)  # mode 1; starts at 5 columns
    struct.pack_into(">6f", header, 40, 8, 4, 1.5, 90, 90, 90)
    struct.pack_into(">3i", header, 64, 3, 2, 1)
    header[208:212], header[212:214] = b"MAP ", b"\x11\x11"
    (tmp_path / "a.map").write_bytes(bytes(header) + struct.pack(">12h", *NUMBERS))
    dataset = formats.read(tmp_path / "a.map")
    np.testing.assert_array_equal(dataset.fields[0].values[...], VALUES)
    geometry = DatasetLayout.from_tree(dataset.metadata).arrays[0].geometry
    dataset.close()
    assert geometry == Geometry(
        (0, 1, 2),
        (4.0, 2.0, 0.5),
        (0.0, 0.0, 2.5),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ("angstrom",) * 3,
    )
    back = rewrite(tmp_path / "a.map", tmp_path / "b.map").read_bytes()
    assert back[1024:] == struct.pack(">12h", *NUMBERS)
    assert back[:76] == bytes(header[:76])


def test_fits_of_unsigned_integers(tmp_path: Path) -> None:
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16",
             "NAXIS   =                    3", "NAXIS1  =                    3",
             "NAXIS2  =                    2", "NAXIS3  =                    2",
             "BZERO   =                32768", "BSCALE  =                    1",
             "CDELT1  =                 -0.5", "CDELT2  =                  2.0",
             "CDELT3  =                  4.0", "CRVAL1  =                 10.0",
             "BLANK   =               -32765", "END"]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = struct.pack(">12h", *(number - 32768 for number in NUMBERS)).ljust(2880, b"\0")
    (tmp_path / "a.fits").write_bytes(header + data)
    values, geometry = only(tmp_path / "a.fits")
    np.testing.assert_array_equal(values, VALUES)
    assert values.dtype == np.uint16
    dataset = formats.read(tmp_path / "a.fits")
    assert dataset.fields[0].fill_values == (3,)  # -32765 as it is stored
    dataset.close()
    assert geometry is not None
    assert geometry.vectors()[2] == (-1.0, 0.0, 0.0)  # x runs backwards
    assert rewrite(tmp_path / "a.fits", tmp_path / "b.fits").read_bytes()[2880:] == data


def _vti(body: str, attributes: str = "", appended: bytes = b"") -> bytes:
    text = (
        f'<?xml version="1.0"?>\n<VTKFile type="ImageData" version="1.0" {attributes}>\n'
        '<ImageData WholeExtent="1 3 0 1 0 1" Origin="1 2 3" Spacing="0.5 2 4">\n'
        f'<Piece Extent="1 3 0 1 0 1"><PointData Scalars="v">{body}</PointData></Piece>'
        "</ImageData>\n"
    )
    return text.encode() + appended + b"</VTKFile>\n"


def _vti_files() -> dict[str, bytes]:
    big, little = struct.pack(">12h", *NUMBERS), struct.pack("<12h", *NUMBERS)
    packed = zlib.compress(little[:20]), zlib.compress(little[20:])
    header = struct.pack("<5I", 2, 20, 4, *map(len, packed))
    item = '<DataArray type="Int16" Name="v" format="{}" {}>{}</DataArray>'
    length = struct.pack("<I", 24)
    together = base64.b64encode(length + little).decode()
    apart = (base64.b64encode(length) + base64.b64encode(little)).decode()
    blocks = (base64.b64encode(header) + base64.b64encode(b"".join(packed))).decode()
    zipped = 'compressor="vtkZLibDataCompressor"'
    offset = item.format("appended", 'offset="3"', "")
    return {
        "ascii": _vti(item.format("ascii", "", "\n".join(map(str, NUMBERS)))),
        "base64": _vti(item.format("binary", "", f"\n  {together}\n")),
        "length apart": _vti(item.format("binary", "", apart)),
        "zlib": _vti(item.format("binary", "", blocks), zipped),
        "appended raw": _vti(
            offset,
            'byte_order="BigEndian" header_type="UInt64"',
            b'<AppendedData encoding="raw">\n  _xyz' + struct.pack(">Q", 24) + big
            + b"\n</AppendedData>",
        ),
        "appended zlib": _vti(
            offset, zipped, b'<AppendedData encoding="raw">_xyz' + header + b"".join(packed)
            + b"</AppendedData>",
        ),
        "appended base64": _vti(
            offset, zipped, b'<AppendedData encoding="base64">\n _AAA' + blocks.encode()
            + b"\n</AppendedData>",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("kind", _vti_files())
def test_vti_in_every_encoding(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.vti"
    path.write_bytes(_vti_files()[kind])
    for found in (path, rewrite(path, tmp_path / "b.vti")):
        values, geometry = only(found)
        np.testing.assert_array_equal(values, VALUES)
        assert geometry == Geometry((0, 1, 2), (4.0, 2.0, 0.5), (1.5, 2.0, 3.0))
    written = (tmp_path / "b.vti").read_bytes()
    assert b'WholeExtent="1 3 0 1 0 1"' in written
    assert b'Scalars="v"' in written
    assert (b"compressor" in written) == ("zlib" in kind or kind == "appended base64")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"ImageData", b"PolyData"), "no ImageData"),
        ((b"<VTKFile", b"<!DOCTYPE a []><VTKFile"), "entities"),
        ((b'Extent="1 3 0 1 0 1"><P', b'Extent="1 3 0"><P'), "extent"),
        ((b"Int16", b"String"), "type 'String'"),
        ((b'version="1.0" >', b'compressor="vtkLZ4DataCompressor">'), "zlib"),
        ((b"</VTKFile>", b""), "truncated or damaged"),
    ],
)
def test_vti_that_cannot_be_read(change: tuple[bytes, bytes], reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.vti").write_bytes(_vti_files()["ascii"].replace(*change))
    with pytest.raises(InvalidInputError, match=rf"a\.vti: .*{reason}"):
        formats.read(tmp_path / "a.vti")


def test_vti_keeps_cells_and_fields(tmp_path: Path) -> None:
    item = (
        '<DataArray type="Float32" Name="{}" NumberOfComponents="{}" format="ascii">{}</DataArray>'
    )
    cells = item.format("c", 1, "1.5 2.5")
    times = item.format("TimeValue", 1, "12.5").replace("format", 'NumberOfTuples="1" format')
    text = _vti_files()["ascii"].replace(
        b"</Piece>", f"<CellData>{cells}</CellData></Piece>".encode()
    )
    text = text.replace(b"<Piece", f"<FieldData>{times}</FieldData><Piece".encode(), 1)
    (tmp_path / "a.vti").write_bytes(text)
    dataset = formats.read(tmp_path / "a.vti", ("v", "CellData/c"))
    layout = DatasetLayout.from_tree(dataset.metadata)
    cell = next(array for array in layout.arrays if array.name == "CellData/c")
    assert cell.geometry is not None
    assert cell.geometry.origin == (1.75, 3.0, 5.0)
    formats.writer_for(tmp_path / "b.vti")(tmp_path / "b.vti", exact(dataset), "")
    dataset.close()
    back = formats.read(tmp_path / "b.vti", ("v", "CellData/c"))
    np.testing.assert_array_equal(back.fields[1].values[...], [[[1.5, 2.5]]])
    np.testing.assert_array_equal(back.verbatim["FieldData/TimeValue"], [12.5])
    back.close()
