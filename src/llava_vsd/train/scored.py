"""The scores section of a model card, filled in after training from what `vsd evaluate -o` wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llava_vsd.errors import FileError
from llava_vsd.jsonl import replacing

HEADING = "## Scores"
UNSCORED = "None yet: `vsd predict` and `vsd evaluate -o scores.json` make them, `vsd card` puts them here."

_SECTION = re.compile(rf"^{HEADING}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_GROUPS = {"overall": "overall", "z1": "z1, task 1", "z2": "z2, task 2", "z3": "z3, task 3"}
_FIGURES = {
    "task1.accuracy": "relation accuracy, task 1",
    "task2.relation_accuracy": "sentences that state the relation, task 2",
    "task3.relation_accuracy": "sentences that state the relation, task 3",
}


def add_scores(folder: Path, files: Sequence[Path]) -> Path:
    """Writes the scores of one or several evaluations into the card of a result, in place of those that are there.

    Args:
        folder: of the result, with the README.md that training wrote.
        files: scores.json of `vsd evaluate`, a column each.

    Returns:
        the card.

    Raises:
        FileError: there is no card, or none with a scores section; a file is no scores.json.
    """
    path = folder / "README.md"
    text = _text(path)
    section = f"{HEADING}\n\n{_table({str(file): _scores(file) for file in files})}\n\n"
    changed, found = _SECTION.subn(lambda _: section, text, count=1)
    if not found:
        raise FileError(path, f"has no section {HEADING!r}; expected a model card that vsd train wrote")
    with replacing(path) as writing:
        writing.write(changed)
    return path


def _scores(file: Path) -> Mapping[str, Any]:
    try:
        scores = json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise FileError(file, f"line {error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(scores, dict) or not {"items", "references", "task1"} <= scores.keys():
        raise FileError(file, "no scores; expected the file that vsd evaluate -o writes")
    return scores


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}") from None


def _table(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Figures down, evaluations across; a figure that one of them lacks is a dash there."""
    evaluations = list(columns.values())
    rows = {
        "items": [f"{scores['items']:,}" for scores in evaluations],
        "references": [str(scores["references"]) for scores in evaluations],
        "answers missing": [f"{scores.get('missing', 0):,}" for scores in evaluations],
        "SPICE": [" ".join(map(str, scores.get("spice", {"": "-"}).values())) for scores in evaluations],
    }
    for place, label in _figures(evaluations).items():
        rows[label] = [_cell(scores, place) for scores in evaluations]
    return "\n".join(
        [
            f"| 0-100, with 95 % intervals | {' | '.join(columns)} |",
            f"|---|{'---|' * len(columns)}",
            *(f"| {label} | {' | '.join(cells)} |" for label, cells in rows.items()),
        ]
    )


def _figures(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each row tells, by the figure's place in scores.json."""
    found = {
        f"{group}.{name}": f"{label}: {name}"
        for group, label in _GROUPS.items()
        for scores in evaluations
        for name in scores.get(group, {})
    }
    return found | _FIGURES


def _cell(scores: Mapping[str, Any], place: str) -> str:
    group, _, name = place.partition(".")
    value = scores.get(group, {}).get(name)
    if value is None:
        return "-"
    interval = scores.get("intervals", {}).get("figures", {}).get(place)
    return f"{value:.2f}" + (f" ({interval[0]:.2f}-{interval[1]:.2f})" if interval else "")
