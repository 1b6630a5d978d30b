"""One pass over each image for all that is asked about it: its tokens are computed once, and remembered once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from llava_vsd.inference.asked import Ids, Open, Picture, Replies
from llava_vsd.inference.decode import Answer, Draw, by_beams, one_each
from llava_vsd.inference.prefix import PREFIX_SHARED, Rows, SharedKeys, Span, language_attention
from llava_vsd.inference.settings import Decoding
from llava_vsd.model.attention import Layout, share_images
from llava_vsd.model.load import Loaded
from llava_vsd.model.packing import Segment, forward, lay_out


class Shared:
    """All pictures of a batch in one row without padding: each image, behind it its questions, behind those that are a
    choice their answers. What is answered in words goes on from the keys and values of that row.

    Args:
        loaded: a model of a family that shares images; its language model's attention is changed.
        answers: token ids of the answers to choices, each with the token that ends it.
        ends: tokens that end an answer in words.
        decoding: how sentences are made.
    """

    def __init__(
        self, loaded: Loaded, answers: Sequence[Ids], ends: Collection[int], decoding: Decoding
    ) -> None:
        self._model, self._answers, self._ends, self._decoding = loaded.model, answers, ends, decoding
        self._device = next(loaded.model.parameters()).device
        share_images(loaded.model)

    @torch.inference_mode()
    def reply(self, pictures: Sequence[Picture]) -> list[Replies]:
        """See `Way`."""
        row = _Row(pictures, self._answers)
        inputs, layout = lay_out(row.segments, self._model.config)
        inputs = {name: tensor.to(self._device) for name, tensor in inputs.items()}
        keep = torch.tensor(row.kept(layout), device=self._device)
        opens = [question for picture in pictures for question in picture.opens]
        cache: Any = DynamicCache() if opens else None
        logits = forward(self._model, inputs, layout, keep, cache=cache).logits[0]
        chosen = self._choices(logits[: len(logits) - len(opens)], sum(len(one.choices) for one in pictures))
        said: list[list[Answer]] = []
        if cache is not None:
            layers = [(layer.keys, layer.values) for layer in cache.layers]
            said = self._say(
                layers,
                row.prefixes(layout),
                row.opens(layout),
                opens,
                inputs["position_ids"][..., 0, :],
                logits,
            )
        replies = []
        for picture in pictures:
            replies.append(Replies(chosen[: len(picture.choices)], said[: len(picture.opens)]))
            chosen, said = chosen[len(picture.choices) :], said[len(picture.opens) :]
        return replies

    def _choices(self, logits: Tensor, count: int) -> list[list[float]]:
        """Log probabilities of the answers, from the logits at each question's end and at the answers' tokens."""
        if not count:
            return []
        places: list[int] = []
        targets: list[int] = []
        owner: list[int] = []
        at = 1
        for number, ids in enumerate(self._answers):
            places += [0, *range(at, at + len(ids) - 1)]
            targets += ids
            owner += [number] * len(ids)
            at += len(ids) - 1
        every = logits.view(count, at, -1)
        found = []
        for (
            one
        ) in every:  # one question at a time: float32 logits of all would be the largest tensor of the pass
            one = one.float()
            likely = (one - one.logsumexp(-1, keepdim=True))[places, targets]
            sums = likely.new_zeros(len(self._answers))
            found.append(sums.index_add_(0, torch.tensor(owner, device=one.device), likely))
        return [[float(value) for value in one] for one in torch.stack(found).tolist()]

    def _say(
        self,
        layers: Sequence[tuple[Tensor, Tensor]],
        prefixes: Sequence[Span],
        spans: Sequence[Sequence[Span]],
        opens: Sequence[Open],
        positions: Tensor,
        logits: Tensor,
    ) -> list[list[Answer]]:
        """Answers in words to all questions of the row together.

        Args:
            layers, prefixes: as `SharedKeys` takes them, of every image.
            spans: places of the questions about each image.
            opens: the questions, in the same order.
            positions: of the row's tokens, shape [n] or [3, n].
            logits: of the row; those after the questions come last.
        """
        beams = self._decoding.beams
        times = [beams if beams > 1 else len(question.seeds) for question in opens]
        rows, counts, asked, number = [], [], [], 0
        for prefix, questions in zip(prefixes, spans, strict=True):
            if not questions:
                continue
            here = [span for place, span in enumerate(questions) for _ in range(times[number + place])]
            asked.append(prefix)
            rows.append(here)
            counts.append(len(here))
            number += len(questions)
        keys = SharedKeys(layers, asked, rows)
        following = positions[..., [span[1] - 1 for here in rows for span in here]] + 1
        under = Rows(self._model, keys, counts, following)
        first = logits[-len(opens) :].repeat_interleave(torch.tensor(times, device=logits.device), dim=0)
        with language_attention(self._model, PREFIX_SHARED):
            if beams > 1:
                found = by_beams(under, first, beams, self._ends, [question.limit for question in opens])
                return [best[: len(question.seeds)] for best, question in zip(found, opens, strict=True)]
            draw = None
            if self._decoding.sample:
                seeds = [seed for question in opens for seed in question.seeds]
                draw = Draw(seeds, self._decoding.sample, self._decoding.top_p)
            limits = [question.limit for question in opens for _ in question.seeds]
            answers = one_each(under, first, self._ends, limits, draw)
        ends = list(accumulate(times, initial=0))
        return [answers[begin:end] for begin, end in pairwise(ends)]


class _Row:
    """The segments of a batch of pictures, and where its parts are.

    Choices of all images come before the logits of the questions in words; see `kept`.
    """

    def __init__(self, pictures: Sequence[Picture], answers: Sequence[Ids]) -> None:
        self.segments: list[Segment] = []
        self._prefixes: list[int] = []
        self._choices: list[int] = []
        self._opens: list[list[int]] = []
        self._answers = [number for number, ids in enumerate(answers) if len(ids) > 1]
        for picture in pictures:
            prefix = self._add(Segment(picture.prefix, pixels=picture.pixels))
            self._prefixes.append(prefix)
            for ids in picture.choices:
                question = self._add(Segment(ids, prefix))
                self._choices.append(question)
                for number in self._answers:
                    self._add(Segment(answers[number][:-1], question))
            self._opens.append([self._add(Segment(question.ids, prefix)) for question in picture.opens])

    def _add(self, segment: Segment) -> int:
        self.segments.append(segment)
        return len(self.segments) - 1

    def kept(self, layout: Layout) -> list[int]:
        """Where logits are needed: for each choice at the end of its question and in all of its answers, then at the
        end of each question in words."""
        begins = [0, *accumulate(layout.sizes)]
        places: list[int] = []
        for question in self._choices:
            places += range(begins[question + 1] - 1, begins[question + 1 + len(self._answers)])
        return [*places, *(end - 1 for spans in self.opens(layout) for _, end in spans)]

    def prefixes(self, layout: Layout) -> list[Span]:
        """Places of each image's prefix."""
        return [_span(layout, number) for number in self._prefixes]

    def opens(self, layout: Layout) -> list[list[Span]]:
        """Places of the questions in words about each image."""
        return [[_span(layout, number) for number in numbers] for numbers in self._opens]


def _span(layout: Layout, segment: int) -> Span:
    begin = sum(layout.sizes[:segment])
    return begin, begin + layout.sizes[segment]
