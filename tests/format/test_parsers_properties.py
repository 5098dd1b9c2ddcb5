"""Parsers give a value or an `InrcError`, whatever the bytes, and read back what is written."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustness.cbor_mutations import mutate_cbor
from robustness.stream_mutations import mutate_bytes

from codec.coding.mask_section import (
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.coding.residual_section import ItemResiduals, encode_residuals
from codec.coding.verbatim_section import decode_verbatim, encode_verbatim
from codec.entropy.bits import decode_exp_golomb, encode_exp_golomb, pack, unpack
from codec.entropy.coder_numbers import MIXING, STATIC_LATTICE
from codec.entropy.stream import CODERS, decode_stream, encode_stream, summarise_stream
from codec.entropy.tables import TOTAL, check_counts, normalise_counts
from codec.errors import FormatError
from codec.format import cbor
from codec.format.headers import Component, Dim, Head, Item, Quantisation
from codec.format.leb128 import decode_uleb, encode_uleb, unzigzag, zigzag
from codec.format.section_index import IndexEntry, decode_index, encode_index
from codec.plugin_api.registry import architecture, names
from tests.parsers import LIMITS, PARSERS

QUICK = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Parsers that take a millisecond and more.
SLOW = ("file", "octrees")


def changed(random: Random, legal: list[bytes]) -> bytes:
    """Legal bytes with some of them overwritten, inserted or taken away, or other CBOR."""
    data = random.choice(legal)
    if random.random() < 0.5:
        return mutate_cbor(random, data)
    return mutate_bytes(random, data)


@pytest.mark.parametrize("name", PARSERS)
def test_any_bytes_give_a_value_or_an_error_of_ours(name: str) -> None:
    parse, legal = PARSERS[name]
    for data in legal:
        if name != "octrees":
            parse(data)

    @settings(QUICK, max_examples=20 if name in SLOW else 200)
    @given(st.binary(max_size=100), st.integers(0, 2**63))
    def run(data: bytes, seed: int) -> None:
        for tried in (data, changed(Random(seed), legal)):  # noqa: S311 (not for secrets)
            with contextlib.suppress(FormatError):
                parse(tried)

    run()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-20, 20) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
INT32 = st.integers(-(2**31), 2**31 - 1)


def architecture_configs() -> Any:
    """Maps as a file may have them: small numbers, lists of them, and anything."""
    numbers = st.integers(-3, 70) | st.sampled_from([256, 1024, 4096, 65536, 2**40, 2**64 - 1])
    entries = (
        numbers
        | st.sampled_from([1.0, 2.0, 0.5, -1.0, float("inf")])
        | st.lists(numbers, max_size=5)
        | st.lists(st.lists(numbers, max_size=3), max_size=3)
        | st.binary(max_size=16)
        | VALUES
    )
    return st.dictionaries(st.integers(0, 9), entries, max_size=9)


@pytest.mark.parametrize("name", names("architecture"))
def test_any_config_gives_tensors_or_an_error_of_ours(name: str) -> None:
    plugin = architecture(name)
    shapes = st.lists(st.sampled_from([1, 2, 5, 9, 33, 4097, 2**48]), min_size=1, max_size=8)

    @QUICK
    @given(architecture_configs(), shapes, st.integers(1, 5))
    def run(config: dict[int, Any], shape: list[int], components: int) -> None:
        # A config comes from CBOR.
        config = cbor.decode(cbor.encode(config))
        try:
            specs = plugin.tensors(config, tuple(shape), components)
            assert all(size >= 0 for spec in specs for size in spec.shape)
            assert plugin.multiply_adds(config, tuple(shape), components) >= 0
        except FormatError:
            return

    run()


@QUICK
@given(VALUES)
def test_cbor_is_read_back(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value
    assert cbor.encode(cbor.decode(cbor.encode(value))) == cbor.encode(value)


@QUICK
@given(st.integers(0, 2**63 - 1), st.binary(max_size=5))
def test_leb128_is_read_back(value: int, rest: bytes) -> None:
    encoded = encode_uleb(value)
    assert decode_uleb(encoded + rest) == (value, len(encoded))
    assert unzigzag(zigzag(value >> 1)) == value >> 1
    assert unzigzag(zigzag(-(value >> 1))) == -(value >> 1)


@QUICK
@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=40), st.integers(0, 7))
def test_tables_are_read_back_and_sum_up(counts: list[int], order: int) -> None:
    values = np.array(counts)
    data = encode_exp_golomb(values, order)
    found, end = decode_exp_golomb(data, 0, len(counts), order)
    assert end == len(data)
    assert np.array_equal(found, values)
    if values.sum():
        check_counts(found)
        frequencies = normalise_counts(found)
        assert frequencies.sum() == TOTAL
        assert frequencies.min() >= 1


@QUICK
@given(st.lists(st.tuples(st.integers(0, 32), st.integers(0, 2**32 - 1)), max_size=30))
def test_packed_bits_are_read_back(pairs: list[tuple[int, int]]) -> None:
    widths = np.array([width for width, _ in pairs], np.int64)
    values = np.array([value & ((1 << width) - 1) for width, value in pairs], np.int64)
    assert np.array_equal(unpack(pack(values, widths), widths), values)


@QUICK
@given(st.lists(st.lists(INT32, max_size=30), min_size=1, max_size=3), st.sampled_from([*CODERS]))
def test_streams_are_read_back(segments: list[list[int]], coder: str) -> None:
    arrays = [np.array(segment, np.int64) for segment in segments]
    data = encode_stream(arrays, coder)
    found, end = decode_stream(data, 0, LIMITS)
    assert end == len(data)
    assert np.array_equal(found, np.concatenate(arrays))
    assert summarise_stream(data, 0)[0].count == len(found)


@QUICK
@given(st.data())
def test_masks_and_their_fill_values_are_read_back(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    size = int(np.prod(shape))
    bits = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    mask = np.array(bits).reshape(shape)
    kinds = data.draw(st.lists(st.integers(0, 2**16 - 1), unique=True, max_size=3))
    patterns = None
    if kinds:
        invalid = size - sum(bits)
        indices = np.arange(invalid) % len(kinds) if len(kinds) > 1 else None
        patterns = FillPatterns(np.array(kinds, np.uint16), indices)
    found = decode_mask_section(
        encode_mask_section(CodedMask(mask, patterns)), LIMITS, {mask.shape}
    )
    assert np.array_equal(found.mask, mask)
    assert (found.patterns is None) == (patterns is None)
    if patterns is not None and found.patterns is not None:
        filled = found.patterns.fill(size - sum(bits))
        assert np.array_equal(filled, patterns.fill(size - sum(bits)))


@QUICK
@given(st.lists(st.integers(-(2**26), 2**26), min_size=12, max_size=12), st.sampled_from([1, 2, 3]))
def test_residuals_are_read_back(values: list[int], components: int) -> None:
    integers = np.array(values, np.int32).reshape(components, -1)
    for coder in (MIXING, STATIC_LATTICE):
        payload, _ = encode_residuals(0, integers, coder, 1)
        decoder = ItemResiduals(integers.shape[1:], components, LIMITS)
        assert np.array_equal(decoder.joined([decoder.decode(payload)]), integers)


@QUICK
@given(st.sampled_from(["volume", "image", "sdf"]), st.integers(0, 1 << 20))
def test_heads_are_read_back(kind: str, items: int) -> None:
    head = Head(kind, items)
    assert Head.from_bytes(head.to_bytes()) == head


@QUICK
@given(st.data())
def test_items_are_read_back(data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    steps = st.floats(2.0**-100, 2.0**100, width=32)
    components = data.draw(
        st.lists(
            st.builds(
                Component,
                NAMES,
                st.sampled_from(["u1", "i4", "f2", "f4", "f8"]),
                finite,
                st.floats(0, 1e300),
                st.none() | st.integers(0, 99),
            ),
            min_size=1,
            max_size=3,
        )
    )
    dims = data.draw(st.lists(st.builds(Dim, st.integers(1, 2**48), NAMES), min_size=1, max_size=8))
    quantisation = data.draw(
        st.lists(
            st.builds(Quantisation, st.tuples(steps), INT32)
            | st.builds(Quantisation, st.tuples(steps, steps), per_slice=st.just(True))
            | st.builds(
                Quantisation,
                st.tuples(steps),
                codebook=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=5).map(
                    tuple
                ),
                first=st.integers(-65535, 0),
            ),
            max_size=3,
        )
    )
    item = Item(
        tuple(components),
        tuple(dims),
        data.draw(st.integers(0, 2**64 - 1)),
        data.draw(st.integers(0, 2**64 - 1)),
        data.draw(st.dictionaries(st.integers(0, 20), VALUES, max_size=3)),
        tuple(quantisation),
        origin=data.draw(st.none() | st.just((5,) * len(dims))),
    )
    assert Item.from_bytes(item.to_bytes()) == item


@QUICK
@given(
    st.lists(
        st.builds(
            IndexEntry,
            st.sampled_from(["HEAD", "ITEM", "VERB", "mETa", "abCd"]),
            st.sampled_from([0, 1, 2]),
            st.integers(0, 2**63 - 1),
        )
        | st.builds(
            IndexEntry,
            st.sampled_from(["TENS", "RESD"]),
            st.sampled_from([0, 1, 2]),
            st.integers(0, 2**63 - 1),
            st.binary(min_size=8, max_size=8),
            st.integers(0, 2**63 - 1),
        ),
        max_size=6,
    )
)
def test_indices_are_read_back(entries: list[IndexEntry]) -> None:
    assert list(decode_index(encode_index(entries))) == entries


@QUICK
@given(st.dictionaries(NAMES, st.lists(st.integers(0, 255), max_size=16), max_size=3))
def test_verbatim_variables_are_read_back(variables: dict[str, list[int]]) -> None:
    for code in ("u1", "i2", "f4", "f8"):
        arrays = {path: np.array(values).astype(code) for path, values in variables.items()}
        found = decode_verbatim(encode_verbatim(arrays))
        assert list(found) == list(arrays)
        assert all(np.array_equal(found[path], arrays[path]) for path in arrays)
