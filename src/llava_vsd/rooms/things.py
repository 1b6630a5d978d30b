"""What can stand in a room: names, what each thing can do, and the models that show it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from llava_vsd.errors import FileError
from llava_vsd.folders import cache_folder
from llava_vsd.rooms.archive import PLACES, open_archives
from llava_vsd.rooms.built import BUILT
from llava_vsd.rooms.mesh import Mesh

SMALL = 0.22
"""Metres: what is smaller in every direction stands on something, never on the floor of a room."""

LARGE = 0.8
"""Metres: what is larger in some direction stands on the floor, never on a table."""


@dataclass(frozen=True)
class Thing:
    """A model with its name.

    Attributes:
        key: of the model.
        name: what a person calls it; several models may share it.
        roles: letters, see `weights/rooms/things.tsv`.
        size: width, depth, height in metres.
    """

    key: str
    name: str
    roles: str
    size: tuple[float, float, float]

    @property
    def largest(self) -> float:
        """The longest side, metres."""
        return max(self.size)

    @property
    def is_small(self) -> bool:
        """Whether it stands on furniture, never on the floor: it would be lost there, or does not belong there."""
        return self.largest < SMALL or "k" in self.roles

    @property
    def stays_down(self) -> bool:
        """Whether it stands on the floor, never on another thing."""
        return "f" in self.roles

    @property
    def is_large(self) -> bool:
        """Whether it is furniture."""
        return self.largest > LARGE

    @property
    def is_heavy(self) -> bool:
        """Whether nobody would lift it onto something else."""
        return self.stays_down or (self.is_large and not self.hangs)

    @property
    def hangs(self) -> bool:
        """Whether it hangs from a ceiling or a wall."""
        return "h" in self.roles or "w" in self.roles


class Catalogue:
    """All things, and the meshes of their models, read once.

    Args:
        things: keys are unique.
        read: gives the mesh of a key.
    """

    def __init__(self, things: list[Thing], read: Callable[[str], Mesh]) -> None:
        self.things = things
        self.mesh = cache(read)


KINDS = {
    "armchair": "chair", "bin": "basket", "crate": "box", "desk": "table", "mug": "cup", "pot": "bowl",
    "salad": "bowl", "stockpot": "bowl",
    "sideboard": "dresser", "stool": "chair", "trunk": "box",
}  # fmt: skip
"""Last words of names that a person may take for each other."""


def kind(name: str) -> str:
    """What a name is a kind of: `coffee table` and `desk` are tables. One of a kind is in a picture."""
    last = name.split()[-1]
    return KINDS.get(last, last)


BUILT_THINGS = (
    ("red box", "box", "tp"), ("blue box", "box", "tp"), ("small ball", "ball", "pb"), ("football", "ball", "pb"),
    ("green ball", "ball", "pb"), ("cup", "cup", "p"), ("bowl", "bowl", "cp"), ("large bowl", "bowl", "cp"),
    ("crate", "crate", "cp"), ("book", "book", "tp"), ("high table", "table", "tup"), ("low table", "table", "tup"),
    ("stool", "stool", "tup"), ("bench", "bench", "tup"), ("chair", "chair", "tup"), ("dark chair", "chair", "tup"),
    ("cabinet", "cabinet", "tp"), ("lamp", "lamp", "hp"),
)  # fmt: skip
"""Model, name and roles of what `built.BUILT` makes."""


def built_catalogue() -> Catalogue:
    """Things made by code: boxes, bowls, tables; no file is needed."""

    def read(key: str) -> Mesh:
        return BUILT[key]()

    things = []
    for key, name, roles in BUILT_THINGS:
        width, depth, height = (float(part) for part in read(key).size)
        things.append(Thing(key, name, roles, (width, depth, height)))
    return Catalogue(things, read)


def furniture_catalogue(source: Path | None = None, kept_in: Path | None = None) -> Catalogue:
    """The furniture of Debian's package `sweethome3d-furniture`, by the names of `weights/rooms/things.tsv`.

    Models are read and decimated once and kept in the user's cache; 315 of them take two minutes and 130 MB.

    Args:
        source: the package, or a folder that holds its `.sh3f` files; by default where the package puts them.
        kept_in: the folder for them; default `rooms` in the user's cache.

    Raises:
        FileError: the source is not there, or lacks a model that the table names.
    """
    folder = kept_in or cache_folder() / "rooms"
    rows = named_models()
    keys = [key for _, _, models in rows for key in models]
    if any(not _kept(folder, key).exists() for key in keys):
        _keep(keys, source or _installed(), folder)

    def read(key: str) -> Mesh:
        return Mesh.load(_kept(folder, key))

    things = []
    sizes = _sizes(folder, keys)
    for name, roles, models in rows:
        things += [Thing(key, name, roles, sizes[key]) for key in models]
    return Catalogue(things, read)


def named_models() -> list[tuple[str, str, list[str]]]:
    """Rows of `weights/rooms/things.tsv`: name, roles, keys of its models."""
    rows = []
    for line in (files("llava_vsd") / "weights/rooms/things.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, roles, models = line.split("\t")
            rows.append((name, roles.replace("-", ""), models.split()))
    return rows


def _installed() -> Path:
    for place in PLACES:
        if place.is_dir():
            return place
    raise FileError(
        PLACES[0],
        "no such folder; expected the furniture of Debian's package sweethome3d-furniture: `apt-get install` it, or "
        "`apt-get download` it and give the file by --furniture",
    )


def _kept(folder: Path, key: str) -> Path:
    return folder / f"{key.replace('/', '--')}.npz"


def _keep(keys: list[str], source: Path, folder: Path) -> None:
    """Reads what the cache lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = {key for key in keys if not _kept(folder, key).exists()}
    for archive in open_archives(source):
        for key in sorted(waiting & set(archive.entries)):
            part = folder / f".{os.getpid()}.part"
            archive.mesh(archive.entries[key]).save(part)
            part.replace(_kept(folder, key))
            waiting.discard(key)
    if waiting:
        raise FileError(
            source, f"lacks {len(waiting)} models, the first is {min(waiting)}; expected version 1.8"
        )


def _sizes(folder: Path, keys: list[str]) -> dict[str, tuple[float, float, float]]:
    path = folder / "sizes.tsv"
    found: dict[str, tuple[float, float, float]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            key, *size = line.split("\t")
            found[key] = (float(size[0]), float(size[1]), float(size[2]))
    if set(keys) - set(found):
        for key in keys:
            width, depth, height = (float(part) for part in Mesh.load(_kept(folder, key)).size)
            found[key] = (width, depth, height)
        part = folder / f".sizes.{os.getpid()}.part"
        part.write_text(
            "".join(f"{key}\t{w:.4f}\t{d:.4f}\t{h:.4f}\n" for key, (w, d, h) in found.items()), "utf-8"
        )
        part.replace(path)
    return found


def share(*words: str) -> float:
    """A number in 0..1 that follows from the words alone, on every machine."""
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
