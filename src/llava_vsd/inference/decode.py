"""From logits to answers, token by token: greedy, sampled or by beams, each answer independent of its neighbours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from transformers import LogitsProcessor, TopPLogitsWarper

_COMPACTED = 0.75
"""Rows are left behind when those still under way are fewer than this share of all."""


class Answer(NamedTuple):
    """Token ids, without the one that ends them; the sum of their log probabilities, the end token's included."""

    ids: list[int]
    log_probability: float
    tokens: int

    @property
    def mean(self) -> float:
        """Log probability a token."""
        return self.log_probability / max(1, self.tokens)


class Under(Protocol):
    """Rows that go on token by token; see `prefix.Rows`."""

    def step(self, tokens: Sequence[int]) -> Tensor: ...  # noqa: D102
    def keep(self, rows: Sequence[int]) -> None: ...  # noqa: D102
    def order(self, rows: Sequence[int]) -> None: ...  # noqa: D102


class Draw(LogitsProcessor):
    """Draws each row's token by a generator of its own, so that it does not depend on the row's neighbours.

    The token with the largest logit plus Gumbel noise is a draw from the softmax of the logits (Gumbel 1954), so that
    greedy decoding after this is sampling. One generator for all rows, as `generate` has it, would make an answer
    depend on its neighbours.

    Args:
        seeds: one a row.
        temperature: that the logits are divided by.
        top_p: see `Decoding`.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, top_p: float) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._temperature = temperature
        self._nucleus = TopPLogitsWarper(top_p) if top_p < 1 else None

    def noisy(self, logits: Tensor) -> Tensor:
        """Scores whose largest is the token drawn, shape [rows, vocabulary]."""
        scores = logits.float() / self._temperature
        if self._nucleus is not None:
            scores = self._nucleus(None, scores)
        uniform = torch.stack([torch.rand(scores.shape[1], generator=one) for one in self._generators])
        noise = -torch.log(-torch.log(uniform.clamp(1e-10, 1 - 1e-7)))
        return scores + noise.to(scores.device)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """The same as `generate` calls it."""
        return self.noisy(scores)

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows alone."""
        self._generators = [self._generators[row] for row in rows]


def one_each(
    rows: Under, logits: Tensor, ends: Collection[int], limits: Sequence[int], draw: Draw | None = None
) -> list[Answer]:
    """An answer for each row, of the likeliest token at each place, or of drawn ones.

    Rows that are done are left behind, a few at a time, so that short answers do not wait for long ones.

    Args:
        rows: under way, after their questions.
        logits: after the questions, shape [rows, vocabulary].
        ends: tokens that end an answer.
        limits: most tokens of each answer.
        draw: draws tokens.
    """
    answers = [Answer([], 0.0, 0) for _ in limits]
    alive = list(range(len(limits)))  # the answer that each row is for
    going = [True] * len(limits)
    while True:
        scores = logits if draw is None else draw.noisy(logits)
        chosen = scores.argmax(-1)
        logits = logits.float()
        likely = logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(-1)
        tokens = chosen.tolist()
        for number, token, log_probability in zip(alive, tokens, likely.tolist(), strict=True):
            if going[number]:
                answers[number] = _longer(answers[number], token, log_probability, ends)
                going[number] = token not in ends and answers[number].tokens < limits[number]
        left = [row for row, number in enumerate(alive) if going[number]]
        if not left:
            return answers
        if len(left) < _COMPACTED * len(alive):
            rows.keep(left)
            if draw is not None:
                draw.keep(left)
            alive, tokens = [alive[row] for row in left], [tokens[row] for row in left]
        logits = rows.step(tokens)


def by_beams(
    rows: Under, logits: Tensor, beams: int, ends: Collection[int], limits: Sequence[int]
) -> list[list[Answer]]:
    """The best answers to each question, by beam search as transformers does it: scored by their mean log probability,
    and done when no beam is better than the worst answer found.

    Args:
        rows: under way, `beams` of them for each question, one after another.
        logits: after the questions, shape [questions x beams, vocabulary].
        beams: as many answers come back, the best first.
        ends: tokens that end an answer.
        limits: most tokens of each question's answer.
    """
    alive = [_Beams(beams, limit, ends) for limit in limits]
    everything = list(alive)
    wanted = max(2, 1 + len(ends)) * beams
    while True:
        before = torch.tensor([one.scores for one in alive], device=logits.device)
        scores = logits.float().log_softmax(-1).view(len(alive), beams, -1) + before[:, :, None]
        size = scores.shape[-1]
        best, places = scores.flatten(1).topk(wanted)
        for one, likely, chosen in zip(alive, best.tolist(), places.tolist(), strict=True):
            one.take([(score, *divmod(place, size)) for score, place in zip(likely, chosen, strict=True)])
        left = [number for number, one in enumerate(alive) if not one.done]
        if not left:
            return [one.found for one in everything]
        if len(left) < len(alive):
            rows.keep([number * beams + beam for number in left for beam in range(beams)])
            alive = [alive[number] for number in left]
        rows.order([number * beams + beam for number, one in enumerate(alive) for beam in one.sources])
        logits = rows.step([ids[-1] for one in alive for ids in one.ids])


class _Beams:
    """The beams of one question."""

    def __init__(self, count: int, limit: int, ends: Collection[int]) -> None:
        self._count, self._limit, self._ends = count, limit, ends
        self.scores = [0.0, *[-1e9] * (count - 1)]  # all beams begin alike: one is enough
        self.ids: list[list[int]] = [[] for _ in range(count)]
        self.sources: list[int] = []
        self.found: list[Answer] = []
        self.done = False

    def take(self, ranked: Sequence[tuple[float, int, int]]) -> None:
        """Goes on with the best of (score, beam, token), the best first."""
        going: list[tuple[float, int, int]] = []
        length = len(self.ids[0]) + 1
        for rank, (score, beam, token) in enumerate(ranked):
            if token not in self._ends and length < self._limit:
                going.append((score, beam, token))
            elif rank < self._count:
                ids = self.ids[beam] if token in self._ends else [*self.ids[beam], token]
                self.found.append(Answer(ids, score, length))
        self.found = sorted(self.found, key=lambda answer: -answer.mean)[: self._count]
        if length == self._limit:
            self.done = True
            return
        going = going[: self._count]
        self.scores = [score for score, _, _ in going]
        self.sources = [beam for _, beam, _ in going]
        self.ids = [[*self.ids[beam], token] for _, beam, token in going]
        self.done = len(self.found) == self._count and self.scores[0] / length <= self.found[-1].mean


def _longer(answer: Answer, token: int, log_probability: float, ends: Collection[int]) -> Answer:
    ids = answer.ids if token in ends else [*answer.ids, token]
    return Answer(ids, answer.log_probability + log_probability, answer.tokens + 1)
