"""Finds the original grammar where its owners' releases hold it, checks it, and keeps it in our own form."""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from llava_vsd.errors import FileError, UsageError
from llava_vsd.metrics.spice import original
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.sample import SENTENCES

if TYPE_CHECKING:
    import httpx

NAME: Final = "englishPCFG.ser.gz"
# CoreNLP 3.6.0 on Maven Central, hundreds of megabytes, of which only the entry that is wanted is fetched
ADDRESS: Final = (
    "https://repo1.maven.org/maven2/edu/stanford/nlp/stanford-corenlp/3.6.0/stanford-corenlp-3.6.0-models.jar"
)
CHUNK: Final = 1 << 18


class Report(Protocol):
    """Hears of progress."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """What is being done, and how much of how much of it is done."""


def cache_folder() -> Path:
    """The folder for what can be fetched again: `LLAVA_VSD_CACHE` where that is set, else the user's cache folder.

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


def kept_grammar() -> Path:
    """Where the converted original grammar is kept; whether it has been fetched is whether the file exists."""
    return cache_folder() / "spice" / "original-1.npz"


def fetch_grammar(source: str | Path | None = None, report: Report | None = None) -> Path:
    """Finds the original grammar, verifies it, converts it, and keeps it in the user's cache.

    Args:
        source: the `englishPCFG.ser.gz` itself; a zip or jar of CoreNLP 3.6.0 or Stanford Parser 3.6.0 (a models
            jar inside a zip is read in passing); a folder with one of them anywhere below; or the address of such a
            file. None looks where pycocoevalcap puts its own copy, and then at `ADDRESS`.
        report: hears of progress.

    Returns:
        `kept_grammar()`, for `Grammar.load`.

    Raises:
        FileError: there is no such file, it is not readable, or it is not the grammar of version 3.6.0.
    """
    report = report or _no_report
    place, packed = find(source, report)
    report("checking and converting the grammar", 0, 2)
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(place, f"expected a gzip file: {error}") from None
    grammar = original.read(data, place)
    report("checking and converting the grammar", 1, 2)
    from llava_vsd.metrics.spice.bounds import fit_costs

    keep(replace(grammar, tag_costs=fit_costs(grammar, SENTENCES)), kept_grammar())
    report("checking and converting the grammar", 2, 2)
    return kept_grammar()


