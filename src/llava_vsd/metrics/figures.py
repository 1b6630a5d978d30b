"""Every score of the three tasks, as what each item adds to it: from this come the figures and their intervals.

docs/scores.md defines them; their names are the paths in `scores.json`. Figures are on the scale 0-100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import UsageError, VsdError
from llava_vsd.metrics import bleu, calibration, classification
from llava_vsd.metrics.bootstrap import Figure, mean
from llava_vsd.metrics.cider import item_cider
from llava_vsd.metrics.diversity import bleu4_pairs, self_bleu4
from llava_vsd.metrics.relation import states_relation
from llava_vsd.metrics.rouge import sentence_rouge_l
from llava_vsd.relations import Relation
from llava_vsd.schema import SENTENCES, Item, Prediction

Array = NDArray[np.float64]

_ORDER = 4  # of BLEU


@dataclass(frozen=True)
class Answered:
    """An item and what was said about it.

    Attributes:
        prediction: None where there is none, which counts as empty.
        tokens: the tokenized sentence of task 2.
        three: the tokenized sentences of task 3, always three: what is missing is empty, what is too much is cut.
        references: tokenized; empty where the item has none of the chosen kind.
    """

    item: Item
    prediction: Prediction | None
    tokens: str
    three: tuple[str, ...]
    references: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether there are three sentences with a word in them."""
        return all(self.three)

    @property
    def well_formed(self) -> bool:
        """Whether there are exactly three sentences, each with a word in it, no two of them equal as tokens."""
        given = len(self.prediction.descriptions) if self.prediction else 0
        return given == SENTENCES and self.complete and len(set(self.three)) == SENTENCES


