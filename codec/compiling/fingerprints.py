"""Hashes of what a kernel is compiled from.

They cover the instructions and constants of its function, the values of the globals that these
name, and the same of every part it calls, so that a change anywhere asks for new machine code.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

# Packages whose versions are part of the name of the target, or of Python itself.
_KNOWN_MODULES = {"math", "numba", "numpy"}
# Version of the layout of arguments and of the generated entry.
_LAYOUT = 1


def fingerprint(kernel: Any, kinds: Any, target: str) -> str:
    """Hash of a kernel, of the types of its arguments, and of the machine and its compiler.

    Raises:
        TypeError: the kernel uses a global that cannot be told by what it is.
    """
    digest = hashlib.sha256(f"{_LAYOUT} {target} {kinds!r}".encode())
    _add(digest, kernel, set())
    return digest.hexdigest()


def _add(digest: Any, value: Any, visited: set[int]) -> None:
    """Add the value of a global, in words that are the same in every process."""
    options = getattr(value, "options", None)
    if isinstance(options, dict):
        items = [(name, _ordered(option)) for name, option in sorted(options.items())]
        digest.update(repr(items).encode())
        value = value.py_func
    if isinstance(value, FunctionType):
        if id(value) not in visited:
            visited.add(id(value))
            _add_function(digest, value, visited)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, type) and value.__module__ in _written_modules():
        digest.update(value.__name__.encode())
        _add(digest, sys.modules[value.__module__], visited)
    elif isinstance(value, ModuleType):
        digest.update(value.__name__.encode())
        if value.__name__ not in _KNOWN_MODULES and value.__file__:
            digest.update(Path(value.__file__).read_bytes())
    elif isinstance(value, type | BuiltinFunctionType | np.ufunc):
        digest.update(f"{value.__name__}{getattr(value, '_fields', '')}".encode())
    else:
        words = repr(_ordered(value))
        if " at 0x" in words:
            raise TypeError(f"a compiled function uses {words}, whose value cannot be hashed")
        digest.update(words.encode())


def _add_function(digest: Any, function: FunctionType, visited: set[int]) -> None:
    """Add a function's code, defaults, and the globals that it names."""
    digest.update(function.__qualname__.encode())
    digest.update(repr(function.__defaults__).encode())
    names = _add_code(digest, function.__code__)
    for name in sorted(names & function.__globals__.keys()):
        digest.update(name.encode())
        _add(digest, function.__globals__[name], visited)
    for cell in function.__closure__ or ():
        _add(digest, cell.cell_contents, visited)


def _add_code(digest: Any, code: CodeType) -> set[str]:
    """Add instructions and constants, also of functions inside; gives the names that are used."""
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _add_code(digest, constant)
        else:
            digest.update(repr(_ordered(constant)).encode())
    return names


def _written_modules() -> set[str]:
    """Modules of this project and of plugins: those that write instructions of their own."""
    known = (*sys.stdlib_module_names, "numpy", "numba", "llvmlite")
    return {name for name in sys.modules if name.partition(".")[0] not in known}


def _ordered(value: Any) -> Any:
    """A set as a sorted list: its order differs between processes."""
    return sorted(value) if isinstance(value, set | frozenset) else value
