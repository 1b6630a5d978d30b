"""BLEU-1 to BLEU-4 as the COCO caption evaluation computes them, so that figures compare with published ones.

Source: Papineni et al., ACL 2002, with the choices of pycocoevalcap 1.2: the reference length is the one
closest to the candidate's (the shorter of two equally close); instead of smoothing there are the constants
`TINY` and `SMALL`. All scores here are on the scale 0-1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from math import exp
from typing import NamedTuple

from llava_vsd.errors import MismatchError, UsageError

TINY = 1e-15  # added to counts of matches, so that none is zero
SMALL = 1e-9  # added to counts of n-grams and to lengths, so that no division is by zero


class Matches(NamedTuple):
    """What BLEU needs to know of one candidate; the matches of a corpus are the sums of its items'.

    Attributes:
        length: words of the candidate.
        reference_length: words of the reference closest in length.
        correct: for each order 1..n, the candidate's n-grams that a reference has, each counted at most as
            often as in the reference that has it most.
    """

    length: int
    reference_length: int
    correct: tuple[int, ...]


@lru_cache(maxsize=1 << 15)
def ngrams(text: str, n: int) -> tuple[int, tuple[Counter[tuple[str, ...]], ...]]:
    """Splits at white space; returns the number of words and, for each order 1..n, each n-gram's count.

    Equal sentences are counted once: the counters are shared, so treat them as read-only.
    """
    words = text.split()
    return len(words), tuple(
        Counter(zip(*(islice(words, start, None) for start in range(order)), strict=False))
        for order in range(1, n + 1)
    )


def matches(candidate: str, references: Sequence[str], n: int = 4) -> Matches:
    """Counts the n-grams of tokenized `candidate` that occur in one of the tokenized `references`.

    Raises:
        UsageError: no references, or `n` below 1.
    """
    if n < 1:
        raise UsageError(f"BLEU: n is {n}, expected 1 or more")
    if not references:
        raise UsageError("BLEU: a candidate has no references, expected one or more")
    length, grams = ngrams(candidate, n)
    counted = [ngrams(reference, n) for reference in references]
    reference_length = min((abs(other - length), other) for other, _ in counted)[1]
    correct = [0] * n
    for order, own in enumerate(grams):
        if len(counted) == 1:
            other = counted[0][1][order]
            correct[order] = sum(min(own[gram], other[gram]) for gram in own.keys() & other.keys())
        else:
            best: dict[tuple[str, ...], int] = {}
            for _, theirs in counted:
                other = theirs[order]
                for gram in own.keys() & other.keys():
                    best[gram] = max(best.get(gram, 0), min(own[gram], other[gram]))
            correct[order] = sum(best.values())
        if not correct[order]:  # then no longer n-gram matches either
            break
    return Matches(length, reference_length, tuple(correct))


def sentence_bleu(candidate: str, references: Sequence[str], n: int = 4) -> list[float]:
    """Returns BLEU-1 to BLEU-n of one candidate, each in 0-1; the last one is BLEU-n.

    A candidate without any matching n-gram of an order scores nearly 0, not 0 (see `TINY`); an empty one 0.

    Args:
        candidate: tokens joined by blanks (see `ptb.tokenize`).
        references: one or more, likewise.
        n: highest order.

    Raises:
        UsageError: no references, or `n` below 1.
    """
    found = matches(candidate, references, n)
    guesses = [max(0, found.length - order) for order in range(n)]
    return _scores(found.correct, guesses, found.length, found.reference_length)


def corpus_bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], n: int = 4) -> list[float]:
    """Returns BLEU-1 to BLEU-n of a corpus, from summed counts and lengths (no mean of sentence scores).

    Args:
        candidates: one tokenized sentence an item.
        references: the references of each item, in the same order.
        n: highest order.

    Raises:
        MismatchError: unequal numbers of candidates and reference sets.
        UsageError: an item has no references, or `n` is below 1.
    """
    if len(candidates) != len(references):
        raise MismatchError(f"BLEU: {len(candidates)} candidates but {len(references)} sets of references")
    return pooled_bleu(
        (matches(one, theirs, n) for one, theirs in zip(candidates, references, strict=True)), n
    )


def pooled_bleu(items: Iterable[Matches], n: int = 4) -> list[float]:
    """Returns BLEU-1 to BLEU-n of items whose matches of orders 1..n are counted (see `corpus_bleu`)."""
    length = reference_length = 0
    correct, guesses = [0] * n, [0] * n
    for item in items:
        length += item.length
        reference_length += item.reference_length
        for order, hits in enumerate(item.correct):
            correct[order] += hits
            guesses[order] += max(0, item.length - order)
    return _scores(correct, guesses, length, reference_length)


def _scores(
    correct: Sequence[int], guesses: Sequence[int], length: int, reference_length: int
) -> list[float]:
    ratio = (length + TINY) / (reference_length + SMALL)
    penalty = exp(1 - 1 / ratio) if ratio < 1 else 1.0
    scores, product = [], 1.0
    for order, (hits, total) in enumerate(zip(correct, guesses, strict=True), start=1):
        product *= (hits + TINY) / (total + SMALL)
        scores.append(product ** (1 / order) * penalty)
    return scores
