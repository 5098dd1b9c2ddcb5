"""Defaults of options: those of the functions of `codec` that the commands call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any


def default_of(function: Callable[..., object], name: str) -> Any:
    """Default of a keyword argument.

    Raises:
        KeyError: the function has no such argument.
    """
    return _signature(function).parameters[name].default


@cache
def _signature(function: Callable[..., object]) -> inspect.Signature:
    return inspect.signature(function)
