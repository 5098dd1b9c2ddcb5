"""Files that were cut short: what is left of them is decoded, but only when it is asked for."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from click.testing import CliRunner

import codec
from codec.coding.restore_parameters import restore_parameters
from codec.errors import CorruptError, FormatError, TruncatedError
from codec.reading.contents import FileContents
from inrc_cli.main import inrc
from tests.building import fvsrn_file, pyramid_file, split

SIZE = 64
AXES = (3, 3, 3)


def textured() -> np.ndarray:
    """Noise whose power falls with frequency, so that every level matters."""
    random = np.random.default_rng(0)
    total = np.zeros((SIZE,) * 3)
    for times in (1, 2, 4, 8):
        part = random.normal(size=(SIZE // times,) * 3) * np.sqrt(times)
        total += np.kron(part, np.ones((times,) * 3))
    return total.astype(np.float32)


FIELD = textured()
FILE = pyramid_file([FIELD], AXES, 0.02)


def ends(data: bytes = FILE) -> list[int]:
    """Where the TENS sections end."""
    with FileContents(data, device="cpu") as file:
        found = file.streams.sections.of_type("TENS")
    return [section.payload_offset + section.stored_bytes + 4 for section in found]


def psnr(found: np.ndarray) -> float:
    error = np.square(found.astype(np.float64) - FIELD).mean()
    return float(20 * np.log10(np.ptp(FIELD)) - 10 * np.log10(error))


def decoded(data: bytes, level: int = 0) -> np.ndarray:
    with codec.open(data, device="cpu", threads=1, allow_truncated=True) as file:
        return file["v0"].level(level)[...]


def test_what_is_left_grows_with_the_length() -> None:
    cuts = ends()
    assert len(cuts) == 3
    qualities = [psnr(decoded(FILE[:cut])) for cut in cuts]
    assert qualities[0] > psnr(np.full_like(FIELD, FIELD.mean())) + 1
    assert all(after > before + 1 for before, after in itertools.pairwise(qualities))
    # All coefficients are there, only the end is missing.
    assert decoded(FILE[: cuts[-1]]).tobytes() == decoded(FILE).tobytes()


def test_missing_coefficients_count_as_zeros() -> None:
    with FileContents(FILE, device="cpu") as file:
        item = file.items[0]
        streams = [values for section in item.integers.all() for values in section.streams]
        places = [np.arange(float(size)) for size in FIELD.shape]
        for kept, cut in zip((1, 2), ends(), strict=False):
            parts = [values * (at < kept) for at, values in enumerate(streams)]
            parameters = restore_parameters(item.header, item.specs, np.concatenate(parts), {})
            evaluator = item.architecture.evaluator(
                item.header.config, FIELD.shape, 1, parameters, "cpu"
            )
            # Values beyond the range are clipped to it.
            normalised = np.clip(evaluator.on_axes(places)[0], -1, 1)
            expected = item.header.components[0].scale * normalised
            assert np.allclose(decoded(FILE[:cut]), expected, rtol=1e-6, atol=1e-6)


def test_a_section_that_is_cut_counts_as_missing() -> None:
    cuts = ends()
    for before, after in itertools.pairwise(cuts):
        expected = decoded(FILE[:before]).tobytes()
        for length in (before + 1, before + 7, (before + after) // 2, after - 1):
            assert decoded(FILE[:length]).tobytes() == expected


def test_levels_that_are_there_are_whole() -> None:
    cuts = ends()
    with FileContents(FILE, device="cpu") as file:
        lattice = file.items[0].lattice
        counts = np.cumsum([len(section.streams[0]) for section in file.items[0].integers.all()])
    assert lattice is not None
    seen = set()
    for cut, count in zip(cuts, counts, strict=True):
        for level in range(lattice.depth + 1):
            same = decoded(FILE[:cut], level).tobytes() == decoded(FILE, level).tobytes()
            assert same == (lattice.count(level) <= count)
            seen.add(same)
    assert seen == {True, False}


def test_missing_coefficients_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "inrc"):
        decoded(FILE[: ends()[0]])
    (record,) = caplog.records
    assert "v0" in record.message
    assert "missing" in record.message


def test_without_the_flag_the_file_is_refused() -> None:
    for cut in (*ends(), ends()[1] - 5, len(FILE) - 1):
        with pytest.raises(TruncatedError):
            codec.open(FILE[:cut], device="cpu")


def test_with_the_flag_a_whole_file_is_a_whole_file() -> None:
    with FileContents(FILE, device="cpu", allow_truncated=True) as file:
        assert not file.streams.sections.truncated
        file.check_digest()
        assert file.fields["v0"][...].tobytes() == decoded(FILE).tobytes()
    with FileContents(FILE[: ends()[0]], device="cpu", allow_truncated=True) as file:
        assert file.streams.sections.truncated


def test_before_the_coarsest_level_nothing_can_be_shown() -> None:
    first = split(FILE)[1][[name for name, *_ in split(FILE)[1]].index("TENS")]
    before = ends()[0]
    for cut in (before - 1, before - len(first[2]) - 6):
        with codec.open(FILE[:cut], device="cpu", allow_truncated=True) as file:
            assert file["v0"].shape == FIELD.shape
            for level in (0, 3):
                with pytest.raises(TruncatedError, match="v0"):
                    file["v0"].level(level)[...]


def test_before_the_last_item_nothing_can_be_opened() -> None:
    for cut in (0, 5, 12, 20, 40):
        with pytest.raises(FormatError):
            codec.open(FILE[:cut], device="cpu", allow_truncated=True)


def test_every_prefix_is_decoded_or_refused() -> None:
    data = pyramid_file([FIELD[:16, :16, :16]], (2, 2, 2), 0.1)
    for cut in range(0, len(data), 7):
        try:
            with codec.open(data[:cut], device="cpu", allow_truncated=True) as file:
                file["v0"][...]
                file["v0"].level(2)[0]
        except TruncatedError:
            continue
        assert cut >= ends(data)[0]


def test_a_cut_file_that_is_also_damaged_is_refused() -> None:
    cut = ends()[0]
    damaged = bytearray(FILE[:cut])
    damaged[cut - 40] ^= 1
    file = codec.open(bytes(damaged), device="cpu", allow_truncated=True)
    with file, pytest.raises(CorruptError):
        file["v0"][...]


def test_a_function_needs_all_its_integers() -> None:
    data = fvsrn_file((6, 7))
    cut = ends(data)[0] - 1
    file = codec.open(data[:cut], device="cpu", allow_truncated=True)
    with file, pytest.raises(FormatError):
        file["v0"][...]
    # Its integers are there, only the end is missing.
    expected = codec.open(data, device="cpu")["v0"][...]
    with codec.open(data[: cut + 1], device="cpu", allow_truncated=True) as file:
        assert file["v0"][...].tobytes() == expected.tobytes()


def test_other_coders_can_be_cut_too() -> None:
    data = pyramid_file([FIELD], AXES, 0.02, coder="range")
    assert len(ends(data)) == 4
    assert decoded(data).tobytes() == decoded(FILE).tobytes()
    qualities = [psnr(decoded(data[:cut])) for cut in ends(data)]
    assert qualities == sorted(qualities)
    assert qualities[0] < qualities[-1] - 5


def test_coarse_sections_of_all_items_come_first(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "two.nc", "w") as source:
        for name, size in (("small", 40), ("large", 240)):
            source.createDimension(name[0], size)
            values = np.random.default_rng(size).normal(size=(size, size))
            source.createVariable(name, "f4", (name[0], name[0]))[:] = values
    target = tmp_path / "two.inrc"
    codec.encode(
        tmp_path / "two.nc", target, psnr=40, effort=4, arch="pyramid", threads=1, device="cpu"
    )
    data = target.read_bytes()
    with FileContents(data, device="cpu") as contents:
        order = contents.streams.items_of("TENS")
    assert set(order) == {0, 1}
    assert len(order) >= 3
    ranks = [order[: at + 1].count(item) - order.count(item) for at, item in enumerate(order)]
    assert ranks == sorted(ranks)
    # The digest covers them in that order.
    with codec.open(data, device="cpu") as file:
        file.check_digest()


def test_on_the_command_line(tmp_path: Path) -> None:
    source, out = tmp_path / "cut.inrc", tmp_path / "out.npy"
    source.write_bytes(FILE[: ends()[1]])
    run = CliRunner()
    done = run.invoke(inrc, ["decode", str(source), "-o", str(out)])
    assert done.exit_code == 3
    assert not out.exists()
    done = run.invoke(inrc, ["decode", str(source), "-o", str(out), "--allow-truncated"])
    assert done.exit_code == 0, done.output
    assert np.load(out).tobytes() == decoded(FILE[: ends()[1]]).tobytes()
    arguments = ["--allow-truncated", "--level", "2", "--force"]
    done = run.invoke(inrc, ["decode", str(source), "-o", str(out), *arguments])
    assert done.exit_code == 0, done.output
    assert np.load(out).tobytes() == decoded(FILE, 2).tobytes()
