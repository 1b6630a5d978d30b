"""CIDEr-D against pycocoevalcap's figures and hand calculation."""

from __future__ import annotations

import math
from typing import Any

import pytest

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.metrics.cider import corpus_cider, item_cider

OTHER = ("v w x y z", ["v w x y z"])  # a second item, so that words are rare


def first_score(candidate: str, references: list[str]) -> float:
    return item_cider([candidate, OTHER[0]], [references, OTHER[1]])[0]


def test_whole_sets_equal_the_original(tokenized: Any) -> None:
    found = corpus_cider(tokenized.candidates, tokenized.references)
    assert found == pytest.approx(tokenized.corpus["CIDEr"], abs=1e-9)


def test_equal_sentences_score_ten_and_unlike_ones_zero() -> None:
    assert first_score("a b c d", ["a b c d"]) == pytest.approx(10)
    assert first_score("a b c", ["a b c"]) == pytest.approx(7.5)  # has no 4-gram
    assert first_score("a b c d", ["e f g h"]) == 0
    assert first_score("", ["a"]) == 0


def test_a_shorter_candidate_by_hand() -> None:
    # words: 2 of weight w against 3; bigrams: 1 against 2; one bigram apart
    by_hand = 10 / 4 * (2 / math.sqrt(6) + 1 / math.sqrt(2)) * math.exp(-1 / 72)
    assert first_score("a b", ["a b c"]) == pytest.approx(by_hand)


def test_a_repeated_word_is_clipped() -> None:
    # words: min(2w, w) * w / (2w * w) = 1/2; the bigram `a a` is nowhere else; one bigram apart
    assert first_score("a a", ["a"]) == pytest.approx(10 / 4 * 0.5 * math.exp(-1 / 72))


def test_references_are_averaged() -> None:
    assert first_score("a b c d", ["a b c d", "e f g h"]) == pytest.approx(5)


def test_words_of_every_item_weigh_nothing() -> None:
    assert item_cider(["a b", "a b"], [["a b"], ["a b"]]) == [0, 0]
    assert item_cider(["a b"], [["a b"]]) == [0]


def test_the_corpus_score_is_the_mean() -> None:
    candidates, references = ["a b c d", OTHER[0], "q"], [["a b c"], OTHER[1], ["r"]]
    scores = item_cider(candidates, references)
    assert corpus_cider(candidates, references) == pytest.approx(sum(scores) / 3)


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="no references"):
        item_cider(["a"], [[]])
    with pytest.raises(UsageError, match="no items"):
        corpus_cider([], [])
    with pytest.raises(MismatchError, match="1 candidates but 2"):
        item_cider(["a"], [["a"], ["b"]])
