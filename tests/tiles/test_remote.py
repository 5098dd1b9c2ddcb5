"""Files behind URLs: few requests, and no more bytes than a region needs."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import codec
from codec.arrays import Array
from codec.errors import InvalidInputError, MissingDependencyError
from codec.files import byte_sources
from inrc_cli.main import inrc


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serves one folder, whole files or parts of them, and counts what it sends."""

    folder: Path
    ranges = True
    requests: list[str]
    sent: list[int]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and self.ranges:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
        else:
            self.send_response(200)
        if self.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            type(self).requests.append(self.path)
            type(self).sent.append(len(data))
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tiled_path: Path) -> Iterator[type[RangeHandler]]:
    class Handler(RangeHandler):
        folder = tiled_path.parent
        requests: list[str] = []  # noqa: RUF012 - of this server alone
        sent: list[int] = []  # noqa: RUF012

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    Handler.url = f"http://127.0.0.1:{httpd.server_port}"  # type: ignore[attr-defined]
    yield Handler
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_a_region_behind_a_url_takes_few_requests_and_bytes(
    server: Any, tiled_path: Path, decoded: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_sources, "_BLOCK_BYTES", 512)
    size = tiled_path.stat().st_size
    with codec.open(f"{server.url}/t.inrc", device="cpu") as file:
        headed = sum(server.sent)
        assert file["t"].shape == decoded.shape
        assert sum(server.sent) == headed
        assert file["t"][40, 20, 20] == 2.5
        part = file["t"][4:20, 20:30, 20:22]
    assert part.tobytes() == np.ascontiguousarray(decoded[4:20, 20:30, 20:22]).tobytes()
    assert sum(server.sent) - headed < size / 3
    assert len(server.sent) < 12


def test_opening_takes_two_requests(server: Any) -> None:
    with codec.open(f"{server.url}/t.inrc", device="cpu") as file:
        assert file["t"].ndim == 3
    assert len(server.sent) <= 2


def test_a_whole_file_behind_a_url_is_checked_and_decoded(
    server: Any, decoded: Array, tmp_path: Path
) -> None:
    out = tmp_path / "t.npy"
    run = CliRunner()
    done = run.invoke(inrc, ["decode", f"{server.url}/t.inrc", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert np.load(out).tobytes() == decoded.tobytes()
    region = ["--region", "0=4:20,1=20:30", "--force"]
    done = run.invoke(inrc, ["decode", f"{server.url}/t.inrc", "-o", str(out), *region])
    assert done.exit_code == 0, done.output
    assert np.load(out).tobytes() == np.ascontiguousarray(decoded[4:20, 20:30]).tobytes()


def test_info_of_a_url_reads_the_heads_alone(
    server: Any, tiled_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_sources, "_BLOCK_BYTES", 512)
    done = CliRunner().invoke(inrc, ["info", f"{server.url}/t.inrc"])
    assert done.exit_code == 0, done.output
    assert "12 tiles" in done.output
    assert "index of" in done.output
    assert sum(server.sent) < tiled_path.stat().st_size * 3 / 5


@pytest.mark.parametrize("name", ["missing.inrc", "t.npy"])
def test_what_is_no_file_of_ours_is_one_clear_line(server: Any, name: str) -> None:
    done = CliRunner().invoke(inrc, ["info", f"{server.url}/{name}"])
    assert done.exit_code == (3 if name == "t.npy" else 1)
    assert f"{server.url}/{name}" in str(done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_server_without_ranges_is_named(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_sources, "_BLOCK_BYTES", 512)
    server.ranges = False
    with pytest.raises(InvalidInputError, match="gives no parts of files"):
        codec.open(f"{server.url}/t.inrc")


def test_a_host_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        codec.open("http://127.0.0.1:9/t.inrc")


def test_a_protocol_without_its_package_says_what_to_install() -> None:
    with pytest.raises((MissingDependencyError, InvalidInputError), match=r"inrc\[remote\]|known"):
        codec.open("nonsense://bucket/t.inrc")
    with pytest.raises(MissingDependencyError, match=r"pip install 'inrc\[remote\]'"):
        codec.open("hdfs://bucket/t.inrc")


def test_other_urls_of_fsspec_work(tiled_path: Path, decoded: Array) -> None:
    with codec.open(f"file://{tiled_path}", device="cpu") as file:
        assert file["t"][...].tobytes() == decoded.tobytes()


def test_a_url_where_only_local_files_will_do_is_one_clear_line(
    server: Any, tiled_path: Path, field_path: Path, tmp_path: Path
) -> None:
    url, out = f"{server.url}/t.inrc", str(tmp_path / "out.inrc")
    tiled, field = str(tiled_path), str(field_path)
    for arguments in (
        ["encode", url, "-o", out],
        ["encode", field, "-o", url],
        ["decode", tiled, "-o", f"{server.url}/t.npy"],
        ["append", url, field, "--dim", "0"],
        ["append", tiled, url, "--dim", "0"],
        ["verify", tiled, url],
    ):
        done = CliRunner().invoke(inrc, arguments)
        assert done.exit_code == 1
        assert f"inrc: {server.url}/t." in done.stderr
        assert "only .inrc files are read from URLs" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
