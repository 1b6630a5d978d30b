"""What refining the third sentence bought: the paper's table 4 (LLaVA-VSD, ACM MM 2024), and what it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llava_vsd import __version__
from llava_vsd.errors import MismatchError
from llava_vsd.evaluate import RESAMPLES, References, evaluate
from llava_vsd.matching import matched
from llava_vsd.metrics.figures import SpiceScorer
from llava_vsd.metrics.relation import states_relation
from llava_vsd.refine.guard import claim, fault
from llava_vsd.schema import SENTENCES, Item, Prediction

WITHOUT = "without"
"""The column of the predictions as they were."""

_COMPARED = (
    "task3.mbleu4",
    "task3.spice_best",
    "task3.spice_corpus",
    "task3.relation_accuracy",
    "z3.best",
    "z3.corpus",
)


@dataclass(frozen=True)
class Variant:
    """One way of refining.

    Attributes:
        rows: a refined prediction an item, in any order.
        seconds: how long it took, where it was measured.
        recalled: percent of the text model's answers that a cache of an earlier run gave, and so took no time.
    """

    rows: Sequence[Prediction]
    seconds: float | None = None
    recalled: float = 0.0


def ablate(
    items: Sequence[Item],
    predictions: Iterable[Prediction],
    variants: Mapping[str, Variant],
    *,
    references: References = "v1",
    spice: SpiceScorer | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores task 3 of predictions as they were, and refined in each way.

    Args:
        items: what was asked.
        predictions: one an item, not refined.
        variants: the same predictions refined, by the name of the way.
        references, spice, resamples, seed: as in `evaluate`.

    Returns:
        `columns`, by name, with `without` first: mBLEU-4, BLEU-4 of each pair of sentences, SPICE, z3, relation
        accuracy (0-100) of all sentences and of each; for the refined ones also `outcomes` (percent of the rows),
        `refused` (percent whose third sentence the guard refuses, by kind of fault), `tries` (mean), `seconds`
        with the percentage of answers that were `recalled` and took none, and `differences` to `without`, paired by
        items, with intervals.

    Raises:
        MismatchError: rows do not fit the items, or those of a variant are not refined.
        UsageError, VsdError: as in `evaluate`.
    """
    before = [one for one in matched(items, predictions) if one]
    columns = {WITHOUT: _scored(items, before, None, references, spice, 0, seed)}
    for name, variant in variants.items():
        rows = [one for one in matched(items, variant.rows, what=name) if one]
        column = _scored(items, rows, before, references, spice, resamples, seed)
        columns[name] = column | _fates(name, items, rows)
        if variant.seconds is not None:
            columns[name] |= {"seconds": variant.seconds, "recalled": variant.recalled}
    found: dict[str, Any] = {"version": __version__, "items": len(items), "references": references}
    if spice:
        found["spice"] = {"name": spice.name, "version": spice.version}
    return found | {"columns": columns}


def _scored(
    items: Sequence[Item],
    rows: Sequence[Prediction],
    before: Sequence[Prediction] | None,
    references: References,
    spice: SpiceScorer | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    scores = evaluate(
        items, rows, references=references, spice=spice, resamples=resamples, seed=seed, compare=before
    )
    column: dict[str, Any] = dict(scores["task3"])
    column |= {"z3": scores["z3"]} if "z3" in scores else {}
    stated = [
        [_states(item, text) for text in row.descriptions] for item, row in zip(items, rows, strict=True)
    ]
    column["relation_accuracy_of"] = [
        100 * sum(own[place] for own in stated if place < len(own)) / len(items) for place in range(SENTENCES)
    ]
    if before is not None:
        compared = scores["comparison"]["figures"]
        column["differences"] = {name: compared[name] for name in _COMPARED if name in compared}
    return column


def _states(item: Item, text: str) -> bool:
    return states_relation(text, item.pair.subject, item.pair.object, item.pair.relation)


def _fates(name: str, items: Sequence[Item], rows: Sequence[Prediction]) -> dict[str, Any]:
    """What became of the rows."""
    outcomes: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    tries = 0
    for item, row in zip(items, rows, strict=True):
        if row.refinement is None:
            raise MismatchError(
                f"{name}: prediction {row.id}: refinement: none, expected refined predictions"
            )
        outcomes[row.refinement.outcome] += 1
        tries += row.refinement.tries
        if row.refinement.outcome == "rules":
            rules[row.refinement.reason.rpartition("rule: ")[2]] += 1
        *others, third = row.descriptions if len(row.descriptions) == SENTENCES else ["", "", ""]
        said = claim(others[-1], row.relations[item.asked])
        problem = fault(third, others[-1], others, said) if said else "relation: there is none"
        if problem:
            refused[problem.partition(":")[0]] += 1
    return {
        "outcomes": _shares(outcomes, len(rows)),
        "rules": _shares(rules, len(rows)),
        "refused": _shares(refused, len(rows)),
        "tries": tries / len(rows),
    }


def _shares(counts: Counter[str], total: int) -> dict[str, float]:
    return {name: 100 * count / total for name, count in counts.most_common()}
