"""`vsd draw`: pictures with predictions on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(draw)


def draw(
    items: Annotated[Path, typer.Argument(help="Items that were asked (items.jsonl).", show_default=False)],
    predictions: Annotated[Path, typer.Argument(help="Their predictions.", show_default=False)],
    images: Annotated[
        list[Path], typer.Option(help="Folder with the pictures; more than one: the first wins.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the drawn pictures.", show_default=False)
    ],
    no_boxes: Annotated[bool, typer.Option("--no-boxes", help="Draw no boxes.")] = False,
) -> None:
    """Draw predictions: each picture with the boxes of its asked pair, relation, probability and sentences below.

    Answers to probes are passed over. A file is named by the id of its item.

    Example: vsd draw val/items.jsonl predictions.jsonl --images data -o drawn
    """
    from llava_vsd.cli.progress import tracked
    from llava_vsd.data.images import ImageStore
    from llava_vsd.draw import described
    from llava_vsd.errors import UsageError
    from llava_vsd.jsonl import read_rows
    from llava_vsd.matching import matched
    from llava_vsd.schema import Item, Prediction

    asked = list(read_rows(items, Item))
    answered = matched(asked, list(read_rows(predictions, Prediction)))
    pairs = [(item, one) for item, one in zip(asked, answered, strict=True) if one is not None]
    store = ImageStore(images)
    store.require(item.image for item, _ in pairs)
    pictures = {store.path(item.image).resolve() for item, _ in pairs}
    for item, _ in pairs:
        if Path(item.id).name != item.id:
            raise UsageError(f"{items}: id {item.id!r} cannot be the name of a file; expected one without /")
        if (output / f"{item.id}.png").resolve() in pictures:
            raise UsageError(
                f"output: {output / item.id}.png is a picture to draw on; expected another folder"
            )
    output.mkdir(parents=True, exist_ok=True)
    for item, one in tracked(pairs, "pictures", total=len(pairs)):
        pair, answer = item.pair, one.relations[item.asked]
        made = described(
            store.open(item.image),
            (pair.subject, answer.relation, pair.object),
            answer.scores.get(answer.relation) if answer.relation else None,
            [one.description, *one.descriptions],
            (None, None) if no_boxes else (pair.subject_box, pair.object_box),
        )
        made.save(output / f"{item.id}.png", format="PNG")
    print(f"{len(pairs):,} pictures in {output}")
