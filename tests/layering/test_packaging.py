"""What is installed is what is in the folders, under one version number."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trimesh

import codec
from codec.media.libraries import EXTRAS
from tests.conftest import REPOSITORY
from tests.layering.test_imports import SOURCES, forbidden_torch, imports_of, module_name

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


# Names of modules that differ from those of their packages, and a package that is part of another.
PACKAGE_OF = {
    "PIL": "pillow",
    "igl": "libigl",
    "llvmlite": "numba",
    "nrrd": "pynrrd",
    "skimage": "scikit-image",
}
NEEDED_BY_ALL = {
    "brotli", "click", "constriction", "h5py", "libigl", "netcdf4", "numba", "numpy", "pillow",
    "rich", "scikit-image", "trimesh", "zstandard",
}  # fmt: skip
EXTRA = re.compile(r"inrc\[([\w, -]+)\]")
# Packages whose imports must be installable; conformance has a list of its own in test_imports.
RUN_BY_USERS = ("codec", "inrc_plugins", "inrc", "inrc_cli")


def package_names(requirements: list[str]) -> set[str]:
    """Normalised names of packages, `inrc` itself left out."""
    names = {re.split(r"[\[<>=!;~ ]", text, maxsplit=1)[0].lower() for text in requirements}
    return names - {"inrc"}


BASE = package_names(PROJECT["project"]["dependencies"])
OPTIONAL = {
    extra: package_names(requirements)
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items()
}


def third_party(source: str, *, lazy: bool) -> set[str]:
    """Packages that a module imports when it is imported, or inside its functions if `lazy`."""
    modules: set[str] = set()
    for node in _imports(ast.parse(source), in_function=False, lazy=lazy):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif not node.level:
            modules.add(str(node.module))
    top = {name.partition(".")[0] for name in modules}
    foreign = top - set(sys.stdlib_module_names) - set(SOURCES)
    return {PACKAGE_OF.get(name, name).lower() for name in foreign}


def _imports(
    tree: ast.AST, *, in_function: bool, lazy: bool
) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if in_function == lazy:
                yield node
            continue
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _imports(node, in_function=inside, lazy=lazy)


def missing_from(packages: set[str], source: str, module: str, *, lazy: bool) -> set[str]:
    """Third-party packages that a module imports and `packages` lacks."""
    imported = third_party(source, lazy=lazy)
    if not any(map(forbidden_torch, imports_of("import torch", module))):
        imported -= {"torch"}
    return imported - packages


def modules_of_users() -> list[tuple[str, str]]:
    """Name and source of every module that users run."""
    return [
        (module_name(path, SOURCES[package], package), path.read_text("utf-8"))
        for package in RUN_BY_USERS
        for path in sorted(SOURCES[package].rglob("*.py"))
    ]


def test_the_base_has_what_every_file_needs_and_no_torch() -> None:
    assert BASE >= NEEDED_BY_ALL
    assert "torch" not in BASE
    assert OPTIONAL["torch"] == {"torch"}
    assert "inrc[torch," in PROJECT["project"]["optional-dependencies"]["all"][0]


def test_modules_import_what_the_base_brings() -> None:
    missing = {
        name: packages
        for name, source in modules_of_users()
        if (packages := missing_from(BASE, source, name, lazy=False))
    }
    assert missing == {}


def test_functions_import_what_the_base_or_an_extra_brings() -> None:
    offered = BASE.union(*OPTIONAL.values())
    missing = {
        name: packages
        for name, source in modules_of_users()
        if (packages := missing_from(offered, source, name, lazy=True))
    }
    assert missing == {}


@pytest.mark.parametrize(
    ("module", "source", "lazy"),
    [
        ("codec.media.planted", "import zarr", False),
        ("codec.media.planted", "try:\n    from torch import nn\nexcept ImportError: ...", False),
        ("inrc_plugins.architectures.siren.planted", "import torch.nn", False),
        ("codec.media.planted", "class A:\n    def f(self):\n        import pandas.io", True),
    ],
)
def test_a_planted_import_is_missed(module: str, source: str, lazy: bool) -> None:
    offered = BASE.union(*OPTIONAL.values()) if lazy else BASE
    assert missing_from(offered, source, module, lazy=lazy)
    assert not missing_from(offered, source, module, lazy=not lazy)


def test_formats_name_the_extra_that_brings_their_library() -> None:
    for extra, modules in EXTRAS.items():
        assert {PACKAGE_OF.get(name, name).lower() for name in modules} == OPTIONAL[extra]
        assert f"inrc[{extra}" in (REPOSITORY / "README.md").read_text("utf-8")


def test_every_extra_that_is_named_exists() -> None:
    folders = ("codec", "plugins", "cli", "conformance", "benchmarks", "docs", "format_spec")
    pages = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.[mp][dy]")]
    pages += [*REPOSITORY.glob("*.md"), REPOSITORY / "pyproject.toml"]
    named = {
        (page.name, extra.strip())
        for page in pages
        for names in EXTRA.findall(page.read_text("utf-8"))
        for extra in names.split(",")
    }
    assert ("errors.py", "torch") in named
    assert ("README.md", "torch") in named
    assert {(page, extra) for page, extra in named if extra not in OPTIONAL} == set()


def encode_ball(folder: Path) -> None:
    codec.encode(folder / "ball.ply", folder / "out.inrc", psnr=30, effort=0)


def decode_shell(folder: Path) -> None:
    shell = REPOSITORY / "tests" / "golden" / "files" / "shell.inrc"
    codec.decode(shell, folder / "out.ply", device="cpu")


@pytest.mark.parametrize(
    ("module", "package", "work"),
    [
        ("trimesh", "trimesh", encode_ball),
        ("igl", "libigl", encode_ball),
        ("skimage.measure", "scikit-image", decode_shell),
    ],
)
def test_a_broken_install_names_the_package(
    module: str,
    package: str,
    work: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trimesh.creation.icosphere(subdivisions=1).export(tmp_path / "ball.ply")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(codec.MissingDependencyError, match=f"pip install {package}$"):
        work(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ball.ply"]
