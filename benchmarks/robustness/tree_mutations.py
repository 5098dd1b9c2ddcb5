"""Mutants whose metadata are hostile to the writers of media: own parts, names, documents."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from codec.errors import InrcError
from codec.format import cbor
from robustness.cbor_mutations import Path, encode_loosely, mutate_cbor
from robustness.container import Apart, Piece
from robustness.mutations import some_changes

MEDIA = ("netcdf", "hdf5", "zarr", "npz", "npy", "raw", "nifti", "nrrd", "mrc", "fits", "tiff",
         "vti", "image", "mesh", "of tomorrow", "")  # fmt: skip
# Where a name that is taken for a path would lead; the folder of a case is four deep.
ELSEWHERE = f"{tempfile.gettempdir()}/inrc-written-elsewhere"
NAMES = (
    *("", "/", "//", ".", "..", "a/b", "a/", "/a", "a//b", "../a", "../../a", "../../../../a"),
    *("a/../../../a", "./a", "..\\..\\a", "C:\\a", "\0", "a\0b", "a\nb", "a\r\nb", "\x1b[2J"),
    *(" a ", "zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata", "a/.zarray"),
    *("c/0/0/0", "0.0.0", "../bystander.zarr", "../bystander.zarr/v"),
    *("../../bystander.zarr/v", f"{ELSEWHERE}/a"),
    *("<a>&\"'", "]]>", "END", "SIMPLE", "a.npy", "x" * 256, "x" * 10_000, "x/" * 300, "ü\u202e"),
    *("file", "allow_pickle", "history", "_FillValue", "time", "v", "labels", "image", "None"),
)  # fmt: skip
_NUMBERS = ("0", "-1", "1", "3", "1e999", "NaN", "1099511627776", "1000000000", "-9", "0.5", "null",
            "99999999999999999999", '"a"', "[]", "{}", "true", "[1,1,1]", "[4294967296,1,1]",
            "[" * 100_000, '{"a":' * 5_000)  # fmt: skip
_SIZES = (0, 1, 1, 1, 9, 65536, 2**30, 2**31 - 1, 2**31, 2**32, 2**33, 2**40, 2**62, 2**63, -1, -2,
          -(2**31), -(2**40), 10**9)  # fmt: skip
_WORDS = ("gzip", "zstd", "blosc", "lzma", "pickle", "json2", "delta", "object", "<f8", "|O", "|S9",
          "float64", "string", "sharding_indexed",
          "transpose", "/", "../", "\0", "\n", "END", "")  # fmt: skip
# Sections that hold names.
_NAMING = ("mETa", "ITEM", "VERB")
_NUMBER = re.compile(r"\[[-\d,. ]*\]|-?\d+(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z_.|<>][\w.|<>]*")


def hostile(random: Random, apart: Apart) -> Apart:
    """One to three changes of what the writers are told."""
    return some_changes(random, apart, _changed)


def _changed(random: Random, apart: Apart) -> Apart:
    kind = random.random()
    if kind < 0.2:
        return _renamed(random, apart)
    if kind < 0.25:
        return _edited(apart, "VERB", lambda payload: mutate_cbor(random, payload))
    if kind < 0.28:
        return _edited(apart, "mETa", lambda payload: _of_another_medium(random, payload))
    if kind < 0.5:
        return _edited(apart, "mETa", lambda payload: _with_other_text(random, payload))
    if kind < 0.65:
        return _edited(apart, "mETa", lambda payload: _with_other_number(random, payload))
    if kind < 0.72:
        return _edited(apart, "mETa", lambda payload: mutate_cbor(random, payload))
    return _edited(apart, "mETa", lambda payload: _in_own_part(random, payload))


def _edited(apart: Apart, section: str, edit: Callable[[bytes], bytes]) -> Apart:
    return replace(
        apart,
        pieces=tuple(
            piece.holding(edit(piece.payload)) if piece.type == section else piece
            for piece in apart.pieces
        ),
    )


def _tree(payload: bytes) -> Any:
    """The whole payload, or None where an earlier change left no CBOR."""
    try:
        return cbor.decode(payload)
    except InrcError:
        return None


def _in_own_part(random: Random, payload: bytes) -> bytes:
    """A change of what only the medium itself understands; of NetCDF that is all there is."""
    tree = _tree(payload)
    try:
        arrays = range(len(tree[1].get(0, [])))
        owns: list[Path] = [(1, 0, at, 9) for at in arrays if 9 in tree[1][0][at]]
    except (TypeError, LookupError, AttributeError):
        return mutate_cbor(random, payload, (1,))
    return mutate_cbor(random, payload, random.choice([*owns, (1, 1), (1, 1)]))


def _of_another_medium(random: Random, payload: bytes) -> bytes:
    tree = _tree(payload)
    return encode_loosely({**tree, 0: random.choice(MEDIA)}) if isinstance(tree, dict) else payload


def _with_other_number(random: Random, payload: bytes) -> bytes:
    """A size, a level or a position is out of all bounds."""
    tree = _tree(payload)
    places = _integers(tree, ())
    if not places:
        return payload
    _put(tree, random.choice(places), random.choice(_SIZES))
    return encode_loosely(tree)


def _integers(tree: Any, path: Path) -> list[Path]:
    if type(tree) is int:
        return [path]
    pairs = (
        tree.items() if isinstance(tree, dict) else enumerate(tree if type(tree) is list else ())
    )
    return [place for key, element in pairs for place in _integers(element, (*path, key))]


def _put(tree: Any, path: Path, value: int) -> None:
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


def _with_other_text(random: Random, payload: bytes) -> bytes:
    """A number, a word or a line of a text (a header, a JSON document, cards) is another."""
    tree = _tree(payload)
    texts = sorted({text for text in _texts(tree) if len(text) > 4}, reverse=True)
    texts.sort(key=len, reverse=True)
    if not texts:
        return payload
    text = random.choice(texts[: random.choice([1, 3, 100])])
    return encode_loosely(_substituted(tree, text, _other_text(random, text)))


def _other_text(random: Random, text: str) -> str:
    kind = random.randrange(4)
    if kind == 0:
        return _once(random, _NUMBER, text, _NUMBERS)
    if kind == 1:
        return _once(random, _WORD, text, (*_WORDS, *NAMES))
    if kind == 2:
        lines = text.split("\n")
        at = random.randrange(len(lines))
        lines[at : at + 1] = random.choice([[], [lines[at]] * 2, [lines[at] * 2], [lines[at][:-3]]])
        return "\n".join(lines)
    at = random.randrange(len(text))
    return text[:at] + random.choice(["", "\0", "\n", "'", '"', "ü", "{", "9"]) + text[at + 1 :]


def _once(random: Random, pattern: re.Pattern[str], text: str, others: tuple[str, ...]) -> str:
    places = list(pattern.finditer(text))
    if not places:
        return text + random.choice(others)
    place = random.choice(places)
    return text[: place.start()] + random.choice(others) + text[place.end() :]


def _renamed(random: Random, apart: Apart) -> Apart:
    """One name is another, wherever it stands: in metadata, items and verbatim variables."""
    trees = {piece.type: _tree(piece.payload) for piece in apart.pieces if piece.type in _NAMING}
    names = sorted({text for tree in trees.values() for text in _texts(tree) if len(text) < 40})
    if not names:
        return apart
    old, new = random.choice(names), random.choice(NAMES)

    def named(piece: Piece) -> Piece:
        tree = _tree(piece.payload) if piece.type in _NAMING else None
        if tree is None or (piece.type == "ITEM" and random.random() < 0.2):
            return piece
        return piece.holding(encode_loosely(_substituted(tree, old, new)))

    return replace(apart, pieces=tuple(map(named, apart.pieces)))


def _texts(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [text for element in inner for text in _texts(element)]


def _substituted(tree: Any, old: str, new: str) -> Any:
    if isinstance(tree, str):
        return new if tree == old else tree
    if isinstance(tree, list):
        return [_substituted(element, old, new) for element in tree]
    if isinstance(tree, dict):
        return {key: _substituted(element, old, new) for key, element in tree.items()}
    return tree
