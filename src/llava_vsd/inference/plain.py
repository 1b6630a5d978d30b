"""The plain way to run a model, for families whose images cannot be shared: each question with its own copy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessorList

from llava_vsd.inference.asked import Ids, Open, Picture, Replies
from llava_vsd.inference.decode import Answer, Draw
from llava_vsd.inference.settings import Decoding
from llava_vsd.model.encode import IGNORED
from llava_vsd.model.load import Loaded
from llava_vsd.model.packing import Group, cross_entropies, forward, joined_pixels, unpacked
from llava_vsd.model.positions import image_tokens


@dataclass(frozen=True)
class _Line:
    id: str
    ids: Ids
    labels: Ids


class Plain:
    """A forward pass over the whole sequence for each answer to a choice, `generate` in batches for words.

    Args:
        loaded: any model.
        answers: token ids of the answers to choices, each with the token that ends it.
        ends: tokens that end an answer in words.
        decoding: how sentences are made.
    """

    def __init__(
        self, loaded: Loaded, answers: Sequence[Ids], ends: Collection[int], decoding: Decoding
    ) -> None:
        self._model, self._answers, self._ends, self._decoding = loaded.model, answers, list(ends), decoding
        self._device = next(loaded.model.parameters()).device
        pad = loaded.processor.tokenizer.pad_token_id
        self._pad = self._ends[0] if pad is None else pad

    @torch.inference_mode()
    def reply(self, pictures: Sequence[Picture]) -> list[Replies]:
        """See `Way`."""
        choices = [[self._choice(picture, ids) for ids in picture.choices] for picture in pictures]
        said: list[list[list[Answer]]] = [[[] for _ in picture.opens] for picture in pictures]
        alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for number, picture in enumerate(pictures):
            for place, question in enumerate(picture.opens):
                alike.setdefault((question.limit, len(question.seeds)), []).append((number, place))
        for places in alike.values():
            asked = [(pictures[number], pictures[number].opens[place]) for number, place in places]
            for (number, place), answers in zip(places, self._say(asked), strict=True):
                said[number][place] = answers
        return [Replies(*parts) for parts in zip(choices, said, strict=True)]

    def _choice(self, picture: Picture, question: Ids) -> list[float]:
        lines = [
            _Line("", question + answer, (IGNORED,) * len(question) + answer) for answer in self._answers
        ]
        row = unpacked([Group("", picture.prefix, picture.pixels, lines)], self._model.config).to(
            self._device
        )
        losses = cross_entropies(forward(self._model, row.inputs, None, row.keep).logits, row.targets)
        return [-float(part.sum()) for part in torch.split(losses, list(row.counts))]

    def _say(self, asked: Sequence[tuple[Picture, Open]]) -> list[list[Answer]]:
        """Answers to questions that want as many answers of the same length."""
        count, beams = len(asked[0][1].seeds), self._decoding.beams
        if beams == 1:  # each answer a row of its own
            asked = [one for one in asked for _ in range(count)]
        ids = [torch.tensor(picture.prefix + question.ids) for picture, question in asked]
        longest = max(map(len, ids))
        mask = torch.stack([torch.arange(longest) >= longest - len(one) for one in ids]).long()
        padded = torch.full((len(ids), longest), self._pad)
        padded[mask.bool()] = torch.cat(ids)
        inputs: dict[str, Tensor] = {
            "input_ids": padded,
            "attention_mask": mask,
            **image_tokens(self._model.config, padded, mask),
            **joined_pixels([picture.pixels for picture, _ in asked]),
        }
        drawing = LogitsProcessorList()
        if self._decoding.sample:
            seeds = [seed for _, question in asked[::count] for seed in question.seeds]
            drawing.append(Draw(seeds, self._decoding.sample, self._decoding.top_p))
        made = self._model.generate(
            **{name: tensor.to(self._device) for name, tensor in inputs.items()},
            logits_processor=drawing,
            max_new_tokens=asked[0][1].limit,
            do_sample=False,
            num_beams=beams,
            num_return_sequences=count if beams > 1 else 1,
            eos_token_id=self._ends,
            pad_token_id=self._pad,
            repetition_penalty=1.0,
            length_penalty=1.0,
            temperature=None,
            top_p=None,
            top_k=None,
            return_dict_in_generate=True,
            output_scores=beams > 1,
            output_logits=beams == 1 and count > 1,
        )
        new = made.sequences[:, longest:].tolist()
        answers = [self._answer(line, made, number) for number, line in enumerate(new)]
        return [answers[start : start + count] for start in range(0, len(answers), count)]

    def _answer(self, line: list[int], made: Any, number: int) -> Answer:
        end = next((place for place, token in enumerate(line) if token in self._ends), None)
        tokens = len(line) if end is None else end + 1
        total = 0.0
        if self._decoding.beams > 1:
            total = float(made.sequences_scores[number]) * tokens
        elif made.logits is not None:
            for logits, token in zip(made.logits[:tokens], line, strict=False):
                total += float(logits[number].float().log_softmax(-1)[token])
        return Answer(line[:end], total, tokens)
