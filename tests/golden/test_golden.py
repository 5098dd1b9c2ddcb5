"""Files of earlier releases are decoded to what they were decoded to then."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.entropy import stream
from codec.plugin_api import registry
from codec.reading.contents import FileContents
from tests.golden import add

NAMES = sorted(path.stem for path in add.FOLDER.glob("*.inrc"))
_MOST_BYTES = 150_000


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_decodes_to_what_it_did(name: str) -> None:
    path = add.FOLDER / f"{name}.inrc"
    expected = json.loads(path.with_suffix(".json").read_text())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected["sha256"]
    with FileContents(path, device="cpu", threads=1) as contents:
        contents.check_digest()
        assert contents.integer_digest().hex() == expected["integers"]
    with codec.open(path, device="cpu", threads=1) as file:
        assert list(file) == sorted(expected["fields"], key=list(file).index)
        with np.load(path.with_suffix(".npz")) as stored:
            for field, view in file.items():
                told, values = expected["fields"][field], view[...]
                assert (str(values.dtype), list(values.shape)) == (told["dtype"], told["shape"])
                if "sha256" in told:
                    assert hashlib.sha256(values.tobytes()).hexdigest() == told["sha256"]
                    continue
                kept = stored[field].astype(np.float64)
                found = add.some(values).astype(np.float64)
                known = np.isfinite(kept)
                np.testing.assert_array_equal(found[~known], kept[~known])
                far = np.abs(found[known] - kept[known]).max(initial=0)
                # And a value is rounded to its dtype.
                ulp = np.spacing(np.abs(kept[known]).max(initial=0).astype(values.dtype))
                assert far <= told["tolerance"] + (ulp if values.dtype.kind == "f" else 0)


def test_there_is_a_golden_file_of_every_architecture_kind_and_coder() -> None:
    architectures, kinds, sections, contents = set(), set(), set(), ""
    for name in NAMES:
        path = add.FOLDER / f"{name}.inrc"
        contents += " ".join(section.content for section in codec.info(path).sections) + " "
        with FileContents(path, device="cpu") as file:
            architectures |= {item.architecture.name for item in file.items}
            kinds.add(file.streams.head.kind)
            sections |= {section.type for section in file.streams.sections.sections}
    assert architectures == set(registry.names("architecture"))
    assert kinds == {"volume", "image", "sdf"}
    assert sections >= {"MASK", "RESD", "VERB", "mETa", "pROv", "TENS"}
    coders = set(re.findall(r"\d+ in (\w+)", contents))
    assert coders == {*stream.CODERS, "mixing", "octree", "array", "static"}
    assert "validity" in contents
    assert "sparsity" in contents


def test_golden_files_are_small() -> None:
    assert sum(path.stat().st_size for path in add.FOLDER.iterdir()) < _MOST_BYTES


def test_a_golden_file_is_never_replaced(tmp_path: Path) -> None:
    source = add.FOLDER / "constant.inrc"
    add.add("new", source, tmp_path)
    before = (tmp_path / "new.inrc").stat().st_mtime_ns
    with pytest.raises(FileExistsError, match="never replaced"):
        add.add("new", add.FOLDER / "pyramid.inrc", tmp_path)
    (tmp_path / "new.inrc").rename(tmp_path / "other")
    with pytest.raises(FileExistsError, match="never replaced"):
        add.add("new", source, tmp_path)
    assert (tmp_path / "other").stat().st_mtime_ns == before
