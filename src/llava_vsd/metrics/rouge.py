"""ROUGE-L as the COCO caption evaluation computes it, so that figures compare with published ones.

Source: Lin, ACL 2004 workshop, with the choices of pycocoevalcap 1.2: over the references the best
    precision and the best recall of the longest common subsequence are taken each by itself, and recall
    weighs 1.2 times as much.
"""

from __future__ import annotations

from collections.abc import Sequence

from llava_vsd.errors import MismatchError, UsageError

BETA = 1.2  # weight of recall against precision


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns the length of the longest common subsequence.

    Bit-parallel (Hyyrö 2004): bit i of `open_places` is cleared where a common subsequence grows at word i of
    `first`, so a word of `second` costs a few operations on one integer.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    mask = (1 << len(first)) - 1
    open_places = mask
    for word in second:
        hits = open_places & places.get(word, 0)
        open_places = ((open_places + hits) | (open_places - hits)) & mask
    return len(first) - open_places.bit_count()


def sentence_rouge_l(candidate: str, references: Sequence[str]) -> float:
    """Returns ROUGE-L (0-1) of one candidate.

    Args:
        candidate: tokens joined by blanks (see `ptb.tokenize`). As in the original an empty text counts as
            one
            empty word, which only another empty text has in common.
        references: one or more, likewise.

    Raises:
        UsageError: no references.
    """
    if not references:
        raise UsageError("ROUGE-L: a candidate has no references, expected one or more")
    words = candidate.split(" ")
    precision = recall = 0.0
    for reference in references:
        theirs = reference.split(" ")
        common = common_subsequence(words, theirs)
        precision = max(precision, common / len(words))
        recall = max(recall, common / len(theirs))
    if not precision:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def corpus_rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Returns the mean of `sentence_rouge_l` over items, 0-1.

    Raises:
        MismatchError: unequal numbers of candidates and reference sets.
        UsageError: no items, or an item without references.
    """
    if len(candidates) != len(references):
        raise MismatchError(f"ROUGE-L: {len(candidates)} candidates but {len(references)} sets of references")
    if not candidates:
        raise UsageError("ROUGE-L: no items")
    scores = [sentence_rouge_l(one, theirs) for one, theirs in zip(candidates, references, strict=True)]
    return sum(scores) / len(scores)
