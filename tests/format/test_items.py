"""HEAD and ITEM: each rule of the text, and the schema as a second opinion."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pycddl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import codec
from codec.errors import FormatError, UnsupportedError
from codec.format import cbor
from codec.format.headers import DTYPES, Component, Dim, Head, Item, Quantisation
from inrc_conformance.decoder import DecodeError, Unsupported, decode_bytes
from tests import building
from tests.building import coded_mask, constant_file, fvsrn_file, split, with_payload
from tests.conftest import REPOSITORY

# pycddl cannot match an enumeration inside a repeated array, so `&( a: 0, b: 1 )` becomes `0 / 1`,
# which RFC 8610 (section 2.2.2.2) defines to be the same.
SCHEMA = re.sub(
    r"&\(([^)]*)\)",
    lambda match: " / ".join(re.findall(r": (\d+)", match[1])),
    (REPOSITORY / "format_spec" / "head.cddl").read_text("utf-8"),
)
# Nor can it match alternatives of arrays inside arrays, so parts are matched one by one.
PARTS = ("component", "dim", "model", "quantisation")


def rule_schema(rule: str) -> pycddl.Schema:
    """The schema of one rule; a schema describes its first rule."""
    return pycddl.Schema(f"first = {rule}\n{SCHEMA}")


def outer_schema() -> pycddl.Schema:
    """The schema of an item whose parts may be anything."""
    rules = SCHEMA[SCHEMA.index("item = ") : SCHEMA.index("component = ")]
    return pycddl.Schema(rules + "".join(f"{part} = any\n" for part in PARTS))


HEAD_SCHEMA = pycddl.Schema(SCHEMA)
ITEM_SCHEMA = outer_schema()
PART_SCHEMAS = {part: rule_schema(part) for part in PARTS}


def check_schema(payload: bytes) -> None:
    """Raises `ValidationError` for an ITEM payload that head.cddl does not allow."""
    ITEM_SCHEMA.validate_cbor(payload)
    fields = cbor.decode(payload)
    for key, part in enumerate(PARTS):
        for value in [fields[key]] if part == "model" else fields.get(key, []):
            PART_SCHEMAS[part].validate_cbor(cbor.encode(value))


FILE = fvsrn_file((6, 5), ("f4", "i2"))
CONSTANT = constant_file((4,))
Map = dict[int, Any]


def item_map(data: bytes = FILE) -> Map:
    value = cbor.decode(split(data)[1][1][2])
    assert isinstance(value, dict)
    return value


def with_item(change: Callable[[Map], Any], data: bytes = FILE) -> bytes:
    fields = item_map(data)
    change(fields)
    return with_payload(data, "ITEM", cbor.encode(fields))


def decode_all(data: bytes) -> None:
    with codec.open(data, device="cpu", threads=1) as file:
        file.check_digest()
        for view in file.values():
            view[...]


def outcomes(data: bytes) -> tuple[str, str]:
    """Of the product and of the reference decoder."""
    try:
        decode_all(data)
        ours = "ok"
    except UnsupportedError:
        ours = "unsupported"
    except codec.LimitError:
        ours = "limit"
    except FormatError:
        ours = "malformed"
    try:
        decode_bytes(data)
        theirs = "ok"
    except DecodeError as error:
        theirs = error.outcome
    return ours, theirs


def put(key: int, *path_and_value: Any) -> Callable[[Map], None]:
    """Sets fields[key][path...] to the last argument."""
    *path, value = path_and_value

    def change(fields: Map) -> None:
        target: Any = fields
        for step in [key, *path][:-1]:
            target = target[step]
        target[[key, *path][-1]] = value

    return change


def put_many(key: int, values: list[Any]) -> Callable[[Map], None]:
    return put(key, values)


MALFORMED: dict[str, Callable[[Map], Any]] = {
    "no components": put(0, []),
    "components missing": lambda fields: fields.pop(0),
    "dims missing": lambda fields: fields.pop(1),
    "model missing": lambda fields: fields.pop(2),
    "4097 components": put(0, [[f"v{n}", 7, 0.0, 1.0] for n in range(4097)]),
    "component of 3 parts": put(0, 0, ["v", 7, 0.0]),
    "component of 6 parts": put(0, 0, ["v", 7, 0.0, 1.0, 0, 0]),
    "component no list": put(0, 0, "v"),
    "dtype negative": put(0, 0, 1, -1),
    "dtype bool": put(0, 0, 1, True),
    "dtype text": put(0, 0, 1, "f4"),
    "offset an integer": put(0, 0, 2, 1),
    "offset infinite": put(0, 0, 2, math.inf),
    "offset NaN": put(0, 0, 2, math.nan),
    "scale an integer": put(0, 0, 3, 1),
    "scale negative": put(0, 0, 3, -1.0),
    "scale infinite": put(0, 0, 3, math.inf),
    "scale NaN": put(0, 0, 3, math.nan),
    "name with NUL": put(0, 0, 0, "a\0b"),
    "name too long": put(0, 0, 0, "ä" * 512 + "a"),
    "name no text": put(0, 0, 0, b"v"),
    "mask that does not exist": put(0, 0, ["v", 7, 0.0, 1.0, 0]),
    "mask negative": put(0, 0, ["v", 7, 0.0, 1.0, -1]),
    "no dims": put(1, []),
    "nine dims": put(1, [1] * 9),
    "dim of size 0": put(1, 0, 0),
    "dim negative": put(1, 0, -6),
    "dim of size 2^48 + 1": put(1, 0, 2**48 + 1),
    "dim a float": put(1, 0, 6.0),
    "dim with an empty name": put(1, 0, ["", 6]),
    "dim of one part": put(1, 0, ["y"]),
    "dim of three parts": put(1, 0, ["y", 6, 6]),
    "dim with NUL": put(1, 0, ["\0", 6]),
    "model of two parts": put(2, [1, 1]),
    "model of four parts": put(2, [1, 1, {}, 0]),
    "architecture negative": put(2, 0, -1),
    "architecture text": put(2, 0, "fvsrn"),
    "version a float": put(2, 1, 1.0),
    "config a list": put(2, 2, []),
    "config with text keys": put(2, 2, "grid", [3, 3]),
    "config key missing": lambda fields: fields[2][2].pop(3),
    "grid too small": put(2, 2, 0, [1, 5]),
    "grid too large": put(2, 2, 0, [2, 65537]),
    "grid of other dims": put(2, 2, 0, [5]),
    "grid no list": put(2, 2, 0, 5),
    "no features": put(2, 2, 1, 0),
    "features 1025": put(2, 2, 1, 1025),
    "no width": put(2, 2, 2, 0),
    "width 4097": put(2, 2, 2, 4097),
    "no layers": put(2, 2, 3, 0),
    "layers 65": put(2, 2, 3, 65),
    "octaves 17": put(2, 2, 4, 17),
    "octaves negative": put(2, 2, 4, -1),
    "layers bool": put(2, 2, 3, True),
    "quantisation missing": lambda fields: fields.pop(3),
    "quantisation short": lambda fields: fields[3].pop(),
    "quantisation long": lambda fields: fields[3].append(1.0),
    "quantisation empty": put(3, []),
    "quantisation no list": put(3, 1.0),
    "step 0": put(3, 0, 0.0),
    "step negative": put(3, 0, -0.5),
    "step infinite": put(3, 0, math.inf),
    "step NaN": put(3, 0, math.nan),
    "step not a float32": put(3, 0, 0.1),
    "step above float32": put(3, 0, 1e300),
    "step an integer": put(3, 0, 1),
    "zero too large": put(3, 0, [0, 0.5, 2**31]),
    "zero too small": put(3, 0, [0, 0.5, -(2**31) - 1]),
    "zero a float": put(3, 0, [0, 0.5, 1.0]),
    "uniform without zero": put(3, 0, [0, 0.5]),
    "uniform with two zeros": put(3, 0, [0, 0.5, 0, 0]),
    "steps too few": put(3, 0, [1, 0.5, 0.5]),
    "steps too many": put(3, 0, [1, 0.5, 0.5, 0.5, 0.5]),
    "no steps": put(3, 0, [1]),
    "one of the steps 0": put(3, 0, [1, 0.5, 0.0, 0.5]),
    "quantisation id negative": put(3, 0, [-1, 0.5]),
    "sparse empty": put(4, {}),
    "sparse no map": put(4, []),
    "sparse mask that does not exist": put(4, {0: 0}),
    "sparse tensor that does not exist": put(4, {99: 0}),
    "sparse tensor negative": put(4, {-1: 0}),
    "two components of one name": put(0, 1, 0, "v0"),
}  # fmt: skip
UNSUPPORTED: dict[str, Callable[[Map], Any]] = {
    "key 9": put(9, 0),
    "key of text": put("x", 0),  # type: ignore[arg-type]
    "dtype 9": put(0, 0, 1, 9),
    "dtype 255": put(0, 0, 1, 255),
    "architecture 3": put(2, 0, 3),
    "architecture private": put(2, 0, 2**31),
    "version 2": put(2, 1, 2),
    "version 70000": put(2, 1, 70_000),
    "version 0": put(2, 1, 0),
    "config key 9": put(2, 2, 9, 0),
    "config key negative": put(2, 2, -1, 0),
    "quantisation 3": put(3, 0, [3, 0.5]),
    "quantisation 255": put(3, 0, [255, 0.5]),
}
FINE: dict[str, Callable[[Map], Any]] = {
    "nothing": lambda fields: None,
    "names": put(0, 0, 0, "ä" * 512),
    "empty name": put(0, 0, 0, ""),
    "named dims": put(1, [["y", 6], ["x", 5]]),
    "dims of one name": put(1, [["x", 6], ["x", 5]]),
    "dims of size 1": put(1, [1, 6, 1, 5, 1, 1, 1, 1]),
    "scale 0": put(0, 0, 3, 0.0),
    "largest scale": put(0, 0, 3, 1.7976931348623157e308),
    "smallest step": put(3, 0, 2.0**-149),
    "step and zero": put(3, 0, [0, 0.5, -(2**31)]),
    "step and zero 0": put(3, 0, [0, 0.5, 0]),
    "step per slice": put(3, 0, [1, 0.5, 0.25, 0.125]),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_items_that_break_a_rule_are_malformed(change: Callable[[Map], Any]) -> None:
    assert outcomes(with_item(change)) == ("malformed", "malformed")


@pytest.mark.parametrize("change", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_items_that_need_more_are_unsupported(change: Callable[[Map], Any]) -> None:
    data = with_item(change)
    assert outcomes(data) == ("unsupported", "unsupported")
    with pytest.raises(Unsupported):
        decode_bytes(data)


@pytest.mark.parametrize("change", FINE.values(), ids=FINE)
def test_items_at_the_edges_of_the_rules_are_read(change: Callable[[Map], Any]) -> None:
    assert outcomes(with_item(change)) == ("ok", "ok")


@pytest.mark.parametrize(
    ("key", "value"), [(3, []), (3, [0.5]), (4, {0: 0})], ids=["empty", "steps", "sparse"]
)
def test_item_6_an_item_without_tensors_has_no_quantisation(key: int, value: Any) -> None:
    assert outcomes(with_item(put(key, value), CONSTANT)) == ("malformed", "malformed")


def test_item_2_every_dtype_is_read() -> None:
    for dtype in DTYPES:
        with codec.open(fvsrn_file((6, 5), (dtype,), offset=50.0, scale=40.0)) as file:
            assert file["v0"].dtype == np.dtype(dtype)
            assert file["v0"][...].dtype == np.dtype(dtype)


def masked_file(dtype: str, shape: tuple[int, ...], mask_shape: tuple[int, ...]) -> bytes:
    valid = np.ones(mask_shape, np.bool_)
    valid.flat[0] = False
    return fvsrn_file(shape, ("f4",), mask=coded_mask(valid, np.array([7], dtype)))


def test_item_4_a_mask_has_the_dims_and_the_dtype_of_its_item() -> None:
    assert outcomes(masked_file("u4", (6, 5), (6, 5))) == ("ok", "ok")
    for dtype, shape in (("u2", (6, 5)), ("u8", (6, 5)), ("u4", (5, 6)), ("u4", (30,))):
        assert outcomes(masked_file(dtype, (6, 5), shape)) == ("malformed", "malformed")


def test_item_4_a_sparsity_mask_is_no_validity_mask() -> None:
    data = fvsrn_file((6, 5), sparse=True)
    changed = with_item(put(0, 0, ["v0", 7, 0.0, 1.0, 0]), data)
    assert outcomes(changed) == ("malformed", "malformed")


def test_item_8_a_validity_mask_is_no_sparsity_mask() -> None:
    valid = np.ones((5, 5), np.bool_)
    valid[0, 0] = False
    data = fvsrn_file((5, 5), mask=coded_mask(valid, np.array([7], "u4")))
    assert outcomes(with_item(put(4, {0: 0}), data)) == ("malformed", "malformed")


def test_item_8_a_sparsity_mask_fits_its_tensor() -> None:
    data = fvsrn_file((6, 5), sparse=True)
    assert outcomes(data) == ("ok", "ok")
    assert outcomes(with_item(put(4, {1: 0}), data)) == ("malformed", "malformed")


def test_item_9_a_parameter_is_rounded_once() -> None:
    """(q - zero) * step in float64, then to float32."""
    from codec.coding.restore_parameters import restore_parameters
    from codec.plugin_api.models import TensorSpec

    step = float(np.float32(0.1))
    integers = np.array([16_777_217, -16_777_219, 3, 2**31 - 1], np.int64)
    for zero in (0, -(2**31), 5):
        item = Item(
            (Component("v", "f4", 0.0, 1.0),), (Dim(4),), 1, 1, {}, (Quantisation((step,), zero),)
        )
        spec = TensorSpec("t", (4,))
        (found,) = restore_parameters(item, [spec], integers, {})
        expected = [np.float32(float(int(q) - zero) * step) for q in integers]
        assert found.dtype == np.float32
        assert found.tolist() == [float(value) for value in expected]


HEADS_MALFORMED: list[Any] = [
    {0: 0}, {1: 1}, {0: -1, 1: 1}, {0: "volume", 1: 1}, {0: 0, 1: 1.0}, {0: 0, 1: -1},
    {0: 0, 1: 2}, {0: 0, 1: 0}, {0: 0, 1: 2**20 + 1}, {0: True, 1: 1}, [0, 1], 0,
    {0: 0, 1: 1, 2: "x"}, {0: 0, 1: 1, 2: [1]}, {0: 0, 1: 1, 2: []},
]  # fmt: skip
HEADS_UNSUPPORTED: list[Any] = [
    {0: 3, 1: 1}, {0: 255, 1: 1}, {0: 0, 1: 1, 3: 0}, {0: 0, 1: 1, "x": 0},
    {0: 0, 1: 1, 2: ["lod"]},
]  # fmt: skip


@pytest.mark.parametrize("head", HEADS_MALFORMED, ids=str)
def test_heads_that_break_a_rule_are_malformed(head: Any) -> None:
    data = with_payload(FILE, "HEAD", cbor.encode(head))
    assert outcomes(data) == ("malformed", "malformed")


@pytest.mark.parametrize("head", HEADS_UNSUPPORTED, ids=str)
def test_heads_that_need_more_are_unsupported(head: Any) -> None:
    data = with_payload(FILE, "HEAD", cbor.encode(head))
    assert outcomes(data) == ("unsupported", "unsupported")


@pytest.mark.parametrize("kind", ["volume", "image", "sdf"])
def test_head_1_every_kind_is_read(kind: str) -> None:
    payload = Head(kind, 1).to_bytes()
    assert Head.from_bytes(payload).kind == kind
    assert outcomes(with_payload(FILE, "HEAD", payload)) == ("ok", "ok")


def test_a_file_without_items_is_read() -> None:
    from codec.coding.write_file import FileParts

    data = FileParts().to_bytes(1)
    assert outcomes(data) == ("ok", "ok")
    with codec.open(data) as file:
        assert len(file) == 0


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
STEPS = st.floats(2**-140, 2**100, width=32)
COMPONENTS = st.builds(
    Component,
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(DTYPES),
    FLOATS,
    FLOATS.map(abs),
    st.none() | st.integers(0, 9),
)
QUANTISATIONS = st.one_of(
    st.builds(lambda step, zero: Quantisation((step,), zero), STEPS,
              st.integers(-(2**31), 2**31 - 1)),
    st.lists(STEPS, min_size=1, max_size=4).map(
        lambda steps: Quantisation(tuple(steps), per_slice=True)
    ),
)  # fmt: skip
ITEMS = st.builds(
    Item,
    st.lists(COMPONENTS, min_size=1, max_size=3).map(tuple),
    st.lists(st.builds(Dim, st.integers(1, 2**48), st.sampled_from(["", "x", "time"])),
             min_size=1, max_size=8).map(tuple),
    st.integers(0, 9),
    st.integers(1, 9),
    st.just({0: [2, 3], 1: 4, 2: 1.5, 3: "text", 4: b"bytes", 5: True}),
    st.lists(QUANTISATIONS, max_size=4).map(tuple),
    st.dictionaries(st.integers(0, 5), st.integers(0, 5), max_size=3).map(
        lambda masks: tuple(sorted(masks.items()))
    ),
)  # fmt: skip


@given(ITEMS)
def test_items_come_back_and_match_the_schema(item: Item) -> None:
    payload = item.to_bytes()
    assert Item.from_bytes(payload) == item
    check_schema(payload)


@given(st.sampled_from(["volume", "image", "sdf"]), st.integers(0, 2**20))
def test_heads_come_back_and_match_the_schema(kind: str, items: int) -> None:
    head = Head(kind, items)
    assert Head.from_bytes(head.to_bytes()) == head
    HEAD_SCHEMA.validate_cbor(head.to_bytes())


REFUSED_BY_SCHEMA = {
    "components missing", "dims missing", "model missing", "component of 3 parts",
    "component of 6 parts", "component no list", "dtype negative", "dtype bool", "dtype text",
    "offset an integer", "scale an integer", "name no text", "mask negative", "dim of size 0",
    "dim negative", "dim of size 2^48 + 1", "dim a float", "model of two parts",
    "model of four parts", "architecture negative", "architecture text", "version a float",
    "quantisation no list", "step an integer", "sparse empty", "sparse no map",
}  # fmt: skip


def schema_accepts(payload: bytes) -> bool:
    try:
        check_schema(payload)
    except pycddl.ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(REFUSED_BY_SCHEMA))
def test_the_schema_refuses_what_it_can_say(name: str) -> None:
    """The rest is beyond CDDL, or beyond pycddl."""
    assert not schema_accepts(split(with_item(MALFORMED[name]))[1][1][2])


@pytest.mark.parametrize("change", FINE.values(), ids=FINE)
def test_the_schema_accepts_what_is_read(change: Callable[[Map], Any]) -> None:
    assert schema_accepts(split(with_item(change))[1][1][2])


def test_tens_1_integers_belong_to_an_item_that_exists() -> None:
    stored = next(payload for name, _, payload in split(FILE)[1] if name == "TENS")
    assert outcomes(with_payload(FILE, "TENS", b"\x01" + stored[1:])) == ("malformed", "malformed")


@pytest.mark.parametrize("extra", [b"\0\0\0\0\0", b"\0\x01\0\0\0"], ids=["empty", "one"])
def test_tens_2_there_are_exactly_as_many_integers_as_asked_for(extra: bytes) -> None:
    """A stream of no integers changes nothing, one of a single integer is one too many."""
    stored = next(payload for name, _, payload in split(FILE)[1] if name == "TENS")
    expected = "ok" if extra[1] == 0 else "malformed"
    assert outcomes(with_payload(FILE, "TENS", stored + extra)) == (expected, expected)


def test_tens_2_without_its_integers_an_item_is_malformed() -> None:
    def drop(sections: building.Sections) -> building.Sections:
        return [section for section in sections if section[0] != "TENS"]

    assert outcomes(building.edited(FILE, drop)) == ("malformed", "malformed")
