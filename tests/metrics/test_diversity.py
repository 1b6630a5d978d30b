"""Diversity of the three sentences of an answer, against hand calculation."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.errors import UsageError
from llava_vsd.metrics.bleu import sentence_bleu
from llava_vsd.metrics.diversity import bleu4_pairs, mbleu4, self_bleu4

THREE = ["a b c d", "a b c d e", "v w x y z"]
# The first against the second: every n-gram is right, one word short. Back: 4/5, 3/4, 2/3, 1/2 right.
THERE = 100 * math.exp(1 - 5 / 4)
BACK = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)

sentences = st.lists(st.sampled_from(["a", "b", "c"]), max_size=7).map(" ".join)


def test_one_item_by_hand() -> None:
    # the first has references of 5 and 5 words, the second of 4 and 5, the third shares nothing
    assert self_bleu4(THREE) == pytest.approx((THERE + BACK + 0) / 3, rel=1e-6)


def test_mbleu4_is_the_mean_over_items() -> None:
    assert mbleu4([THREE, ["a b c d"] * 3]) == pytest.approx(((THERE + BACK) / 3 + 100) / 2, rel=1e-6)


def test_pairs_are_means_of_both_directions() -> None:
    pairs = bleu4_pairs([THREE])
    assert list(pairs) == ["1-2", "1-3", "2-3"]
    assert pairs["1-2"] == pytest.approx((THERE + BACK) / 2, rel=1e-6)
    assert pairs["1-3"] == pytest.approx(0, abs=1e-6)
    assert pairs["2-3"] == pytest.approx(0, abs=1e-6)


@given(st.lists(st.tuples(sentences, sentences, sentences), min_size=1, max_size=4))
def test_pairs_are_sentence_scores_averaged(items: list[tuple[str, str, str]]) -> None:
    pairs = bleu4_pairs(items)
    for first, second in [(0, 1), (0, 2), (1, 2)]:
        both = [
            sentence_bleu(item[first], [item[second]])[-1] + sentence_bleu(item[second], [item[first]])[-1]
            for item in items
        ]
        assert pairs[f"{first + 1}-{second + 1}"] == pytest.approx(50 * sum(both) / len(items), abs=1e-9)


@given(st.permutations(THREE))
def test_the_order_of_sentences_does_not_matter_to_mbleu4(order: list[str]) -> None:
    assert self_bleu4(order) == pytest.approx(self_bleu4(THREE), rel=1e-12)


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="has 1 sentences"):
        mbleu4([["a"]])
    with pytest.raises(UsageError, match="no items"):
        mbleu4([])
    with pytest.raises(UsageError, match="no items"):
        bleu4_pairs([])
    with pytest.raises(UsageError, match="item 2 has 2 sentences, the first has 3"):
        bleu4_pairs([THREE, THREE[:2]])
