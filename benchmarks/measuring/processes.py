"""Commands run as processes of their own, with their time and their peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

INRC = Path(sys.executable).with_name("inrc")
_INTERVAL = 0.01
_BUSY = "import time as t; s = t.perf_counter(); sum(range(3 * 10**7)); print(t.perf_counter() - s)"


@dataclass(frozen=True)
class Finished:
    """Cost of a command.

    Attributes:
        code: exit code.
        seconds: wall-clock time.
        peak_bytes: high-water mark of resident memory (VmHWM), mapped files included.
        anonymous_bytes: greatest resident anonymous memory seen (RssAnon), what the process
            allocated itself, without mapped files.
        output: stdout.
        errors: stderr.
    """

    code: int
    seconds: float
    peak_bytes: int
    anonymous_bytes: int
    output: str
    errors: str


def run_inrc(*arguments: str | os.PathLike[str]) -> Finished:
    """Run `inrc` to its end; the kernel's own counts of its memory are read every 10 ms."""
    started = time.perf_counter()
    # Into pipes that nobody reads until the end: what inrc prints fits their buffers.
    process = subprocess.Popen(
        [INRC, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = anonymous = 0
    while process.poll() is None:
        counts = _memory(process.pid)
        peak = max(peak, counts.get("VmHWM", 0))
        anonymous = max(anonymous, counts.get("RssAnon", 0))
        time.sleep(_INTERVAL)
    seconds = time.perf_counter() - started
    output, errors = process.communicate()
    return Finished(process.returncode, seconds, peak, anonymous, output, errors)


def _memory(pid: int) -> dict[str, int]:
    """Bytes by name from /proc/PID/status; empty once the process has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    rows = (line.split() for line in text.splitlines())
    return {row[0][:-1]: 1024 * int(row[1]) for row in rows if row[-1] == "kB"}


def free_cores() -> float:
    """Number of cores that two busy processes really get, 1 to 2: less than 2 on a busy machine."""
    return 2 * _busy_seconds(1) / _busy_seconds(2)


def _busy_seconds(count: int) -> float:
    """The time of the slowest of `count` equal processes."""
    command = [sys.executable, "-c", _BUSY]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    return max(float(process.communicate()[0]) for process in running)
