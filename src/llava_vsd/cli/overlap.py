"""`vsd overlap`: test pictures that a base model may have been trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llava_vsd.errors import RowError
    from llava_vsd.schema import Conversation


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(overlap)


def overlap(
    items: Annotated[
        Path, typer.Argument(help="Items (items.jsonl), of test for example.", show_default=False)
    ],
    training: Annotated[
        list[Path], typer.Argument(help="Training data of the base model (LLaVA JSON).", show_default=False)
    ],
    image_data: Annotated[
        Path | None,
        typer.Option(help="Visual Genome's image_data.json: tells which of its pictures are COCO's."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the items without these pictures here.")
    ] = None,
) -> None:
    """List the items whose picture other training data hold, one JSON object a line.

    Pictures are recognized by Visual Genome id (GQA's are the same), by the COCO id that --image-data states for them,
    and by file name (Flickr).

    Example: vsd overlap test/items.jsonl llava_v1_5_mix665k.json --image-data image_data.json > seen.jsonl
    """
    from llava_vsd.cli.progress import tracked
    from llava_vsd.data.overlap import by_way, coco_ids
    from llava_vsd.data.overlap import overlap as shared_pictures
    from llava_vsd.jsonl import dump, read_rows, write_rows
    from llava_vsd.schema import Item

    asked = list(read_rows(items, Item))
    bad: list[RowError] = []
    others = tracked(_conversations(training, bad), "conversations")
    shared = list(shared_pictures(asked, others, coco_ids(image_data) if image_data else None))
    for one in shared:
        print(dump(one))
    ways = ", ".join(f"{count:,} by {way}" for way, count in by_way(shared).items())
    typer.echo(
        f"{len(shared):,} of {len(asked):,} items share a picture" + (f": {ways}" if ways else ""), err=True
    )
    if bad:
        typer.echo(f"{len(bad):,} entries could not be read, the first: {bad[0]}", err=True)
    if image_data is None:
        typer.echo("without --image-data pictures from COCO are not recognized", err=True)
    if output:
        seen = {one.id for one in shared}
        write_rows(output, (item for item in asked if item.id not in seen))


def _conversations(training: list[Path], bad: list[RowError]) -> Iterator[Conversation]:
    """Those of all files; an entry that cannot be read goes to `bad`, and is raised where a file has no other."""
    from llava_vsd.data.llava import read_llava

    for path in training:
        known, found = len(bad), False
        for one in read_llava(path, bad=bad):
            found = True
            yield one
        if not found:
            raise bad[known]