def classified(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Task 1: accuracy, F1 averages and, where the predictions carry scores, calibration; over triples.

    Where items list all that holds, the accuracy that accepts any of it too.
    """
    matrices = confusions(answers).reshape(len(answers), -1)

    def figure(score: classification.Average | None) -> Figure:
        def of(sums: Array) -> Array:
            matrix = sums.reshape(*sums.shape[:-1], classification.NO_ANSWER, classification.NO_ANSWER + 1)
            return 100 * (classification.f1(matrix, score) if score else classification.accuracy(matrix))

        return Figure(matrices, of)

    found = {"task1.accuracy": figure(None)} | _lenient(answers)
    found |= {f"task1.f1_{average}": figure(average) for average in classification.AVERAGES}
    return found | _calibrated(answers)


def _lenient(answers: Sequence[Answered]) -> dict[str, Figure]:
    right, triples = np.zeros((2, len(answers)))
    for place, answer in enumerate(answers):
        if answer.item.holds is None:
            continue
        triples[place] = len(answer.item.triples)
        said = answer.prediction.relations if answer.prediction else []
        for one, triple in zip(said, answer.item.triples, strict=False):
            true = answer.item.held(triple.subject, triple.object) | {triple.relation}
            right[place] += one.relation in true
    return {"task1.accuracy_lenient": mean(right, over=triples, scale=100)} if triples.any() else {}


def confusions(answers: Sequence[Answered]) -> Array:
    """The confusion matrix of each item, shape [items, 9, 10]."""
    places: list[int] = []
    gold: list[Relation] = []
    given: list[Relation | None] = []
    for place, answer in enumerate(answers):
        said = answer.prediction.relations if answer.prediction else []
        places += [place] * len(answer.item.triples)
        gold += [triple.relation for triple in answer.item.triples]
        given += [one.relation for one in said] or [None] * len(answer.item.triples)
    return classification.confusion(gold, given, item=places, items=len(answers))


def scored_triples(answers: Sequence[Answered]) -> int:
    """How many triples have a relation that came with scores."""
    return sum(bool(said.scores) for one in answers if one.prediction for said in one.prediction.relations)


def _calibrated(answers: Sequence[Answered]) -> dict[str, Figure]:
    places, gold, given, confidence, correct = [], [], [], [], []
    for place, answer in enumerate(answers):
        if answer.prediction is None:
            continue
        for number, said in enumerate(answer.prediction.relations):
            if not said.scores:
                continue
            try:
                given.append(calibration.probabilities(said.scores))
            except UsageError as error:
                raise VsdError(f"prediction {answer.item.id}: relations[{number}].{error}") from None
            places.append(place)
            gold.append(answer.item.triples[number].relation)
            confidence.append(said.scores.get(said.relation, 0.0) if said.relation else 0.0)
            correct.append(float(said.relation == gold[-1]))
    if not given:
        return {}
    table = np.array(given)
    bins = calibration.binned(np.array(confidence), np.array(correct)).reshape(len(given), -1)
    losses = np.stack([calibration.brier(table, gold), calibration.log_loss(table, gold)], axis=1)
    sums = np.zeros((len(answers), bins.shape[1] + losses.shape[1] + 1))
    np.add.at(sums, np.array(places), np.concatenate([bins, losses, np.ones((len(given), 1))], axis=1))

    def error_of(bin_sums: Array) -> Array:
        cells = bin_sums.reshape(*bin_sums.shape[:-1], calibration.BINS, 3)
        return 100 * calibration.expected_calibration_error(cells)

    return {
        "task1.calibration_error": Figure(sums[:, :-3], error_of),
        "task1.brier": mean(sums[:, -3], over=sums[:, -1], scale=100),
        "task1.log_loss": mean(sums[:, -2], over=sums[:, -1]),
    }


def described(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Task 2 without SPICE; over items, those without references left out of all but the relation accuracy."""
    referenced = _referenced(answers)
    with_references = [answer for answer in answers if answer.references]
    candidates = [answer.tokens for answer in with_references]
    references = [answer.references for answer in with_references]

    def spread(scores: Sequence[float]) -> Array:
        whole = np.zeros(len(answers))
        whole[referenced > 0] = scores
        return whole

    best = [
        max(bleu.sentence_bleu(candidate, [one])[-1] for one in theirs)
        for candidate, theirs in zip(candidates, references, strict=True)
    ]
    rouge_l = [sentence_rouge_l(one, theirs) for one, theirs in zip(candidates, references, strict=True)]
    stated = [
        _states(answer.item, answer.prediction.description if answer.prediction else "") for answer in answers
    ]
    return {
        "task2.bleu4_best": mean(spread(best), over=referenced, scale=100),
        "task2.bleu4_corpus": _corpus_bleu4(answers),
        "task2.rouge_l": mean(spread(rouge_l), over=referenced, scale=100),
        "task2.cider": mean(spread(item_cider(candidates, references)), over=referenced, scale=100),
        "task2.relation_accuracy": mean(np.array(stated), scale=100),
    } | _consistent(answers)


def _consistent(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Whether the sentence of task 2 states what task 1 answered, right or wrong."""
    stated, chosen = np.zeros((2, len(answers)))
    for place, answer in enumerate(answers):
        said = answer.prediction
        relation = said.relations[answer.item.asked].relation if said and said.relations else None
        if said and relation:
            pair = answer.item.pair
            chosen[place] = 1
            stated[place] = states_relation(said.description, pair.subject, pair.object, relation)
    return {"task2.consistency": mean(stated, over=chosen, scale=100)} if chosen.any() else {}


def _corpus_bleu4(answers: Sequence[Answered]) -> Figure:
    rows = np.zeros((len(answers), 2 + 2 * _ORDER))
    for row, answer in zip(rows, answers, strict=True):
        if answer.references:
            found = bleu.matches(answer.tokens, answer.references)
            guesses = [max(0, found.length - order) for order in range(_ORDER)]
            row[:] = [found.length, found.reference_length, *found.correct, *guesses]
    return Figure(rows, lambda sums: 100 * _pooled_bleu4(sums))


def _pooled_bleu4(sums: Array) -> Array:
    """`bleu.pooled_bleu` for stacks of sums: lengths, reference lengths, matches and guesses of orders 1-4."""
    ratio = (sums[..., 0] + bleu.TINY) / (sums[..., 1] + bleu.SMALL)
    penalty = np.exp(np.minimum(0, 1 - 1 / ratio))
    correct, guesses = sums[..., 2 : 2 + _ORDER], sums[..., 2 + _ORDER :]
    precision: Array = ((correct + bleu.TINY) / (guesses + bleu.SMALL)).prod(-1) ** (1 / _ORDER)
    return np.where(sums[..., 1] > 0, precision * penalty, np.nan)


def diversified(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Task 3 without SPICE; over items. Where a sentence is missing, nothing is diverse: mBLEU-4 counts as 100."""
    mutual, stated = [], []
    pairs: dict[str, list[float]] = {}
    for answer in answers:
        three = answer.three
        given = answer.prediction.descriptions[:SENTENCES] if answer.prediction else []
        stated.append(sum(_states(answer.item, text) for text in given) / SENTENCES)
        mutual.append(self_bleu4(three) if answer.complete else 100.0)
        for name, score in bleu4_pairs([three]).items():
            pairs.setdefault(name, []).append(score if answer.complete else 100.0)
    found = {"task3.mbleu4": mean(np.array(mutual))}
    found |= {f"task3.bleu4_pairs.{name}": mean(np.array(scores)) for name, scores in pairs.items()}
    found["task3.relation_accuracy"] = mean(np.array(stated), scale=100)
    found["task3.well_formed"] = mean(np.array([float(one.well_formed) for one in answers]), scale=100)
    return found


def _states(item: Item, text: str) -> float:
    pair = item.pair
    return float(states_relation(text, pair.subject, pair.object, pair.relation))


class SpiceScorer(Protocol):
    """What computes SPICE."""

    @property
    def name(self) -> str:
        """With which grammar, e.g. `SPICE (original grammar)`."""
        ...

    @property
    def version(self) -> str:
        """Of the program."""
        ...

    def __call__(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> Sequence[float]:
        """The F-score, 0-1, of each (candidate, references), all of them tokenized; equal captions occur often."""
        ...


def spiced(answers: Sequence[Answered], spice: SpiceScorer) -> dict[str, Figure]:
    """SPICE of tasks 2 and 3, in one call; over the items with references. Of task 3, the mean of three sentences."""
    asked: list[tuple[str, Sequence[str]]] = []
    for answer in answers:
        for sentence in (answer.tokens, *answer.three) if answer.references else ():
            asked.append((sentence, answer.references))
            asked.extend((sentence, [reference]) for reference in answer.references)
    scores = iter(spice(asked))
    best, corpus = np.zeros((2, len(answers), 1 + SENTENCES))
    for row, answer in enumerate(answers):
        for column in range(1 + SENTENCES) if answer.references else ():
            corpus[row, column] = next(scores)
            best[row, column] = max(next(scores) for _ in answer.references)
    referenced = _referenced(answers)
    return {
        f"{task}.spice_{mode}": mean(table[:, part].mean(1), over=referenced, scale=100)
        for task, part in (("task2", slice(0, 1)), ("task3", slice(1, None)))
        for mode, table in (("best", best), ("corpus", corpus))
    }


def _referenced(answers: Sequence[Answered]) -> Array:
    return np.array([float(bool(answer.references)) for answer in answers])
