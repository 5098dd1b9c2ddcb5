"""Loops compiled by numba, and kept on disk where there is a folder that may be written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:
    """A decorator: numba's `njit` with these options, and its cache if there is a place for it.

    A package that was installed for all users, run by one without a home, has none. Its loops are
    then compiled anew by each process.
    """

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, njit(cache=True, **options)(function))
        except RuntimeError:
            # Error of numba if it may write neither beside the source nor in the user's cache.
            return cast(Function, njit(**options)(function))

    return decorate
