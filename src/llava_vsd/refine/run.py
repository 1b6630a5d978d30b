"""All predictions of a file refined into another: in batches, in their order, resumable after a kill at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from llava_vsd.errors import MismatchError
from llava_vsd.refine.rewrite import Refiner
from llava_vsd.resuming import ResumedRun
from llava_vsd.schema import SENTENCES, Item, Prediction


def asked_places(predictions: Sequence[Prediction], items: Sequence[Item] = ()) -> list[int]:
    """For each prediction the place of the pair that its sentences are about: as its item says, else the first.

    Raises:
        MismatchError: there are items, but none for a prediction; names its id.
    """
    if not items:
        return [0] * len(predictions)
    known = {item.id: item.asked for item in items}
    for prediction in predictions:
        if prediction.id not in known:
            raise MismatchError(f"items: none has the id {prediction.id}; expected one a prediction")
    return [known[prediction.id] for prediction in predictions]


class Run(ResumedRun[Prediction]):
    """One refiner's rows for some predictions, in a file that an interrupted run of the same kind has begun.

    Args:
        predictions: what to refine.
        asked: for each, the place of the asked pair.
        refiner: what refines.
        path: the file; rows that it holds already are kept if they are the first ones of this very run.
        overwrite: empty the file instead.

    Attributes:
        done: how many predictions the file has held from the beginning.

    Raises:
        MismatchError: the file holds something else: other predictions, another order, another model or settings.
        FileError: the file cannot be written, or another run is writing to it.
        RowError: a whole line of it is no prediction.
    """

    def __init__(
        self,
        predictions: Sequence[Prediction],
        asked: Sequence[int],
        refiner: Refiner,
        path: str | Path,
        *,
        overwrite: bool = False,
    ) -> None:
        self.predictions, self.asked, self.refiner = predictions, asked, refiner
        super().__init__(predictions, refiner.settings, path, overwrite=overwrite)

    def _problem(self, row: Prediction, source: Prediction) -> str:
        if row.label != source.label:
            return f"a prediction for {row.label}, expected one for {source.label}"
        settings = dict(row.settings)
        if settings.pop("refine", None) != self._settings or settings != source.settings:
            return "made with other settings than this run's"
        return "" if _comes_from(row, source) else f"made from another prediction for {row.label}"

    def __iter__(self) -> Iterator[Prediction]:
        """Refines what is missing; each row is in the file when it is yielded."""
        for row in self.refiner.in_batches(self.predictions[self.done :], self.asked[self.done :]):
            self._file.append(row)
            yield row


def _comes_from(row: Prediction, source: Prediction) -> bool:
    first = SENTENCES - 1
    original = source.descriptions[first] if len(source.descriptions) > first else ""
    return (
        row.refinement is not None
        and row.refinement.original == original
        and row.descriptions[:first] == source.descriptions[:first]
        and row.relations == source.relations
    )
