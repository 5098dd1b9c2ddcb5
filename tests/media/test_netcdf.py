"""A NetCDF file comes back as it was, except for the values that were meant to be lossy."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from codec.errors import CorruptError, InvalidInputError
from codec.media.dataset import Dataset, DecodedDataset, DecodedField
from codec.media.netcdf import read as netcdf_read
from codec.media.netcdf import write as netcdf_write
from codec.media.netcdf.tree import from_tree

CLASSIC = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA", "NETCDF4_CLASSIC")
REAL = (
    "eraint_uvz.nc",
    "echam_rectilinear_grid_3D.nc",
    "levitus_climatology.cdf",
    "monthly_navy_winds.cdf",
)


def decoded(dataset: Dataset) -> DecodedDataset:
    """A dataset whose fields decode to exactly what was read, in two blocks each."""

    def blocks(field: Any) -> Callable[[], Iterator[tuple[tuple[slice, ...], Any]]]:
        def halves() -> Iterator[tuple[tuple[slice, ...], Any]]:
            rest = tuple(slice(0, size) for size in field.shape[1:])
            middle = (field.shape[0] + 1) // 2
            for part in (slice(middle, field.shape[0]), slice(0, middle)):
                if part.start < part.stop:
                    yield (part, *rest), field.values[(part, *rest)]

        return halves

    fields = tuple(
        DecodedField(field.name, field.dims, field.shape, field.dtype, blocks(field))
        for field in dataset.fields
    )
    return DecodedDataset(dataset.medium, fields, dataset.metadata, dict(dataset.verbatim))


def round_trip(source: Path, folder: Path, history: str = "", **options: Any) -> Path:
    """Reads and writes; the copy has the same name in a folder of its own."""
    target = folder / "copy" / source.name
    target.parent.mkdir(exist_ok=True)
    dataset = netcdf_read.read(source, **options)
    netcdf_write.write(target, decoded(dataset), history)
    dataset.close()
    return target


def dump(path: Path) -> list[str]:
    """The lines of `ncdump -s`, without those that name the library; [] without ncdump."""
    if shutil.which("ncdump") is None:
        return []
    flags = [] if path.read_bytes()[:4] == b"CDF\x05" else ["-s"]  # ncdump 4.9 fails on -s there
    done = subprocess.run(["ncdump", *flags, str(path)], capture_output=True, check=True)
    lines = done.stdout.decode("latin-1").splitlines()
    return [line for line in lines if "_NCProperties" not in line and "_Superblock" not in line]


def bits(value: Any) -> Any:
    """Something comparable that tells NaN payloads, dtypes and lengths apart."""
    if isinstance(value, (str, list, bytes)):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        return array.ravel().tolist()
    native = array.astype(array.dtype.newbyteorder("="))
    return array.dtype.str[1:], array.shape, native.tobytes()


def contents(path: Path) -> list[Any]:
    """Everything that netCDF4 can tell about a file, in file order."""

    def of_variable(variable: Any) -> list[Any]:
        return [
            variable.name,
            str(variable.dtype),
            variable.dimensions,
            variable.chunking(),
            variable.filters(),
            variable.endian(),
            [(name, bits(variable.getncattr(name))) for name in variable.ncattrs()],
            bits(variable[...]),
        ]

    def of_group(group: Any) -> list[Any]:
        return [
            group.path,
            [(name, len(dim), dim.isunlimited()) for name, dim in group.dimensions.items()],
            [(n, e.dtype.str, list(e.enum_dict.items())) for n, e in group.enumtypes.items()],
            [(name, bits(group.getncattr(name))) for name in group.ncattrs()],
            [of_variable(variable) for variable in group.variables.values()],
            [of_group(child) for child in group.groups.values()],
        ]

    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        return [file.data_model, of_group(file)]


def assert_same(source: Path, copy: Path) -> None:
    assert contents(copy) == contents(source)
    assert dump(copy) == dump(source)


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A NetCDF-4 file with one of everything that netCDF4-python can write."""
    path = tmp_path / "rich.nc"
    rng = np.random.default_rng(7)
    with netCDF4.Dataset(path, "w") as file:
        file.setncattr("title", "plain")
        file.setncattr("größe", "naïve".encode())  # NC_CHAR that is not ASCII
        file.setncattr_string("as_string", "ascii")
        file.setncattr_string("strings", ["a", "ü", ""])
        file.setncattr("not_utf8", b"caf\xe9")
        file.setncattr("nul_inside", b"a\x00b")
        file.setncattr("empty", "")
        file.setncattr("nan", np.array([0x7FA00001, 1], np.uint32).view(np.float32))
        for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"):
            file.setncattr(f"n_{dtype}", np.array([3], dtype))
        kind = file.createEnumType(np.int16, "sky_t", {"clear": 0, "cloudy": 300})
        file.createEnumType(np.uint8, "unused_t", {"none": 255})
        for name, size in {"t": None, "x": 30, "y": 20, "n": 3, "never": None}.items():
            file.createDimension(name, size)
        full = file.createVariable(
            "full", "f4", ("t", "y", "x"), zlib=True, complevel=5, shuffle=False,
            fletcher32=True, chunksizes=(1, 10, 30), fill_value=-1e9,
        )  # fmt: skip
        full.setncatts({"units": "K", "missing_value": np.array([1e20, -5.0, np.nan])})
        full[0:3] = rng.normal(size=(3, 20, 30))
        full[1, 2, 3], full[1, 2, 4] = np.nan, -1e9
        packed = file.createVariable("packed", "u2", ("y", "x", "n"), contiguous=True)
        packed.setncatts({"scale_factor": 0.5, "missing_value": np.array([70000, 9], "i4")})
        packed.set_auto_maskandscale(False)
        packed[:] = rng.integers(0, 65535, (20, 30, 3))
        file.createVariable("big", ">f8", ("y", "x"), endian="big")[:] = rng.normal(size=(20, 30))
        file.createVariable("unfilled", "i4", ("x",), fill_value=False)[:] = np.arange(30)
        file.createVariable("rows", "i4", ("y",))[:] = np.arange(20)
        file.createVariable("columns", "i4", ("x",))[:] = np.arange(30)
        file.createVariable("sky", kind, ("n",), fill_value=300)[:] = np.array([0, 300, 0], "i2")
        words = file.createVariable("words", str, ("n",))
        words[:] = np.array(["", "é", "two words"], object)
        file.createVariable("word", str)[...] = "scalar"
        text = file.createVariable("text", "S1", ("n",), fill_value="\0")
        text[:] = np.array([b"a", b"", b"\xff"], "S1")
        file.createVariable("nothing", "f4", ("never", "x"))
        file.createVariable("wide", "f8", ("n",) * 5)[:] = rng.normal(size=(3,) * 5)
        file.createVariable("n", "i8")[...] = -(2**62)  # named like a dimension, yet a scalar
        group = file.createGroup("deep/er")
        group.createDimension("x", 600)  # shadows the root's
        inner = group.createVariable("full", "f4", ("x",))
        inner.setncattr("a name with spaces", np.int8(1))
        inner[:] = np.arange(600)
        group.createVariable("outer", "f4", (file.dimensions["y"], group.dimensions["x"]))
        file.createGroup("vacant")
    return path


