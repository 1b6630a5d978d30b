"""The VSD files (v1 and v2) as their authors publish them, read and joined into items."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from llava_vsd.data.images import ImageStore
from llava_vsd.errors import FileError, MismatchError, MissingImagesError, RowError, UsageError
from llava_vsd.json_list import read_list
from llava_vsd.jsonl import first_problem
from llava_vsd.relations import RELATIONS, Relation, parse_relation
from llava_vsd.schema import Box, Item, Triple

SPLITS = ("train", "val", "test")


def _relation(value: Any) -> Any:
    relation = parse_relation(value) if isinstance(value, str) else None
    if relation is None:
        raise ValueError(f"unknown relation {value!r}; expected one of: {', '.join(RELATIONS)}")
    return relation


def _box(box: Box) -> Box:
    y_min, y_max, x_min, x_max = box
    if min(box) < 0:
        raise ValueError(f"box {list(box)} lies outside the picture; expected coordinates of 0 or more")
    if y_min > y_max or x_min > x_max:
        raise ValueError(f"box {list(box)} is inverted; expected [y_min, y_max, x_min, x_max]")
    return box


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("empty; expected text")
    return text


def _name(text: str) -> str:
    return " ".join(_said(text).split())


ImageId = Annotated[
    str, BeforeValidator(lambda value: str(value) if type(value) is int else value), Field(min_length=1)
]
Name = Annotated[str, AfterValidator(_name)]
FileBox = Annotated[Box, AfterValidator(_box)]


class VsdTriple(BaseModel):
    """A triple as the files write it."""

    s: Name
    o: Name
    p: Annotated[Relation, BeforeValidator(_relation)]
    s_bbox: FileBox
    o_bbox: FileBox

    def triple(self) -> Triple:
        """The same in our own words."""
        return Triple(
            subject=self.s, object=self.o, relation=self.p, subject_box=self.s_bbox, object_box=self.o_bbox
        )


class VsdEntry(BaseModel):
    """An entry as the files write it."""

    img_id: ImageId
    triple_list: Annotated[list[VsdTriple], Field(min_length=1)]
    captions: list[Annotated[str, AfterValidator(_said)]]

    def descriptions(self) -> list[str]:
        """Unique as written, in order, then stripped.

        The paper's counts take two strings that differ in outer blanks alone for two descriptions (11,891 in val;
        after stripping it would be 11,880), hence this order.
        """
        return [text.strip() for text in dict.fromkeys(self.captions)]


@dataclass(slots=True)
class VsdFiles:
    """The files of one split: v1, v2, or both, joined by place.

    Attributes:
        v1, v2: at least one is given.
        split: one of `SPLITS`, stands in the ids; read off the file names where it is not given.
        skip_bad: leave out entries with a fault and note them in `bad`, instead of raising at the first.
        images: where the pictures are; then each must be there and hold its boxes.
        bad: filled while reading.
        written: descriptions as written, repetitions included; counted while reading.
        most_repeated: the most repetitions (descriptions written less unique ones) in one entry of one file.
    """

    v1: Path | None
    v2: Path | None
    split: str = ""
    skip_bad: bool = False
    images: ImageStore | None = None
    bad: list[RowError] = field(default_factory=list)
    written: int = 0
    most_repeated: int = 0

    def __post_init__(self) -> None:
        if self.v1 is None and self.v2 is None:
            raise UsageError("no VSD file; expected --v1 FILE, --v2 FILE or both")
        if not self.split:
            named = {split_of(path) for path in (self.v1, self.v2) if path} - {None}
            if len(named) != 1:
                names = " and ".join(path.name for path in (self.v1, self.v2) if path)
                raise UsageError(f"cannot tell the split from {names}; expected --split {'|'.join(SPLITS)}")
            self.split = named.pop() or ""
        if self.split not in SPLITS:
            raise UsageError(f"split: {self.split!r}, expected {', '.join(SPLITS)}")

    @property
    def is_test(self) -> bool:
        """Whether the split or a file's name says that this is test data."""
        return "test" in (self.split, *(split_of(path) for path in (self.v1, self.v2) if path))

    def items(self) -> Iterator[Item]:
        """Reads and joins, one item at a time.

        Raises:
            FileError: a file is missing, empty, or not a JSON list.
            RowError: an entry has a fault (unless `skip_bad`); names file, entry, field and what was expected.
            MismatchError: the files differ in an entry's picture or triples, or in length; names the first such entry.
        """
        if self.v1 is None or self.v2 is None:
            path = self.v1 or self.v2
            assert path is not None
            entries = _entries(path)
            for place, entry in enumerate(entries):
                read = self._checked(path, place, entry)
                if read is not None:
                    yield self._item(place, read, None) if self.v1 else self._item(place, None, read)
            return
        others = _entries(self.v2)
        place = -1
        for place, entry in enumerate(_entries(self.v1)):
            other = next(others, None)
            if other is None:
                raise MismatchError(
                    f"{self.v2} ends before entry {place}, which {self.v1} has; expected the same entries"
                )
            if _id(entry) != _id(other):
                raise MismatchError(
                    f"entry {place} differs: img_id {_id(entry)} in {self.v1}, {_id(other)} in {self.v2}; "
                    "expected the same pictures in the same order"
                )
            first, second = self._checked(self.v1, place, entry), self._checked(self.v2, place, other)
            if first is None or second is None:
                continue
            if any(triple not in first.triple_list for triple in second.triple_list):
                raise MismatchError(
                    f"entry {place} (img_id {first.img_id}) differs: {self.v2} has a triple that {self.v1} has not"
                )
            yield self._item(place, first, second)
        if next(others, None) is not None:
            raise MismatchError(
                f"{self.v2} goes on after entry {place}, the last of {self.v1}; expected the same entries"
            )

    def _checked(self, path: Path, place: int, entry: Any) -> VsdEntry | None:
        try:
            read = VsdEntry.model_validate(entry)
            name, problem = ("", "") if self.images is None else _misfit(read, self.images)
            if not problem:
                return read
        except ValidationError as error:
            name, problem = first_problem(error)
        fault = RowError(path, f"entry {place} (img_id {_id(entry)})", name, problem)
        if not self.skip_bad:
            raise fault
        self.bad.append(fault)
        return None

    def _item(self, place: int, v1: VsdEntry | None, v2: VsdEntry | None) -> Item:
        entry = v1 or v2
        assert entry is not None
        for part in (v1, v2):
            if part:
                self.written += len(part.captions)
                self.most_repeated = max(self.most_repeated, len(part.captions) - len(set(part.captions)))
        return Item(
            id=f"{'v1' if v1 else 'v2'}-{self.split}-{place:05d}",
            image=entry.img_id,
            triples=[triple.triple() for triple in entry.triple_list],
            descriptions_v1=v1.descriptions() if v1 else [],
            descriptions_v2=v2.descriptions() if v2 else [],
        )


