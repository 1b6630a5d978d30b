"""Tells errors that say that memory ran out from all others: only a CUDA or XPU GPU has a class of its own for them."""

from __future__ import annotations

from errno import ENOMEM

import torch

_SIGNS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # Windows
    "MPS backend out of memory",
    "Invalid buffer size",  # of one tensor, mps
    "Cannot allocate memory",  # the system's own words: a file of weights that cannot be mapped
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""What stands in the text of a RuntimeError, by allocator."""

RAISED = (RuntimeError, MemoryError, OSError)
"""Classes to catch before one looks; all but a few of them say something else."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, of any device's allocator, Python or NumPy, says that there is no more memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == ENOMEM
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def release() -> None:
    """Gives back what a GPU's allocator keeps for later, so that it can be cut anew."""
    if torch.accelerator.is_available():
        torch.get_device_module().empty_cache()
