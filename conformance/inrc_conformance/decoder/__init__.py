"""The reference decoder: plain NumPy in float64, written from the format text alone."""

from __future__ import annotations

from .decode import decode_bytes
from .errors import DecodeError, Limit, Malformed, Unsupported
from .limits import DEFAULT_LIMITS, Limits
from .result import Decoded, DecodedComponent, DecodedItem

__all__ = [
    "DEFAULT_LIMITS",
    "DecodeError",
    "Decoded",
    "DecodedComponent",
    "DecodedItem",
    "Limit",
    "Limits",
    "Malformed",
    "Unsupported",
    "decode_bytes",
]
