import gzip
import importlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice import locate
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.pcfg import Parser

ENTRY = "edu/stanford/nlp/models/lexparser/englishPCFG.ser.gz"
PACKED = gzip.compress(
    bytes(range(256)) * 3000, mtime=0
)  # stands for the grammar where its content does not matter
DEFLATED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


class OneWay(io.RawIOBase):
    """A target that cannot be sought in: zipfile then writes sizes after the data, as the jar tool does."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += bytes(data)
        return len(data)


def archive(entries: dict[str, bytes], method: int = DEFLATED, *, sizes_after: bool = False) -> bytes:
    target = OneWay() if sizes_after else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return target.data if sizes_after else target.getvalue()


def jar(content: bytes = PACKED, **how) -> bytes:
    others = {
        "META-INF/": b"",
        "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n",
        "edu/stanford/nlp/models/big": bytes(3_000_000),
        "edu/stanford/nlp/models/lexparser/englishPCFG.caseless.ser.gz": b"another",
    }
    return archive(others | {ENTRY: content, "z/last": b"x" * 1000}, **how)


def find(source) -> bytes:
    return locate.find(source, locate._no_report)[1]


def test_the_file_itself(tmp_path):
    path = tmp_path / "anything.gz"
    path.write_bytes(PACKED)
    assert locate.find(path, locate._no_report) == (str(path), PACKED)


@pytest.mark.parametrize("sizes_after", [False, True])
def test_in_a_jar(tmp_path, sizes_after):
    path = tmp_path / "stanford-corenlp-3.6.0-models.jar"
    path.write_bytes(jar(sizes_after=sizes_after))
    assert find(path) == PACKED


@pytest.mark.parametrize("outer", [DEFLATED, STORED])
@pytest.mark.parametrize("inner", [{"sizes_after": True}, {"method": STORED}, {}])
def test_in_a_jar_in_a_zip(tmp_path, outer, inner):
    path = tmp_path / "stanford-corenlp-full-2015-12-09.zip"
    folder = "stanford-corenlp-full-2015-12-09/"
    entries = {
        folder + "README.txt": b"read me",
        folder + "stanford-corenlp-3.6.0.jar": archive({"a.class": b"code"}),
        folder + "other-models.jar": archive({"b": b"data"}),
        folder + "stanford-corenlp-3.6.0-models.jar": jar(**inner),
    }
    path.write_bytes(archive(entries, outer))
    heard = []
    _, found = locate.find(path, lambda what, done, total: heard.append((what, done, total)))
    assert found == PACKED
    assert heard[-1][0] == f"reading {folder}stanford-corenlp-3.6.0-models.jar"
    assert 0 < heard[-1][1] <= heard[-1][2]


def test_in_a_folder_the_version_wanted_comes_first(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new/stanford-corenlp-4.5.0-models.jar").write_bytes(jar(b"not this one"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old/stanford-parser-full-2015-12-09.zip").write_bytes(
        archive({"stanford-parser-full-2015-12-09/stanford-parser-3.6.0-models.jar": jar()})
    )
    assert find(tmp_path) == PACKED
    (tmp_path / "old/englishPCFG.ser.gz").write_bytes(PACKED + b"2")
    assert find(tmp_path) == PACKED + b"2"


def test_a_broken_candidate_does_not_hide_a_good_one(tmp_path):
    (tmp_path / "a-3.6.0-models.jar").write_bytes(jar()[:5000])
    (tmp_path / "b-3.6.0-models.jar").write_bytes(jar())
    assert find(tmp_path) == PACKED


@pytest.fixture
def pycocoevalcap(tmp_path, monkeypatch) -> Path:
    """The package as installed and used once: SPICE's own download lies in its folder."""
    package = tmp_path / "site/pycocoevalcap"
    (package / "spice/lib").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('is not imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    return package


def test_in_pycocoevalcap_without_being_told(pycocoevalcap):
    (pycocoevalcap / "spice/lib/stanford-corenlp-3.6.0-models.jar").write_bytes(jar())
    assert find(None) == PACKED


# ---------------------------------------------------------------------------------------------------------- addresses


class Server(ThreadingHTTPServer):
    files: dict[str, bytes]
    ranges = True
    length = True
    short = 0
    served = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        span = self.headers.get("Range")
        if span and self.server.ranges:
            first, last = (int(number) for number in span.removeprefix("bytes=").split("-"))
            body = content[first : last + 1 - (self.server.short if last else 0)]
            length = len(content) if self.server.length else "*"
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{length}")
        else:
            body = content
            self.send_response(200)
        self.server.served += len(body)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def address(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_from_a_jar_at_an_address_only_its_entry_is_read(server, monkeypatch, tmp_path):
    import random

    noise = random.Random(1).randbytes(4_000_000)  # what does not get smaller when packed
    server.files = {"/m.jar": archive({"noise": noise, ENTRY: PACKED, "more": noise})}
    assert find(address(server, "/m.jar")) == PACKED
    assert server.served < 1_500_000
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(locate, "ADDRESS", address(server, "/m.jar"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find(None) == PACKED


def test_a_zip_or_the_file_itself_at_an_address(server):
    server.files = {"/a.zip": archive({"x/y-3.6.0-models.jar": jar()}), "/g": PACKED}
    assert find(address(server, "/a.zip")) == PACKED
    assert find(address(server, "/g")) == PACKED


def test_addresses_that_do_not_serve(server):
    server.files = {"/g": PACKED}
    with pytest.raises(FileError, match=r"/absent: cannot be fetched: .*404.*; --from takes a file, too"):
        find(address(server, "/absent"))
    server.ranges = False
    with pytest.raises(FileError, match="does not serve parts of a file; download it"):
        find(address(server, "/g"))
    with pytest.raises(FileError, match="cannot be fetched"):
        find("http://127.0.0.1:9/nothing")


def test_a_server_that_answers_otherwise_than_asked(server):
    server.files = {"/models.jar": jar()}
    server.short = 5
    with pytest.raises(FileError, match=r"the server sent \d+ bytes where \d+ were asked for"):
        find(address(server, "/models.jar"))
    server.length = False
    with pytest.raises(FileError, match="does not say how long the file is"):
        find(address(server, "/models.jar"))


# --------------------------------------------------------------------------------------------------------------- faults


def test_sources_without_the_grammar_are_named(tmp_path):
    names = ("a.txt", "empty.zip", "plain.jar", "cut.zip", "odd.zip", "half.jar")
    text, empty, plain, cut, odd, half = (tmp_path / name for name in names)
    text.write_text("hello")
    empty.write_bytes(archive({}))
    plain.write_bytes(archive({"englishPCFG.txt": b"x"}))
    cut.write_bytes(archive({"s-models.jar": jar(sizes_after=True)[:1500]}))
    odd.write_bytes(archive({"s-models.jar": jar().replace(b"PK\3\4", b"PK\3\5")}))
    half.write_bytes(jar()[:1500])
    (tmp_path / "folder").mkdir()
    for path, message in (
        (tmp_path / "absent", "cannot be read: No such file"),
        (text, "expected englishPCFG.ser.gz, or a jar or zip that holds it"),
        (empty, "expected englishPCFG.ser.gz, or a jar or zip"),
        (plain, "no englishPCFG.ser.gz in this archive"),
        (cut, "a broken archive: it ends too early"),
        (odd, "a broken archive: its entries do not follow one another"),
        (half, "a broken archive: File is not a zip file"),
        (tmp_path / "folder", "no englishPCFG.ser.gz and no models jar or zip"),
    ):
        with pytest.raises(FileError, match=message) as caught:
            find(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x1f\x8b broken", gzip.compress(b"no grammar"), PACKED[:-20]])
def test_what_is_found_is_verified(tmp_path, monkeypatch, content):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "m.jar"
    path.write_bytes(jar(content))
    with pytest.raises(FileError, match=r"m\.jar: expected "):
        locate.fetch_grammar(path)
    assert not (tmp_path / "cache").exists()


def test_the_grammar_is_fetched_once_and_then_parses(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path / "cache"))
    source = reference.path("oracle/spice/englishPCFG.ser.gz")
    (tmp_path / "c.zip").write_bytes(archive({"c/c-3.6.0-models.jar": jar(source.read_bytes())}))
    assert not locate.kept_grammar().exists()
    steps = []
    kept = locate.fetch_grammar(
        tmp_path / "c.zip", lambda what, done, total: steps.append((what, done, total))
    )
    assert kept == locate.kept_grammar() == tmp_path / "cache/spice/original-1.npz"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert steps[-1] == ("checking and converting the grammar", 2, 2)
    found = Parser(Grammar.load(kept)).derive(["a", "rock", "is", "under", "a", "wall"])
    assert (found.inside, found.score) == (-42.97290802001953, -42.97290652990341)
    assert (
        str(found.tree)
        == "(ROOT (S (NP (DT a) (NN rock)) (VP (VBZ is) (PP (IN under) (NP (DT a) (NN wall))))))"
    )


def test_the_cache_folder_follows_the_variable_and_the_system(monkeypatch, tmp_path):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path))
    assert locate.cache_folder() == tmp_path
    monkeypatch.delenv("LLAVA_VSD_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert locate.cache_folder() == tmp_path / "x/llava-vsd"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "w"))
    assert locate.cache_folder() == tmp_path / "w/llava-vsd"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"file/g\.npz: cannot be written"):
        locate.keep(None, tmp_path / "file/g.npz")


def test_nothing_half_written_stays(tmp_path):
    class Broken:
        def save(self, path):
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match="cannot be written: No space left"):
        locate.keep(Broken(), tmp_path / "g.npz")
    assert list(tmp_path.iterdir()) == []
