"""Conversations on disk: found again by their place in the file, and what of them cannot be learned from."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from llava_vsd.data.llava import read_llava
from llava_vsd.errors import FileError, RowError, SampleError, VsdError
from llava_vsd.jsonl import parse_row, read_rows, write_rows, writing_rows
from llava_vsd.schema import Conversation, Task
from llava_vsd.schema import Row as JsonRow
from llava_vsd.train.plan import Ints


class Fault(JsonRow):
    """A sample that cannot be learned from, and why; `id` is empty where it could not be read."""

    id: str
    where: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.id, self.reason) if part)


def fault_of(id: str, where: str, error: VsdError) -> Fault:
    """An error, told once where it is."""
    reason = str(error)
    if isinstance(error, SampleError):
        reason = error.problem
    elif isinstance(error, RowError):
        reason = f"{error.field}: {error.problem}" if error.field else error.problem
    return Fault(id=id, where=where, reason=reason)


def as_rows(path: Path, copies: Path, task: Task) -> tuple[Path, list[Fault]]:
    """The file itself if it holds our conversations; else LLaVA's JSON is rewritten as such below `copies`.

    A row can be found again by its offset in a file of JSON lines alone.

    Returns:
        the file, and the entries of LLaVA's JSON that are none of its conversations.
    """
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n")
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    if not start:
        raise FileError(path, "empty; expected conversations.jsonl of vsd build, or LLaVA JSON")
    if start.startswith(b"{") and b'"turns"' in start:
        return path, []
    copy = copies / f"{path.stem}-{file_hash(path)[:12]}.jsonl"
    refused = copy.with_suffix(".bad.jsonl")
    if not copy.exists():
        bad: list[RowError] = []
        with writing_rows(copy) as write:
            for row in read_llava(path, task=task, bad=bad):
                write(row)
            if bad:  # before the copy takes its name
                write_rows(refused, (fault_of("", f"{one.path}: {one.place}", one) for one in bad))
    return copy, list(read_rows(refused, Fault)) if refused.exists() else []


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Conversations:
    """The rows of JSON-lines files by their place; what is kept of each is its file, line and offset.

    Attributes:
        files: in their order.
        file, line, offset: of each row, shape [n].
    """

    def __init__(self, files: Sequence[Path], file: Ints, line: Ints, offset: Ints) -> None:
        self.files, self.file, self.line, self.offset = list(files), file, line, offset

    @classmethod
    def scan(cls, files: Sequence[Path]) -> Conversations:
        """Looks where the lines begin; what is in them is not read yet."""
        file, line, offset = array("q"), array("q"), array("q")
        for number, path in enumerate(files):
            at = 0
            with path.open("rb") as opened:
                for count, text in enumerate(opened, 1):
                    if text.strip():
                        file.append(number)
                        line.append(count)
                        offset.append(at)
                    at += len(text)
        return cls(files, *(np.array(column, dtype=np.int64) for column in (file, line, offset)))

    def only(self, places: Ints) -> Conversations:
        """Those at some places."""
        return Conversations(self.files, self.file[places], self.line[places], self.offset[places])

    def __len__(self) -> int:
        return len(self.offset)

    def __getitem__(self, place: int) -> Conversation:
        path = self.files[self.file[place]]
        with path.open("rb") as opened:
            opened.seek(int(self.offset[place]))
            return parse_row(path, int(self.line[place]), opened.readline(), Conversation)

    def where(self, place: int) -> str:
        """File and line, for an error."""
        return f"{self.files[self.file[place]]}: line {self.line[place]}"
