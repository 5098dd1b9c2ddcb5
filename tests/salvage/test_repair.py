"""A repaired file holds what was intact, says what is lost, and never anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from click.testing import CliRunner
from robustness.promises import valid_samples

import codec
from codec.errors import CorruptError, InrcError, InvalidInputError, UnsupportedError
from inrc_cli.main import inrc
from tests import building
from tests.conftest import Process
from tests.salvage.conftest import Sample

_PRODUCT = Path(__file__).parents[1] / "conformance_product.py"


def kinds(report: Any) -> list[tuple[str, str]]:
    return [(loss.kind, loss.name) for loss in report.losses]


def assert_kept(file: Any, sample: Sample, *, without: tuple[str, ...] = ()) -> None:
    """Every sample that is valid is as it was before the damage."""
    for name in file.fields:
        if name not in without:
            valid = valid_samples(file.decoders[name])
            np.testing.assert_array_equal(file.fields[name][...][valid], sample.fields[name][valid])


@pytest.mark.parametrize("number", [0, 3, 7])
@pytest.mark.parametrize("section", ["ITEM", "TENS"])
def test_a_damaged_tile_has_no_valid_sample_and_the_others_are_as_before(
    bounded: Sample, repair: Any, section: str, number: int
) -> None:
    report, file = repair(bounded.flipped(bounded.number(section, number)))
    box = [(12 * x, 12 * x + 12, 10 * y, 8 * z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    start, stop, row, column = box[number]
    ranges = ((start, stop), (row, row + 10), (column, column + 8))
    assert [(one.kind, one.name, one.ranges, one.share) for one in report.losses] == [
        ("samples", "f", ranges, 1 / 8)
    ]
    assert [(kind, size > 0) for kind, _, size in report.damage] == [(section, True)]
    valid = valid_samples(file.decoders["f"])
    lost = tuple(slice(*span) for span in ranges)
    assert not valid[lost].any()
    assert np.isnan(file.fields["f"][lost]).all()
    assert valid.sum() == valid.size * 7 // 8
    assert_kept(file, bounded)
    # A bound is about valid samples.
    assert file.fields["f"].bound == 0.01


def test_damaged_residuals_take_the_bound_and_leave_the_samples(
    bounded: Sample, repair: Any
) -> None:
    report, file = repair(bounded.flipped(bounded.number("RESD", 1)))
    assert kinds(report) == [("bound", "f")]
    assert file.fields["f"].bound is None
    (tile,) = (item for item in file.items if not item.header.bounds)
    assert tile.header.residual_steps == ()
    box = tuple(slice(*span) for span in report.losses[0].ranges)
    changed = file.fields["f"][...] != bounded.fields["f"]
    assert changed[box].any()
    changed[box] = False
    assert not changed.any()
    assert valid_samples(file.decoders["f"]).all()


@pytest.mark.parametrize("section", ["HEAD", "pROv", "tIDX", "ENDS"])
def test_sections_without_values_cost_nothing(bounded: Sample, repair: Any, section: str) -> None:
    report, file = repair(bounded.flipped(bounded.number(section)))
    assert report.losses == ()
    assert [kind for kind, _, _ in report.damage] == [section]
    np.testing.assert_array_equal(file.fields["f"][...], bounded.fields["f"])
    assert file.fields["f"].bound == 0.01


def test_an_intact_file_stays_what_it_is(netcdf: Sample, repair: Any) -> None:
    report, file = repair(netcdf.data)
    assert (report.damage, report.losses) == ((), ())
    assert report.intact == len(netcdf.sections)
    for name, values in netcdf.fields.items():
        np.testing.assert_array_equal(file.fields[name][...], values)


@pytest.mark.parametrize(
    ("section", "number", "lost"),
    [
        ("ITEM", 0, [("variable", "t")]),
        ("ITEM", 1, [("variable", "p")]),
        ("MASK", 0, [("samples", "t")]),
        ("VERB", 0, [("variable", "n"), ("variable", "x"), ("variable", "y")]),
        ("mETa", 0, [("metadata", "")]),
        ("TENS", 0, [("samples", "t")]),
        ("TENS", 1, [("samples", "p")]),
    ],
)
def test_a_file_of_several_fields_loses_no_more_than_what_was_damaged(
    netcdf: Sample, repair: Any, tmp_path: Path, section: str, number: int, lost: Any
) -> None:
    report, file = repair(netcdf.flipped(netcdf.number(section, number)))
    assert kinds(report) == lost
    assert_kept(file, netcdf)
    assert [(one.kind, one.name) for one in file.metadata.made.losses] == lost
    # What is left is a file of its medium.
    back = tmp_path / "back.nc"
    codec.decode(tmp_path / "repaired.inrc", back, device="cpu", threads=1)
    with netCDF4.Dataset(back) as found:
        expected = {"t", "p", "n", "x", "y"} - {n for kind, n in lost if kind == "variable"}
        if section == "mETa":
            expected = {"t", "p"}
        assert set(found.variables) == expected
        if ("samples", "t") in lost:
            assert found["t"]._FillValue == -999
            assert found["t"][:].mask.all()


def test_samples_that_were_blended_with_a_lost_tile_are_lost(blended: Sample, repair: Any) -> None:
    report, file = repair(blended.flipped(blended.number("TENS", 0)))
    assert report.losses[0].ranges == ((0, 14), (0, 12), (0, 10))
    valid = valid_samples(file.decoders["f"])
    assert not valid[:14, :12, :10].any()
    assert valid.sum() == valid.size - 14 * 12 * 10
    assert_kept(file, blended)


def test_a_file_that_was_cut_short_keeps_its_tiles(bounded: Sample, repair: Any) -> None:
    end = bounded.number("TENS", 5).payload_offset + 20
    report, file = repair(bounded.data[:end])
    assert kinds(report).count(("samples", "f")) == 3
    # All residuals were behind.
    assert kinds(report).count(("bound", "f")) >= 3
    assert file.fields["f"].shape == bounded.fields["f"].shape
    assert valid_samples(file.decoders["f"]).sum() == bounded.fields["f"].size * 5 // 8


@pytest.mark.parametrize("garbage", [b"TENS\0\x10garbage", bytes(1000), b"x"])
def test_garbage_between_sections_costs_nothing(
    bounded: Sample, netcdf: Sample, repair: Any, garbage: bytes
) -> None:
    for sample, sections in ((bounded, bounded.sections[4::9]), (netcdf, netcdf.sections[1::2])):
        for section in sections:
            data = sample.data[: section.start] + garbage + sample.data[section.start :]
            report, file = repair(data)
            assert report.losses == (), (section, report)
            assert report.damage
            assert_kept(file, sample)


@pytest.mark.parametrize("size", [4, 12, 27])
def test_a_file_without_its_beginning_keeps_what_is_counted(
    bounded: Sample, netcdf: Sample, repair: Any, size: int
) -> None:
    report, file = repair(bytes(size) + netcdf.data[size:])
    assert report.losses == ()
    np.testing.assert_array_equal(file.fields["p"][...], netcdf.fields["p"])
    report, file = repair(bounded.data[size:])
    assert report.losses == ()
    np.testing.assert_array_equal(file.fields["f"][...], bounded.fields["f"])


@pytest.mark.parametrize("byte", [0, 4, 5])
def test_a_section_whose_head_is_damaged_is_found_by_its_checksum(
    netcdf: Sample, repair: Any, byte: int
) -> None:
    for section in netcdf.sections[1:]:
        data = bytearray(netcdf.data)
        data[section.start + byte] ^= 0x24
        report, file = repair(bytes(data))
        assert (report.losses, report.damage) == ((), ()), section
        assert_kept(file, netcdf)


def test_a_middle_that_is_missing_is_told_from_what_follows(bounded: Sample, repair: Any) -> None:
    first, last = bounded.number("ITEM", 2), bounded.number("ITEM", 4)
    report, file = repair(bounded.data[: first.start + 5] + bounded.data[last.start + 7 :])
    assert kinds(report) == [("samples", "f")] * 3
    assert_kept(file, bounded)
    assert valid_samples(file.decoders["f"]).sum() == bounded.fields["f"].size * 5 // 8


def test_a_whole_slab_that_is_missing_is_filled(bounded: Sample, repair: Any) -> None:
    """Between others; at an end nothing tells how far the field went."""
    lost = [bounded.number("ITEM", number) for number in range(4)]
    report, file = repair(bounded.flipped(*lost))
    assert file.fields["f"].shape == bounded.fields["f"].shape
    assert_kept(file, bounded)
    assert not valid_samples(file.decoders["f"])[:12].any()
    lost = [bounded.number("ITEM", number) for number in range(4, 8)]
    report, file = repair(bounded.flipped(*lost))
    assert file.fields["f"].shape == (12, 20, 16)
    assert kinds(report) == [("variable", "")]


def damaged(data: bytes, chance: np.random.Generator) -> bytes:
    """A file after one to three accidents."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 3])):
        at, size = int(chance.integers(len(found))), int(chance.choice([1, 4, 20, 100, 300]))
        accident = chance.choice(["flip", "cut", "insert", "remove", "wipe", "behead", "repeat"])
        if accident == "flip":
            found[at] ^= 1 << int(chance.integers(8))
        elif accident == "cut":
            del found[at:]
        elif accident == "insert":
            found[at:at] = chance.bytes(size)
        elif accident == "remove":
            del found[at : at + size]
        elif accident == "wipe":
            found[at : at + size] = bytes(len(found[at : at + size]))
        elif accident == "behead":
            del found[:size]
        else:
            found[at:at] = found[max(0, at - size) : at]
        found = found or bytearray(b"x")
    return bytes(found)


