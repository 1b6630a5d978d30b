"""The text around turns, taken from the checkpoint's own chat template: what is trained on is what is served."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llava_vsd.errors import TemplateError
from llava_vsd.schema import Turn

_CHECK_EACH = 64  # uses of a shape between two comparisons with the processor's own rendering
_SENTINEL = "Zq{}qZ"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as text.

    Attributes:
        text: from the first character to the end token of the last answer; what a template writes after that (a
            line break, a space) follows no prediction and is left out.
        answers: for each answer where it starts and ends in `text`: from the end of the prompt (so with the space
            that some templates write before an answer) to the end token, which is part of it.
    """

    text: str
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text of the template and the turn that follows it.

    Attributes:
        own: as the template writes it.
        text: the same with the end token where the template has none after an answer.
        turn: which turn follows.
        lead: where the turn is an answer, how many characters at the end of `text` come after the prompt.
    """

    own: str
    text: str
    turn: int
    lead: int


@dataclass(slots=True)
class _Shape:
    """A template filled with turns of given roles, with or without a picture."""

    pieces: tuple[_Piece, ...]
    last: str
    """What the template writes after the last turn."""
    answers: frozenset[int]
    special: int
    """Special tokens in the text of the template."""
    uses: int = 0


class Template:
    """Writes conversations as the chat template of a processor does.

    A template is a program that may do anything; it is run once for each sequence of roles, on sentinels, and the text
    between them is kept. Every 64th conversation is written by the program as well and compared.

    Surrounding whitespace of a turn is dropped. Where the template writes no end token after an answer (LLaVA-1.5:
    `USER: <image>\\nQ ASSISTANT: A USER: ...`) the tokenizer's end token takes the place of the spaces after it, as in
    the conversations that LLaVA-1.5 and Vicuna learned from: `ASSISTANT: A</s>USER: ...`. Spaces that end a generation
    prompt count as the answer's, since tokenizers write a space and the word after it as one token.

    Attributes:
        end: the token that ends an answer, as text.
        writes_end: whether the template writes it by itself.
        special: the tokenizer's special tokens, as text, the longest first.
        image_token: what stands for the picture, once.
    """

    @classmethod
    def of(cls, processor: Any) -> Template:
        """The template of a processor.

        Raises:
            TemplateError: there is none, it fails, or it writes no end token and the tokenizer has none.
        """
        return cls(processor)

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        tokenizer = getattr(processor, "tokenizer", processor)
        self.name = str(getattr(tokenizer, "name_or_path", "") or type(processor).__name__)
        if not getattr(processor, "chat_template", None):
            raise TemplateError(
                self.name, "the processor has no chat template; expected chat_template.jinja beside it"
            )
        self.image_token: str | None = getattr(processor, "image_token", None)
        tokens = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        tokens |= {*tokenizer.all_special_tokens, *([self.image_token] if self.image_token else [])}
        self.special: tuple[str, ...] = tuple(sorted(tokens, key=len, reverse=True))
        self._any_special = re.compile("|".join(map(re.escape, self.special)) or "(?!)")
        self._shapes: dict[tuple[tuple[str, ...], bool], _Shape] = {}
        tail = self._split(("user", "assistant"), image=False)[-1][0].lstrip()
        written = next((token for token in self.special if tail.startswith(token)), None)
        self.writes_end = written is not None
        self.end: str = written or tokenizer.eos_token or ""
        if not self.end:
            raise TemplateError(
                self.name, "neither the template nor the tokenizer has a token that ends an answer"
            )

    def render(self, turns: Sequence[Turn], *, image: bool) -> Rendered:
        """Writes a conversation that ends with an answer; with `image` the picture stands first in the first user turn.

        Raises:
            TemplateError: the template cannot write these roles, or has no fixed text around them.
        """
        shape = self._shape(tuple(turn.role for turn in turns), image)
        texts = [turn.text.strip() for turn in turns]
        if shape.uses % _CHECK_EACH == 0:
            self._compare(shape, turns, texts, image=image)
        shape.uses += 1
        written: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for piece in shape.pieces:
            if len(starts) > len(ends):  # the piece after an answer starts with what ends it
                ends.append(at + piece.text.index(self.end) + len(self.end))
            written += (piece.text, texts[piece.turn])
            at += len(piece.text)
            if piece.turn in shape.answers:
                starts.append(at - piece.lead)
            at += len(texts[piece.turn])
        written.append(shape.last)
        ends.append(at + len(shape.last))
        return Rendered("".join(written), tuple(zip(starts, ends, strict=True)))

    def prompt(self, turns: Sequence[Turn], *, image: bool) -> str:
        """The text up to where the model must answer the last turn: always the start of the rendered conversation."""
        shape = self._shape((*(turn.role for turn in turns), "assistant"), image)
        texts = [turn.text.strip() for turn in turns]
        *before, last = shape.pieces
        return "".join(piece.text + texts[piece.turn] for piece in before) + _without(last.text, last.lead)

    def special_count(self, roles: Sequence[str], *, image: bool) -> int:
        """How many special tokens the template itself writes around turns of these roles, the picture's included."""
        return self._shape(tuple(roles), image).special

    def special_in(self, text: str) -> str | None:
        """The first special token that is written out in `text`, if any."""
        found = self._any_special.search(text)
        return found[0] if found else None

    def _shape(self, roles: tuple[str, ...], image: bool) -> _Shape:
        found = self._shapes.get((roles, image))
        if found is None:
            found = self._shapes[roles, image] = self._fill(roles, image)
        return found

    def _fill(self, roles: tuple[str, ...], image: bool) -> _Shape:
        """Runs the template on sentinels; makes sure that each prompt is the start of the whole."""
        whole = self._split(roles, image)
        answers = frozenset(turn for turn, role in enumerate(roles) if role == "assistant")
        pieces: list[_Piece] = []
        for place, (own, turn) in enumerate(whole):
            text = self._ended(own) if place and whole[place - 1][1] in answers else own
            lead = 0
            if turn in answers:
                *before, (prompt, _) = self._split(roles[:turn], image, generate=True)
                rest = own[len(prompt.rstrip(" ")) :]
                if before != whole[:place] or not own.startswith(prompt.rstrip(" ")) or rest.strip():
                    raise TemplateError(
                        self.name,
                        f"before answer {turn} of {', '.join(roles)} it writes {own!r}, but {prompt!r} as the prompt; "
                        "expected the prompt to be the start of the conversation",
                    )
                lead = len(rest)
            pieces.append(_Piece(own, text, turn, lead))
        *pieces, last = pieces
        ended = (
            last.text[: last.text.index(self.end) + len(self.end)] if roles[-1] == "assistant" else last.text
        )
        self._require_image_first(roles, pieces, image)
        written = "\0".join((*(piece.text for piece in pieces), ended))
        return _Shape(tuple(pieces), ended, answers, len(self._any_special.findall(written)))

    def _ended(self, after: str) -> str:
        """What follows an answer, with an end token."""
        if not self.writes_end:
            return self.end + after.lstrip(" ")
        if not after.lstrip().startswith(self.end):
            raise TemplateError(
                self.name,
                f"an answer ends with {after!r} here and with {self.end!r} elsewhere; expected one end",
            )
        return after

    def _require_image_first(self, roles: tuple[str, ...], pieces: Sequence[_Piece], image: bool) -> None:
        if not image:
            return
        token = self.image_token or ""
        marks = [piece.turn for piece in pieces for _ in range(piece.own.count(token))] if token else []
        if marks != [roles.index("user")]:
            raise TemplateError(
                self.name,
                f"it writes the picture's token {token!r} {len(marks)} times; expected once, before the first "
                "user's text",
            )

    def _split(self, roles: Sequence[str], image: bool, *, generate: bool = False) -> list[tuple[str, int]]:
        """The template's text before each turn; the last entry is what follows the last turn, with turn -1."""
        sentinels = [_SENTINEL.format(turn) for turn in range(len(roles))]
        text = self._own(roles, sentinels, image=image, generate=generate)
        parts = re.split("(" + "|".join(map(re.escape, sentinels)) + ")", text)
        turns = [sentinels.index(part) for part in parts[1::2]]
        for turn, role in enumerate(roles):
            count = turns.count(turn)
            if not count or (count > 1 and role == "assistant"):
                raise TemplateError(
                    self.name, f"it writes the text of turn {turn} ({role}) {count} times; expected once"
                )
        return list(zip(parts[::2], [*turns, -1], strict=True))

    def _own(self, roles: Sequence[str], texts: Sequence[str], *, image: bool, generate: bool = False) -> str:
        """What the processor itself writes."""
        messages: list[dict[str, Any]] = []
        for role, text in zip(roles, texts, strict=True):
            content: list[dict[str, str]] = [{"type": "text", "text": text}]
            if image and role == "user" and not any(one["role"] == "user" for one in messages):
                content.insert(0, {"type": "image"})
            messages.append({"role": role, "content": content})
        try:
            return str(
                self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)
            )
        except Exception as error:  # a template is someone else's program: it may raise anything
            problem = f"it cannot write turns of {', '.join(roles)}: {type(error).__name__}: {error}"
            raise TemplateError(self.name, problem) from error

    def _compare(self, shape: _Shape, turns: Sequence[Turn], texts: Sequence[str], *, image: bool) -> None:
        """Raises TemplateError where the template treats these texts in another way than it did the sentinels."""
        expected = "".join(piece.own + texts[piece.turn] for piece in shape.pieces)
        found = self._own([turn.role for turn in turns], texts, image=image)
        if not found.startswith(expected):
            raise TemplateError(self.name, f"it changes the text of turns: {found!r}; expected {expected!r}")


def _without(text: str, count: int) -> str:
    return text[: len(text) - count]
