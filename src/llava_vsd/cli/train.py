"""`vsd train`: a model through its stages, or with --dry-run what that would take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llava_vsd.config import Config
    from llava_vsd.train.check import Report


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(train)


def train(
    config: Annotated[Path, typer.Argument(help="Settings (YAML); see configs/.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Settings that replace the file's.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read everything, open every picture, print what training takes."),
    ] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--overwrite",
            help="Demand a run to go on from, or start anew. Default: go on where the output holds one.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report of --dry-run as JSON.")] = False,
) -> None:
    """Train a LLaVA: align the connector, tune on instructions, learn visual spatial description.

    After Ctrl-C, a kill or a full disk the same command goes on from the last whole checkpoint, to the same curve.
    Each stage leaves an adapter (or a whole model), its card and its curve in a folder of its name under `output`.
    On several GPUs: accelerate launch --config_file configs/launch/ddp.yaml $(which vsd) train ...

    Example: vsd train configs/small.yaml output=runs/small --dry-run
    """
    from llava_vsd.config import load_config

    run_settings = load_config(config, settings or ())
    if dry_run:
        _check(run_settings, as_json=as_json)
        return
    from llava_vsd.train.stages import run

    results = run(run_settings, resume=resume, progress=_progress, note=_note)
    if os.environ.get("RANK", "0") == "0":
        for result in results:
            print(result)


def _note(text: str) -> None:
    typer.echo(f"vsd: {text}", err=True)


def _progress(what: str) -> Callable[[int, int], None]:
    """A function that is told how far something is, and shows it until it is done."""
    from contextlib import ExitStack

    from llava_vsd.cli.progress import reporting

    shown = ExitStack()
    reports: list[Callable[[int, int | None], None]] = []

    def report(done: int, total: int) -> None:
        if not reports:
            reports.append(shown.enter_context(reporting(what, total=total)))
        reports[0](done, total)
        if done >= total:
            shown.close()

    return report


def _check(config: Config, *, as_json: bool) -> None:
    import json
    from tempfile import TemporaryDirectory

    from llava_vsd.errors import TrainingError
    from llava_vsd.train.check import check

    reports = []
    with TemporaryDirectory() as scratch:
        for stage in config.stages:
            reports.append(check(config, stage, config.model, Path(scratch), _progress("conversations")))
    if as_json:
        print(json.dumps([report.as_json() for report in reports], indent=1))
    else:
        for report in reports:
            _print(report)
    bad = sum(
        len(report.faults)
        for report, stage in zip(reports, config.stages, strict=True)
        if not stage.skip_bad or not report.conversations
    )
    if bad:
        raise TrainingError(
            f"{bad:,} samples cannot be learned from (listed above; skip_bad=true leaves them out)"
        )


def _print(report: Report) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    for fault in report.faults:
        print(f"bad sample: {fault}")
    rows = "share their picture" if report.shared else "are unpacked"
    console.print(
        f"stage {report.stage}: {report.family}, {report.conversations:,} conversations, {report.images:,} pictures, "
        f"{len(report.faults):,} bad samples; rows {rows}",
        markup=False,
    )
    if not report.steps:
        return
    tokens = report.tokens
    total = tokens["image"] + tokens["text"] + tokens["padding"]
    lines = [
        ("steps", f"{report.steps:,}"),
        ("rows", f"{report.rows:,} ({report.rows_a_step} a step)"),
        (
            "tokens an epoch",
            f"{total:,}: {tokens['image']:,} image, {tokens['text']:,} text, {tokens['padding']:,} padding",
        ),
        ("learned tokens", f"{tokens['learned']:,}"),
        ("one at a time", f"{report.alone:,} tokens, {report.alone / total:.2f} times as many"),
        ("share of the image saved", f"{100 * report.share_saved:.1f} %"),
        ("padding", f"{100 * tokens['padding'] / total:.1f} %"),
        ("parameters", ", ".join(f"{count:,} {part}" for part, count in report.parameters.items())),
        ("that learn", f"{report.trained:,}"),
    ]
    if report.features:
        lines.append(("features on disk", f"{report.features:,} bytes"))
    if report.patches is None:
        lines.append(("memory below", f"without what the vision tower of {report.family} keeps: not known"))
    elif report.patches:
        lines.append(("patches of a row", f"{report.patches:,}"))
    for row in report.longest:
        ids = row["conversations"]
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        lines.append(("long row", f"{row['tokens']:,} tokens, step {row['step']}: {ids[0]}{more}"))
    for name, value in lines:
        console.print(f"  {name:<26}{value}", markup=False)
    table = Table(
        "GPUs", "launch", "weights", "gradients", "optimizer", "activations", "GiB on each", box=SIMPLE_HEAD
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for gpus in next(iter(report.memory.values())):
        for launch, found in report.memory.items():
            if gpus > 1 or launch == "ddp":
                parts = ("weights", "gradients", "optimizer", "activations", "total")
                figures = [f"{found[gpus][part]:.1f}" for part in parts]
                table.add_row(str(gpus), "-" if gpus == 1 else launch, *figures)
    console.print(table)
