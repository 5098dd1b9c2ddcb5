"""Every medium of arrays: what its own library wrote comes in, and comes back for it to read."""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError, MissingDependencyError
from codec.media import formats
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.dataset import Dataset, DecodedDataset
from codec.media.geometry import Geometry
from codec.media.libraries import library
from tests.media_samples import AFFINE, SAMPLES, SHAPE, exact, rewrite, vectors, volume

# Of the samples that say where they lie, all but NIfTI.
PLACED = {
    "a.nrrd": (1.0, 2.0, 3.0),
    "packed.nrrd": (1.0, 2.0, 3.0),
    "a.mrc": (1.0, 2.0, 3.0),
    "a.fits": (1.0, 2.0, 3.0),
    "a.h5": (),
    "two.zarr": (),
    "three.zarr": (),
    "a.ome.tif": (),
}


@pytest.fixture(autouse=True)
def _closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what a test opened, as every caller of `read` must."""
    opened: list[Dataset] = []
    read = formats.read

    def recorded(*arguments: Any) -> Dataset:
        opened.append(read(*arguments))
        return opened[-1]

    monkeypatch.setattr(formats, "read", recorded)
    yield
    for dataset in opened:
        dataset.close()


def geometry_of(path: Path, *select: str) -> Geometry | None:
    dataset = formats.read(path, select or None)
    dataset.close()
    arrays = DatasetLayout.from_tree(dataset.metadata).arrays
    return next(array.geometry for array in arrays if array.fields)


MODULES = {
    "a.nii": "codec.media.volumes.nifti",
    "a.nrrd": "codec.media.volumes.nrrd",
    "a.mrc": "codec.media.volumes.mrc",
    "a.ome.tif": "codec.media.volumes.tiff",
    "a.fits": "codec.media.volumes.fits",
    "three.zarr": "codec.media.zarr.store",
}


def written(name: str, folder: Path) -> Path:
    SAMPLES[name].write(folder / name)
    return folder / name


@pytest.mark.parametrize("name", SAMPLES)
def test_values_arrive_slowest_axis_first_in_native_bytes(name: str, tmp_path: Path) -> None:
    dataset = formats.read(written(name, tmp_path))
    field = dataset.fields[0]
    assert field.shape == SHAPE
    assert field.dtype == np.float32
    assert field.dtype.isnative
    np.testing.assert_array_equal(field.values[...], volume())
    part = field.values[1:3, ::2, 5]
    np.testing.assert_array_equal(part, volume()[1:3, ::2, 5])
    assert part.flags.c_contiguous
    dataset.close()


@pytest.mark.parametrize("name", SAMPLES)
def test_its_own_library_reads_what_comes_back(name: str, tmp_path: Path) -> None:
    source = written(name, tmp_path)
    target = rewrite(source, tmp_path / f"back_{name}")
    np.testing.assert_array_equal(SAMPLES[name].load(target), volume())
    assert geometry_of(target) == geometry_of(source)


@pytest.mark.parametrize("name", PLACED)
def test_geometry_is_understood(name: str, tmp_path: Path) -> None:
    geometry = geometry_of(written(name, tmp_path))
    assert geometry is not None
    np.testing.assert_allclose(geometry.spacing, (2.0, 0.75, 0.5))
    assert geometry.origin == PLACED[name]


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mrc", "fits", "vti", "h5", "zarr", "nc"])
def test_geometry_and_values_follow_into_other_formats(suffix: str, tmp_path: Path) -> None:
    target = rewrite(written("a.nrrd", tmp_path), tmp_path / f"b.{suffix}")
    dataset = formats.read(target)
    np.testing.assert_array_equal(dataset.fields[0].values[...], volume())
    dataset.close()
    if suffix == "nc":
        from codec.media.arrays.decoded_arrays import decoded_arrays

        geometry = decoded_arrays(exact(formats.read(target)))[0].geometry
    else:
        geometry = geometry_of(target)
    assert geometry is not None
    factor = 1e7 if suffix == "mrc" else 1.0  # its unit is the angstrom
    np.testing.assert_allclose(geometry.spacing, np.array([2.0, 0.75, 0.5]) * factor)
    signs = (-1, -1, 1) if suffix == "nii" else (1, 1, 1)  # RAS, not LPS
    np.testing.assert_allclose(geometry.origin, np.array([1.0, 2.0, 3.0]) * signs * factor)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "a.npz"])
def test_a_part_lies_where_it_was_cut_from(name: str, tmp_path: Path) -> None:
    source = written(name, tmp_path)
    window = (slice(1, 3), slice(0, 9, 2), slice(4, 16))
    target = rewrite(source, tmp_path / f"part_{name}", window)
    np.testing.assert_array_equal(SAMPLES[name].load(target), volume()[window])
    whole = geometry_of(source)
    # A part may be too small to be fitted where there is a choice.
    part = geometry_of(target, *(["group/v"] if name.endswith(("h5", "zarr")) else []))
    assert whole is not None
    assert part is not None
    expected = whole.cut(((1, 1), (0, 2), (4, 1)))
    np.testing.assert_allclose(part.spacing, expected.spacing)
    if name != "a.ome.tif":  # which has no origin
        np.testing.assert_allclose(part.position(), expected.position(), atol=1e-6)


def test_headers_come_back_byte_by_byte(tmp_path: Path) -> None:
    for name, length in (("a.nii", 352 + 16), ("a.mrc", 76)):
        source = written(name, tmp_path)
        target = rewrite(source, tmp_path / f"back_{name}")
        assert target.read_bytes()[:length] == source.read_bytes()[:length]
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "back_a.nii").read_bytes()
    header = library("nrrd").read_header(
        str(rewrite(written("a.nrrd", tmp_path), tmp_path / "b.nrrd"))
    )
    assert header["patient"] == "nobody"
    assert header["endian"] == "big"


def test_an_affine_of_turned_axes_stays_the_affine(tmp_path: Path) -> None:
    nibabel = library("nibabel")
    source = written("a.nii.gz", tmp_path)
    through = rewrite(rewrite(source, tmp_path / "b.nrrd"), tmp_path / "c.nii")
    np.testing.assert_allclose(nibabel.load(through).affine, AFFINE)
    part = nibabel.load(rewrite(source, tmp_path / "d.nii", (slice(None, None, -1),) * 3))
    np.testing.assert_allclose(
        part.affine @ (0, 0, 0, 1), AFFINE @ (SHAPE[2] - 1, SHAPE[1] - 1, SHAPE[0] - 1, 1)
    )


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_scaled_integers_of_nifti_come_back_as_they_were_stored(
    suffix: str, tmp_path: Path
) -> None:
    nibabel = library("nibabel")
    image = nibabel.Nifti1Image(volume("i2").T, AFFINE)
    image.header.set_data_dtype("i2")
    image.header.set_slope_inter(0.5, 3)
    nibabel.save(image, tmp_path / f"a.{suffix}")
    dataset = formats.read(tmp_path / f"a.{suffix}")
    (field,) = dataset.fields
    assert field.dtype == np.int16
    assert field.packing == (0.5, 3.0)
    target = rewrite(tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}")
    original = nibabel.load(tmp_path / f"a.{suffix}")
    back = nibabel.load(target)
    assert back.get_data_dtype() == np.int16
    np.testing.assert_array_equal(back.get_fdata(), original.get_fdata())
    # Where there is no place for a scale, values are in their own unit.
    rewrite(tmp_path / f"a.{suffix}", tmp_path / "c.npy")
    np.testing.assert_allclose(np.load(tmp_path / "c.npy"), original.get_fdata().T)
    assert formats.read(rewrite(target, tmp_path / "d.nc"), ("b",)).fields[0].packing == (0.5, 3.0)


@pytest.mark.parametrize("code", ["u2", "i2", "i4", "u1", "f8"])
def test_fits_keeps_stored_dtypes_scales_and_blanks(code: str, tmp_path: Path) -> None:
    fits = library("astropy.io.fits")
    path = tmp_path / "a.fits"
    image = fits.PrimaryHDU(volume(code))
    if code == "i2":
        image.header["BLANK"] = -100
        image.header["BSCALE"], image.header["BZERO"] = 0.5, 3.0
    image.writeto(path)
    dataset = formats.read(path)
    (field,) = dataset.fields
    np.testing.assert_array_equal(field.values[...], volume(code))
    assert field.dtype == np.dtype(code)
    assert field.fill_values == ((-100,) if code == "i2" else ())
    back = rewrite(path, tmp_path / "b.fits")
    with fits.open(path) as old, fits.open(back) as new:
        assert new[0].header["BITPIX"] == old[0].header["BITPIX"]
        np.testing.assert_array_equal(new[0].data, old[0].data)
    if code == "i2":
        rewrite(path, tmp_path / "c.npy")
        found = np.load(tmp_path / "c.npy")
        assert np.isnan(found.ravel()[0])
        assert found.ravel()[1] == -99 * 0.5 + 3


def test_fits_keeps_tables_and_cards(tmp_path: Path) -> None:
    fits = library("astropy.io.fits")
    with fits.open(rewrite(written("a.fits", tmp_path), tmp_path / "b.fits")) as file:
        assert file[0].header["OBSERVER"] == "nobody"
        np.testing.assert_array_equal(file["TABLE"].data["a"], np.arange(5.0))


def test_hdf5_keeps_everything_else(tmp_path: Path) -> None:
    import h5py

    with h5py.File(rewrite(written("a.h5", tmp_path), tmp_path / "b.h5")) as file:
        assert file.attrs["title"] == "a file"
        assert file["group/v"].attrs["count"] == 7
        assert file["group/v"].chunks == (2, 9, 8)
        assert file["group/v"].compression == "gzip"
        np.testing.assert_array_equal(file["labels"][...], volume("i8"))
        assert [text.decode() for text in file["names"][...]] == ["a", "ü"]


@pytest.mark.parametrize("name", ["two.zarr", "three.zarr"])
def test_zarr_keeps_documents_and_other_arrays(name: str, tmp_path: Path) -> None:
    source = written(name, tmp_path)
    root = library("zarr").open(rewrite(source, tmp_path / f"b{name}"), mode="r")
    assert root.attrs["deep"] == {"er": [1, None]}
    assert root.metadata.zarr_format == (2 if name == "two.zarr" else 3)
    assert root["group/v"].chunks == (2, 9, 8)
    np.testing.assert_array_equal(root["labels"][...], np.arange(3))


@pytest.mark.parametrize("version", [2, 3])
def test_coordinates_of_xarray_are_kept_and_cut(version: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    root = library("zarr").open_group(str(path), mode="w", zarr_format=version)
    for name, values, dims in (
        ("v", volume("i2"), ["z", "y", "x"]),
        ("x", np.arange(600.0)[: SHAPE[2]], ["x"]),
    ):
        names = {"dimension_names": dims} if version == 3 else {}
        attributes = {
            "units": "K",
            "scale_factor": 0.5,
            "_FillValue": -100,
            "_ARRAY_DIMENSIONS": dims,
        }
        root.create_array(name, data=values, attributes=attributes, **names)
    codec.encode(path, tmp_path / "a.inrc", psnr=60, effort=0, device="cpu")
    with codec.open(tmp_path / "a.inrc", device="cpu") as file:
        assert list(file) == ["v"]
        assert file["v"].dims == ("z", "y", "x")
        assert file["v"].attrs["units"] == "K"
        assert (file["v"][...] == -100).sum() == 1  # the fill value came back exactly
        np.testing.assert_array_equal(file["v"].coords["x"], np.arange(float(SHAPE[2])))
    region = {"x": slice(2, 10, 2)}
    codec.decode(tmp_path / "a.inrc", tmp_path / "b.zarr", region=region, device="cpu")
    back = library("zarr").open(tmp_path / "b.zarr", mode="r")
    np.testing.assert_array_equal(back["x"][...], np.arange(2.0, 10.0, 2.0))
    assert back["v"].shape == (*SHAPE[:2], 4)


def test_coordinates_are_not_fitted(tmp_path: Path) -> None:
    root = library("zarr").open_group(str(tmp_path / "a.zarr"), mode="w")
    for name in ("v", "x"):
        root.create_array(name, data=np.arange(600.0), dimension_names=["x"])
    assert [field.name for field in formats.read(tmp_path / "a.zarr").fields] == ["v"]


def test_zarr_in_a_zip_archive_and_a_lone_array(tmp_path: Path) -> None:
    zarr, storage = library("zarr"), library("zarr.storage")
    with storage.ZipStore(str(tmp_path / "a.zarr.zip"), mode="w") as store:
        zarr.create_array(store, name="v", data=volume())
    dataset = formats.read(tmp_path / "a.zarr.zip")
    np.testing.assert_array_equal(dataset.fields[0].values[...], volume())
    dataset.close()
    zarr.create_array(str(tmp_path / "lone.zarr"), data=volume(">f4"))
    assert [field.name for field in formats.read(tmp_path / "lone.zarr").fields] == ["lone"]
    back = rewrite(tmp_path / "lone.zarr", tmp_path / "b.zarr")
    np.testing.assert_array_equal(zarr.open(back)[...], volume())


def _vector_files(folder: Path) -> dict[str, Path]:
    """Files of `vectors()` in the formats that say what a component is."""
    nibabel, nrrd = library("nibabel"), library("nrrd")
    image = nibabel.Nifti1Image(np.moveaxis(vectors(), -1, 0)[:, None].T, AFFINE)
    image.header.set_intent("vector")
    nibabel.save(image, folder / "v.nii")
    kinds = {"kinds": ["vector", "domain", "domain", "domain"]}
    nrrd.write(str(folder / "v.nrrd"), vectors(), kinds, index_order="C")
    rewrite(folder / "v.nrrd", folder / "v.vti")
    return {name: folder / f"v.{name}" for name in ("nii", "nrrd", "vti")}


@pytest.mark.parametrize("origin", ["nii", "nrrd", "vti"])
@pytest.mark.parametrize("suffix", ["nii", "nrrd", "vti", "h5", "zarr", "tif"])
def test_components_are_one_model_and_one_array_again(
    origin: str, suffix: str, tmp_path: Path
) -> None:
    source = _vector_files(tmp_path)[origin]
    dataset = formats.read(source)
    assert dataset.joint == (("v/0", "v/1", "v/2"),)
    back = formats.read(rewrite(source, tmp_path / f"back.{suffix}"))
    assert len(back.joint[0]) == 3
    for number, field in enumerate(back.fields):
        np.testing.assert_array_equal(np.squeeze(field.values[...]), vectors()[..., number])
    back.close()


def test_a_lone_component_is_an_array_without_that_axis(tmp_path: Path) -> None:
    dataset = formats.read(_vector_files(tmp_path)["nrrd"], ("v/1",))
    assert [field.name for field in dataset.fields] == ["v/1"]
    formats.writer_for(tmp_path / "b.npy")(tmp_path / "b.npy", exact(dataset), "")
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), vectors()[..., 1])


@pytest.mark.parametrize("shape", [(1, 3, 1, 8, 9), (2, 3, 2, 8, 9), (1, 8, 1, 9), (9,)])
def test_any_number_of_axes_survives(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    np.savez(tmp_path / "a.npz", v=values)
    dataset = formats.read(tmp_path / "a.npz")
    (field,) = dataset.fields
    assert 1 <= len(field.shape) <= 4
    np.testing.assert_array_equal(field.values[...].ravel(), values.ravel())
    np.testing.assert_array_equal(field.values[1:], field.values[...][1:])
    back = np.load(rewrite(tmp_path / "a.npz", tmp_path / "b.npz"))["v"]
    np.testing.assert_array_equal(back, values)


def test_tiff_stacks_keep_what_imagej_needs(tmp_path: Path) -> None:
    tifffile = library("tifffile")
    values = np.stack([volume("u1"), volume("u1")[::-1]], 1)
    tifffile.imwrite(
        tmp_path / "a.tif", values, imagej=True, resolution=(2.0, 4.0),
        metadata={"axes": "ZCYX", "spacing": 3.0, "unit": "um"},
    )  # fmt: skip
    geometry = geometry_of(tmp_path / "a.tif")
    assert geometry == Geometry((0, 2, 3), (3.0, 0.25, 0.5), units=("um",) * 3)
    with tifffile.TiffFile(rewrite(tmp_path / "a.tif", tmp_path / "b.tif")) as file:
        assert file.is_imagej
        assert file.series[0].axes == "ZCYX"
        assert file.imagej_metadata["spacing"] == 3.0
        np.testing.assert_array_equal(file.asarray(), values)


def test_one_page_is_an_image_and_several_are_a_volume(tmp_path: Path) -> None:
    tifffile = library("tifffile")
    tifffile.imwrite(tmp_path / "page.tif", volume("u1")[0], metadata=None)
    tifffile.imwrite(tmp_path / "float.tif", volume()[0], metadata=None)
    tifffile.imwrite(tmp_path / "pages.tif", volume("u1"), photometric="minisblack", metadata=None)
    assert formats.read(tmp_path / "page.tif").medium == "image"
    assert formats.read(tmp_path / "float.tif").fields[0].shape == SHAPE[1:]
    assert formats.read(tmp_path / "pages.tif").fields[0].shape == SHAPE


def test_content_decides_between_hdf5_and_netcdf(tmp_path: Path) -> None:
    import h5py
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.h5", "w"):
        pass
    assert formats.read(tmp_path / "a.h5").medium == "netcdf"
    for name, medium in (("b.h5", "hdf5"), ("b.nc", "netcdf"), ("b.dat", "netcdf")):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = np.arange(600.0)
            file["x"].make_scale()
        assert formats.read(tmp_path / name, ("x",)).medium == medium
    with h5py.File(tmp_path / "c.dat", "w") as file:
        file["x"] = np.arange(600.0)
    assert formats.read(tmp_path / "c.dat").medium == "hdf5"


@pytest.mark.parametrize("name", ["a.nii", "a.nrrd", "a.mrc", "a.fits", "a.h5", "a.npz"])
def test_content_wins_over_the_suffix(name: str, tmp_path: Path) -> None:
    source = written(name, tmp_path)
    medium = formats.read(source).medium
    other = source.rename(tmp_path / "misnamed.png")
    assert formats.read(other).medium == medium


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith("zarr")])
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_truncated_files_are_refused_in_one_line(name: str, share: float, tmp_path: Path) -> None:
    path = written(name, tmp_path)
    data = path.read_bytes()
    if name == "a.fits":
        data = data[: 2880 * 2]  # the table behind the image may go unnoticed
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidInputError, match=str(path)) as caught:
        _ = formats.read(path).fields[0].values[...]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [
        ("nibabel", "a.nii", "medical"),
        ("nrrd", "a.nrrd", "medical"),
        ("mrcfile", "a.mrc", "microscopy"),
        ("tifffile", "a.ome.tif", "microscopy"),
        ("astropy.io.fits", "a.fits", "astronomy"),
        ("zarr", "three.zarr", "zarr"),
    ],
)
def test_a_missing_package_names_its_extra(
    module: str, name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(name, tmp_path)
    dataset = exact(formats.read(path))
    monkeypatch.setitem(sys.modules, module, None)
    missing = pytest.raises(MissingDependencyError, match=rf"pip install 'inrc\[{extra}\]'")
    with missing:
        importlib.import_module(MODULES[name]).read(path)
    with missing:
        formats.writer_for(path)(tmp_path / f"b_{name}", dataset, "")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (volume("c8"), "real and imaginary part"),
        (volume("i2") > 0, "convert it to uint8"),
        (np.zeros((30, 30), "i8"), "integer of up to 32 bits"),
        (np.zeros((30, 0), "f4"), "no samples"),
        (np.zeros(600, [("a", "f4")]), "structured"),
        (np.array([{}, 1], object), "Python objects"),
        (np.float32(1), "single number"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_a_way_out(
    values: Any, reason: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", v=values)
    with pytest.raises(InvalidInputError, match=rf"a\.npz: 'v' .*{reason}"):
        formats.read(tmp_path / "a.npz")


def test_an_axis_of_one_sample_is_no_component(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", v=volume()[None])
    back = formats.read(rewrite(tmp_path / "a.npz", tmp_path / "b.vti"))
    np.testing.assert_array_equal(back.fields[0].values[...], volume())


def test_netcdf_fill_values_are_not_a_number_elsewhere(tmp_path: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for name, size in zip("zyx", SHAPE, strict=True):
            file.createDimension(name, size)
        for name, step in (("y", 0.75), ("x", 0.5)):
            file.createVariable(name, "f8", (name,))[:] = 1 + step * np.arange(
                len(file.dimensions[name])
            )
        file.createVariable("v", "f4", ("z", "y", "x"), fill_value=-100.0)[:] = volume()
    for suffix in ("nrrd", "fits", "npy"):
        rewrite(tmp_path / "a.nc", tmp_path / f"b.{suffix}")
    expected = np.where(volume() == -100, np.nan, volume())
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), expected)
    for suffix in ("nrrd", "fits"):
        geometry = geometry_of(tmp_path / f"b.{suffix}")
        assert geometry is not None
        assert (geometry.axes, geometry.spacing) == ((1, 2), (0.75, 0.5))
        assert geometry.origin == (1.0, 1.0)


def test_a_format_that_cannot_hold_it_says_which_can(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", u=volume(), v=volume())
    with pytest.raises(InvalidInputError, match=r"b\.nii: .*--var \(available: u, v\)"):
        rewrite(tmp_path / "a.npz", tmp_path / "b.nii")
    np.savez(tmp_path / "c.npz", u=volume("i4"))
    with pytest.raises(InvalidInputError, match=r"b\.mrc: .*cannot hold int32"):
        rewrite(tmp_path / "c.npz", tmp_path / "b.mrc")
    np.savez(tmp_path / "d.npz", u=np.zeros((2, *SHAPE), "f4"))
    with pytest.raises(InvalidInputError, match=r"VTK ImageData has 3"):
        rewrite(tmp_path / "d.npz", tmp_path / "b.vti")


def test_integers_are_fitted_where_there_are_no_floats(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", labels=volume("u1"), spacing=np.ones(3))
    assert [field.name for field in formats.read(tmp_path / "a.npz").fields] == ["labels"]
    np.savez(tmp_path / "b.npz", labels=volume("u1"), v=volume())
    dataset = formats.read(tmp_path / "b.npz")
    assert [field.name for field in dataset.fields] == ["v"]
    np.testing.assert_array_equal(dataset.verbatim["labels"], volume("u1"))
    with pytest.raises(InvalidOptionError, match="no variable 'w'; available: labels, v"):
        formats.read(tmp_path / "b.npz", ("w",))


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mrc", "fits", "vti", "tif", "npz", "zarr"])
def test_half_floats_are_widened_only_where_they_must_be(suffix: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", v=volume("f2"))
    back = formats.read(rewrite(tmp_path / "a.npz", tmp_path / f"b.{suffix}"))
    kept = suffix in ("mrc", "npz", "zarr")
    assert back.fields[0].dtype == (np.float16 if kept else np.float32)
    np.testing.assert_array_equal(back.fields[0].values[...], volume("f2"))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("endian", ["little", "big"])
def test_bare_samples_come_back_as_they_were(order: Any, endian: str, tmp_path: Path) -> None:
    data = b"header" + volume("<i2" if endian == "little" else ">i2").tobytes(order)
    (tmp_path / "a.raw").write_bytes(data)
    layout = codec.RawLayout(SHAPE, "int16", order, endian, 6)
    dataset = formats.read(tmp_path / "a.raw", None, layout)
    np.testing.assert_array_equal(dataset.fields[0].values[...], volume("i2"))
    formats.writer_for(tmp_path / "b.raw")(tmp_path / "b.raw", exact(dataset), "")
    assert (tmp_path / "b.raw").read_bytes() == data


def test_bare_samples_of_another_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(
        InvalidInputError, match=r"has 100 bytes; shape 5,5 of float32 .* takes 108"
    ):
        formats.read(tmp_path / "a.raw", None, codec.RawLayout((5, 5), "float32", offset=8))
    with pytest.raises(InvalidInputError, match="--shape"):
        formats.read(tmp_path / "a.raw")
    for wrong in ({"shape": ()}, {"dtype": "complex64"}, {"order": "A"}, {"offset": -1}):
        with pytest.raises(InvalidOptionError):
            codec.RawLayout(**({"shape": (5, 5), "dtype": "float32"} | wrong))


def test_encoded_files_keep_all_this_and_are_verified(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    smooth = np.sin(np.arange(np.prod(SHAPE)).reshape(SHAPE) / 300).astype(">f4")
    path.write_bytes(smooth.tobytes("F"))
    layout = codec.RawLayout(SHAPE, "float32", "F", "big")
    report = codec.encode(path, tmp_path / "a.inrc", psnr=60, effort=0, raw=layout, device="cpu")
    assert report.goal_met
    assert codec.verify(tmp_path / "a.inrc", path, psnr=60, device="cpu").qualities
    for name in ("b.raw", "b.zarr"):
        codec.decode(tmp_path / "a.inrc", tmp_path / name, device="cpu")
        with pytest.raises(InvalidInputError, match="exists already"):
            codec.decode(tmp_path / "a.inrc", tmp_path / name, device="cpu")
        codec.decode(tmp_path / "a.inrc", tmp_path / name, device="cpu", overwrite=True)
    back = np.frombuffer((tmp_path / "b.raw").read_bytes(), ">f4").reshape(SHAPE, order="F")
    np.testing.assert_allclose(back, smooth, atol=0.05)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "a.inrc",
        "a.raw",
        "b.raw",
        "b.zarr",
    ]


def test_a_folder_that_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", volume())
    codec.encode(tmp_path / "a.npy", tmp_path / "a.inrc", psnr=30, effort=0, device="cpu")
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInputError, match="is a folder"):
        codec.decode(tmp_path / "a.inrc", tmp_path / "b.zarr", overwrite=True, device="cpu")
    assert (tmp_path / "b.zarr" / "thesis.txt").exists()


def test_the_layout_and_its_tree() -> None:
    layout = DatasetLayout(
        (
            ArrayLayout(
                "v", ("v/0", "v/1"), 0, (2, 1, 3), scale=(2.0, 0.5), fills=(-1,), native={0: 1}
            ),
            ArrayLayout("w", ("w",), unit="K", dtype=">f4"),
            ArrayLayout("kept"),
        ),
        {0: b"header"},
    )
    assert DatasetLayout.from_tree(layout.to_tree()) == layout
    assert ArrayLayout("w", ("w",)).to_tree() == {0: "w"}


@pytest.mark.parametrize(
    "array",
    [
        [],
        {0: 1},
        {0: "v", 1: ["v/0", "v/1"]},
        {0: "v", 2: -1},
        {0: "v", 3: [-1]},
        {0: "v", 6: [0.0, 1.0]},
        {0: "v", 6: [1.0]},
        {0: "v", 7: ["a"]},
        {0: "v", 8: "O"},
        {0: "v", 8: "|V8"},
        {0: "v", 10: 0},
        {0: "kept"},
    ],
)
def test_a_layout_that_breaks_a_rule_is_corrupt(array: Any) -> None:
    with pytest.raises(CorruptError, match="metadata of the arrays"):
        DatasetLayout.from_tree({0: [array, {0: "kept", 1: []}]})


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        (ArrayLayout("v", ("v", "w"), 7), "components"),
        (ArrayLayout("v", ("v", "w"), 0, (2, 3)), "shape"),
        (ArrayLayout("v", ("v",), geometry=Geometry((5,), (1.0,))), "axes"),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "vti", "nc"])
def test_a_layout_that_does_not_fit_its_fields_is_corrupt(
    layout: ArrayLayout, reason: str, suffix: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", v=volume(), w=volume())
    fields = exact(formats.read(tmp_path / "a.npz")).fields
    made = DecodedDataset("nifti", fields, DatasetLayout((layout,)).to_tree(), {})
    target = tmp_path / f"b.{suffix}"
    with pytest.raises(CorruptError, match=f"'v' does not .*{reason}"):
        formats.writer_for(target)(target, made, "")


@pytest.mark.parametrize("place", ["../evil/zarr.json", "/evil/zarr.json", "a/evil.txt"])
def test_documents_of_a_store_stay_inside_it(place: str, tmp_path: Path) -> None:
    tree = DatasetLayout((), {0: [place, "{}"]}).to_tree()
    target = tmp_path / "b.zarr"
    target.mkdir()
    with pytest.raises(CorruptError, match="is no document of a store"):
        formats.writer_for(target)(target, DecodedDataset("zarr", (), tree, {}), "")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["b.zarr"]


def test_zipped_files_are_known_by_what_they_hold(tmp_path: Path) -> None:
    source = written("a.mrc", tmp_path)
    packed = tmp_path / "a.bin"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    np.testing.assert_array_equal(formats.read(packed).fields[0].values[...], volume())
    packed.write_bytes(b"\x1f\x8b broken")
    with pytest.raises(InvalidInputError, match="gzip file is truncated or damaged"):
        formats.read(packed)
