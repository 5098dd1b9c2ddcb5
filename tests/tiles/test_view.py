"""A field in tiles is read like any other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.arrays import Array
from codec.errors import CorruptError, InvalidOptionError
from codec.files.byte_sources import FileSource
from codec.reading.contents import FileContents
from codec.reading.decoded_cache import DecodedCache
from codec.reading.item import DecodableItem
from tests.building import Sections, edited

INDICES = [
    np.s_[31:33, 15:17, 15:17],
    np.s_[::7, ::5, ::3],
    np.s_[40:2:-3, 39, -1],
    np.s_[5],
    np.s_[10:10],
    np.s_[..., 16:],
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_a_part_is_that_part_of_the_whole(tiled_path: Path, decoded: Array, index: Any) -> None:
    with codec.open(tiled_path, device="cpu") as file:
        assert file["t"][index].tobytes() == np.ascontiguousarray(decoded[index]).tobytes()


def test_threads_do_not_change_the_samples(tiled_path: Path, decoded: Array) -> None:
    with codec.open(tiled_path, device="cpu", threads=1) as file:
        assert file["t"][...].tobytes() == decoded.tobytes()


def test_a_level_has_samples_at_multiples_of_its_factors(tiled_path: Path, decoded: Array) -> None:
    with codec.open(tiled_path, device="cpu") as file:
        view = file["t"].level(1)
        # Axes outside of the joint wavelet of some tile stay whole.
        assert set(view.factors) <= {1, 2}
        assert max(view.factors) == 2
        coarse = decoded[tuple(slice(None, None, factor) for factor in view.factors)]
        assert view.shape == coarse.shape
        assert np.array_equal(np.isnan(view[...]), np.isnan(coarse))
        assert np.nanstd(view[...] - coarse) < 0.1 * np.nanstd(coarse)
        # Flat tiles, which have no levels of their own, are exact at any.
        assert (view[34 // view.factors[0] :] == 2.5).all()
        assert view.at([[3, 10, 12]])[0] == pytest.approx(view[3, 10, 12], rel=1e-6)


def test_levels_that_no_tile_has_are_refused(tiled_path: Path) -> None:
    with FileContents(tiled_path, device="cpu") as contents:
        deepest = max(item.lattice.depth for item in contents.items if item.lattice is not None)
    with codec.open(tiled_path, device="cpu") as file:
        assert file["t"].level(deepest).shape
        with pytest.raises(InvalidOptionError, match=f"0 to {deepest}"):
            file["t"].level(deepest + 1)


def test_at_the_samples_at_gives_the_samples(tiled_path: Path, decoded: Array) -> None:
    points = np.array([[0, 20, 20], [31, 15, 15], [32, 16, 16], [49, 39, 35]])
    with codec.open(tiled_path, device="cpu") as file:
        assert file["t"].at(points) == pytest.approx(decoded[tuple(points.T)], abs=1e-5)


def test_between_two_tiles_at_interpolates_from_one_to_the_other(
    tiled_path: Path, decoded: Array
) -> None:
    with codec.open(tiled_path, device="cpu") as file:
        (found,) = file["t"].at([[20, 15.25, 20]])
        expected = 0.75 * decoded[20, 15, 20] + 0.25 * decoded[20, 16, 20]
        assert found == pytest.approx(expected, abs=1e-5)
        (corner,) = file["t"].at([[31.5, 15.5, 15.5]])
        assert corner == pytest.approx(decoded[31:33, 15:17, 15:17].mean(), abs=1e-5)
        # Outside: the border; where the nearest sample is invalid: not a number.
        assert file["t"].at([[99, -5, 99]])[0] == pytest.approx(decoded[49, 0, 35])
        assert np.isnan(file["t"].at([[7.4, 3, 3]])[0])
        assert not np.isnan(file["t"].at([[7.6, 3, 3]])[0])


def test_a_region_reads_only_its_tiles(tiled_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[int, int]] = []
    original = FileSource.read_at

    def counted(self: FileSource, offset: int, size: int) -> bytes:
        reads.append((offset, size))
        return original(self, offset, size)

    with FileContents(tiled_path, device="cpu") as file:
        own = file.streams.sections_of(3)
        others = file.streams.sections.of_type("TENS")
        monkeypatch.setattr(FileSource, "read_at", counted)
        file.fields["t"][4:20, 20:30, 18:20]
    assert {offset for offset, _ in reads} == {section.start for section in own}
    assert sum(size for _, size in reads) < sum(one.end - one.start for one in others) / 4


def test_the_cache_keeps_what_was_used_last_within_its_bytes() -> None:
    cache = DecodedCache(160)
    made: list[str] = []

    def use(key: str, size: int = 40) -> str:
        return cache.get(key, lambda: made.append(key) or key, lambda _: size)

    for key in "abac":
        use(key)
    assert made == ["a", "b", "c"]
    use("d")
    use("c")
    assert made == ["a", "b", "c", "d"]
    use("e")
    use("a")
    use("b")
    assert made == ["a", "b", "c", "d", "e", "b"]
    for _ in range(2):
        use("huge", 1000)
    assert made[-1] == "huge"


def test_tiles_that_were_dropped_are_decoded_again(
    tiled_path: Path, decoded: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codec.reading.streams._CACHE_BYTES", 1)
    with codec.open(tiled_path, device="cpu") as file:
        for _ in range(2):
            assert file["t"][...].tobytes() == decoded.tobytes()
        file.check_digest()


def test_decoding_to_a_file_decodes_each_tile_once_and_holds_few(
    tiled_path: Path, decoded: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codec.reading.streams._CACHE_BYTES", 1)
    made: list[int] = []
    original = DecodableItem.parameters

    def counted(self: DecodableItem, level: int) -> Any:
        made.append(self.number)
        return original(self, level)

    monkeypatch.setattr(DecodableItem, "parameters", counted)
    codec.decode(tiled_path, tmp_path / "t.npy", device="cpu")
    assert sorted(made) == list(range(12))
    assert np.load(tmp_path / "t.npy").tobytes() == decoded.tobytes()


def test_tiles_are_decoded_while_others_are_used(
    tiled_path: Path, decoded: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at the same time, one of them while the caller has the one before."""
    both = threading.Barrier(2)
    original = DecodableItem.parameters
    begun: list[int] = []

    def together(self: DecodableItem, level: int) -> Any:
        begun.append(self.number)
        if len(begun) <= 2:
            both.wait(timeout=300)
        return original(self, level)

    monkeypatch.setattr(DecodableItem, "parameters", together)
    with FileContents(tiled_path, device="cpu", threads=2) as file:
        view = file.decoders["t"]
        out = np.empty_like(decoded)
        selection = [np.arange(size) for size in view.shape]
        for number, (window, values) in enumerate(view.read_windows(selection, 1 << 20)):
            if number == 0:
                assert len(begun) >= 2
            assert len(begun) <= number + 4
            out[window] = values
    assert out.tobytes() == decoded.tobytes()


def test_an_error_in_one_tile_ends_the_whole(
    tiled_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = DecodableItem.parameters

    def broken(self: DecodableItem, level: int) -> Any:
        if self.number == 5:
            raise CorruptError("broken")
        return original(self, level)

    monkeypatch.setattr(DecodableItem, "parameters", broken)
    with (
        codec.open(tiled_path, device="cpu", threads=2) as file,
        pytest.raises(CorruptError, match="broken"),
    ):
        file["t"][...]


def test_a_wrong_digest_of_a_tiled_file_writes_nothing(tiled_path: Path, tmp_path: Path) -> None:
    def change(sections: Sections) -> None:
        name, attribute, stored = sections[-1]
        sections[-1] = (name, attribute, stored[:-1] + bytes([stored[-1] ^ 1]))

    source = tmp_path / "t.inrc"
    source.write_bytes(edited(tiled_path.read_bytes(), change))
    with pytest.raises(CorruptError, match="digest"):
        codec.decode(source, tmp_path / "t.npy", device="cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["t.inrc"]
    # A part does not need the digest of the whole: its sections are checked by the index.
    codec.decode(source, tmp_path / "t.npy", region={"0": slice(3, 5)}, device="cpu")
