"""The command `vsd fetch`: annotations and images on disk, resumable, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llava_vsd.data.sources import SOURCES

if TYPE_CHECKING:
    from llava_vsd.data.fetch import Report
    from llava_vsd.data.web import Progress


GRAMMAR = "spice-grammar"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(fetch)


def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="vsdv1, vsdv2, vg, spatialsense, spice-grammar.", show_default=False
        ),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder that all but the grammar goes into.")
    ] = None,
    items: Annotated[
        list[Path] | None,
        typer.Option(
            "--items", metavar="ITEMS", help="Only the images of these items.jsonl; may be repeated."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="MIRROR", help="Address of a folder with the same files, or one with {path}."
        ),
    ] = None,
    given: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH", help="Local folder or archive to use instead of the network."),
    ] = None,
    partial: Annotated[
        bool | None,
        typer.Option(
            "--partial/--whole",
            help="Take images out of zip archives on the server, or load archives whole. "
            "Default: in part where that saves half or more.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON on stdout.")] = False,
) -> None:
    """Fetch annotations and images; the same command goes on where an earlier one stopped.

    Every file is checked against its published size and checksum; where none is published, the first fetch is
    written to DIR/fetch-lock.json and later ones are compared with it.

    spice-grammar, the grammar of the original SPICE (GPL), goes into the user's cache (LLAVA_VSD_CACHE moves it). It is
    found in an archive of CoreNLP or Stanford Parser 3.6.0, in pycocoevalcap's folder, or is the file itself; --from
    takes an address too.

    Example: vsd fetch vg spatialsense --items val/items.jsonl --to data

    Example: vsd fetch spice-grammar --from stanford-corenlp-full-2015-12-09.zip
    """
    import json
    from dataclasses import asdict

    from llava_vsd.data.fetch import Fetcher
    from llava_vsd.data.sources import source
    from llava_vsd.data.web import Web
    from llava_vsd.errors import DownloadError, FileError, MissingImagesError, UsageError, VsdError
    from llava_vsd.jsonl import read_rows
    from llava_vsd.schema import Item

    known = (*SOURCES, GRAMMAR)
    for name in names:
        if name not in known:
            raise UsageError(f"nothing is known under the name {name!r}; known are {', '.join(known)}")
    if GRAMMAR in names:
        if len(set(names)) > 1 or items or to or url or partial is not None:
            raise UsageError(
                f"{GRAMMAR} is fetched by itself, into the user's cache; expected no other name and no option "
                "but --from and --json"
            )
        _fetch_grammar(given, as_json=as_json)
        return
    if to is None:
        raise UsageError("no folder to fetch to; expected --to DIR")
    holding = [name for name in names if source(name).ids]
    if url is not None and given is not None:
        raise UsageError("--url and --from exclude each other")
    if items and not holding:
        with_images = ", ".join(name for name, known_source in SOURCES.items() if known_source.ids)
        raise UsageError(f"--items chooses images, and {', '.join(names)} has none (but {with_images})")
    ids = {row.image for path in items for row in read_rows(path, Item)} if items else None
    reports = []
    failed: list[VsdError] = []
    with _progress() as progress, Web(progress=progress) as web:
        fetcher = Fetcher(web, to, mirror=url, given=Path(given) if given else None, partial=partial)
        for name in dict.fromkeys(names):
            try:
                reports.append(fetcher.fetch(name, ids))
            except (DownloadError, FileError) as error:  # the other names do not wait for this one
                failed.append(error)
    if reports and as_json:
        print(json.dumps([asdict(report) for report in reports], indent=1))
    elif reports:
        _show(reports)
    missing = [image for report in reports for image in report.missing]
    if missing:
        asked = sum(report.images or 0 for report in reports)
        failed.append(MissingImagesError(", ".join(holding), missing, asked))
    if failed:
        raise failed[0] if len(failed) == 1 else VsdError("; ".join(map(str, failed)))


def _fetch_grammar(given: str | None, *, as_json: bool) -> None:
    import json

    from llava_vsd.metrics.spice.locate import fetch_grammar

    with _progress() as progress:
        shown, before = "", 0

        def report(what: str, done: int, total: int) -> None:
            nonlocal shown, before
            if what == shown:
                progress.advance(done - before)
            else:
                progress.begin(what, total, done)
            shown, before = what, done

        path = fetch_grammar(given, report)
    print(
        json.dumps({"name": GRAMMAR, "path": str(path)}) if as_json else f"the original grammar is in {path}"
    )


def _show(reports: list[Report]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "file", "state", "bytes", "checked with", box=None)
    table.columns[3].justify = "right"
    for report in reports:
        for file in report.files:
            table.add_row(report.name, file.path, file.state, f"{file.bytes:,}", file.checked)
    console = Console()
    console.print(table, width=None if console.is_terminal else 200)
    for report in reports:
        if report.images is not None:
            print(
                f"{report.name}: {report.images:,} images: {report.written:,} written, {report.kept:,} there before, "
                f"{len(report.missing):,} missing"
            )


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars with rate and time left on a terminal; notes alone elsewhere. All on stderr."""
    from threading import Lock

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description}"),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:

        class Shown:
            """One bar at a time: what comes next replaces what is done. Called from several threads."""

            def __init__(self) -> None:
                self.task, self.lock = bars.add_task("starting", total=None), Lock()

            def begin(self, what: str, total: int | None, done: int = 0) -> None:
                with self.lock:
                    bars.remove_task(self.task)
                    self.task = bars.add_task(what, total=total, completed=done)

            def advance(self, amount: int) -> None:
                with self.lock:
                    bars.advance(self.task, amount)

            def note(self, text: str) -> None:
                console.print(f"vsd: {text}", markup=False, highlight=False, soft_wrap=True)

        yield Shown()