def read_items(v1: str | Path | None, v2: str | Path | None, *, split: str = "") -> list[Item]:
    """All items of one split, in memory; see `VsdFiles` for a stream, for skipping bad entries, and for the errors."""
    return list(VsdFiles(Path(v1) if v1 else None, Path(v2) if v2 else None, split).items())


def split_of(path: Path) -> str | None:
    """The split that a file's name tells (`vsdv1_val.json`, `newvsd_train.json`), or None."""
    found = [split for split in re.split(r"[^a-z]+", path.stem.lower()) if split in SPLITS]
    return found[-1] if found else None


def _misfit(entry: VsdEntry, images: ImageStore) -> tuple[str, str]:
    """The field that does not fit the entry's picture, and how; two empty texts where all is well."""
    try:
        with images.open(entry.img_id) as picture:
            width, height = picture.size
    except (FileError, MissingImagesError) as error:
        return "img_id", str(error)
    for place, triple in enumerate(entry.triple_list):
        for name, box in (("s_bbox", triple.s_bbox), ("o_bbox", triple.o_bbox)):
            if box[1] > height or box[3] > width:
                problem = f"box {list(box)} lies outside the picture, which is {height} high and {width} wide"
                return f"triple_list[{place}].{name}", problem
    return "", ""


def _entries(path: Path) -> Iterator[Any]:
    return read_list(path, of="VSD entries")


def _id(entry: Any) -> str:
    return str(entry.get("img_id", "missing")) if isinstance(entry, dict) else "missing"
