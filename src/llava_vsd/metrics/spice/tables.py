"""The rules of a grammar laid out for the loops of the parser: by left child to fill a chart, by parent to read it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.lexicon import Floats, Halves, Ints

Places = NDArray[np.uint32]

MANY: Final = 96  # a left child with more rules than this is also indexed by its right children


class Body(NamedTuple):
    """A grammar as the search sees it: ROOT apart, unary rules closed.

    Attributes:
        tags: shape [tags]; states.
        goal: shape [states]; score of ROOT over the state and the boundary, -inf for most.
        binary, score: shape [rules, 3] and [rules]; parent, left child, right child; not those of ROOT.
        closed, closed_score: shape [closed, 2] and [closed]; parent and child of each chain of unary rules.
    """

    tags: Ints
    goal: Floats
    binary: Ints
    score: Floats
    closed: Ints
    closed_score: Floats


class Rules(NamedTuple):
    """Rules for filling a chart. Slices `x[at[i] : at[i + 1]]` belong to state i.

    Attributes:
        left_at, right, parent, score: binary rules by left child, then by right child.
        row: shape [states]; of a left child with many rules its row in `partner_at`, else -1.
        partner_at: shape [rows * (states + 1)]; `partner_at[row * (states + 1) + c]` is how many rules of that left
            child have a right child below c.
        closed_at, closed_parent, closed_score: closed unary rules by child.
        closed_loss: what using the child by this rule costs at least, against its best use; ascending within a
            child.
        goal: shape [states]; see `Body`.
        end: score of the boundary.
    """

    left_at: Places
    right: Halves
    parent: Halves
    score: Floats
    row: NDArray[np.int16]
    partner_at: Halves
    closed_at: Places
    closed_parent: Halves
    closed_score: Floats
    closed_loss: Floats
    goal: Floats
    end: np.float32


class Origins(NamedTuple):
    """Rules for reading a chart: by parent, in the order of the grammar; single unary rules, not their chains."""

    binary_at: Places
    left: Halves
    right: Halves
    score: Floats
    unary_at: Places
    child: Halves
    unary_score: Floats
    is_tag: NDArray[np.bool_]


def body(grammar: Grammar) -> Body:
    """Sets the rules of ROOT apart and closes the unary rules."""
    of_root = grammar.binary[:, 0] == grammar.root
    goal = np.full(len(grammar.states), -np.inf, dtype=np.float32)
    goal[grammar.binary[of_root, 1]] = grammar.binary_scores[of_root]
    closed, closed_score = close(grammar.unary, grammar.unary_scores)
    return Body(
        tags=grammar.tags,
        goal=goal,
        binary=grammar.binary[~of_root],
        score=grammar.binary_scores[~of_root],
        closed=closed,
        closed_score=closed_score,
    )


def close(unary: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """All chains of unary rules as single rules with the score of the best chain.

    The order of the steps and the rounding after each decide the last bit of a score; both are the original's.

    Args:
        unary, scores: see `Grammar`.

    Returns:
        Rules of shape [closed, 2] (parent, child, never the same) and their scores of shape [closed].
    """
    best: dict[tuple[int, int], np.float32] = {
        (state, state): np.float32(0) for state in np.unique(unary).tolist()
    }
    parents_of = {state: [state] for state, _ in best}
    children_of = {state: [state] for state, _ in best}
    for (parent, child), score in zip(unary.tolist(), scores, strict=True):
        for top in parents_of[parent].copy():
            for bottom in children_of[child]:  # may grow meanwhile; then what is new counts too
                candidate = (best[top, parent] + best[child, bottom]) + score
                known = best.get((top, bottom))
                if known is None:
                    parents_of[bottom].append(top)
                    children_of[top].append(bottom)
                if known is None or candidate > known:
                    best[top, bottom] = candidate
    chains = [(top, bottom) for top, bottom in best if top != bottom]
    closed = np.array(chains, dtype=np.int32).reshape(-1, 2)
    return closed, np.array([best[chain] for chain in chains], dtype=np.float32)


def rules(grammar: Grammar, parts: Body, closed_loss: Floats) -> Rules:
    """Lays out the rules for filling.

    Args:
        parts: the body of the grammar.
        closed_loss: shape [closed]; see `Rules`; in the order of `parts`.
    """
    states = len(grammar.states)
    order = np.lexsort((parts.binary[:, 2], parts.binary[:, 1]))
    binary = parts.binary[order]
    left_at = _starts(binary[:, 1], states)
    degree = np.diff(left_at.astype(np.int64))
    rich = np.flatnonzero((degree > MANY) & (degree < 1 << 16))
    row = np.full(states, -1, dtype=np.int16)
    row[rich] = np.arange(len(rich))
    partner_at = np.zeros((len(rich), states + 1), dtype=np.uint16)
    for place, state in enumerate(rich):
        partner_at[place] = _starts(binary[left_at[state] : left_at[state + 1], 2], states)
    by_child = np.lexsort((closed_loss, parts.closed[:, 1]))
    return Rules(
        left_at=left_at,
        right=binary[:, 2].astype(np.uint16),
        parent=binary[:, 0].astype(np.uint16),
        score=parts.score[order],
        row=row,
        partner_at=partner_at.ravel(),
        closed_at=_starts(parts.closed[by_child, 1], states),
        closed_parent=parts.closed[by_child, 0].astype(np.uint16),
        closed_score=parts.closed_score[by_child],
        closed_loss=closed_loss[by_child],
        goal=parts.goal,
        end=np.float32(grammar.end_score),
    )


def origins(grammar: Grammar) -> Origins:
    """Lays out the rules for reading."""
    states = len(grammar.states)
    binary = np.argsort(grammar.binary[:, 0], kind="stable")
    unary = np.argsort(grammar.unary[:, 0], kind="stable")
    is_tag = np.zeros(states, dtype=np.bool_)
    is_tag[grammar.tags] = True
    return Origins(
        binary_at=_starts(grammar.binary[binary, 0], states),
        left=grammar.binary[binary, 1].astype(np.uint16),
        right=grammar.binary[binary, 2].astype(np.uint16),
        score=grammar.binary_scores[binary],
        unary_at=_starts(grammar.unary[unary, 0], states),
        child=grammar.unary[unary, 1].astype(np.uint16),
        unary_score=grammar.unary_scores[unary],
        is_tag=is_tag,
    )


def _starts(in_order: NDArray[Any], states: int) -> Places:
    """Where the slice of each state starts in an array of states in ascending order, shape [states + 1]."""
    return np.searchsorted(in_order, np.arange(states + 1)).astype(np.uint32)
