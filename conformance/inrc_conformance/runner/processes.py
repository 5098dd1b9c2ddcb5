"""Runs decoders under test as processes: one per case, or one that answers JSON lines."""

from __future__ import annotations

import json
import os
import queue
import shlex
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

PRIORS = "INRC_PRIORS"
"""The variable of the environment that lists folders of priors."""
EXIT_CODES = {0: "ok", 3: "malformed", 4: "unsupported", 5: "limit"}
_ENDING = 5.0
"""Seconds until the output of a killed process has been read."""
STATUSES = (*EXIT_CODES.values(), "error")


def priors_beside(source: Path) -> str:
    """Return the folder of a file if there are priors in it, else nothing."""
    return str(source.parent) if any(source.parent.glob("*.inrcprior")) else ""


def environment(source: Path) -> dict[str, str]:
    """Return the environment of a decoder of a file: it sees the priors beside it, and no other."""
    return os.environ | {PRIORS: priors_beside(source)}


class Driver(Protocol):
    """Something that decodes a file into a folder and says how it went."""

    def decode(self, identity: str, source: Path, outdir: Path) -> str:
        """Return ok, malformed, unsupported, limit, or a text that says what else happened."""

    def close(self) -> None:
        """End what is still running."""


class OneShot:
    """Starts `CMD decode IN OUTDIR` for each case."""

    def __init__(self, command: str, timeout: float) -> None:
        self._command = shlex.split(command)
        self._timeout = timeout

    def decode(self, identity: str, source: Path, outdir: Path) -> str:
        """Run one process and translate its exit code."""
        arguments = [*self._command, "decode", str(source), str(outdir)]
        try:
            done = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout,
                check=False,
                env=environment(source),
            )
        except subprocess.TimeoutExpired:
            return f"timeout after {self._timeout:g} s"
        except OSError as error:
            return f"error: {error}"
        return EXIT_CODES.get(done.returncode, f"exit code {done.returncode}")

    def close(self) -> None:
        """No process is left running."""


class Batch:
    """Keeps one `CMD batch` process; a dead or late one fails its case and is started again.

    So is one that has other priors than those beside the next file.
    """

    def __init__(self, command: str, timeout: float) -> None:
        self._command = [*shlex.split(command), "batch"]
        self._timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._pump: threading.Thread | None = None
        self._priors = ""

    def _start(self, source: Path) -> subprocess.Popen[str]:
        given = environment(source)
        if given[PRIORS] != self._priors:
            self.close()
            self._priors = given[PRIORS]
        if self._process is None or self._process.poll() is not None:
            self.close()
            lines: queue.Queue[str | None] = queue.Queue()
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=given,
            )
            self._pump = threading.Thread(target=_pump, args=(process, lines), daemon=True)
            self._pump.start()
            self._process, self._lines = process, lines
        return self._process

    def decode(self, identity: str, source: Path, outdir: Path) -> str:
        """Send one request and wait for its answer."""
        request = {"id": identity, "input": str(source), "outdir": str(outdir)}
        try:
            process = self._start(source)
            if process.stdin is None:
                return "error: no standard input"
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=self._timeout)
        except queue.Empty:
            self.close()
            return f"timeout after {self._timeout:g} s"
        except OSError as error:
            self.close()
            return f"error: {error}"
        if line is None:
            self.close()
            return "error: the process ended"
        return self._status(identity, line)

    def _status(self, identity: str, line: str) -> str:
        """Read an answer; after a wrong one the process is not to be trusted any more."""
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("id") != identity:
            self.close()
            return "error: not an answer to this request"
        status = answer.get("status")
        return status if isinstance(status, str) and status in STATUSES else "error: bad status"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
            if self._pump is not None:
                self._pump.join(timeout=_ENDING)
            self._process = None


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Move answers to a queue; None says that there will be no more."""
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
    lines.put(None)
