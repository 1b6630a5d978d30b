"""`vsd build`: the VSD files to items and conversations."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from llava_vsd.data.build import Report
    from llava_vsd.data.statistics import Statistics
    from llava_vsd.data.vsd import VsdFiles
    from llava_vsd.errors import RowError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(build)


def build(
    v1: Annotated[Path | None, typer.Option(help="VSDv1 file of one split (a JSON list).")] = None,
    v2: Annotated[Path | None, typer.Option(help="VSDv2 file of the same split.")] = None,
    llava: Annotated[
        Path | None, typer.Option(help="LLaVA JSON instead of VSD files: its conversations in our forms.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for the files.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test; default: as the file names tell.")] = "",
    formats: Annotated[
        str, typer.Option("--format", help="Further forms, by commas: llava, sharegpt, messages, openai.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Decides, with an item's id, which templates are drawn.")] = 0,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of pictures (may be repeated): each must be there, whole, and hold its boxes."
        ),
    ] = None,
    boxes: Annotated[
        bool,
        typer.Option(
            "--boxes", help="Conversations also hold the boxes of subject and object (`vsd train` may ask)."
        ),
    ] = False,
    items_only: Annotated[bool, typer.Option("--items-only", help="Write items.jsonl alone.")] = False,
    allow_test: Annotated[
        bool, typer.Option("--allow-test", help="Build training conversations even from test data.")
    ] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out entries with a fault.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Print a table of what the data set holds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Turn the VSD files into items and instruction-following conversations.

    Task 1 asks for the relation (one conversation an item), task 2 for one sentence (one a unique v1 description),
    task 3 for three (one an item with two unique v1 descriptions or more).

    Example: vsd build --v1 vsdv1_val.json --v2 vsdv2_val.json -o val --format llava,sharegpt --stats
    """
    from llava_vsd.cli.progress import tracked
    from llava_vsd.data.build import build as write
    from llava_vsd.data.build import convert
    from llava_vsd.data.export import default_image_path, parse_forms
    from llava_vsd.data.images import ImageStore
    from llava_vsd.data.llava import read_llava
    from llava_vsd.data.vsd import VsdFiles
    from llava_vsd.errors import UsageError

    if output is None and not stats:
        raise UsageError("nothing to do; expected -o FOLDER, --stats, or both")
    forms = parse_forms(formats)
    if forms and (items_only or output is None):
        raise UsageError("--format writes conversations; expected -o FOLDER and no --items-only")
    if llava is not None:
        if v1 or v2:
            raise UsageError("--llava takes the place of --v1 and --v2; expected one kind of source")
        if items_only or images or boxes:
            raise UsageError(
                "--llava has conversations and no items; expected no --items-only, --images or --boxes"
            )
        bad: list[RowError] = []
        samples = read_llava(llava, bad=bad if skip_bad else None)
        report = convert(tracked(samples, "conversations"), output, forms=forms, statistics=stats)
        _print(report, bad, output, as_json=as_json)
        return
    store = ImageStore(images) if images else None
    files = VsdFiles(v1, v2, split, skip_bad=skip_bad, images=store)
    if files.is_test and not (allow_test or items_only):
        raise UsageError(
            "this is test data: --items-only writes the items for prediction and scoring; "
            "--allow-test builds training conversations all the same"
        )
    report = write(
        tracked(files.items(), "items"),
        output,
        seed=seed,
        forms=forms,
        with_conversations=not items_only,
        image_path=default_image_path if store is None else store.relative,
        statistics=stats,
        boxes=boxes,
    )
    _print(report, files.bad, output, as_json=as_json)
    if files.split == "train" and report.tasks:
        for difference in report.paper_differences():
            print(f"warning: not the paper's count: {difference}", file=sys.stderr)
    if report.statistics and not as_json:
        _print_repetitions(files, report.statistics)


def _print(report: Report, bad: list[RowError], output: Path | None, *, as_json: bool) -> None:
    if as_json:
        summary: dict[str, Any] = {
            "items": report.items,
            "conversations": dict(report.tasks),
            "left_out": [str(fault) for fault in bad],
        }
        if report.statistics:
            summary["statistics"] = report.statistics.summary()
        print(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    counts = ", ".join(f"{count:,} {task}" for task, count in report.tasks.items())
    parts = [f"{report.items:,} items"] if report.items or not report.tasks else []
    parts += [f"{report.tasks.total():,} conversations ({counts})"] if report.tasks else []
    print(", ".join(parts) + (f" in {output}" if output else ""))
    for fault in bad:
        print(f"left out: {fault}", file=sys.stderr)
    if bad:
        print(f"left out {len(bad):,} entries in all", file=sys.stderr)
    if report.statistics:
        _print_statistics(report.statistics.summary())


def _print_statistics(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    tasks = summary["tasks"]
    table = Table(title="what the data set holds", title_justify="left")
    table.add_column("")
    for column in ("triples", *tasks):
        table.add_column(column, justify="right")
    if summary["items"]:
        for relation, count in summary["triples"].items():
            by_task = (f"{task['by_relation'][relation]:,}" for task in tasks.values())
            table.add_row(relation, f"{count:,}", *by_task)
    total = sum(summary["triples"].values())
    table.add_row("all", f"{total:,}", *(f"{task['conversations']:,}" for task in tasks.values()))
    table.add_section()
    for side in ("question", "answer"):
        for figure in ("mean", "median", "p95", "max"):
            words = (f"{task[f'{side}_words'][figure]:g}" for task in tasks.values())
            table.add_row(f"{side} words, {figure}", "", *words)
    table.add_section()
    table.add_row("answers given before", "", *(f"{task['repeated_answers']:,}" for task in tasks.values()))
    Console(soft_wrap=True).print(table)
    if summary["items"]:
        print(
            f"{summary['items']:,} items; {summary['items_with_several_triples']:,} with several triples; "
            f"{summary['items_whose_image_came_before']:,} whose image came before"
        )


def _print_repetitions(files: VsdFiles, statistics: Statistics) -> None:
    unique = statistics.descriptions.total()
    print(
        f"{files.written:,} descriptions written, {unique:,} unique in their entry; "
        f"one entry repeats itself {files.most_repeated:,} times"
    )