def test_whatever_happens_to_a_file_nothing_is_mixed_up(
    bounded: Sample, blended: Sample, netcdf: Sample, repair: Any
) -> None:
    chance = np.random.default_rng(2026)
    saved = 0
    for number in range(24):
        sample = (bounded, netcdf, blended, netcdf)[number % 4]
        try:
            report, file = repair(damaged(sample.data, chance))
        except InrcError:
            continue
        saved += 1
        without = tuple(loss.name for loss in report.losses if loss.kind == "bound")
        for name in file.fields:
            values, valid = file.fields[name][...], valid_samples(file.decoders[name])
            kept = sample.fields[name][tuple(slice(0, size) for size in values.shape)]
            if name not in without:
                np.testing.assert_array_equal(values[valid], kept[valid])
    assert saved > 12


def test_both_decoders_take_repaired_files(
    blended: Sample, netcdf: Sample, repair: Any, tmp_path: Path, process: Process
) -> None:
    """In the first one tile is left, for the reference decoder takes its time."""
    requests = ""
    for number, data in enumerate(
        [
            blended.flipped(*(blended.number("TENS", tile) for tile in range(1, 8))),
            netcdf.flipped(netcdf.number("MASK"), netcdf.number("VERB")),
        ]
    ):
        repair(data)
        name = tmp_path / f"{number}.inrc"
        (tmp_path / "repaired.inrc").rename(name)
        out = str(tmp_path / f"out-{number}")
        requests += json.dumps({"id": str(number), "input": str(name), "outdir": out}) + "\n"
    for decoder in (("-m", "inrc_conformance.decoder"), (str(_PRODUCT),)):
        answers = process(*decoder, "batch", input=requests).stdout.splitlines()
        assert [json.loads(answer)["status"] for answer in answers] == ["ok", "ok"]


