"""Vectors of the trees of metadata: sound ones, and corrupt ones that decoders let pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item, meta, verbatim
from .case import Case, case
from .fields import NAN
from .metadata_trees import ARRAYS, BAD_ARRAYS, BAD_NETCDF, NETCDF, Change, changed

_FLOAT, _BYTE = 7, 0
_INFINITE = math.inf


def metadata_cases() -> list[Case]:
    """All cases of trees."""
    return [*_netcdf(), *_arrays(), *_images(), *_others(), *_payloads()]


def _tree(name: str, file: File, spec: str, sound: bool, kind: int = 0) -> Case:
    tree = case("metadata", name, file.build(head={0: kind, 1: file.items}), spec)
    return tree if sound else replace(tree, invalid=True)


def _field(name: str, dims: list[Any], dtype: int = _FLOAT) -> dict[Any, Any]:
    return constant_item(dims, [[name, dtype, 1.5, 0.0]])


def _netcdf_file(tree: Any) -> File:
    """Return a file with the field `t` and the verbatim variables that the tree names."""
    held = [
        ["time", 8, [2], 0, bytes(16)],
        ["a/kind", 0, [3], 0, b"\0\1\1"],
        ["a/label", [2], ["x", "yz"]],
        ["a/b/code", 11, [3], 0, b"abc"],
    ]
    file = File().item(_field("t", [["time", 2], ["x", 3]])).add("VERB", verbatim(held))
    return file.add("mETa", meta("netcdf", tree))


def _netcdf() -> Iterator[Case]:
    ids = " ".join(f"META-{n}" for n in (*range(2, 15),))
    yield _tree("netcdf", _netcdf_file(NETCDF), ids, True)
    small = {0: 1, 1: [{4: [{0: "t"}]}]}
    yield _tree("netcdf-classic", _netcdf_file(small), "META-10 META-12 META-13", True)
    absent = {1: [{3: ["n", 0, "u", -1], 4: [{0: "t"}, {0: "none", 2: [0]}, {0: "u", 2: [1]}]}]}
    yield _tree("netcdf-without-values", _netcdf_file(absent), "META-6 META-14", True)
    for name, (spec, change) in BAD_NETCDF.items():
        yield _tree(f"netcdf-{name}", _netcdf_file(changed(NETCDF, change)), spec, False)
    for name, later in (("path-twice-and-empty", ["a", "a"]), ("parent-after-child", ["a/b", "a"])):
        groups = {1: [{4: [{0: "t"}]}, *({0: path} for path in later)]}
        yield _tree(f"netcdf-{name}", _netcdf_file(groups), "META-3", False)
    classic = {0: 5, 1: [{3: ["x", 3], 4: [{0: "t", 2: [0], 6: 4}]}]}
    yield _tree("netcdf-deflate-in-classic", _netcdf_file(classic), "META-10", False)


def _arrays_file(medium: str, tree: Any, dtypes: tuple[int, int] = (_FLOAT, _FLOAT)) -> File:
    """Return a file with a scalar and a field of two components, and one verbatim array."""
    axes = [["z", 2], ["y", 3], ["x", 2]]
    file = File().item(_field("density", axes))
    for index, dtype in enumerate(dtypes):
        file.item(_field(f"flow/{index}", axes, dtype))
    file.add("VERB", verbatim([["note", 0, [2], 0, b"\1\2"]]))
    return file.add("mETa", meta(medium, tree))


def _arrays() -> Iterator[Case]:
    ids = " ".join(f"META-{n}" for n in (2, *range(22, 31), 32, 33))
    for medium in ("hdf5", "zarr", "npz", "raw", "nifti", "nrrd", "mrc", "fits", "tiff", "vti"):
        yield _tree(medium, _arrays_file(medium, ARRAYS), ids, True)
        yield _tree(f"{medium}-empty", _arrays_file(medium, {}), "META-23 META-33", True)
        twice = changed(ARRAYS, ((0, 1, 0), "density"))
        yield _tree(f"{medium}-name-twice", _arrays_file(medium, twice), "META-23", False)
    for name, (spec, change) in BAD_ARRAYS.items():
        yield _tree(f"arrays-{name}", _arrays_file("nrrd", changed(ARRAYS, change)), spec, False)
    file = _arrays_file("vti", ARRAYS, (_FLOAT, _BYTE))
    yield _tree("arrays-dtypes-differ", file, "META-24", False)


def _exif(order: str, orientation: int | None) -> bytes:
    """Return EXIF with one tag: the orientation, or another one."""
    little = order == "II"
    tag = 0x0100 if orientation is None else 0x0112

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little" if little else "big")

    entry = number(tag, 2) + number(3, 2) + number(1, 4) + number(orientation or 9, 2) + b"\0\0"
    return order.encode() + number(42, 2) + number(8, 4) + number(1, 2) + entry + bytes(4)


def _picture(
    names: list[str], tree: Any, dtype: int = 0, axes: tuple[str, str] = ("y", "x")
) -> File:
    dims = [[axes[0], 2], [axes[1], 3]]
    parts = [[name, dtype, 9.0, 0.0] for name in names]
    return File().item(constant_item(dims, parts)).add("mETa", meta("image", tree))


def _masked_picture(pattern: int) -> File:
    """A picture whose colour is invalid where alpha is 0."""
    dims = [["y", 2], ["x", 3]]
    parts = [*([name, 0, 9.0, 0.0, 0] for name in ("red", "green", "blue"))]
    item = constant_item(dims, [*parts, ["alpha", 0, 255.0, 0.0]])
    bits = np.array([[1, 1, 0], [1, 0, 1]], np.bool_)
    file = File().item(item).mask(MaskSpec(bits, pattern_bytes=1, patterns=(pattern,)))
    return file.add("mETa", meta("image", {}))


def _images() -> Iterator[Case]:
    rgb = ["red", "green", "blue"]
    tree = {0: b"profile", 1: _exif("II", 1)}
    for name, file, spec in (
        ("image-grey", _picture(["grey"], {}), "META-17"),
        ("image-grey-alpha", _picture(["grey", "alpha"], {}, 2), "META-17 META-18"),
        ("image-colour", _picture(rgb, tree), "META-17 META-19 META-20"),
        ("image-colour-alpha", _picture([*rgb, "alpha"], {1: _exif("MM", None)}), "META-17"),
        ("image-green-alone", _picture(["green"], {0: b"\0"}), "META-17"),
        ("image-big-endian-exif", _picture(rgb, {1: _exif("MM", 1)}), "META-19 META-20"),
        ("image-invalid-colour", _masked_picture(0), "META-18"),
    ):
        yield _tree(name, file, spec, True, 1)
    for name, file, spec in (
        ("image-other-name", _picture(["luminance"], {}), "META-17"),
        ("image-grey-and-red", _picture(["grey", "red"], {}), "META-17"),
        ("image-other-order", _picture(["blue", "green", "red"], {}), "META-17"),
        ("image-alpha-first", _picture(["alpha", *rgb], {}), "META-17"),
        ("image-of-floats", _picture(["grey"], {}, _FLOAT), "META-17"),
        ("image-of-i2", _picture(["grey"], {}, 3), "META-17"),
        ("image-axes-exchanged", _picture(["grey"], {}, 0, ("x", "y")), "META-17"),
        ("image-pattern-255", _masked_picture(255), "META-18"),
        ("image-orientation-6", _picture(rgb, {1: _exif("II", 6)}), "META-19"),
        ("image-orientation-8-big-endian", _picture(rgb, {1: _exif("MM", 8)}), "META-19"),
        ("image-profile-empty", _picture(rgb, {0: b""}), "META-20"),
        ("image-exif-empty", _picture(rgb, {1: b""}), "META-20"),
        ("image-exif-prefix", _picture(rgb, {1: b"Exif\0\0" + _exif("II", 1)}), "META-20"),
        ("image-exif-no-header", _picture(rgb, {1: b"anything"}), "META-20"),
        ("image-profile-text", _picture(rgb, {0: "sRGB"}), "META-20"),
        ("image-key-2", _picture(rgb, {2: b"x"}), "META-2"),
    ):
        yield _tree(name, file, spec, False, 1)


def _mesh(change: Change, dtype: int = _FLOAT, name: str = "distance", last: str = "z") -> File:
    tree: Any = {0: [0.5, -1.0, 2.0], 1: 0.25, 2: "mm", 3: 1.5}
    item = _field(name, [["x", 2], ["y", 2], [last, 2]], dtype)
    return File().item(item).add("mETa", meta("mesh", changed(tree, change)))


def _others() -> Iterator[Case]:
    """Media `npy` and `mesh`, and one that nobody knows."""
    plain = _field("data", [3])
    yield _tree("npy", File().item(plain).add("mETa", meta("npy", {})), "META-1", True)
    for name, tree in (("npy-not-empty", {0: 1}), ("npy-text-key", {"a": 1})):
        yield _tree(name, File().item(plain).add("mETa", meta("npy", tree)), "META-1", False)
    for name, file, spec in (
        ("mesh-key-4", _mesh(((4,), 1.0)), "META-2"),
        ("mesh-no-spacing", _mesh(((1,), None)), "META-34"),
        ("mesh-spacing-0", _mesh(((1,), 0.0)), "META-34"),
        ("mesh-spacing-negative", _mesh(((1,), -0.25)), "META-34"),
        ("mesh-spacing-infinite", _mesh(((1,), _INFINITE)), "META-34"),
        ("mesh-origin-of-two", _mesh(((0,), [0.0, 1.5])), "META-34"),
        ("mesh-origin-nan", _mesh(((0, 1), NAN)), "META-34"),
        ("mesh-unit-empty", _mesh(((2,), "")), "META-34"),
        ("mesh-dtype-f8", _mesh(((2,), "m"), 8), "META-34"),
        ("mesh-other-name", _mesh(((2,), "m"), name="sdf"), "META-34"),
        ("mesh-other-axes", _mesh(((2,), "m"), last="w"), "META-34"),
        ("mesh-offset-0", _mesh(((3,), 0.0)), "META-39"),
        ("mesh-offset-negative", _mesh(((3,), -1.5)), "META-39"),
        ("mesh-offset-not-that-of-the-field", _mesh(((3,), 1.25)), "META-39 VAL-2"),
    ):
        yield _tree(name, file, spec, False, 2)


def _payloads() -> Iterator[Case]:
    """Errors in the payload of mETa, which decoders should warn of (SEC-7)."""
    for name, payload in (
        ("payload-empty", b""),
        ("payload-cut", meta("npy", {})[:-1]),
        ("payload-longer", meta("npy", {}) + b"\0"),
        ("payload-an-array", b"\x80"),
        ("payload-no-medium", b"\xa1\x01\xa0"),
        ("payload-key-2", b"\xa2\x00\x63npy\x02\x00"),
        ("payload-metadata-null", b"\xa2\x00\x63npy\x01\xf6"),
        ("payload-medium-a-number", b"\xa1\x00\x05"),
    ):
        broken = _tree(name, File().item(_field("a", [2])).add("mETa", payload), "SEC-7", False)
        yield replace(broken, accept=("malformed",))