def classic(path: Path, variant: Any) -> Path:
    with netCDF4.Dataset(path, "w", format=variant) as file:
        file.setncattr("history", "made")
        file.setncattr("nul_inside", b"a\x00b")
        for name, size in {"t": None, "x": 30, "n": 3}.items():
            file.createDimension(name, size)
        file.createVariable("odd", "i1", ("t",))[0:20] = np.arange(20)
        records = file.createVariable("records", "f4", ("t", "x"))
        # The attribute lies behind another one and has not the variable's type, as in ERA files.
        for name, fill in (("records", np.float32(5)), ("short", np.float64(np.nan))):
            if name == "short":
                file.createVariable("short", "i2", ("t", "x"))
            target = file[name]
            target.set_auto_maskandscale(False)
            target.setncattr("scale_factor", 0.25)
            target[0:20] = np.arange(600).reshape(20, 30)
            if name == "records" or variant != "NETCDF4_CLASSIC":
                target.setncattr("_FillValue_longer", fill)
                target.renameAttribute("_FillValue_longer", "_FillValue")
            target.setncattr("last", b"caf\xe9")
        assert records.ncattrs() == ["scale_factor", "_FillValue", "last"]
        file.createVariable("text", "S1", ("n",))[:] = np.array([b"a", b"b", b""], "S1")
    return path


