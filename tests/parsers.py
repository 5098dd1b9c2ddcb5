"""The parsers of files: what reads bytes, and legal bytes that tests and fuzzers start from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codec.coding.mask_section import (
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.coding.residual_section import ItemResiduals, encode_residuals
from codec.coding.verbatim_section import decode_verbatim, encode_verbatim
from codec.entropy.bits import decode_exp_golomb, encode_exp_golomb
from codec.entropy.coder_numbers import MIXING, STATIC_LATTICE
from codec.entropy.mixing.octree import Octree, decode_octree
from codec.entropy.stream import CODERS, decode_stream, encode_stream, summarise_stream
from codec.errors import InrcError
from codec.format import cbor
from codec.format.headers import Component, Dim, Head, Item, Quantisation
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.prior_file import Prior
from codec.format.provenance import Provenance
from codec.format.section_index import IndexEntry, decode_index, encode_index
from codec.format.tile_grid import grids_of
from codec.limits import Limits
from codec.media.metadata_section import check_tree, decode_metadata
from codec.plugin_api.registry import architecture, names
from codec.reading.contents import FileContents
from tests.building import constant_file, fvsrn_file, split

LIMITS = Limits(
    max_samples=1 << 14,
    max_parameters=1 << 14,
    max_mask_samples=1 << 14,
    max_metadata_bytes=1 << 16,
    max_verbatim_bytes=1 << 16,
)
FILE = fvsrn_file((6, 5), sparse=True)
PRIOR = Prior(6, 1, {0: 4, 1: 0, 2: [0]}, 2, 1, np.arange(20, dtype=np.float32), half=True)
TREE = Octree((2, 2, 2), 2, 256, 400)

_INDEX = [IndexEntry("HEAD", 0, 7), IndexEntry("TENS", 1, 300, bytes(8), 3)]
_MASK = CodedMask(np.arange(30).reshape(6, 5) % 7 != 0, FillPatterns(np.array([7], np.uint32)))
_PATTERNS = np.arange(60, dtype=np.int32).reshape(2, 6, 5) % 5 - 2
_VERBATIM = {"x": np.arange(50.0), "names": ["a", "ü"], "y": np.arange(9, dtype=np.int16)}
_ITEM = Item(
    (Component("v", "f4", 0.5, 2.0, 0), Component("w", "f4", 0.0, 1.0)),
    (Dim(6, "y"), Dim(5)),
    1,
    1,
    {0: [3, 3], 1: 2},
    (Quantisation((0.5,)), Quantisation((1.0,), 3), Quantisation((0.25, 0.5), per_slice=True)),
    ((0, 1),),
    (0.1, 0.2),
    (0.5, 0.25),
)
_VALUES = np.random.default_rng(0).laplace(0, 9, 200).astype(np.int64)


def _file(data: bytes) -> object:
    """Everything that `inrc verify` does with a file alone."""
    with FileContents(data, device="cpu", threads=1, limits=LIMITS) as file:
        file.streams.sections.check_all()
        file.check_digest()
        _ = file.metadata.verbatim, file.metadata.made
        return [field[...] for field in file.fields.values()]


def _residuals(payload: bytes) -> object:
    decoder = ItemResiduals((6, 5), 2, LIMITS)
    return decoder.joined([decoder.decode(payload)])


def _index(payload: bytes) -> object:
    return list(decode_index(payload))


def _metadata(payload: bytes) -> object:
    medium, tree = decode_metadata(payload)
    fields = {"v": ((6, 5), np.dtype(np.float32))}
    for one in (medium, "netcdf", "zarr", "image", "mesh"):
        try:
            check_tree(one, tree, fields)
        except InrcError:
            continue
    return None


def _item_and_grid(payload: bytes) -> object:
    return grids_of([Item.from_bytes(payload)])


def _config_of(name: str) -> Callable[[bytes], object]:
    plugin = architecture(name)

    def parse(payload: bytes) -> object:
        config = cbor.decode(payload)
        if not isinstance(config, dict) or not all(isinstance(key, int) for key in config):
            return None
        for shape, components in SHAPES:
            try:
                plugin.multiply_adds(config, shape, components)
                plugin.tensors(config, shape, components)
            except InrcError:
                continue
        return None

    return parse


SHAPES = (((9, 9, 9), 1), ((33, 1, 17), 2), ((5, 4, 3, 2), 1), ((1,), 3))
# Per architecture: legal configs for one of SHAPES.
CONFIGS: dict[str, list[dict[int, object]]] = {
    "constant": [{}],
    "fvsrn": [
        {0: [3] * 3, 1: 2, 2: 8, 3: 2, 4: 2},
        {0: [4, 4], 1: 2, 2: 4, 3: 1, 4: 0, 5: [1, 1], 6: [0, 1, 2], 7: [3, 256, 9], 8: 300},
    ],
    "pyramid": [
        {0: [2, 2, 2], 1: 0.5, 2: 0.25, 3: [1, 2, 3]},
        {0: [-3, -1, -2], 1: 0.5, 4: [bytes(40)], 6: True},
        {0: [1, 1, 1], 1: 0.5, 5: [[1, 64]]},
    ],
    "shell": [{0: 2, 1: 256, 2: 90}, {0: 2, 1: 256, 2: 90, 4: 1, 5: 9, 6: 7}],
    "neurcomp": [{0: 8, 1: 2, 2: 30}],
    "amgsrn": [{0: 2, 1: 2, 2: [4] * 3, 3: 8, 4: 1, 5: 1}],
    "miner": [{0: 4, 1: [4, 3], 2: 1, 3: 2, 4: 30}],
    "siren": [
        {0: 8, 1: 1, 2: [0]},
        {0: 8, 1: 1, 2: [3, 4, 1500, 77], 3: 20, 4: bytes(16)},
        {0: 8, 1: 1, 2: [1, 4, 1500]},
    ],
    "hashgrid": [{0: 3, 1: 2, 2: 8, 3: 4, 4: 1.5, 5: 8, 6: 1}],
}

# Per parser: what reads bytes, and legal bytes.
PARSERS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "file": (_file, [FILE, constant_file()]),
    "LEB128": (decode_uleb, [encode_uleb(300), encode_uleb(2**63 - 1)]),
    "CBOR": (cbor.decode, [cbor.encode({0: [1, -2, 0.5, "a", b"b"], "x": {1: None, 2: True}})]),
    "HEAD": (Head.from_bytes, [split(FILE)[1][0][2]]),
    "ITEM": (_item_and_grid, [_ITEM.to_bytes(), split(FILE)[1][1][2]]),
    "provenance": (Provenance.from_bytes, [Provenance(("psnr", 40), 3, 2, "inrc 1").to_bytes()]),
    "metadata": (_metadata, [cbor.encode({0: "netcdf", 1: {0: [[0, [], [], []]], 1: []}})]),
    "index": (_index, [encode_index(_INDEX)]),
    "streams": (
        lambda data: decode_stream(data, 0, LIMITS),
        [encode_stream([_VALUES], coder) for coder in CODERS],
    ),
    "summaries": (lambda data: summarise_stream(data, 0), [encode_stream([_VALUES])]),
    "tables": (
        lambda data: decode_exp_golomb(data, 0, 20, 2),
        [encode_exp_golomb(np.arange(20), 2)],
    ),
    "masks": (
        lambda data: decode_mask_section(data, LIMITS),
        [encode_mask_section(_MASK), encode_mask_section(CodedMask(np.eye(60, dtype=bool)))],
    ),
    "residuals": (
        _residuals,
        [encode_residuals(0, _PATTERNS, coder, 1)[0] for coder in (MIXING, STATIC_LATTICE)],
    ),
    "verbatim": (lambda data: decode_verbatim([data]), encode_verbatim(_VERBATIM)),
    "priors": (Prior.from_bytes, [PRIOR.to_bytes()]),
    "octrees": (lambda data: decode_octree(TREE, data), [bytes(40), bytes(range(200))]),
}
PARSERS |= {
    f"config of {name}": (_config_of(name), [cbor.encode(one) for one in CONFIGS.get(name, [{}])])
    for name in names("architecture")
}
