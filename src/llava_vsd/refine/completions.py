"""What a text model has said already: the same question gets the same answer without asking again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from llava_vsd.inference.text import Prompt, Sampling, TextModel
from llava_vsd.jsonl import Appender
from llava_vsd.schema import Row


class Completion(Row):
    """A text, by the digest of all that it depends on."""

    key: str
    text: str


class Completions:
    """Asks a model, each distinct question once.

    A question is the model's name and settings, the prompt, the sampling, and the seed where something is drawn.

    Args:
        model: what answers.
        path: JSON-lines file that keeps answers between runs; each is in it as soon as it is there.

    Attributes:
        counts: how many answers were `recalled` from what `path` held at the beginning, and how many `made` since.

    Raises:
        FileError, RowError: the file cannot be used, or holds something else.
    """

    def __init__(self, model: TextModel, path: str | Path | None = None) -> None:
        self.model = model
        self.counts = Counter[str]()
        self._known: dict[str, str] = {}
        self._file = Appender(path, Completion, self._keep) if path is not None else None
        self._recalled = frozenset(self._known)

    def _keep(self, row: Completion) -> None:
        self._known[row.key] = row.text

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        """One text a prompt; see `TextModel.complete`."""
        keys = [self._key(prompt, sampling, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        fresh = {
            key: (prompt, seed)
            for key, prompt, seed in zip(keys, prompts, seeds, strict=True)
            if key not in self._known
        }
        asked = [prompt for prompt, _ in fresh.values()]
        texts = self.model.complete(asked, sampling, [seed for _, seed in fresh.values()]) if fresh else []
        for key, text in zip(fresh, texts, strict=True):
            self._known[key] = text
            if self._file:
                self._file.append(Completion(key=key, text=text))
        self.counts.update("recalled" if key in self._recalled else "made" for key in keys)
        return [self._known[key] for key in keys]

    def _key(self, prompt: Prompt, sampling: Sampling, seed: int) -> str:
        said = [(turn.role, turn.text) for turn in prompt]
        drawn = [sampling.temperature, sampling.top_p, seed] if sampling.temperature else []
        question = [self.model.name, self.model.settings, said, sampling.max_tokens, drawn]
        return sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()

    def close(self) -> None:
        """Lets go of the file."""
        if self._file:
            self._file.close()
