"""Machine code of a kernel: an object file, which llvmlite loads into the process."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import os
import platform
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ENTRY = "inrc_kernel"
_ENTRY_TYPE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)
# Engines own the code they loaded, and a kernel is used until the process ends.
_engines: list[Any] = []


@dataclass(frozen=True)
class MachineCode:
    """Object file with the function `ENTRY`, which takes the words of `arguments.pack`.

    Attributes:
        object_file: in the format of this machine.
        result: format of the result in the first word, in the language of `struct`; "" for None.
        symbols: functions of the C library that the code calls.
    """

    object_file: bytes
    result: str
    symbols: tuple[str, ...]

    def result_of(self, words: Any) -> Any:
        """Result that the code left in the first word."""
        return struct.unpack_from("<" + self.result, words)[0] if self.result else None

    def to_bytes(self) -> bytes:
        """Representation in a file: a line of JSON, then the object file."""
        header = {"result": self.result, "symbols": self.symbols}
        return json.dumps(header).encode() + b"\n" + self.object_file

    @classmethod
    def from_bytes(cls, data: bytes) -> MachineCode:
        header, _, object_file = data.partition(b"\n")
        values = json.loads(header)
        return cls(object_file, values["result"], tuple(values["symbols"]))


@functools.cache
def target_name() -> str:
    """Processor, with its features, and everything else that machine code depends on.

    These are the versions of what makes it, and the settings of numba in the environment.
    """
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    versions = sys.version_info[:2], np.__version__, binding.llvm_version_info, _numba_version()
    settings = sorted(
        item
        for item in os.environ.items()
        if item[0].startswith("NUMBA_") and item[0] != "NUMBA_CACHE_DIR"
    )
    return f"{platform.machine()} {binding.get_host_cpu_name()} {features} {versions} {settings}"


def _numba_version() -> str:
    """Text of the module with numba's version: importing numba takes half a second."""
    place = importlib.util.find_spec("numba")
    if place is None or place.origin is None:
        return ""
    return Path(place.origin).with_name("_version.py").read_text("utf-8")


def load(code: MachineCode) -> Callable[[Any], int] | None:
    """The entry of machine code; None if it calls a function that this process has not.

    The code must be for the processor of this machine, as `target_name` says.
    """
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # LLVM ends the process where it meets an unknown symbol.
    if not all(binding.address_of_symbol(name) for name in code.symbols):
        return None
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code.object_file))
    engine.finalize_object()
    _engines.append(engine)
    return _ENTRY_TYPE(engine.get_function_address(ENTRY))
