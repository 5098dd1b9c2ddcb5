"""Compilation of loops by numba, with a cache on disk where a writable folder exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Decorator: numba's `njit` with these options, and with its cache if that can be written.

    Some users have no folder to write to, for example if the package was installed for all
    users and they have no home. Each process then compiles its loops anew.
    """

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, njit(cache=True, **options)(function))
        except RuntimeError:
            # Numba raises this if it may write neither beside the source nor in the user's cache.
            return cast(Function, njit(**options)(function))

    return decorate
