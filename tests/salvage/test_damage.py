"""Repair and `allow_truncated`, on many damaged vectors and on files that are made to mislead."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustness.bombs import HEADER, item, whole_file
from robustness.container import Apart, Piece, take_apart
from robustness.promises import Content, broken, valid_samples
from robustness.repairs import CUT, DAMAGED, MUTANTS, Repairs
from robustness.tally import Tally
from robustness.vectors import valid_vectors

import codec
from codec.errors import CorruptError, InrcError, LimitError
from codec.files.byte_sources import open_source
from codec.format import cbor
from codec.format.compression import NONE
from codec.format.leb128 import encode_uleb
from codec.format.sections import HEADER_BYTES, SectionReader
from codec.plugin_api.registry import architecture
from codec.reading.contents import FileContents
from codec.salvage.numbering import holes_for
from codec.salvage.scan import Piece as Stretch
from tests import building
from tests.salvage.conftest import Sample
from tests.salvage.test_repair import kinds

_TOPICS = {
    "container", "index", "items", "masks", "media", "metadata", "overlap", "residuals", "tiles",
    "verbatim",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "cases"), [(DAMAGED, 150), (MUTANTS, 100), (CUT, 100)])
def test_repair_keeps_its_promises_whatever_happens(kind: str, cases: int) -> None:
    vectors = tuple(
        one
        for one in valid_vectors()
        if one.name.split("/")[0] in _TOPICS and one.path.stat().st_size < 1000
    )
    part, tally = Repairs(vectors, kind, seed=7), Tally()
    for number in range(cases):
        tally.add(part.try_case(number))
    assert tally.wrong == []
    assert tally.escaped == []
    assert tally.inputs == cases
    assert tally.accepted > cases / 5


def parts_of(data: bytes) -> list[bytes]:
    """The header, and the sections."""
    ends = [section.end for section in SectionReader(open_source(data)).sections]
    borders = [0, HEADER_BYTES, *ends]
    return [data[start:end] for start, end in pairwise(borders)]


def exchanged(data: bytes, first: int, second: int) -> bytes:
    parts = parts_of(data)
    parts[first], parts[second] = parts[second], parts[first]
    return b"".join(parts)


def of_two_masks(*, indexed: bool) -> bytes:
    """HEAD, ITEM a, ITEM b, and the mask of each."""
    items = [
        cbor.encode({0: [[name, 7, 0.0, 1.0, number]], 1: [4], 2: [0, 1, {}]})
        for number, name in enumerate("ab")
    ]
    masks = [mask([4], bits) for bits in (0xC0, 0xA0)]
    payloads = [("HEAD", cbor.encode({0: 0, 1: 2}))]
    payloads += [*(("ITEM", one) for one in items), *(("MASK", one) for one in masks)]
    pieces = tuple(Piece(name, NONE, payload) for name, payload in payloads)
    apart = Apart(HEADER, pieces, indexed=indexed, digest_bytes=8).digested()
    assert apart.complete
    return apart.to_bytes()


def mask(shape: list[int], bits: int = 0) -> bytes:
    """A validity mask; its bits are packed, or the same everywhere."""
    constant = 0 if bits else (1 << len(shape)) - 1
    sizes = b"".join(map(encode_uleb, shape))
    return bytes([0, len(shape)]) + sizes + bytes([constant, 0, 1, bits, 4, 1]) + bytes(4)


def test_masks_that_changed_places_are_told_by_the_digest(repair: Any) -> None:
    data = of_two_masks(indexed=False)
    assert repair(data)[0].losses == ()
    with pytest.raises(CorruptError, match="not in their order"):
        repair(exchanged(data, 4, 5))


def test_masks_that_changed_places_are_told_by_the_index(repair: Any) -> None:
    data = of_two_masks(indexed=True)
    assert repair(data)[0].losses == ()
    report, file = repair(exchanged(data, 4, 5))
    assert kinds(report) == [("samples", "a"), ("samples", "b")]
    assert not any(valid_samples(file.decoders[name]).any() for name in "ab")


def test_a_mask_that_is_gone_without_a_trace_is_no_other_one(repair: Any) -> None:
    parts = parts_of(of_two_masks(indexed=False))
    left = b"".join(parts[:4] + parts[5:])
    # Without an end there is no digest, either.
    for data in (left, left[:-1]):
        report, _ = repair(data)
        assert kinds(report)[:2] == [("samples", "a"), ("samples", "b")]


def test_a_file_whose_end_lies_elsewhere_is_not_believed_in_its_order(repair: Any) -> None:
    data = of_two_masks(indexed=False)
    with pytest.raises(CorruptError, match="in which they were written"):
        repair(exchanged(data, 2, 6))


def test_the_lost_end_of_blended_tiles_is_listed_and_all_that_it_reached(repair: Any) -> None:
    """It held three samples of the tile before it, and nothing that is left says so."""
    (vector,) = (one for one in valid_vectors() if one.name == "overlap/dtype-u1")
    sample = Sample.of(vector.data)
    report, file = repair(sample.flipped(sample.number("ITEM", 2)))
    assert ("variable", "") in kinds(report)
    assert list(broken(Content.of(vector.data), Content.of_file(file), report.losses)) == []
    assert valid_samples(file.decoders["a"])[:8].all()


def test_variables_that_are_lost_with_the_metadata_are_listed(netcdf: Sample, repair: Any) -> None:
    first, last = netcdf.number("VERB"), netcdf.number("mETa")
    wiped = netcdf.data[: first.start] + bytes(last.end - first.start) + netcdf.data[last.end :]
    for data in (wiped, netcdf.data[: first.start]):
        report, _ = repair(data)
        assert {("variable", ""), ("metadata", "")} <= set(kinds(report))


def test_an_array_that_loses_a_component_stays_legal(repair: Any) -> None:
    (vector,) = (one for one in valid_vectors() if one.name == "metadata/zarr")
    sample = Sample.of(vector.data)
    report, file = repair(sample.flipped(sample.number("ITEM", 1)))
    assert [kind for kind, _ in kinds(report)] == ["variable"]
    assert file.metadata.medium == "zarr"


def test_an_item_that_no_evaluator_can_be_made_of_is_lost(
    repair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = building.fvsrn_file((6, 7))
    with FileContents(data, device="cpu") as file:
        kind = type(file.items[0].architecture)
        name = next(iter(file.fields))

    def refuse(*_: Any) -> None:
        raise CorruptError("what it is made of does not fit together")

    monkeypatch.setattr(kind, "evaluator", refuse)
    assert kinds(repair(data)[0]) == [("samples", name)]


def test_of_metadata_that_are_there_twice_the_first_stay(netcdf: Sample, repair: Any) -> None:
    section = netcdf.number("mETa")
    again = netcdf.data[section.start : section.end]
    report, file = repair(netcdf.data[: section.end] + again + netcdf.data[section.end :])
    assert report.losses == ()
    assert file.metadata.medium == "netcdf"


def tile(shape: list[int], origin: list[int], overlap: Any = None) -> tuple[str, bytes]:
    fields: dict[int, Any] = {0: [["v", 7, 0.0, 1.0]], 1: shape, 2: [0, 1, {}], 5: origin}
    return "ITEM", cbor.encode(fields | ({8: overlap} if overlap else {}))


_HOSTILE: dict[str, Callable[[], bytes]] = {
    "10^12 samples": lambda: whole_file(("ITEM", item([10**12]))),
    "a tile at 2^60": lambda: whole_file(tile([4], [2**60])),
    "a tile at 2^47": lambda: whole_file(tile([4], [2**47])),
    "a lost end of 2^40": lambda: whole_file(tile([8 + 2**32] * 2, [0, 0], [[0, 2**32], [0, 0]])),
    "tiles on a diagonal": lambda: whole_file(
        *(tile([1] * 3, [2 * number] * 3) for number in range(50)), items=50
    ),
    "a mask of 2^40": lambda: whole_file(("ITEM", item([4], mask=0)), ("MASK", mask([2**40]))),
    "tiles of other axes": lambda: whole_file(tile([4], [0]), tile([4, 4], [4, 0]), items=2),
    "multiply-adds": lambda: whole_file(
        (
            "ITEM",
            item(
                [2**32], [architecture("siren").identifier, 1, {0: 256, 1: 3, 2: [0]}], tensors=10
            ),
        )
    ),
}


@pytest.mark.parametrize("name", _HOSTILE)
@pytest.mark.parametrize("damaged", [False, True])
def test_sizes_beyond_the_limits_are_refused_before_they_cost_anything(
    name: str, damaged: bool, tmp_path: Path
) -> None:
    data = bytearray(_HOSTILE[name]())
    data[-1] ^= damaged
    source = tmp_path / "d.inrc"
    source.write_bytes(data)
    with pytest.raises(InrcError) as found:
        codec.repair(source, tmp_path / "r.inrc")
    assert not isinstance(found.value, MemoryError)
    seconds = []
    for _ in range(3):
        started = time.process_time()
        with pytest.raises(InrcError):
            codec.repair(source, tmp_path / "r.inrc")
        seconds.append(time.process_time() - started)
    tracemalloc.start()
    with pytest.raises(InrcError):
        codec.repair(source, tmp_path / "r.inrc")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert min(seconds) < 0.05
    assert [path.name for path in tmp_path.iterdir()] == ["d.inrc"]


@pytest.mark.parametrize("named", [False, True])
def test_a_mask_that_fits_nothing_is_not_decoded(tmp_path: Path, named: bool) -> None:
    source = tmp_path / "d.inrc"
    source.write_bytes(
        whole_file(("ITEM", item([4], mask=0 if named else None)), ("MASK", mask([2**32])))
    )
    tracemalloc.start()
    codec.repair(source, tmp_path / "r.inrc")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_verbatim_variables_have_one_limit_together(tmp_path: Path) -> None:
    verbatim = [("VERB", cbor.encode([[name, [1], ["x" * 600]]])) for name in "ab"]
    source = tmp_path / "d.inrc"
    source.write_bytes(whole_file(("ITEM", item([4])), *verbatim))
    with pytest.raises(LimitError):
        codec.repair(source, tmp_path / "r.inrc", limits=codec.Limits(max_verbatim_bytes=1000))


def test_many_gaps_cost_no_more_than_they_are() -> None:
    pieces = [Stretch("MASK" if n % 2 else "", n, n + 1, bool(n % 2)) for n in range(60_000)]
    started = time.process_time()
    assert len(holes_for(pieces, "MASK")) == 30_000
    assert time.process_time() - started < 1


def test_vectors_are_taken_apart_and_put_together_unchanged() -> None:
    """Else mutants would be of other files."""
    (vector,) = (one for one in valid_vectors() if one.name == "tiles/one")
    assert take_apart(vector.data).to_bytes() == vector.data
    assert np.isfinite(Content.of(vector.data).fields["a"].values).all()
