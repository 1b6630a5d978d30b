"""`vsd calibrate`: the temperature at which a model is as sure of its relations as it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(calibrate)


def calibrate(
    items: Annotated[Path, typer.Argument(help="Items that were asked, of val.", show_default=False)],
    predictions: Annotated[
        Path, typer.Argument(help="Predictions with scores, made at temperature 1.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON on stdout.")] = False,
) -> None:
    """Fit the temperature of the nine scores: no answer changes, but how sure it is.

    Fit it on val, and give it to vsd predict for test.

    Example: vsd calibrate val/items.jsonl val/predictions.jsonl
    """
    import json

    from llava_vsd.calibrate import fit
    from llava_vsd.jsonl import read_rows
    from llava_vsd.schema import Item, Prediction

    found = fit(list(read_rows(items, Item)), list(read_rows(predictions, Prediction)))
    if as_json:
        print(json.dumps(found))
        return
    print(f"temperature {found['temperature']:.4g}, from {found['triples']:,} triples")
    for name in ("log_loss", "ece"):
        before, after = found[name]["before"], found[name]["after"]
        print(f"{name:9}{before:.4f} -> {after:.4f}")
