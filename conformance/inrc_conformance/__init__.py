"""Independent reference decoder and conformance suite of the `.inrc` format, version 1."""

from __future__ import annotations

__version__ = "1.0"
