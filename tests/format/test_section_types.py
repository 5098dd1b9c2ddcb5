"""The table of section types: it agrees with itself, and nothing beside it lists types."""

from __future__ import annotations

import ast

import pytest

from codec.format.section_types import SECTION_TYPES, Copier, handler, section_type
from tests.conftest import REPOSITORY


def test_every_function_that_a_row_names_exists() -> None:
    for row in SECTION_TYPES.values():
        for reference in filter(None, (row.encode, row.check, row.describe)):
            assert callable(handler(reference)), reference


def test_rows_stand_under_their_names_in_the_order_of_a_file() -> None:
    assert [row.name for row in SECTION_TYPES.values()] == list(SECTION_TYPES)
    ranks = [row.rank for row in SECTION_TYPES.values()]
    assert ranks == sorted(ranks)
    assert all(row.known and row.digested >= row.owned for row in SECTION_TYPES.values())


@pytest.mark.parametrize(
    ("name", "critical", "copied_by"),
    [
        ("XXXX", True, frozenset()),
        ("XXXx", True, frozenset(Copier)),
        ("xXXX", False, frozenset()),
        ("xxXx", False, frozenset(Copier)),
    ],
)
def test_letters_tell_of_an_unknown_type(
    name: str, critical: bool, copied_by: frozenset[Copier]
) -> None:
    row = section_type(name)
    assert (row.known, row.critical, row.copied_by) == (False, critical, copied_by)
    assert not any((row.at_most_once, row.digested, row.owned))


def lists_of_types(source: str) -> list[int]:
    """Lines of tuples, lists, sets and dicts that hold more than one name of a type."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            elements = [key for key in node.keys if key is not None]
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            elements = node.elts
        else:
            continue
        names = [element.value for element in elements if isinstance(element, ast.Constant)]
        if sum(name in SECTION_TYPES for name in names if isinstance(name, str)) > 1:
            lines.append(node.lineno)
    return lines


def test_no_other_module_lists_types() -> None:
    for path in sorted((REPOSITORY / "codec").rglob("*.py")):
        assert lists_of_types(path.read_text("utf-8")) == [], path


@pytest.mark.parametrize(
    "source", ['A = ("TENS", "RESD")', 'f({"HEAD", "ENDS"})', 'B = {"HEAD": 0, "MASK": 1}']
)
def test_the_scan_finds_a_planted_list(source: str) -> None:
    assert lists_of_types(source) == [1]
