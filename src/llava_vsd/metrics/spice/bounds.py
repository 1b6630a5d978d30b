"""How good the rest of a sentence can be at best, so that the parser drops what cannot be in the best tree.

The bound forgets the words: a tag t costs c(t), whatever its word. What a state and its surroundings score then
depends on numbers of words alone, and is computed once for a grammar. For a real sentence one adds to it, for each
word, the most by which a tagging of that word exceeds the cost of its tag; the sum is never less than the true score.
Any costs are admissible; good ones make the search fast, and no costs change what it finds.

The bound is the estimate SX of Klein and Manning (2003), A* Parsing: Fast Exact Viterbi Parse Selection; the costs
are the multipliers of a Lagrangian relaxation of which word has which tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.kernel import kernel
from llava_vsd.metrics.spice.lexicon import Doubles, Floats, Ints
from llava_vsd.metrics.spice.tables import Body, body

NONE = np.float32(-np.inf)


class Inside(NamedTuple):
    """Best score of each state over n words, with its derivation; all of shape [depth, states].

    Attributes:
        score: -inf where there is none.
        rule, split: the binary rule and the words of its left child; -1 for a tag.
        below: the child where a closed unary rule is on top of it (`rule` is the child's then), else -1.
    """

    score: Floats
    rule: Ints
    split: Ints
    below: Ints


@kernel
def inside(parts: Body, costs: Floats, depth: int) -> Inside:
    """Best scores over fewer than `depth` words; costs of shape [tags]."""
    states = len(parts.goal)
    best = np.full((depth, states), NONE, np.float32)
    rule = np.full((depth, states), -1, np.int32)
    split = np.zeros((depth, states), np.int32)
    below = np.full((depth, states), -1, np.int32)
    for tag in range(len(costs)):
        best[1, parts.tags[tag]] = costs[tag]
    for n in range(1, depth):
        for k in range(1, n):
            for r in range(len(parts.score)):
                parent, left, right = parts.binary[r]
                score = parts.score[r] + best[k, left] + best[n - k, right]
                if score > best[n, parent]:
                    best[n, parent], rule[n, parent], split[n, parent] = score, r, k
        source = best[n].copy()
        for r in range(len(parts.closed_score)):
            parent, child = parts.closed[r]
            score = source[child] + parts.closed_score[r]
            if score > best[n, parent]:
                best[n, parent], below[n, parent] = score, child
    return Inside(best, rule, split, below)


@kernel
def outside(parts: Body, within: Floats) -> Floats:
    """Best scores of what surrounds a state, with l words before and r words after it, l + r < depth.

    Args:
        within: shape [depth, states]; from `inside`.

    Returns:
        shape [depth, depth, states]; not set where l + r is too large.
    """
    depth, states = within.shape
    best = np.empty((depth, depth, states), np.float32)
    for around in range(depth):
        for before in range(around + 1):
            after = around - before
            row = best[before, after]
            row[:] = parts.goal if around == 0 else np.full(states, NONE, np.float32)
            for n in range(1, before + 1):
                for r in range(len(parts.score)):
                    parent, left, right = parts.binary[r]
                    score = best[before - n, after, parent] + parts.score[r] + within[n, left]
                    row[right] = max(row[right], score)
            for n in range(1, after + 1):
                for r in range(len(parts.score)):
                    parent, left, right = parts.binary[r]
                    score = best[before, after - n, parent] + parts.score[r] + within[n, right]
                    row[left] = max(row[left], score)
            source = row.copy()
            for r in range(len(parts.closed_score)):
                parent, child = parts.closed[r]
                row[child] = max(row[child], source[parent] + parts.closed_score[r])
    return best


@kernel
def closed_loss(parts: Body, around: Floats) -> Floats:
    """What it costs at least to use a child by this closed rule, against the child's best use; shape [closed].

    Args:
        around: shape [depth, depth, states]; from `outside`.
    """
    depth = len(around)
    loss = np.full(len(parts.closed_score), np.float32(np.inf), np.float32)
    for before in range(depth):
        for after in range(depth - before):
            for r in range(len(parts.closed_score)):
                parent, child = parts.closed[r]
                lost = around[before, after, child] - (parts.closed_score[r] + around[before, after, parent])
                if lost < loss[r]:  # false where the child has no use at all (not a number)
                    loss[r] = lost
    return loss


@kernel
def best_tags(parts: Body, found: Inside) -> tuple[Doubles, Doubles]:
    """The best sentence of each length below depth: its score, shape [depth], and how often its tree has each state
    as a tag, shape [depth, states]. Both are 0 for no words.
    """
    depth, states = found.score.shape
    best = np.zeros(depth)
    count = np.zeros((depth, states))
    stack = np.empty((2 * depth, 2), np.int64)  # state and words of nodes still to expand
    for n in range(1, depth):
        stack[0, 0], stack[0, 1] = np.argmax(parts.goal + found.score[n]), n
        best[n] = parts.goal[stack[0, 0]] + found.score[n, stack[0, 0]]
        waiting = 1
        while waiting > 0:
            waiting -= 1
            x, words = stack[waiting, 0], stack[waiting, 1]
            if found.below[words, x] >= 0:
                x = np.int64(found.below[words, x])
            r = found.rule[words, x]
            if r < 0:
                count[n, x] += 1
            else:
                k = found.split[words, x]
                stack[waiting, 0], stack[waiting, 1] = parts.binary[r, 1], k
                stack[waiting + 1, 0], stack[waiting + 1, 1] = parts.binary[r, 2], words - k
                waiting += 2
    return best, count


def fit_costs(grammar: Grammar, sentences: Sequence[Sequence[str]], steps: int = 200) -> Doubles:
    """Costs of tags for which the bounds are tight on sentences like these.

    Minimises the mean bound by subgradient descent: a tag becomes cheaper where the best word-free trees have more
    of it than there are words that exceed its cost most.

    Args:
        sentences: words of some dozens of typical sentences; time and memory grow with the longest.

    Returns:
        shape [tags]; the same at every run.
    """
    parts = body(grammar)
    lengths = np.bincount([len(sentence) for sentence in sentences]) / len(sentences)
    occurring = lengths > 0  # a grammar may have no tree of another length
    words = Counter((word, place == 0) for sentence in sentences for place, word in enumerate(sentence))
    weights = np.array(list(words.values())) / len(sentences)
    taggings = np.stack([grammar.lexicon.scores(word, first=first) for word, first in words]).astype(
        np.float64
    )
    costs = best = np.zeros(len(grammar.tags))
    lowest = np.inf
    for step in range(steps):
        tree_scores, tree_tags = best_tags(parts, inside(parts, costs.astype(np.float32), len(lengths)))
        above = taggings - costs
        choice = above.argmax(axis=1)
        bound = lengths[occurring] @ tree_scores[occurring] + weights @ above.max(axis=1)
        if bound < lowest:
            best, lowest = costs, bound
        slope = lengths @ tree_tags[:, grammar.tags] - np.bincount(choice, weights, minlength=len(costs))
        costs = costs - slope / (np.linalg.norm(slope) + 1e-12) / (1 + step / 40)
    return best
