"""`vsd spice`: the original SPICE program's input and output, without Java; or why two captions score as they do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from llava_vsd.metrics.spice.pipeline import Spice
    from llava_vsd.metrics.spice.score import Match


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(spice)


def spice(
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="File of {image_id, test, refs}; with --explain: a caption and its references.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for the scores of each item.")
    ] = None,
    grammar: Annotated[
        str,
        typer.Option(help="original, captions or a file; default: the original where it has been fetched."),
    ] = "",
    detailed: Annotated[bool, typer.Option("--detailed", help="Put the tuples into the output.")] = False,
    subset: Annotated[
        bool, typer.Option("--subset", help="Score the categories too (color, size, ...).")
    ] = False,
    no_synsets: Annotated[bool, typer.Option("--no-synsets", help="Match equal names only.")] = False,
    processes: Annotated[int, typer.Option(help="How many parse at the same time.", min=1)] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="SQLite file that keeps parses for the next time.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show trees, scene graphs and what matched, of one pair.")
    ] = False,
) -> None:
    """Score captions by SPICE; the files have the form of the original program's.

    Example: vsd spice pairs.json -o scores.json --subset --processes 2

    Example: vsd spice --explain "a cat is under the table" "the cat sits below a desk"
    """
    from rich.console import Console

    from llava_vsd.cli.progress import reporting
    from llava_vsd.errors import UsageError
    from llava_vsd.jsonl import replacing
    from llava_vsd.metrics.spice.files import output as entries
    from llava_vsd.metrics.spice.files import read_pairs
    from llava_vsd.metrics.spice.pipeline import Spice
    from llava_vsd.metrics.spice.score import means

    console = Console(soft_wrap=True, highlight=False)
    scorer = Spice(grammar, synsets=not no_synsets, processes=processes, cache=cache)
    if explain:
        if output or detailed or subset:
            raise UsageError("--explain prints to the screen; expected no --output, --detailed or --subset")
        if len(given) < 2:
            raise UsageError("--explain: expected a caption and at least one reference")
        _explain(console, scorer, given[0], given[1:])
        return
    if len(given) != 1:
        raise UsageError(f"{len(given)} inputs, expected one file (or --explain and captions)")
    pairs = read_pairs(given[0])
    with reporting("captions") as report:
        scores = scorer.score_all([(pair.test, pair.refs) for pair in pairs], report=report)
    if output:
        with replacing(output) as file:
            # plain ASCII: an image_id may hold half a surrogate pair, which no file can
            json.dump(entries(pairs, scores, detailed=detailed, subset=subset), file, indent=1)
            file.write("\n")
    console.print(f"{scorer.name}: {len(pairs):,} items", markup=False)
    for name, mean in means(scores).items():
        if mean.f is not None and (subset or name == "All"):
            console.print(
                f"{name}: F {100 * mean.f:.4f}, precision {100 * (mean.precision or 0):.4f}, "
                f"recall {100 * (mean.recall or 0):.4f} ({mean.items:,} items)"
            )


def _explain(console: Console, scorer: Spice, candidate: str, references: list[str]) -> None:
    for name, caption in [("candidate", candidate), *(("reference", text) for text in references)]:
        analysis = scorer.analyse(caption)
        console.print(f"[bold]{name}[/bold]: {_safe(caption)}")
        for tree in analysis.trees:
            console.print(f"  {_safe(str(tree))}", style="dim")
        console.print(
            "  "
            + (
                " ".join(f"({_safe(', '.join(_in_text_order(found)))})" for found in analysis.tuples)
                or "no tuples"
            )
        )
    score = scorer.score(candidate, references)
    console.print("[bold]candidate's scene graph[/bold]: " + _marked(score.candidate))
    console.print("[bold]references' scene graph[/bold]: " + _marked(score.reference))
    console.print(
        f"{scorer.name}: F {100 * score.f:.2f}, precision {100 * score.precision:.2f}, recall {100 * score.recall:.2f}",
        markup=False,
    )


def _marked(matches: Iterable[Match]) -> str:
    marked = (
        f"[{'green' if match.found else 'red'}]{'+' if match.found else '-'}({_safe(', '.join(match.tuple))})[/]"
        for match in matches
    )
    return " ".join(marked) or "empty"


def _in_text_order(raw: tuple[str, ...]) -> tuple[str, ...]:
    """Subject, predicate, object, as scene graphs have them; raw tuples have the predicate last."""
    return (raw[0], raw[2], raw[1]) if len(raw) == 3 else raw


def _safe(text: str) -> str:
    """Text that neither markup nor a terminal takes for a command: what is not printable as its escape."""
    from rich.markup import escape

    return escape("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text))
