"""The files of the VSD challenge, `task1-2.json` and `task3.json`: read as predictions, written from them.

Source of the form: the challenge site. `task1-2.json` is a list of `{img_id, triple_list: [{s, o, p, s_bbox, o_bbox}],
description: [one]}`, `task3.json` a list of `{img_id, description: [three]}`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from llava_vsd.data.vsd import ImageId, VsdTriple
from llava_vsd.errors import FileError, MismatchError, RowError
from llava_vsd.json_list import read_open_list
from llava_vsd.jsonl import first_problem, replacing
from llava_vsd.matching import first_ids, matched
from llava_vsd.schema import SENTENCES, Item, Prediction, RelationAnswer

TASKS_1_2 = "task1-2.json"
TASK_3 = "task3.json"
ARCHIVE = "submission.zip"

_LARGEST = 1 << 28  # bytes of one file in an archive; a real one has about 3 MB
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the same predictions make the same archive, to the byte


class SingleEntry(BaseModel):
    """An entry of `task1-2.json`."""

    img_id: ImageId
    triple_list: list[VsdTriple]
    description: Annotated[list[str], Field(min_length=1, max_length=1)]


class DiverseEntry(BaseModel):
    """An entry of `task3.json`."""

    img_id: ImageId
    description: Annotated[list[str], Field(min_length=SENTENCES, max_length=SENTENCES)]


Entry = TypeVar("Entry", SingleEntry, DiverseEntry)


def is_submission(path: str | Path) -> bool:
    """Whether `path` can only be the challenge's files: a folder or a zip archive."""
    path = Path(path)
    return path.is_dir() or path.suffix.lower() == ".zip"


def read_submission(
    path: str | Path, items: Sequence[Item], *, allow_missing: bool = False
) -> list[Prediction]:
    """Reads the two files of a submission as predictions, one an item, in the items' order.

    Args:
        path: a folder that holds the two files, or a zip archive that does (in it they may lie in a folder).
        items: what was asked; an entry belongs to the item of its image.
        allow_missing: an image that a file has no entry for is left open there, instead of being an error; one
            that both lack has no prediction.

    Raises:
        FileError: a file is missing, unreadable, empty, or not a JSON list.
        RowError: an entry has a fault, is the second of its image, is of an unknown image, or names other things or
            boxes than the item; names file, entry and field.
        MismatchError: entries are missing, or two items have the same image; names the images.
    """
    path = Path(path)
    by_image = _by_image(items)
    source = _archived if path.suffix.lower() == ".zip" and not path.is_dir() else _filed
    single = _entries(*source(path, TASKS_1_2), SingleEntry, by_image, allow_missing)
    diverse = _entries(*source(path, TASK_3), DiverseEntry, by_image, allow_missing)
    predictions = []
    for image, item in by_image.items():
        first, third = single.get(image), diverse.get(image)
        if first is None and third is None:
            continue
        predictions.append(
            Prediction(
                id=item.id,
                image=image,
                model=f"submission:{path.name}",
                relations=[
                    RelationAnswer(subject=triple.subject, object=triple.object, relation=said.p)
                    for triple, said in zip(item.triples, first.triple_list, strict=True)
                ]
                if first
                else [],
                description=first.description[0] if first else "",
                descriptions=third.description if third else [],
            )
        )
    return predictions


