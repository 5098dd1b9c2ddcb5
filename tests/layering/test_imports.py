"""Data flows one way through the packages, and nobody reaches around."""

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
    "inrc_cli": REPOSITORY / "cli" / "inrc_cli",
    "inrc_conformance": REPOSITORY / "conformance" / "inrc_conformance",
}

OURS = ("codec", "inrc_plugins", "inrc_cli", "inrc_conformance")
MEDIA_LIBRARIES = ("netCDF4", "h5py", "PIL", "trimesh", "igl", "nibabel", "nrrd", "mrcfile",
                   "tifffile", "imagecodecs", "astropy", "zarr")  # fmt: skip

# Importer -> what neither it nor its submodules may import, at any place in the module.
FORBIDDEN = {
    "codec": ("inrc_plugins", "inrc_cli", "inrc_conformance", "click", "rich"),
    "codec.container": (
        "codec.entropy", "codec.media", "codec.pipeline", "torch", "constriction",
        "codec.reader", "codec.contracts", "codec.stage_contracts", "codec.registry",
        "codec.tiles", "codec.salvage", *MEDIA_LIBRARIES,
    ),
    "codec.entropy": (
        "codec.pipeline", "codec.media", "torch", "codec.reader", "codec.contracts",
        "codec.stage_contracts", "codec.registry", *MEDIA_LIBRARIES,
    ),
    "codec.media": (
        "codec.pipeline", "codec.entropy", "torch", "constriction", "codec.reader",
        "codec.contracts", "codec.stage_contracts", "codec.registry",
    ),
    "codec.pipeline": ("codec.reader", "codec.decoder", "codec.encoder", "codec.tiles",
                       "codec.salvage", *MEDIA_LIBRARIES),
    "inrc_plugins": ("inrc_cli", "inrc_conformance", "codec.reader", "codec.decoder",
                     "codec.encoder", "codec.assembly", "codec.media", "codec.entropy"),
    "inrc_cli": ("inrc_plugins", "inrc_conformance", "torch", "numpy", "constriction",
                 "codec.pipeline", "codec.entropy", "codec.container", *MEDIA_LIBRARIES),
    "inrc_conformance": ("codec", "inrc_plugins", "inrc_cli", "torch", "constriction",
                         *MEDIA_LIBRARIES),
}  # fmt: skip

# Modules that may import torch at their top: they are themselves imported only to fit or for a GPU.
TORCH_MODULES = {
    "codec.pipeline.adam_state",
    "codec.pipeline.batches",
    "codec.pipeline.family_units",
    "codec.pipeline.fitted_network",
    "codec.pipeline.gradient_fit",
    "codec.pipeline.layers",
    "codec.pipeline.pruning",
    "codec.pipeline.quantised_fit",
    "codec.pipeline.quantised_training",
    "codec.pipeline.resampling",
    "codec.pipeline.trainer",
    "codec.pipeline.unit_removal",
    "inrc_plugins.amgsrn.arrangement",
    "inrc_plugins.amgsrn.device_evaluation",
    "inrc_plugins.amgsrn.family",
    "inrc_plugins.amgsrn.network",
    "inrc_plugins.amgsrn.placement",
    "inrc_plugins.amgsrn.sampling",
    "inrc_plugins.exact_products",
    "inrc_plugins.fvsrn.device_evaluation",
    "inrc_plugins.fvsrn.family",
    "inrc_plugins.fvsrn.network",
    "inrc_plugins.fvsrn.units",
    "inrc_plugins.hashgrid.device_evaluation",
    "inrc_plugins.hashgrid.family",
    "inrc_plugins.hashgrid.network",
    "inrc_plugins.hashgrid.tiny_cuda",
    "inrc_plugins.miner.coding",
    "inrc_plugins.miner.device_evaluation",
    "inrc_plugins.miner.fit",
    "inrc_plugins.miner.float_fit",
    "inrc_plugins.miner.level_fit",
    "inrc_plugins.miner.network",
    "inrc_plugins.miner.planning",
    "inrc_plugins.neurcomp.device_evaluation",
    "inrc_plugins.neurcomp.family",
    "inrc_plugins.neurcomp.network",
    "inrc_plugins.pruners.binary_mask",
    "inrc_plugins.pruners.gates",
    "inrc_plugins.pruners.magnitude",
    "inrc_plugins.pruners.smallify",
    "inrc_plugins.pruners.variational",
    "inrc_plugins.quantisers.adaround",
    "inrc_plugins.quantisers.kmeans",
    "inrc_plugins.quantisers.nearest",
    "inrc_plugins.quantisers.qat",
    "inrc_plugins.quantisers.stepped",
    "inrc_plugins.quantisers.uniform",
    "inrc_plugins.siren.adaptation",
    "inrc_plugins.siren.course",
    "inrc_plugins.siren.descent",
    "inrc_plugins.siren.device_evaluation",
    "inrc_plugins.siren.field_batches",
    "inrc_plugins.siren.fit",
    "inrc_plugins.siren.gradients",
    "inrc_plugins.siren.growth",
    "inrc_plugins.siren.initialisation",
    "inrc_plugins.siren.meta_training",
    "inrc_plugins.siren.network",
    "inrc_plugins.siren.shape_samples",
    "inrc_plugins.unit_network",
}

# The coders of coefficients serve transforms, which choose integers by what they cost in them.
TRANSFORMS, FOR_TRANSFORMS = ("inrc_plugins.pyramid", "inrc_plugins.shell"), "codec.entropy.mixing"

