"""What is installed is what is in the folders, under one version number."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import codec
from tests.conftest import REPOSITORY
from tests.layering.test_imports import SOURCES, imports_of, module_name

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


# Generators of the vectors and what they need: a wheel has no folder to write them into.
NOT_INSTALLED = {f"inrc_conformance.{name}" for name in ("builders", "coverage", "vectors")}


def packages_on_disk() -> list[str]:
    found = []
    for package, root in SOURCES.items():
        for folder, _, files in os.walk(root):
            if any(name.endswith(".py") for name in files):
                found.append(".".join([package, *Path(folder).relative_to(root).parts]))
    return sorted(found)


def test_every_package_is_listed_but_for_generators() -> None:
    packages = packages_on_disk()
    assert set(packages) >= NOT_INSTALLED
    installed = sorted(set(packages) - NOT_INSTALLED)
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == installed


def test_installed_packages_do_without_generators() -> None:
    installed = PROJECT["tool"]["setuptools"]["packages"]
    for package, root in SOURCES.items():
        for path in root.rglob("*.py"):
            name = module_name(path, root, package)
            folder = name if path.name == "__init__.py" else name.rpartition(".")[0]
            if folder not in installed:
                continue
            source = path.read_text("utf-8")
            for item in imports_of(source, name, is_package=path.name == "__init__.py"):
                reached = {generator for generator in NOT_INSTALLED
                           if f"{item.target}.".startswith(f"{generator}.")}  # fmt: skip
                assert not reached, f"{name} imports {item.target}"


def test_every_package_has_an_init() -> None:
    for package, root in SOURCES.items():
        for folder, _, files in os.walk(root):
            if any(name.endswith(".py") for name in files):
                assert "__init__.py" in files, f"{package}: {folder}"


def test_every_root_is_mapped_and_exists() -> None:
    mapped = PROJECT["tool"]["setuptools"]["package-dir"]
    assert {name: REPOSITORY / folder for name, folder in mapped.items()} == SOURCES


def test_the_version_has_one_source() -> None:
    project = PROJECT["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "codec._version.__version__"
    }
    assert re.fullmatch(r"\d+\.\d+\.\d+([.-]?\w+)*", codec.__version__)
    assignments = []
    # The conformance suite is a product of its own and knows nothing of ours.
    for package in ("codec", "inrc_plugins", "inrc_cli"):
        for path in SOURCES[package].rglob("*.py"):
            if re.search(r"^__version__\s*=", path.read_text("utf-8"), re.MULTILINE):
                assignments.append(path.name)
    assert assignments == ["_version.py"]
