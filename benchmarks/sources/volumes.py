"""The volumes of the rate-distortion benchmark, read as those who measured the peers read them."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from sources.source import Sample, Source


def _archive(key: str = "data") -> Callable[[Path], Sample]:
    def read(path: Path) -> Sample:
        with np.load(path) as archive:
            return Sample(np.ascontiguousarray(archive[key]))

    return read


def _vectors(path: Path) -> Sample:
    """Velocities (z, y, x, component) with the component as the slowest axis."""
    with np.load(path) as archive:
        return Sample(np.ascontiguousarray(np.moveaxis(archive["vectors"], -1, 0)))


def _netcdf(name: str, index: Any = ...) -> Callable[[Path], Sample]:
    """A variable, unpacked where it is packed, as float32."""

    def read(path: Path) -> Sample:
        from netCDF4 import Dataset

        # An unusable _FillValue is not our matter: no sample equals it.
        with Dataset(path) as file, warnings.catch_warnings(action="ignore"):
            masked = np.ma.asarray(file[name][index])
        valid = ~np.ma.getmaskarray(masked)
        values = np.asarray(masked.filled(0), np.float32)
        return Sample(values, None if valid.all() else valid)

    return read


def _nifti(path: Path) -> Sample:
    """(t, z, y, x), the reverse of the file's order."""
    import nibabel

    image: Any = nibabel.load(path)
    return Sample(np.ascontiguousarray(np.asarray(image.dataobj, np.float32).T))


def _density_map(path: Path) -> Sample:
    """A gzipped CCP4 map of float32 (mode 2), (section, row, column)."""
    data = gzip.decompress(path.read_bytes())
    header = np.frombuffer(data, "<i4", 256)
    columns, rows, sections, mode = (int(word) for word in header[:4])
    if mode != 2:
        raise ValueError(f"{path.name}: mode {mode} instead of float32")
    start, count = 1024 + int(header[23]), columns * rows * sections
    return Sample(_native(data, "<f4", start, (sections, rows, columns), count))


def _fits_cube(path: Path) -> Sample:
    """The float32 cube of a FITS file's first unit, (53, 105, 105)."""
    data = path.read_bytes()
    end = next(at for at in range(0, len(data), 80) if data[at : at + 8].strip() == b"END")
    start = -(-(end + 80) // 2880) * 2880
    shape = (53, 105, 105)
    return Sample(_native(data, ">f4", start, shape, int(np.prod(shape))))


def _native(data: bytes, dtype: str, start: int, shape: tuple[int, ...], count: int) -> Array:
    return np.frombuffer(data, dtype, count, start).reshape(shape).astype(np.float32)


def _iris(file: str, name: str) -> Callable[[Path], Sample]:
    def read(_: Path) -> Sample:
        import iris_sample_data  # type: ignore[import-untyped]

        return _netcdf(name)(Path(iris_sample_data.path) / file)

    return read


def _film(_: Path) -> Sample:
    """Patches of faces as a stack of grey pictures, (picture, rows, columns), float32 of 0 to 1."""
    import skimage

    return Sample(
        np.load(Path(skimage.__file__).parent / "data" / "lfw_subset.npy").astype(np.float32)
    )


_IRIS, _SCIKIT = "iris_sample_data", "skimage"
SOURCES = (
    Source("heptane302", "volumes/heptane_302_u8.npz", _archive()),
    Source("rm_t20_256", "volumes/richtmyer_meshkov_t20_256_u8.npz", _archive()),
    Source("turb_wmag91", "volumes/turb_wmag_91_f32.npz", _archive()),
    Source("isabel_wind_6t", "volumes/isabel_windspeed_6x25x125x125_f32.npz", _archive()),
    Source("bonsai256", "volumes/bonsai_ct_256_u8.npz", _archive()),
    Source("cranium_ct", "volumes/cranium_ct_108x256x256_i16.npz", _archive()),
    Source("inia19_t1", "volumes/inia19_t1_macaque_f32.nii.gz", _nifti),
    Source("asl_4d", "volumes/mpld_asl_4d_f32.nii.gz", _nifti),
    Source("jmjd2da", "volumes/jmjd2da_event_147x152x137_f32.ccp4.gz", _density_map),
    Source("l1448_13co", "volumes/l1448_13co_f32.fits", _fits_cube),
    Source("levitus_temp", "volumes/levitus_climatology.cdf", _netcdf("TEMP")),
    Source("levitus_salt", "volumes/levitus_climatology.cdf", _netcdf("SALT")),
    Source("navy_uwnd", "volumes/monthly_navy_winds.cdf", _netcdf("UWND")),
    Source("eraint_u", "volumes/eraint_uvz.nc", _netcdf("u")),
    Source("echam_t", "volumes/echam_rectilinear_grid_3D.nc", _netcdf("t", 0)),
    Source("echam_rhum", "volumes/echam_rectilinear_grid_3D.nc", _netcdf("rhumidity", 0)),
    Source("carotid_vec", "volumes/carotid_mra_45x49x76_f32.npz", _vectors),
    Source("iris_potential", _IRIS, _iris("hybrid_height.nc", "air_potential_temperature"), True),
    Source("iris_air", _IRIS, _iris("A1B_north_america.nc", "air_temperature"), True),
    Source("iris_ostia", _IRIS, _iris("ostia_monthly.nc", "surface_temperature"), True),
    Source("skimage_faces", _SCIKIT, _film, True),
)
