"""Words of users become options in one place, and every default stands once."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import codec
from codec.errors import InvalidOptionError
from codec.options import defaults
from codec.options.encode import EncodeOptions, Goal, attribute_of, options_from
from tests.conftest import REPOSITORY


def test_words_of_users_become_options() -> None:
    options = options_from(
        psnr=30, arch="fvsrn", prune="none", quantise="kmeans", var=("u",), effort=1
    )
    assert options == EncodeOptions(
        Goal(psnr=30), 1, "fvsrn", pruner="none", quantiser="kmeans", select=("u",)
    )
    # The names of the options themselves do as well.
    assert options_from(architecture="fvsrn").architecture == "fvsrn"


def test_targets_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="psnr and bytes contradict"):
        options_from(psnr=30, bytes=100)


@pytest.mark.parametrize("name", ["encode", "append", "tune"])
def test_public_functions_have_the_defaults_of_the_options(name: str) -> None:
    plain = EncodeOptions()
    parameters = inspect.signature(getattr(codec, name)).parameters
    for word in ("arch", "prune", "quantise", "coder", "device", "seed", "threads"):
        assert parameters[word].default == getattr(plain, attribute_of(word))


@pytest.mark.parametrize("value", [defaults.PRUNER, defaults.SHAPE_PSNR])
def test_a_default_stands_in_one_module(value: object) -> None:
    modules = [
        path.relative_to(REPOSITORY)
        for folder in ("codec", "cli")
        for path in (REPOSITORY / folder).rglob("*.py")
        if path.name != "built_in_plugins.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value == value and node.value is not True
    ]
    assert modules == [Path("codec/options/defaults.py")]
