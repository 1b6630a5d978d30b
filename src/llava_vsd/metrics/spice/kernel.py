"""How the loops of the parser are compiled: by numba, once, with the machine code kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compiles a function at its first call, to run without the interpreter lock.

    The machine code is kept in the folder `NUMBA_CACHE_DIR` where that is set, else beside the module, else (a
    read-only installation) in the user's cache folder. Where none can be written, every process compiles anew:
    seconds, once each.
    """
    try:
        return cast("Callable[P, R]", njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder to keep the code in
        return cast("Callable[P, R]", njit(nogil=True)(function))


def _lowest_bit(_typing: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


# the place of the lowest set bit of an unsigned 64-bit word that is not zero: one machine instruction
lowest_bit: Callable[[Any], Any] = cast("Any", intrinsic)(_lowest_bit)
