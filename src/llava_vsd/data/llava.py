"""LLaVA JSON, read: the form of LLaVA's own stage 1 and 2 data, of the authors' VSD set, and of many others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from llava_vsd.errors import FileError, RowError
from llava_vsd.json_list import read_list
from llava_vsd.jsonl import first_problem, read_rows
from llava_vsd.schema import Conversation, Row, Task, Turn

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_MARK = "<image>"


class _Entry(Row):
    id: str | int | None = None
    image: str | list[str] | None = None
    conversations: list[dict[str, Any]]


def read_llava(
    path: str | Path, *, task: Task = "chat", bad: list[RowError] | None = None
) -> Iterator[Conversation]:
    """Yields the conversations of a LLaVA file (a JSON list, or one object a line), in constant memory.

    Args:
        path: the file.
        task: what the conversations are, where their id does not tell (those that `vsd build` wrote do).
        bad: where to note entries with a fault and go on; without it the first one is raised.

    Raises:
        FileError: the file is missing, empty, or neither form.
        RowError: an entry has no turns, an unknown speaker, turns out of order, an empty answer, two images, or an
            image mark without an image; names file, entry, field and what was expected.
    """
    path = Path(path)
    for place, entry in enumerate(_entries(path)):
        name = entry.get("id", "missing") if isinstance(entry, dict) else "missing"
        try:
            yield _conversation(entry, f"{path.stem}-{place:06d}", task)
        except _FaultError as fault:
            error = RowError(path, f"entry {place} (id {name})", fault.field, fault.problem)
            if bad is None:
                raise error from None
            bad.append(error)


class _FaultError(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


def _entries(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    if start.startswith(b"{"):
        return (row.model_dump() for row in read_rows(path, Row))
    return read_list(path, of="LLaVA conversations")


def _conversation(value: Any, default_id: str, task: Task) -> Conversation:
    try:
        entry = _Entry.model_validate(value)
    except ValidationError as error:
        raise _FaultError(*first_problem(error)) from None
    images = (
        entry.image if isinstance(entry.image, list) else [entry.image] if entry.image is not None else []
    )
    if len(images) > 1:
        raise _FaultError("image", f"{len(images)} images; expected one at most")
    turns = [_turn(place, turn) for place, turn in enumerate(entry.conversations)]
    spoken = [turn.role for turn in turns if turn.role != "system"]
    if not spoken or spoken != ["user", "assistant"] * (len(spoken) // 2):
        found = ", ".join(spoken[:4]) + (", ..." if len(spoken) > 4 else "")
        raise _FaultError(
            "conversations", f"turns of {found or 'nobody'}; expected human and gpt by turns, gpt last"
        )
    marks = sum(turn.text.count(_MARK) for turn in turns)
    if marks > len(images) and marks > 0:
        raise _FaultError(
            "conversations", f"{marks} times {_MARK} with {len(images)} images; expected one for each image"
        )
    for turn in turns:
        turn.text = turn.text.replace(_MARK, "").strip()
    for place, turn in enumerate(turns):
        if turn.role == "assistant" and not turn.text:
            raise _FaultError(f"conversations[{place}].value", "empty answer; expected text to learn")
    key = str(entry.id) if entry.id is not None else default_id
    told = next((part for part in key.split("/")[1:2] if part in get_args(Task)), task)
    return Conversation.model_validate(
        {"id": key, "task": told, "image": images[0] if images else None, "turns": turns}
    )


def _turn(place: int, turn: dict[str, Any]) -> Turn:
    field = f"conversations[{place}]"
    role = _ROLES.get(str(turn.get("from", turn.get("role", "missing"))).lower())
    if role is None:
        found = turn.get("from", "missing")
        raise _FaultError(f"{field}.from", f"speaker {found!r}; expected human, gpt or system")
    text = turn.get("value")
    if not isinstance(text, str):
        raise _FaultError(f"{field}.value", f"{text!r}; expected text")
    return Turn.model_validate({"role": role, "text": text})
