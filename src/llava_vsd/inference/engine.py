"""What every engine offers, whatever answers behind it: a file, names and boxes, a model here, a server there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from llava_vsd.schema import Item, Prediction


class Engine(Protocol):
    """Answers all three tasks for items.

    Attributes:
        name: what stands as `model` in predictions, e.g. `baseline:vsd.json`.
        batch_size: how many items `predict` likes to get at once.
        settings: everything that the answers depend on; stands in each prediction.
    """

    name: str
    batch_size: int
    settings: dict[str, Any]

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields one prediction an item, in the items' order: a relation for every triple, one sentence and three
        sentences for the asked pair. What it yields depends on the item alone, not on its neighbours.

        Raises:
            VsdError: an item cannot be answered; names its id.
        """
        ...
