"""Talks HTTP: opens files and ranges of files, knows which failures are worth another try, and waits between tries."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Event
from typing import Protocol, TypeVar

import httpx

from llava_vsd import __version__
from llava_vsd.errors import DownloadError, RangesRefusedError

T = TypeVar("T")

PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request can succeed."""


class Progress(Protocol):
    """What a caller shows of the work. Amounts are bytes."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """A piece of work starts (or starts again); `done` bytes of it were there before."""

    def advance(self, amount: int) -> None:
        """So many bytes more are done."""

    def note(self, text: str) -> None:
        """Something happened that the user should know, and the work goes on."""


class Logged:
    """Shows no progress; what should be known goes to the log `llava_vsd.fetch`."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Shows nothing."""

    def advance(self, amount: int) -> None:
        """Shows nothing."""

    def note(self, text: str) -> None:
        """Goes to the log."""
        logging.getLogger("llava_vsd.fetch").info(text)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to come back. Times are seconds.

    Attributes:
        tries: failures in a row, without progress between them, after which it is given up.
        first: wait before the second try; doubles from try to try up to `longest`.
        obey: the longest wait that a server may ask for (Retry-After).
        enough: so many new bytes count as progress.
        sleep: how to wait; None waits so that `Web.close` ends it.
    """

    tries: int = 6
    first: float = 1.0
    longest: float = 60.0
    obey: float = 600.0
    connect: float = 30.0
    read: float = 60.0
    enough: int = 64 << 10
    sleep: Callable[[float], object] | None = None


@dataclass(frozen=True)
class Version:
    """What a server says of the file that it holds, to know the same file again.

    Attributes:
        length: bytes of the whole file, None if the server does not say.
        etag, modified: headers ETag and Last-Modified.
    """

    length: int | None = None
    etag: str | None = None
    modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What stands in If-Range; a weak ETag must not."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def differs(self, other: Version) -> bool:
        """Whether these are surely two different files."""
        return any(
            mine is not None and theirs is not None and mine != theirs
            for mine, theirs in ((self.length, other.length), (self.etag, other.etag))
        )


class PassingError(Exception):
    """A failure after which the same request can succeed; never leaves this package.

    Args:
        problem: what the user reads.
        after: seconds that the server asked to wait.
    """

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


class Web:
    """A client with patience. Usable from several threads; `close` ends waiting ones.

    Args:
        patience: time-outs and tries.
        progress: told of every wait and detour.
        client: to use instead of an own one, e.g. with another proxy.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        progress: Progress | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.progress: Progress = progress or Logged()
        self.notes: list[str] = []
        self._closed = Event()
        self._client = client or httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(self.patience.read, connect=self.patience.connect),
            headers={"User-Agent": f"llava-vsd/{__version__}"},
        )

    def note(self, text: str) -> None:
        """Tells the user, and keeps it for the report."""
        self.notes.append(text)
        self.progress.note(text)

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """An answer with status 200, 206 or 416, its body not yet read and not encoded.

        Raises:
            PassingError: worth another try, also while the body is read.
            DownloadError: not worth another try.
        """
        try:
            with self._client.stream(
                "GET", url, headers={"Accept-Encoding": "identity", **headers}
            ) as response:
                _refuse(url, response)
                yield response
        except httpx.TransportError as error:
            if isinstance(error, httpx.UnsupportedProtocol):
                raise DownloadError(url, "not an address that starts with http:// or https://") from None
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise DownloadError(url, f"the server cannot prove who it is: {error}") from None
            raise PassingError(self._reason(error)) from error
        except (httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise DownloadError(url, str(error)) from None

    def _reason(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {self.patience.connect:g} s"
        if isinstance(error, httpx.TimeoutException):
            return f"nothing came for {self.patience.read:g} s"
        return str(error) or type(error).__name__

    def insist(self, url: str, attempt: Callable[[], T], reached: Callable[[], int]) -> T:
        """Calls `attempt` until it succeeds.

        Args:
            attempt: raises PassingError for another try.
            reached: bytes that are there; growth sets the count of failures back.

        Raises:
            DownloadError: too many failures in a row, or the server asks to wait too long.
        """
        failures, furthest = 0, reached()
        while True:
            try:
                return attempt()
            except PassingError as error:
                here = reached()
                failures = 1 if here >= furthest + self.patience.enough else failures + 1
                furthest = max(furthest, here)
                if failures >= self.patience.tries:
                    raise DownloadError(url, f"{error} ({failures} failures in a row)") from None
                delay = min(self.patience.first * 2 ** (failures - 1), self.patience.longest)
                if error.after is not None:
                    if error.after > self.patience.obey:
                        raise DownloadError(url, f"{error}; try again in {error.after:.0f} s") from None
                    delay = max(delay, error.after)
                self.note(f"{url}: {error}; trying again in {delay:.0f} s")
                (self._closed.wait if self.patience.sleep is None else self.patience.sleep)(delay)
                if self._closed.is_set():
                    raise DownloadError(url, "stopped") from None

    def look(self, url: str) -> Version:
        """Which version of a file there is, asked for by its first byte.

        Raises:
            RangesRefusedError: the server gives no ranges, or does not say how long the file is.
            DownloadError: as `insist`.
        """
        version = self.read(url, 0, 1, Version())[1]
        if version.length is None:
            raise RangesRefusedError(url, "the server does not say how long the file is")
        return version

    def read(self, url: str, start: int, stop: int, version: Version) -> tuple[bytes, Version]:
        """The bytes from `start` to before `stop` of a file that must be `version`, and the version that it is.

        Raises:
            RangesRefusedError: the server gives no ranges, others than asked, or the file has changed.
            DownloadError: as `insist`.
        """
        got = bytearray()
        found = version

        def attempt() -> None:
            nonlocal found
            at = start + len(got)
            headers = {"Range": f"bytes={at}-{stop - 1}"}
            if validator := found.validator:
                headers["If-Range"] = validator
            with self.open(url, headers) as response:
                if response.status_code != 206:
                    changed = response.status_code == 416 or version_of(response).differs(version)
                    problem = (
                        "the file changed meanwhile" if changed else "the server gives the whole file only"
                    )
                    raise RangesRefusedError(url, problem)
                first, last, answered = content_range(response)
                if first != at or last >= stop or answered.differs(found):
                    problem = f"asked for bytes {at}-{stop - 1}, got {response.headers.get('Content-Range')}"
                    raise RangesRefusedError(url, problem)
                found = answered
                for chunk in response.iter_raw():
                    got.extend(chunk)
                    self.progress.advance(len(chunk))
            if len(got) < stop - start:
                raise PassingError("the answer ended early")

        self.insist(url, attempt, lambda: len(got))
        if len(got) > stop - start:
            raise RangesRefusedError(url, f"asked for {stop - start} bytes, got more")
        return bytes(got), found

    def close(self) -> None:
        """Ends connections and waits."""
        self._closed.set()
        self._client.close()

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse(url: str, response: httpx.Response) -> None:
    """Raises for an answer that is of no use."""
    status = f"the server answers {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in PASSING:
        raise PassingError(status, asked_wait(response.headers.get("Retry-After")))
    if response.status_code not in (200, 206, 416):
        raise DownloadError(url, status)
    if url.startswith("https:") and response.url.scheme != "https":
        raise DownloadError(url, f"leads to an unprotected address, {response.url}")
    encoding = response.headers.get("Content-Encoding", "identity")
    gzipped = encoding in ("gzip", "x-gzip") and response.url.path.endswith(
        (".gz", ".tgz")
    )  # the file itself
    if encoding != "identity" and not gzipped:
        raise DownloadError(url, f"comes in the encoding {encoding}, though it was asked for as it is")
    if response.status_code != 416 and response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(url, "a web page came instead of the file")


def asked_wait(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def version_of(response: httpx.Response) -> Version:
    """What an answer with the whole file says of it."""
    length = response.headers.get("Content-Length", "")
    return Version(
        int(length) if length.isdigit() else None,
        response.headers.get("ETag"),
        response.headers.get("Last-Modified"),
    )


def content_range(response: httpx.Response) -> tuple[int, int, Version]:
    """First and last byte of an answer with a part, and the version of the whole; -1, -1 where it does not say."""
    whole = version_of(response)
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if not match:
        return -1, -1, Version(None, whole.etag, whole.modified)
    first, last, total = match.groups()
    length = None if total == "*" else int(total)
    return int(first), int(last), Version(length, whole.etag, whole.modified)
