from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from llava_vsd.data import remote as module
from llava_vsd.data.archives import unpack
from llava_vsd.data.remote import RemoteFile, RemoteZip
from llava_vsd.data.sources import IMAGES
from llava_vsd.data.web import Logged, Patience, Version, Web
from llava_vsd.errors import DownloadError, FileError, RangesRefusedError

RANDOM = random.Random(2)
FILES = {f"VG_100K/{number}.jpg": RANDOM.randbytes(RANDOM.randrange(20_000, 40_000)) for number in range(400)}


def zipped(files: dict[str, bytes], comment: bytes = b"", before: bytes = b"") -> bytes:
    out = io.BytesIO()
    out.write(before)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


BODY = zipped(FILES)


def remote(web: Web, url: str) -> RemoteZip:
    return RemoteZip(web, url, web.look(url))


def take(archive: RemoteZip, to: Path, wanted: Callable[[str], bool]) -> Any:
    return unpack(archive, to, IMAGES.fullmatch, wanted, Logged())


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_a_remote_file_reads_as_a_local_one(web: Web, server: Any) -> None:
    body = RANDOM.randbytes(300_000)
    server.put("f", body)
    local, far = io.BytesIO(body), RemoteFile(web, server.url("f"), web.look(server.url("f")))
    assert (far.readable(), far.seekable(), far.size) == (True, True, len(body))
    for _ in range(60):
        offset, whence = RANDOM.choice(
            [(RANDOM.randrange(310_000), 0), (-RANDOM.randrange(99), 1), (-700, 2)]
        )
        if whence == 1:
            offset = max(offset, -local.tell())
        assert far.seek(offset, whence) == local.seek(offset, whence)
        size = RANDOM.choice([0, 1, 22, 5_000, 80_000, -1])
        assert far.read(size) == local.read(size)
        assert far.tell() == local.tell() or local.tell() > len(body)


