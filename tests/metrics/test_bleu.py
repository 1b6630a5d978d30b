"""BLEU against pycocoevalcap's figures and against numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.metrics.bleu import corpus_bleu, matches, pooled_bleu, sentence_bleu

sentences = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9).map(" ".join)


@pytest.mark.parametrize(
    ("candidate", "references", "expected"),
    [
        # printed by the original program
        ("a b c", ["a b c"], [0.999999999333, 0.99999999925, 0.999999999056, 0.031622776577]),
        ("", ["a"], [0, 0, 0, 0]),
        (
            "the cat is on the mat",
            ["there is a cat on the mat", "the cat sat on the mat"],
            [0.999999999667, 0.774596669, 0.531329284, 8.4089641e-05],
        ),
    ],
)
def test_scores_are_those_of_the_original(
    candidate: str, references: list[str], expected: list[float]
) -> None:
    assert sentence_bleu(candidate, references) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_whole_sets_equal_the_original(tokenized: Any) -> None:
    for item, candidate, theirs in zip(
        tokenized.ids, tokenized.candidates, tokenized.references, strict=True
    ):
        assert abs(sentence_bleu(candidate, theirs)[-1] - tokenized.bleu4[item]) < 1e-12, item
    expected = [tokenized.corpus[f"Bleu_{n}"] for n in (1, 2, 3, 4)]
    assert corpus_bleu(tokenized.candidates, tokenized.references) == pytest.approx(expected, abs=1e-12)


def test_of_two_equally_close_references_the_shorter_counts() -> None:
    assert matches("a b c d", ["a b c d e", "a b c"]).reference_length == 3
    assert sentence_bleu("a b c d", ["a b c d e", "a b c"]) == pytest.approx([1, 1, 1, 1], abs=1e-8)


def test_a_repeated_word_counts_as_often_as_one_reference_has_it() -> None:
    assert matches("a a a b", ["a a c", "b a"], n=2).correct == (3, 1)


def test_a_short_candidate_pays_the_brevity_penalty() -> None:
    # one of one word right, reference twice as long: exp(1 - 2/1)
    assert sentence_bleu("a", ["a b"], n=1) == pytest.approx([math.exp(-1)], rel=1e-6)


def test_a_corpus_sums_counts_before_it_divides() -> None:
    # 1 of 1 and 1 of 3 words right: 2/4, where the mean of the sentences would be 2/3
    assert corpus_bleu(["a", "a x y"], [["a"], ["a b c"]], n=1) == pytest.approx([0.5], rel=1e-6)


@given(st.lists(st.tuples(sentences, st.lists(sentences, min_size=1, max_size=3)), min_size=1, max_size=5))
def test_order_of_items_and_of_references_does_not_matter(items: list[tuple[str, list[str]]]) -> None:
    forward = corpus_bleu([one for one, _ in items], [theirs for _, theirs in items])
    counted = [matches(one, theirs[::-1]) for one, theirs in items[::-1]]
    assert pooled_bleu(counted) == pytest.approx(forward, rel=1e-12)
    assert all(0 <= score <= 1 for score in forward)


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="no references"):
        sentence_bleu("a", [])
    with pytest.raises(UsageError, match="n is 0"):
        sentence_bleu("a", ["a"], n=0)
    with pytest.raises(MismatchError, match="2 candidates but 1"):
        corpus_bleu(["a", "b"], [["a"]])
