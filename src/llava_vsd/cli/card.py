"""The command `vsd card`: scores into the model card of what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(card)


def card(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Result of a stage of vsd train (its README.md is the card).", show_default=False
        ),
    ],
    scores: Annotated[
        list[Path],
        typer.Argument(help="Files of vsd evaluate -o, a column each.", show_default=False),
    ],
) -> None:
    """Put scores into a model card, in place of those that it holds.

    Example: vsd card runs/llava-v1.6-vicuna-13b/vsd scores-v1.json scores-v2.json
    """
    from llava_vsd.train.scored import add_scores

    print(add_scores(folder, scores))
