"""The suite on disk: its size, its schema, its digests."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from inrc_conformance.runner.suite import DEFAULT_SUITE, FOLDERS, INVALID, SuiteError, load_suite

LARGEST = 5_000_000


def test_it_is_small_and_has_all_folders() -> None:
    folders = Counter(one.id.split("/")[0] for one in load_suite(DEFAULT_SUITE))
    assert set(folders) == {*FOLDERS.values(), INVALID}
    assert folders["valid"] >= 60
    assert folders.total() - folders["valid"] >= 120
    assert sum(p.stat().st_size for p in DEFAULT_SUITE.rglob("*") if p.is_file()) < LARGEST


def test_vectors_are_those_of_the_committed_digests() -> None:
    listed = {}
    for line in (DEFAULT_SUITE / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, path = line.split("  ")
        listed[path] = digest
    found = {
        path.relative_to(DEFAULT_SUITE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DEFAULT_SUITE.rglob("*.inrc*")
    }
    assert found == listed


def test_every_valid_and_invalid_case_says_what_it_expects() -> None:
    for one in load_suite(DEFAULT_SUITE):
        assert one.expect == "ok" or one.info["reason"]
        if one.expect == "ok":
            assert all(
                (
                    one.folder / f"expected-{which}{limits['item']}-{limits['component']}.npy"
                ).exists()
                for limits in one.info["limits"]
                for which in ("", "values-")
            )


@pytest.mark.parametrize(
    "change",
    [
        {"surplus": 1},
        {"expect": "fine"},
        {"expect": "malformed"},
        {"id": "valid/items/another"},
        {"id": "malformed/items/constant"},
        {"spec": []},
        {"spec": ["val-1"]},
        {"level": True},
        {"integers_sha256": "00"},
        {"architectures": None},
        {"limits": [{"item": 0}]},
    ],
)
def test_a_case_that_breaks_the_schema_is_refused(tmp_path: Path, change: dict) -> None:
    folder = tmp_path / "valid" / "items" / "constant"
    shutil.copytree(DEFAULT_SUITE / "valid" / "items" / "constant", folder)
    assert len(load_suite(tmp_path)) == 1
    info = json.loads((folder / "case.json").read_text())
    (folder / "case.json").write_text(json.dumps(info | change))
    with pytest.raises(SuiteError, match=r"case\.json"):
        load_suite(tmp_path)
