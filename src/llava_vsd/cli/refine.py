"""`vsd refine`: the third sentence rewritten from the second."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Optional

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(refine)


MODEL_HELP = (
    "Folder, hub name or GGUF file of a text model; small (SmolLM2-135M-Instruct); openai:URL#MODEL; scripted:FILE; or "
    "rules (no model). "
    "Default: Qwen/Qwen2-7B-Instruct where there is a GPU, else small."
)

ModelOption = Annotated[str, typer.Option(help=MODEL_HELP, show_default=False)]
Tries = Annotated[int, typer.Option(help="How often the model is asked for one sentence.", min=1)]
BatchSize = Annotated[
    int, typer.Option(help="Sentences that the model rewrites at once, or requests under way.", min=1)
]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...; default: a GPU if there is one.")]
Dtype = Annotated[str, typer.Option(help="bfloat16, float16 or float32.")]
Key = Annotated[str, typer.Option(help="Server: variable that holds the key; default: OPENAI_API_KEY.")]
Completed = Annotated[Optional[Path], typer.Option("--cache", help="File that keeps what the model says.")]  # noqa: UP045


def refine(
    predictions: Annotated[
        Path, typer.Argument(help="Predictions to refine (predictions.jsonl).", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the refined predictions.", show_default=False)
    ],
    model: ModelOption = "",
    items: Annotated[
        Path | None,
        typer.Option(help="Their items, where the sentences are not about the first pair (items.jsonl)."),
    ] = None,
    tries: Tries = 3,
    no_guard: Annotated[
        bool, typer.Option("--no-guard", help="Take what the model says as it is, as the paper does.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of what the model draws.", min=0)] = 0,
    batch_size: BatchSize = 16,
    device: Device = "",
    dtype: Dtype = "bfloat16",
    key: Key = "",
    cache: Completed = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew where the file exists.")] = False,
) -> None:
    """Rewrite the third sentence from the second in other words.

    What a text model says stands if it names both things, states the same relation, shares no four words in a row with
    the other two and is one plain sentence; else it is asked again, then rules rewrite, then the original stays. Each
    row tells in `refinement` which it was, and why. After Ctrl-C or a kill the same command goes on where the file
    ends.

    Example: vsd refine predictions.jsonl --model small -o refined.jsonl
    """
    from llava_vsd.cli.progress import noted, tracked
    from llava_vsd.jsonl import read_rows, refuse_inputs
    from llava_vsd.refine.completions import Completions
    from llava_vsd.refine.models import default_model, load_text_model
    from llava_vsd.refine.rewrite import Refiner
    from llava_vsd.refine.run import Run, asked_places
    from llava_vsd.schema import Item, Prediction

    rows = list(read_rows(predictions, Prediction))
    asked = asked_places(rows, list(read_rows(items, Item)) if items else ())
    refuse_inputs(output, predictions, items, cache)
    if not items and (doubtful := [row for row in rows if len(row.relations) > 1]):
        others = f" and {len(doubtful) - 1:,} more have" if len(doubtful) > 1 else " has"
        noted(
            f"prediction {doubtful[0].label}{others} several pairs; the sentences are taken to be about the first "
            "(--items FILE says about which)"
        )
    text_model = load_text_model(
        model or default_model(), device=device, dtype=dtype, batch_size=batch_size, key=key
    )
    completions = Completions(text_model, cache) if text_model else None
    refiner = Refiner(completions, tries=tries, guarded=not no_guard, seed=seed)
    outcomes: Counter[str] = Counter()
    with Run(rows, asked, refiner, output, overwrite=overwrite) as run:
        before = run.done
        for row in tracked(run, "predictions", total=len(rows), done=before):
            outcomes[row.refinement.outcome if row.refinement else ""] += 1
    if completions:
        completions.close()
    kept = f" ({before:,} of them by an earlier run)" if before else ""
    shares = ", ".join(
        f"{count:,} by {name}" if name != "kept" else f"{count:,} kept" for name, count in outcomes.items()
    )
    print(f"{len(rows):,} refined predictions in {output}{kept}" + (f": {shares}" if shares else ""))
