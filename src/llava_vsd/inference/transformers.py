"""Any image-text-to-text model of transformers as an engine: one pass over each picture for all that is asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np

from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import shown
from llava_vsd.data.prompts import ANY, ask, draw, fingerprint
from llava_vsd.errors import UsageError, VsdError
from llava_vsd.inference import answers
from llava_vsd.inference.asked import Ids, Open, Picture, Replies, Way
from llava_vsd.inference.decode import Answer
from llava_vsd.inference.engine import ANSWER_TOKENS, Sight
from llava_vsd.inference.plain import Plain
from llava_vsd.inference.settings import Settings
from llava_vsd.inference.shared import Shared
from llava_vsd.metrics.bleu import ngrams
from llava_vsd.metrics.calibration import both_orders, tempered
from llava_vsd.metrics.ptb import tokenize
from llava_vsd.model.encode import Encoder
from llava_vsd.model.load import Loaded, digest, load
from llava_vsd.model.out_of_memory import RAISED, is_out_of_memory, release
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Conversation, Item, Place, Prediction, RelationAnswer, Task, Triple, Turn

_IN_WORDS: tuple[Task, ...] = ("describe", "diversify")
_LONGEST = 1 << 20  # of encoded conversations: what a model can take is its own business here
_ORDER = 4  # of the n-grams that the sentences of a candidate should not share


class Transformers:
    """Answers with a model on this machine.

    Task 1 is a choice among the nine relations: the probability of a relation is that of its words and of the token
    that ends them, as the answer to the question, divided by the sum over all nine. Tasks 2 and 3 are answered in
    words. Pictures of different sizes go through together, without padding, each once for all its questions. Families
    that cannot share a picture are run question by question; `remark` says so.

    Args:
        spec: folder or hub name of a checkpoint, or of an adapter.
        images: where the pictures are.
        settings: how to run it and ask it.
        loaded: a model that is there already; `spec` is then but its name.
        folder: where the checkpoint is, if `spec` is but its name.

    Attributes:
        remark: what a user should know, or empty.

    Raises:
        UsageError: no pictures, or settings that there are not.
        CheckpointError: it cannot be read.
    """

    sees: frozenset[Sight]

    def __init__(
        self,
        spec: str,
        images: ImageStore | None,
        settings: Settings | None = None,
        *,
        loaded: Loaded | None = None,
        folder: str | Path | None = None,
    ) -> None:
        given = settings or Settings()
        if images is None:
            raise UsageError(f"{spec}: no pictures to show; expected --images DIR")
        self.name, self.images, self._given = spec, images, given
        self.batch_size = given.batch_size
        self._temperature = 1.0 if given.temperature is None else given.temperature
        self.sees = frozenset({"pictures", "boxes"} if given.boxes else {"pictures"})
        questions = fingerprint(given.template)  # before weights are read: a wrong template is told at once
        if loaded is None:
            loaded = load(
                folder or spec,
                dtype=given.dtype,
                device=given.device,
                adapter=given.adapter,
                quantize=given.quantize,
            )
        self._tokenizer = loaded.processor.tokenizer
        self._encoder = Encoder(loaded.processor, loaded.family, max_tokens=_LONGEST, boxes=given.boxes)
        labels = self._answers()
        ends = ends_of(loaded, labels[0][-1])
        obstacle = _obstacle(loaded)
        kind: type[Shared | Plain] = Plain if obstacle else Shared
        self._way: Way = kind(loaded, labels, ends, given.decoding)
        self.remark = (
            f"{spec}: {obstacle}: each question gets its own copy of the picture" if obstacle else ""
        )
        self.settings: dict[str, Any] = {
            "engine": "transformers",
            "model": spec,
            "adapter": given.adapter,
            "weights": digest(loaded.model),
            "dtype": str(loaded.model.dtype).removeprefix("torch."),
            "quantize": given.quantize,
            "template": given.template,
            "questions": questions,
            "boxes": given.boxes,
            "both_orders": given.both_orders,
            "temperature": self._temperature,
            "max_tokens": self._limits(),
            "decoding": asdict(given.decoding),
        }

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields an answer to each item; see `Engine`.

        Raises:
            MissingImagesError, FileError: a picture is not there or broken.
            SampleError: a name in an item cannot be asked about.
            VsdError: memory does not suffice for a single item.
        """
        place = 0
        while place < len(items):
            part = items[place : place + self.batch_size]
            try:
                made = self._batch(part)
            except RAISED as error:
                if not is_out_of_memory(error):
                    raise
                made = None  # what was tried is let go of with the error, before the next try
            if made is None:
                if len(part) == 1:
                    raise VsdError(
                        f"item {part[0].label}: memory does not suffice for it alone; "
                        "expected a shorter dtype, a smaller model or a larger device"
                    )
                self.batch_size = len(part) // 2
                release()
                continue
            yield from made
            place += len(part)

    def _batch(self, items: Sequence[Item]) -> list[Prediction]:
        pictures: dict[tuple[str, str | None, Ids], Picture] = {}
        asked = []
        opened = {name: self.images.open(name) for name in dict.fromkeys(item.image for item in items)}
        for item in items:
            picture = opened[item.image]
            size = (picture.height, picture.width)
            changed = item.probe if item.probe in ("mirror", "blank") else None
            prefix, choices, opens = self._questions(item, size)
            key = (item.image, changed, prefix)
            if key not in pictures:
                pictures[key] = Picture(prefix, self._encoder.pixels(shown(picture, changed)))
            here = pictures[key]
            asked.append((key, len(here.choices), len(here.opens)))
            here.choices += choices
            here.opens += opens
        replies = dict(zip(pictures, self._way.reply(list(pictures.values())), strict=True))
        return [
            self._prediction(item, replies[key], choice, words)
            for item, (key, choice, words) in zip(items, asked, strict=True)
        ]

    def _questions(self, item: Item, size: tuple[int, int]) -> tuple[Ids, list[Ids], list[Open]]:
        """The picture's prefix, and what is asked about an item."""

        def encoded(task: Task, triple: Triple) -> tuple[Ids, Ids]:
            return self._encoder.prompt(self._conversation(item, task, triple), size)

        asked = [encoded("classify", one) for triple in item.triples for one in self._orders(triple)]
        opens = []
        for task, limit in self._limits().items():
            prefix, ids = encoded(task, item.pair)
            count = self._given.decoding.candidates if task == "diversify" else 1
            seeds = [
                draw(self._given.decoding.seed, f"{item.label}/{task}/{number}", 1 << 62)
                for number in range(count)
            ]
            opens.append(Open(ids, limit, tuple(seeds)))
        return prefix, [ids for _, ids in asked], opens

    def _orders(self, triple: Triple) -> list[Triple]:
        if not self._given.both_orders:
            return [triple]
        change = {
            "subject": triple.object,
            "object": triple.subject,
            "subject_box": triple.object_box,
            "object_box": triple.subject_box,
        }
        return [triple, triple.model_copy(update=change)]

    def _conversation(
        self, item: Item, task: Task, triple: Triple, answer: str | None = None
    ) -> Conversation:
        turns = [Turn(role="user", text=ask(task, triple, template=self._given.template))]
        if answer is not None:
            turns.append(Turn(role="assistant", text=answer))
        places = [
            Place(name=triple.subject, box=triple.subject_box),
            Place(name=triple.object, box=triple.object_box),
        ]
        return Conversation(
            id=item.label,
            task=task,
            image=item.image,
            turns=turns,
            places=places if self._given.boxes else None,
        )

    def _answers(self) -> list[Ids]:
        """Token ids of the nine relations as answers, each with its end token: what training makes the model learn."""
        item = Item(id="-", image="-", triples=[ANY])
        size = (64, 64)
        _, question = self._encoder.prompt(self._conversation(item, "classify", ANY), size)
        found = []
        for name in RELATIONS:
            whole = self._encoder.encode(self._conversation(item, "classify", ANY, name), size)
            found.append(whole.ids[len(question) :])
        return found

    def _limits(self) -> dict[Task, int]:
        return {task: self._given.max_tokens or ANSWER_TOKENS[task] for task in _IN_WORDS}

    def _prediction(self, item: Item, replies: Replies, choice: int, words: int) -> Prediction:
        orders = 2 if self._given.both_orders else 1
        relations = []
        for triple in item.triples:
            asked = np.array(replies.choices[choice : choice + orders])
            choice += orders
            likely = np.exp(asked - asked.max(axis=1, keepdims=True))
            likely /= likely.sum(axis=1, keepdims=True)
            given = tempered(both_orders(*likely) if orders == 2 else likely[0], self._temperature)
            relations.append(
                RelationAnswer(
                    subject=triple.subject,
                    object=triple.object,
                    relation=RELATIONS[int(given.argmax())],
                    scores={name: float(f"{one:.6g}") for name, one in zip(RELATIONS, given, strict=True)},
                )
            )
        one, three = (self._best(found) for found in replies.opens[words : words + 2])
        return answers.prediction(item, relations, one, three, model=self.name, settings=self.settings)

    def _best(self, found: Sequence[Answer]) -> str:
        """The text of the best candidate; the first where several are as good."""
        texts: list[str] = [
            self._tokenizer.decode(one.ids, skip_special_tokens=True).strip() for one in found
        ]
        if len(found) == 1:
            return texts[0]
        penalty = self._given.decoding.overlap_penalty
        worth = [
            one.mean - penalty * overlap(answers.sentences(text))
            for one, text in zip(found, texts, strict=True)
        ]
        return texts[worth.index(max(worth))]


