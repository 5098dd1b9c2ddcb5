"""Bounds that nobody can keep (VAL-8): class F leaves more open than they allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decoder import DecodedComponent
from ..runner.check import rounded, ulp


def is_impossible(component: DecodedComponent, bound: float, limits: Mapping[str, Any]) -> bool:
    """Say whether two decoders of class F may differ by more than twice the bound."""
    if not component.valid.any():
        return False
    allowed = limits["peak"] + ulp(component.real, limits["peak"])
    low = rounded(component.real - allowed, component.values.dtype)
    high = rounded(component.real + allowed, component.values.dtype)
    return bool(((high - low)[component.valid] > 2 * bound).any())
