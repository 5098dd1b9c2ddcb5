"""Every pruner, quantiser and coder works with every architecture that has stages.

The fast set has each architecture with each pruner, each quantiser and each coder, each pruner
with each quantiser, and each quantiser with each coder; the slow one has all architectures,
pruners and quantisers. What is installed decides: an architecture that is added to the registry
is tested without a word here.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from codec.coding.restore_parameters import restore_parameters
from codec.errors import InvalidOptionError
from codec.options.encode import CODERS
from codec.plugin_api import registry
from codec.reading.contents import FileContents
from codec.reading.item import DecodableItem

ARCHITECTURES = [
    name for name in registry.names("architecture") if registry.architecture(name).staged
]
PRUNERS = [registry.NO_PRUNER, *registry.names("pruner")]
QUANTISERS = registry.names("quantiser")
CODER_NAMES = list(CODERS)
SPARSITY = 0.5
STEPS = {"fit.steps": 4, "fit.prune_steps": 6, "fit.finetune_steps": 3}

# Depth of networks whose units the oracle removes one by one, which takes the square of the units.
SMALLER = {"neurcomp": {"arch.blocks": 1}}

Case = tuple[str, str, str, str]
# Positions in a case of which all pairs are in the fast set.
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3))


def pairwise() -> list[Case]:
    """A few cases in which every pair of `PAIRS` occurs; greedy, the same every time."""
    every = list(itertools.product(ARCHITECTURES, PRUNERS, QUANTISERS, CODER_NAMES))
    missing = {(p, case[p[0]], case[p[1]]) for case in every for p in PAIRS}
    found = []
    while missing:
        best = max(every, key=lambda case: len(covered(case) & missing))
        found.append(best)
        missing -= covered(best)
    return found


def covered(case: Case) -> set[tuple[tuple[int, int], str, str]]:
    return {((a, b), case[a], case[b]) for a, b in PAIRS}


def everything() -> list[Case]:
    cases = itertools.product(ARCHITECTURES, PRUNERS, QUANTISERS)
    return [
        (*case, coder) for case, coder in zip(cases, itertools.cycle(CODER_NAMES), strict=False)
    ]


def write_input(folder: Path, *, image: bool) -> Path:
    if image:
        y, x = np.mgrid[0:16, 0:12] / 12.0
        pixels = np.stack([np.sin(3 * x) + y, np.cos(2 * y) * x, x * y], axis=-1)
        scaled = np.uint8(np.round(255 * (pixels - pixels.min()) / np.ptp(pixels)))
        Image.fromarray(scaled).save(folder / "a.png")
        return folder / "a.png"
    z, y, x = np.mgrid[0:8, 0:8, 0:8] / 8.0
    np.save(
        folder / "a.npy", (np.sin(5 * z) * np.cos(4 * y) * np.sin(6 * x + 1)).astype(np.float32)
    )
    return folder / "a.npy"


def check(case: Case, folder: Path, *, image: bool) -> None:
    architecture, pruner, quantiser, coder = case
    source, target = write_input(folder, image=image), folder / "a.inrc"
    settings: dict[str, Any] = STEPS | SMALLER.get(architecture, {})
    if pruner != registry.NO_PRUNER:
        settings["prune.sparsity"] = SPARSITY
    report = codec.encode(
        source, target, arch=architecture, psnr=20, prune=pruner, quantise=quantiser, coder=coder,
        settings=settings, threads=1, device="cpu", effort=0,
    )  # fmt: skip
    assert report.file_bytes == target.stat().st_size
    with FileContents(target) as file:
        for field in file.fields.values():
            values = field[...]
            assert values.shape == field.shape
            assert np.isfinite(values.astype(np.float64)).all()
        zeros = masked_zeros(file.items[0])
    if pruner in MASKING and zeros.prunable:
        assert zeros.masked == pytest.approx(SPARSITY * zeros.prunable, abs=zeros.rounding)


MASKING = {name for name in registry.names("pruner") if name != "taylor"}


class Zeros:
    """Entries of the prunable tensors, how many of them masks leave out, and a gate of each tensor,
    as shares are of whole gates, in some pruners of every tensor."""

    def __init__(self) -> None:
        self.prunable = self.masked = self.rounding = 0


def masked_zeros(item: DecodableItem) -> Zeros:
    """Counts, after seeing that what masks leave out is 0."""
    header = item.header
    masks = {index: item.sparsity(index) for _, index in header.tensor_masks}
    tensors = restore_parameters(header, item.specs, item.integers.first(None), masks)
    found, chosen = Zeros(), dict(header.tensor_masks)
    # Blocks of miner are pruned whole, before its tensors take the form they have in files.
    whole_blocks = not any(spec.prunable for spec in item.specs)
    for number, (spec, tensor) in enumerate(zip(item.specs, tensors, strict=True)):
        if not spec.prunable:
            assert whole_blocks or number not in chosen
            continue
        found.prunable += tensor.size
        found.rounding += spec.shape[0] if spec.shareable else 1
        if number in chosen:
            mask = np.broadcast_to(masks[chosen[number]], tensor.shape)
            assert not tensor[~mask].any()
            found.masked += int((~mask).sum())
    return found


FAST = pairwise()


@pytest.mark.torch
@pytest.mark.parametrize(("number", "case"), list(enumerate(FAST)), ids=["-".join(c) for c in FAST])
def test_stages_work_together(number: int, case: Case, tmp_path: Path) -> None:
    check(case, tmp_path, image=number % 2 == 1)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("image", [False, True], ids=["field", "image"])
@pytest.mark.parametrize("case", everything(), ids="-".join)
def test_all_stages_work_together(case: Case, image: bool, tmp_path: Path) -> None:
    check(case, tmp_path, image=image)


@pytest.mark.torch
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("option", "name", "setting", "value"),
    [
        *[("prune", name, "prune.sparsity", "1") for name in registry.names("pruner")],
        *[("prune", name, "prune.nothing", "1") for name in registry.names("pruner")],
        *[("quantise", name, "quantise.bits", bits) for name in QUANTISERS for bits in ["1", "17"]],
        ("prune", "nobody", "fit.steps", "1"),
        ("quantise", "nobody", "fit.steps", "1"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    architecture: str, option: str, name: str, setting: str, value: str, tmp_path: Path
) -> None:
    source, target = write_input(tmp_path, image=False), tmp_path / "a.inrc"
    named = name if name == "nobody" else setting
    with pytest.raises(InvalidOptionError, match=named):
        codec.encode(source, target, arch=architecture, settings={setting: value}, **{option: name})
    assert not target.exists()


def test_collecting_these_tests_imports_no_torch(fresh: Any) -> None:
    source = "import sys; import tests.stages.test_matrix; sys.exit('torch' in sys.modules)"
    from tests.conftest import REPOSITORY

    result = fresh(f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); {source}")
    assert result.returncode == 0, result.stderr
