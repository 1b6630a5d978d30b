"""Parsing in several processes, which end with the one that started them: on Ctrl-C, a kill or a crash."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def spread(
    work: Callable[[Any, Given], Found], make: Callable[[], Any], given: Iterable[Given], processes: int
) -> Iterator[Found]:
    """Yields `work(made, one)` for each one given, in order.

    Args:
        work, make: importable by name, since the processes import them.
        make: makes what a process needs, once in each.

    Raises:
        BrokenProcessPool: a process was killed.
    """
    # spawned, not forked: a fork copies locks that threads of numpy or numba may hold
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _start, (work, make)) as pool:
        with _interrupts_held():
            found = pool.map(_do, given)
        yield from found


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block is left; processes that are started in it never hear of it.

    A terminal sends it to all of them. The one that started the others stops them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows; there `_start` has to do
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_work: Callable[[Any, Any], Any]
_made: Any


def _start(work: Callable[[Any, Any], Any], make: Callable[[], Any]) -> None:
    global _work, _made
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work, _made = work, make()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(one: Any) -> Any:
    return _work(_made, one)
