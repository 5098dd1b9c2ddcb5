"""The runner, as somebody uses it who tests a decoder of his own."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from inrc_conformance.decoder import decode_bytes
from inrc_conformance.decoder.output import write_outputs
from inrc_conformance.runner.check import check_outputs, check_status
from inrc_conformance.runner.main import main
from inrc_conformance.runner.scope import scope_of
from inrc_conformance.runner.suite import DEFAULT_SUITE, SuiteCase

REFERENCE = f"{sys.executable} -m inrc_conformance.decoder"
REFUSING = """
import json, sys
for line in sys.stdin:
    answer = {"id": json.loads(line)["id"], "status": "unsupported", "error": ""}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "conformance"))


@pytest.fixture
def refusing(tmp_path: Path):
    """A decoder that supports nothing."""
    script = tmp_path / "refusing.py"
    script.write_text(REFUSING)
    decoder = f"{sys.executable} {script}"
    return lambda case, *options: main(
        ["run", "--decoder", decoder, "--mode", "batch", "--run", case, *options]
    )


def test_one_shot_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    json_path, xml_path = tmp_path / "r.json", tmp_path / "r.xml"
    some = ["--run", "valid/items/constant", "--run", "malformed/head/*ing*", "--skip", "*/k*"]
    reports = ["--json", str(json_path), "--junit", str(xml_path)]
    assert main(["run", "--decoder", REFERENCE, *some, *reports]) == 0
    report = json.loads(json_path.read_text())
    assert report["failed"] == 0
    assert report["passed"] == len(report["cases"]) == 2
    assert not any("/kind" in case["id"] for case in report["cases"])
    suite = _xml(xml_path)
    assert int(suite.attrib["tests"]) == report["passed"]
    assert suite.attrib["failures"] == "0"


def test_a_decoder_that_fails_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    xml_path = tmp_path / "r.xml"
    command = f"{sys.executable} -c 'raise SystemExit(4)'"
    run = ["run", "--decoder", command, "--run", "malformed/head/kind-*"]
    assert main([*run, "--junit", str(xml_path)]) == 1
    assert "expected malformed, got unsupported" in capsys.readouterr().out
    assert len(_xml(xml_path).findall(".//failure")) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--decoder", REFERENCE, "--run", "nothing/*"],
        ["run", "--decoder", "no-such-program-of-mine"],
        ["run", "--decoder", ""],
        ["run", "--decoder", "'open"],
        ["run", "--decoder", REFERENCE, "--architectures", "pyramids"],
        ["run", "--decoder", REFERENCE, "--json", "/no/such/folder/r.json"],
        ["list", "--run", "nothing/*"],
        ["list", "--suite", "/no/such/suite"],
        ["copy", "--run", "nothing/*", "/no/such/folder"],
        ["compare", "a.npy", "b.npy", "--peak", "1", "--rms", "1"],
        ["selftest", "--run", "nothing"],
    ],
)
def test_a_command_that_makes_no_sense_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_a_copy_is_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    assert main(["copy", "--run", "valid/priors/all-0", "--run", "limit/cbor/*", str(copy)]) == 0
    capsys.readouterr()
    assert main(["list", "--suite", str(copy)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) >= 2
    assert main(["run", "--suite", str(copy), "--decoder", REFERENCE, "--mode", "batch"]) == 0
    assert main(["copy", "--run", "limit/*", str(copy)]) == 2


def test_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(a, np.zeros(4))
    np.save(b, np.array([0, 0, 0, 0.5]))
    limits = ["compare", str(a), str(b), "--peak"]
    assert main([*limits, "0.6", "--rms", "0.3"]) == 0
    assert main([*limits, "0.4", "--rms", "0.3"]) == 1
    assert main([*limits, "0.6", "--rms", "0.2"]) == 1


def _case(identity: str) -> SuiteCase:
    folder = DEFAULT_SUITE / identity
    return SuiteCase(folder, json.loads((folder / "case.json").read_text(encoding="utf-8")))


def _problems(one: SuiteCase, outdir: Path, unevaluated: list[int], names: str | None) -> list[str]:
    """What is wrong with the reference decoder's answer when it leaves items out."""
    write_outputs(decode_bytes(one.input.read_bytes()), outdir)
    info = json.loads((outdir / "info.json").read_text())
    (outdir / "info.json").write_text(json.dumps(info | {"unevaluated": unevaluated}))
    for item in unevaluated:
        for path in outdir.glob(f"*-{item}-*.npy"):
            path.unlink()
    return check_outputs(one, outdir, scope_of(names))


def test_an_item_that_is_not_evaluated_fails_unless_its_architecture_is_left_out(
    tmp_path: Path,
) -> None:
    one = _case("valid/shell/beside-other-architectures")
    shells = [n for n, name in enumerate(one.architectures) if name == "shell"]
    first = next(n for n in range(len(one.architectures)) if n not in shells)
    others = ",".join(sorted({*one.architectures} - {"shell"}))
    assert _problems(one, tmp_path, [], None) == []
    assert _problems(one, tmp_path, [], others) == []
    assert _problems(one, tmp_path, shells, others) == []
    assert f"item {shells[0]} is not evaluated" in _problems(one, tmp_path, shells, None)
    assert _problems(one, tmp_path, shells, f"{others},shell") != []
    assert _problems(one, tmp_path, [first], others) == [f"item {first} is not evaluated"]
    assert _problems(one, tmp_path, [99], others) != []


def test_integers_are_compared_of_items_that_are_left_out(tmp_path: Path) -> None:
    one = _case("valid/shell/beside-other-architectures")
    other = SuiteCase(one.folder, one.info | {"integers_sha256": "0" * 64})
    assert _problems(other, tmp_path, [], "constant") == ["integers_sha256 differs"]


def test_tiles_of_a_field_with_an_architecture_left_out_need_no_values(tmp_path: Path) -> None:
    one = _case("valid/tiles/architectures-differ")
    everything = list(range(len(one.architectures)))
    assert _problems(one, tmp_path, everything, one.architectures[0]) == []
    assert _problems(one, tmp_path, everything, None) != []


def test_a_refusal_may_be_unsupported_for_an_architecture_left_out() -> None:
    one = _case("malformed/shell/depth-13")
    assert check_status(one, "unsupported", scope_of("pyramid")) == []
    assert check_status(one, "unsupported", scope_of("pyramid,shell")) != []
    assert check_status(one, "unsupported") != []
    assert check_status(one, "ok", scope_of("pyramid")) != []
    valid = _case("valid/shell/depth-0")
    assert check_status(valid, "unsupported", scope_of("pyramid")) != []


def test_the_command_line_knows_architectures(refusing) -> None:
    case = "malformed/shell/depth-13"
    assert refusing(case, "--architectures", "pyramid") == 0
    assert refusing(case) == 1


def test_the_ten_classical_faults_are_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--quick"]) == 0
    assert "10 caught, 0 missed" in capsys.readouterr().out


def test_a_selftest_fails_where_no_vector_catches_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["copy", "--run", "valid/items/constant", str(tmp_path / "copy")]) == 0
    test = ["selftest", "--quick", "--suite", str(tmp_path / "copy"), "--run"]
    assert main([*test, "zeros"]) == 0
    assert main([*test, "ignores-residual"]) == 1


def _xml(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()  # noqa: S314 - the runner wrote it
