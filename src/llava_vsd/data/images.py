"""Finds images on disk by the ids of the VSD files, whatever folders they were unpacked into, and opens them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llava_vsd.errors import FileError, MissingImagesError
from llava_vsd.schema import is_text

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png")


def is_image(name: str) -> bool:
    """Whether a file name is an image's: not hidden (macOS leaves `._2670.jpg` beside images), known suffix."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def image_key(name: str) -> str:
    """What an id and the names of its file have in common: `2670`, `2670.jpg` and `2670.PNG` all give `2670`."""
    stem, _, suffix = name.rpartition(".")
    return stem if stem and f".{suffix.lower()}" in SUFFIXES else name


def in_order(ids: Iterable[str]) -> list[str]:
    """Unique ids: Visual Genome's numbers by value, then names by letters."""
    return sorted(set(ids), key=lambda image: (0, int(image), "") if _is_number(image) else (1, 0, image))


def _is_number(image: str) -> bool:
    return image.isascii() and image.isdigit()


class ImageStore:
    """The images under one or more folders, at any depth: `VG_100K/2670.jpg`, `images/nyu/nyu_office_1.png`, flat.

    The folders are scanned once, at the first question. An id is the number of a Visual Genome image or the file
    name of a SpatialSense image; the suffix may differ (an `x.png` saved as `x.jpg` is found), the exact name wins.
    An id with folders in it (`00453/004530299.jpg`, as LLaVA's data have them) is the end of the file's path.
    Where an id has several files, the folder that was given first wins; files inside one folder must then have the
    same size, and the first by path is taken.

    Args:
        folders: one folder or several, the most wanted first. Links are followed; hidden names are passed over.
    """

    def __init__(self, folders: str | Path | Sequence[str | Path]) -> None:
        given = [folders] if isinstance(folders, str | Path) else folders
        self.folders = [Path(folder) for folder in given]
        self._found: list[dict[str, list[str]]] | None = None

    def path(self, image: str) -> Path:
        """The file of an image.

        Raises:
            MissingImagesError: no folder holds it.
            FileError: a folder cannot be read, or it holds files of different size for this id.
        """
        for found in self._scanned():
            if paths := _fitting(image, found):
                return Path(_only(image, paths))
        raise MissingImagesError(self._place(), [image], 1)

    def relative(self, image: str) -> str:
        """The path of an image below the folder that holds it, with forward slashes; raises as `path`."""
        path = self.path(image)
        folder = next(folder for folder in self.folders if path.is_relative_to(folder))
        return path.relative_to(folder).as_posix()

    def open(self, image: str) -> Image:
        """The image, decoded, in the mode of its file (RGB, L, ...).

        Raises:
            MissingImagesError: as `path`.
            FileError: as `path`, or the file is not a whole image; names id and path.
        """
        with self._opened(image) as opened:
            opened.load()
            return opened

    def size(self, image: str) -> tuple[int, int]:
        """Width and height of an image in pixels, from the head of its file; raises as `open`."""
        with self._opened(image) as opened:
            return opened.size

    @contextmanager
    def _opened(self, image: str) -> Iterator[Image]:
        from PIL import Image

        path = self.path(image)
        try:
            with Image.open(path) as opened:
                yield opened
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            problem = (
                "is empty" if path.exists() and not path.stat().st_size else f"cannot be decoded: {error}"
            )
            raise FileError(path, f"image {image} {problem}") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise FileError(path, f"image {image} is suspiciously large: {error}") from None

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids that no folder holds: unique, numbers by value, then names."""
        return in_order(image for image in ids if image not in self)

    def require(self, ids: Iterable[str]) -> None:
        """Makes sure that all are there.

        Raises:
            MissingImagesError: says how many of how many are not; its `ids` holds all of them.
        """
        asked = set(ids)
        if missing := self.missing(asked):
            raise MissingImagesError(self._place(), missing, len(asked))

    def __contains__(self, image: str) -> bool:
        return any(_fitting(image, found) for found in self._scanned())

    def __len__(self) -> int:
        return len(set().union(*self._scanned()))

    def _place(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)

    def _scanned(self) -> list[dict[str, list[str]]]:
        if self._found is None:
            self._found = [_scan(folder) for folder in self.folders]
        return self._found


class ImageFiles(ImageStore):
    """Images by the paths of their files, without a look at what else is in their folders."""

    def __init__(self) -> None:
        super().__init__(())

    def path(self, image: str) -> Path:
        """The file; FileError where there is none, or its name cannot stand in a row."""
        path = Path(image)
        if not path.is_file():
            raise FileError(path, "no such file; expected a picture")
        if not is_text(image):
            raise FileError(path, "its name is not UTF-8; expected a picture of another name")
        return path

    def __contains__(self, image: str) -> bool:
        return Path(image).is_file()


def _fitting(image: str, found: dict[str, list[str]]) -> list[str]:
    """Files that an id may stand for."""
    above, _, name = image.rpartition("/")
    paths = found.get(image_key(name), [])
    if above:
        paths = [path for path in paths if _ends_with(os.path.dirname(path), above)]
    return paths


def _ends_with(folder: str, end: str) -> bool:
    parts = end.split("/")
    return folder.replace(os.sep, "/").split("/")[-len(parts) :] == parts


def _only(image: str, paths: list[str]) -> str:
    exact = [path for path in paths if os.path.basename(path) == image.rpartition("/")[2]]
    first, *others = sorted(exact or paths)
    size = os.path.getsize(first) if others else 0
    for other in others:
        if os.path.getsize(other) != size:
            problem = (
                f"image {image} is there twice: {size:,} bytes, and {os.path.getsize(other):,} as {other}; "
                "remove one, or name the wanted folder first"
            )
            raise FileError(first, problem)
    return first


def _scan(folder: Path) -> dict[str, list[str]]:
    """Paths of all images under a folder, by key."""
    found: dict[str, list[str]] = {}
    for entry in files_under(folder):
        if is_image(entry.name):
            found.setdefault(image_key(entry.name), []).append(entry.path)
    return found


def files_under(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """All files under a folder, in no order; links are followed, hidden names and macOS leftovers passed over.

    No file is asked for its size or date: one look at each folder is enough.

    Raises:
        FileError: a folder is not there or cannot be read.
    """
    waiting, seen = [os.fspath(folder)], set[tuple[int, int]]()
    while waiting:
        here = waiting.pop()
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:  # a link that leads back up
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name == "__MACOSX":
                        continue
                    if entry.is_dir():
                        waiting.append(entry.path)
                    else:
                        yield entry
        except OSError as error:
            raise FileError(here, f"cannot be looked through: {error.strerror}") from None
