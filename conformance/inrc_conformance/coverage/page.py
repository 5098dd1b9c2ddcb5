"""The page `COVERAGE.md`: the number of vectors that use each feature of the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..runner.architectures import ARCHITECTURES
from ..runner.suite import SuiteCase
from .features import ROWS, features
from .requirements import in_order

COVERAGE = Path(__file__).resolve().parents[2] / "COVERAGE.md"
Counts = tuple[Counter[str], Counter[str]]
"""Features in valid and in negative vectors."""
MEDIA = (
    *("npy", "netcdf", "image", "hdf5", "zarr", "npz", "raw", "nifti", "nrrd", "mrc", "fits"),
    *("tiff", "vti", "mesh"),
)
"""The media of `metadata.md`."""
REASONS = {
    ("accuracy: class P", 0): "a decoder of class P would need figures of its own; LIMITATIONS.md",
    ("accuracy: class P", 1): "the same",
    ("pruned: removed units", 0): "leave nothing in a file (`stages/pruning.md`)",
    ("pruned: removed units", 1): "the same",
}
"""Reasons of features without a valid (0) or without a negative vector (1)."""
_FOLDERS = ("valid", "malformed", "invalid", "unsupported", "limit")
_HEAD = """# What the vectors cover

This page says how many vectors use each feature of the format. This command makes it:

```sh
python -m inrc_conformance.coverage --write
```

A test says when it is stale. A vector counts as valid or as negative (all other folders), for each
feature that its bytes name. A bad file counts as far as it can be read.
"""


def rows() -> dict[str, list[str]]:
    """Return the features of all groups, in the order of the page."""
    groups = {"architecture": [*ARCHITECTURES]} | {name: [*some] for name, some in ROWS.items()}
    return groups | {"medium": [*MEDIA]}


def counted(cases: Sequence[SuiteCase]) -> Counts:
    """Return the numbers of valid and of negative vectors in which each feature occurs."""
    valid: Counter[str] = Counter()
    negative: Counter[str] = Counter()
    for case in cases:
        into = valid if case.id.startswith("valid/") else negative
        into.update(features(case.input.read_bytes()))
    return valid, negative


def unexplained(counts: Counts) -> list[str]:
    """Return the features without a valid or without a negative vector and without a reason."""
    return [
        f"{key}: no {('valid', 'negative')[which]} vector"
        for group, some in rows().items()
        for key in (f"{group}: {name}" for name in some)
        for which in (0, 1)
        if not counts[which][key] and (key, which) not in REASONS
    ]


def page(cases: Sequence[SuiteCase], counts: Counts, vectors: dict[str, int]) -> str:
    """Return the text of the page; `vectors` are the ids of the text with their vectors."""
    folders = Counter(case.id.split("/")[0] for case in cases)
    out = [_HEAD, "| folder | vectors |", "|---|---|"]
    out += [f"| {name} | {folders[name]} |" for name in _FOLDERS]
    out += [f"| all | {len(cases)} |", ""]
    for group, some in rows().items():
        out += [f"| {group} | valid | negative |", "|---|---|---|"]
        for name in some:
            key = f"{group}: {name}"
            cells = [_cell(key, which, counts[which][key]) for which in (0, 1)]
            out.append(f"| {name} | {' | '.join(cells)} |")
        out.append("")
    out += ["## Requirements", "", "Vectors that name each id; `LIMITATIONS.md` explains a 0.", ""]
    families: dict[str, list[str]] = {}
    for name in in_order(vectors):
        families.setdefault(name.split("-")[0], []).append(f"{name.split('-')[1]}: {vectors[name]}")
    out += ["| ids | number: vectors |", "|---|---|"]
    out += [f"| {family} | {', '.join(some)} |" for family, some in families.items()]
    return "\n".join(out) + "\n"


def _cell(key: str, which: int, number: int) -> str:
    return str(number) if number else f"0 ({REASONS.get((key, which), 'not explained')})"
