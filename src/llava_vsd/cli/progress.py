"""Progress on stderr for what takes long: count, rate, time left; silent where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def noted(text: str) -> None:
    """Tells the user something on stderr."""
    print(f"vsd: {text}", file=sys.stderr)


def tracked(things: Iterable[T], what: str, *, total: int | None = None, done: int = 0) -> Iterator[T]:
    """Yields `things` and shows how many have passed.

    Args:
        things: what is worked on.
        what: their name, in the plural.
        total: how many there are in all, where it is known; then the time left is shown too.
        done: how many of `total` an earlier run has dealt with.
    """
    with reporting(what, total=total, done=done) as report:
        for count, thing in enumerate(things, done + 1):
            yield thing
            report(count, total)


@contextmanager
def reporting(
    what: str, *, total: int | None = None, done: int = 0
) -> Iterator[Callable[[int, int | None], None]]:
    """Yields a function to tell how many are done, and of how many."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=done, rate="")

        def report(done: int, total: int | None) -> None:
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:,.0f} a second" if speed else "")

        yield report
