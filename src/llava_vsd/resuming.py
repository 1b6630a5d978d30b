"""The file of a run that may be interrupted: what it holds must be the beginning of the very same run."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from llava_vsd.errors import MismatchError
from llava_vsd.jsonl import Appender
from llava_vsd.schema import Prediction

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

_WAY_OUT = "expected the beginning of this run (--overwrite starts anew)"


class ResumedRun(ABC, Generic[T]):
    """Predictions made of sources, one each and in their order, in a file that an interrupted run has begun.

    Args:
        sources: what predictions are made of.
        settings: of this run.
        path: the file; rows that it holds already are kept if they are the first ones of this very run.
        overwrite: empty the file instead.

    Attributes:
        done: how many sources the file has held from the beginning.

    Raises:
        MismatchError: the file holds something else.
        FileError: the file cannot be written, or another run is writing to it.
        RowError: a whole line of it is no prediction.
    """

    rows = "rows"
    """What the file holds, in a word for errors."""

    def __init__(
        self, sources: Sequence[T], settings: Mapping[str, Any], path: str | Path, *, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        self.done = 0
        self._sources = sources
        self._settings = json.loads(json.dumps(settings))  # as they come back from the file
        self._file = Appender(self.path, Prediction, self._keep, anew=overwrite)

    @abstractmethod
    def _problem(self, row: Prediction, source: T) -> str:
        """Why a row of the file cannot be what this run would make of `source`; empty where it can."""

    def _keep(self, row: Prediction) -> None:
        if self.done == len(self._sources):
            problem = f"holds more than the {len(self._sources)} {self.rows} of this run"
        else:
            problem = self._problem(row, self._sources[self.done])
        if problem:
            raise MismatchError(f"{self.path}: line {self.done + 1}: {problem}; {_WAY_OUT}")
        self.done += 1

    def close(self) -> None:
        """Brings everything to the disk and lets go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