def keep(grammar: Grammar, path: Path) -> None:
    """Writes a grammar so that no one ever sees half a file; two writers do no harm.

    Raises:
        FileError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            grammar.save(Path(part))
            os.chmod(part, 0o644)  # a cache may be shared
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None


def _no_report(what: str, done: int, total: int) -> None: ...


def find(source: str | Path | None, report: Report) -> tuple[str, bytes]:
    """Where the grammar is, and its bytes: gzipped, not yet verified. Arguments and errors: see `fetch_grammar`."""
    if source is None:
        used = importlib.util.find_spec("pycocoevalcap")
        folders = [Path(folder) for folder in (used.submodule_search_locations or [])] if used else []
        for path in (path for folder in folders for path in _candidates(folder)):
            return _in_file(path, report)
        return _at_address(ADDRESS, report)
    if str(source).startswith(("http://", "https://")):
        return _at_address(str(source), report)
    path = Path(source)
    if path.is_dir():
        problem = f"no {NAME} and no models jar or zip of Stanford CoreNLP or Stanford Parser in this folder"
        for candidate in _candidates(path):
            try:
                return _in_file(candidate, report)
            except FileError as error:
                problem = str(error)
        raise FileError(path, problem)
    return _in_file(path, report)


def _candidates(folder: Path) -> Iterator[Path]:
    """Files below a folder that may hold the grammar, the likeliest first."""
    for pattern in (NAME, "*3.6.0-models.jar", "stanford-*2015-12-09*.zip", "*models*.jar", "stanford-*.zip"):
        yield from sorted(folder.rglob(pattern))


def _in_file(path: Path, report: Report) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            return str(path), _in_stream(file, str(path), report)
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror or error}") from None


def _at_address(address: str, report: Report) -> tuple[str, bytes]:
    import httpx

    try:
        headers = {"Accept-Encoding": "identity"}
        with (
            httpx.Client(follow_redirects=True, timeout=60, headers=headers) as client,
            _Remote(client, address) as file,
        ):
            return address, _in_stream(io.BufferedReader(file, CHUNK), address, report)
    except httpx.HTTPError as error:
        reason = str(error).partition("\n")[0]
        raise FileError(address, f"cannot be fetched: {reason}; --from takes a file, too") from None


def _in_stream(file: IO[bytes], place: str, report: Report) -> bytes:
    """The grammar in an open file, which may be the grammar itself, a jar, or a zip with the models jar in it."""
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        return file.read()
    if start != b"PK\x03\x04":
        raise FileError(place, f"expected {NAME}, or a jar or zip that holds it")
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if name.rpartition("/")[2] == NAME:
                    return archive.read(name)
            for entry in archive.infolist():
                if entry.filename.endswith("models.jar"):
                    reading = partial(report, f"reading {entry.filename}", total=entry.file_size)
                    with archive.open(entry) as jar:
                        found = _in_passing(jar, reading)
                    if found is not None:
                        return found
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError) as error:
        raise FileError(place, f"a broken archive: {str(error) or 'it ends too early'}") from None
    raise FileError(place, f"no {NAME} in this archive")


def _in_passing(jar: IO[bytes], reading: Callable[[int], None]) -> bytes | None:
    """The grammar in a jar that can only be read from front to back.

    Walks over the local headers (PKWARE APPNOTE 4.3.7). Their sizes may be missing, then the deflated data say
    where they end.
    """
    ahead = b""
    done = 0

    def more() -> bytes:
        nonlocal done
        data = jar.read(CHUNK)
        if not data:
            raise EOFError
        done += len(data)
        reading(done)
        return data

    def take(size: int) -> bytes:
        nonlocal ahead
        while len(ahead) < size:
            ahead += more()
        taken, ahead = ahead[:size], ahead[size:]
        return taken

    while (mark := take(4)) == b"PK\x03\x04":
        _, flags, method, _, _, size, _, name_size, extra_size = struct.unpack("<3H2H4x2L2H", take(26))
        name = take(name_size).decode("utf-8", "replace")
        take(extra_size)
        content = io.BytesIO()
        wanted = name.rpartition("/")[2] == NAME
        if method == zipfile.ZIP_DEFLATED:
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            while not inflate.eof:
                part = inflate.decompress(ahead or more())
                ahead = inflate.unused_data
                if wanted:
                    content.write(part)
        elif method == zipfile.ZIP_STORED and not flags & 8:
            content.write(take(size))
        else:
            raise NotImplementedError(f"entry {name} is packed in a way that cannot be read in passing")
        if wanted:
            return content.getvalue()
        if flags & 8:  # checksum and sizes follow the data, after a mark or without one
            take(12 if take(4) == b"PK\x07\x08" else 8)
    if mark not in (b"PK\x01\x02", b"PK\x05\x06"):
        raise zipfile.BadZipFile("its entries do not follow one another")
    return None


class _Remote(io.RawIOBase):
    """A file on a server as one that can be read at any place, by asking for ranges of bytes."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self.client, self.address = client, address
        self.place = 0
        answer = client.get(address, headers={"Range": "bytes=0-0"})
        answer.raise_for_status()
        if answer.status_code != 206:
            raise FileError(
                address, "this server does not serve parts of a file; download it, and name the file"
            )
        size = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if not size.isdecimal():
            raise FileError(
                address, "this server does not say how long the file is; download it, and name the file"
            )
        self.size = int(size)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), self.size - self.place)
        if size <= 0:
            return 0
        span = f"bytes={self.place}-{self.place + size - 1}"
        answer = self.client.get(self.address, headers={"Range": span})
        answer.raise_for_status()
        if len(answer.content) != size:
            raise FileError(
                self.address, f"the server sent {len(answer.content)} bytes where {size} were asked for"
            )
        buffer[:size] = answer.content
        self.place += size
        return size
