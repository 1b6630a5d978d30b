"""Predictions to scores: every figure of the three tasks, the challenge's z's, intervals, and a paired comparison.

docs/scores.md says what each figure is; the names are those of `scores.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from llava_vsd import __version__
from llava_vsd.data.probes import PROBES, probed
from llava_vsd.errors import UsageError
from llava_vsd.matching import matched
from llava_vsd.metrics import bootstrap, calibration, challenge, classification, figures, probes, ptb
from llava_vsd.metrics.bootstrap import Array, Figure
from llava_vsd.metrics.figures import Answered, SpiceScorer
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import SENTENCES, Item, Prediction

References = Literal["v1", "v2", "both"]

RESAMPLES = 1000

_NEXT_LINE = "The"


def parse_references(text: str) -> References:
    """The kind of references that `text` names; UsageError if none."""
    for kind in get_args(References):
        if text == kind:
            return kind  # type: ignore[no-any-return]
    raise UsageError(f"references: {text!r}, expected one of {', '.join(get_args(References))}")


def evaluate(
    items: Iterable[Item],
    predictions: Iterable[Prediction],
    *,
    references: References = "v1",
    spice: SpiceScorer | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    compare: Iterable[Prediction] | None = None,
    allow_missing: bool = False,
) -> dict[str, Any]:
    """Scores predictions.

    Args:
        items: what was asked, with the gold relations and descriptions.
        predictions: one an item, in any order.
        references: which descriptions of the items count as gold.
        spice: computes SPICE; without it the figures that need it are absent.
        resamples: of the bootstrap intervals; 0 for none.
        seed: of the resamples.
        compare: predictions of another system for the same items.
        allow_missing: score items without a prediction as empty answers, instead of raising.

    Returns:
        the content of `scores.json`: a tree of figures (0-100), counts, tables and `notes` for the reader.

    Raises:
        MismatchError: predictions are missing, doubled, unknown or about something else; names ids and fields.
        UsageError: there is no item, or none has a reference of the chosen kind.
        VsdError: scores of a relation that are no probabilities; names id and field.
    """
    items, predictions = list(items), list(predictions)
    compare = None if compare is None else list(compare)
    references = parse_references(references)
    if not items:
        raise UsageError("there are no items, expected one or more")
    if resamples < 0:
        raise UsageError(f"intervals: {resamples} resamples, expected 0 or more")
    sides = [matched(items, predictions, allow_missing=allow_missing)]
    if compare is not None:
        sides.append(matched(items, compare, allow_missing=allow_missing, what="compare"))
    ours, *others = _tokenized(items, sides, references)
    found = _figures(ours, spice) | _probed(items, sides[0], predictions, allow_missing=allow_missing)
    points = _with_challenge(bootstrap.values(found))
    scores: dict[str, Any] = {
        "version": __version__,
        "items": len(items),
        "triples": sum(len(item.triples) for item in items),
        "references": references,
        "missing": sum(_is_missing(answer) for answer in ours),
        "without_references": sum(not answer.references for answer in ours),
    }
    _nest(scores, points)
    _add_tables(scores["task1"], ours)
    if spice:
        scores["spice"] = {"name": spice.name, "version": spice.version}
    drawn = _with_challenge(bootstrap.replicates(found, resamples, seed=seed)) if resamples else {}
    if resamples:
        scores["intervals"] = _drawing(resamples, seed) | {
            "figures": {
                name: bootstrap.interval(values) for name, values in drawn.items() if bootstrap.known(values)
            }
        }
    for other, side in zip(others, sides[1:], strict=True):
        theirs = _figures(other, spice)
        theirs |= _probed(items, side, compare or [], allow_missing=allow_missing, what="compare")
        scores["comparison"] = _drawing(resamples, seed) | {
            "missing": sum(_is_missing(answer) for answer in other),
            "figures": _compared(
                points,
                drawn,
                _with_challenge(bootstrap.values(theirs)),
                _with_challenge(bootstrap.replicates(theirs, resamples, seed=seed)) if resamples else {},
            ),
        }
    scores["notes"] = _notes(scores, ours, predictions)
    return scores


def _tokenized(
    items: Sequence[Item], sides: Sequence[Sequence[Prediction | None]], references: References
) -> list[list[Answered]]:
    """Each side's answers with all texts tokenized, every distinct text once.

    The tokenizer looks at what begins the next line to judge an initial before it ("Wii U."). So that no item's score
    depends on another, every text is followed by what most captions begin with.
    """
    gold = [_references(item, references) for item in items]
    if not any(gold):
        raise UsageError(
            f"references {references}: none of the {len(items)} items has a description of that kind"
        )
    texts: dict[str, str] = {text: "" for texts in gold for text in texts}
    for side in sides:
        for prediction in side:
            if prediction:
                texts |= dict.fromkeys((prediction.description, *_three(prediction)), "")
    lines = [line for text in texts for line in (text, _NEXT_LINE)]
    texts = dict(zip(texts, ptb.tokenize(lines)[::2], strict=True))
    return [
        [
            Answered(
                item=item,
                prediction=prediction,
                tokens=texts[prediction.description] if prediction else "",
                three=tuple(texts[text] for text in _three(prediction)) if prediction else ("",) * SENTENCES,
                references=[texts[text] for text in own],
            )
            for item, prediction, own in zip(items, side, gold, strict=True)
        ]
        for side in sides
    ]


def _references(item: Item, references: References) -> list[str]:
    v1 = item.descriptions_v1 if references != "v2" else []
    v2 = item.descriptions_v2 if references != "v1" else []
    return [text for text in (*v1, *(text for text in v2 if text not in v1)) if text.strip()]


def _three(prediction: Prediction) -> list[str]:
    return [*prediction.descriptions, *[""] * SENTENCES][:SENTENCES]


def _figures(answers: Sequence[Answered], spice: SpiceScorer | None) -> dict[str, Figure]:
    found = figures.classified(answers) | figures.described(answers) | figures.diversified(answers)
    return found | figures.spiced(answers, spice) if spice else found


def _probed(
    items: Sequence[Item],
    answers: Sequence[Prediction | None],
    rows: Sequence[Prediction],
    *,
    allow_missing: bool,
    what: str = "predictions",
) -> dict[str, Figure]:
    """The figures of all probes that occur among the rows; each must then be there for every item."""
    found: dict[str, Figure] = {}
    for probe in PROBES:
        if not any(row.probe == probe for row in rows):
            continue
        changed = [probed(item, probe) for item in items]
        told = matched(changed, rows, allow_missing=allow_missing, what=f"{what}, probe {probe}", probe=probe)
        found |= probes.figures(
            probe, [probes.Probed(*four) for four in zip(items, changed, answers, told, strict=True)]
        )
    return found


def _with_challenge(values: Mapping[str, challenge.Score]) -> dict[str, challenge.Score]:
    return {**values, **challenge.variants(values)}


def _compared(
    points: Mapping[str, float],
    drawn: Mapping[str, Array],
    other_points: Mapping[str, float],
    other_drawn: Mapping[str, Array],
) -> dict[str, dict[str, Any]]:
    """Differences, ours less theirs, of the figures that both have; paired, since both sides see the same resamples."""
    found: dict[str, dict[str, Any]] = {}
    for name in points.keys() & other_points.keys():
        found[name] = {"other": other_points[name], "difference": points[name] - other_points[name]}
        differences = drawn[name] - other_drawn[name] if drawn else np.empty(0)
        if bootstrap.known(differences):
            found[name]["interval"] = bootstrap.interval(differences)
            found[name]["above_zero"] = bootstrap.share_above_zero(differences)
    return {name: found[name] for name in points if name in found}


def _drawing(resamples: int, seed: int) -> dict[str, Any]:
    return {"level": bootstrap.LEVEL, "resamples": resamples, "seed": seed} if resamples else {}


def _nest(tree: dict[str, Any], flat: Mapping[str, float]) -> None:
    """Hangs `task2.bleu4_best` into the tree as tree["task2"]["bleu4_best"]."""
    for name, value in flat.items():
        *branches, leaf = name.split(".")
        branch = tree
        for part in branches:
            branch = branch.setdefault(part, {})
        branch[leaf] = value


def _add_tables(task1: dict[str, Any], answers: Sequence[Answered]) -> None:
    matrix = figures.confusions(answers).sum(0)
    task1["by_relation"] = {
        name: {key: value if key in _COUNTS else 100 * value for key, value in row.items()}
        for name, row in classification.relation_table(matrix).items()
    }
    task1["confusion"] = {
        "gold": list(RELATIONS),
        "predicted": [*RELATIONS, "none"],
        "counts": matrix.astype(int).tolist(),
    }
    scored = figures.scored_triples(answers)
    if scored:
        task1["calibration"] = {"bins": calibration.BINS, "triples": scored}


_COUNTS = ("support", "predicted")


def _is_missing(answer: Answered) -> bool:
    return answer.prediction is None or not answer.prediction.relations


def _notes(
    scores: Mapping[str, Any], answers: Sequence[Answered], predictions: Sequence[Prediction]
) -> list[str]:
    """What a reader of the figures has to know besides their definitions."""
    kind, missing, bare = scores["references"], scores["missing"], scores["without_references"]
    scored, triples = figures.scored_triples(answers), scores["triples"]
    unread = sum(
        said.relation is None for one in answers if one.prediction for said in one.prediction.relations
    )
    ill_formed = sum(not answer.well_formed for answer in answers)
    listed = sum(answer.item.holds is not None for answer in answers)
    makers = len({json.dumps([one.model, one.settings], sort_keys=True) for one in predictions})
    notes = {
        f"the predictions were made in {makers} ways: by other models, or with other settings": makers > 1,
        f"{missing} items without a prediction, or without relations in it, are scored as empty answers": missing,
        f"{unread} answers of task 1 name no relation: they count as wrong": unread,
        f"{bare} items have no {kind} reference: BLEU, ROUGE-L, CIDEr and SPICE are over the others": bare,
        f"{listed} of {len(answers)} items list what holds: the lenient figures are over these": (
            0 < listed < len(answers)
        ),
        f"{ill_formed} items lack three different sentences": ill_formed,
        "no relation came with scores: calibration error, Brier score and log loss are absent": not scored,
        f"{scored} of {triples} relations came with scores: calibration is over these": 0 < scored < triples,
        "SPICE was not computed: it, z2, z3 and overall are absent": "spice" not in scores,
    }
    return [note for note, holds in notes.items() if holds]
