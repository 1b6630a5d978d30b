"""Reads single members out of a zip archive on a server, by ranges: 7,000 images without the other 100,000."""

from __future__ import annotations

import io
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, cast

from llava_vsd.data.archives import BROKEN, Member, select_zipped, zipped_member
from llava_vsd.data.web import Version, Web
from llava_vsd.errors import FileError

GAP = 256 << 10
"""Unwanted bytes between two wanted members that cost less than another request."""

SPAN = 8 << 20
"""Bytes of one request at most, unless a single member is larger."""

TAIL = 64 << 10
"""Bytes of the first look at an archive's end, where its directory stands."""

DIRECTORY = 256 << 20
"""Bytes of an archive's directory at most."""

CONNECTIONS = 4
"""Requests under way at once."""


@dataclass(frozen=True)
class Span:
    """Members that one request brings: bytes `start` to before `stop`."""

    start: int
    stop: int
    members: tuple[zipfile.ZipInfo, ...]


class RemoteFile(io.RawIOBase):
    """A file on a server as a file object that can seek; it keeps the last range that it has read.

    Args:
        url: where.
        version: of the file, with its length; another one is refused.
    """

    def __init__(self, web: Web, url: str, version: Version) -> None:
        self._web, self._url, self._version = web, url, version
        self.size = version.length or 0
        self._at = 0
        self._held_from, self._held = 0, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves, without a request."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def hold(self, start: int, data: bytes) -> None:
        """Takes bytes that were got elsewhere; what lies in them is read without a request."""
        self._held_from, self._held = start, data

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes from the position on, all there are with -1; by a request if they are not held."""
        start = self._at
        stop = self.size if size < 0 else min(start + size, self.size)
        if start >= stop:
            return b""
        if stop - start > DIRECTORY:
            raise zipfile.BadZipFile(f"a directory of {stop - start:,} bytes")
        if start < self._held_from or stop > self._held_from + len(self._held):
            first = min(start, max(self.size - TAIL, 0))
            data, self._version = self._web.read(self._url, first, stop, self._version)
            self.hold(first, data)
        self._at = stop
        return self._held[start - self._held_from : stop - self._held_from]


class RemoteZip:
    """A zip archive on a server. Opening it reads its directory, some megabytes for 60,000 members.

    Args:
        version: what the server has at this address, from `Web.look`.

    Raises:
        FileError: it is not a zip archive.
        RangesRefusedError, DownloadError: as `Web.read`.
    """

    def __init__(self, web: Web, url: str, version: Version) -> None:
        self._web, self.label, self.version = web, url, version
        self._file = RemoteFile(web, url, version)
        web.progress.begin("reading the directory of " + url.rsplit("/", 1)[-1], None)
        try:
            self._archive = zipfile.ZipFile(cast("IO[bytes]", self._file))
        except BROKEN as error:
            raise FileError(url, f"is not a zip archive: {error}") from None
        self._infos = sorted(self._archive.infolist(), key=lambda info: info.header_offset)

    def spans(self, wanted: Callable[[Member], bool]) -> list[Span]:
        """What to ask for to get the wanted members: neighbours together, in the archive's order."""
        spans: list[Span] = []
        stops = [info.header_offset for info in self._infos[1:]] + [self._archive.start_dir]
        for info, stop in zip(self._infos, stops, strict=True):
            if not wanted(zipped_member(info)):
                continue
            start = info.header_offset
            header = 30 + 3 * 65536  # the local header at its longest, and a sum behind the data
            stop = max(start + 1, min(stop, start + header + min(info.compress_size, info.file_size + 65536)))
            if spans and start - spans[-1].stop <= GAP and stop - spans[-1].start <= SPAN:
                spans[-1] = Span(spans[-1].start, stop, (*spans[-1].members, info))
            else:
                spans.append(Span(start, stop, (info,)))
        return spans

    def select(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """See Archive. Ranges are fetched some requests ahead; members come in the archive's order."""
        chosen = {info.filename for info in self._infos if wanted(zipped_member(info))}
        spans = self.spans(lambda member: member.name in chosen)
        self._web.progress.begin(
            f"getting {len(chosen):,} files", sum(span.stop - span.start for span in spans)
        )
        yield from ((zipped_member(info), None) for info in self._infos if info.filename not in chosen)
        pool = ThreadPoolExecutor(CONNECTIONS)
        under_way: deque[tuple[Span, Future[tuple[bytes, Version]]]] = deque()
        try:
            for span in spans:
                under_way.append(
                    (span, pool.submit(self._web.read, self.label, span.start, span.stop, self.version))
                )
                if len(under_way) > CONNECTIONS:
                    yield from self._members(*under_way.popleft())
            while under_way:
                yield from self._members(*under_way.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _members(
        self, span: Span, read: Future[tuple[bytes, Version]]
    ) -> Iterator[tuple[Member, IO[bytes] | None]]:
        self._file.hold(span.start, read.result()[0])
        for info in span.members:
            yield from select_zipped(self._archive, info, lambda member: True)
