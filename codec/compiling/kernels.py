"""Loops that numba compiles when they are first called, or that are loaded as machine code.

Importing numba and preparing it takes most of a second, so that a process whose kernels are all on
disk does without: a `Kernel` hashes its own code and that of its parts, looks for the machine code
of that hash and of the types of its arguments (`object_files`), and loads it with llvmlite alone.
Only where there is none does numba compile it (`numba_builder`).
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

from codec.compiling import object_files
from codec.compiling.arguments import pack, types_of
from codec.compiling.fingerprints import fingerprint
from codec.compiling.machine_code import MachineCode, load, target_name

Function = TypeVar("Function", bound=Callable[..., Any])


class Part:
    """A function that kernels call: in itself, and as numba sees it once it compiles a kernel."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func = cast(FunctionType, function)
        self.options = options

    @functools.cached_property
    def for_numba(self) -> Any:
        """Object that stands for this part in a function that numba compiles."""
        raise NotImplementedError


class Instruction(Part):
    """A part whose instructions are written by a function, as numba's `intrinsic` takes it."""

    @functools.cached_property
    def for_numba(self) -> Any:
        from numba.extending import intrinsic

        return intrinsic(self.py_func)


class Kernel(Part):
    """A compiled function of arrays, numbers, and tuples of them."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(function, options)
        functools.update_wrapper(self, function)
        self._code: dict[Any, Callable[..., Any]] = {}
        self._lock = threading.Lock()

    @functools.cached_property
    def for_numba(self) -> Any:
        """numba's dispatcher; it has no wrapper for Python, since only kernels call it."""
        from numba import njit

        options = self.options | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return njit(**options)(self.with_parts())

    def __call__(self, *arguments: Any) -> Any:
        kinds = types_of(arguments)
        code = self._code.get(kinds)
        if code is None:
            with self._lock:
                code = self._code.get(kinds) or self._prepare(kinds, arguments)
                self._code[kinds] = code
        return code(*arguments)

    def with_parts(self) -> FunctionType:
        """Copy of the function in whose globals numba finds what it understands."""
        function = self.py_func
        names = dict(function.__globals__)
        for name in function.__code__.co_names:
            if isinstance(value := names.get(name), Part):
                names[name] = value.for_numba
        copy = FunctionType(
            function.__code__, names, function.__name__, function.__defaults__, function.__closure__
        )
        copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
        return copy

    def _prepare(self, kinds: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Load the code for arguments of these types, and compile it before if need be."""
        name = f"{self.py_func.__module__}.{self.py_func.__qualname__}"
        key = fingerprint(self, kinds, target_name())
        code = object_files.read(name, key)
        if code is None:
            from codec.compiling.numba_builder import build

            code = build(self.with_parts(), self.options, arguments)
            if code is not None:
                object_files.write(name, key, code)
        if code is None or (entry := load(code)) is None:
            return _numba_alone(self.with_parts(), self.options)
        return _call_of(name, entry, code)


def compiled(**options: Any) -> Callable[[Function], Function]:
    """A decorator: a function that numba compiles with these options (those of `njit`).

    Arguments are given by position: arrays, numbers, and tuples of them, named or not. A kernel
    may call other compiled functions of its module's globals. With NUMBA_DISABLE_JIT=1 functions
    stay as they are.
    """

    def decorate(function: Function) -> Function:
        if _is_disabled():
            return function
        return cast(Function, Kernel(function, options))

    return decorate


def instruction(function: Callable[..., Any]) -> Any:
    """Make a function of numba's typing context and types a part of kernels: see `intrinsic`."""
    return Instruction(function, {})


def _is_disabled() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def _call_of(name: str, entry: Callable[[Any], int], code: MachineCode) -> Callable[..., Any]:
    """Function of a kernel's arguments that packs them and runs the machine code."""

    def call(*arguments: Any) -> Any:
        words = pack(arguments)
        if entry(words) != 0:
            raise ArithmeticError(f"kernel {name} divided by zero or met another exception")
        return code.result_of(words)

    return call


def _numba_alone(function: FunctionType, options: dict[str, Any]) -> Callable[..., Any]:
    """numba's own compiled function, for kernels that need its run time, such as to allocate.

    A package that was installed for all users, run by one without a home, has no place for numba's
    cache. Such kernels are then compiled anew by each process.
    """
    from numba import njit

    try:
        return cast(Callable[..., Any], njit(cache=True, **options)(function))
    except RuntimeError:
        # Error of numba if it may write neither beside the source nor in the user's cache.
        return cast(Callable[..., Any], njit(**options)(function))
