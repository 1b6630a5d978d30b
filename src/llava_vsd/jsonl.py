"""Rows in JSON-lines files: read, write, append and resume; an error names file, line and field."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from llava_vsd.errors import FileError, RowError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

M = TypeVar("M", bound=BaseModel)


def read_rows(path: str | Path, model: type[M]) -> Iterator[M]:
    """Yields the rows of a JSON-lines file, one at a time; blank lines are passed over.

    Raises:
        FileError: the file is missing, is a folder, is not UTF-8, or has no row.
        RowError: a line is not JSON or not a `model`; names line, field and what was expected.
    """
    path = Path(path)
    found = False
    for number, line in _lines(path):
        if not line.strip():
            continue
        found = True
        try:
            yield model.model_validate_json(line)
        except ValidationError as error:
            field, problem = first_problem(error)
            raise RowError(path, f"line {number}", field, problem) from None
    if not found:
        raise FileError(path, f"empty; expected one {model.__name__} a line")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            yield from enumerate(file, 1)
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The field (`triples[0].relation`) and the complaint of the first fault that pydantic found."""
    first = error.errors(include_url=False)[0]
    field = ""
    for part in first["loc"]:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] not in ("missing", "json_invalid", "value_error"):
        found = json.dumps(first["input"], ensure_ascii=False, default=str)
        message += f", found {found if len(found) <= 80 else found[:77] + '...'}"
    return field, message[0].lower() + message[1:]


def dump(row: BaseModel) -> str:
    """One row as one line, without the line feed."""
    return row.model_dump_json()


@contextmanager
def replacing(path: str | Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Opens a file that takes its name only when it is whole: after an error or a kill the old file stands.

    Args:
        path: folders above it are made.
        binary: bytes are written, instead of text in UTF-8.

    Raises:
        FileError: the folder cannot be made or written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file: IO[Any] = part.open("wb") if binary else part.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def writing_rows(path: str | Path) -> Iterator[Callable[[BaseModel], None]]:
    """Yields a function that writes one row; the file takes its name when all are written."""
    with replacing(path) as file:

        def write(row: BaseModel) -> None:
            file.write(dump(row) + "\n")

        yield write


def write_rows(path: str | Path, rows: Iterable[BaseModel]) -> int:
    """Writes all rows, atomically, in constant memory; returns how many."""
    count = 0
    with writing_rows(path) as write:
        for row in rows:
            write(row)
            count += 1
    return count


def _lock(file: IO[bytes], path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileError(path, "another process is writing to it") from None


class Appender:
    """Appends rows to a file so that after a kill at any moment the same run can go on.

    On opening, a torn last line (one without its line feed) is cut off and the rows before it are handed to
    `keep`; each row is then written by one unbuffered write, line feed included.

    Raises:
        RowError: a whole line of the existing file is not a row.
        FileError: the file cannot be written, or another process is appending to it (told by a POSIX lock; on
            Windows, which has none, the caller must see to it).
    """

    def __init__(self, path: str | Path, model: type[M], keep: Callable[[M], None]) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise FileError(path, f"cannot be written: {error.strerror}") from None
        try:
            _lock(self._file, self.path)
            self._cut_torn_tail()
            if self._file.tell():
                for row in read_rows(self.path, model):
                    keep(row)
        except BaseException:
            self._file.close()
            raise

    def _cut_torn_tail(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            self._file.seek(start)
            block = self._file.read(end - start)
            found = block.rfind(b"\n")
            end = start + found + 1 if found >= 0 else start
            if found >= 0:
                break
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)

    def append(self, row: BaseModel) -> None:
        """Writes one row; it is in the file when this returns."""
        line = memoryview((dump(row) + "\n").encode())
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            raise FileError(self.path, f"cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Brings everything to the disk and lets go of the file."""
        os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
