"""An engine that answers from a file: for tests without weights, and to score what others have predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from llava_vsd.errors import MismatchError
from llava_vsd.inference.engine import Sight
from llava_vsd.jsonl import dump, read_rows
from llava_vsd.matching import first_ids
from llava_vsd.schema import Item, Prediction


class Scripted:
    """Answers with the predictions that it was given; only their `settings` become its own.

    Args:
        answers: by item id; what answers a probe, by its label (`i7 (swap)`).
        name: where they come from.
        settings: what tells these answers from others, e.g. the digest of their file.
    """

    batch_size = 1024
    sees: frozenset[Sight] = frozenset({"pictures"})  # whoever gave these answers

    def __init__(
        self,
        answers: Mapping[str, Prediction],
        *,
        name: str = "scripted",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.answers = answers
        self.name = name
        self.settings: dict[str, Any] = {"engine": "scripted", **(settings or {})}

    @classmethod
    def load(cls, path: str | Path) -> Scripted:
        """Reads predictions from a JSON-lines file.

        Raises:
            FileError, RowError: the file cannot be read as predictions.
            MismatchError: it holds two predictions for an item; names the id.
        """
        answers: dict[str, Prediction] = {}
        digest = sha256()
        for row in read_rows(path, Prediction):
            if row.label in answers:
                raise MismatchError(f"{path}: two predictions for {row.label}; expected one an item")
            answers[row.label] = row
            digest.update(dump(row).encode())
        return cls(answers, name=f"scripted:{path}", settings={"sha256": digest.hexdigest()})

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields the answer to each item.

        Raises:
            MismatchError: there is none for an item; names the ids.
        """
        missing = [item.label for item in items if item.label not in self.answers]
        if missing:
            raise MismatchError(f"{self.name}: no answer for {first_ids(missing)}; expected one an item")
        for item in items:
            yield self.answers[item.label].model_copy(update={"settings": self.settings})
