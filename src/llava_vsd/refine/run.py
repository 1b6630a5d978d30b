"""All predictions of a file refined into another: in batches, in their order, resumable after a kill at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from llava_vsd.errors import MismatchError
from llava_vsd.jsonl import Appender
from llava_vsd.refine.rewrite import Refiner
from llava_vsd.schema import SENTENCES, Item, Prediction

_WAY_OUT = "expected the beginning of this run (--overwrite starts anew)"


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


class Run:
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
        self.predictions, self.asked, self.refiner, self.path = predictions, asked, refiner, Path(path)
        self.done = 0
        self._settings = json.loads(json.dumps(refiner.settings))  # as they come back from the file
        self._file = Appender(self.path, Prediction, self._keep, anew=overwrite)

    def _keep(self, row: Prediction) -> None:
        where = f"{self.path}: line {self.done + 1}"
        if self.done == len(self.predictions):
            raise MismatchError(
                f"{where}: holds more than the {len(self.predictions)} rows of this run; {_WAY_OUT}"
            )
        source = self.predictions[self.done]
        if row.label != source.label:
            raise MismatchError(
                f"{where}: a prediction for {row.label}, expected one for {source.label}; {_WAY_OUT}"
            )
        settings = dict(row.settings)
        if settings.pop("refine", None) != self._settings or settings != source.settings:
            raise MismatchError(f"{where}: made with other settings than this run's; {_WAY_OUT}")
        if not _comes_from(row, source):
            raise MismatchError(f"{where}: made from another prediction for {row.label}; {_WAY_OUT}")
        self.done += 1

    def __iter__(self) -> Iterator[Prediction]:
        """Refines what is missing; each row is in the file when it is yielded."""
        size = self.refiner.batch_size
        for start in range(self.done, len(self.predictions), size):
            some = slice(start, start + size)
            for row in self.refiner.refine(self.predictions[some], self.asked[some]):
                self._file.append(row)
                yield row

    def close(self) -> None:
        """Brings everything to the disk and lets go of the file."""
        self._file.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _comes_from(row: Prediction, source: Prediction) -> bool:
    first = SENTENCES - 1
    original = source.descriptions[first] if len(source.descriptions) > first else ""
    return (
        row.refinement is not None
        and row.refinement.original == original
        and row.descriptions[:first] == source.descriptions[:first]
        and row.relations == source.relations
    )
