"""`vsd rooms`: rendered rooms with known relations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(rooms)


def rooms(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the pictures.", show_default=False)
    ],
    count: Annotated[int, typer.Option(help="How many pictures the folder is to hold.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Of all that is random.", min=0, max=2**31)] = 0,
    split: Annotated[
        str,
        typer.Option(help="train, val, test-layouts, test-instances, test-pairs or test-names."),
    ] = "train",
    furniture: Annotated[
        str,
        typer.Option(
            help="Where the models are: Debian's package sweethome3d-furniture as a .deb file, a folder with its .sh3f "
            "files (default: where the package puts them), or `built` for a few things made by code.",
            show_default=False,
        ),
    ] = "",
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Render rooms whose spatial relations are known, with VSD annotations; see docs/rooms.md.

    The folder gets images/, items.jsonl and the files vsdv1_SPLIT.json and vsdv2_SPLIT.json. Left and right are the
    viewer's; in front and behind are by the camera. After Ctrl-C or a kill the same command goes on; a larger --count
    adds pictures.

    Example: vsd rooms -o rooms --count 500 --seed 1 --furniture sweethome3d-furniture_1.8-1_all.deb --workers 2
    """
    from llava_vsd.cli.progress import tracked
    from llava_vsd.errors import UsageError
    from llava_vsd.rooms.produce import Production
    from llava_vsd.rooms.splits import SPLITS

    chosen = next((name for name in SPLITS if name == split), None)
    if chosen is None:
        raise UsageError(f"split: {split!r}, expected {', '.join(SPLITS)}")
    production = Production(output, split=chosen, seed=seed, furniture=furniture)
    made = 0
    for _ in tracked(production.run(count, workers), "pictures", total=count):
        made += 1
    kept = f" ({count - made:,} of them by an earlier run)" if made < count else ""
    print(f"{count:,} pictures in {output}{kept}")
    refused = production.refused
    if refused:
        said = ", ".join(f"{reason} {number:,}" for reason, number in refused.most_common())
        print(f"refused on the way: {sum(refused.values()):,} ({said})")
