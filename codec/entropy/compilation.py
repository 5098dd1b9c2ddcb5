"""Compilation of the loops of the entropy coders by numba.

A kernel calls parts, which are small functions that LLVM inlines into it. (numba's own way,
inline="always", inlines before types are known; kernels of so many parts then take twice as long
to compile, and are no faster.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from codec.compiling import compiled

_Function = TypeVar("_Function", bound=Callable[..., Any])
# Code that allocates nothing is twice as fast without reference counts (_nrt). numba does not
# document this option, so its types do not know it. No divisor is ever 0, so none is checked.
_OPTIONS: Any = {"nogil": True, "_nrt": False, "error_model": "numpy"}


def kernel(function: _Function) -> _Function:
    """Compile a loop that allocates nothing; numba keeps the result beside the source."""
    return compiled(**_OPTIONS)(function)


def inlined(function: _Function) -> _Function:
    """Make a function that allocates nothing a part of the kernels that call it."""
    return compiled(forceinline=True, **_OPTIONS)(function)
