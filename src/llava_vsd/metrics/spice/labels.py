"""From the annotated states of a grammar to the labels that a tree shows."""

from __future__ import annotations

from typing import Final

INTERMEDIATE: Final = (
    "@"  # in the name of a state that binarisation made; its children belong to the node above
)
MARKS: Final = frozenset("-=|#^~_[")


def basic(state: str) -> str:
    """The category of a state without its annotation: of `NP^S-B` NP, of `-LRB-^NP` -LRB-, of `$^NP` $."""
    opening = state[:1] if state[:1] in MARKS else ""
    for place, letter in enumerate(state):
        if place == 0 or letter not in MARKS:
            continue
        if letter == opening and place > 1:
            opening = ""  # a category that starts with a mark may end with it
            continue
        return state[:place]
    return state


def phrase(state: str) -> str:
    """The label of a phrase: its category, with `-TMP` where it is temporal."""
    return basic(state) + ("-TMP" if "-TMP" in state else "")
