"""`vsd evaluate`: items and predictions to scores; the challenge's files are read, and written on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llava_vsd.metrics.figures import SpiceScorer
    from llava_vsd.schema import Item, Prediction


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(evaluate)


def evaluate(
    items: Annotated[Path, typer.Argument(help="Items that were asked (items.jsonl).", show_default=False)],
    predictions: Annotated[
        Path,
        typer.Argument(
            help="Predictions (predictions.jsonl), or a folder or zip with task1-2.json and task3.json.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for all figures (scores.json).")
    ] = None,
    references: Annotated[str, typer.Option(help="Gold descriptions: v1, v2 or both.")] = "v1",
    intervals: Annotated[
        int, typer.Option(help="Resamples of the items for the 95 % intervals.", min=1)
    ] = 1000,
    no_intervals: Annotated[bool, typer.Option("--no-intervals", help="Leave the intervals out.")] = False,
    seed: Annotated[int, typer.Option(help="Of the resamples.", min=0)] = 0,
    compare: Annotated[
        Path | None,
        typer.Option(help="Predictions of another system for the same items: paired differences to it."),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Folder for the challenge's files, also zipped.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score items without a prediction as empty answers.")
    ] = False,
    grammar: Annotated[
        str,
        typer.Option(
            help="Of SPICE: original, captions or a file; default: the original where it has been fetched."
        ),
    ] = "",
    no_spice: Annotated[
        bool, typer.Option("--no-spice", help="Leave SPICE out, and with it z2, z3 and overall.")
    ] = False,
    spice_tuples: Annotated[
        Path | None,
        typer.Option(help="Tuples from elsewhere (caption, tuples a line), instead of a parser's."),
    ] = None,
    processes: Annotated[int, typer.Option(help="How many parse for SPICE at the same time.", min=1)] = 1,
    cache: Annotated[Path | None, typer.Option(help="SQLite file that keeps SPICE's parses.")] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show the confusion matrix too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures as JSON, not as tables.")
    ] = False,
) -> None:
    """Score predictions as the VSD challenge does, with every open choice of its rules as a figure of its own.

    Task 1: accuracy, F1 averages, calibration. Task 2: BLEU-4, SPICE, ROUGE-L, CIDEr, relation accuracy. Task 3:
    mBLEU-4, BLEU-4 of each pair of sentences, SPICE, relation accuracy. Then z1, z2, z3 and overall. All on the
    scale 0-100; docs/scores.md defines each.

    Example: vsd evaluate test/items.jsonl predictions.jsonl -o scores.json --compare baseline.jsonl
    """
    from llava_vsd.cli.progress import reporting
    from llava_vsd.cli.scores import print_scores
    from llava_vsd.errors import UsageError
    from llava_vsd.evaluate import evaluate as score
    from llava_vsd.evaluate import parse_references
    from llava_vsd.jsonl import read_rows, replacing
    from llava_vsd.metrics.spice.pipeline import Spice
    from llava_vsd.metrics.spice.told import Told
    from llava_vsd.schema import Item
    from llava_vsd.submission import write_submission

    kind = parse_references(references)
    asked = list(read_rows(items, Item))
    ours = _read(predictions, asked, allow_missing)
    theirs = _read(compare, asked, allow_missing) if compare else None
    scorer: SpiceScorer | None = None
    if spice_tuples and (no_spice or grammar or cache):
        raise UsageError(
            "--spice-tuples leaves nothing to parse; expected no --no-spice, --grammar or --cache"
        )
    if spice_tuples:
        scorer = Told.load(spice_tuples)
    with reporting("captions parsed for SPICE") as report:
        if not (spice_tuples or no_spice):
            scorer = Spice(grammar, processes=processes, cache=cache, report=report)
        scores = score(
            asked,
            ours,
            references=kind,
            spice=scorer,
            resamples=0 if no_intervals else intervals,
            seed=seed,
            compare=theirs,
            allow_missing=allow_missing,
        )
    text = json.dumps(scores, ensure_ascii=False, indent=2)
    if output:
        with replacing(output) as file:
            file.write(text + "\n")
    if as_json:
        print(text)
    else:
        print_scores(scores, title=predictions.name, other=compare.name if compare else "", confusion=verbose)
    if submission:
        for path in write_submission(submission, asked, ours):
            print(f"wrote {path}", file=sys.stderr)


def _read(path: Path, items: Sequence[Item], allow_missing: bool) -> list[Prediction]:
    """Reads predictions in either form, and checks here that they fit the items: an error then names the file."""
    from llava_vsd.jsonl import read_rows
    from llava_vsd.matching import matched
    from llava_vsd.schema import Prediction
    from llava_vsd.submission import is_submission, read_submission

    if is_submission(path):
        return read_submission(path, items, allow_missing=allow_missing)
    predictions = list(read_rows(path, Prediction))
    matched(items, predictions, allow_missing=allow_missing, what=str(path))
    return predictions
