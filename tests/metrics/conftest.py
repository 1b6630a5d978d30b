"""What tests of caption scores share: pairs in pycocoevalcap's tokens, with its figures."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest


class Tokenized(NamedTuple):
    """A golden set: `corpus` figures by name, `bleu4` by id, and a candidate with its references for each of `ids`."""

    corpus: dict[str, float]
    bleu4: dict[str, float]
    ids: list[str]
    candidates: list[str]
    references: list[list[str]]


@pytest.fixture(scope="session", params=["val", "coco_a"])
def tokenized(request: pytest.FixtureRequest, reference: Any) -> Tokenized:
    golden = reference.json(f"oracle/cocoeval_{request.param}.json.gz")
    pairs = reference.json(f"oracle/pairs_{request.param}.json.gz")
    tokens = golden["tokens"]
    return Tokenized(
        golden["corpus"],
        golden["bleu4"],
        [item["image_id"] for item in pairs],
        [tokens[item["test"]] for item in pairs],
        [[tokens[text] for text in item["refs"]] for item in pairs],
    )