def overlap(sentences: Sequence[str]) -> float:
    """The share of 4-grams that two of the sentences have in common, 0-1: the mean over pairs, of the shorter one's.

    A sentence without a 4-gram shares all with one of the same words. Fewer than three sentences are as bad as three
    that are the same: 1.
    """
    if len(sentences) < 3:
        return 1.0
    grams = []
    for sentence in tokenize(sentences):
        found = ngrams(sentence, _ORDER)[1][-1]
        grams.append(found or Counter([tuple(sentence.split())]))
    pairs = list(combinations(grams, 2))
    return sum((one & other).total() / min(one.total(), other.total()) for one, other in pairs) / len(pairs)


def _obstacle(loaded: Loaded) -> str:
    """Why a model's pictures cannot be shared among questions; empty if they can."""
    text = loaded.model.config.get_text_config()
    if not loaded.family.shares_image:
        return f"{loaded.family.name} cannot share a picture among questions"
    windows = set(getattr(text, "layer_types", None) or ()) - {"full_attention"}
    if windows or (getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True)):
        return "its language model sees but a window"
    return ""


def ends_of(loaded: Loaded, end: int) -> list[int]:
    """Tokens that end an answer: what ends one in training, and what the checkpoint names."""
    named = [loaded.model.generation_config.eos_token_id, loaded.processor.tokenizer.eos_token_id]
    each = chain.from_iterable(one if isinstance(one, list) else [one] for one in named)
    return sorted({end, *(one for one in each if one is not None)})
