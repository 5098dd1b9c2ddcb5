"""Units of length: the names that metadata use, and those of NIfTI, TIFF and MRC.

Metadata say "m", "mm", "um" and "angstrom"; any other unit keeps the name that its file gives it.
"""

from __future__ import annotations

_NIFTI_NAMES = {"mm": "mm", "um": "micron", "µm": "micron", "micron": "micron", "m": "meter"}
_FROM_NIFTI = {"unknown": "", "micron": "um", "meter": "m"}
_FROM_TIFF = {"\\u00B5m": "um", "µm": "um", "micron": "um", "microns": "um", "pixel": ""}
_OME_NAMES = {"um": "µm", "angstrom": "Å", "": "pixel"}
_ANGSTROMS = {"": 1.0, "angstrom": 1.0, "Å": 1.0, "A": 1.0, "nm": 10.0, "um": 1e4, "mm": 1e7}


def from_nifti(name: str) -> str:
    """The unit that a NIfTI header names."""
    return _FROM_NIFTI.get(name, name)


def nifti_name(unit: str) -> str | None:
    """The name of a unit in NIfTI headers; None for one that NIfTI does not know."""
    return _NIFTI_NAMES.get(unit)


def from_tiff(name: str) -> str:
    """The unit that ImageJ or OME names in a TIFF file."""
    return _FROM_TIFF.get(name, name)


def ome_name(unit: str) -> str:
    """The name of a unit in OME's description of a TIFF file."""
    return _OME_NAMES.get(unit, unit)


def angstroms(unit: str) -> float:
    """The size of a unit in angstroms, the unit of MRC; 1 for a unit that is not known."""
    return _ANGSTROMS.get(unit, 1.0)
