"""The command `vsd merge`: a full checkpoint from an adapter and its base model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(merge)


def merge(
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="Folder of an adapter.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the checkpoint, not there yet.")
    ],
    base: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Folder or hub name of the base model; default: the one that the adapter names.",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(help="Of the result: auto (as the base model), float32, bfloat16 or float16."),
    ] = "auto",
) -> None:
    """Add an adapter to its base model: a full checkpoint, for programs that take no adapters.

    Example: vsd merge runs/llava-v1.6-vicuna-13b/vsd -o llava-vsd-13b --base llava-hf/llava-v1.6-vicuna-13b-hf
    """
    from llava_vsd.model.merge import merge as write

    write(adapter, output, base=base, dtype=dtype)
