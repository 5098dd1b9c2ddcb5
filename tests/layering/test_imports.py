"""Imports point one way through the packages and folders, and none of them closes a circle.

Every import counts: at the top of a module, inside a function, and for type checkers alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SOURCES = {
    "codec": REPOSITORY / "codec",
    "inrc_plugins": REPOSITORY / "plugins" / "inrc_plugins",
    "inrc": REPOSITORY / "cli" / "inrc",
    "inrc_cli": REPOSITORY / "cli" / "inrc_cli",
    "inrc_conformance": REPOSITORY / "conformance" / "inrc_conformance",
}

# Folders and loose modules, lowest first. A module imports from its own folder and from those
# above it in this list, never from those below. CONTRIBUTING.md shows the same order as a picture.
FOLDER_ORDER = {
    "codec": (
        "errors", "_version", "limits", "arrays", "compiling", "files", "format", "reports",
        "options", "entropy", "plugin_api", "media", "coding", "measuring", "training", "reading",
        "encoding", "recoding", "inspecting", "salvage", "tuning", "api", "__init__", "__main__",
    ),
    "inrc_plugins": (
        "__init__", "shared", "pruners", "quantisers", "architectures", "integrations",
    ),
    "inrc_conformance": (
        "__init__", "console", "decoder", "mutants", "runner", "builders", "vectors", "coverage",
    ),
}  # fmt: skip

MEDIA_LIBRARIES = ("netCDF4", "h5py", "PIL", "trimesh", "igl", "nibabel", "nrrd", "mrcfile",
                   "tifffile", "imagecodecs", "astropy", "zarr")  # fmt: skip

# Importer -> packages that neither it nor its submodules may import.
FORBIDDEN = {
    "codec": ("inrc_plugins", "inrc_cli", "inrc_conformance", "click", "rich"),
    "codec.files": ("constriction", *MEDIA_LIBRARIES),
    "codec.format": ("constriction", *MEDIA_LIBRARIES),
    "codec.entropy": MEDIA_LIBRARIES,
    "codec.media": ("codec.entropy", "constriction"),
    "codec.coding": MEDIA_LIBRARIES,
    "codec.training": MEDIA_LIBRARIES,
    "codec.encoding": MEDIA_LIBRARIES,
    "inrc_plugins": ("inrc_cli", "inrc_conformance", "codec.reading", "codec.encoding",
                     "codec.media", "codec.entropy"),
    "inrc_cli": ("inrc_plugins", "inrc_conformance", "torch", "numpy", "constriction",
                 *MEDIA_LIBRARIES),
    "inrc": ("inrc_plugins", "inrc_cli", "inrc_conformance"),
    "inrc_conformance": ("codec", "inrc_plugins", "inrc_cli", "torch", "constriction",
                         *MEDIA_LIBRARIES),
    # The selftest is in the wheel, generators of vectors are not.
    "inrc_conformance.mutants": ("inrc_conformance.builders", "inrc_conformance.vectors"),
}  # fmt: skip

# Parts of codec that the command line may use: its public functions and their vocabulary.
PUBLIC = ("codec.errors", "codec.options", "codec.reports")

# Folders whose modules may import torch: they are imported only to fit, or to compute on a GPU.
TORCH_FOLDERS = {
    "codec": ("training",),
    "inrc_plugins": ("training", "pruners", "quantisers"),
}

# Exceptions, importer -> what it may import all the same: coders of coefficients serve transforms,
# which choose integers by what they cost; `python -m codec` hands over to the command line.
EXCEPTIONS = (
    ("inrc_plugins.architectures.pyramid", "codec.entropy"),
    ("inrc_plugins.architectures.shell", "codec.entropy.mixing"),
    ("inrc_plugins.architectures.shell", "codec.entropy.lattice"),
    ("codec.__main__", "inrc_cli.main.main"),
)


@dataclass(frozen=True)
class Import:
    """Imported name as a dotted path."""

    importer: str
    target: str


def module_name(path: Path, root: Path, package: str) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def imports_of(source: str, importer: str, *, is_package: bool = False) -> list[Import]:
    """All imports in a module, relative ones resolved."""
    return list(_walk(ast.parse(source), importer, is_package))


def _walk(tree: ast.AST, importer: str, is_package: bool) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = importer.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(importer, f"{base}.{alias.name}")


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def folder_of(module: str, package: str) -> str:
    """First folder or loose module below a package; `__init__` for the package itself."""
    folder = module.removeprefix(package).lstrip(".").partition(".")[0]
    return folder if folder in FOLDER_ORDER[package] else "__init__"


def excepted(entry: Import) -> bool:
    return any(
        inside(entry.importer, importer) and inside(entry.target, target)
        for importer, target in EXCEPTIONS
    )


def upward(entry: Import) -> bool:
    """Whether an import within one package runs up the folder order."""
    for package, order in FOLDER_ORDER.items():
        if inside(entry.importer, package) and inside(entry.target, package):
            importer = folder_of(entry.importer, package)
            target = folder_of(entry.target, package)
            return importer != target and order.index(target) > order.index(importer)
    return False


def beside(entry: Import) -> bool:
    """Whether an architecture imports another one instead of what they share."""
    root = "inrc_plugins.architectures."
    if not entry.importer.startswith(root) or not entry.target.startswith(root):
        return False
    return entry.importer.split(".")[2] != entry.target.split(".")[2]


def forbidden_torch(entry: Import) -> bool:
    if not inside(entry.target, "torch"):
        return False
    package, _, path = entry.importer.partition(".")
    return not set(TORCH_FOLDERS.get(package, ())) & set(path.split("."))


def violations(imports: list[Import]) -> list[str]:
    """Imports that the tables do not allow, in words."""
    wrong = []
    for entry in imports:
        words = f"{entry.importer} imports {entry.target}"
        if excepted(entry):
            continue
        wrong += [
            words
            for package, names in FORBIDDEN.items()
            for name in names
            if inside(entry.importer, package) and inside(entry.target, name)
        ]
        if upward(entry):
            wrong.append(f"{words}, which lies above it")
        if beside(entry):
            wrong.append(f"{words}, another architecture")
        if forbidden_torch(entry):
            wrong.append(f"{words} outside of the folders for it")
        if inside(entry.importer, "inrc_cli") and entry.target.startswith("codec."):
            name = entry.target.removeprefix("codec.")
            if "." in name and not any(inside(entry.target, public) for public in PUBLIC):
                wrong.append(f"{words}, which is not public")
    return wrong


def circle(imports: list[Import], modules: set[str]) -> list[str]:
    """Modules of one circle of imports, or [] if there is none."""
    edges: dict[str, set[str]] = {module: set() for module in modules}
    for entry in imports:
        target = entry.target
        while target and target not in modules:
            target = target.rpartition(".")[0]
        # A package's own __init__ is imported before each of its modules anyway.
        if target and target != entry.importer and entry.importer in modules:
            edges[entry.importer].add(target)
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in finished:
            return []
        if module in path:
            return path[path.index(module) :]
        for target in sorted(edges[module]):
            if loop := visit(target, [*path, module]):
                return loop
        finished.add(module)
        return []

    return next((loop for module in sorted(modules) if (loop := visit(module, []))), [])


def all_imports() -> tuple[list[Import], set[str]]:
    imports, modules = [], set()
    for package, root in SOURCES.items():
        for path in sorted(root.rglob("*.py")):
            name = module_name(path, root, package)
            modules.add(name)
            is_package = path.name == "__init__.py"
            imports += imports_of(path.read_text("utf-8"), name, is_package=is_package)
    return imports, modules


def test_no_module_imports_what_its_place_forbids() -> None:
    imports, modules = all_imports()
    assert len(modules) > 60
    assert violations(imports) == []


def test_no_circle_of_imports() -> None:
    imports, modules = all_imports()
    assert circle(imports, modules) == []


def test_every_folder_has_its_place_in_the_order() -> None:
    for package, order in FOLDER_ORDER.items():
        present = {
            path.stem
            for path in SOURCES[package].iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert set(order) == present, package


def test_the_picture_in_contributing_has_the_same_order() -> None:
    page = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    picture = page.split("```text\n")[1].split("```")[0]
    names = [line.split()[0] for line in picture.splitlines()]
    assert names[::-1] == [name for name in FOLDER_ORDER["codec"] if not name.startswith("__")]


def test_few_modules_lie_loose_in_codec() -> None:
    assert len(list(SOURCES["codec"].glob("*.py"))) <= 8


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("codec.format.planted", "import torch"),
        ("codec.format.planted", "def f():\n    from codec import entropy"),
        ("codec.format.planted", "from codec.entropy import bits"),
        ("codec.format.planted", "from ..entropy.bits import pack"),
        ("codec.format.planted", "if TYPE_CHECKING:\n    from codec.entropy.bits import pack"),
        ("codec.entropy.planted", "from codec.coding import normalise"),
        ("codec.media.planted", "import codec.coding.normalise"),
        ("codec.reading.planted", "def f():\n    from codec.encoding.encode import encode_file"),
        ("codec.api", "import inrc_plugins.architectures.constant"),
        ("codec.api", "class A:\n    import torch"),
        ("codec.reading.planted", "def f():\n    import torch"),
        ("codec.plugin_api.planted", "if TYPE_CHECKING:\n    import torch"),
        ("codec.encoding.planted", "try:\n    import torch.nn\nexcept ImportError:\n    pass"),
        ("inrc_cli.planted", "def f():\n    import inrc_plugins"),
        ("inrc_cli.planted", "from codec.reading.open_file import InrcFile"),
        ("inrc_conformance.decoder.planted", "import codec"),
        ("inrc_conformance.decoder.planted", "def f():\n    import constriction"),
        ("inrc_plugins.architectures.siren.planted", "import torch"),
        ("inrc_plugins.architectures.siren.planted", "from codec.entropy.mixing import coder"),
        (
            "inrc_plugins.architectures.siren.planted",
            "from inrc_plugins.architectures.fvsrn import config",
        ),
        ("inrc_plugins.shared.planted", "from inrc_plugins.pruners import gates"),
    ],
)
def test_the_checker_finds_a_planted_violation(importer: str, source: str) -> None:
    assert violations(imports_of(source, importer))


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("codec.training.planted", "def f():\n    import torch"),
        ("codec.training.planted", "if TYPE_CHECKING:\n    import torch"),
        ("codec.entropy.planted", "from codec.format.leb128 import zigzag"),
        ("codec.reading.planted", "def f():\n    from codec.training import devices"),
        ("inrc_plugins.architectures.siren.training.planted", "import torch"),
        ("inrc_plugins.architectures.pyramid.fit", "from codec.entropy.mixing import coder"),
        ("inrc_cli.planted", "from codec.options.encode import EncodeOptions"),
        ("inrc_conformance.planted", "import numpy"),
    ],
)
def test_the_checker_allows_what_is_allowed(importer: str, source: str) -> None:
    assert violations(imports_of(source, importer)) == []


def test_the_checker_finds_a_planted_circle() -> None:
    modules = {"a", "a.x", "a.y", "a.z"}
    chain = [Import("a.x", "a.y.name"), Import("a.y", "a.z")]
    assert sorted(circle([*chain, Import("a.z", "a.x")], modules)) == ["a.x", "a.y", "a.z"]
    assert circle(chain, modules) == []
