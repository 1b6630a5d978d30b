"""The exact parser of SPICE: the best tree of a sentence under a probabilistic context-free grammar."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from llava_vsd.errors import UsageError, VsdError
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.labels import INTERMEDIATE, basic, phrase
from llava_vsd.metrics.spice.lexicon import Floats, Halves
from llava_vsd.metrics.spice.trees import Tree

if TYPE_CHECKING:  # loads numba, for which the help of a command cannot wait
    from llava_vsd.metrics.spice.chart import Limit, Sentence, Space

MAX_WORDS: Final = 150
BOUNDED_WORDS: Final = 20  # bounds are kept for sentences up to here: 12 MB for 13,000 states
BEAMS: Final = (5.0, 10.0)  # of the attempts at a score to prune by
CACHED_WORDS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Derivation:
    """The best derivation of a sentence.

    Attributes:
        tree: labelled by categories, without the intermediate states of the grammar.
        inside: the score of ROOT as the chart has it, a float32.
        score: the same sum in double precision at the topmost node, from the floats below it.
        opened: whether it needed every tag allowed for every word.
    """

    tree: Tree
    inside: float
    score: float
    opened: bool


class _TooLargeError(Exception):
    """The chart of a sentence would outgrow its limit."""


def flat(words: Sequence[str]) -> Tree:
    """The tree of a sentence without a parse, `(X (XX word) (XX word) ...)`: nothing can be read from it."""
    return Tree("X", [Tree("XX", word=word) for word in words])


class Parser:
    """Finds the best tree of a sentence. The search drops only what cannot be in it, so the result is exact.

    Several threads may share a parser; the loops run without the interpreter lock. The time grows with the third
    power of the length: about 1 ms for 10 words, 20 ms for 20, 4 s for 150.

    A sentence gets a flat tree (see `flat`) where the grammar has none for it, even with every tag allowed for
    every word; where it has more than `MAX_WORDS` words; or where its chart would outgrow 200 MB, which needs over
    80 words that go together in uncommonly many ways.

    Args:
        grammar: see `grammar.py`.
        prune: False computes the whole chart, several times as slowly, to compare with.
    """

    def __init__(self, grammar: Grammar, *, prune: bool = True) -> None:
        from llava_vsd.metrics.spice import bounds, chart, reading, tables

        self.grammar = grammar
        self._chart, self._reading = chart, reading
        self._depth = BOUNDED_WORDS + 1 if prune else 0
        parts = tables.body(grammar)
        self._costs = grammar.tag_costs.astype(np.float32)
        within = bounds.inside(parts, self._costs, max(self._depth, 2))
        around = bounds.outside(parts, within.score)
        self._outside = around.ravel()
        self._rules = tables.rules(grammar, parts, bounds.closed_loss(parts, around))
        self._origins = tables.origins(grammar)
        tags = set(grammar.tags.tolist())
        self._labels = [
            basic(state) if number in tags else "" if INTERMEDIATE in state else phrase(state)
            for number, state in enumerate(grammar.states)
        ]
        self._taggings = lru_cache(CACHED_WORDS)(self._taggings_of)
        self._local = threading.local()

    def parse(self, words: Sequence[str]) -> Tree:
        """The best tree of a sentence, or a flat one; the leaves are the words as given.

        Args:
            words: tokens in the form of `tokens.sentences`, at least one.

        Raises:
            UsageError: there are no words.
        """
        found = self.derive(words)
        return flat(words) if found is None else found.tree

    def derive(self, words: Sequence[str]) -> Derivation | None:
        """The best derivation of a sentence, None where `parse` gives a flat tree; raises the same."""
        if not words:
            raise UsageError("a sentence to parse has no words")
        if len(words) > MAX_WORDS:
            return None
        try:
            return self._derive(words, opened=False) or self._derive(words, opened=True)
        except _TooLargeError:
            return None

    def _derive(self, words: Sequence[str], *, opened: bool) -> Derivation | None:
        taggings = [self._taggings(word, place == 0, opened) for place, word in enumerate(words)]
        sentence = self._chart.Sentence(
            at=np.cumsum([0, *(len(states) for states, _, _ in taggings)], dtype=np.uint32),
            state=np.concatenate([states for states, _, _ in taggings]),
            score=np.concatenate([scores for _, scores, _ in taggings]),
        )
        above = np.array([most for _, _, most in taggings], dtype=np.float32)
        space = self._space(len(words))
        if opened or len(words) >= self._depth:
            inside = self._fill(sentence, self._limit(above), space)
        else:
            inside = self._search(sentence, above, space)
        if inside == -np.inf:
            return None
        states, children, score = self._reading.read(
            len(words),
            self.grammar.root,
            self._rules.end,
            len(self.grammar.states),
            self._origins,
            space.chart,
            64 * (len(words) + 1),
        )
        if not len(states):
            raise VsdError(f"{self.grammar.name}: unary rules go in a circle at no cost")
        return Derivation(self._tree(states.tolist(), children.tolist(), words), inside, score, opened)

    def _search(self, sentence: Sentence, above: Floats, space: Space) -> float:
        """Fills the chart with all that matters. Returns the score of ROOT.

        An attempt that keeps little finds the score of some tree. The best tree's is no lower, so a second run may
        drop whatever cannot reach it.
        """
        # for rounding: sums of n words have some 4 n terms of size up to 10 n, each rounded to 24 bits
        margin = 0.01 + 1e-5 * len(above) ** 2
        for beam in BEAMS:
            found = self._fill(sentence, self._limit(above, beam=beam), space)
            if found > -np.inf:
                return self._fill(sentence, self._limit(above, threshold=found - margin), space)
        return self._fill(sentence, self._limit(above), space)

    def _limit(self, above: Floats, *, threshold: float = -np.inf, beam: float = np.inf) -> Limit:
        bounded = threshold > -np.inf or beam < np.inf
        return self._chart.Limit(
            threshold=np.float32(threshold),
            beam=np.float32(beam),
            word=above,
            outside=self._outside,
            depth=self._depth if bounded else 0,
        )

    def _fill(self, sentence: Sentence, limit: Limit, space: Space) -> float:
        while True:
            inside, sufficed = self._chart.fill(sentence, self._rules, limit, space.chart, space.scratch)
            if sufficed:
                return float(inside)
            if not space.grow():
                raise _TooLargeError

    def _space(self, words: int) -> Space:
        """The room of this thread."""
        space: Space | None = getattr(self._local, "space", None)
        if space is None:
            space = self._local.space = self._chart.Space(len(self.grammar.states), len(self._rules.score))
        space.fit(words)
        return space

    def _taggings_of(self, word: str, first: bool, opened: bool) -> tuple[Halves, Floats, np.float32]:
        """The states of a word's tags, their scores, and the most by which one exceeds the cost of its tag."""
        lexicon = self.grammar.lexicon
        scores = lexicon.open_scores(word, first=first) if opened else lexicon.scores(word, first=first)
        offered = np.flatnonzero(scores > -np.inf)
        above = (scores - self._costs)[offered].max(initial=-np.inf)
        return self.grammar.tags[offered].astype(np.uint16), scores[offered], above

    def _tree(self, states: list[int], children: list[int], words: Sequence[str]) -> Tree:
        """Builds a tree from a derivation in preorder; from its end, where children come before their parents."""
        place = len(words)
        done: list[list[Tree]] = []
        for state, count in zip(reversed(states), reversed(children), strict=True):
            name = self._labels[state]
            if count == 0:
                place -= 1
                done.append([Tree(name, word=words[place])])
                continue
            below = done.pop() if count == 1 else done.pop() + done.pop()
            done.append([Tree(name, below)] if name else below)
        [[tree]] = done
        return tree
