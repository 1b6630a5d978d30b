"""A server on 127.0.0.1 that misbehaves on command, and the published files in small on it."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from llava_vsd.data.sources import SOURCES, Published
from llava_vsd.data.web import Patience, Web


@dataclass
class Mood:
    """How the server answers one request. The default is to behave.

    Attributes:
        status: answer with this status and nothing else of use.
        headers: more of them.
        cut: close the connection after so many bytes of the body.
        stall: send so many bytes of the body, then nothing.
        no_ranges: answer 200 with the whole file to a request for a part.
        shift: answer with a range that begins so many bytes off.
        claim: Content-Length that is sent instead of the true one.
        deaf: pay no heed to If-Range.
        chunked: do not say how long the body is.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: int | None = None
    no_ranges: bool = False
    shift: int = 0
    claim: int | None = None
    deaf: bool = False
    chunked: bool = False


@dataclass
class Served:
    """A file of the server, and the moods of the next requests for it; after the last, `always`."""

    body: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    kind: str = "application/octet-stream"
    moods: list[Mood] = field(default_factory=list)
    always: Mood = field(default_factory=Mood)
    before: Callable[[Served, int], None] | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0


class Server:
    """Files by path; `url(path)` is where one is."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.over = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 0

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hangs up is part of the tests."""

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def put(self, path: str, body: bytes, **more: Any) -> Served:
        self.files[path] = Served(body, **more)
        return self.files[path]

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        file = self.files.get(handler.path.lstrip("/"))
        if file is None:
            handler.send_error(404)
            return
        file.requests.append(dict(handler.headers.items()))
        if file.before:
            file.before(file, len(file.requests))
        mood = file.moods.pop(0) if file.moods else file.always
        if mood.status is not None:
            handler.send_response(mood.status)
            for name, value in {"Content-Length": "0", **mood.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            return
        self.send(handler, file, mood)

    def send(self, handler: BaseHTTPRequestHandler, file: Served, mood: Mood) -> None:
        body, total = file.body, len(file.body)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        current = condition is None or condition in (file.etag, file.modified) or mood.deaf
        part = asked is not None and current and not mood.no_ranges
        headers = {"Content-Type": file.kind}
        if part and asked:
            first = int(asked[1])
            last = min(int(asked[2]) if asked[2] else total - 1, total - 1)
            if first >= total:
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{total}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            first += mood.shift
            body = body[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{total}"
        for name, value in (("ETag", file.etag), ("Last-Modified", file.modified)):
            if value:
                headers[name] = value
        if mood.chunked:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = str(len(body) if mood.claim is None else mood.claim)
        handler.send_response(206 if part else 200)
        for name, value in {**headers, **mood.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        self.pour(handler, file, mood, body)

    def pour(self, handler: BaseHTTPRequestHandler, file: Served, mood: Mood, body: bytes) -> None:
        stop = min(len(body), *(n for n in (mood.cut, mood.stall) if n is not None), len(body))
        try:
            handler.wfile.write(body[:stop])
        except OSError:
            handler.close_connection = True
            return
        file.sent += stop
        if mood.stall is not None:
            self.over.wait(5)
        if stop < len(body) or mood.chunked or mood.claim is not None:
            handler.close_connection = True

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def mood() -> type[Mood]:
    return Mood


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Site(Server):
    """All published files in small: two zip archives of Visual Genome, a tar of SpatialSense, annotations."""

    zipped, tarred = staticmethod(zipped), staticmethod(tarred)

    def __init__(self) -> None:
        super().__init__()
        data = random.Random(3)
        self.first = {f"VG_100K/{number}.jpg": data.randbytes(5_000) for number in range(1, 100)}
        self.second = {f"VG_100K_2/{number}.jpg": data.randbytes(5_000) for number in range(100, 160)}
        self.flickr = {f"images/flickr/{number}_ab.jpg": data.randbytes(3_000) for number in range(20)}
        self.nyu = {f"images/nyu/nyu_office_{number}.png": data.randbytes(3_000) for number in range(5)}
        self.annotations = {
            f"VSDv1/{name}.json": json.dumps([{"img_id": name}]).encode() for name in ("train", "val", "test")
        }
        self.bodies = {
            "images.zip": zipped({"VG_100K/": b"", "README": b"", **self.first}),
            "images2.zip": zipped(self.second),
            "images.tar.gz": tarred({**self.flickr, **self.nyu}),
            **self.annotations,
        }
        for name, body in self.bodies.items():
            self.put(name, body)

    def published(self, file: Published) -> Published:
        """A file of the table as it is here; what its publisher does not state is not known here either."""
        body = self.bodies.get(file.path, b"")
        return Published(
            file.path,
            file.bytes and len(body),
            file.sha256 and hashlib.sha256(body).hexdigest(),
            file.md5 and hashlib.md5(body).hexdigest(),
        )

    def asked(self) -> dict[str, int]:
        """Requests by file since the last look."""
        counts = {name: len(file.requests) for name, file in self.files.items() if file.requests}
        for file in self.files.values():
            file.requests.clear()
        return counts


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()
    for source in list(SOURCES.values()):
        files = tuple(map(site.published, source.files))
        monkeypatch.setitem(
            SOURCES, source.name, replace(source, addresses=(site.url("{path}"),), files=files)
        )
    yield site
    site.close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A client that gives up soon and does not sleep."""
    with Web(Patience(tries=3, enough=1, read=10, sleep=lambda seconds: None)) as web:
        yield web


@pytest.fixture
def hasty() -> Iterator[Web]:
    """A client that leaves a server that is silent for a moment, and comes back often."""
    with Web(Patience(tries=20, enough=1, read=0.2, sleep=lambda seconds: None)) as web:
        yield web
