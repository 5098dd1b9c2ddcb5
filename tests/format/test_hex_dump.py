"""format_spec/hex-dump.md is true: its bytes are a file, and the file says what the page says."""

from __future__ import annotations

import re

import numpy as np
import pytest

import codec
from codec.coding.item_sections import encode_item
from codec.coding.write_file import FileParts
from codec.format.headers import Component, Dim, Quantisation
from codec.plugin_api.models import CodedTensor, Model
from codec.plugin_api.registry import architecture
from inrc_conformance.decoder import decode_bytes
from tests.building import coded_mask, split
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "format_spec" / "hex-dump.md").read_text("utf-8")
ROW = re.compile(r"(?P<offset>\d+) +(?P<bytes>[0-9A-F]{2}(?: [0-9A-F]{2})*)  +(?P<text>\S.*)")
STEPS = (0.0625, 0.5, 0.125, 0.5, 0.125)
INTEGERS = ((3, -14, 9, 6), (1, -1, 2), (1,), (1,), (-4,))
SHAPES = ((1, 2, 2), (1, 3), (1,), (1, 1), (1,))


def block(name: str) -> list[str]:
    found = re.search(rf"^```{name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def page_bytes() -> bytes:
    data = b""
    for line in block("hex"):
        row = ROW.fullmatch(line)
        assert row is not None, line
        assert int(row["offset"]) == len(data), line
        data += bytes.fromhex(row["bytes"])
    return data


def page_values() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[float(text) for text in line.split()] for line in block("values")])


DATA = page_bytes()


def made_by_the_product() -> bytes:
    valid = np.array([[True, True, True], [True, False, True]])
    parts = FileParts()
    mask = parts.add_validity(coded_mask(valid, np.array([-999], "f4")))
    tensors = tuple(
        CodedTensor(np.array(values).reshape(shape), Quantisation((step,)))
        for values, shape, step in zip(INTEGERS, SHAPES, STEPS, strict=True)
    )
    model = Model({0: [2, 2], 1: 1, 2: 1, 3: 1, 4: 0}, tensors)
    parts.add_item(
        encode_item(
            0,
            architecture("fvsrn"),
            model,
            [Component("t", "f4", 280.0, 8.0, mask)],
            [Dim(2, "y"), Dim(3, "x")],
            first_mask=len(parts.masks),
            coder="auto",
        )
    )
    return parts.to_bytes(1)


def test_the_page_shows_a_small_file() -> None:
    assert len(DATA) < 300
    assert f"{len(DATA)} bytes" in PAGE


def test_the_product_writes_these_bytes() -> None:
    assert made_by_the_product() == DATA


def test_the_product_reads_the_values_on_the_page() -> None:
    with codec.open(DATA, device="cpu") as file:
        file.check_digest()
        view = file["t"]
        assert view.dims == ("y", "x")
        assert view.dtype == np.float32
        assert view[...] == pytest.approx(page_values(), abs=16 * 2**-16)
        assert view[1, 1] == -999


def test_the_reference_decoder_reads_the_values_on_the_page() -> None:
    decoded = decode_bytes(DATA)
    (item,) = decoded.items
    (component,) = item.components
    assert component.name == "t"
    assert component.values == pytest.approx(page_values(), abs=1e-4)
    assert [tensor.ravel().tolist() for tensor in item.integers] == [list(v) for v in INTEGERS]


def test_the_values_follow_from_the_text_alone() -> None:
    """fvsrn.md, by hand: grid, one unit, SnakeAlt."""
    grid, matrix, vector, last, bias = (
        np.array(values, np.float64).reshape(shape) * step
        for values, shape, step in zip(INTEGERS, SHAPES, STEPS, strict=True)
    )
    for row, expected in enumerate(page_values()):
        for column, value in enumerate(expected):
            p, q = row / 1, column / 2
            z = (
                grid[0, 0, 0] * (1 - p) * (1 - q) + grid[0, 0, 1] * (1 - p) * q
                + grid[0, 1, 0] * p * (1 - q) + grid[0, 1, 1] * p * q
            )  # fmt: skip
            hidden = matrix[0, 0] * p + matrix[0, 1] * q + matrix[0, 2] * z + vector[0]
            y = last[0, 0] * (hidden / 2 + np.sin(hidden) ** 2) + bias[0]
            x = -999 if (row, column) == (1, 1) else 280 + 8 * min(max(y, -1), 1)
            assert x == pytest.approx(value, abs=1e-4)


def test_every_section_of_the_file_is_named_on_the_page() -> None:
    lines = "\n".join(block("hex"))
    for name, _, _ in split(DATA)[1]:
        assert f'"{name}"' in lines


def test_offsets_of_the_page_are_checked() -> None:
    assert ROW.fullmatch("0    89 49 4E  signature") is not None
    assert ROW.fullmatch("0    89 49 4  signature") is None
