"""`vsd build`: the VSD files to items and conversations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from llava_vsd.data.build import Report
    from llava_vsd.data.vsd import VsdFiles


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(build)


def build(
    v1: Annotated[Path | None, typer.Option(help="VSDv1 file of one split (a JSON list).")] = None,
    v2: Annotated[Path | None, typer.Option(help="VSDv2 file of the same split.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for the files.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test; default: as the file names tell.")] = "",
    formats: Annotated[
        str, typer.Option("--format", help="Further forms, by commas: llava, sharegpt, messages, openai.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Decides, with an item's id, which templates are drawn.")] = 0,
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
    from llava_vsd.data.export import parse_forms
    from llava_vsd.data.vsd import VsdFiles
    from llava_vsd.errors import UsageError

    if output is None and not stats:
        raise UsageError("nothing to do; expected -o FOLDER, --stats, or both")
    forms = parse_forms(formats)
    files = VsdFiles(v1, v2, split, skip_bad=skip_bad)
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
        statistics=stats,
    )
    if as_json:
        _print_json(files, report)
    else:
        _print(files, report, output)


def _print_json(files: VsdFiles, report: Report) -> None:
    import json

    summary: dict[str, Any] = {
        "split": files.split,
        "items": report.items,
        "conversations": dict(report.tasks),
        "left_out": [str(fault) for fault in files.bad],
    }
    if report.statistics:
        summary["statistics"] = report.statistics.summary()
    print(json.dumps(summary, ensure_ascii=False, indent=2))


def _print(files: VsdFiles, report: Report, output: Path | None) -> None:
    import sys

    counts = ", ".join(f"{count:,} {task}" for task, count in report.tasks.items())
    where = f" in {output}" if output else ""
    print(f"{report.items:,} items, {report.tasks.total():,} conversations ({counts}){where}" if counts else
          f"{report.items:,} items{where}")  # fmt: skip
    for fault in files.bad:
        print(f"left out: {fault}", file=sys.stderr)
    if files.bad:
        print(f"left out {len(files.bad):,} entries in all", file=sys.stderr)
    if files.split == "train" and report.tasks:
        for difference in report.paper_differences():
            print(f"warning: not the paper's count: {difference}", file=sys.stderr)
    if report.statistics:
        _print_statistics(report.statistics.summary())


def _print_statistics(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    tasks = summary["tasks"]
    table = Table(title="what the data set holds", title_justify="left")
    for column in ("", "triples", *tasks):
        table.add_column(column, justify="left" if not column else "right")
    for relation, count in summary["triples"].items():
        table.add_row(
            relation, f"{count:,}", *(f"{task['by_relation'][relation]:,}" for task in tasks.values())
        )
    total = sum(summary["triples"].values())
    table.add_row(
        "all", f"{total:,}", *(f"{task['conversations']:,}" for task in tasks.values()), style="bold"
    )
    table.add_section()
    for side in ("question", "answer"):
        for figure in ("mean", "median", "p95", "max"):
            values = (f"{task[f'{side}_words'][figure]:g}" for task in tasks.values())
            table.add_row(
                f"words of an {side}" if side == "answer" else f"words of a {side}", figure, *values
            )
    table.add_section()
    table.add_row("answers given before", "", *(f"{task['repeated_answers']:,}" for task in tasks.values()))
    console = Console(soft_wrap=True)
    console.print(table)
    descriptions = summary["descriptions"]
    console.print(
        f"{summary['items']:,} items; {summary['items_with_several_triples']:,} with several triples; "
        f"{summary['items_whose_image_came_before']:,} whose image came before; "
        f"{descriptions['v1']:,} unique v1 and {descriptions['v2']:,} unique v2 descriptions",
        highlight=False,
    )
