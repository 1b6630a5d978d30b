"""What the answers under probes tell: do they change as the question did, and what is left without pixels?

docs/scores.md defines each figure. All on the scale 0-100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llava_vsd.metrics.bootstrap import Figure, mean
from llava_vsd.metrics.relation import states_relation
from llava_vsd.relations import Relation, converse, mirrored
from llava_vsd.schema import Item, Prediction, Probe, Triple

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Probed:
    """An item with its answer, and the answer under a probe; None where there is none.

    Attributes:
        changed: the item as it was asked under the probe.
    """

    item: Item
    changed: Item
    answer: Prediction | None
    probe: Prediction | None


@dataclass(frozen=True)
class _Triple:
    """What was said of one triple, as it is and under the probe, and what holds of it as it is.

    Attributes:
        held: all that holds of it under the probe, in the order that is then asked; None where nobody knows.
    """

    gold: Relation
    said: Relation | None
    then: Relation | None
    held: frozenset[Relation] | None


def figures(probe: Probe, answers: Sequence[Probed]) -> dict[str, Figure]:
    """The figures of one probe, by their paths in `scores.json`."""
    table = {"swap": _swapped, "mirror": _mirrored, "blank": _blanked}[probe]
    found: dict[str, Figure] = {}
    for name, judge in table.items():
        figure = _share(answers, judge)
        if figure is not None:
            found[f"probes.{probe}.{name}"] = figure
    found[f"probes.{probe}.relation_accuracy"] = mean(
        np.array([_states(one, probe) for one in answers]), scale=100
    )
    if probe == "blank":
        found["probes.blank.lost"] = _lost(answers)
    return found


Judge = Callable[[_Triple], bool | None]
"""Whether an answer under a probe is as it must be; None where nothing can be said of this triple."""


def _holds(one: _Triple) -> bool | None:
    """Whether any true answer was given; of a question without one, as a swapped `on`, nothing can be said."""
    return one.then in one.held if one.held else None


def _follows(then: Relation | None, expected: Relation | None) -> bool | None:
    return None if expected is None else then == expected


_swapped: Mapping[str, Judge] = {
    "consistency": lambda one: _follows(one.then, converse(one.said) if one.said else None),
    "accuracy": lambda one: _follows(one.then, converse(one.gold)),
    "accuracy_lenient": _holds,
}
_mirrored: Mapping[str, Judge] = {
    "consistency": lambda one: _follows(one.then, mirrored(one.said) if one.said else None),
    "left_right": lambda one: (
        _follows(one.then, mirrored(one.said)) if one.said and _turns(one.said) else None
    ),
    "rest": lambda one: _follows(one.then, one.said) if one.said and not _turns(one.said) else None,
    "accuracy": lambda one: _follows(one.then, mirrored(one.gold)),
    "accuracy_lenient": _holds,
}
_blanked: Mapping[str, Judge] = {
    "accuracy": lambda one: one.then == one.gold,
    "accuracy_lenient": _holds,
    "same": lambda one: _follows(one.then, one.said),
}


def _turns(relation: Relation) -> bool:
    return mirrored(relation) != relation


def _share(answers: Sequence[Probed], judge: Judge) -> Figure | None:
    """The share of triples for which `judge` says yes, of those of which it says anything; None if it never does."""
    verdicts = [[judge(triple) for triple in _triples(one)] for one in answers]
    yes = np.array([sum(verdict is True for verdict in own) for own in verdicts], dtype=np.float64)
    said = np.array([sum(verdict is not None for verdict in own) for own in verdicts], dtype=np.float64)
    return mean(yes, over=said, scale=100) if said.any() else None


def _lost(answers: Sequence[Probed]) -> Figure:
    """Accuracy with the picture less accuracy without it."""
    gained = [
        sum((triple.said == triple.gold) - (triple.then == triple.gold) for triple in _triples(one))
        for one in answers
    ]
    triples = [len(one.item.triples) for one in answers]
    return mean(np.array(gained, dtype=np.float64), over=np.array(triples, dtype=np.float64), scale=100)


def _triples(one: Probed) -> Iterator[_Triple]:
    """The triples of an item; where an answer is missing, nothing was said of them."""
    count = len(one.item.triples)
    said = [answer.relation for answer in one.answer.relations] if one.answer else []
    then = [answer.relation for answer in one.probe.relations] if one.probe else []
    nothing: list[Relation | None] = [None] * count
    for triple, changed, first, second in zip(
        one.item.triples, one.changed.triples, said or nothing, then or nothing, strict=True
    ):
        yield _Triple(triple.relation, first, second, _held(one.changed, changed))


def _held(item: Item, triple: Triple) -> frozenset[Relation] | None:
    if item.holds is None:
        return None
    listed = item.held(triple.subject, triple.object)
    meaningless = item.probe == "swap" and converse(triple.relation) is None
    return listed if meaningless else listed | {triple.relation}


def _states(one: Probed, probe: Probe) -> float:
    """Whether the sentence of task 2 states what holds under the probe; of swapped things, the same as before."""
    text = one.probe.description if one.probe else ""
    pair = one.item.pair if probe == "swap" else one.changed.pair
    return float(states_relation(text, pair.subject, pair.object, pair.relation))
