"""A conversation about one picture, which is read once: what was said stays in the keys and values of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

from llava_vsd.errors import SampleError, VsdError
from llava_vsd.inference.transformers import ends_of
from llava_vsd.model.encode import Encoder
from llava_vsd.model.load import Loaded
from llava_vsd.model.out_of_memory import RAISED, is_out_of_memory
from llava_vsd.model.positions import rope_positions
from llava_vsd.schema import Conversation, Turn, is_text

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST = 1 << 20  # what a model can take is its own business here


class Chat:
    """Answers open questions about a picture, each in the light of those before; the likeliest token at each place.

    Answers are those of the plain loop that shows the whole conversation to `generate` again at each turn.

    Args:
        loaded: any model that takes pictures.
        picture: what is talked about.
        max_tokens: most tokens of an answer.

    Attributes:
        turns: what was said so far.
        computed: tokens that the model has been run on, the picture's included.
    """

    def __init__(self, loaded: Loaded, picture: Image, *, max_tokens: int = 256) -> None:
        self.turns: list[Turn] = []
        self.computed = 0
        self._model, self._limit = loaded.model, max_tokens
        self._encoder = Encoder(loaded.processor, loaded.family, max_tokens=_LONGEST)
        self._tokenizer = loaded.processor.tokenizer
        end = self._tokenizer.convert_tokens_to_ids(self._encoder.template.end)
        self._ends = frozenset(ends_of(loaded, end))
        self._size = (picture.height, picture.width)
        device = next(loaded.model.parameters()).device
        self._pixels = {name: one.to(device) for name, one in self._encoder.pixels(picture).items()}
        self._device = device
        self._cache: Any = DynamicCache()
        self._known: list[int] = []  # ids of the tokens in the cache

    @torch.inference_mode()
    def ask(self, question: str) -> str:
        """The answer; an empty one leaves no trace in the conversation.

        Raises:
            SampleError: the question holds a special token of the model, or is no text.
            VsdError: memory does not suffice. After this and any other error the conversation stands as before.
        """
        if not is_text(question):
            raise SampleError("chat", "the question is not UTF-8")
        try:
            return self._answer(question)
        except RAISED as error:
            if not is_out_of_memory(error):
                raise
            raise VsdError(
                "memory does not suffice for this conversation; "
                "expected a shorter one, a shorter dtype, a smaller model or a larger device"
            ) from None

    def _answer(self, question: str) -> str:
        turns = [*self.turns, Turn(role="user", text=question)]
        asked = Conversation(id="chat", task="chat", image="-", turns=turns)
        prefix, ids = self._encoder.prompt(asked, self._size)
        whole = [*prefix, *ids]
        positions = rope_positions(self._model.config, [prefix, ids], [-1, 0], [self._pixels, None])
        logits = self._read(whole, positions.to(self._device), len(prefix))
        following = positions[..., -1:].to(self._device) + 1
        answer: list[int] = []
        while (token := int(logits.argmax())) not in self._ends and len(answer) < self._limit:
            answer.append(token)
            logits = self._run([token], following)
            following = following + 1
        text = str(self._tokenizer.decode(answer, skip_special_tokens=True)).strip()
        if text:
            self.turns = [*turns, Turn(role="assistant", text=text)]
        return text

    def _read(self, whole: list[int], positions: torch.Tensor, prefix: int) -> torch.Tensor:
        """Logits after all tokens, of which only those are run that the cache does not hold."""
        same = 0
        for known, wanted in zip(self._known, whole[:-1], strict=False):
            if known != wanted:
                break
            same += 1
        if same < prefix:  # nothing was read yet
            same, self._known, self._cache = 0, [], DynamicCache()
        elif same < len(self._known):  # an answer that is written in other tokens than it was made of
            self._cache.crop(same - len(self._known))
            del self._known[same:]
        return self._run(whole[same:], positions[..., same:], **({} if same else self._pixels))

    def _run(self, ids: list[int], positions: torch.Tensor, **pixels: torch.Tensor) -> torch.Tensor:
        """Takes up tokens; gives the logits after them, shape [vocabulary]."""
        try:
            made = self._model(
                input_ids=torch.tensor([ids], device=self._device),
                position_ids=positions,
                cache=self._cache,
                use_cache=True,
                logits_to_keep=1,
                **pixels,
            )
        except (
            BaseException
        ):  # some layers have taken them up, others have not: the next turn reads all again
            self._known, self._cache = [], DynamicCache()
            raise
        self._known += ids
        self.computed += len(ids)
        logits: torch.Tensor = made.logits[0, -1]
        return logits