def names(dataset: Dataset) -> list[str]:
    return [field.name for field in dataset.fields]


@pytest.mark.filterwarnings("error")
def test_every_feature_comes_back(rich: Path, tmp_path: Path) -> None:
    assert_same(rich, round_trip(rich, tmp_path))


def test_enum_values_without_a_name_come_back(tmp_path: Path) -> None:
    source = tmp_path / "unwritten.nc"
    with netCDF4.Dataset(source, "w") as file:
        kind = file.createEnumType(np.int16, "sky_t", {"clear": 0})
        file.createDimension("n", 3)
        file.createVariable("sky", kind, ("n",))  # holds the default fill value
    assert contents(round_trip(source, tmp_path)) == contents(source)  # ncdump refuses it


@pytest.mark.parametrize("variant", CLASSIC)
def test_classic_variants_come_back(variant: str, tmp_path: Path) -> None:
    source = classic(tmp_path / "old.nc", variant)
    copy = round_trip(source, tmp_path)
    assert_same(source, copy)
    if variant != "NETCDF4_CLASSIC":
        assert copy.stat().st_size <= source.stat().st_size  # renaming left slack in the source
        assert b"a\x00b" in copy.read_bytes()[:300]


@pytest.mark.parametrize("name", REAL)
def test_real_files_come_back(name: str, volumes: Path, tmp_path: Path) -> None:
    assert_same(volumes / name, round_trip(volumes / name, tmp_path))


@pytest.mark.parametrize("name", ["hybrid_height.nc", "vlstr_type.nc", "SOI_Darwin.nc"])
def test_files_of_iris_come_back(name: str, tmp_path: Path) -> None:
    samples = Path(pytest.importorskip("iris_sample_data").__file__).parent / "sample_data"
    assert_same(samples / name, round_trip(samples / name, tmp_path))


def test_default_choice_is_large_floats_and_packed_integers(rich: Path) -> None:
    dataset = netcdf_read.read(rich)
    assert names(dataset) == ["full", "packed", "big", "deep/er/full", "deep/er/outer"]
    everything = {path for path, _ in from_tree(dataset.metadata).variables()}
    assert set(dataset.verbatim) == everything - set(names(dataset))
    dataset.close()


def test_default_choice_leaves_coordinates_alone(tmp_path: Path) -> None:
    path = tmp_path / "coords.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 600)
        group = file.createGroup("g")
        wanted = group.createVariable("data", "f4", ("x",))
        wanted.setncatts({"coordinates": "lon /lat", "formula_terms": "a: b data: ps"})
        wanted.setncatts({"grid_mapping": "crs: lon", "cell_measures": "area: cell"})
        for name in ("x", "lat", "lon", "b", "ps", "cell", "area"):
            file.createVariable(name, "f4", ("x",))
        group.createVariable("lon", "f4", ("x",))
    dataset = netcdf_read.read(path)
    # The group's own lon hides the root's; "area" is only the key of a cell measure.
    assert names(dataset) == ["lon", "area", "g/data"]
    dataset.close()


def test_fields_tell_what_is_missing_and_how_they_are_packed(rich: Path) -> None:
    dataset = netcdf_read.read(rich)
    full, packed, big = dataset.fields[:3]
    assert (full.units, full.dims, full.shape) == ("K", ("t", "y", "x"), (3, 20, 30))
    fills = np.array(full.fill_values, np.float32)
    np.testing.assert_array_equal(fills, np.float32([-1e9, 1e20, -5, np.nan]))
    assert packed.fill_values == (9,)  # 70000 does not fit 16 bits
    assert packed.packing == (0.5, 0.0)
    assert [float(value) for value in big.fill_values] == [netCDF4.default_fillvals["f8"]]
    assert big.dtype.isnative
    assert big.values[3:5, ::7].dtype.isnative
    assert isinstance(full.values[0, 1], np.ndarray)
    assert not np.ma.isMaskedArray(full.values[0, 1])
    dataset.close()


