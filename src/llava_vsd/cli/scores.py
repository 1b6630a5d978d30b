"""Scores as tables on the screen; scores.json holds more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

SECTIONS = {
    "task1": "task 1, relation",
    "task2": "task 2, one sentence",
    "task3": "task 3, three sentences",
    "z1": "z1, task 1",
    "z2": "z2, task 2",
    "z3": "z3, task 3",
    "overall": "overall",
    "probes": "probes",
}

LABELS = {
    "accuracy": "accuracy",
    "accuracy_lenient": "accuracy, any that holds",
    "f1_micro": "F1, micro average",
    "f1_macro": "F1, macro average",
    "f1_weighted": "F1, weighted average",
    "calibration_error": "calibration error ↓",
    "brier": "Brier score ↓",
    "log_loss": "log loss in nats ↓",
    "bleu4_best": "BLEU-4, best reference",
    "bleu4_corpus": "BLEU-4, corpus",
    "rouge_l": "ROUGE-L",
    "cider": "CIDEr (0-1000)",
    "relation_accuracy": "states the relation",
    "consistency": "states task 1's answer",
    "spice_best": "SPICE, best reference",
    "spice_corpus": "SPICE, all references",
    "mbleu4": "mBLEU-4 ↓",
    "bleu4_pairs.1-2": "BLEU-4, sentences 1, 2 ↓",
    "bleu4_pairs.1-3": "BLEU-4, sentences 1, 3 ↓",
    "bleu4_pairs.2-3": "BLEU-4, sentences 2, 3 ↓",
    "well_formed": "three that differ",
    "swap.consistency": "swapped: the converse",
    "swap.accuracy": "swapped: accuracy",
    "swap.accuracy_lenient": "swapped: any that holds",
    "swap.relation_accuracy": "swapped: states the relation",
    "mirror.consistency": "mirrored: as it must be",
    "mirror.left_right": "mirrored: left and right turn",
    "mirror.rest": "mirrored: the rest stays",
    "mirror.accuracy": "mirrored: accuracy",
    "mirror.accuracy_lenient": "mirrored: any that holds",
    "mirror.relation_accuracy": "mirrored: states the relation",
    "blank.accuracy": "blank: accuracy",
    "blank.accuracy_lenient": "blank: any that holds",
    "blank.same": "blank: the same answer",
    "blank.relation_accuracy": "blank: states the relation",
    "blank.lost": "blank: accuracy lost",
}


SHORT = {"next to": "next", "in front of": "front", "to the left of": "left", "to the right of": "right"}
"""Headings of the confusion matrix, so that it fits 80 columns; the paper writes the relations likewise."""


def print_scores(scores: Mapping[str, Any], *, title: str, other: str = "", confusion: bool = False) -> None:
    """Prints the figures by task, the relations, a comparison, on request the confusion matrix, and the notes.

    Args:
        scores: what `evaluate` returned.
        title: what was scored.
        other: what it was compared with.
        confusion: print the confusion matrix.
    """
    console = Console(soft_wrap=True, highlight=False)
    head = f"{title}: {scores['items']:,} items, {scores['triples']:,} triples, {scores['references']} references"
    if "spice" in scores:
        head += f", {scores['spice']['name']}"
    console.print(head, markup=False)
    console.print(_figures(scores))
    console.print(_relations(scores["task1"]["by_relation"]))
    if confusion:
        console.print(_confusion(scores["task1"]["confusion"]))
    if "comparison" in scores:
        console.print(f"{title} less {other}, paired by items", markup=False)
        console.print(_comparison(scores))
    for note in scores["notes"]:
        console.print(f"note: {note}", markup=False)


def _table(first: str, *columns: str) -> Table:
    table = Table(Column(first, no_wrap=True))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _figures(scores: Mapping[str, Any]) -> Table:
    intervals = scores.get("intervals")
    if not intervals:
        return _sections(scores, _table("scores (0-100)", ""), lambda name, value: [_number(value)])
    return _sections(
        scores,
        _table("scores (0-100)", "", f"{intervals['level']} % interval"),
        lambda name, value: [_number(value), _range(intervals["figures"].get(name, ()), "{:.2f}")],
    )


def _comparison(scores: Mapping[str, Any]) -> Table:
    comparison = scores["comparison"]
    figures = comparison["figures"]
    resampled = [f"{comparison['level']} % interval", "above 0"] if "level" in comparison else []

    def cells(name: str, value: float) -> list[str] | None:
        if name not in figures:
            return None
        figure = figures[name]
        row = [_number(figure["other"]), f"{figure['difference']:+.2f}"]
        if resampled:
            above = f"{100 * figure['above_zero']:.1f} %" if "above_zero" in figure else ""
            row += [_range(figure.get("interval", ()), "{:+.2f}"), above]
        return row

    return _sections(scores, _table("difference", "other", "", *resampled), cells)


def _sections(
    scores: Mapping[str, Any], table: Table, cells: Callable[[str, float], list[str] | None]
) -> Table:
    """Fills a table with a row a figure, under a heading a task; None from `cells` leaves the figure out."""
    for section, heading in SECTIONS.items():
        if section not in scores:
            continue
        table.add_section()
        table.add_row(heading, style="bold")
        for name, value in _leaves(scores[section]):
            row = cells(f"{section}.{name}", value)
            if row is not None:
                table.add_row(f"  {LABELS.get(name, name)}", *row)
    return table


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The figures of a section in their order; tables and counts are no figures."""
    for name, value in tree.items():
        if name in ("by_relation", "confusion", "calibration"):
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _number(value: float) -> str:
    return f"{value:.2f}"


def _range(interval: Sequence[float], form: str) -> str:
    return " .. ".join(form.format(edge) for edge in interval)


def _relations(rows: Mapping[str, Mapping[str, float]]) -> Table:
    table = _table("relation", "precision", "recall", "F1", "triples", "answers")
    for name, row in rows.items():
        shares = (_number(row[key]) for key in ("precision", "recall", "f1"))
        table.add_row(name, *shares, f"{row['support']:,}", f"{row['predicted']:,}")
    return table


def _confusion(confusion: Mapping[str, Any]) -> Table:
    answers = [SHORT.get(name, name) for name in confusion["predicted"]]
    table = _table("gold \\ answer", *answers)
    table.box, table.padding = SIMPLE_HEAD, (0, 0, 0, 1)
    for name, counts in zip(confusion["gold"], confusion["counts"], strict=True):
        right = confusion["predicted"].index(name)
        cells = [f"[bold]{n}[/bold]" if k == right else f"{n}" if n else "" for k, n in enumerate(counts)]
        table.add_row(name, *cells)
    return table
