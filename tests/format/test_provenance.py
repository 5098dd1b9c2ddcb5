"""pROv: few bytes, the same on every machine, and nothing that a reader depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import CorruptError
from codec.format import cbor, provenance
from codec.format.provenance import Provenance
from tests.building import edited, fvsrn_file
from tests.conftest import REPOSITORY

FILE = fvsrn_file((6, 5))


@pytest.mark.parametrize(
    "made",
    [
        Provenance(),
        Provenance(("psnr", 47.5), 0, 2, "inrc 1.0.0"),
        Provenance(("bytes", 20000), 9),
        Provenance(("max_error", 0), architecture=1),
    ],
)
def test_what_is_written_is_read(made: Provenance) -> None:
    assert Provenance.from_bytes(made.to_bytes()) == made


def test_numbers_of_goals_are_those_of_the_registry() -> None:
    registry = json.loads((REPOSITORY / "format_spec" / "registry.json").read_text("utf-8"))
    assert registry["goals"] == {name: number for number, name in enumerate(provenance.GOALS)}


def test_it_takes_few_bytes() -> None:
    """With twelve of the encoder's name and version."""
    made = Provenance(("psnr", 40.0), 3, 2, "inrc 1.0.0")
    assert len(made.to_bytes()) <= 24


BAD: list[Any] = [
    [],
    {4: 1},
    {0: 40},
    {0: [0, "40"]},
    {0: [5, 1]},
    {0: [0, 0]},
    {0: [0, float("inf")]},
    {0: [3, -1]},
    {0: [4, 1]},
    {0: [2, 1.5]},
    {0: [True, 1]},
    {1: -1},
    {2: "pyramid"},
    {3: 1},
]


@pytest.mark.parametrize("tree", BAD, ids=map(repr, BAD))
def test_a_section_that_breaks_a_rule_is_ignored(tree: Any) -> None:
    payload = cbor.encode(tree)
    with pytest.raises(CorruptError):
        Provenance.from_bytes(payload)
    data = edited(FILE, lambda sections: sections.insert(1, ("pROv", 0, payload)))
    with codec.open(data, device="cpu") as file:
        assert file.made == Provenance()
        file.check_digest()
    assert "unknown" in {one.type: one.content for one in codec.info(data).sections}["pROv"]


def test_of_several_the_first_counts() -> None:
    first, second = (Provenance(effort=number).to_bytes() for number in (1, 2))
    both = [("pROv", 0, first), ("pROv", 0, second)]
    data = edited(FILE, lambda sections: [sections[0], *both, *sections[1:]])
    assert codec.info(data).made == Provenance(effort=1)


def test_small_files_do_not_have_it(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.linspace(0, 1, 512, dtype="f4").reshape(8, 8, 8))
    codec.encode(tmp_path / "a.npy", tmp_path / "a.inrc", psnr=30, effort=0, device="cpu")
    assert codec.info(tmp_path / "a.inrc").made is None
