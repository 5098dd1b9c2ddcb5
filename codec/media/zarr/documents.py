"""The JSON documents of a Zarr store, checked before they decide what is written where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import CorruptError
from codec.media.arrays.chunks import affordable
from codec.media.metadata_error import metadata_error

# Key of the documents in the native part of a store.
DOCUMENTS = 0
DOCUMENT_NAMES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
# Documents that hold the shape of an array.
_ARRAY_DOCUMENTS = ("zarr.json", ".zarray")
# Codecs that come with zarr and hold no Python objects: a store cannot ask for any other.
_CODECS = frozenset(
    {
        *("bytes", "transpose", "blosc", "gzip", "zstd", "crc32c", "sharding_indexed", "vlen-utf8"),
        *("vlen-bytes", "zlib", "bz2", "lz4", "lzma", "shuffle", "delta", "packbits", "crc32"),
        *("adler32", "fletcher32", "jenkins_lookup3", "fixedscaleoffset", "quantize", "bitround"),
        *("astype", "categorize", "json2", "msgpack2", "vlen-array"),
    }
)
_PREFIX = "numcodecs."
_TEXTS = re.compile(r"[<>|=]?U(\d{1,9})", re.ASCII)
# Size of the widest number; texts are of any width.
_ITEM_BYTES = 8
# Least size of a chunk, each of which is a file.
_LEAST_CHUNK_BYTES = 1 << 13


@dataclass(frozen=True)
class Documents:
    """All documents of a store.

    Attributes:
        trees: path in the store -> document.
    """

    trees: Mapping[str, dict[str, Any]]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Documents:
        """Documents as metadata hold them: path, text, path, text ...

        Raises:
            CorruptError: a path leads out of the store, or a text is no document.
        """
        return cls(
            {
                _checked(place): _parsed(place, text)
                for place, text in zip(texts[::2], texts[1::2], strict=True)
            }
        )

    def of_array(self, path: str) -> dict[str, Any]:
        """The document that makes an array of `path`.

        Raises:
            CorruptError: there is none, or it asks for what no array explains.
        """
        for place in _places(path):
            if place in self.trees:
                return self.trees[place]
        raise _wrong(f"array {path!r} has no document")

    def text_width(self, path: str) -> int | None:
        """Characters that each text of an array has room for; None for any number."""
        tree = next((self.trees[at] for at in _places(path) if at in self.trees), {})
        if (width := _TEXTS.fullmatch(str(tree.get("dtype", "")))) is not None:
            return int(width[1])
        kind = tree.get("data_type")
        if isinstance(kind, dict) and kind.get("name") == "fixed_length_utf32":
            inner = kind.get("configuration")
            size = inner.get("length_bytes") if isinstance(inner, dict) else None
            if type(size) is not int or size < 0:
                raise _wrong(f"array {path!r} has texts of no known size")
            return size // 4
        return None

    def put(self, root: Path, arrays: Mapping[str, tuple[int, ...]]) -> None:
        """Writes the documents of groups, and those of arrays with the shapes that they have now.

        Raises:
            CorruptError: the document of an array fits nothing that it is for.
        """
        for path, shape in arrays.items():
            _check_array(path, self.of_array(path), shape)
        for place, tree in self.trees.items():
            owner, _, name = place.rpartition("/")
            if owner in arrays and name in _ARRAY_DOCUMENTS:
                tree = {**tree, "shape": list(arrays[owner])}
            elif owner not in arrays and self._is_array(owner, tree):
                continue
            target = root / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(tree, ensure_ascii=False), "utf-8")

    def _is_array(self, owner: str, tree: Mapping[str, Any]) -> bool:
        return tree.get("node_type") == "array" or f"{owner}/.zarray".lstrip("/") in self.trees


def _places(path: str) -> list[str]:
    """Paths at which the document of an array may be."""
    return [f"{path}/{name}".lstrip("/") for name in _ARRAY_DOCUMENTS]


def _checked(place: str) -> str:
    parts = place.split("/")
    inside = all(part not in ("", ".", "..") for part in parts)
    if not inside or "\\" in place or not place.isprintable() or parts[-1] not in DOCUMENT_NAMES:
        raise _wrong(f"{place!r} is no document of a store")
    return place


def _parsed(place: str, text: str) -> dict[str, Any]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong(f"{place!r} is no JSON document") from None
    if not isinstance(tree, dict):
        raise _wrong(f"{place!r} is no JSON object")
    return tree


def _check_array(path: str, tree: dict[str, Any], shape: tuple[int, ...]) -> None:
    if not isinstance(tree.get("shape"), list) or len(tree["shape"]) != len(shape):
        raise _wrong(f"array {path!r} has other axes")
    for chunks in _chunks(tree):
        whole = isinstance(chunks, list) and all(type(size) is int for size in chunks)
        if not (whole and affordable(chunks, shape, _ITEM_BYTES, _LEAST_CHUNK_BYTES)):
            raise _wrong(f"array {path!r} has chunks that cost more than it")
    for codec in _codecs(tree):
        name = codec.get("id", codec.get("name")) if isinstance(codec, dict) else codec
        if not isinstance(name, str) or name.removeprefix(_PREFIX) not in _CODECS:
            raise _wrong(f"array {path!r} has the codec {name!r}")


def _chunks(tree: Mapping[str, Any]) -> Iterator[Any]:
    """Sizes of chunks, and of those within shards."""
    if "chunks" in tree:
        yield tree["chunks"]
    for part in (tree.get("chunk_grid"), *_codecs(tree)):
        inner = part.get("configuration") if isinstance(part, dict) else None
        if isinstance(inner, dict) and "chunk_shape" in inner:
            yield inner["chunk_shape"]


def _codecs(tree: Mapping[str, Any]) -> Iterator[Any]:
    """All codecs, those within shards included."""
    listed = [tree.get("compressor"), *_listed(tree, "filters"), *_listed(tree, "codecs")]
    for codec in listed + _listed(tree, "index_codecs"):
        if codec is None:
            continue
        yield codec
        inner = codec.get("configuration") if isinstance(codec, dict) else None
        if isinstance(inner, dict):
            yield from _codecs(inner)


def _listed(tree: Mapping[str, Any], key: str) -> list[Any]:
    value = tree.get(key)
    return value if isinstance(value, list) else [value]


def check_holds(path: str, dtype: np.dtype[Any], values: np.dtype[Any]) -> None:
    """Refuse a document whose array cannot hold values of a dtype.

    Raises:
        CorruptError: it cannot.
    """
    if values.kind != "O" and dtype.kind != "b" and not np.can_cast(values, dtype, "safe"):
        raise _wrong(f"array {path!r} of {dtype} cannot hold {values}")


def _wrong(complaint: str) -> CorruptError:
    return metadata_error("the Zarr store", complaint)
