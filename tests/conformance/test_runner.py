"""The runner, as somebody uses it who tests a decoder of his own."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from inrc_conformance.runner import main

REFERENCE = f"{sys.executable} -m inrc_conformance.decoder"
MIXED = "valid/tiles/architectures-differ"
PARTIAL = """
import json, os, sys
from pathlib import Path
from inrc_conformance.decoder import DecodeError, Unsupported, decode_bytes
from inrc_conformance.decoder.output import write_outputs

def answer(source, outdir):
    data = Path(source).read_bytes()
    try:
        decoded = decode_bytes(data)
    except DecodeError as error:
        return "unsupported" if os.environ["REFUSE"] else error.outcome
    write_outputs(decoded, Path(outdir))
    info = json.loads((Path(outdir) / "info.json").read_text())
    info["unevaluated"] = json.loads(os.environ["UNEVALUATED"])
    for item in info["unevaluated"]:
        for path in Path(outdir).glob(f"*-{item}-*.npy"):
            path.unlink()
    (Path(outdir) / "info.json").write_text(json.dumps(info))
    return "ok"

for line in sys.stdin:
    request = json.loads(line)
    status = answer(request["input"], request["outdir"])
    print(json.dumps({"id": request["id"], "status": status, "error": ""}), flush=True)
"""


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "conformance"))


@pytest.fixture
def partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A decoder that leaves items out, or answers all refusals with unsupported."""
    script = tmp_path / "partial.py"
    script.write_text(PARTIAL)

    def run(case: str, *options: str, unevaluated: str = "[]", refuse: str = "") -> int:
        monkeypatch.setenv("UNEVALUATED", unevaluated)
        monkeypatch.setenv("REFUSE", refuse)
        decoder = f"{sys.executable} {script}"
        return main(["run", "--decoder", decoder, "--mode", "batch", "--run", case, *options])

    return run


def test_one_shot_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    json_path, xml_path = tmp_path / "r.json", tmp_path / "r.xml"
    some = ["--run", "valid/items/constant", "--run", "malformed/head/*", "--skip", "*/count-*"]
    reports = ["--json", str(json_path), "--junit", str(xml_path)]
    assert main(["run", "--decoder", REFERENCE, *some, *reports]) == 0
    report = json.loads(json_path.read_text())
    assert report["failed"] == 0
    assert report["passed"] == len(report["cases"]) > 3
    assert not any("count-" in case["id"] for case in report["cases"])
    suite = ElementTree.parse(xml_path).getroot()
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
    assert len(ElementTree.parse(xml_path).getroot().findall(".//failure")) == 3


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
    assert main(["copy", "--run", "valid/priors/dims-1*", "--run", "limit/cbor/*", str(copy)]) == 0
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


def test_an_item_that_is_not_evaluated_fails_unless_its_architecture_is_left_out(partial) -> None:
    case = "valid/shell/beside-other-architectures"
    info = json.loads(_case(case))
    shells = [n for n, name in enumerate(info["architectures"]) if name == "shell"]
    others = ",".join(sorted({*info["architectures"]} - {"shell"}))
    left_out = json.dumps(shells)
    assert partial(case) == 0
    assert partial(case, unevaluated=left_out) == 1
    assert partial(case, "--architectures", others, unevaluated=left_out) == 0
    assert partial(case, "--architectures", f"{others},shell", unevaluated=left_out) == 1
    first = next(n for n in range(len(info["architectures"])) if n not in shells)
    assert partial(case, "--architectures", others, unevaluated=f"[{first}]") == 1
    assert partial(case, "--architectures", others, unevaluated="[99]") == 1


def test_tiles_that_are_blended_with_an_architecture_left_out_need_no_values(partial) -> None:
    info = json.loads(_case(MIXED))
    everything = json.dumps(list(range(len(info["architectures"]))))
    one = info["architectures"][0]
    assert partial(MIXED, "--architectures", one, unevaluated=everything) == 0
    assert partial(MIXED, unevaluated=everything) == 1


def test_a_refusal_may_be_unsupported_for_an_architecture_left_out(partial) -> None:
    case = "malformed/shell/depth-13"
    assert partial(case, "--architectures", "pyramid", refuse="yes") == 0
    assert partial(case, "--architectures", "pyramid,shell", refuse="yes") == 1
    assert partial(case, refuse="yes") == 1


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


def _case(identity: str) -> str:
    from inrc_conformance.suite import DEFAULT_SUITE

    return (DEFAULT_SUITE / identity / "case.json").read_text(encoding="utf-8")
