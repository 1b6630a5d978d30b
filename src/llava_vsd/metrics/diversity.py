"""How alike the sentences of one answer are: mBLEU-4, and BLEU-4 of each pair of sentences.

The challenge (LLaVA-VSD, ACM MM 2024, section 3.2) asks for three diverse sentences and scores 50 -
mBLEU-4, but its code is published nowhere. Here mBLEU-4 is the mean over items of the mean BLEU-4 of each
sentence against all the others of its item. Both figures are on the scale 0-100, where 0 is most diverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from llava_vsd.errors import UsageError
from llava_vsd.metrics.bleu import Matches, matches, pooled_bleu, sentence_bleu


def self_bleu4(sentences: Sequence[str]) -> float:
    """Returns the mean BLEU-4 (0-100) of each tokenized sentence against all others of one item.

    Raises:
        UsageError: fewer than two sentences.
    """
    if len(sentences) < 2:
        raise UsageError(f"mBLEU-4: an item has {len(sentences)} sentences, expected two or more")
    others = [[*sentences[:place], *sentences[place + 1 :]] for place in range(len(sentences))]
    scores = [sentence_bleu(one, rest)[-1] for one, rest in zip(sentences, others, strict=True)]
    return 100 * sum(scores) / len(scores)


def mbleu4(items: Sequence[Sequence[str]]) -> float:
    """Returns the mean of `self_bleu4` over items, 0-100.

    Args:
        items: the tokenized sentences of each item (see `ptb.tokenize`).

    Raises:
        UsageError: no items, or an item with fewer than two sentences.
    """
    if not items:
        raise UsageError("mBLEU-4: no items")
    return sum(self_bleu4(sentences) for sentences in items) / len(items)


def bleu4_pairs(items: Sequence[Sequence[str]]) -> dict[str, float]:
    """Returns the mean BLEU-4 (0-100) of each two places over items: {"1-2": ..., "1-3": ..., "2-3": ...}.

    BLEU is not symmetric: the score of a pair is the mean of both directions, each sentence once the
    candidate and once the only reference.

    Args:
        items: the tokenized sentences of each item, the same number in all.

    Raises:
        UsageError: no items, or items with different numbers of sentences.
    """
    if not items:
        raise UsageError("BLEU-4 of pairs: no items")
    places = range(len(items[0]))
    totals = dict.fromkeys(combinations(places, 2), 0.0)
    for number, sentences in enumerate(items, start=1):
        if len(sentences) != len(places):
            raise UsageError(
                f"BLEU-4 of pairs: item {number} has {len(sentences)} sentences, the first has {len(places)}"
            )
        for first, second in totals:
            there = matches(sentences[first], [sentences[second]])
            back = Matches(there.reference_length, there.length, there.correct)  # shared n-grams are the same
            totals[first, second] += (pooled_bleu([there])[-1] + pooled_bleu([back])[-1]) / 2
    return {
        f"{first + 1}-{second + 1}": 100 * total / len(items) for (first, second), total in totals.items()
    }
