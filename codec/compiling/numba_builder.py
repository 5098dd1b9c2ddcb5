"""Compilation of a kernel by numba into machine code that runs without numba.

numba compiles the function for the types of its arguments. To its module is added an entry, in the
way of numba's own C callbacks (`numba.core.ccallback`), which takes a pointer to the words of
`arguments.pack` and makes arrays, numbers and tuples of them.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.np import arrayobj
from numba.np.numpy_support import as_dtype

from codec.compiling.arguments import NUMBER_FORMATS
from codec.compiling.machine_code import ENTRY, MachineCode

# numba has type annotations for few of its functions.
_typeof: Any = numba.typeof
_compile: Any = compiler.compile_extra
_Flags: Any = compiler.Flags
_populate: Any = arrayobj.populate_array
_options: Any = cpu_target.options

_WORD = ir.IntType(64)
# Prefixes of functions in numba's own libraries, which a process without numba has not.
_NUMBA_SYMBOLS = ("NRT_", "numba_", "_numba", "Py", "_Py", "__svml")


def build(
    function: FunctionType, options: dict[str, Any], arguments: tuple[Any, ...]
) -> MachineCode | None:
    """Machine code of a function for arguments of the types of these.

    Gives None where the code needs numba's run time (it allocates), or where its result is not a
    number or None.

    Raises:
        numba.core.errors.NumbaError: numba cannot compile the function.
    """
    with global_compiler_lock:
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
        kinds = tuple(_typeof(argument) for argument in arguments)
        result = _compile(
            cpu_target.typing_context, cpu_target.target_context, function, kinds, None,
            _flags(options), {},
        )  # fmt: skip
        format_ = _result_format(result.signature.return_type)
        if format_ is None:
            return None
        library = result.library
        library.add_ir_module(_entry_module(result))
        library.enable_object_caching()
        library.finalize()
        symbols = _symbols(library.get_llvm_str())
        if any(name.startswith(_NUMBA_SYMBOLS) for name in symbols):
            return None
        _, _, (object_file, _) = library.serialize_using_object_code()
    return MachineCode(object_file, format_, symbols)


def _flags(options: dict[str, Any]) -> Any:
    """Flags of numba's compiler: those of `njit`, without wrappers, and with a module to add to."""
    flags = _Flags()
    _options.parse_as_flags(flags, {"nopython": True, **options})
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.no_compile = True
    return flags


def _result_format(kind: Any) -> str | None:
    """Format of a result in a word; "" for None, and None where a word cannot hold it."""
    if kind is types.none:
        return ""
    if isinstance(kind, types.Number | types.Boolean):
        return NUMBER_FORMATS.get(as_dtype(kind).str[1:])
    return None


def _symbols(assembly: str) -> tuple[str, ...]:
    """Functions that a module declares and does not define; LLVM's own are not among them."""
    names = set()
    for line in assembly.splitlines():
        if line.startswith("declare "):
            name = line.split("@", 1)[1].split("(", 1)[0].strip('"')
            if not name.startswith("llvm."):
                names.add(name)
    return tuple(sorted(names))


def _entry_module(result: Any) -> Any:
    """Module with the function `ENTRY`, which gives 0, or 1 if the kernel met an exception."""
    context, description = result.target_context, result.fndesc
    module = context.create_module(ENTRY)
    kernel = ir.Function(
        module,
        context.call_conv.get_function_type(description.restype, description.argtypes),
        description.llvm_func_name,
    )
    words_type = _WORD.as_pointer()
    entry = ir.Function(module, ir.FunctionType(ir.IntType(32), [words_type]), ENTRY)
    builder = ir.IRBuilder(entry.append_basic_block())
    words = _Words(context, builder, entry.args[0])
    arguments = [words.value(kind) for kind in description.argtypes]
    status, value = context.call_conv.call_function(
        builder, kernel, description.restype, description.argtypes, arguments
    )
    with builder.if_then(status.is_error, likely=False):
        builder.ret(ir.IntType(32)(1))
    if description.restype is not types.none:
        data = context.data_model_manager[description.restype].as_data(builder, value)
        builder.store(data, builder.bitcast(entry.args[0], data.type.as_pointer()))
    builder.ret(ir.IntType(32)(0))
    return module


class _Words:
    """Instructions that read arguments from words, one after the other."""

    def __init__(self, context: Any, builder: Any, words: Any) -> None:
        self._context, self._builder, self._words = context, builder, words
        # The first word is for the result.
        self._place = 1

    def value(self, kind: Any) -> Any:
        """Value of the next argument, which is of this numba type."""
        if isinstance(kind, types.BaseTuple):
            return self._tuple(kind)
        if isinstance(kind, types.Array):
            return self._array(kind)
        model = self._context.data_model_manager[kind]
        pointer = self._builder.bitcast(self._next(), model.get_data_type().as_pointer())
        return model.from_data(self._builder, self._builder.load(pointer))

    def _tuple(self, kind: Any) -> Any:
        items = [self.value(item) for item in kind.types]
        return self._context.make_tuple(self._builder, kind, items)

    def _array(self, kind: Any) -> Any:
        array = self._context.make_array(kind)(self._context, self._builder)
        address = self._builder.inttoptr(self._word(), array.data.type)
        shape = [self._word() for _ in range(kind.ndim)]
        strides = [self._word() for _ in range(kind.ndim)]
        size = self._context.get_abi_sizeof(self._context.get_data_type(kind.dtype))
        _populate(array, address, shape, strides, size, None)
        return array._getvalue()

    def _word(self) -> Any:
        return self._builder.load(self._next())

    def _next(self) -> Any:
        """Pointer to the next word."""
        pointer = self._builder.gep(self._words, [_WORD(self._place)])
        self._place += 1
        return pointer