def test_the_default_fill_value_counts_only_where_it_is_used(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        file.createDimension("x", 600)
        file.createVariable("filled", "f4", ("x",))
        file.createVariable("unfilled", "f4", ("x",), fill_value=False)
        file.createVariable("packed", "i2", ("x",)).setncattr("add_offset", 1.0)
    dataset = netcdf_read.read(tmp_path / "f.nc")
    filled, unfilled, packed = dataset.fields
    assert filled.fill_values == (np.float32(netCDF4.default_fillvals["f4"]),)
    assert (unfilled.fill_values, packed.fill_values) == ((), ())
    assert packed.packing == (1.0, 1.0)
    dataset.close()


def test_select_decides_alone(rich: Path, tmp_path: Path) -> None:
    dataset = netcdf_read.read(rich, ("/deep/er/full", "unfilled"))
    assert names(dataset) == ["unfilled", "deep/er/full"]
    dataset.close()
    assert_same(rich, round_trip(rich, tmp_path, select=("unfilled",)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "available: full, packed"),
        ("words", "not numeric"),
        ("sky", "not numeric"),
        ("n", "64-bit"),
        ("wide", "5 axes"),
        ("nothing", "no samples"),
    ],
)
def test_select_says_why_not(name: str, reason: str, rich: Path) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        netcdf_read.read(rich, (name,))


@pytest.mark.parametrize("kind", ["char", "string", "strings", "none"])
def test_history_gains_one_line_and_keeps_its_type(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "h.nc"
    with netCDF4.Dataset(source, "w") as file:
        if kind == "char":
            file.setncattr("history", "old")
        elif kind != "none":
            file.setncattr_string("history", "old" if kind == "string" else ["old", "er"])
        file.setncattr("after", 1)
    before, after = dump(source), dump(round_trip(source, tmp_path, "new"))
    added = [line for line in after if line not in before]
    with netCDF4.Dataset(tmp_path / "copy" / "h.nc") as file:
        expected = {"strings": ["old", "er", "new"], "none": "new"}.get(kind, "old\nnew")
        assert file.getncattr("history") == expected
        assert file.ncattrs()[0] == ("after" if kind == "none" else "history")
    if before:
        assert ("string :history" in added[0]) == kind.startswith("string")


def test_lossy_variables_that_were_not_decoded_are_left_out(rich: Path, tmp_path: Path) -> None:
    dataset = netcdf_read.read(rich)
    whole = decoded(dataset)
    part = DecodedDataset(whole.medium, whole.fields[:1], whole.metadata, whole.verbatim)
    netcdf_write.write(tmp_path / "part.nc", part)
    dataset.close()
    with netCDF4.Dataset(tmp_path / "part.nc") as file:
        assert "full" in file.variables
        assert "words" in file.variables
        assert "packed" not in file.variables


@pytest.mark.parametrize("shape", [(1, 10, 30), (10, 30)])
def test_a_region_brings_its_own_sizes(shape: tuple[int, ...], rich: Path, tmp_path: Path) -> None:
    dataset = netcdf_read.read(rich)
    values = np.ones(shape, np.float32)
    everywhere = tuple(slice(0, size) for size in shape)
    dims = ("t", "y", "x")[3 - len(shape) :]
    field = DecodedField("full", dims, shape, values.dtype, lambda: iter([(everywhere, values)]))
    verbatim = dict(dataset.verbatim)
    if len(shape) == 3:  # in the other case nobody cuts the coordinate
        verbatim["rows"] = dataset.verbatim["rows"][5:15]
    cut = DecodedDataset("netcdf", (field,), dataset.metadata, verbatim)
    netcdf_write.write(tmp_path / "cut.nc", cut)
    dataset.close()
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        file.set_auto_maskandscale(False)
        assert file["full"].shape == shape
        assert file["full"].dimensions == dims
        assert len(file.dimensions["y"]) == 10
        np.testing.assert_array_equal(file["full"][...], values)
        assert "columns" in file.variables
        assert ("rows" in file.variables) == (len(shape) == 3)
        if len(shape) == 3:
            np.testing.assert_array_equal(file["rows"][...], np.arange(5, 15))


def test_fields_of_another_medium_get_a_plain_file(tmp_path: Path) -> None:
    def field(name: str, values: Any) -> DecodedField:
        index = tuple(slice(0, size) for size in values.shape)
        dims = ("",) * values.ndim
        return DecodedField(name, dims, values.shape, values.dtype, lambda: iter([(index, values)]))

    half, small = np.arange(6, dtype=np.float16).reshape(2, 3), np.arange(4, dtype=np.uint8)
    fields = (field("a", half), field("b", small))
    netcdf_write.write(tmp_path / "plain.nc", DecodedDataset("npy", fields, {}, {}), "made")
    with netCDF4.Dataset(tmp_path / "plain.nc") as file:
        assert file["a"].dimensions == ("x0", "x1")
        assert file["b"].dimensions == ("x0_2",)
        assert (file["a"].dtype, file["b"].dtype) == (np.float32, np.uint8)
        np.testing.assert_array_equal(file["a"][...], half)
        assert file.getncattr("history") == "made"


def test_types_that_would_be_dropped_are_refused(tmp_path: Path) -> None:
    for kind in ("compound", "vlen"):
        path = tmp_path / f"{kind}.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("x", 2)
            if kind == "compound":
                datatype: Any = file.createCompoundType(np.dtype([("a", "f4")]), "c_t")
            else:
                datatype = file.createVLType(np.float32, "v_t")
            file.createVariable("odd", datatype, ("x",))
        with pytest.raises(InvalidInputError, match="not drop good data"):
            netcdf_read.read(path)
    path = tmp_path / "hidden.nc"
    with netCDF4.Dataset(path, "w") as file:
        outer = file.createDimension("x", 2)
        group = file.createGroup("g")
        group.createDimension("x", 3)
        group.createVariable("v", "f4", (outer,))
    with pytest.raises(InvalidInputError, match="'v' uses a dimension 'x' that its group"):
        netcdf_read.read(path)
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "opaque.h5", "w") as file:
        file["odd"] = np.zeros(3, "V5")
    with pytest.raises(InvalidInputError, match="not drop good data"):
        netcdf_read.read(tmp_path / "opaque.h5")


