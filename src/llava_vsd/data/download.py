"""Downloads one file so that it can be cut off at any moment: resumes by ranges, checks size and checksum."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import httpx

from llava_vsd.data.web import PassingError, Version, Web, content_range, version_of
from llava_vsd.errors import DownloadError, FileError
from llava_vsd.jsonl import replacing

if sys.platform != "win32":
    import fcntl

UNANNOUNCED = 4 << 30
"""Bytes at most of a file whose size neither server nor publisher states."""


@dataclass(frozen=True)
class Digest:
    """Size in bytes and checksums, in hexadecimal, of a file on disk."""

    bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class Expected:
    """What a file must be; None is not known. `by` says who states it."""

    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    by: str = "published"

    @property
    def known(self) -> bool:
        """Whether the content can be checked."""
        return bool(self.sha256 or self.md5)

    def fault(self, digest: Digest) -> str | None:
        """What is wrong with a file, None if nothing is."""
        for name in ("bytes", "sha256", "md5"):
            wanted, found = getattr(self, name), getattr(digest, name)
            if wanted is not None and wanted != found:
                return f"{name} {found}, {self.by} {wanted}"
        return None


@dataclass(frozen=True)
class Downloaded:
    """A file that was got: from where, what it is, and how many bytes of it an earlier run had left."""

    url: str
    digest: Digest
    version: Version
    resumed: int


def digest(path: Path, web: Web) -> Digest:
    """Reads a file once and computes its checksums."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = path.stat().st_size
    web.progress.begin(f"checking {path.name.removesuffix('.part')}", size)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
            md5.update(block)
            web.progress.advance(len(block))
    return Digest(size, sha256.hexdigest(), md5.hexdigest())


class Part:
    """The part of a download that is on disk: `NAME.part`, and `NAME.part.json` that says what it is a part of.

    Attributes:
        url, version: where the bytes come from.
        joined: whether they came, or may have come, by more than one request.

    Raises:
        FileError: the folder cannot be written, or another process is at the same file.
    """

    def __init__(self, to: Path) -> None:
        self.to = to
        self.path = to.with_name(to.name + ".part")
        self._about = to.with_name(to.name + ".part.json")
        self.url, self.version = "", Version()
        self.ranges = True  # until the server shows that it cannot be trusted with them
        self.joined = False
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
        except OSError as error:
            raise FileError(self.path, f"cannot be written: {error.strerror}") from None
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise FileError(self.path, "another download of the same file is at work") from None
            except OSError:
                pass  # a file system without locks
        try:
            about = json.loads(self._about.read_bytes())
            self.url, self.version = about["url"], Version(**about["version"])
        except (OSError, ValueError, TypeError, KeyError):
            self.restart("", Version())
        self.joined = bool(self.size)

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._file.tell()

    def request(self, url: str, known: bool) -> dict[str, str]:
        """Headers that ask for the rest; none, for the whole, where nothing would tell whether the rest fits.

        Args:
            known: the checksum of the whole is known.
        """
        validator = self.version.validator if url == self.url else None
        if not self.size or not self.ranges or not (validator or known):
            return {}
        headers = {"Range": f"bytes={self.size}-"}
        return headers | ({"If-Range": validator} if validator else {})

    def restart(self, url: str, version: Version) -> None:
        """Forgets all bytes; what follows belongs to this version."""
        self._file.truncate(0)
        self._file.seek(0)
        self.joined = False
        self.name(url, version)

    def name(self, url: str, version: Version) -> None:
        """Says what the bytes are a part of."""
        self.url, self.version = url, version
        with replacing(self._about) as file:
            json.dump({"url": url, "version": asdict(version)}, file)

    def write(self, data: bytes) -> None:
        """Adds bytes.

        Raises:
            FileError: the disk does not take them.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise FileError(self.path, f"cannot be written: {error.strerror}") from None

    def flush(self) -> None:
        """Brings all bytes to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Gives the file its name."""
        self.close()
        self.path.replace(self.to)
        self._about.unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the file; its bytes stay for the next time."""
        self._file.close()

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        empty = not self._file.closed and not self.size
        self.close()
        if empty:
            self.path.unlink(missing_ok=True)
            self._about.unlink(missing_ok=True)


