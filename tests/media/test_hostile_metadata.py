"""Files whose metadata are hostile to the writers of media."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import h5py
import numpy as np
import pytest
from robustness.container import Piece, take_apart
from robustness.written import Written
from robustness.written_sources import sources_of_vectors

import codec
from codec.errors import CorruptError, InvalidInputError
from codec.format import cbor
from codec.media.libraries import library
from codec.media.zarr.documents import Documents
from tests import building

SHAPE = (6, 5)


@pytest.fixture
def described(tmp_path: Path) -> Callable[[str, Any], Path]:
    """A file of one field v0 whose metadata are of this medium."""

    def make(medium: str, tree: Any, verbatim: Any = None) -> Path:
        apart = take_apart(building.fvsrn_file(SHAPE))
        pieces = [piece for piece in apart.pieces if piece.type != "mETa"]
        pieces.append(Piece("mETa", 0, cbor.encode({0: medium, 1: tree})))
        if verbatim is not None:
            pieces.insert(-1, Piece("VERB", 0, cbor.encode(verbatim)))
        path = tmp_path / "hostile.inrc"
        path.write_bytes(replace(apart, pieces=tuple(pieces)).to_bytes())
        return path

    return make


def decoded(source: Path, suffix: str) -> Path:
    target = source.parent / "out" / f"target{suffix}"
    target.parent.mkdir(exist_ok=True)
    codec.decode(source, target, device="cpu", threads=1, overwrite=True)
    return target


def values(source: Path) -> Any:
    with codec.open(source, device="cpu") as file:
        return file["v0"][...]


@pytest.mark.filterwarnings("ignore")
def test_mutated_metadata_end_in_a_file_or_an_inrc_error() -> None:
    # Meshes take most of the time, and have few metadata.
    found = tuple(one for one in sources_of_vectors() if one.suffix != ".ply")
    part = Written(found, seed=20)
    for number in range(120):
        tally = part.try_case(number)
        assert (tally.wrong, tally.escaped) == ([], [])


OWN_PARTS: dict[str, tuple[str, str, Any]] = {
    "hdf5: groups that are none": ("hdf5", ".h5", {0: [{0: "v0"}], 1: {0: "header"}}),
    "hdf5: chunks of a sample": ("hdf5", ".h5", {0: [{0: "v0", 9: {1: "x"}}]}),
    "hdf5: chunks below 1": ("hdf5", ".h5", {0: [{0: "v0", 9: {1: [-1, 5]}}]}),
    "hdf5: level of 10^9": ("hdf5", ".h5", {0: [{0: "v0", 9: {1: [6, 5], 2: "gzip", 3: 10**9}}]}),
    "hdf5: an attribute of 2^64": (
        "hdf5", ".h5", {0: [{0: "v0", 9: {0: ["a", ["<f4", [2**64 - 1], b""]]}}]},
    ),
    "hdf5: an attribute of a megabyte": (
        "hdf5", ".h5", {0: [{0: "v0", 9: {0: ["a", ["|u1", [10**6], bytes(10**6)]]}}]},
    ),
    "hdf5: a dtype that holds less": ("hdf5", ".h5", {0: [{0: "v0", 8: "|i1"}]}),
    "npz: neither packed nor not": ("npz", ".npz", {0: [{0: "v0"}], 1: {0: 7}}),
    "nifti: a header of text": ("nifti", ".nii", {0: [{0: "v0"}], 1: {0: "header"}}),
    "nifti: half a header": ("nifti", ".nii", {0: [{0: "v0"}], 1: {0: bytes(100)}}),
    "nifti: a header of nothing": ("nifti", ".nii", {0: [{0: "v0"}], 1: {0: bytes(352)}}),
    "nrrd: no header": ("nrrd", ".nrrd", {0: [{0: "v0"}], 1: {0: "header"}}),
    "mrc: half a header": ("mrc", ".mrc", {0: [{0: "v0"}], 1: {0: b"header"}}),
    "raw: a header of text": ("raw", ".raw", {0: [{0: "v0"}], 1: {0: "header"}}),
    "tiff: no resolution": ("tiff", ".tif", {0: [{0: "v0", 9: {4: [1, 2]}}], 1: {0: "plain"}}),
    "tiff: a lossy compressor": ("tiff", ".tif", {0: [{0: "v0", 9: {2: "JPEG"}}], 1: {0: "plain"}}),
    "vti: first indices of text": ("vti", ".vti", {0: [{0: "v0"}], 1: {1: ["a", "b", "c"]}}),
    "vti: one of three": ("vti", ".vti", {0: [{0: "v0"}], 1: {2: ["PointData"]}}),
    "fits: cards that are none": ("fits", ".fits", {0: [{0: "v0"}], 1: {0: [[1, 2]]}}),
    "fits: an HDU twice": ("fits", ".fits", {0: [{0: "v0"}], 1: {0: [["v0", ""]] * 2}}),
    "zarr: no document": ("zarr", ".zarr", {0: [{0: "v0"}]}),
    "zarr: a path out": ("zarr", ".zarr", {0: [{0: "v0", 9: {0: "../other.zarr/v"}}]}),
    "netcdf: a name that it lacks": (
        "netcdf", ".nc", {1: [{1: ["a/b", "c"], 3: ["y", 6, "x", 5], 4: [{0: "v0", 2: [0, 1]}]}]},
    ),
    "netcdf: a group in a classic file": (
        "netcdf", ".nc", {0: 1, 1: [{3: ["y", 6, "x", 5], 4: [{0: "v0", 2: [0, 1]}]}, {0: "g"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("medium", "suffix", "tree"), OWN_PARTS.values(), ids=OWN_PARTS)
def test_what_an_own_part_prevents_is_written_without_it(
    medium: str,
    suffix: str,
    tree: Any,
    described: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = described(medium, tree)
    with caplog.at_level(logging.WARNING, "inrc"):
        target = decoded(source, suffix)
    assert "written without what only its own medium understands" in caplog.text
    again = target.with_suffix(".inrc")
    if suffix == ".raw":
        np.testing.assert_array_equal(np.fromfile(target, "<f4"), values(source).ravel())
        return
    codec.encode(
        target, again, var="v0" if suffix == ".nc" else None, max_error=1e-3, arch="pyramid",
        effort=0, device="cpu", threads=1,
    )  # fmt: skip
    with codec.open(again, device="cpu") as file:
        found = file[next(iter(file))][...]
    np.testing.assert_allclose(found.squeeze(), values(source), atol=2e-3)
    assert sorted(path.name for path in target.parent.iterdir()) == [
        f"target{ending}" for ending in sorted([".inrc", suffix])
    ]


def zarr_tree(**changes: Any) -> Any:
    document = {"zarr_format": 2, "shape": [6, 5], "chunks": [6, 5], "dtype": "<f4", "order": "C",
                "compressor": None, "filters": None, "fill_value": 0}  # fmt: skip
    texts = [".zgroup", '{"zarr_format":2}', "v0/.zarray", json.dumps(document | changes)]
    return {0: [{0: "v0"}], 1: {0: [*texts, "v0/.zattrs", '{"shape": "of a kind"}']}}


def test_sound_documents_of_a_store_are_kept(described: Callable[..., Path]) -> None:
    target = decoded(described("zarr", zarr_tree()), ".zarr")
    assert json.loads((target / "v0" / ".zattrs").read_text()) == {"shape": "of a kind"}
    assert (target / "v0" / ".zarray").is_file()


@pytest.mark.parametrize(
    "changes",
    [
        {"chunks": [2**20, 2**20]},
        {"chunks": [0, 5]},
        {"chunks": ["a", 5]},
        {"chunks": 3},
        {"shape": [6]},
        {"dtype": "|i1"},
        {"filters": [{"id": "pickle"}]},
        {"compressor": {"id": "of a stranger"}},
        {"compressor": {"id": "zlib", "level": 10**9}},
        {"compressor": [[[]]]},
    ],
    ids=str,
)
def test_documents_that_ask_for_much_make_a_new_store(
    changes: Any, described: Callable[..., Path]
) -> None:
    source = described("zarr", zarr_tree(**changes))
    target = decoded(source, ".zarr")
    assert not (target / ".zgroup").exists()
    np.testing.assert_array_equal(library("zarr").open(target)["v0"][...], values(source))


def test_chunks_within_shards_are_held_against_the_array() -> None:
    inner = {"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1]}}
    grid = {"name": "regular", "configuration": {"chunk_shape": [128, 128, 128]}}
    tree = {"shape": [128] * 3, "node_type": "array", "chunk_grid": grid, "codecs": [inner]}
    documents = Documents.from_texts(["v/zarr.json", json.dumps(tree)])
    with pytest.raises(CorruptError, match="chunks that cost more"):
        documents.put(Path("nowhere"), {"v": (128, 128, 128)})


@pytest.mark.parametrize("text", ["[" * 200_000, "{", "[]", "1", "NaN"], ids=lambda t: t[:9])
def test_a_text_that_is_no_document(text: str) -> None:
    with pytest.raises(CorruptError, match="no JSON"):
        Documents.from_texts(["zarr.json", text])


@pytest.mark.parametrize(
    "place", ["../zarr.json", "/zarr.json", "a/../../zarr.json", "a//zarr.json", "..\\zarr.json",
              "a\0/zarr.json", "./zarr.json", "a/b", ""],
)  # fmt: skip
def test_a_document_outside_of_its_store(place: str) -> None:
    with pytest.raises(CorruptError, match="no document of a store"):
        Documents.from_texts([place, "{}"])


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "..\\a", "a\0", "a\nb"])
def test_members_of_archives_do_not_lead_elsewhere(
    name: str, described: Callable[..., Path]
) -> None:
    source = described("npz", {0: [{0: name, 1: ["v0"]}]})
    with pytest.raises(InvalidInputError, match="no name for the member"):
        decoded(source, ".npz")
    assert list((source.parent / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["file", "allow_pickle", "self"])
def test_members_of_archives_may_be_called_anything_else(
    name: str, described: Callable[..., Path]
) -> None:
    source = described("npz", {0: [{0: name, 1: ["v0"]}]})
    with np.load(decoded(source, ".npz")) as found:
        np.testing.assert_array_equal(found[name], values(source))


def test_texts_of_an_archive_take_no_more_than_they_are(described: Callable[..., Path]) -> None:
    tree = {0: [{0: "v0"}, {0: "t", 1: [], 9: [[2], "<U100000000"]}]}
    source = described("npz", tree, [["t", [2], ["a", "b"]]])
    with np.load(decoded(source, ".npz")) as found:
        assert found["t"].dtype == "<U1"


def test_names_that_xml_cannot_hold_are_refused(described: Callable[..., Path]) -> None:
    source = described("vti", {0: [{0: "a\0b", 1: ["v0"]}]})
    with pytest.raises(InvalidInputError, match="XML cannot hold"):
        decoded(source, ".vti")


def test_arrays_that_the_order_of_hdus_lacks_are_written(described: Callable[..., Path]) -> None:
    source = described("fits", {0: [{0: "v0"}], 1: {0: [["e", "A = 1"]]}})
    with library("astropy.io.fits").open(decoded(source, ".fits")) as found:
        np.testing.assert_array_equal(found[1].data, values(source))


def test_tiny_chunks_of_a_large_variable_are_not_followed(tmp_path: Path) -> None:
    path, source, target = tmp_path / "a.npy", tmp_path / "a.inrc", tmp_path / "a.h5"
    np.save(path, np.ones((64, 64, 64), np.float32))
    codec.encode(path, source, psnr=30, arch="constant", effort=0, device="cpu", threads=1)
    apart = take_apart(source.read_bytes())
    tree = {0: "hdf5", 1: {0: [{0: "a", 9: {1: [1, 1, 1]}}]}}
    pieces = [one for one in apart.pieces if one.type != "mETa"]
    pieces.append(Piece("mETa", 0, cbor.encode(tree)))
    source.write_bytes(replace(apart, pieces=tuple(pieces)).to_bytes())
    codec.decode(source, target, device="cpu", threads=1)
    with h5py.File(target) as file:
        assert file["a"].chunks is None


def test_many_dims_and_variables_take_time_that_grows_with_them(
    described: Callable[..., Path],
) -> None:
    dims = ["y", 6, "x", 5, *(part for number in range(9000) for part in (f"d{number}", 1))]
    more = [{0: f"w{number}", 2: [2 + number]} for number in range(9000)]
    tree = {1: [{3: dims, 4: [{0: "v0", 2: [0, 1]}, *more]}]}
    source = described("netcdf", tree)
    started = process_time()
    decoded(source, ".nc")
    assert process_time() - started < 8


def test_too_many_attributes_are_left_out(
    described: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    attributes = [part for number in range(3000) for part in (f"a{number}", "b")]
    source = described("hdf5", {0: [{0: "v0", 9: {0: attributes}}]})
    with h5py.File(decoded(source, ".h5")) as file:
        assert len(file["v0"].attrs) == 0
    assert "too many attributes" in caplog.text


@pytest.mark.parametrize("codec_name", ["pickle", "numcodecs.pickle", "of a stranger", None, 7])
def test_a_store_asks_for_no_codec_but_the_known_ones(codec_name: Any, tmp_path: Path) -> None:
    inner = {"codecs": [{"name": codec_name}], "chunk_shape": [4]}
    shards = {"name": "sharding_indexed", "configuration": inner}
    tree = {"shape": [4], "node_type": "array", "chunks": [4], "codecs": [shards]}
    documents = Documents.from_texts(["v/zarr.json", json.dumps(tree)])
    with pytest.raises(CorruptError, match="has the codec"):
        documents.put(tmp_path, {"v": (4,)})
    assert list(tmp_path.iterdir()) == []
