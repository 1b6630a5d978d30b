"""Any server of the OpenAI chat form as a text model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from llava_vsd.data.web import Patience
from llava_vsd.errors import ServerError
from llava_vsd.inference.openai import text_of
from llava_vsd.inference.server import PATIENCE, Server, Session
from llava_vsd.inference.text import Prompt, Sampling

_SEEDS = 1 << 31  # servers take no larger ones


class OpenAIText:
    """Asks a server, several prompts at a time.

    Whether a text depends on what else the server is doing is the server's affair.

    Args:
        spec: `URL#MODEL`; without `#MODEL` the server must have one model only.
        key: name of the environment variable that holds the key.
        at_once: most requests under way at a time.
        patience: tries and waits.

    Raises:
        UsageError: wrong address, or no or several models.
        ServerError: the server is out of reach.
    """

    def __init__(self, spec: str, *, key: str = "", at_once: int = 8, patience: Patience = PATIENCE) -> None:
        url, _, model = spec.partition("#")
        self.server = Server(url, key=key, patience=patience, at_once=at_once)
        self.model = model or self.server.only_model()
        self.name, self.batch_size = f"openai:{self.model}", at_once
        self.settings: dict[str, Any] = {"engine": "openai", "model": self.model}

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        """One text a prompt, in their order; see `TextModel.complete`.

        Raises:
            ServerError: the server refused or failed; names what was asked.
        """
        questions = [(prompt, sampling, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        with closing(self.server.ordered(self._answer, questions)) as texts:
            return list(texts)

    async def _answer(self, session: Session, question: tuple[Prompt, Sampling, int]) -> str:
        prompt, sampling, seed = question
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": turn.role, "content": turn.text} for turn in prompt],
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
        }
        if sampling.temperature:
            body |= {"top_p": sampling.top_p, "seed": seed % _SEEDS}
        try:
            return text_of(await session.chat(body), self.server.url).strip()
        except ServerError as error:
            problem = f"{prompt[-1].text!r}: {error.problem}"
            raise ServerError(error.url, problem, error.status) from None
