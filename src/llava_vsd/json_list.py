"""Entries of a file that holds one JSON list, read one at a time in constant memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from llava_vsd.errors import FileError

_BLOCK = 1 << 16
_BLANK = " \t\r\n"


def read_list(path: str | Path, *, of: str) -> Iterator[Any]:
    """Yields the entries of a JSON list.

    Args:
        path: a UTF-8 file, with or without a byte-order mark.
        of: what the entries are, for the error message (`VSD entries`).

    Raises:
        FileError: the file is missing, unreadable, empty, not UTF-8, not JSON (names line and column), JSON lines or
            another JSON value than a list, cut off, or a list without entries; or it holds what is JSON but no text
            or number of any use (half a surrogate pair, thousands of digits).
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            yield from read_open_list(file, path, of=of)
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None


def read_open_list(file: IO[bytes], path: Path, *, of: str) -> Iterator[Any]:
    """As `read_list`, from a file that is open already; `path` is its name in errors."""
    return _Reader(path, file, of).entries()


class _Reader:
    """A window of text that slides over the file; `done` characters, `lines` lines of it have passed already."""

    def __init__(self, path: Path, file: IO[bytes], of: str) -> None:
        self.path, self.file, self.of = path, file, of
        self.decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self.parse = json.JSONDecoder().raw_decode
        self.text, self.at, self.lines, self.column, self.ended = "", 0, 1, 1, False

    def entries(self) -> Iterator[Any]:
        first = self.next_mark()
        if not first:
            raise FileError(self.path, f"empty; expected a JSON list of {self.of}")
        if first != "[":
            self.refuse_other(first)
        self.at += 1
        count = 0
        while self.next_mark() != "]" or count:
            if count:
                mark = self.next_mark()
                self.expect(mark, ",]", f"',' or ']' after entry {count - 1}")
                self.at += 1
                if mark == "]":
                    break
            self.expect(self.next_mark(), '{["-0123456789tfn', f"entry {count}")
            yield self.value(f"entry {count}")
            count += 1
        if not count:
            raise FileError(self.path, f"an empty list; expected {self.of}")
        if self.next_mark():
            raise self.fault("text after the list's end")

    def refuse_other(self, first: str) -> None:
        if first != "{":
            raise self.fault(f"not a JSON list of {self.of}")
        self.value("the first value")
        lines = bool(self.next_mark())
        kind = "JSON lines" if lines else "one JSON object"
        raise FileError(self.path, f"{kind}; expected a JSON list of {self.of}: [{{...}}, {{...}}]")

    def more(self) -> bool:
        """Reads on, letting go of what has been used; False at the end of the file."""
        if self.ended:
            return False
        used = self.text[: self.at]
        self.lines, self.column = self._place(used)
        try:
            block = self.file.read(max(_BLOCK, len(self.text) - self.at))  # doubling: no quadratic re-parsing
            self.text, self.at = self.text[self.at :] + self.decode(block, not block), 0
        except UnicodeDecodeError as error:
            raise FileError(self.path, f"not UTF-8 text ({error.reason} after line {self.lines})") from None
        self.ended = not block
        return True

    def next_mark(self) -> str:
        """The next character that is not blank, without taking it; empty at the end of the file."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in _BLANK:
                    return self.text[self.at]
                self.at += 1
            if not self.more():
                return ""

    def expect(self, mark: str, allowed: str, what: str) -> None:
        if not mark:
            raise FileError(self.path, f"ends before its list does; expected {what}")
        if mark not in allowed:
            raise self.fault(f"expected {what}")

    def value(self, what: str) -> Any:
        while True:
            try:
                value, end = self.parse(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.more():
                    continue
                self.at = min(error.pos, len(self.text))
                raise self.fault(f"{what} is not JSON: {error.msg[0].lower()}{error.msg[1:]}") from None
            except RecursionError:
                raise self.fault(f"{what} is nested too deeply") from None
            except ValueError:  # since Python 3.11 an integer may be too long
                raise self.fault(f"{what} holds a number of thousands of digits") from None
            whole = isinstance(value, (dict, list, str)) or self.text[end : end + 1] in tuple(",]" + _BLANK)
            if not whole and self.more():
                continue  # a number may go on in the next block
            if "\\ud" in self.text[self.at : end].lower():
                self.refuse_half_pairs(value, what)
            self.at = end
            return value

    def refuse_half_pairs(self, value: Any, what: str) -> None:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise self.fault(
                f"{what} holds {half}, half of a surrogate pair, which is no character"
            ) from None

    def _place(self, used: str) -> tuple[int, int]:
        lines = used.count("\n")
        return self.lines + lines, (len(used) - used.rfind("\n") if lines else self.column + len(used))

    def fault(self, problem: str) -> FileError:
        line, column = self._place(self.text[: self.at])
        return FileError(self.path, f"line {line}, column {column}: {problem}")
