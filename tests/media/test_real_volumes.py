"""Real files come in as their own libraries see them, and go back to where they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.media import formats
from codec.media.libraries import library
from tests.media_samples import rewrite


def _nifti(path: Path) -> Any:
    return np.asarray(library("nibabel").load(path).dataobj).T


def _mrc(path: Path) -> Any:
    with library("mrcfile").open(path, permissive=True) as file:
        return np.array(file.data)


def _fits(path: Path) -> Any:
    with library("astropy.io.fits").open(path) as file:
        return np.array(file[0].data)


@pytest.mark.volumes
@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("mpld_asl_4d_f32.nii.gz", _nifti),
        ("jmjd2da_event_147x152x137_f32.ccp4.gz", _mrc),
        ("l1448_13co_f32.fits", _fits),
    ],
)
def test_real_files_come_back(
    name: str, load: Callable[[Path], Any], volumes: Path, tmp_path: Path
) -> None:
    dataset = formats.read(volumes / name)
    expected = load(volumes / name)
    np.testing.assert_array_equal(dataset.fields[0].values[...], expected)
    dataset.close()
    # Without compression, to be quick.
    back = rewrite(volumes / name, tmp_path / f"back{Path(name.removesuffix('.gz')).suffix}")
    np.testing.assert_array_equal(load(back), expected)
