"""`vsd predict`: items to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from llava_vsd.cli.describe import Device, Dtype


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(predict)


def predict(
    items: Annotated[Path, typer.Argument(help="Items to answer (items.jsonl).", show_default=False)],
    model: Annotated[
        str,
        typer.Option(
            help="small, the model that ships and knows rendered rooms only; folder or hub name (OWNER/NAME) of a "
            "checkpoint or an adapter; openai:URL#MODEL for a server of "
            "the OpenAI form, e.g. openai:http://localhost:8000/v1#vsd; baseline:FILE (FILE#names or FILE#boxes "
            "for one half of it); scripted:FILE.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the predictions.", show_default=False)
    ],
    images: Annotated[
        Optional[list[Path]],  # noqa: UP045 - typer reads it at run time, on Python 3.10 too
        typer.Option(help="Folder with the pictures, in any layout; more than one: the first wins."),
    ] = None,
    probe: Annotated[
        str,
        typer.Option(
            help="Ask again with subject and object swapped, the picture mirrored, the picture blanked: "
            "swap,mirror,blank or some of them. vsd evaluate says what came of it."
        ),
    ] = "",
    shard: Annotated[
        str, typer.Option(help="i/n: every n-th item from the i-th on; `cat` puts the n files together.")
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew where the file exists.")] = False,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Server: ask without pictures, of a text model.")
    ] = False,
    max_side: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Server: shrink pictures so that no side is longer, in pixels.", min=16),
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Server: most requests at a time.", min=1)] = 8,
    timeout: Annotated[float, typer.Option(help="Server: seconds for one answer.", min=0.1)] = 600.0,
    tries: Annotated[
        int, typer.Option(help="Server: failures in a row of one request before the run ends.", min=1)
    ] = 8,
    key: Annotated[
        str, typer.Option(help="Server: environment variable that holds the key; else OPENAI_API_KEY.")
    ] = "",
    choice: Annotated[
        str,
        typer.Option(
            help="Server: how it is held to one of nine relations: auto, structured_outputs, guided_choice, "
            "regex, grammar, response_format, or text for not at all."
        ),
    ] = "auto",
    template: Annotated[
        int, typer.Option(help="Checkpoint, server: which question template of each task.", min=0)
    ] = 0,
    max_tokens: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Checkpoint, server: most tokens of an answer; more where a model thinks first.", min=1
        ),
    ] = None,
    body: Annotated[
        str, typer.Option(help="Server: further fields of each request as JSON, e.g. '{\"top_k\": 1}'.")
    ] = "{}",
    batch_size: Annotated[
        int, typer.Option(help="Checkpoint: items at once; halved when memory runs out.", min=1)
    ] = 8,
    dtype: Dtype = "auto",
    device: Device = "auto",
    quantize: Annotated[
        str, typer.Option(help="Checkpoint: 4bit or 8bit, the language model in so many bits, on a CUDA GPU.")
    ] = "",
    adapter: Annotated[
        str, typer.Option(help="Checkpoint: an adapter on it; one given as --model finds its base by itself.")
    ] = "",
    boxes: Annotated[
        bool, typer.Option("--boxes", help="Checkpoint: tell the two boxes in the question, as trained with.")
    ] = False,
    both_orders: Annotated[
        bool, typer.Option("--both-orders", help="Checkpoint: relation asked both ways round, averaged.")
    ] = False,
    temperature: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="Checkpoint: of the nine scores; vsd calibrate finds it. Default: 1; small: its own.",
            min=0.01,
            max=100,
        ),
    ] = None,
    beams: Annotated[int, typer.Option(help="Checkpoint: beams of a beam search.", min=1)] = 1,
    sample: Annotated[
        float, typer.Option(help="Checkpoint: temperature to sample sentences at; 0: the likeliest.", min=0)
    ] = 0.0,
    top_p: Annotated[float, typer.Option(help="Checkpoint: sample from the likeliest that have this.")] = 1.0,
    candidates: Annotated[
        int, typer.Option(help="Checkpoint: answers to task 3, of which the best is taken.", min=1)
    ] = 1,
    overlap_penalty: Annotated[
        float, typer.Option(help="Checkpoint: against 4-grams that a candidate's sentences share.", min=0)
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Checkpoint: of sampling.", min=0)] = 0,
) -> None:
    """Answer all three tasks for every item: the relation of each triple, one sentence, three sentences.

    After Ctrl-C or a kill the same command goes on where the file ends; with --probe it goes on in a file that was
    made without. Under torchrun or accelerate launch each process takes its shard, to a file of its own
    (predictions-1-of-4.jsonl ...); `cat` puts them together.

    Example: vsd predict val/items.jsonl --model runs/vsd --images VG_100K -o predictions.jsonl
    """
    from dataclasses import replace

    from llava_vsd.cli.progress import noted, tracked
    from llava_vsd.data.images import ImageStore
    from llava_vsd.errors import UsageError
    from llava_vsd.jsonl import read_rows, refuse_inputs
    from llava_vsd.predict import Run, asked, is_checkpoint, launched, load_engine, share_file
    from llava_vsd.predict import shard as part_of
    from llava_vsd.schema import Item

    wanted = list(read_rows(items, Item))
    if share := launched():
        if shard:
            raise UsageError(f"--shard {shard}: this process has the shard {share} by itself; expected none")
        shard, output = share, share_file(output, share)
    refuse_inputs(output, items)
    if shard:
        wanted = part_of(wanted, shard)
    store = ImageStore(images) if images else None
    asking = running = None
    if is_checkpoint(model):
        from llava_vsd.inference.settings import Decoding, Settings

        running = Settings(
            dtype=dtype,
            device=device,
            quantize=quantize or None,
            adapter=adapter or None,
            batch_size=batch_size,
            template=template,
            boxes=boxes,
            both_orders=both_orders,
            temperature=temperature,
            max_tokens=max_tokens,
            decoding=Decoding(
                beams=beams,
                sample=sample,
                top_p=top_p,
                candidates=candidates,
                overlap_penalty=overlap_penalty,
                seed=seed,
            ),
        )
    if model.startswith("openai:"):
        from llava_vsd.inference.openai import Asking, parse_body

        asking = Asking(
            pictures=not no_images,
            max_side=max_side,
            choice=choice,
            template=template,
            max_tokens=max_tokens,
            body=parse_body(body),
            at_once=concurrency,
            key=key,
        )
        asking = replace(asking, patience=replace(asking.patience, read=timeout, tries=tries))
    engine = load_engine(model, images=store, asking=asking, running=running, note=noted)
    if remark := getattr(engine, "remark", ""):
        noted(remark)
    everything = asked(wanted, engine, probes=probe, images=store)
    with Run(everything, engine, output, overwrite=overwrite) as run:
        before = run.done
        for _ in tracked(run, "items", total=len(everything), done=before):
            pass
    kept = f" ({before:,} of them by an earlier run)" if before else ""
    print(f"{len(everything):,} predictions in {output}{kept}")
