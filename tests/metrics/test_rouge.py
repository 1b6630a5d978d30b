"""ROUGE-L against pycocoevalcap's figures, a textbook algorithm and hand calculation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.metrics.rouge import common_subsequence, corpus_rouge_l, sentence_rouge_l

words = st.lists(st.sampled_from("abcd"), max_size=12)


def by_table(first: list[str], second: list[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        before = row
        row = [0]
        for place, other in enumerate(second):
            row.append(before[place] + 1 if word == other else max(row[place], before[place + 1]))
    return row[-1]


@given(words, words)
def test_common_subsequence_as_the_textbook_finds_it(first: list[str], second: list[str]) -> None:
    assert common_subsequence(first, second) == by_table(first, second)


def test_whole_sets_equal_the_original(tokenized: Any) -> None:
    found = corpus_rouge_l(tokenized.candidates, tokenized.references)
    assert found == pytest.approx(tokenized.corpus["ROUGE_L"], abs=1e-9)


def test_best_precision_and_best_recall_may_come_from_different_references() -> None:
    # common: 3 of 4 words of the candidate in the long one, 2 of 2 words of the short one
    score = sentence_rouge_l("a b c d", ["a b c x y z", "a d"])
    assert score == pytest.approx(2.44 * 0.75 * 1 / (1 + 1.44 * 0.75), abs=1e-12)


def test_ends_of_the_scale() -> None:
    assert sentence_rouge_l("a b c", ["a b c"]) == pytest.approx(1)
    assert sentence_rouge_l("a b c", ["x y"]) == 0
    assert sentence_rouge_l("", ["x y"]) == 0
    assert corpus_rouge_l(["a", "a"], [["a"], ["b"]]) == pytest.approx(0.5)


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="no references"):
        sentence_rouge_l("a", [])
    with pytest.raises(UsageError, match="no items"):
        corpus_rouge_l([], [])
    with pytest.raises(MismatchError, match="1 candidates but 2"):
        corpus_rouge_l(["a"], [["a"], ["b"]])
