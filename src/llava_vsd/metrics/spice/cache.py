"""Tuples of captions on disk: a caption is parsed once in its life. One SQLite file, safe under several writers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from llava_vsd.errors import VsdError
from llava_vsd.metrics.spice.tuples import RawTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tuples (pipeline TEXT, caption TEXT, tuples TEXT, PRIMARY KEY (pipeline, caption))
WITHOUT ROWID
"""
_AT_ONCE = 500  # below SQLite's smallest limit of parameters in one statement


class CacheError(VsdError):
    """The cache file cannot be used; names the file and what SQLite says."""


class Cache:
    """A mapping from caption to tuples, for one pipeline.

    Every batch of `put` is one transaction: after a kill it is there whole or not at all. Two processes may write at
    the same time; the second waits (a minute at most).

    Args:
        path: the file; made where it is absent.
        pipeline: what the tuples depend on besides the caption (grammar and version of the rules): entries of
            another pipeline are never returned.

    Raises:
        CacheError: the file is no such cache, or cannot be written.
    """

    def __init__(self, path: str | Path, pipeline: str) -> None:
        self.path, self.pipeline = Path(path), pipeline
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            # IMMEDIATE, so that a second process waits: a lock that is raised later is refused at once where two do it
            self._base.execute("BEGIN IMMEDIATE").close()
            self._base.execute(_SCHEMA).close()
            self._base.execute("COMMIT").close()
        except (OSError, sqlite3.Error) as error:
            raise CacheError(f"{self.path}: cannot be used as a parse cache: {error}") from None

    def get(self, captions: Iterable[str]) -> dict[str, list[RawTuple]]:
        """The tuples of those captions that are known."""
        wanted, found = list(captions), {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = [json.dumps(caption) for caption in wanted[start : start + _AT_ONCE]]
            marks = ",".join("?" * len(some))
            query = f"SELECT caption, tuples FROM tuples WHERE pipeline = ? AND caption IN ({marks})"
            for caption, text in self._run(query, [self.pipeline, *some]):
                found[json.loads(caption)] = [tuple(entry) for entry in json.loads(text)]
        return found

    def put(self, tuples: Mapping[str, list[RawTuple]]) -> None:
        """Adds captions with their tuples, all or none."""
        # JSON throughout: plain ASCII, whatever a caption holds (a lone surrogate is no SQLite text)
        rows = [(self.pipeline, json.dumps(caption), json.dumps(entry)) for caption, entry in tuples.items()]
        try:
            self._base.execute("BEGIN IMMEDIATE").close()
            try:
                self._base.executemany("INSERT OR REPLACE INTO tuples VALUES (?, ?, ?)", rows).close()
            except BaseException:
                self._base.execute("ROLLBACK").close()
                raise
            self._base.execute("COMMIT").close()
        except sqlite3.Error as error:
            raise CacheError(f"{self.path}: cannot be written: {error}") from None

    def _run(self, query: str, values: list[str]) -> list[tuple[str, str]]:
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise CacheError(f"{self.path}: cannot be read: {error}") from None

    def close(self) -> None:
        """Lets go of the file."""
        self._base.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
