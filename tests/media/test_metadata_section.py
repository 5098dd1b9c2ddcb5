"""Metadata that break a rule cost nothing but themselves."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import CorruptError
from codec.format import cbor
from tests import building

UNSOUND: dict[str, Any] = {
    "netcdf: a group is not a map": {0: "netcdf", 1: {1: [3]}},
    "zarr: a name is not text": {0: "zarr", 1: {0: [{0: 7}]}},
    "hdf5: fields of another shape": {0: "hdf5", 1: {0: [{0: "all", 1: ["v0"], 3: [5]}]}},
    "nifti: an axis too many": {0: "nifti", 1: {0: [{0: "v0", 4: {0: [1.0], 5: [2]}}]}},
    "image: an empty profile": {0: "image", 1: {0: b""}},
    "mesh: no origin": {0: "mesh", 1: {1: 1.0}},
    "npy: not empty": {0: "npy", 1: {0: 1}},
    "no medium": {1: {}},
    "an unknown key": {0: "npy", 2: 1},
    "no map": [1, 2],
}


@pytest.fixture(params=UNSOUND.values(), ids=UNSOUND)
def unsound(request: pytest.FixtureRequest) -> bytes:
    data = building.fvsrn_file((6, 5))

    def change(sections: building.Sections) -> building.Sections:
        described = ("mETa", 0, cbor.encode(request.param))
        others = [one for one in sections if one[0] != "mETa"]
        return [*others[:-1], described, others[-1]]

    return building.edited(data, change)


def test_the_fields_are_decoded_with_a_warning(
    unsound: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, target = tmp_path / "unsound.inrc", tmp_path / "v0.npy"
    path.write_bytes(unsound)
    with caplog.at_level(logging.WARNING, "inrc"):
        codec.decode(path, target, device="cpu")
        with codec.open(path, device="cpu") as file:
            assert (file.medium, file.metadata, file["v0"].attrs) == ("", {}, {})
            np.testing.assert_array_equal(np.load(target), file["v0"][...])
    assert "ignoring the metadata" in caplog.text


def test_verify_refuses_and_repair_leaves_them_out(unsound: bytes, tmp_path: Path) -> None:
    path, target = tmp_path / "unsound.inrc", tmp_path / "repaired.inrc"
    path.write_bytes(unsound)
    with pytest.raises(CorruptError) as caught:
        codec.verify(path, device="cpu")
    assert caught.value.section == "mETa"
    report = codec.repair(path, target)
    assert [(loss.kind, loss.name) for loss in report.losses] == [("metadata", "")]
    codec.verify(target, device="cpu")
    with codec.open(path, device="cpu") as old, codec.open(target, device="cpu") as new:
        np.testing.assert_array_equal(old["v0"][...], new["v0"][...])
    assert not [section for section in codec.info(target).sections if section.type == "mETa"]


def test_what_nobody_knows_is_no_fault(tmp_path: Path) -> None:
    data = building.edited(
        building.fvsrn_file((6, 5)),
        lambda sections: [
            *(one for one in sections[:-1] if one[0] != "mETa"),
            ("mETa", 0, cbor.encode({0: "of tomorrow", 1: {0: 1}})),
            sections[-1],
        ],
    )
    path = tmp_path / "tomorrow.inrc"
    path.write_bytes(data)
    codec.verify(path, device="cpu")
    with codec.open(path, device="cpu") as file:
        assert file.medium == "of tomorrow"