def download(
    web: Web,
    urls: Sequence[str],
    to: Path,
    expected: Expected,
    accept: Callable[[Path], str | None] = lambda path: None,
) -> Downloaded:
    """Gets a file from the first address that gives it.

    The bytes gather in `NAME.part`; cut off, the same call goes on from there if the server still has the same
    version (ETag or Last-Modified), or if the checksum is known beforehand.

    Args:
        urls: tried in this order, at least one.
        to: the file; its name appears only when all checks have passed.
        accept: looks at the whole file and says what is wrong with it, for what a checksum does not tell.

    Raises:
        DownloadError: no address gave the file; says why the last did not.
        FileError: the disk is full or cannot be written.
    """
    for url in urls[:-1]:
        try:
            return _download(web, url, to, expected, accept)
        except DownloadError as error:
            web.note(f"{error}; trying the next address")
    return _download(web, urls[-1], to, expected, accept)


def _download(
    web: Web, url: str, to: Path, expected: Expected, accept: Callable[[Path], str | None]
) -> Downloaded:
    with Part(to) as part:
        before = part.size
        while True:
            web.insist(url, lambda: _pull(web, url, part, expected), lambda: part.size)
            part.flush()
            found = digest(part.path, web)
            problem = expected.fault(found) or accept(part.path)
            if problem is None:
                version = part.version
                part.finish()
                return Downloaded(url, found, version, before if part.joined else 0)
            joined, before = part.joined, 0
            part.restart(url, Version())
            if not joined:
                raise DownloadError(url, f"not the file that is wanted: {problem}")
            web.note(
                f"{url}: put together from parts it is wrong ({problem}); getting it once more from the start"
            )
            part.ranges = False


def _pull(web: Web, url: str, part: Part, expected: Expected) -> None:
    """Gets all bytes that are not there yet, by one request."""
    stated = expected.bytes or (part.version.length if part.url == url else None)
    if part.size and part.size == stated:
        return
    with web.open(url, part.request(url, expected.known)) as response:
        at_end = (
            response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{part.size}"
        )
        if at_end and stated is None:
            return
        size = _begin(web, url, part, expected, response)
        room = shutil.disk_usage(part.to.parent).free
        if size is not None and size - part.size > room:
            raise FileError(part.to, f"{size - part.size:,} bytes are to come, {room:,} are free on the disk")
        web.progress.begin(f"getting {part.to.name}", size, part.size)
        for chunk in response.iter_raw():
            if part.size + len(chunk) > (UNANNOUNCED if size is None else size):
                raise DownloadError(url, f"sends more than {UNANNOUNCED if size is None else size:,} bytes")
            part.write(chunk)
            web.progress.advance(len(chunk))
    if size is not None and part.size < size:
        raise PassingError(f"cut off at {part.size:,} of {size:,} bytes")


def _begin(web: Web, url: str, part: Part, expected: Expected, response: httpx.Response) -> int | None:
    """Makes the part ready for the body of an answer; the size that the whole has, None if nobody says."""
    if response.status_code == 200:
        version = version_of(response)
        _refuse(url, version, expected)
        if part.size:
            web.note(f"{url}: changed, or not to be had from byte {part.size:,}; starting anew")
        part.restart(url, version)
    else:
        first, _, version = content_range(response)
        if first != part.size or (url == part.url and version.differs(part.version)):
            asked = part.size
            part.restart(url, Version())
            part.ranges = False
            found = response.headers.get("Content-Range", "none")
            raise PassingError(
                f"asked for the bytes from {asked:,} on, got the range {found!r}; starting anew"
            )
        _refuse(url, version, expected)
        part.joined = True
        part.name(url, version)
    return expected.bytes if version.length is None else version.length


def _refuse(url: str, version: Version, expected: Expected) -> None:
    """Raises for a file that cannot be the wanted one, before gigabytes of it have come."""
    if None not in (version.length, expected.bytes) and version.length != expected.bytes:
        raise DownloadError(url, f"is {version.length:,} bytes there, {expected.by} {expected.bytes:,}")
    stated = re.search(r"\bmd5:([0-9a-f]{32})\b", version.etag or "")  # as Zenodo does
    if stated and expected.md5 and stated[1] != expected.md5:
        raise DownloadError(url, f"has md5 {stated[1]} there, {expected.by} {expected.md5}")
