"""Settings of plugins: what is asked for arrives with its type, and nonsense is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import InvalidOptionError
from codec.options.plugin_settings import configured, setting, space, texts_of


@dataclass(frozen=True)
class Wide:
    width: int = setting(32, "units", low=1, high=64)
    rate: float = setting(0.1, "of learning", low=0)
    shared: bool = setting(True, "whether gates are shared")
    basis: str = setting("nodal", "of the grid", choices=("nodal", "wavelet"))
    grid: tuple[int, ...] = setting((), "nodes per axis", low=2)


def test_values_get_the_type_of_their_field() -> None:
    texts = texts_of(
        {"arch.width": 48, "arch.shared": "off", "arch.grid": (4, 8), "prune.width": 1}
    )
    assert configured(Wide, "arch", "wide", texts) == Wide(48, shared=False, grid=(4, 8))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("arch.width", "wide", "whole number"),
        ("arch.width", "65", "1 to 64"),
        ("arch.rate", "-1", "at least 0"),
        ("arch.rate", "inf", "finite"),
        ("arch.shared", "maybe", "true or false"),
        ("arch.basis", "haar", "nodal, wavelet"),
        ("arch.grid", "4x1", "at least 2"),
        ("arch.height", "3", "arch.width"),
        ("width", "3", "arch.NAME"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidOptionError, match=said) as caught:
        configured(Wide, "arch", "wide", texts_of({name: value}))
    assert name in str(caught.value)


def test_a_setting_given_twice_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="twice"):
        texts_of([("arch.width", "1"), ("arch.width", "2")])


def test_the_space_lists_every_field_with_its_range() -> None:
    width = space(Wide)[0]
    assert (width.name, width.default, width.low, width.high) == ("width", 32, 1, 64)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("arch", "name"),
    [("pyramid", "arch.width"), ("pyramid", "prune.level"), ("fvsrn", "quantise.nothing")],
)
def test_a_plugin_without_the_setting_refuses_before_anything_is_written(
    tmp_path: Path, arch: str, name: str
) -> None:

    folder = tmp_path
    np.save(folder / "a.npy", np.zeros((8, 8), np.float32))
    with pytest.raises(InvalidOptionError, match=name):
        codec.encode(folder / "a.npy", folder / "a.inrc", arch=arch, settings={name: 1})
    assert not (folder / "a.inrc").exists()


@pytest.mark.torch
def test_steps_asked_for_are_the_steps_taken(tmp_path: Path) -> None:

    folder = tmp_path
    field = np.random.default_rng(0).normal(size=(8, 9, 10)).astype(np.float32)
    np.save(folder / "a.npy", field)
    seen: list[str] = []
    codec.encode(
        folder / "a.npy",
        folder / "a.inrc",
        arch="fvsrn",
        bytes=1500,
        settings={"fit.steps": 3, "fit.prune_steps": 2, "fit.finetune_steps": 2},
        on_progress=lambda progress: seen.append(progress.stage),
    )
    assert seen.count("fit") == 3
    assert seen.count("prune") == 2