@pytest.mark.parametrize("variant", [*CLASSIC, "NETCDF4"])
def test_truncation_is_noticed(variant: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.nc"
    with netCDF4.Dataset(path, "w", format=variant) as file:
        file.createDimension("t", None)
        # A single record variable of odd size: the one layout without padding.
        file.createVariable("v", "i1", ("t",))[0:99] = np.ones(99)
    content = path.read_bytes()
    netcdf_read.read(path).close()
    for size in (20, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(InvalidInputError, match=r"t\.nc: .*again"):
            netcdf_read.read(path)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {1: []},
        {1: [{0: "a"}]},
        {0: 3, 1: [{}]},
        {1: [{9: 1}]},
        {1: [{}, {0: "a/b"}]},
        {1: [{1: ["a"]}]},
        {1: [{1: ["a", [5, b"abc"]]}]},
        {1: [{3: ["x", True]}]},
        {1: [{4: [{0: "v", 2: [0]}]}]},
        {1: [{4: [{0: "v", 1: 32}]}]},
        {1: [{4: [{0: "v", 5: 16}]}]},
        {1: [{3: ["x", 1], 4: [{0: "v", 2: [0], 4: [1, 1]}]}]},
        {0: 1, 1: [{4: [{0: "v", 6: 1}]}]},
        {1: [{}, {0: "a", 3: ["x", 1]}, {0: "ab", 4: [{0: "v", 2: [0]}]}]},
    ],
)
def test_broken_metadata_is_corrupt(tree: Any, tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match="metadata"):
        netcdf_write.write(tmp_path / "x.nc", DecodedDataset("netcdf", (), tree, {}))
