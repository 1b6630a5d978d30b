from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llava_vsd.data import download as module
from llava_vsd.data.download import Downloaded, Expected, Part, download
from llava_vsd.data.web import Patience, Version, Web
from llava_vsd.errors import DownloadError, FileError

BODY = random.Random(1).randbytes(200_000)
SUM = Expected(len(BODY), hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest())


class Waits(list[float]):
    """Stands in for sleeping, and remembers how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def web(waits: Waits) -> Iterator[Web]:
    with Web(Patience(tries=4, enough=1, read=10, sleep=waits)) as web:
        yield web


def get(web: Web, server: Any, to: Path, expected: Expected = SUM, **more: Any) -> Downloaded:
    return download(web, [server.url("f.bin")], to / "f.bin", expected, **more)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_comes_in_one_request(web: Web, server: Any, tmp_path: Path) -> None:
    file = server.put("f.bin", BODY)
    got = get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert (got.digest.bytes, got.digest.sha256, got.digest.md5) == (SUM.bytes, SUM.sha256, SUM.md5)
    assert (got.resumed, len(file.requests), left(tmp_path)) == (0, 1, ["f.bin"])
    assert "Range" not in file.requests[0]
    assert file.requests[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("expected", [SUM, Expected()], ids=["checksum known", "nothing known"])
def test_a_cut_connection_goes_on_where_it_was_cut(
    web: Web, server: Any, tmp_path: Path, mood: Any, expected: Expected
) -> None:
    file = server.put("f.bin", BODY, moods=[mood(cut=n) for n in (70_000, 1, 50_000, 30_000, 9_999)])
    get(web, server, tmp_path, expected)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    starts = [int(request.get("Range", "bytes=0-")[6:-1]) for request in file.requests]
    assert starts == [0, 70_000, 70_001, 120_001, 150_001, 160_000]
    assert all(request["If-Range"] == '"one"' for request in file.requests[1:])
    assert file.sent == len(BODY)  # no byte came twice


def test_waits_double_until_progress_is_made(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits
) -> None:
    bad = [mood(status=503), mood(status=500), mood(cut=10_000), mood(status=502), mood(status=504)]
    server.put("f.bin", BODY, moods=bad)
    get(web, server, tmp_path)
    assert waits == [1, 2, 1, 2, 4]


def test_failures_without_progress_end_it_and_the_part_stays(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits
) -> None:
    file = server.put("f.bin", BODY, moods=[mood(cut=5_000)], always=mood(status=503))
    with pytest.raises(DownloadError, match=r"f\.bin: the server answers 503 .* \(4 failures in a row\)"):
        get(web, server, tmp_path)
    assert len(waits) == 3
    assert left(tmp_path) == ["f.bin.part", "f.bin.part.json"]
    file.always = mood()
    assert get(web, server, tmp_path).resumed == 5_000
    assert file.requests[-1]["Range"] == "bytes=5000-"
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_the_wait_that_a_server_asks_for_is_kept(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits
) -> None:
    server.put("f.bin", BODY, moods=[mood(status=429, headers={"Retry-After": "59"})])
    get(web, server, tmp_path)
    assert waits == [59]


def test_a_server_that_asks_for_hours_is_told_to_the_user(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits
) -> None:
    server.put("f.bin", BODY, moods=[mood(status=429, headers={"Retry-After": "7200"})])
    with pytest.raises(DownloadError, match=r"answers 429 .*try again in 7200 s"):
        get(web, server, tmp_path)
    assert waits == []


def test_a_date_to_wait_for_is_understood(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits
) -> None:
    moods = [
        mood(status=503, headers={"Retry-After": date}) for date in ("Wed, 21 Oct 2015 07:28:00 GMT", "soon")
    ]
    server.put("f.bin", BODY, moods=moods)
    get(web, server, tmp_path)
    assert waits == [1, 2]  # a date that is past, or no date, asks for nothing


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(
    web: Web, server: Any, tmp_path: Path, mood: Any, waits: Waits, status: int
) -> None:
    server.put("f.bin", BODY, always=mood(status=status))
    with pytest.raises(DownloadError, match=f"f.bin: the server answers {status}"):
        get(web, server, tmp_path)
    assert (waits, left(tmp_path)) == ([], [])


def test_the_next_address_is_tried(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("there.bin", BODY)
    got = download(web, [server.url("gone.bin"), server.url("there.bin")], tmp_path / "f.bin", SUM)
    assert got.url == server.url("there.bin")
    assert web.notes == [
        f"{server.url('gone.bin')}: the server answers 404 Not Found; trying the next address"
    ]


def test_an_unreachable_server_is_named(web: Web, server: Any, tmp_path: Path, waits: Waits) -> None:
    url = server.url("f.bin")
    server.close()
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1.*f\.bin: .*[Cc]onnect.*4 failures"):
        download(web, [url], tmp_path / "f.bin", SUM)


def test_what_is_no_web_address_is_said(web: Web, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"ftp://x/f: not an address that starts with http"):
        download(web, ["ftp://x/f"], tmp_path / "f", SUM)


def test_a_server_that_ignores_ranges_sends_the_whole_again(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    server.put("f.bin", BODY, moods=[mood(cut=150_000), mood(no_ranges=True)])
    get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert any("starting anew" in note for note in web.notes)


@pytest.mark.parametrize("expected", [SUM, Expected()], ids=["checksum known", "nothing known"])
def test_a_wrong_range_is_not_joined(
    web: Web, server: Any, tmp_path: Path, mood: Any, expected: Expected
) -> None:
    file = server.put("f.bin", BODY, moods=[mood(cut=100_000), mood(shift=-500), mood(cut=9)])
    get(web, server, tmp_path, expected)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert "Range" not in file.requests[2]
    assert "Range" not in file.requests[3]  # once wrong, it is not asked for ranges again
    assert any("got the range 'bytes 99500-199999/200000'" in note for note in web.notes)


def test_a_wrong_range_and_cuts_for_ever_come_to_an_end(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    server.put("f.bin", BODY, always=mood(cut=100_000, shift=-500))
    with pytest.raises(DownloadError, match="4 failures in a row"):
        get(web, server, tmp_path)


def test_a_file_that_changes_meanwhile_is_fetched_anew(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    new = BODY[::-1] + b"!"

    def change(file: Any, request: int) -> None:
        if request == 2:
            file.body, file.etag = new, '"two"'

    file = server.put("f.bin", BODY, moods=[mood(cut=100_000)], before=change)
    get(web, server, tmp_path, Expected())
    assert (tmp_path / "f.bin").read_bytes() == new
    assert file.requests[1]["If-Range"] == '"one"'


def test_a_changed_file_is_noticed_though_the_server_ignores_if_range(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    new = BODY[::-1]

    def change(file: Any, request: int) -> None:
        if request == 2:
            file.body, file.etag = new, '"two"'

    server.put("f.bin", BODY, moods=[mood(cut=100_000), mood(deaf=True)], before=change)
    get(web, server, tmp_path, Expected())
    assert (tmp_path / "f.bin").read_bytes() == new


def test_without_etag_and_date_only_a_known_checksum_allows_to_go_on(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    for expected, second in ((SUM, "bytes=100000-"), (Expected(), None)):
        file = server.put("f.bin", BODY, etag=None, moods=[mood(cut=100_000)])
        get(web, server, tmp_path, expected)
        assert (tmp_path / "f.bin").read_bytes() == BODY
        assert file.requests[1].get("Range") == second
        assert "If-Range" not in file.requests[1]


def test_a_weak_etag_is_not_sent_back(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    day = "Wed, 21 Oct 2015 07:28:00 GMT"
    file = server.put("f.bin", BODY, etag='W/"one"', modified=day, moods=[mood(cut=100_000)])
    get(web, server, tmp_path, Expected())
    assert file.requests[1]["If-Range"] == day


def test_parts_that_do_not_belong_together_are_found_out_and_fetched_once_more(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    """No validator, same length, other content: only the checksum tells."""

    def change(file: Any, request: int) -> None:
        file.body = b"x" * len(BODY) if request == 1 else BODY

    file = server.put("f.bin", b"", etag=None, moods=[mood(cut=100_000)], before=change)
    get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert [request.get("Range") for request in file.requests] == [None, "bytes=100000-", None]
    assert any("put together from parts it is wrong (sha256" in note for note in web.notes)


def test_a_wrong_checksum_is_an_error_and_leaves_nothing(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY[:-1] + b"x")
    with pytest.raises(
        DownloadError, match=rf"not the file that is wanted: sha256 \w+, published {SUM.sha256}"
    ):
        get(web, server, tmp_path)
    assert left(tmp_path) == []


def test_a_wrong_size_is_refused_before_the_body_comes(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY * 100)
    with pytest.raises(DownloadError, match=r"is 20,000,000 bytes there, published 200,000"):
        get(web, server, tmp_path)
    assert left(tmp_path) == []


def test_a_stated_md5_is_compared_before_the_body_comes(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY, etag='"md5:' + "0" * 32 + '"')
    with pytest.raises(DownloadError, match=rf"has md5 0{{32}} there, published {SUM.md5}"):
        get(web, server, tmp_path)


def test_a_length_that_is_too_large_is_a_cut(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    server.put("f.bin", BODY, always=mood(claim=300_000))
    with pytest.raises(DownloadError, match="4 failures in a row"):
        get(web, server, tmp_path, Expected())


def test_a_length_that_is_too_small_is_found_out(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    server.put("f.bin", BODY, always=mood(claim=100_000))
    with pytest.raises(DownloadError, match=r"is 100,000 bytes there, published 200,000"):
        get(web, server, tmp_path)


def test_a_body_of_unstated_length_is_taken_and_bounded(
    web: Web, server: Any, tmp_path: Path, mood: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("f.bin", BODY, always=mood(chunked=True))
    assert get(web, server, tmp_path).digest.bytes == len(BODY)
    monkeypatch.setattr(module, "UNANNOUNCED", 100_000)
    with pytest.raises(DownloadError, match=r"sends more than 100,000 bytes"):
        download(web, [server.url("f.bin")], tmp_path / "g.bin", Expected())


def test_a_body_of_unstated_length_that_is_cut_goes_on(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    server.put("f.bin", BODY, moods=[mood(chunked=True, cut=60_000)])
    get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert "cut off at 60,000 of 200,000 bytes" in web.notes[0]


def test_a_server_that_falls_silent_is_left(hasty: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    file = server.put("f.bin", BODY, moods=[mood(stall=80_000)])
    get(hasty, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert "nothing came for 0.2 s" in hasty.notes[0]
    assert file.requests[1]["Range"] == "bytes=80000-"


def test_a_web_page_is_not_taken_for_the_file(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", b"<html>please log in</html>", kind="text/html; charset=utf-8")
    with pytest.raises(DownloadError, match="a web page came instead of the file"):
        get(web, server, tmp_path, Expected())


def test_an_encoded_answer_is_refused(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    server.put("f.bin", BODY, always=mood(headers={"Content-Encoding": "gzip"}))
    with pytest.raises(DownloadError, match="comes in the encoding gzip"):
        get(web, server, tmp_path)
    server.put(
        "f.tar.gz", BODY, always=mood(headers={"Content-Encoding": "x-gzip"})
    )  # of the file, not on top
    download(web, [server.url("f.tar.gz")], tmp_path / "f.tar.gz", SUM)


def test_a_redirection_is_followed(web: Web, server: Any, tmp_path: Path, mood: Any) -> None:
    server.put("old", b"", always=mood(status=302, headers={"Location": server.url("f.bin")}))
    server.put("f.bin", BODY)
    download(web, [server.url("old")], tmp_path / "f.bin", SUM)
    server.put("loop", b"", always=mood(status=302, headers={"Location": server.url("loop")}))
    with pytest.raises(DownloadError, match=r"loop: .*redirect"):
        download(web, [server.url("loop")], tmp_path / "g.bin", SUM)


def test_a_part_of_another_file_is_not_gone_on_with(web: Web, server: Any, tmp_path: Path) -> None:
    (tmp_path / "f.bin.part").write_bytes(b"x" * 1000)  # without the note that says what it is a part of
    file = server.put("f.bin", BODY)
    get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert "Range" not in file.requests[0]


def test_a_part_goes_on_from_another_address_if_the_checksum_is_known(
    web: Web, server: Any, tmp_path: Path, mood: Any
) -> None:
    server.put("f.bin", BODY, moods=[mood(cut=120_000)], always=mood(status=404))
    second = server.put("g.bin", BODY, etag='"other"')
    urls = [server.url("f.bin"), server.url("g.bin")]
    got = download(web, urls, tmp_path / "f.bin", SUM)
    assert (got.url, second.requests[0]["Range"]) == (urls[1], "bytes=120000-")
    assert "If-Range" not in second.requests[0]
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_a_complete_part_needs_no_request(web: Web, server: Any, tmp_path: Path) -> None:
    """A run that was killed while it checked the file."""
    file = server.put("f.bin", BODY)
    (tmp_path / "f.bin.part").write_bytes(BODY)
    about = {"url": server.url("f.bin"), "version": {"length": len(BODY), "etag": '"one"', "modified": None}}
    (tmp_path / "f.bin.part.json").write_text(json.dumps(about))
    assert get(web, server, tmp_path, Expected()).resumed == len(BODY)
    assert (file.requests, left(tmp_path)) == ([], ["f.bin"])


def test_a_part_at_the_end_is_told_so_by_the_server(web: Web, server: Any, tmp_path: Path) -> None:
    """Another address, no published size: 416 says that nothing is lacking."""
    server.put("f.bin", BODY)
    (tmp_path / "f.bin.part").write_bytes(BODY)
    about = {"url": "http://gone/f.bin", "version": {"length": None, "etag": None, "modified": None}}
    (tmp_path / "f.bin.part.json").write_text(json.dumps(about))
    assert get(web, server, tmp_path, Expected(md5=SUM.md5)).resumed == len(BODY)


def test_a_part_longer_than_the_file_is_dropped(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY)
    (tmp_path / "f.bin.part").write_bytes(BODY + b"more")
    about = {"url": server.url("f.bin"), "version": {"length": None, "etag": '"one"', "modified": None}}
    (tmp_path / "f.bin.part.json").write_text(json.dumps(about))
    get(web, server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_two_downloads_of_one_file_do_not_mix(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY)
    with Part(tmp_path / "f.bin") as part:
        part.restart("u", Version())
        part.write(b"mine")
        with pytest.raises(FileError, match="another download of the same file is at work"):
            get(web, server, tmp_path)


def test_a_full_disk_is_noticed_before(
    web: Web, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("f.bin", BODY)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=150_000))
    with pytest.raises(FileError, match=r"200,000 bytes are to come, 150,000 are free"):
        get(web, server, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(web: Web, server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"file/sub/f\.bin\.part: cannot be written"):
        download(web, [server.url("f.bin")], tmp_path / "file" / "sub" / "f.bin", SUM)


def test_ctrl_c_leaves_a_part_to_go_on_from(web: Web, server: Any, tmp_path: Path) -> None:
    file = server.put("f.bin", BODY)

    class Interrupting:
        seen = 0

        def begin(self, what: str, total: int | None, done: int = 0) -> None:
            pass

        def advance(self, amount: int) -> None:
            self.seen += amount
            if self.seen > 100_000:
                raise KeyboardInterrupt

        def note(self, text: str) -> None:
            pass

    quiet, web.progress = web.progress, Interrupting()
    with pytest.raises(KeyboardInterrupt):
        get(web, server, tmp_path)
    web.progress = quiet
    begun = (tmp_path / "f.bin.part").stat().st_size
    assert 100_000 < begun < len(BODY)
    assert get(web, server, tmp_path).resumed == begun
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert file.requests[1]["Range"] == f"bytes={begun}-"


def test_a_file_that_is_not_accepted_is_an_error(web: Web, server: Any, tmp_path: Path) -> None:
    server.put("f.bin", BODY)
    with pytest.raises(DownloadError, match="not the file that is wanted: it smells"):
        get(web, server, tmp_path, Expected(), accept=lambda path: "it smells")
