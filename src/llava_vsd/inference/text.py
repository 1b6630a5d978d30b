"""What every text model offers, whatever completes behind it: a model here, a server there, a file for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import Field

from llava_vsd.errors import MismatchError
from llava_vsd.jsonl import dump, read_rows
from llava_vsd.schema import Row, Text, Turn

Prompt = tuple[Turn, ...]
"""A conversation that the model goes on with; the last turn is the user's."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the likeliest token and draws nothing.
        top_p: draw among the likeliest tokens that together have this share.
        max_tokens: of a completion.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 48


class TextModel(Protocol):
    """Goes on with conversations.

    Attributes:
        name: what stands as `model` in rows.
        batch_size: how many prompts it works on at once; it may be given more.
        settings: everything that its texts depend on besides prompt, sampling and seed.
    """

    name: str
    batch_size: int
    settings: dict[str, Any]

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        """One text a prompt, in their order; it depends on prompt, sampling and seed, not on the other prompts.

        Args:
            prompts: any number.
            sampling: the same for all.
            seeds: one a prompt, of what is drawn for it.

        Raises:
            VsdError: the model cannot answer.
        """
        ...


class Script(Row):
    """What a scripted model says to one sentence: at each try the next text, and from then on the last one."""

    sentence: str
    texts: Annotated[list[Text], Field(min_length=1)]


class ScriptedText:
    """Completes from a table: for tests without weights. It looks at the last turn alone.

    Args:
        scripts: texts by the last turn of the prompt.
        name: where they come from.
        settings: what tells these texts from others.
    """

    batch_size = 32

    def __init__(
        self,
        scripts: dict[str, list[str]],
        *,
        name: str = "scripted",
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.scripts, self.name = scripts, name
        self.settings: dict[str, Any] = {"engine": "scripted", **(settings or {})}
        self._asked: dict[str, int] = {}

    @classmethod
    def load(cls, path: str | Path) -> ScriptedText:
        """Reads rows of {"sentence", "texts"}.

        Raises:
            FileError, RowError: the file cannot be read as such rows.
            MismatchError: two rows are about one sentence.
        """
        scripts: dict[str, list[str]] = {}
        digest = sha256()
        for row in read_rows(path, Script):
            if row.sentence in scripts:
                raise MismatchError(f"{path}: two rows for {row.sentence!r}; expected one a sentence")
            scripts[row.sentence] = row.texts
            digest.update(dump(row).encode())
        return cls(scripts, name=f"scripted:{path}", settings={"sha256": digest.hexdigest()})

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        """The next text of each prompt's script.

        Raises:
            MismatchError: there is none for a prompt.
        """
        return [self._next(prompt[-1].text) for prompt in prompts]

    def _next(self, sentence: str) -> str:
        texts = self.scripts.get(sentence)
        if texts is None:
            raise MismatchError(f"{self.name}: no text for {sentence!r}; expected one a sentence")
        asked = self._asked[sentence] = self._asked.get(sentence, -1) + 1
        return texts[min(asked, len(texts) - 1)]
