"""What every engine offers, whatever answers behind it: a file, names and boxes, a model here, a server there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from llava_vsd.schema import Item, Prediction, Task

Sight = Literal["pictures", "boxes"]

ANSWER_TOKENS: dict[Task, int] = {"classify": 32, "describe": 96, "diversify": 320}
"""Most tokens of an answer of a model that writes; one that is well written takes a third of them."""


class Engine(Protocol):
    """Answers all three tasks for items.

    Attributes:
        name: what stands as `model` in predictions, e.g. `baseline:vsd.json`.
        batch_size: how many items `predict` likes to get at once.
        settings: everything that the answers depend on; stands in each prediction.
        sees: what it looks at besides the two names; decides which probes make sense for it. One that sees pictures
            shows each as the item's `probe` says (`data.probes.shown`).
    """

    name: str
    batch_size: int
    settings: dict[str, Any]
    sees: frozenset[Sight]

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields one prediction an item, in the items' order: a relation for every triple, one sentence and three
        sentences for the asked pair. What it yields depends on the item alone, not on its neighbours.

        Raises:
            VsdError: an item cannot be answered; names its id.
        """
        ...
