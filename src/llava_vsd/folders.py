"""Folders that appear whole or not at all, written beside their place, then renamed; and the user's cache folder."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llava_vsd.errors import FileError, UsageError


def cache_folder() -> Path:
    """The folder for what can be made again: `LLAVA_VSD_CACHE` where that is set, else the user's cache folder.

    `metrics/spice`, which can be lifted out of this package, follows the same rule by itself.

    Raises:
        UsageError: neither is known, as for a user without a home folder.
    """
    if chosen := os.environ.get("LLAVA_VSD_CACHE"):
        return Path(chosen)
    try:
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise UsageError("no home folder for a cache is known; set LLAVA_VSD_CACHE to a folder") from None
    return Path(base) / "llava-vsd"


def refuse_filled(path: str | Path) -> None:
    """Refuses a place where something is already; an empty folder is fine.

    Raises:
        FileError: there is a file, or a folder that holds something.
    """
    path = Path(path)
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        raise FileError(path, "is there already; expected a name that is free, or an empty folder")


@contextmanager
def writing_folder(path: str | Path) -> Iterator[Path]:
    """Gives an empty folder to write into, which takes the name `path` at the end, and is removed after an error.

    Its files are on the disk before it is renamed, so that neither a killed process nor a power cut leaves a half.

    Raises:
        FileError: `path` holds something already, or cannot be written, or the disk is full.
    """
    path = Path(os.path.realpath(path))
    refuse_filled(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # an earlier process of the same id that was killed
        part.mkdir(parents=True)
        yield part
        for file in part.rglob("*"):
            to_disk(file)
        part.replace(path)
        to_disk(path.parent)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def to_disk(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    if os.name != "posix" and path.is_dir():
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
