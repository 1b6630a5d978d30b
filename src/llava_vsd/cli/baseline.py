"""`vsd baseline fit`: the control that sees names and boxes only."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llava_vsd.inference.baseline import Validation


def register(app: typer.Typer) -> None:
    """Adds the command with its sub-command."""
    group = typer.Typer(
        name="baseline",
        help="The control that every VSD score needs: how far do names and boxes go without the picture?",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.callback()(_group)
    group.command()(fit)
    app.add_typer(group)


def _group() -> None:
    """The control that every VSD score needs: how far do names and boxes go without the picture?

    Example: vsd baseline fit val/items.jsonl -o vsd.json
    """


def fit(
    items: Annotated[Path, typer.Argument(help="Items to learn from (items.jsonl).", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File for the model.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Of what is random in fitting.", min=0, max=2**31)] = 0,
) -> None:
    """Learn relations from names and boxes, and sentences from descriptions; see docs/baseline.md.

    Prints what five-fold cross-validation says of it. `vsd predict --model baseline:FILE` answers with both names and
    boxes, `baseline:FILE#names` and `baseline:FILE#boxes` with one of them.

    Example: vsd baseline fit val/items.jsonl -o vsd.json
    """
    from llava_vsd.cli.progress import reporting
    from llava_vsd.inference.baseline import FIT_STEPS
    from llava_vsd.inference.baseline import fit as learn
    from llava_vsd.jsonl import read_rows
    from llava_vsd.schema import Item

    known = list(read_rows(items, Item))
    with reporting(f"learning from {len(known):,} items", total=FIT_STEPS) as report:
        steps = count(1)
        model, validation = learn(known, seed=seed, step=lambda: report(next(steps), FIT_STEPS))
    model.save(output)
    _print(validation, len(known))
    print(f"{output}: learned from {len(known):,} items")


def _print(validation: Validation, items: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table

    figures = ("accuracy", "log loss", "calibration error")
    table = Table("seen", *(Column(name, justify="right") for name in figures), box=SIMPLE_HEAD)
    for seen, summary in validation.summaries().items():
        table.add_row(
            "neither: shares of the relations" if seen == "prior" else seen,
            f"{100 * summary.accuracy:.2f}",
            f"{summary.log_loss:.4f}",
            f"{100 * summary.calibration_error:.2f}",
        )
    console = Console(highlight=False)
    console.print(
        f"cross-validation over {items:,} items, {len(validation.labels):,} triples", soft_wrap=True
    )
    console.print(table)
