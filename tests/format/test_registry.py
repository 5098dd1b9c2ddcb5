"""registry.json and the code say the same numbers."""

from __future__ import annotations

import json
import re

import mpmath
import pytest

from codec.coding import mask_section
from codec.coding import verbatim_section as verbatim
from codec.entropy import laplace_constants, stream
from codec.format import compression, sections
from codec.format import headers as items
from codec.format.section_types import SECTION_TYPES
from codec.options import encode as options
from codec.plugin_api import registry
from inrc_conformance.decoder import laplace_rows, static_tables
from tests.conftest import REPOSITORY

SPEC = REPOSITORY / "format_spec"
REGISTRY = json.loads((SPEC / "registry.json").read_text("utf-8"))


def numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def test_the_version_is_that_of_the_header() -> None:
    assert REGISTRY["version"] == f"{sections.MAJOR}.{sections.MINOR}"


def test_kinds() -> None:
    assert REGISTRY["kinds"] == numbered(items.KINDS)


def test_dtypes() -> None:
    assert REGISTRY["dtypes"] == numbered(items.DTYPES)
    assert REGISTRY["verbatim_types"] == numbered(verbatim.TYPES)


def test_sections() -> None:
    assert set(REGISTRY["sections"]) == set(SECTION_TYPES)
    assert not SECTION_TYPES.keys() & set(REGISTRY["reserved_sections"])
    for name in [*REGISTRY["sections"], *REGISTRY["reserved_sections"]]:
        assert re.fullmatch("[A-Za-z]{2}[A-Z][A-Za-z]", name)
        assert name[1].isupper(), "a lower-case second letter is for private types"


def test_section_attributes() -> None:
    assert REGISTRY["section_attributes"] == {
        "stored": compression.NONE,
        "zstd": compression.ZSTD,
        "brotli": compression.BROTLI,
    }


def test_coders_and_models() -> None:
    # The last three are chosen by what is coded, not by the user.
    special = {"mixing": stream.MIXING, "octree": stream.OCTREE, "array": stream.ARRAY}
    assert REGISTRY["coders"] == {**stream.CODERS, **special}
    assert {"auto", *stream.CODERS} == set(options.CODERS)
    assert REGISTRY["models"] == {"static": stream.STATIC, "laplace": stream.LAPLACE}


def test_masks() -> None:
    assert REGISTRY["mask_purposes"] == {
        "validity": mask_section.VALIDITY,
        "sparsity": mask_section.SPARSITY,
    }
    assert REGISTRY["mask_methods"] == {
        "packed": mask_section.PACKED,
        "context": mask_section.CONTEXT,
        "mixing": mask_section.MIXED,
    }


def test_quantisations() -> None:
    assert REGISTRY["quantisations"] == {
        "uniform": items.UNIFORM,
        "uniform_per_slice": items.UNIFORM_PER_SLICE,
        "codebook": items.CODEBOOK,
    }


def test_verbatim_filters() -> None:
    assert REGISTRY["verbatim_filters"] == {
        "none": verbatim.AS_IS,
        "shuffle": verbatim.SHUFFLE,
        "difference": verbatim.DIFFERENCE,
        "difference_twice": verbatim.DIFFERENCE_TWICE,
    }


def test_architectures() -> None:
    rows = {plugin.name: plugin for plugin in registry.list_plugins()}
    ours = [row for row in rows.values() if row.origin == "built in"]
    built_in = {row.name for row in ours if row.kind == "architecture"}
    assert set(REGISTRY["architectures"]) == built_in
    for name, numbers in REGISTRY["architectures"].items():
        plugin = registry.architecture(name)
        assert numbers == {"id": plugin.identifier, "version": plugin.version}
        assert registry.architecture_by_identifier(numbers["id"], numbers["version"]) is plugin


def test_every_architecture_has_its_text() -> None:
    table = (SPEC / "registry.md").read_text("utf-8")
    for name, numbers in REGISTRY["architectures"].items():
        title = f"# Architecture {numbers['id']}: `{name}`, version {numbers['version']}"
        assert (SPEC / "architectures" / f"{name}.md").read_text("utf-8").startswith(title)
        assert f"| `{name}` | {numbers['id']} | {numbers['version']} |" in table


def test_the_schema_lists_the_dtypes_and_kinds() -> None:
    schema = (SPEC / "head.cddl").read_text("utf-8")
    for rule, table in (("dtype", "dtypes"), ("kind", "kinds")):
        body = re.search(rf"^{rule} = &\(([^)]*)\)", schema, re.MULTILINE)
        assert body is not None
        found = {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", body[1])}
        assert found == REGISTRY[table]


def test_laplace_rows_are_the_same_everywhere() -> None:
    rows = tuple(map(tuple, REGISTRY["laplace_classes"]))
    assert len(rows) == 64
    assert rows == laplace_constants.ROWS
    assert rows == laplace_rows.LAPLACE_CLASSES


def test_the_reference_decoder_has_the_numbers_of_the_static_coder() -> None:
    assert static_tables.differences(SPEC / "registry.json") == []


def test_chances_of_the_static_coder_follow_from_the_formula() -> None:
    """registry.md: how they were made."""
    with mpmath.workprec(200):
        expected = [
            int(mpmath.nint(4096 / (1 + mpmath.exp(mpmath.mpf(32 - h) / 4)))) for h in range(64)
        ]
    assert REGISTRY["static_chances"] == expected


@pytest.mark.parametrize("number", range(64))
def test_laplace_rows_follow_from_the_formulas(number: int) -> None:
    """registry.md: how the rows were made."""
    with mpmath.workprec(200):
        scale = mpmath.mpf(2) ** (mpmath.mpf(number - 12) / 3)
        shift = 0
        while scale / 2**shift > 32:
            shift += 1
        reduced = scale / 2**shift
        expected = [
            shift,
            max(4, int(mpmath.ceil(12 * reduced))),
            int(mpmath.nint(2**32 * mpmath.exp(-1 / (2 * reduced)))),
            int(mpmath.nint(2**32 * mpmath.exp(-1 / reduced))),
        ]
    assert REGISTRY["laplace_classes"][number] == expected
