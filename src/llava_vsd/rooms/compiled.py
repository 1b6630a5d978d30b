"""How the loops of the renderer and the checker are compiled: by numba, with the machine code kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compiles a function at its first call; where no folder can be written, every process compiles anew."""
    try:
        return cast("Callable[P, R]", njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast("Callable[P, R]", njit(nogil=True)(function))
