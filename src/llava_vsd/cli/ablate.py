"""`vsd ablate`: what refining bought."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llava_vsd.cli.refine import BatchSize, Completed, Device, Dtype, Key, ModelOption, Tries

if TYPE_CHECKING:
    from llava_vsd.ablate import Variant
    from llava_vsd.metrics.figures import SpiceScorer
    from llava_vsd.refine.rewrite import Refiner
    from llava_vsd.schema import Item, Prediction


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(ablate)


def ablate(
    items: Annotated[Path, typer.Argument(help="Items that were asked (items.jsonl).", show_default=False)],
    predictions: Annotated[
        Path, typer.Argument(help="Predictions, not refined (predictions.jsonl).", show_default=False)
    ],
    model: ModelOption = "",
    refined: Annotated[
        list[Path] | None,
        typer.Option(help="Refined predictions, instead of making them; again for each further column."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File for all figures.")] = None,
    sample: Annotated[int, typer.Option(help="Only so many items, drawn by --seed; 0 is all.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Of sample, draws of the model and resamples.", min=0)] = 0,
    tries: Tries = 3,
    batch_size: BatchSize = 16,
    device: Device = "",
    dtype: Dtype = "bfloat16",
    key: Key = "",
    cache: Completed = None,
    references: Annotated[str, typer.Option(help="Gold descriptions: v1, v2 or both.")] = "v1",
    intervals: Annotated[
        int, typer.Option(help="Resamples for the 95 % intervals; 0 for none.", min=0)
    ] = 1000,
    grammar: Annotated[
        str,
        typer.Option(
            help="Of SPICE: original, captions or a file; default: the original where it has been fetched."
        ),
    ] = "",
    no_spice: Annotated[bool, typer.Option("--no-spice", help="Leave SPICE and z3 out.")] = False,
    spice_cache: Annotated[Path | None, typer.Option(help="SQLite file that keeps SPICE's parses.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures as JSON, not as a table.")
    ] = False,
) -> None:
    """Score task 3 without refinement, with the model's rewrites as they are, and with the guard.

    The paper's table 4 and more: mBLEU-4 and BLEU-4 of each pair of sentences, SPICE, z3, relation accuracy of the
    three sentences, how many rows came from the model, from rules, or stayed, and the time.

    Example: vsd ablate test/items.jsonl predictions.jsonl --model small --sample 300 -o ablation.json
    """
    from random import Random

    from llava_vsd.ablate import ablate as score
    from llava_vsd.cli.ablation import print_ablation
    from llava_vsd.errors import UsageError
    from llava_vsd.evaluate import parse_references
    from llava_vsd.jsonl import read_rows, refuse_inputs, replacing
    from llava_vsd.matching import matched
    from llava_vsd.metrics.spice.pipeline import Spice
    from llava_vsd.refine.models import default_model, load_text_model
    from llava_vsd.schema import Item, Prediction

    if refined and model:
        raise UsageError("--refined leaves nothing to refine; expected no --model")
    if output:
        refuse_inputs(output, items, predictions, *(refined or ()), cache, spice_cache)
    kind = parse_references(references)
    asked = list(read_rows(items, Item))
    rows = [one for one in matched(asked, read_rows(predictions, Prediction), what=str(predictions)) if one]
    if sample and sample < len(asked):
        places = sorted(Random(seed).sample(range(len(asked)), sample))
        asked, rows = [asked[place] for place in places], [rows[place] for place in places]
    scorer: SpiceScorer | None = None if no_spice else Spice(grammar, cache=spice_cache)
    if refined:
        variants = _given(refined, asked)
    else:
        text_model = load_text_model(
            model or default_model(), device=device, dtype=dtype, batch_size=batch_size, key=key
        )
        variants = _made(asked, rows, text_model, tries=tries, seed=seed, cache=cache)
    found = score(asked, rows, variants, references=kind, spice=scorer, resamples=intervals, seed=seed)
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if output:
        with replacing(output) as file:
            file.write(text + "\n")
    if as_json:
        print(text)
    else:
        print_ablation(found, title=predictions.name)


def _given(paths: list[Path], items: list[Item]) -> dict[str, Variant]:
    """The refined predictions of files, those of these items; a column bears its file's name."""
    from llava_vsd.ablate import Variant
    from llava_vsd.jsonl import read_rows
    from llava_vsd.schema import Prediction

    wanted = {item.id for item in items}
    return {
        path.stem if len({one.stem for one in paths}) == len(paths) else str(path): Variant(
            [row for row in read_rows(path, Prediction) if row.id in wanted]
        )
        for path in paths
    }


def _made(
    items: list[Item],
    rows: list[Prediction],
    model: Any,
    *,
    tries: int,
    seed: int,
    cache: Path | None,
) -> dict[str, Variant]:
    """Refines in both ways; the first try of the guarded one is the unguarded one's, and its time counts in both."""
    from llava_vsd.ablate import Variant
    from llava_vsd.refine.completions import Completions
    from llava_vsd.refine.rewrite import Refiner

    asked = [item.asked for item in items]
    if model is None:
        found, seconds, _ = _timed(Refiner(None), rows, asked, "rules")
        return {"rules": Variant(found, seconds)}
    completions = Completions(model, cache)
    try:
        bare = Refiner(completions, guarded=False, seed=seed)
        unguarded, first, from_bare = _timed(bare, rows, asked, "without a guard")
        guarded, rest, from_both = _timed(
            Refiner(completions, tries=tries, seed=seed), rows, asked, "with the guard"
        )
    finally:
        completions.close()
    return {
        "no guard": Variant(unguarded, first, from_bare),
        "guard": Variant(guarded, first + rest, from_both),
    }


def _timed(
    refiner: Refiner, rows: list[Prediction], asked: list[int], what: str
) -> tuple[list[Prediction], float, float]:
    """Refined rows, seconds, and which percentage of the model's answers a file of an earlier run gave."""
    from llava_vsd.cli.progress import tracked

    kept = refiner.completions.counts if refiner.completions else Counter[str]()
    start, before = perf_counter(), kept.copy()
    found = list(tracked(refiner.in_batches(rows, asked), f"predictions {what}", total=len(rows)))
    counts = kept - before
    return found, perf_counter() - start, 100 * counts["recalled"] / max(1, counts.total())