# `python -m codec` hands over to the command line, inside a function and only when it is run.
ENTRY_POINT = ("codec.__main__", "inrc_cli.main.main")


@dataclass(frozen=True)
class Import:
    """One imported name as a dotted path; `top` if importing the importer runs it."""

    importer: str
    target: str
    top: bool


def module_name(path: Path, root: Path, package: str) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def imports_of(source: str, importer: str, *, is_package: bool = False) -> list[Import]:
    """All imports in a module, relative ones resolved; those for type checkers left out."""
    return list(_walk(ast.parse(source), importer, is_package, top=True))


def _walk(node: ast.AST, importer: str, is_package: bool, *, top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(importer, alias.name, top)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                kept = importer.split(".")
                kept = kept[: len(kept) - child.level + is_package]
                base = ".".join([*kept, *([child.module] if child.module else [])])
            for alias in child.names:
                yield Import(importer, f"{base}.{alias.name}", top)
        else:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(child, importer, is_package, top=top and not inner)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def violations(found: list[Import]) -> list[str]:
    """Imports that the tables do not allow, in words."""
    wrong = []
    for entry in found:
        if (entry.importer, entry.target) == ENTRY_POINT and not entry.top:
            continue
        transform = any(inside(entry.importer, package) for package in TRANSFORMS)
        if transform and inside(entry.target, FOR_TRANSFORMS):
            continue
        for package, forbidden in FORBIDDEN.items():
            if inside(entry.importer, package):
                wrong += [
                    f"{entry.importer} imports {entry.target}"
                    for name in forbidden
                    if inside(entry.target, name)
                ]
        if entry.top and inside(entry.target, "torch") and entry.importer not in TORCH_MODULES:
            wrong.append(f"{entry.importer} imports torch at its top")
    return wrong


def circle(found: list[Import], modules: set[str]) -> list[str]:
    """Modules of one circle of top-level imports, or [] if there is none."""
    edges: dict[str, set[str]] = {module: set() for module in modules}
    for entry in found:
        if entry.top and entry.importer in modules:
            target = entry.target
            while target and target not in modules:
                target = target.rpartition(".")[0]
            # A package's own __init__ is imported before each of its modules anyway.
            if target and target != entry.importer:
                edges[entry.importer].add(target)
    state: dict[str, int] = {}

    def visit(module: str, path: list[str]) -> list[str]:
        if state.get(module) == 2:
            return []
        if module in path:
            return path[path.index(module) :]
        for target in sorted(edges[module]):
            if loop := visit(target, [*path, module]):
                return loop
        state[module] = 2
        return []

    return next((loop for module in sorted(modules) if (loop := visit(module, []))), [])


def all_imports() -> tuple[list[Import], set[str]]:
    found, modules = [], set()
    for package, root in SOURCES.items():
        for path in sorted(root.rglob("*.py")):
            name = module_name(path, root, package)
            modules.add(name)
            is_package = path.name == "__init__.py"
            found += imports_of(path.read_text("utf-8"), name, is_package=is_package)
    return found, modules


def test_no_module_imports_what_its_place_forbids() -> None:
    found, modules = all_imports()
    assert len(modules) > 60
    assert violations(found) == []


def test_no_circle_of_imports() -> None:
    found, modules = all_imports()
    assert circle(found, modules) == []


def test_torch_modules_exist() -> None:
    """A stale name in the table would hide nothing, but it would mislead."""
    missing = TORCH_MODULES - all_imports()[1] - {"inrc_plugins.fvsrn.device_evaluation"}
    assert not missing


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("codec.container.planted", "import torch"),
        ("codec.container.planted", "def f():\n    from codec import entropy"),
        ("codec.container.planted", "from codec.entropy import bits"),
        ("codec.container.planted", "from ..entropy.bits import pack"),
        ("codec.entropy.planted", "from codec.pipeline import blocks"),
        ("codec.media.planted", "import codec.pipeline.normalise"),
        ("codec.planted", "import inrc_plugins.constant"),
        ("codec.planted", "class A:\n    import torch"),
        ("codec.planted", "try:\n    import torch.nn\nexcept ImportError:\n    pass"),
        ("inrc_cli.planted", "def f():\n    import inrc_plugins"),
        ("inrc_conformance.decoder.planted", "import codec"),
        ("inrc_conformance.decoder.planted", "def f():\n    import constriction"),
        ("inrc_plugins.planted", "import torch"),
    ],
)
def test_the_checker_finds_a_planted_violation(importer: str, source: str) -> None:
    assert violations(imports_of(source, importer))


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("codec.planted", "def f():\n    import torch"),
        ("codec.contracts", "if TYPE_CHECKING:\n    import torch"),
        ("codec.entropy.planted", "from codec.container.leb128 import zigzag"),
        ("inrc_plugins.planted", "from codec.contracts import Config"),
        ("inrc_conformance.planted", "import numpy"),
    ],
)
def test_the_checker_allows_what_is_allowed(importer: str, source: str) -> None:
    assert violations(imports_of(source, importer)) == []


def test_the_checker_finds_a_planted_circle() -> None:
    modules = {"a", "a.x", "a.y", "a.z"}
    chain = [Import("a.x", "a.y.name", top=True), Import("a.y", "a.z", top=True)]
    closed = [*chain, Import("a.z", "a.x", top=True)]
    assert sorted(circle(closed, modules)) == ["a.x", "a.y", "a.z"]
    assert circle([*chain, Import("a.z", "a.x", top=False)], modules) == []
