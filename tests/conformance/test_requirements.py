"""Every requirement of the format text has an id, and every id a vector or a reason."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from inrc_conformance.coverage import requirements
from inrc_conformance.coverage.main import LIMITATIONS, coverage, explained_ids, named_tests
from inrc_conformance.coverage.page import COVERAGE, counted, page, unexplained
from inrc_conformance.runner.suite import DEFAULT_SUITE, load_suite

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "format_spec"


@pytest.fixture(scope="module")
def cases():
    return load_suite(DEFAULT_SUITE)


def test_every_requirement_of_the_text_has_one_id() -> None:
    assert requirements.nameless(SPEC) == []
    assert requirements.defined_twice(SPEC) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "A decoder MUST not sleep.",
        "- A pony is malformed.",
        "An encoder SHALL\nhurry.",
        "X MUST NOT.",
    ],
)
def test_a_requirement_without_an_id_is_noticed(tmp_path: Path, sentence: str) -> None:
    spec = tmp_path / "spec"
    shutil.copytree(SPEC, spec)
    with (spec / "architectures" / "pyramid.md").open("a", encoding="utf-8") as page_of_text:
        page_of_text.write(f"\n{sentence}\n")
    assert [one.page for one in requirements.nameless(spec)] == ["architectures/pyramid.md"]


def test_every_id_has_a_vector_or_a_reason(cases) -> None:
    found = coverage(SPEC, cases)
    assert found.unknown == []
    assert found.unexplained == []
    assert found.obsolete == []


def test_an_id_that_nobody_tests_is_noticed(tmp_path: Path, cases) -> None:
    spec = tmp_path / "spec"
    shutil.copytree(SPEC, spec)
    (spec / "more.md").write_text("- [NEW-1] A decoder MUST smile.\n", encoding="utf-8")
    assert coverage(spec, cases).unexplained == ["NEW-1"]


def test_tests_that_limitations_name_exist() -> None:
    tests = named_tests(LIMITATIONS)
    assert tests
    for path, name in tests:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{path} has no {name}"


def test_each_reason_is_one() -> None:
    _, _, section = LIMITATIONS.read_text(encoding="utf-8").partition("## Ids without a vector")
    entries = section.split("\n- ")[1:]
    assert len(entries) == len(explained_ids(LIMITATIONS))
    assert all(len(entry.split(":", 1)[1].split()) > 5 for entry in entries)


def test_the_coverage_page_is_what_the_vectors_give(cases) -> None:
    counts = counted(cases)
    vectors = coverage(SPEC, cases).vectors
    assert COVERAGE.read_text(encoding="utf-8") == page(cases, counts, vectors)
    assert unexplained(counts) == []
