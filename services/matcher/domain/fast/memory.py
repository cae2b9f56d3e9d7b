"""What numba has no words for: arrays by their address, memory asked for early, bits counted.

What lies there is `layout`'s to say.
"""

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

_READ, _KEEP, _DATA = 0, 3, 1
# numba names no types of these.
_array_of: Any = make_array
_function: Any = cgutils.get_or_insert_function
_nothing: Any = cgutils.get_null_value
_value_of: Any = operator.methodcaller("_getvalue")


@intrinsic
def _at(typing_context: Any, address: Any) -> Any:
    """An address as a pointer: a segment is a dozen arrays, and there are dozens of segments."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


@intrinsic
def _uncounted(typing_context: Any, array: Any) -> Any:
    """The same array, but nobody counts who holds it: it must be an argument of the kernel.

    Counting is an atomic operation, and a loop that slices an array or takes it out of a tuple does
    two of them each time.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = _array_of(signature.args[0])(context, builder, args[0])
        made.meminfo, made.parent = _nothing(made.meminfo.type), _nothing(made.parent.type)
        return _value_of(made)

    return array(array), generate


@intrinsic
def _ask(typing_context: Any, array: Any, element: Any) -> Any:
    """Ask the memory for an element of an array, counted over all its rows, and do not wait.

    An address nobody may read is no error (LLVM Language Reference, llvm.prefetch).
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _array_of(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), cgutils.voidptr_t)
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        ask = _function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(ask, [place, word(_READ), word(_KEEP), word(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def _count(typing_context: Any, word: Any) -> Any:
    """How many bits of a word are set: one instruction, where the processor has it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), generate


# Kernels call these without the context, which numba adds.
pointer: Any = _at
uncounted: Any = _uncounted
prefetch: Any = _ask
bits_set: Any = _count