@pytest.mark.parametrize("share", [0, 1, 25, 400])
def test_members_come_by_ranges_and_only_what_is_needed(
    web: Web, server: Any, tmp_path: Path, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GAP", 10_000)  # as the gaps of the real archives are to the real figure
    file = server.put("images.zip", BODY)
    names = set(RANDOM.sample(sorted(FILES), share))
    done = take(remote(web, server.url("images.zip")), tmp_path, names.__contains__)
    assert content(tmp_path) == {name: FILES[name] for name in names}
    assert (done.written, len(done.members)) == (share, 400)
    needed = sum(len(FILES[name]) for name in names)
    directory = 400 * (46 + len("VG_100K/100.jpg"))
    assert file.sent < 1.02 * needed + directory + module.TAIL + 200 * share
    assert len(file.requests) <= 3 + share


def test_neighbours_share_a_request_up_to_a_limit(
    web: Web, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("images.zip", BODY)
    archive = remote(web, server.url("images.zip"))
    assert len(archive.spans(lambda member: member.name in ("VG_100K/10.jpg", "VG_100K/12.jpg"))) == 1
    assert len(archive.spans(lambda member: member.name in ("VG_100K/10.jpg", "VG_100K/40.jpg"))) == 2
    spans = archive.spans(lambda member: True)
    assert [info.filename for span in spans for info in span.members] == list(FILES)
    assert all(span.stop - span.start <= module.SPAN for span in spans)
    assert len(spans) == 2  # 12 MB
    assert (spans[0].start, spans[0].stop) == (0, spans[1].start)


def test_cuts_stalls_and_busy_servers_are_sat_out(hasty: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    bad = [mood(cut=7_000), mood(status=503), mood(stall=100), mood(status=429, headers={"Retry-After": "3"})]
    server.put("images.zip", BODY, moods=[mood(), mood(cut=500), *bad * 3])
    done = take(remote(hasty, server.url("images.zip")), tmp_path, lambda name: name.endswith("7.jpg"))
    assert done.written == 40
    assert content(tmp_path) == {name: data for name, data in FILES.items() if name.endswith("7.jpg")}


def test_a_server_without_ranges_is_told(web: Web, server: Any, mood: Any) -> None:
    file = server.put("images.zip", BODY, always=mood(no_ranges=True))
    with pytest.raises(RangesRefusedError, match=r"images\.zip: the server gives the whole file only"):
        web.look(server.url("images.zip"))
    assert len(file.requests) == 1


def test_a_server_that_does_not_state_the_length_is_told(web: Web, server: Any, mood: Any) -> None:
    server.put("images.zip", BODY, always=mood(headers={"Content-Range": "bytes 0-0/*"}))
    with pytest.raises(RangesRefusedError, match="does not say how long"):
        web.look(server.url("images.zip"))


def test_other_ranges_than_asked_for_are_refused(web: Web, server: Any, mood: Any) -> None:
    server.put("images.zip", BODY)
    archive = remote(web, server.url("images.zip"))
    for bad in (
        mood(shift=1),
        mood(headers={"Content-Range": "bytes 0-99/100"}),
        mood(headers={"Content-Range": "x"}),
    ):
        server.files["images.zip"].moods = [bad]
        with pytest.raises(RangesRefusedError, match=r"asked for bytes 5-9, got "):
            web.read(server.url("images.zip"), 5, 10, archive.version)


@pytest.mark.parametrize("deaf", [False, True])
def test_an_archive_that_changes_meanwhile_is_refused(
    web: Web, server: Any, tmp_path: Path, mood: Any, deaf: bool
) -> None:
    file = server.put("images.zip", BODY, always=mood(deaf=deaf))
    archive = remote(web, server.url("images.zip"))
    file.body, file.etag = zipped(dict(reversed(FILES.items()))), '"two"'
    with pytest.raises(RangesRefusedError):
        take(archive, tmp_path, lambda name: True)
    assert content(tmp_path) == {}


def test_a_damaged_member_is_not_written(web: Web, server: Any, tmp_path: Path) -> None:
    at = BODY.index(FILES["VG_100K/3.jpg"][:50])  # what cannot be compressed is stored as it is
    server.put("images.zip", BODY[:at] + b"damage" + BODY[at + 6 :])
    with pytest.raises(FileError, match=r"images\.zip: is damaged or not readable"):
        take(remote(web, server.url("images.zip")), tmp_path, lambda name: True)
    assert all(data == FILES[name] for name, data in content(tmp_path).items())


@pytest.mark.parametrize("size", [0, 1, 21, 22, 200_000])
def test_what_is_no_zip_is_said(web: Web, server: Any, size: int) -> None:
    server.put("images.zip", bytes(size))
    with pytest.raises((FileError, RangesRefusedError), match=r"images\.zip"):
        remote(web, server.url("images.zip"))


def test_a_comment_and_bytes_in_front_do_no_harm(web: Web, server: Any, tmp_path: Path) -> None:
    files = dict(list(FILES.items())[:5])
    server.put("images.zip", zipped(files, b"c" * 60_000, b"#!/bin/sh"))
    take(remote(web, server.url("images.zip")), tmp_path, lambda name: True)
    assert content(tmp_path) == files


def test_a_directory_beyond_all_measure_is_refused(
    web: Web, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DIRECTORY", 20_000)
    monkeypatch.setattr(module, "TAIL", 1_000)
    server.put("images.zip", BODY)
    with pytest.raises(FileError, match=r"is not a zip archive: a directory of [\d,]+ bytes"):
        remote(web, server.url("images.zip"))


def test_a_server_that_goes_away_ends_it(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    file = server.put("images.zip", BODY)
    archive = remote(web, server.url("images.zip"))
    file.always = mood(status=503)
    with pytest.raises(DownloadError, match=r"answers 503 .*\(3 failures in a row\)"):
        take(archive, tmp_path, lambda name: True)


def test_closing_ends_the_waits_of_other_threads(server: Any, mood: Any) -> None:
    server.put("f", b"x", always=mood(status=503, headers={"Retry-After": "500"}))
    web = Web(Patience(tries=3))
    errors: list[Exception] = []

    def read() -> None:
        try:
            web.read(server.url("f"), 0, 1, Version())
        except DownloadError as error:
            errors.append(error)

    thread = Thread(target=read)
    thread.start()
    Timer(0.1, web.close).start()
    thread.join(5)
    assert not thread.is_alive()
    assert len(errors) == 1
