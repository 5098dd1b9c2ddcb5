"""Description of the machine that results were measured on."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import torch

import codec


def describe_machine() -> dict[str, str]:
    """Machine and versions that a reader needs to judge the numbers."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "inrc": codec.__version__,
        "CPU": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "Python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The CPU's own name for itself, or its architecture."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    name, family, model = (_entry(text, key) for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})"


def _entry(text: str, key: str) -> str:
    """Value of a key of /proc/cpuinfo, "?" where it is missing."""
    match = re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else "?"
