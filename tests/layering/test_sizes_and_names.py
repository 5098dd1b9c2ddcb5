"""Modules fit on few screens, functions on one, and names say what they hold."""

from __future__ import annotations

import ast
import tomllib

import pytest

from tests.conftest import REPOSITORY

FOLDERS = ("codec", "plugins", "cli", "conformance", "benchmarks")
MOST_LINES = 400
MOST_STATEMENTS = 40
# Words that stand where a noun says what the thing is.
EMPTY_NAMES = {"found", "one", "own", "kept", "rest"}
EMPTY_MODULES = {"utils", "util", "misc", "helpers", "helper", "common"}
MODULES = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def empty_names(source: str) -> list[str]:
    """Variables, arguments, attributes and functions with an empty name, as line: name."""
    return [
        f"{getattr(node, 'lineno', 0)}: {name}"
        for node in ast.walk(ast.parse(source))
        for name in (getattr(node, attribute, None) for attribute in ("id", "arg", "attr", "name"))
        if isinstance(name, str) and name in EMPTY_NAMES
    ]


def test_modules_have_at_most_400_lines() -> None:
    assert len(MODULES) > 400
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in MODULES
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def test_functions_have_at_most_40_statements_by_rule_of_the_linter() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
    assert "PLR0915" in settings["lint"]["select"]
    assert settings["lint"]["pylint"]["max-statements"] == MOST_STATEMENTS
    excused = [
        folder for folder, rules in settings["lint"]["per-file-ignores"].items()
        if "PLR0915" in rules
    ]  # fmt: skip
    assert excused == ["tests/**"]


def test_no_module_is_named_after_nothing() -> None:
    assert not [path for path in MODULES if path.stem in EMPTY_MODULES]


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_say_what_they_hold(folder: str) -> None:
    named: dict[str, list[str]] = {}
    for path in MODULES:
        if path.is_relative_to(REPOSITORY / folder) and (
            names := empty_names(path.read_text("utf-8"))
        ):
            named[str(path.relative_to(REPOSITORY))] = names
    assert not named


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "def f(one): ...",
        "def rest(): ...",
        "f(kept=1)",
        "class A:\n    own: int = 1",
        "a.found",
    ],
)
def test_the_checker_finds_a_planted_name(source: str) -> None:
    assert empty_names(source)


def test_a_path_is_no_name() -> None:
    assert not empty_names("from pathlib import Path\nfounder = Path('found')")