def test_losses_stay_in_the_file_when_it_is_transcoded_and_appended_to(
    bounded: Sample, repair: Any, tmp_path: Path
) -> None:
    report, file = repair(bounded.flipped(bounded.number("TENS", 1)))
    assert [(one.kind, one.name, one.ranges) for one in file.metadata.made.losses] == [
        ("samples", "f", report.losses[0].ranges)
    ]
    target = tmp_path / "repaired.inrc"
    codec.transcode(target, tmp_path / "t.inrc", coder="zstd", threads=1)
    assert codec.info(tmp_path / "t.inrc").made.losses == file.metadata.made.losses
    np.save(tmp_path / "f.npy", bounded.fields["f"])
    codec.append(target, tmp_path / "f.npy", dim="0", threads=1, device="cpu")
    assert codec.info(target).made.losses == file.metadata.made.losses


def test_nothing_left_is_an_error_and_no_file(tmp_path: Path) -> None:
    source, target = tmp_path / "d.inrc", tmp_path / "r.inrc"
    for data in (b"", b"not a file", building.constant_file()[:20]):
        source.write_bytes(data)
        with pytest.raises(CorruptError):
            codec.repair(source, target)
        assert not target.exists()


def test_a_file_of_another_version_is_not_damaged(tmp_path: Path) -> None:
    header, sections = building.split(building.constant_file())
    source = tmp_path / "d.inrc"
    source.write_bytes(building.join(header[:8] + b"\2" + header[9:], sections))
    with pytest.raises(UnsupportedError, match="version 2"):
        codec.repair(source, tmp_path / "r.inrc")


def test_neither_the_input_nor_another_file_is_overwritten(tmp_path: Path) -> None:
    source, target = tmp_path / "d.inrc", tmp_path / "r.inrc"
    source.write_bytes(building.constant_file())
    with pytest.raises(InvalidInputError, match="is the input itself"):
        codec.repair(source, source, overwrite=True)
    target.write_bytes(b"old")
    with pytest.raises(InvalidInputError, match="exists"):
        codec.repair(source, target)
    assert target.read_bytes() == b"old"


def test_the_command_says_what_is_lost_by_line_and_by_exit_code(
    bounded: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    Path("d.inrc").write_bytes(bounded.flipped(bounded.number("TENS", 0)))
    result = run(inrc, ["repair", "d.inrc", "-o", "r.inrc"])
    assert result.exit_code == 6
    assert "damaged: TENS" in result.stdout
    assert "0:12,0:10,0:8" in result.stdout
    assert "12.5%" in result.stdout
    assert "written without what is lost of d.inrc" in result.stderr
    result = run(inrc, ["repair", "d.inrc", "-o", "r.inrc", "--force", "--json"])
    assert json.loads(result.stdout)["losses"][0]["ranges"] == [[0, 12], [0, 10], [0, 8]]
    assert "repaired, 1 losses" in run(inrc, ["info", "r.inrc"]).stdout
    Path("d.inrc").write_bytes(bounded.data[:-1])
    assert run(inrc, ["repair", "d.inrc", "-o", "r2.inrc"]).exit_code == 0
    Path("d.inrc").write_bytes(b"nothing")
    assert run(inrc, ["repair", "d.inrc", "-o", "r3.inrc"]).exit_code == 3
    assert not Path("r3.inrc").exists()
