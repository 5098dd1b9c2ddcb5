"""The demonstration behind `make demo`: a real NetCDF file, there and back again.

Encodes a sample of the package iris-sample-data with the `inrc` command, decodes it in a process of
its own, and compares the decoded NetCDF file with the original through netCDF4 alone. Everything
printed was measured in this run.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from netCDF4 import Dataset
from plots.demo_slices import draw_slices

from codec.arrays import Array

INRC = Path(sys.executable).with_name("inrc")
SAMPLE = "ostia_monthly.nc"
FIELD = "surface_temperature"


@dataclass(frozen=True)
class Comparison:
    """Fitted field of both files, and its differences.

    Attributes:
        original, decoded: float64 with NaN where invalid, the shape of the field.
        dims, units: dims and units of the field.
        stored_bytes: size of the field in its stored dtype.
        psnr: dB, peak = the original's range.
        max_error, value_range: greatest error and range, in `units`.
        others_equal: whether all other variables, and all attributes but `history`, are equal.
    """

    original: Array
    decoded: Array
    dims: tuple[str, ...]
    units: str
    stored_bytes: int
    psnr: float
    max_error: float
    value_range: float
    others_equal: bool


def find_sample(name: str) -> Path:
    """Path of a sample in the installed package."""
    import iris_sample_data  # type: ignore[import-untyped]

    path = Path(iris_sample_data.path) / name
    if not path.exists():
        sys.exit(f"demo: iris-sample-data has no {name}")
    return path


def run(*arguments: str) -> float:
    """Run `inrc` in a new process; seconds it took."""
    print("$ inrc", *(Path(part).name if "/" in part else part for part in arguments), flush=True)
    started = time.perf_counter()
    code = subprocess.run([INRC, *arguments], check=False).returncode
    if code:
        sys.exit(f"demo: inrc ended with exit code {code}")
    return time.perf_counter() - started


def compare(original: Path, decoded: Path, field: str) -> Comparison:
    """Open both files and compare everything in them."""
    with Dataset(original) as before, Dataset(decoded) as after:
        variable = before.variables[field]
        values = _values(variable)
        restored = _values(after.variables[field])
        difference = np.abs(restored - values)
        value_range = float(np.nanmax(values) - np.nanmin(values))
        error = float(np.nanmean(difference**2))
        same_mask = bool((np.isnan(values) == np.isnan(restored)).all())
        return Comparison(
            original=values,
            decoded=restored,
            dims=variable.dimensions,
            units=str(getattr(variable, "units", "")),
            stored_bytes=values.size * variable.dtype.itemsize,
            psnr=20 * math.log10(value_range) - 10 * math.log10(error),
            max_error=float(np.nanmax(difference)),
            value_range=value_range,
            others_equal=same_mask and _others_equal(before, after, field),
        )


def _values(variable: Any) -> Array:
    return np.ma.filled(np.ma.asarray(variable[...]).astype(np.float64), np.nan)


def _others_equal(before: Any, after: Any, field: str) -> bool:
    if before.variables.keys() != after.variables.keys():
        return False
    if _attributes(before) != _attributes(after):
        return False
    for name, variable in before.variables.items():
        if _attributes(variable) != _attributes(after.variables[name]):
            return False
        same = np.array_equal(np.asarray(variable[...]), np.asarray(after.variables[name][...]))
        if name != field and not same:
            return False
    return True


def _attributes(owner: Any) -> dict[str, list[Any]]:
    names = [name for name in owner.ncattrs() if name != "history"]
    return {name: np.atleast_1d(owner.getncattr(name)).tolist() for name in names}


def show(source: Path, coded: Path, compared: Comparison, seconds: tuple[float, float]) -> None:
    """Print the table."""
    size, source_bytes = coded.stat().st_size, source.stat().st_size
    shape = " x ".join(map(str, compared.original.shape))
    worst = compared.max_error / compared.value_range
    rows = [
        ("field", f"{FIELD}, {shape}, {compared.stored_bytes:,} bytes"),
        ("source file", f"{source.name}, {source_bytes:,} bytes"),
        (".inrc file", f"{size:,} bytes"),
        (
            "ratio",
            f"{compared.stored_bytes / size:.1f} to the field, "
            f"{source_bytes / size:.1f} to the source file",
        ),
        (
            "PSNR",
            f"{compared.psnr:.2f} dB (peak = range, {compared.value_range:.1f} {compared.units})",
        ),
        ("max error", f"{compared.max_error:.3f} {compared.units} ({worst:.1%} of the range)"),
        (
            "everything else",
            "identical (coordinates, attributes, invalid samples)"
            if compared.others_equal
            else "DIFFERS",
        ),
        ("encode", f"{seconds[0]:.1f} s, whole command"),
        ("decode", f"{seconds[1]:.1f} s, whole command, new process"),
    ]
    print()
    for name, text in rows:
        print(f"{name:<16} {text}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--psnr", default="40", help="target in dB")
    parser.add_argument("--effort", default="3", help="0 to 9")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder to write to")
    parser.add_argument("--picture", type=Path, help="where to write the PNG [OUT/slice.png]")
    return parser.parse_args()


def main() -> int:
    """Run the demonstration; 1 if what should be kept exactly was not."""
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    source = find_sample(SAMPLE)
    coded = options.out / f"{source.stem}.inrc"
    decoded = options.out / f"{source.stem}.decoded.nc"
    target = ("--psnr", options.psnr, "--effort", options.effort)
    encoding = run("encode", str(source), "-o", str(coded), *target, "--force")
    decoding = run("decode", str(coded), "-o", str(decoded), "--force")
    compared = compare(source, decoded, FIELD)
    show(source, coded, compared, (encoding, decoding))
    picture = options.picture or options.out / "slice.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    ratio = compared.stored_bytes / coded.stat().st_size
    draw_slices(picture, source, decoded, FIELD, f"{ratio:.0f} : 1, {compared.psnr:.1f} dB")
    print(f"{'picture':<16} {picture}")
    return 0 if compared.others_equal else 1


if __name__ == "__main__":
    sys.exit(main())
