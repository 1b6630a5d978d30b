"""SPICE from tuples that another program has made: the scoring is ours, the parsing is theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llava_vsd.errors import FileError, RowError, VsdError
from llava_vsd.metrics.spice.score import score
from llava_vsd.metrics.spice.tuples import RawTuple

_SHOWN = 3


class Told:
    """Scores captions by tuples that are given.

    Args:
        known: the raw tuples of each caption: (object), (object, attribute), (subject, object, predicate).
        source: what stands in reports.
    """

    def __init__(self, known: Mapping[str, Sequence[RawTuple]], *, source: str) -> None:
        self.known = known
        self.name = f"SPICE (tuples of {source})"
        self.version = ""

    @classmethod
    def load(cls, path: str | Path) -> Told:
        """Reads one `{"caption": text, "tuples": [[name, ...], ...]}` a line.

        Raises:
            FileError: the file is missing, empty or unreadable.
            RowError: a line is not of that form; names line and field.
        """
        path = Path(path)
        known = {}
        try:
            with path.open(encoding="utf-8-sig") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        caption, tuples = _row(path, number, line)
                        known[caption] = tuples
        except FileNotFoundError:
            raise FileError(path, "no such file") from None
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(path, f"cannot be read: {error}") from None
        if not known:
            raise FileError(path, 'empty; expected {"caption", "tuples"} a line')
        return cls(known, source=path.name)

    def __call__(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> list[float]:
        """The F (0-1) of each (candidate, references).

        Raises:
            VsdError: there are no tuples for a caption; names the first ones.
        """
        missing = dict.fromkeys(
            text
            for candidate, references in pairs
            for text in (candidate, *references)
            if text not in self.known
        )
        if missing:
            shown = ", ".join(repr(text) for text in list(missing)[:_SHOWN])
            raise VsdError(f"{self.name}: no tuples for {len(missing)} captions, such as {shown}")
        return [
            score(self.known[one], [self.known[text] for text in references]).f for one, references in pairs
        ]


def _row(path: Path, number: int, line: str) -> tuple[str, list[RawTuple]]:
    where = f"line {number}"
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise RowError(path, where, "", f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets
        raise RowError(path, where, "", f"cannot be read: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("caption"), str):
        raise RowError(path, where, "caption", "missing, expected a text")
    tuples = row.get("tuples")
    if not isinstance(tuples, list):
        raise RowError(path, where, "tuples", "missing, expected a list")
    for place, names in enumerate(tuples):
        whole = (
            isinstance(names, list) and 1 <= len(names) <= 3 and all(isinstance(name, str) for name in names)
        )
        if not whole:
            raise RowError(path, where, f"tuples[{place}]", f"{names!r}, expected one, two or three names")
    return row["caption"], [tuple(names) for names in tuples]
