"""The one place where the command lines print."""

from __future__ import annotations

import sys


def say(text: str, error: bool = False) -> None:
    """Print a line to standard output, or to standard error."""
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
