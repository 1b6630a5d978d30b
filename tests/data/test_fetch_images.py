from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llava_vsd.data.fetch import Fetcher, Report
from llava_vsd.data.images import ImageStore
from llava_vsd.data.sources import SOURCES
from llava_vsd.data.web import Web
from llava_vsd.errors import DownloadError, FileError, UsageError


def images(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.suffix in (".jpg", ".png"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def states(report: Report) -> dict[str, tuple[str, str]]:
    return {file.path: (file.state, file.checked) for file in report.files}


def test_all_images_come_from_whole_archives(web: Web, site: Any, tmp_path: Path) -> None:
    fetcher = Fetcher(web, tmp_path)
    report = fetcher.fetch("vg")
    assert images(tmp_path) == {**site.first, **site.second}
    assert (report.images, report.written, report.kept, report.missing) == (159, 159, 0, [])
    assert states(report) == {
        "archives/images.zip": ("fetched", "published sha256"),
        "archives/images2.zip": ("fetched", "published sha256"),
    }
    report = fetcher.fetch("spatialsense")
    assert images(tmp_path) == {**site.first, **site.second, **site.flickr, **site.nyu}
    assert states(report) == {"archives/images.tar.gz": ("fetched", "published md5")}
    assert ImageStore(tmp_path).missing(["1", "159", "3_ab.jpg", "nyu_office_4.png"]) == []
    assert site.asked() == {"images.zip": 1, "images2.zip": 1, "images.tar.gz": 1}


@pytest.mark.parametrize("archives", ["kept", "removed"])
def test_what_is_there_is_not_fetched_again(web: Web, site: Any, tmp_path: Path, archives: str) -> None:
    for name in ("vg", "spatialsense"):
        Fetcher(web, tmp_path).fetch(name)
    site.asked()
    if archives == "removed":
        for path in (tmp_path / "archives").glob("images*.*"):
            if path.suffix != ".json":
                path.unlink()
    for name, count in (("vg", 159), ("spatialsense", 25)):
        report = Fetcher(web, tmp_path).fetch(name)
        assert (report.images, report.written, report.kept) == (count, 0, count)
        assert {state for state, _ in states(report).values()} == {"there"}
    assert site.asked() == {}
    (tmp_path / "VG_100K/7.jpg").write_bytes(b"cut")
    report = Fetcher(web, tmp_path).fetch("vg")
    assert (report.written, report.kept) == (1, 158)
    assert site.asked() == ({} if archives == "kept" else {"images.zip": 1})
    assert images(tmp_path) == {**site.first, **site.second, **site.flickr, **site.nyu}


def test_only_the_images_that_items_name_are_taken_by_ranges(
    web: Web, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llava_vsd.data.remote.GAP", 1_000)
    ids = ["5", "77", "120", "9999", "3_ab.jpg"]
    report = Fetcher(web, tmp_path).fetch("vg", ids)
    assert images(tmp_path) == {
        name: data
        for name, data in {**site.first, **site.second}.items()
        if Path(name).stem in ("5", "77", "120")
    }
    assert (report.images, report.written, report.missing) == (4, 3, ["9999"])
    assert states(report) == {
        "archives/images.zip": ("ranges", "crc32"),
        "archives/images2.zip": ("ranges", "crc32"),
    }
    assert (
        sum(site.files[name].sent for name in ("images.zip", "images2.zip"))
        < 200_000
        < len(site.bodies["images.zip"])
    )
    assert sorted(path.name for path in (tmp_path / "archives").iterdir()) == [
        *("images.zip.members.json", "images2.zip.members.json")
    ]
    site.asked()
    more = Fetcher(web, tmp_path).fetch("vg", [*ids, "6"])
    assert (more.written, more.kept, more.missing) == (1, 3, ["9999"])
    assert set(site.asked()) == {"images.zip"}  # of the second it is known that it holds nothing more


@pytest.mark.parametrize(
    "listing", ['{"bytes": 5, "members": {}}', "{}", "[]", "torn", '{"bytes": 5, "members": [1]}']
)
def test_a_list_of_members_of_another_archive_is_not_believed(
    web: Web, site: Any, tmp_path: Path, listing: str
) -> None:
    (tmp_path / "archives").mkdir()
    for name in ("images.zip", "images2.zip"):
        (tmp_path / f"archives/{name}.members.json").write_text(listing)
    report = Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert (report.written, report.missing) == (1, [])


def test_only_the_images_that_items_name_are_taken_of_a_tar(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("spatialsense", ["3_ab.jpg", "nyu_office_2.png", "77", "gone.jpg"])
    assert set(images(tmp_path)) == {"images/flickr/3_ab.jpg", "images/nyu/nyu_office_2.png"}
    assert (report.images, report.written, report.missing) == (3, 2, ["gone.jpg"])


def test_nothing_is_fetched_where_the_items_name_nothing_of_it(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("spatialsense", ["1", "2"])
    assert (report.images, report.files, site.asked()) == (0, [], {})


def test_much_of_an_archive_is_fetched_whole(web: Web, site: Any, tmp_path: Path) -> None:
    ids = [str(number) for number in range(1, 70)] + ["100"]
    report = Fetcher(web, tmp_path).fetch("vg", ids)
    assert states(report) == {
        "archives/images.zip": ("fetched", "published sha256"),
        "archives/images2.zip": ("ranges", "crc32"),
    }
    assert (report.written, report.missing, len(images(tmp_path))) == (70, [], 70)
    assert report.notes == ["images.zip: much of it is needed, so it is fetched whole"]


def test_the_user_decides_between_parts_and_whole(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path / "a", partial=False).fetch("vg", ["1"])
    assert {state for state, _ in states(report).values()} == {"fetched"}
    report = Fetcher(web, tmp_path / "b", partial=True).fetch("vg")
    assert {state for state, _ in states(report).values()} == {"ranges"}
    assert images(tmp_path / "b") == {**site.first, **site.second}
    with pytest.raises(UsageError, match="spatialsense: only zip archives can be taken in part"):
        Fetcher(web, tmp_path / "c", partial=True).fetch("spatialsense", ["3_ab.jpg"])


def test_a_server_without_ranges_gives_the_whole(web: Web, site: Any, tmp_path: Path, mood: Any) -> None:
    for name in ("images.zip", "images2.zip"):
        site.files[name].always = mood(no_ranges=True)
    report = Fetcher(web, tmp_path).fetch("vg", ["5", "120"])
    assert set(images(tmp_path)) == {"VG_100K/5.jpg", "VG_100K_2/120.jpg"}
    assert {state for state, _ in states(report).values()} == {"fetched"}
    assert "images.zip: no server gives parts of it, so it is fetched whole" in report.notes
    with pytest.raises(DownloadError, match=r"images\.zip: the server gives the whole file only"):
        Fetcher(web, tmp_path / "b", partial=True).fetch("vg", ["5"])


def test_the_next_address_gives_the_parts(
    web: Web, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = (site.url("gone/{path}"), site.url("{path}"))
    monkeypatch.setitem(SOURCES, "vg", replace(SOURCES["vg"], addresses=addresses))
    report = Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert [file.url for file in report.files] == [site.url("images.zip"), site.url("images2.zip")]
    assert f"{site.url('gone/images.zip')}: the server answers 404 Not Found" in report.notes


def test_servers_that_are_all_gone_are_an_error(web: Web, site: Any, tmp_path: Path) -> None:
    site.files.clear()
    with pytest.raises(DownloadError, match=r"images\.zip: the server answers 404"):
        Fetcher(web, tmp_path).fetch("vg", ["5"])


def test_another_archive_at_the_address_is_refused_before_anything_is_taken(
    web: Web, site: Any, tmp_path: Path
) -> None:
    site.files["images.zip"].body = site.zipped({"VG_100K/5.jpg": b"other"})
    with pytest.raises(DownloadError, match=r"images\.zip: is \d+ bytes there, published [\d,]+"):
        Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert images(tmp_path) == {}


def test_a_whole_download_that_was_begun_is_gone_on_with(
    web: Web, site: Any, tmp_path: Path, mood: Any
) -> None:
    site.files["images.zip"].moods = [mood(cut=300_000)] + [mood(status=503)] * 2
    with pytest.raises(DownloadError, match="503"):
        Fetcher(web, tmp_path).fetch("vg")
    site.asked()
    report = Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert states(report)["archives/images.zip"] == ("resumed", "published sha256")
    assert site.asked()["images.zip"] == 1


def test_an_archive_put_in_place_by_hand_is_checked_and_used(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/images.zip").write_bytes(site.bodies["images.zip"])
    (tmp_path / "archives/images2.zip").write_bytes(site.bodies["images2.zip"][:-1] + b"x")
    with pytest.raises(
        FileError, match=r"images2\.zip: is there, but sha256 \w+, published \w+; move it away"
    ):
        Fetcher(web, tmp_path).fetch("vg", ["5", "120"])
    assert (set(images(tmp_path)), site.asked()) == ({"VG_100K/5.jpg"}, {})


def test_a_stop_at_any_moment_is_gone_on_from(web: Web, site: Any, tmp_path: Path) -> None:
    """Ctrl-C after more and more bytes of work, until a run is through: nothing is lost, nothing is wrong."""

    class Interrupting:
        left = 0

        def begin(self, what: str, total: int | None, done: int = 0) -> None:
            pass

        def advance(self, amount: int) -> None:
            self.left -= amount
            if self.left < 0:
                raise KeyboardInterrupt

        def note(self, text: str) -> None:
            pass

    web.progress = progress = Interrupting()
    stops = 0
    for run in range(100):
        progress.left = 60_000 * run
        try:
            Fetcher(web, tmp_path).fetch("vg")
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops > 5
    assert images(tmp_path) == {**site.first, **site.second}
    assert [path for path in tmp_path.rglob("*") if ".part" in path.name] == []


@pytest.mark.parametrize("form", ["archives", "archives below", "images", "one archive", "other archive"])
def test_images_come_from_a_local_copy(web: Web, site: Any, tmp_path: Path, form: str) -> None:
    given = tmp_path / "given"
    if form.startswith("archives"):
        folder = given / "archives" if form == "archives below" else given
        folder.mkdir(parents=True)
        for name in ("images.zip", "images2.zip"):
            (folder / name).write_bytes(site.bodies[name])
    elif form == "images":
        for name, data in {**site.first, **site.second, "VG_100K/._5.jpg": b"mac"}.items():
            (given / "deep" / name).parent.mkdir(parents=True, exist_ok=True)
            (given / "deep" / name).write_bytes(data)
    else:
        given.write_bytes(
            (site.zipped if form == "one archive" else site.tarred)({**site.first, **site.second})
        )
    report = Fetcher(web, tmp_path / "to", given=given).fetch("vg", ["5", "120", "777"])
    expected = {
        "VG_100K/5.jpg": site.first["VG_100K/5.jpg"],
        "VG_100K_2/120.jpg": site.second["VG_100K_2/120.jpg"],
    }
    assert images(tmp_path / "to") == {("deep/" * (form == "images") + k): v for k, v in expected.items()}
    assert (report.images, report.written, report.missing, site.asked()) == (3, 2, ["777"], {})
    again = Fetcher(web, tmp_path / "to", given=given).fetch("vg")
    assert (again.written, again.kept) == (157, 2)


def test_a_local_copy_that_lacks_an_archive_is_named(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(site.bodies["images.zip"])
    with pytest.raises(FileError, match=r"holds images\.zip, but no images2\.zip"):
        Fetcher(web, tmp_path / "to", given=tmp_path).fetch("vg")
    report = Fetcher(web, tmp_path / "to", given=tmp_path).fetch("vg", ["5", "120"])
    assert (report.written, report.missing) == (1, ["120"])
    with pytest.raises(FileError, match=r"nowhere: .*No such file"):
        Fetcher(web, tmp_path / "to", given=tmp_path / "nowhere").fetch("vg")


def test_a_member_that_leaves_the_folder_stops_a_fetch(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "evil.zip").write_bytes(site.zipped({"VG_100K/../../5.jpg": b"evil"}))
    with pytest.raises(
        FileError, match=r"evil\.zip: member 'VG_100K/\.\./\.\./5\.jpg' would leave the folder"
    ):
        Fetcher(web, tmp_path / "to", given=tmp_path / "evil.zip").fetch("vg", ["5"])
    assert images(tmp_path) == {}


def test_links_are_reported_and_stay_missing(web: Web, site: Any, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("VG_100K/5.jpg")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    report = Fetcher(web, tmp_path / "to", given=tmp_path / "a.tar").fetch("vg", ["5"])
    assert (report.missing, images(tmp_path / "to")) == (["5"], {})
    assert report.notes == [
        f"{tmp_path / 'a.tar'}: member 'VG_100K/5.jpg' is no plain file and is not unpacked"
    ]
