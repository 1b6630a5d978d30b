"""Rows in JSON-lines files: read, write, append and resume; an error names file, line and field."""

from __future__ import annotations

import codecs
import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from llava_vsd.errors import FileError, RowError, UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

M = TypeVar("M", bound=BaseModel)


def read_rows(path: str | Path, model: type[M]) -> Iterator[M]:
    """Yields the rows of a JSON-lines file, one at a time; blank lines and a byte-order mark are passed over.

    Raises:
        FileError: the file is missing, is a folder, cannot be read, or has no row.
        RowError: a line is not JSON in UTF-8, or not a `model`; names line, field and what was expected.
    """
    path = Path(path)
    found = False
    for number, line in _lines(path):
        if line.strip():
            found = True
            yield parse_row(path, number, line, model)
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


def parse_row(path: Path, number: int, line: bytes, model: type[M]) -> M:
    """One line of a JSON-lines file as a row; raises RowError as `read_rows` does."""
    try:
        return model.model_validate_json(line.removeprefix(codecs.BOM_UTF8).strip())
    except ValidationError as error:
        field, problem = first_problem(error)
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            problem = problem.replace(" at line 1 column ", " at column ")  # pydantic sees this line alone
            problem += f"; expected one {model.__name__} a line"
        raise RowError(path, f"line {number}", field, problem) from None


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


def _unwritable(path: str | Path, error: OSError) -> FileError:
    above = isinstance(error, FileExistsError | NotADirectoryError)
    return FileError(path, f"cannot be written: {'a folder above it is a file' if above else error.strerror}")


@contextmanager
def replacing(path: str | Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Opens a file that takes its name only when it is whole: after an error or a kill the old file stands.

    A link stays, and the file that it leads to is replaced. A pipe or device is written to directly.

    Args:
        path: folders above it are made.
        binary: bytes are written, instead of text in UTF-8.

    Raises:
        FileError: the folder cannot be made, the file cannot be written, or the disk is full.
    """
    path = Path(path)
    whole = Path(os.path.realpath(path))
    part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        direct = path.exists() and not path.is_file()
        whole.parent.mkdir(parents=True, exist_ok=True)
        place = path if direct else part
        file: IO[Any] = place.open("wb") if binary else place.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with file:
            yield file
            if not direct:
                file.flush()
                os.fsync(file.fileno())
        if not direct:
            part.replace(whole)
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename not in (None, str(part)):
            raise  # another file's
        raise _unwritable(path, error) from None
    finally:
        if not direct:
            part.unlink(missing_ok=True)


def refuse_inputs(output: Path, *inputs: Path | None) -> None:
    """Refuses to write over a file that is read, by whatever name; UsageError says which."""
    if not output.exists():
        return
    for path in inputs:
        if path is not None and path.exists() and output.samefile(path):
            raise UsageError(f"output: {output} is the input {path}; expected another file")


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

    On opening, the rows of the existing file are handed to `keep`; if it takes them all, a torn last line (one
    without its line feed) is cut off. Each row is then written by one unbuffered write, line feed included.

    Args:
        path: the file.
        model: of its rows.
        keep: gets each row of the existing file.
        anew: empty the file instead of going on in it.

    Raises:
        RowError: a whole line of the existing file is not a row, or the last one is not the beginning of a row; the
            file stays as it was, also if `keep` raises.
        FileError: the file cannot be written, is a pipe or device, or another process is appending to it (told by a
            POSIX lock; on Windows, which has none, the caller must see to it).
    """

    def __init__(
        self, path: str | Path, model: type[M], keep: Callable[[M], None], *, anew: bool = False
    ) -> None:
        self.path = Path(path)
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise FileError(path, "is a pipe or device; expected a file, from which the same run can go on")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            _lock(self._file, self.path)
            self._file.truncate(0 if anew else self._keep_rows(model, keep))
        except BaseException:
            self._file.close()
            raise

    def _keep_rows(self, model: type[M], keep: Callable[[M], None]) -> int:
        """Hands over the whole rows; returns how many bytes they are."""
        size = 0
        for number, line in _lines(self.path):
            if not line.endswith(b"\n"):
                begins = "".join(f'{{"{field}":' for field in list(model.model_fields)[:1]) or "{"
                if not line.startswith(begins.encode()[: len(line)]):
                    problem = f"not the beginning of a {model.__name__}; this is another file"
                    raise RowError(self.path, f"line {number}", "", problem)
                break
            if line.strip():
                keep(parse_row(self.path, number, line, model))
            size += len(line)
        return size

    def append(self, row: BaseModel) -> None:
        """Writes one row; it is in the file when this returns."""
        line = memoryview((dump(row) + "\n").encode())
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def close(self) -> None:
        """Brings everything to the disk and lets go of the file."""
        try:
            with self._file:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
