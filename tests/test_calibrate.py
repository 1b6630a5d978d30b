"""Calibration of predictions: what is fitted, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from llava_vsd.calibrate import fit
from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction, RelationAnswer, Triple

BOX = (0, 1, 0, 1)


def rows(count: int, **settings: Any) -> tuple[list[Item], list[Prediction]]:
    """A model that is right in half of its answers and says 0.9 each time, the rest shared evenly."""
    items, said = [], []
    for number in range(count):
        gold = RELATIONS[number % 9] if number % 2 else RELATIONS[(number + 1) % 9]
        triple = Triple(subject="a", object="b", relation=gold, subject_box=BOX, object_box=BOX)
        items.append(Item(id=str(number), image="1", triples=[triple]))
        given = RELATIONS[number % 9]
        scores = {name: 0.9 if name == given else 0.0125 for name in RELATIONS}
        answer = RelationAnswer(subject="a", object="b", relation=given, scores=scores)
        said.append(
            Prediction(
                id=str(number),
                image="1",
                model="m",
                relations=[answer],
                description="",
                descriptions=[],
                settings=settings,
            )
        )
    return items, said


def test_half_right_at_nine_tenths_is_made_half_sure() -> None:
    """The odds of the answer against one of the others, 72, must become 8 (1/2 against 1/16): T = ln 72 / ln 8."""
    found = fit(*rows(36))
    assert found["temperature"] == pytest.approx(np.log(72) / np.log(8), rel=1e-4)
    assert found["ece"] == {"before": pytest.approx(0.4), "after": pytest.approx(0, abs=1e-4)}
    assert found["log_loss"]["after"] == pytest.approx((np.log(2) + np.log(16)) / 2, rel=1e-6)
    assert found["triples"] == 36


def test_what_cannot_be_calibrated_is_refused() -> None:
    items, said = rows(2)
    with pytest.raises(MismatchError, match="no prediction for 1"):
        fit(items, said[:1])
    with pytest.raises(UsageError, match=r"0: made at temperature 1\.5; expected predictions made at 1"):
        fit(*rows(2, temperature=1.5))
    said[1].relations[0].scores = {}
    with pytest.raises(UsageError, match=r"1: relations\[0\] has no scores"):
        fit(items, said)
