"""Brings captions into the form that COCO's metrics compare: Penn Treebank tokens, small, unpunctuated."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llava_vsd.metrics.spice.tokens import tokens

# pycocoevalcap lists brackets too, but in capitals, which its own lower-casing has removed before: they stay.
PUNCTUATION = {"''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"}

_LINE_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def tokenize(captions: Sequence[str]) -> list[str]:
    """Returns the tokens of each caption joined by blanks, equal to pycocoevalcap 1.2 (CoreNLP 3.4.1).

    As in the original, the captions are lines of one text, and an initial or `no.` at the end of a line is
    judged by what begins the next: `in box A.` ends in `a.`, but in `a` where the next caption begins with
    `The`. Nothing else depends on the neighbours. Line breaks inside a caption count as blanks. A caption
    without words gives "".
    """
    lines = [_LINE_BREAK.sub(" ", caption) for caption in captions]
    text = "\n".join([*lines, ""])
    tokenized, start = [], 0
    for line in lines:
        found = [token.lower() for token in tokens(text, start, start + len(line))]
        tokenized.append(" ".join(token for token in found if token not in PUNCTUATION))
        start += len(line) + 1
    return tokenized