def write_submission(
    folder: str | Path, items: Sequence[Item], predictions: Iterable[Prediction]
) -> list[Path]:
    """Writes `task1-2.json`, `task3.json` and both in `submission.zip`; returns the three paths.

    The entries stand in the items' order, with the items' boxes and the relations as the data files write them.
    Everything is checked before the first file is written.

    Raises:
        MismatchError: the predictions do not fit the items (see `matched`), a sentence is empty, there are not three
            of them for task 3 (names ids and field), or two items have the same image.
        FileError: a file cannot be written.
    """
    _by_image(items)
    answers = matched(items, predictions)
    single, diverse, faults = [], [], {}
    for item, answer in zip(items, answers, strict=True):
        assert answer is not None  # matched() without allow_missing
        fault = _fault(answer)
        if fault:
            faults[item.id] = fault
        single.append(_single(item, answer))
        diverse.append({"img_id": item.image, "description": [text.strip() for text in answer.descriptions]})
    if faults:
        name, fault = next(iter(faults.items()))
        others = f"; likewise {first_ids(list(faults)[1:])}" if len(faults) > 1 else ""
        raise MismatchError(f"prediction {name}: {fault}{others}")
    folder = Path(folder)
    texts = {TASKS_1_2: _dumped(single), TASK_3: _dumped(diverse)}
    for file_name, text in texts.items():
        with replacing(folder / file_name) as file:
            file.write(text)
    with (
        replacing(folder / ARCHIVE, binary=True) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for file_name, text in texts.items():
            member = zipfile.ZipInfo(file_name, _NO_DATE)
            member.external_attr = 0o644 << 16
            archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return [folder / TASKS_1_2, folder / TASK_3, folder / ARCHIVE]


def _single(item: Item, answer: Prediction) -> dict[str, Any]:
    return {
        "img_id": item.image,
        "triple_list": [
            {
                "s": triple.subject,
                "o": triple.object,
                "p": said.relation,
                "s_bbox": triple.subject_box,
                "o_bbox": triple.object_box,
            }
            for triple, said in zip(item.triples, answer.relations, strict=True)
        ],
        "description": [answer.description.strip()],
    }


def _fault(answer: Prediction) -> str:
    """What the challenge would not take: field, what was found, what was expected; empty if nothing."""
    unread = next((place for place, said in enumerate(answer.relations) if said.relation is None), None)
    if unread is not None:
        return f"relations[{unread}].relation: none, expected one of the nine"
    if len(answer.descriptions) != SENTENCES:
        return f"descriptions: {len(answer.descriptions)} sentences, expected {SENTENCES}"
    sentences = {"description": answer.description} | {
        f"descriptions[{place}]": text for place, text in enumerate(answer.descriptions)
    }
    empty = next((field for field, text in sentences.items() if not text.strip()), "")
    return f"{empty}: empty, expected a sentence" if empty else ""


def _dumped(entries: Sequence[Any]) -> str:
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"


def _by_image(items: Sequence[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        other = found.setdefault(item.image, item)
        if other is not item:
            raise MismatchError(
                f"items {other.id} and {item.id} have the same image {item.image}; "
                "a submission knows items by their images, expected one item an image"
            )
    return found


def _filed(folder: Path, name: str) -> tuple[Path, bytes]:
    path = folder / name
    try:
        return path, path.read_bytes()
    except FileNotFoundError:
        raise FileError(path, f"no such file; a submission is {TASKS_1_2} and {TASK_3}") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None


def _archived(path: Path, name: str) -> tuple[Path, bytes]:
    from llava_vsd.data.archives import BROKEN  # brings the HTTP client along

    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.rsplit("/", 1)[-1] == name]
            if len(members) != 1:
                raise FileError(path, f"holds {len(members)} files {name}, expected one")
            if members[0].file_size > _LARGEST:
                raise FileError(path, f"{name} unpacks to over {_LARGEST >> 20} MB")
            return path / members[0].filename, archive.read(members[0])
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except (OSError, *BROKEN) as error:
        raise FileError(path, f"cannot be unpacked: {error}") from None


def _entries(
    path: Path, content: bytes, model: type[Entry], by_image: Mapping[str, Item], allow_missing: bool
) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    places: dict[str, int] = {}
    for place, value in enumerate(read_open_list(io.BytesIO(content), path, of="entries")):
        image = value.get("img_id", "missing") if isinstance(value, dict) else "missing"
        where = f"entry {place} (img_id {image})"
        try:
            entry = model.model_validate(value)
        except ValidationError as error:
            raise RowError(path, where, *first_problem(error)) from None
        item = by_image.get(entry.img_id)
        if item is None:
            raise RowError(path, where, "img_id", "no item has this image")
        if entry.img_id in places:
            raise RowError(path, where, "img_id", f"entry {places[entry.img_id]} has this image already")
        if isinstance(entry, SingleEntry):
            fault = _difference(item, entry)
            if fault:
                raise RowError(path, where, *fault)
        found[entry.img_id], places[entry.img_id] = entry, place
    missing = [image for image in by_image if image not in found]
    if missing and not allow_missing:
        raise MismatchError(
            f"{path}: no entry for img_id {first_ids(missing)}; expected one for each of {len(by_image)} items "
            "(or --allow-missing)"
        )
    return found


def _difference(item: Item, entry: SingleEntry) -> tuple[str, str] | None:
    """The field in which an entry is about something else than its item, and what was expected."""
    if len(entry.triple_list) != len(item.triples):
        return "triple_list", f"{len(entry.triple_list)} triples, expected the item's {len(item.triples)}"
    for place, (said, triple) in enumerate(zip(entry.triple_list, item.triples, strict=True)):
        pairs = {
            "s": (said.s, triple.subject),
            "o": (said.o, triple.object),
            "s_bbox": (list(said.s_bbox), list(triple.subject_box)),
            "o_bbox": (list(said.o_bbox), list(triple.object_box)),
        }
        for field, (found, expected) in pairs.items():
            if found != expected:
                return f"triple_list[{place}].{field}", f"{found!r}, expected the item's {expected!r}"
    return None
