"""Reading the best derivation off a filled chart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from llava_vsd.metrics.spice.chart import NONE, Chart
from llava_vsd.metrics.spice.kernel import kernel
from llava_vsd.metrics.spice.tables import Origins

I64: Any = np.int64
F64: Any = np.float64


@kernel
def read(
    words: int, root: int, end: Any, states: int, origins: Origins, chart: Chart, capacity: int
) -> tuple[NDArray[np.int32], NDArray[np.int8], float]:
    """Reads the best derivation of a sentence for which ROOT has a score.

    From ROOT down, each node takes the first of its best rules, computed in double precision from the floats of the
    chart: binary rules by split and then in the order of the grammar, after them unary rules.

    Args:
        end: score of the boundary.
        capacity: the most nodes to return.

    Returns:
        The states of the derivation in preorder, from ROOT, without the boundary; how many children each has, 0 for
        a tag; and the score at ROOT. Empty where there are more nodes than `capacity`.
    """
    state = np.empty(capacity, np.int32)
    children = np.empty(capacity, np.int8)
    stack = np.empty((capacity, 3), np.int64)  # state, start, end of nodes still to expand
    best = F64(-np.inf)
    for r in range(I64(origins.binary_at[root]), I64(origins.binary_at[root + 1])):
        value = (F64(origins.score[r]) + F64(_score(0, words, origins.left[r], states, chart))) + F64(end)
        if value > best:
            best = value
            stack[0, 0] = origins.left[r]
    at_root = best
    stack[0, 1], stack[0, 2] = 0, words
    state[0], children[0] = root, 1
    nodes, waiting = 1, 1
    while waiting > 0:
        if nodes == capacity or waiting + 1 > capacity:
            return state[:0], children[:0], at_root
        waiting -= 1
        x, s, e = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        state[nodes] = x
        children[nodes] = 0
        if not (origins.is_tag[x] and e == s + 1):
            best = F64(-np.inf)
            split, rule = e, I64(0)
            for r in range(I64(origins.binary_at[x]), I64(origins.binary_at[x + 1])):
                d = I64(chart.known[s * states + I64(origins.left[r])])
                if d == 0:
                    continue
                place = s * (states + 1) + d
                for j in range(I64(chart.at[place - 1]), I64(chart.at[place])):
                    k = I64(chart.end[j])
                    if k >= e:
                        break
                    left, right = chart.score[j], _score(k, e, origins.right[r], states, chart)
                    value = (F64(origins.score[r]) + F64(left)) + F64(right)
                    if value > best or (value == best and k < split):
                        best, split, rule = value, k, r
            children[nodes] = 2
            for r in range(I64(origins.unary_at[x]), I64(origins.unary_at[x + 1])):
                value = F64(origins.unary_score[r]) + F64(_score(s, e, origins.child[r], states, chart))
                if value > best:
                    best, rule = value, r
                    children[nodes] = 1
            if children[nodes] == 1:
                stack[waiting] = (I64(origins.child[rule]), s, e)
                waiting += 1
            else:
                stack[waiting] = (I64(origins.right[rule]), split, e)
                stack[waiting + 1] = (I64(origins.left[rule]), s, split)
                waiting += 2
        nodes += 1
    return state[:nodes], children[:nodes], at_root


@kernel
def _score(s: Any, e: Any, x: Any, states: int, chart: Chart) -> Any:
    """The score of state x over the words from s to before e, -inf where it has none."""
    d = I64(chart.known[s * states + I64(x)])
    if d != 0:
        place = s * (states + 1) + d
        for j in range(I64(chart.at[place - 1]), I64(chart.at[place])):
            if I64(chart.end[j]) == e:
                return chart.score[j]
    return NONE
