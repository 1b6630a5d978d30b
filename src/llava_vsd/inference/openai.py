"""Any server of the OpenAI chat form as an engine: vLLM, SGLang, llama.cpp, `transformers serve`, a hosted one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llava_vsd.data.images import ImageStore
from llava_vsd.data.prompts import OPTIONS, ask, fingerprint
from llava_vsd.data.web import PASSING, Patience
from llava_vsd.errors import ServerError, UsageError
from llava_vsd.inference import answers, choice
from llava_vsd.inference.choice import FORMS, Group
from llava_vsd.inference.engine import ANSWER_TOKENS, Sight
from llava_vsd.inference.pictures import data_uri
from llava_vsd.inference.server import PATIENCE, Server, Session
from llava_vsd.relations import RELATIONS, Relation
from llava_vsd.schema import Item, Prediction, RelationAnswer, Task, Triple

AUTO = "auto"

_ALTERNATIVES = 20  # tokens that a server reports at each place; more is refused by most
_HALVED = 0.01  # a group of labels with less than this is shared out evenly, not asked about
_DECIMALS = 6  # of scores
_TRIED_OUT: Group = ("in front of", "behind")
_REFUSALS = (400, 415, 422, 500, 501)
"""With these a server turns down what it does not know."""


@dataclass(frozen=True)
class Asking:
    """How to ask a server.

    Attributes:
        pictures: whether questions come with their picture.
        max_side: of a picture in pixels; None sends it as it is.
        choice: one of `FORMS`, or `auto`: the first that the server obeys.
        template: place of the question templates in `data.prompts.TEMPLATES`.
        max_tokens: of each answer; None takes what each task needs. For models that think first it must be more.
        body: what else stands in each request; None removes a field.
        at_once: most requests under way at a time.
        key: name of the environment variable that holds the key.
        patience: tries and waits.
    """

    pictures: bool = True
    max_side: int | None = None
    choice: str = AUTO
    template: int = 0
    max_tokens: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    at_once: int = 8
    key: str = ""
    patience: Patience = PATIENCE


class OpenAI:
    """Asks a server; three requests an item and more: one for each triple, one for each of tasks 2 and 3.

    The first thing it does is to ask what the server can: with which of `FORMS` it holds an answer to the nine labels,
    and whether it reports token probabilities. Both stand in the settings, since answers depend on them. The address
    does not: the shards of a run may go to different servers of the same model.

    Attributes:
        remark: what a user should know, or empty.

    Args:
        spec: `URL#MODEL`; without `#MODEL` the server must have one model only.
        images: where the pictures are; None for questions without pictures.
        asking: how to ask.

    Raises:
        UsageError: wrong address or settings, no or several models, no pictures where they are wanted.
        ServerError: the server is out of reach, or does not obey the form that `asking` names.
    """

    batch_size = 1 << 30  # a batch is a stream here: what is under way is bounded by `at_once`

    def __init__(self, spec: str, images: ImageStore | None, asking: Asking | None = None) -> None:
        self.asking = asking = asking or Asking()
        if asking.pictures and images is None:
            raise UsageError("openai: no pictures to show; expected --images DIR, or --no-images")
        if asking.choice != AUTO and asking.choice not in FORMS:
            raise UsageError(f"choice: {asking.choice!r}, expected one of {', '.join((AUTO, *FORMS))}")
        questions = fingerprint(asking.template)
        self.images = images if asking.pictures else None
        url, _, model = spec.partition("#")
        self.server = Server(url, key=asking.key, patience=asking.patience, at_once=asking.at_once)
        self.model = model or self.server.only_model()
        self.name = f"openai:{self.model}"
        self.sees: frozenset[Sight] = frozenset({"pictures"} if asking.pictures else ())
        self.remark = ""
        self.form, self.has_scores = self.server.once(self._find_out, None)
        self.settings: dict[str, Any] = {
            "engine": "openai",
            "model": self.model,
            "pictures": asking.pictures,
            "max_side": asking.max_side,
            "choice": self.form,
            "scores": self.has_scores,
            "template": asking.template,
            "questions": questions,
            "max_tokens": asking.max_tokens or dict(ANSWER_TOKENS),
            "body": asking.body,
        }

    async def _find_out(self, session: Session, _: None) -> tuple[str, bool]:
        """The form of choice that the server obeys, and whether it reports probabilities, by trying."""
        forms = list(FORMS) if self.asking.choice == AUTO else [self.asking.choice]
        refusal = ""
        for form in forms:
            for scores in (True, False):
                body = self._body("classify", [{"role": "user", "content": "Say hello."}], scores=scores)
                try:
                    found = await session.chat(body | FORMS[form](_TRIED_OUT), passing=PASSING - {*_REFUSALS})
                except ServerError as error:
                    if error.status not in _REFUSALS or (form == "text" and not scores):
                        raise
                    refusal = error.problem
                    continue
                said = choice.unwrapped(form, found["message"].get("content") or "").strip()
                if form == "text" or said in _TRIED_OUT:
                    told = found.get("logprobs") if scores else None
                    has_scores = bool(choice.steps(told))
                    if told and not has_scores:
                        self.remark = (
                            f"{self.name}: it reports token probabilities in a form that is not known: "
                            f"{self.server.hidden(json.dumps(told))}; answers have no scores"
                        )
                    return form, has_scores
                refusal = f"answered {said!r}"
                break  # it takes the request and does not obey
        problem = f"does not obey --choice {self.asking.choice}: {refusal}"
        raise ServerError(self.server.url, self.server.hidden(problem))

    def _body(self, task: Task, messages: list[dict[str, Any]], *, scores: bool = False) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.asking.max_tokens or ANSWER_TOKENS[task],
        }
        if scores:
            body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
        body |= self.asking.body
        return {name: value for name, value in body.items() if value is not None}

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields an answer to each item; see `Engine`.

        Raises:
            ServerError: the server refused or failed; names the item and what the server said.
            MissingImagesError, FileError: a picture is not there or broken.
        """
        with contextlib.closing(self.server.ordered(self._answer, items)) as predictions:
            yield from predictions

    async def _answer(self, session: Session, item: Item) -> Prediction:
        uri = None
        if self.images is not None:
            uri = await asyncio.to_thread(
                data_uri, self.images, item.image, probe=item.probe, max_side=self.asking.max_side
            )
        doing = ""
        try:
            relations, read = [], []
            for place, triple in enumerate(item.triples):
                doing = f"relation of triple {place}"
                answer, texts = await self._classify(session, uri, triple)
                relations.append(answer)
                read.append(texts)
            doing = "one sentence"
            one = await self._say(session, "describe", uri, item.pair)
            doing = "three sentences"
            three = await self._say(session, "diversify", uri, item.pair)
        except ServerError as error:
            problem = f"item {item.label}: {doing}: {error.problem}"
            raise ServerError(error.url, problem, error.status) from None
        return answers.prediction(
            item, relations, one, three, model=self.name, settings=self.settings, raw={"relations": read}
        )

    async def _say(self, session: Session, task: Task, uri: str | None, triple: Triple) -> str:
        question = ask(task, triple, template=self.asking.template)
        return text_of(await session.chat(self._body(task, [_user(question, uri)])), self.server.url)

    async def _classify(
        self, session: Session, uri: str | None, triple: Triple
    ) -> tuple[RelationAnswer, list[str]]:
        """The relation, and the texts that it was read from.

        Where probabilities tell all nine apart, the likeliest is taken; else what the text names. One that names
        none is answered with the request to name one, once.
        """
        messages = [_user(ask("classify", triple, template=self.asking.template), uri)]
        text, shares = await self._choose(session, messages, RELATIONS)
        scores = await self._divided(session, messages, shares)
        texts = [text]
        likeliest = max(RELATIONS, key=lambda name: scores.get(name, 0.0))
        relation = likeliest if scores else answers.relation(text, triple.subject, triple.object)
        if relation is None:
            again = f"Answer with exactly one of these and nothing else: {OPTIONS}."
            messages += [{"role": "assistant", "content": text}, _user(again, None)]
            text, _ = await self._choose(session, messages, RELATIONS)
            texts.append(text)
            relation = answers.relation(text, triple.subject, triple.object)
        answer = RelationAnswer(
            subject=triple.subject, object=triple.object, relation=relation, scores=scores
        )
        return answer, texts

    async def _choose(
        self, session: Session, messages: list[dict[str, Any]], labels: Group
    ) -> tuple[str, dict[Group, float]]:
        """The label that the server chooses, as text, and how probability divides among the labels."""
        body = self._body("classify", messages, scores=self.has_scores) | FORMS[self.form](labels)
        found = await session.chat(body)
        text = choice.unwrapped(self.form, text_of(found, self.server.url))
        if not self.has_scores:
            return text, {}
        return text, choice.shares(self.form, choice.steps(found.get("logprobs")), labels)

    async def _divided(
        self, session: Session, messages: list[dict[str, Any]], shares: dict[Group, float]
    ) -> dict[Relation, float]:
        """A probability for each label; groups are divided by asking again with the choice narrowed to them.

        Empty where a group cannot be divided: a part of the nine is no distribution.
        """
        scores: dict[Relation, float] = {}
        for group, share in shares.items():
            parts: dict[Group, float] = {(label,): 1 / len(group) for label in group}
            if len(group) > 1 and share >= _HALVED:
                if self.form == "text":
                    return {}
                parts = (await self._choose(session, messages, group))[1]
            for part, divided in parts.items():
                if len(part) > 1:
                    return {}
                scores[part[0]] = scores.get(part[0], 0.0) + share * divided
            if not parts:
                return {}
        return {name: round(scores.get(name, 0.0), _DECIMALS) for name in RELATIONS} if scores else {}


def _user(text: str, uri: str | None) -> dict[str, Any]:
    """A question; the picture comes before the words, as in training."""
    if uri is None:
        return {"role": "user", "content": text}
    picture = {"type": "image_url", "image_url": {"url": uri}}
    return {"role": "user", "content": [picture, {"type": "text", "text": text}]}


def text_of(found: dict[str, Any], url: str) -> str:
    """What a choice says; ServerError where nothing does, for want of tokens."""
    text = found["message"].get("content") or ""
    if not text.strip() and found.get("finish_reason") == "length":
        raise ServerError(
            url, "the answer was cut off before it began; a model that thinks first needs more --max-tokens"
        )
    return str(text)


def parse_body(text: str) -> dict[str, Any]:
    """Further fields of a request from JSON; UsageError if it is no object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(f'body: {text!r}, expected a JSON object such as {{"top_k": 1}}')
    return found
