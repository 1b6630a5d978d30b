"""The ablation as a table on the screen; its JSON holds more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from llava_vsd.cli.scores import LABELS

_FIGURES = (
    "mbleu4",
    "bleu4_pairs.1-2",
    "bleu4_pairs.1-3",
    "bleu4_pairs.2-3",
    "spice_best",
    "spice_corpus",
    "z3.best",
    "z3.corpus",
    "relation_accuracy",
)
_NAMES = {**LABELS, "z3.best": "z3, best reference", "z3.corpus": "z3, corpus"}
_OUTCOMES = {"model": "by the text model, %", "rules": "by rules, %", "kept": "kept as it was, %"}
_DIFFERENCES = {
    "task3.mbleu4": "mBLEU-4",
    "z3.best": "z3, best reference",
    "z3.corpus": "z3, corpus",
    "task3.relation_accuracy": "states the relation",
}


def print_ablation(found: Mapping[str, Any], *, title: str) -> None:
    """Prints a column for each way of refining, and the differences to the predictions as they were."""
    console = Console(soft_wrap=True, highlight=False)
    head = f"{title}: task 3 of {found['items']:,} items, {found['references']} references"
    console.print(head + (f", {found['spice']['name']}" if "spice" in found else ""), markup=False)
    columns = found["columns"]
    table = Table(Column("", no_wrap=True))
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for label, cell in _rows():
        cells = [cell(column) for column in columns.values()]
        if any(cells):
            table.add_row(label, *cells)
    console.print(table)
    if any(column.get("recalled") for column in columns.values()):
        console.print(
            "seconds leave out what the answers from --cache took when they were made", markup=False
        )
    for name, column in columns.items():
        for figure, label in _DIFFERENCES.items():
            difference = column.get("differences", {}).get(figure)
            if difference:
                interval = " .. ".join(f"{edge:+.2f}" for edge in difference.get("interval", ()))
                note = f" ({interval})" if interval else ""
                console.print(f"{name}: {label} {difference['difference']:+.2f}{note}", markup=False)


def _rows() -> Iterator[tuple[str, Callable[[Mapping[str, Any]], str]]]:
    for figure in _FIGURES:
        yield _NAMES[figure], lambda column, path=figure: _number(column, *path.split("."))  # type: ignore[misc]
    for place in range(3):
        yield f"  sentence {place + 1}", lambda column, at=place: f"{column['relation_accuracy_of'][at]:.2f}"  # type: ignore[misc]
    for outcome, label in _OUTCOMES.items():
        yield label, lambda column, key=outcome: _share(column, key)  # type: ignore[misc]
    yield "the guard would refuse, %", _refused
    yield "tries", lambda column: _number(column, "tries")
    yield (
        "answers from --cache, %",
        lambda column: f"{column['recalled']:.1f}" if column.get("recalled") else "",
    )
    yield "seconds", lambda column: f"{column['seconds']:.0f}" if "seconds" in column else ""


def _number(column: Mapping[str, Any], *path: str) -> str:
    found: Any = column
    for name in path:
        if name not in found:
            return ""
        found = found[name]
    return f"{found:.4f}" if "bleu4" in path[0] else f"{found:.2f}"


def _share(column: Mapping[str, Any], outcome: str) -> str:
    return f"{column['outcomes'].get(outcome, 0):.1f}" if "outcomes" in column else ""


def _refused(column: Mapping[str, Any]) -> str:
    return f"{sum(column['refused'].values()):.1f}" if "refused" in column else ""
