"""The folder that things are fetched into: what is there, what it has to be, and where it came from.

Where nobody publishes a checksum, the first fetch is written into `fetch-lock.json`, and later ones are held to it.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from llava_vsd.data.archives import inside, is_there
from llava_vsd.data.download import Digest, Expected, digest
from llava_vsd.data.sources import Published
from llava_vsd.data.web import Web
from llava_vsd.errors import FileError, RowError
from llava_vsd.jsonl import first_problem, replacing

LOCK = "fetch-lock.json"


@dataclass(frozen=True)
class FileReport:
    """What became of one published file.

    Attributes:
        path: under the target folder; for a local one, where it was.
        state: `fetched`, `resumed` (an earlier run had begun), `there`, `given`, or `ranges` (parts of it only).
        bytes: of the file, or of the images taken from it for `given` and `ranges`.
        checked: what its content was compared with.
    """

    path: str
    state: str
    bytes: int
    url: str
    checked: str


class Locked(BaseModel):
    """A file that was fetched or found.

    Attributes:
        url: from where; the path for a local one.
        bytes: size.
        sha256: checksum.
        checked: what it was compared with.
        changed: modification time in nanoseconds, so that an untouched file is not read again.
    """

    url: str
    bytes: int
    sha256: str
    checked: str
    changed: int


class Lock(BaseModel):
    """The content of the lock file: entries by path under the folder."""

    files: dict[str, Locked] = {}


class Shelf:
    """The target folder of a fetch.

    Raises:
        RowError: its lock file is not one.
        FileError: the folder is a file.
    """

    def __init__(self, folder: Path, web: Web) -> None:
        self.folder, self._web = folder, web
        if folder.exists() and not folder.is_dir():
            raise FileError(folder, "is a file; a folder is needed")
        self._lock = self._read_lock()

    def _read_lock(self) -> Lock:
        path = self.folder / LOCK
        try:
            return Lock.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Lock()
        except ValidationError as error:
            raise RowError(path, "lock file", *first_problem(error)) from None

    def expected(self, file: Published, path: str) -> Expected:
        """What a file has to be: as published, else as it was fetched first."""
        locked = self._lock.files.get(path)
        if file.known or locked is None:
            return Expected(file.bytes, file.sha256, file.md5)
        return Expected(locked.bytes, locked.sha256, by=f"first fetched (see {LOCK})")

    def there(self, file: Published, path: str) -> FileReport | None:
        """The report of a file that is in its place; None if none is there.

        Raises:
            FileError: it is not the right one.
        """
        place = self.folder / path
        if not place.exists():
            return None
        locked = self._lock.files.get(path)
        status = place.stat()
        if locked and (locked.bytes, locked.changed) == (status.st_size, status.st_mtime_ns):
            return FileReport(path, "there", locked.bytes, locked.url, locked.checked)
        found = digest(place, self._web)
        if problem := self.expected(file, path).fault(found) or fault(place, file.path):
            raise FileError(place, f"is there, but {problem}; move it away to fetch it anew")
        return self.remember(file, path, "there", str(place), found)

    def remember(self, file: Published, path: str, state: str, url: str, found: Digest) -> FileReport:
        """Writes a file that has passed its checks into the lock file."""
        published = "published sha256" if file.sha256 else "published md5" if file.md5 else ""
        checked = published or ("first fetch" if path in self._lock.files else "nothing: first fetch")
        changed = (self.folder / path).stat().st_mtime_ns
        entry = Locked(url=url, bytes=found.bytes, sha256=found.sha256, checked=checked, changed=changed)
        others = self._read_lock().files  # another process may have fetched something else meanwhile
        self._lock = Lock(files=dict(sorted({**others, path: entry}.items())))
        with replacing(self.folder / LOCK) as out:
            out.write(self._lock.model_dump_json(indent=1) + "\n")
        return FileReport(path, state, found.bytes, url, checked)

    def list_members(self, path: str, size: int, members: dict[str, int]) -> None:
        """Keeps the list of an archive's members, so that a later run knows without the archive what is there."""
        with replacing(self.folder / f"{path}.members.json") as out:
            json.dump({"bytes": size, "members": members}, out)

    def listed(self, file: Published, path: str) -> dict[str, int] | None:
        """Sizes of an archive's members by name, if an earlier run has listed the same archive."""
        locked = self._lock.files.get(path)
        size = file.bytes or (locked.bytes if locked else None)
        try:
            listed = json.loads((self.folder / f"{path}.members.json").read_bytes())
            members = {str(name): int(length) for name, length in listed["members"].items()}
            return members if size in (None, listed["bytes"]) else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # it only saves time

    def holds(self, members: dict[str, int], needed: Callable[[str], bool]) -> bool:
        """Whether all members that are needed are there with the right size."""
        places = ((inside(self.folder, name), size) for name, size in members.items() if needed(name))
        return all(place is not None and is_there(place, size) for place, size in places)


def fault(path: Path, name: str) -> str | None:
    """What is wrong with a file of this name on the face of it: the page of a log-in, say, in place of an archive."""
    try:
        if name.endswith(".json"):
            json.loads(path.read_bytes())
        elif name.endswith(".zip") and not zipfile.is_zipfile(path):
            return "it is not a zip archive"
        elif name.endswith(".gz"):
            with gzip.open(path) as file:
                file.read(1)
    except (ValueError, OSError, EOFError) as error:
        return f"it is not what its name says: {error}"
    return None
