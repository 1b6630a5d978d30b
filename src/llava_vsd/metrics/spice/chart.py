"""Filling a parse chart, completely or without what cannot be in the best tree: the loops that take the time.

A chart is kept by rows. Row s holds all spans that start at word s: for every state found there, the ends of its
spans with their scores. Rows are filled from the last word to the first. A finished span (s, e) is joined with
everything in row e at once, so each of its rules is looked up once, not once for every end.

A score is the logarithm of a probability in float32; a binary candidate is rounded as `(rule + left) + right`. The
order of candidates does not matter, except among the unary rules of one span, which run over the children in
ascending order.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llava_vsd.metrics.spice.kernel import kernel, lowest_bit
from llava_vsd.metrics.spice.lexicon import Floats, Halves
from llava_vsd.metrics.spice.tables import Places, Rules

U: Any = np.uint32  # indices are unsigned, which spares the compiled code a test for negative ones
ONE: Any = np.uint64(1)
NONE = np.float32(-np.inf)


class Chart(NamedTuple):
    """Room for the rows of a sentence of N words, with S states.

    Attributes:
        known: shape [N * S]; of state x in row s 1 + its place among the states of the row, 0 where it has no span.
        found: shape [N * S]; the states of each row, by place.
        places: shape [N]; how many there are.
        at: shape [N * (S + 1)]; the spans of the state at place d of row s are those from `at[s * (S + 1) + d]` to
            before the next one's.
        end, score: shape [capacity]; the end of each span, ascending within a state, and the state's score over it.
    """

    known: Halves
    found: Halves
    places: Places
    at: Places
    end: Halves
    score: Floats


class Scratch(NamedTuple):
    """Room in which `fill` works; left as it was found.

    Attributes:
        best: shape [N * S]; best score so far by end and state, in the row being filled; -inf between rows.
        touched: shape [N * ceil(S / 64)]; one bit for each of them, set where it is not -inf.
        row_place, row_end, row_score: shape [N * S]; the spans of the row by end: place of the state, end, score.
        hit, hit_score: shape [rules + 1]; the rules that join a span with the row after it, and its score.
        partner: shape [S + 1].
    """

    best: Floats
    touched: NDArray[np.uint64]
    row_place: Halves
    row_end: Halves
    row_score: Floats
    hit: Places
    hit_score: Floats
    partner: Halves


class Sentence(NamedTuple):
    """The taggings of a sentence: word i may have the tags `state[at[i] : at[i + 1]]`, with these scores."""

    at: Places
    state: Halves
    score: Floats


class Limit(NamedTuple):
    """What is dropped: where score and `outside` add up to less than `threshold`, or to `beam` less than the span's
    best.

    Attributes:
        threshold: -inf drops nothing. Below the best tree's score it drops nothing that this tree is made of.
        beam: inf drops nothing. Any other may lose the best tree: for a first attempt.
        word: shape [N]; at most by how much a tagging of each word exceeds the cost of its tag.
        outside: shape [depth * depth * S]; at `(l * depth + r) * S + x` at most what l words before and r words
            after state x add to its score, each word for the cost of its tag.
        depth: more than N; or 0: there is no `outside` for N, and nothing is dropped.
    """

    threshold: np.float32
    beam: np.float32
    word: Floats
    outside: Floats
    depth: int


@kernel
def fill(sentence: Sentence, rules: Rules, limit: Limit, chart: Chart, scratch: Scratch) -> tuple[Any, bool]:
    """Fills the chart for one sentence, in place of the one before.

    Returns:
        The score of ROOT, -inf where there is no parse; and whether the chart had room for all (if not, nothing in
        it counts).
    """
    words, states = U(len(sentence.at) - 1), U(len(rules.row))
    blocks = (states + U(63)) >> U(6)
    for row in range(len(chart.places)):
        for i in range(chart.places[row]):
            chart.known[U(row) * states + U(chart.found[U(row) * states + U(i)])] = 0
        chart.places[row] = 0
    used = U(0)
    root = NONE
    all_words = np.float32(0)
    for i in range(words):
        all_words += limit.word[i]

    for back in range(words):
        s = words - U(1) - U(back)
        for i in range(sentence.at[s], sentence.at[s + U(1)]):
            x = U(sentence.state[i])
            scratch.best[s * states + x] = sentence.score[i]
            scratch.touched[s * blocks + (x >> U(6))] |= ONE << np.uint64(x & U(63))
        spans = U(0)
        words_inside = np.float32(0)
        for e in range(s + U(1), words + U(1)):
            words_inside += limit.word[e - U(1)]
            threshold = limit.threshold - (all_words - words_inside)
            around = U(0)
            if limit.depth > 0:
                around = (s * U(limit.depth) + (words - U(e))) * states
            highest = _apply_unary(U(e), around, threshold, rules, limit, scratch)
            threshold = max(threshold, highest - limit.beam)
            spans, hits, value = _keep(
                s, U(e), around, threshold, spans, e == words, rules, limit, chart, scratch
            )
            if s == 0 and e == words:
                root = value
            _join(U(e), hits, rules, chart, scratch)
        if used + spans > U(len(chart.end)):
            return root, False
        _sort_row(s, used, spans, states, chart, scratch)
        used += spans
    return root, True


@kernel
def _apply_unary(e: Any, around: Any, threshold: Any, rules: Rules, limit: Limit, scratch: Scratch) -> Any:
    """Applies the closed unary rules to the span of the row that ends at e.

    A state raised by a child with a smaller number passes its new score on, one raised by a larger does not.

    Returns:
        The highest sum of score and bound in the span.
    """
    best, touched = scratch.best, scratch.touched
    states = U(len(rules.row))
    blocks = (states + U(63)) >> U(6)
    here, bits = (e - U(1)) * states, (e - U(1)) * blocks
    highest = NONE
    for block in range(blocks):
        waiting = touched[bits + block]
        while waiting != 0:
            place = lowest_bit(waiting)
            x = U(block << U(6)) + U(place)
            score = best[here + x]
            total = score + limit.outside[around + x]
            highest = max(highest, total)
            if total >= threshold:
                spare = total - threshold
                for r in range(rules.closed_at[x], rules.closed_at[x + U(1)]):
                    if rules.closed_loss[r] > spare:
                        break
                    candidate = score + rules.closed_score[r]
                    p = U(rules.closed_parent[r])
                    best[here + p] = max(best[here + p], candidate)
                    touched[bits + (p >> U(6))] |= ONE << np.uint64(p & U(63))
            waiting = touched[bits + block] & (~ONE << place)
    return highest


@kernel
def _keep(
    s: Any,
    e: Any,
    around: Any,
    threshold: Any,
    spans: Any,
    at_end: bool,
    rules: Rules,
    limit: Limit,
    chart: Chart,
    scratch: Scratch,
) -> tuple[Any, Any, Any]:
    """Keeps what is good enough in the span (s, e), and collects the rules that join it with row e.

    Returns:
        The spans of the row so far; the number of rules collected; the score of ROOT over the span and the
        boundary.
    """
    best, touched, hit, hit_score = scratch.best, scratch.touched, scratch.hit, scratch.hit_score
    states = U(len(rules.row))
    states1 = states + U(1)
    blocks = (states + U(63)) >> U(6)
    here, bits, next_row = (e - U(1)) * states, (e - U(1)) * blocks, e * states
    places = U(chart.places[s])
    hits = U(0)
    root = NONE
    for block in range(blocks):
        waiting = touched[bits + block]
        touched[bits + block] = 0
        while waiting != 0:
            x = U(block << U(6)) + U(lowest_bit(waiting))
            waiting &= waiting - ONE
            score = best[here + x]
            best[here + x] = NONE
            if not score + limit.outside[around + x] >= threshold:
                continue
            d = U(chart.known[s * states + x])
            if d == 0:
                chart.found[s * states + places] = x
                chart.at[s * states1 + places] = 0
                places += U(1)
                d = places
                chart.known[s * states + x] = d
            chart.at[s * states1 + d - U(1)] += U(1)  # counts, until the row is sorted
            scratch.row_place[spans] = d
            scratch.row_end[spans] = e
            scratch.row_score[spans] = score
            spans += U(1)
            if at_end:
                root = max(root, (rules.goal[x] + score) + rules.end)
                continue
            # write first and count after: no branch depends on whether a rule applies, which no processor can foresee
            low, high = rules.left_at[x], rules.left_at[x + U(1)]
            row = rules.row[x]
            if row < 0 or high - low < chart.places[e]:
                for r in range(low, high):
                    hit[hits] = r
                    hit_score[hits] = score
                    hits += U(chart.known[next_row + U(rules.right[r])] != 0)
            else:
                base = U(row) * states1
                partners = U(0)
                for i in range(chart.places[e]):
                    y = base + U(chart.found[next_row + i])
                    scratch.partner[partners] = chart.found[next_row + i]
                    partners += U(rules.partner_at[y] < rules.partner_at[y + U(1)])
                for i in range(partners):
                    y = base + U(scratch.partner[i])
                    for r in range(low + U(rules.partner_at[y]), low + U(rules.partner_at[y + U(1)])):
                        hit[hits] = r
                        hit_score[hits] = score
                        hits += U(1)
    chart.places[s] = places
    return spans, hits, root


@kernel
def _join(e: Any, hits: Any, rules: Rules, chart: Chart, scratch: Scratch) -> None:
    """Applies the rules collected for a span that ends at e, with all spans of row e."""
    best, touched = scratch.best, scratch.touched
    states = U(len(rules.row))
    blocks = (states + U(63)) >> U(6)
    for i in range(hits):
        r = scratch.hit[i]
        half = rules.score[r] + scratch.hit_score[i]
        p = U(rules.parent[r])
        block, bit = p >> U(6), ONE << np.uint64(p & U(63))
        d = e * (states + U(1)) + U(chart.known[e * states + U(rules.right[r])])
        for j in range(chart.at[d - U(1)], chart.at[d]):
            longer = U(chart.end[j]) - U(1)
            candidate = half + chart.score[j]
            best[longer * states + p] = max(best[longer * states + p], candidate)
            touched[longer * blocks + block] |= bit


@kernel
def _sort_row(s: Any, used: Any, spans: Any, states: Any, chart: Chart, scratch: Scratch) -> None:
    """Sorts the spans of a complete row by state (counting sort, so they stay ascending by end)."""
    base = s * (states + U(1))
    places = U(chart.places[s])
    start = used
    for d in range(places):
        count = chart.at[base + d]
        chart.at[base + d] = start
        start += count
    for i in range(spans):
        d = base + U(scratch.row_place[i]) - U(1)
        j = chart.at[d]
        chart.end[j] = scratch.row_end[i]
        chart.score[j] = scratch.row_score[i]
        chart.at[d] = j + U(1)
    for d in range(places):  # every start has moved to where the next state's was
        chart.at[base + places - U(d)] = chart.at[base + places - U(d) - U(1)]
    chart.at[base] = used


class Space:
    """The chart and scratch of one thread, which grow with its sentences.

    Args:
        states: of the grammar.
        rules: the number of its binary rules.
    """

    USUAL_WORDS: Final = 40
    FEWEST_SPANS: Final = 1 << 18
    MOST_SPANS: Final = 1 << 25  # 6 bytes each

    def __init__(self, states: int, rules: int) -> None:
        self.states, self.rules = states, rules
        self.words = 0
        self.spans = 0

    def fit(self, words: int) -> None:
        """Makes room for a sentence, and gives back what only a very long one needed."""
        if self.words >= words and (words > self.USUAL_WORDS or self.words == self.USUAL_WORDS):
            return
        self.words = max(words, self.USUAL_WORDS)
        self.spans = self.FEWEST_SPANS
        cells = self.words * self.states
        self.chart = Chart(
            known=np.zeros(cells, dtype=np.uint16),
            found=np.empty(cells, dtype=np.uint16),
            places=np.zeros(self.words, dtype=np.uint32),
            at=np.empty(cells + self.words, dtype=np.uint32),
            end=np.empty(self.spans, dtype=np.uint16),
            score=np.empty(self.spans, dtype=np.float32),
        )
        self.scratch = Scratch(
            best=np.full(cells, NONE, dtype=np.float32),
            touched=np.zeros(self.words * -(-self.states // 64), dtype=np.uint64),
            row_place=np.empty(cells, dtype=np.uint16),
            row_end=np.empty(cells, dtype=np.uint16),
            row_score=np.empty(cells, dtype=np.float32),
            hit=np.empty(self.rules + 1, dtype=np.uint32),
            hit_score=np.empty(self.rules + 1, dtype=np.float32),
            partner=np.empty(self.states + 1, dtype=np.uint16),
        )

    def grow(self) -> bool:
        """Makes four times the room for spans, at most; False where it is at its limit."""
        if self.spans >= self.MOST_SPANS:
            return False
        self.spans = min(4 * self.spans, self.MOST_SPANS)
        self.chart = self.chart._replace(
            end=np.empty(self.spans, dtype=np.uint16), score=np.empty(self.spans, dtype=np.float32)
        )
        return True
