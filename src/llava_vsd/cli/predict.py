"""`vsd predict`: items to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(predict)


def predict(
    items: Annotated[Path, typer.Argument(help="Items to answer (items.jsonl).", show_default=False)],
    model: Annotated[
        str,
        typer.Option(
            help="baseline:FILE (FILE#names or FILE#boxes for one half of it), or scripted:FILE.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the predictions.", show_default=False)
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew where the file exists.")] = False,
) -> None:
    """Answer all three tasks for every item: the relation of each triple, one sentence, three sentences.

    After Ctrl-C or a kill the same command goes on where the file ends.

    Example: vsd predict val/items.jsonl --model baseline:vsd.json -o predictions.jsonl
    """
    from llava_vsd.cli.progress import tracked
    from llava_vsd.errors import UsageError
    from llava_vsd.jsonl import read_rows
    from llava_vsd.predict import Run, load_engine
    from llava_vsd.schema import Item

    asked = list(read_rows(items, Item))
    engine = load_engine(model)
    if output.exists() and output.samefile(items):
        raise UsageError(f"{output} holds the items; expected another file for the predictions")
    with Run(asked, engine, output, overwrite=overwrite) as run:
        before = run.done
        for _ in tracked(run, "items", total=len(asked), done=before):
            pass
    kept = f" ({before:,} of them by an earlier run)" if before else ""
    print(f"{len(asked):,} predictions in {output}{kept}")
