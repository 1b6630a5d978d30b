"""Items to predictions, with any engine: in batches, in the items' order, resumable after a kill at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.inference.engine import Engine
from llava_vsd.jsonl import Appender
from llava_vsd.matching import refuse_doubled
from llava_vsd.schema import Item, Prediction

ENGINES = ("baseline:FILE[#names|boxes|both]", "scripted:FILE")


def load_engine(spec: str) -> Engine:
    """The engine that a model's specification names.

    Args:
        spec: `baseline:FILE`, optionally with `#names` or `#boxes` for that half of it alone; `scripted:FILE`.

    Raises:
        UsageError: the specification is none of these.
        FileError, RowError: its file cannot be read.
    """
    kind, _, rest = spec.partition(":")
    if kind == "scripted" and rest:
        from llava_vsd.inference.scripted import Scripted

        return Scripted.load(rest)
    if kind == "baseline" and rest:
        from llava_vsd.inference import baseline

        file, _, features = rest.partition("#")
        return baseline.load(Path(file), features or "both")
    raise UsageError(f"unknown model {spec!r}; expected one of: {', '.join(ENGINES)}")


class Run:
    """One engine's predictions for some items, in a file that an interrupted run of the same kind has begun.

    Args:
        items: what to predict.
        engine: what answers.
        path: the file; rows that it holds already are kept if they are the first ones of this very run.
        overwrite: empty the file instead.

    Attributes:
        done: how many items the file has held from the beginning.

    Raises:
        MismatchError: items have the same id, or the file holds something else: other items, another order, another
            model or other settings.
        FileError: the file cannot be written, or another run is writing to it.
        RowError: a whole line of it is no prediction.
    """

    def __init__(
        self, items: Sequence[Item], engine: Engine, path: str | Path, *, overwrite: bool = False
    ) -> None:
        refuse_doubled(items)
        self.items, self.engine, self.path = items, engine, Path(path)
        self.done = 0
        self._settings = json.loads(json.dumps(engine.settings))  # as they come back from the file
        self._file = Appender(self.path, Prediction, self._keep, anew=overwrite)

    def _keep(self, row: Prediction) -> None:
        where = f"{self.path}: line {self.done + 1}"
        if self.done == len(self.items):
            raise MismatchError(
                f"{where}: holds more than the {len(self.items)} predictions of this run; {_WAY_OUT}"
            )
        item = self.items[self.done]
        found = (row.id, row.image, [(one.subject, one.object) for one in row.relations])
        if found != (item.id, item.image, [(one.subject, one.object) for one in item.triples]):
            raise MismatchError(
                f"{where}: a prediction for {row.id}, expected one for {item.id} as it is now; {_WAY_OUT}"
            )
        if row.settings != self._settings:
            raise MismatchError(f"{where}: made with other settings than this run's; {_WAY_OUT}")
        self.done += 1

    def __iter__(self) -> Iterator[Prediction]:
        """Predicts what is missing; each prediction is in the file when it is yielded."""
        size = self.engine.batch_size
        for start in range(self.done, len(self.items), size):
            batch = self.items[start : start + size]
            for item, prediction in zip(batch, self.engine.predict(batch), strict=True):
                if prediction.id != item.id:
                    raise MismatchError(
                        f"{self.engine.name}: answered {prediction.id} when asked for {item.id}"
                    )
                self._file.append(prediction)
                yield prediction

    def close(self) -> None:
        """Brings everything to the disk and lets go of the file."""
        self._file.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_WAY_OUT = "expected the beginning of this run (--overwrite starts anew)"
