"""Adds golden files: files of this release, and what they decode to, for every later one.

    python tests/golden/add.py NAME ...      (samples of samples.py; with --file NAME FILE, a file)

Nothing that is there is ever overwritten: a golden file that a release cannot read is a bug of the
release.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import codec
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from tests.golden import samples

FOLDER = Path(__file__).with_name("files")
# Samples of a field that are kept.
_KEPT = 1024


def some(values: np.ndarray) -> np.ndarray:
    """Samples from all over a field, as many as are kept."""
    flat = values.ravel()
    return flat[:: max(1, -(-flat.size // _KEPT))]


def described(file: FileContents) -> dict[str, Any]:
    """What must not change: exact integers, and of each field what class F allows."""
    return {
        "integers": file.integer_digest().hex(),
        "fields": {name: _field(decoder) for name, decoder in file.decoders.items()},
    }


def _field(decoder: FieldDecoder) -> dict[str, Any]:
    values = decoder[...]
    lossless = decoder.bound == 0
    half = max(
        component.scale
        for item in decoder.items
        for component in item.header.components
        if component.name == decoder.name
    )
    found: dict[str, Any] = {"dtype": str(values.dtype), "shape": list(values.shape)}
    if lossless:
        found["sha256"] = hashlib.sha256(values.tobytes()).hexdigest()
    elif values.dtype.kind != "f":
        found["tolerance"] = 1
    else:
        # Two decoders of class F are each within 2^-16 of the range of the reference (VAL-5).
        found["tolerance"] = 2 * 2.0**-16 * 2 * half
    return found


def add(name: str, source: Path, folder: Path = FOLDER) -> None:
    """Copy a file and write down what it decodes to.

    Raises:
        FileExistsError: there is a golden file of this name.
    """
    target = folder / f"{name}.inrc"
    if any(path.exists() for path in (target, *map(target.with_suffix, (".json", ".npz")))):
        raise FileExistsError(f"{target}: golden files are never replaced; choose another name")
    with FileContents(source, device="cpu", threads=1) as file:
        found = described(file)
        values = {name: some(field[...]) for name, field in file.fields.items()}
    found["release"] = codec.__version__
    found["sha256"] = hashlib.sha256(source.read_bytes()).hexdigest()
    shutil.copyfile(source, target)
    np.savez_compressed(target.with_suffix(".npz"), **values)
    target.with_suffix(".json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--file"]:
        add(arguments[1], Path(arguments[2]))
        return
    for name in arguments:
        with tempfile.TemporaryDirectory() as folder:
            add(name, samples.encode(name, Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
