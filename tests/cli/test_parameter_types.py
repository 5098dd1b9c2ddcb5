"""Sizes, name lists and regions mean what they look like, and nothing else is accepted."""

from __future__ import annotations

import click
import pytest

from inrc_cli.parameter_types import NamesType, RegionType, SizeType


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20000", 20_000),
        ("20k", 20_000),
        ("20K", 20_000),
        ("20kB", 20_000),
        ("1.5M", 1_500_000),
        ("0.001k", 1),
        (".5k", 500),
        ("2 GB", 2_000_000_000),
        ("0", 0),
    ],
)
def test_sizes_count_in_thousands(text: str, size: int) -> None:
    assert SizeType().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "k", "-5", "1e3", "20x", "1.5", "0.0001k", "inf", "1,000"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        SizeType().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("t=3", {"t": 3}),
        ("t=-1", {"t": -1}),
        ("0=3", {"0": 3}),
        ("lat=10:40", {"lat": slice(10, 40)}),
        ("lon=::2", {"lon": slice(None, None, 2)}),
        ("lon=:", {"lon": slice(None, None)}),
        (
            "t=3, lat = 10:40 ,lon=-8::2",
            {"t": 3, "lat": slice(10, 40), "lon": slice(-8, None, 2)},
        ),
    ],
)
def test_regions(text: str, region: dict[str, slice | int]) -> None:
    assert RegionType().convert(text, None, None) == region


@pytest.mark.parametrize(
    "text",
    ["", "t", "t=", "=3", "t=a", "t=1.5", "t=1:2:3:4", "t=::0", "t=1,t=2", "t=1,,u=2", "t=1=2"],
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        RegionType().convert(text, None, None)


def test_names() -> None:
    assert NamesType().convert("t, u", None, None) == ("t", "u")
    for text in ("", "t,", ",t"):
        with pytest.raises(click.BadParameter):
            NamesType().convert(text, None, None)
