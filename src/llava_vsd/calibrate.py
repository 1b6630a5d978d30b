"""The temperature of a model's scores, fitted on items whose relations are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llava_vsd.errors import UsageError
from llava_vsd.matching import matched
from llava_vsd.metrics.calibration import (
    Array,
    binned,
    expected_calibration_error,
    fitted_temperature,
    log_loss,
    probabilities,
    tempered,
)
from llava_vsd.relations import RELATIONS, Relation
from llava_vsd.schema import Item, Prediction


def fit(items: Sequence[Item], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """The temperature with the least log loss, and what it changes.

    Args:
        items: with their relations.
        predictions: one an item, with scores, made at temperature 1; answers under probes are passed over.

    Returns:
        `temperature`, the number of `triples`, and `log_loss` (nats) and `ece` (0-1) `before` and `after`.

    Raises:
        MismatchError: they do not belong together.
        UsageError: a relation without scores, or predictions made at another temperature.
    """
    found = [one for one in matched(items, predictions) if one is not None]
    for one in found:
        if one.settings.get("temperature", 1) != 1:
            raise UsageError(
                f"{one.id}: made at temperature {one.settings['temperature']}; expected predictions made at 1"
            )
        if missing := [place for place, answer in enumerate(one.relations) if not answer.scores]:
            raise UsageError(f"{one.id}: relations[{missing[0]}] has no scores; expected nine")
    if not found:
        raise UsageError("no predictions; expected one an item")
    given = np.array([probabilities(answer.scores) for one in found for answer in one.relations])
    gold = [triple.relation for item in items for triple in item.triples]
    temperature = fitted_temperature(given, gold)
    before, after = _figures(given, gold), _figures(tempered(given, temperature), gold)
    return {
        "temperature": temperature,
        "triples": len(gold),
        **{name: {"before": before[name], "after": after[name]} for name in before},
    }


def _figures(given: Array, gold: Sequence[Relation]) -> dict[str, float]:
    right = np.array([RELATIONS[place] for place in given.argmax(-1)]) == np.array(gold)
    sums = binned(given.max(-1), right.astype(np.float64)).sum(0)
    return {"log_loss": float(log_loss(given, gold).mean()), "ece": float(expected_calibration_error(sums))}
