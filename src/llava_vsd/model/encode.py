"""Conversations to token ids and labels: exactly the answers and their end tokens are learned, and nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from llava_vsd.errors import NoLabelError, SampleError, TooLongError, UsageError
from llava_vsd.model.boxes import Convention, with_places
from llava_vsd.model.image_tokens import ImageTokens, Size
from llava_vsd.model.template import Rendered, Template
from llava_vsd.schema import Conversation, Turn

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

IGNORED = -100
"""The label of a token that is not learned."""

_PREFIXES = 256  # kept: up to 3,000 ids each


class HasBoxes(Protocol):
    """What the encoder needs to know of a family: how it writes boxes."""

    @property
    def boxes(self) -> Convention | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation in tokens.

    Attributes:
        id: the conversation's.
        prefix: ids up to and including the last image token, which stands as often as the picture has tokens; the
            same object for conversations about pictures of one size. Empty without a picture.
        ids: the rest.
        labels: one for each of `ids`: the id itself where it is learned, else -100 (the model shifts them).
    """

    id: str
    prefix: tuple[int, ...]
    ids: tuple[int, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prefix) + len(self.ids)


class Encoder:
    """Encodes conversations for one processor.

    Args:
        processor: a processor of transformers with a chat template and a fast tokenizer.
        family: says in which convention boxes are written.
        max_tokens: the longest conversation, its image tokens included.
        boxes: whether the question tells the boxes of its things; conversations without boxes stay as they are.

    Raises:
        TemplateError: see `Template.of`.
        UsageError: boxes are asked for, and the family has no known way to write them.
    """

    def __init__(self, processor: Any, family: HasBoxes, *, max_tokens: int, boxes: bool = False) -> None:
        self.template = Template.of(processor)
        self.max_tokens = max_tokens
        self._boxes = family.boxes if boxes else None
        if boxes and self._boxes is None:
            raise UsageError(
                f"{self.template.name}: no way to write boxes is known for its family; expected boxes off"
            )
        self._tokenizer = processor.tokenizer
        self._images = ImageTokens(processor, self.template.name)
        self._begin = self._beginning()
        special = set(self._tokenizer.convert_tokens_to_ids(list(self.template.special)))
        self._special = frozenset(special - {self._tokenizer.unk_token_id})
        self._prefixes: dict[tuple[tuple[int, ...], int], tuple[int, ...]] = {}

    def encode(self, conversation: Conversation, image_size: Size | None = None) -> Encoded:
        """Encodes one conversation.

        Args:
            conversation: its turns start with a user's (or the system's), alternate, and end with an answer.
            image_size: height and width of its picture in pixels; None without a picture.

        Raises:
            TooLongError: more than `max_tokens`.
            NoLabelError: no answer, an empty one, or one that shares a token with the question.
            SampleError: turns out of order; a picture without size; text that holds a special token (`</s>`, `<image>`,
                `<|im_end|>`), which a model and its servers would take for the real one.
            TemplateError: the chat template cannot write these turns.
        """
        (made,) = self.encode_many([(conversation, image_size)])
        if isinstance(made, SampleError):
            raise made
        return made

    def encode_many(self, samples: Iterable[tuple[Conversation, Size | None]]) -> list[Encoded | SampleError]:
        """Encodes conversations with one call of the tokenizer; in place of one that is refused stands its error."""
        made: list[Encoded | SampleError] = []
        work: list[tuple[int, Conversation, Size | None, Rendered]] = []
        for conversation, size in samples:
            try:
                turns = self._turns(conversation, size)
                rendered = self.template.render(turns, image=size is not None)
            except SampleError as error:
                made.append(error)
                continue
            work.append((len(made), conversation, size, rendered))
            made.append(SampleError(conversation.id, "not encoded"))
        batch = self._tokenize([rendered.text for *_, rendered in work])
        for (place, conversation, size, rendered), encoding in zip(work, batch, strict=True):
            try:
                made[place] = self._encoded(conversation, size, rendered, encoding)
            except SampleError as error:
                made[place] = error
        return made

    def prompt(
        self, conversation: Conversation, image_size: Size | None = None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Prefix and ids of what the model is given to answer; an answer at the end of the turns is left out.

        Equal to what precedes the last answer in the encoded conversation. Raises as `encode`, but needs no answer.
        """
        turns = conversation.turns
        if turns[-1].role == "assistant":
            turns = turns[:-1]
        asked = Conversation.model_construct(**{**dict(conversation), "turns": turns})
        given = self._turns(asked, image_size, asked=True)
        (encoding,) = self._tokenize([self.template.prompt(given, image=image_size is not None)])
        prefix, ids, _ = self._parts(conversation.id, image_size, encoding)
        return prefix, tuple(ids)

    def image_tokens(self, height: int, width: int) -> int:
        """How many tokens a picture of this size takes."""
        return self._images.count(height, width)

    def pixels(self, image: Image) -> dict[str, Tensor]:
        """What the model takes of a picture, by the processor; see `ImageTokens.pixels`."""
        return self._images.pixels(image)

    def _turns(self, conversation: Conversation, size: Size | None, *, asked: bool = False) -> list[Turn]:
        """The turns, checked, and with boxes where they are wanted."""
        name, turns = conversation.id, list(conversation.turns)
        if (conversation.image is None) != (size is None):
            raise SampleError(
                name, f"image is {conversation.image!r} and its size {size}; expected both or none"
            )
        spoken = [turn.role for turn in turns if turn.role != "system"]
        if any(turn.role == "system" for turn in turns[1:]) or any(
            role != ("user", "assistant")[place % 2] for place, role in enumerate(spoken)
        ):
            raise SampleError(
                name,
                f"turns of {', '.join(turn.role for turn in turns)}; expected user and assistant by turns",
            )
        if asked and spoken[-1:] != ["user"]:
            raise SampleError(name, "no question at the end")
        if not asked and spoken[-1:] != ["assistant"]:
            raise NoLabelError(name, "no answer at the end; expected one to learn")
        for place, turn in enumerate(turns):
            if turn.role == "assistant" and not turn.text.strip():
                raise NoLabelError(name, f"turns[{place}].text: empty answer; expected text to learn")
            if token := self.template.special_in(turn.text):
                raise SampleError(name, f"turns[{place}].text: holds {token!r}, a special token of the model")
        if self._boxes and size and conversation.places:
            first = next(place for place, turn in enumerate(turns) if turn.role == "user")
            resized = self._images.resized(*size) if self._boxes == "pixels" else None
            text = with_places(turns[first].text, conversation.places, self._boxes, size, resized)
            turns[first] = Turn(role="user", text=text)
        return turns

    def _tokenize(self, texts: Sequence[str]) -> Sequence[Any]:
        """Encodings without the tokens that the tokenizer puts around every text; `_begin` holds those."""
        if not texts:
            return ()
        encodings: Sequence[Any] = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            padding=False,
            truncation=False,
            return_attention_mask=False,
            verbose=False,  # lengths are checked here, by id
        ).encodings
        return encodings

    def _beginning(self) -> tuple[int, ...]:
        """What the tokenizer puts before a text (`<s>`), unless the template writes it by itself."""
        with_special = self._tokenizer("x")["input_ids"]
        plain = self._tokenizer("x", add_special_tokens=False)["input_ids"]
        begin = tuple(with_special[: with_special.index(plain[0])])
        text = self.template.prompt([Turn(role="user", text="x")], image=False)
        written = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return () if tuple(written[: len(begin)]) == begin else begin

    def _parts(self, name: str, size: Size | None, encoding: Any) -> tuple[tuple[int, ...], list[int], int]:
        """Prefix, the ids after it, and how many tokens of the encoding the prefix took (less where there is none)."""
        ids: list[int] = encoding.ids
        if size is None:
            return (), [*self._begin, *ids], -len(self._begin)
        try:
            count = self._images.count(*size)
        except ValueError as error:
            raise SampleError(name, f"image of {size[0]} x {size[1]} pixels: {error}") from None
        cut = ids.index(self._images.id) + 1
        return self._prefix(tuple(ids[:cut]), count), ids[cut:], cut

    def _prefix(self, head: tuple[int, ...], count: int) -> tuple[int, ...]:
        """The ids up to the picture's token, which `head` ends with, and that token `count` times."""
        key = (head, count)
        if key not in self._prefixes:
            if len(self._prefixes) >= _PREFIXES:
                self._prefixes.clear()
            self._prefixes[key] = (*self._begin, *head[:-1], *(head[-1:] * count))
        return self._prefixes[key]

    def _encoded(
        self, conversation: Conversation, size: Size | None, rendered: Rendered, encoding: Any
    ) -> Encoded:
        name = conversation.id
        prefix, ids, cut = self._parts(name, size, encoding)
        if (length := len(prefix) + len(ids)) > self.max_tokens:
            image = f", {self._images.count(*size)} of them the image's" if size else ""
            raise TooLongError(name, f"{length} tokens{image}; expected {self.max_tokens} at most")
        roles = [turn.role for turn in conversation.turns]
        expected = self.template.special_count(roles, image=size is not None)
        if sum(one in self._special for one in encoding.ids) != expected:
            raise SampleError(name, "a special token of the model arises from its text")
        labels = [IGNORED] * len(ids)
        for start, end in rendered.answers:
            first, last = self._answer(name, rendered.text, encoding, start, end)
            labels[first - cut : last - cut] = ids[first - cut : last - cut]
        return Encoded(name, prefix, tuple(ids), tuple(labels))

    def _answer(self, name: str, text: str, encoding: Any, start: int, end: int) -> tuple[int, int]:
        """First token of an answer and the one after its end token."""
        first = None
        for place in range(start, end):  # no token may cover a space
            first = encoding.char_to_token(place)
            if first is not None or not text[place].isspace():
                break
        last = encoding.char_to_token(end - 1)
        if first is None or last is None or encoding.token_to_chars(last)[1] != end:
            raise NoLabelError(name, f"no tokens for the answer {text[start:end]!r}")
        begin = encoding.token_to_chars(first)[0]
        if text[begin:start].strip():
            raise NoLabelError(
                name,
                f"the token {text[begin : encoding.token_to_chars(first)[1]]!r} is of question and answer both",
            )
        return first, last + 1
