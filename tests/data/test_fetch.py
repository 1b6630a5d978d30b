from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llava_vsd.data import fetch as module
from llava_vsd.data.fetch import Fetcher, Report
from llava_vsd.data.images import ImageStore
from llava_vsd.data.sources import SOURCES, Published, Source
from llava_vsd.data.web import Patience, Web
from llava_vsd.errors import DownloadError, FileError, RowError, UsageError

RANDOM = random.Random(3)
FIRST = {f"VG_100K/{number}.jpg": RANDOM.randbytes(5_000) for number in range(1, 100)}
SECOND = {f"VG_100K_2/{number}.jpg": RANDOM.randbytes(5_000) for number in range(100, 160)}
FLICKR = {f"images/flickr/{number}_ab.jpg": RANDOM.randbytes(3_000) for number in range(20)}
NYU = {f"images/nyu/nyu_office_{number}.png": RANDOM.randbytes(3_000) for number in range(5)}
ANNOTATIONS = {
    f"VSDv1/{name}.json": json.dumps([{"img_id": name}]).encode() for name in ("train", "val", "test")
}


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


BODIES = {
    "images.zip": zipped({"VG_100K/": b"", "README": b"", **FIRST}),
    "images2.zip": zipped(SECOND),
    "images.tar.gz": tarred({**FLICKR, **NYU}),
    **ANNOTATIONS,
}


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(Patience(tries=3, enough=1, read=0.3, sleep=lambda seconds: None)) as web:
        yield web


@pytest.fixture
def site(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The published files in small, with the checksums that their publishers state or do not state."""
    for name, body in BODIES.items():
        server.put(name, body)

    def small(file: Published) -> Published:
        body = BODIES.get(file.path, b"")
        return Published(
            file.path,
            file.bytes and len(body),
            file.sha256 and hashlib.sha256(body).hexdigest(),
            file.md5 and hashlib.md5(body).hexdigest(),
        )

    for source in list(SOURCES.values()):
        files = tuple(map(small, source.files))
        here = replace(source, addresses=(server.url("{path}"),), files=files)
        monkeypatch.setitem(SOURCES, source.name, here)
    return server


def asked(site: Any) -> dict[str, int]:
    """Requests by file since the last look."""
    counts = {name: len(file.requests) for name, file in site.files.items() if file.requests}
    for file in site.files.values():
        file.requests.clear()
    return counts


def images(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.suffix in (".jpg", ".png"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def states(report: Report) -> dict[str, tuple[str, str]]:
    return {file.path: (file.state, file.checked) for file in report.files}


# Annotations


def test_annotations_are_fetched_and_checked(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("vsdv1")
    assert {name: (tmp_path / name).read_bytes() for name in ANNOTATIONS} == ANNOTATIONS
    assert states(report) == {
        "VSDv1/train.json": ("fetched", "nothing: first fetch"),
        "VSDv1/val.json": ("fetched", "published sha256"),
        "VSDv1/test.json": ("fetched", "published sha256"),
    }
    assert (report.images, report.notes) == (None, [])
    assert asked(site) == dict.fromkeys(ANNOTATIONS, 1)
    again = Fetcher(web, tmp_path).fetch("vsdv1")
    assert {state for state, _ in states(again).values()} == {"there"}
    assert asked(site) == {}


def test_the_first_fetch_is_what_later_ones_are_held_to(web: Web, site: Any, tmp_path: Path) -> None:
    Fetcher(web, tmp_path).fetch("vsdv1")
    lock = json.loads((tmp_path / "fetch-lock.json").read_text())["files"]["VSDv1/train.json"]
    body = ANNOTATIONS["VSDv1/train.json"]
    assert (lock["bytes"], lock["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert lock["url"] == site.url("VSDv1/train.json")
    (tmp_path / "VSDv1/train.json").unlink()
    assert states(Fetcher(web, tmp_path).fetch("vsdv1"))["VSDv1/train.json"] == ("fetched", "first fetch")
    (tmp_path / "VSDv1/train.json").unlink()
    site.files["VSDv1/train.json"].body = body.replace(b"train", b"brain")
    problem = (
        r"train\.json: not the file that is wanted: sha256 \w+, first fetched \(see fetch-lock\.json\) \w+"
    )
    with pytest.raises(DownloadError, match=problem):
        Fetcher(web, tmp_path).fetch("vsdv1")
    (tmp_path / "fetch-lock.json").unlink()  # how a user accepts it
    Fetcher(web, tmp_path).fetch("vsdv1")
    assert (tmp_path / "VSDv1/train.json").read_bytes() == body.replace(b"train", b"brain")


def test_a_file_that_was_changed_by_hand_is_not_overwritten(web: Web, site: Any, tmp_path: Path) -> None:
    Fetcher(web, tmp_path).fetch("vsdv1")
    for name in ("VSDv1/val.json", "VSDv1/train.json"):
        kept = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(b"[1]")
        with pytest.raises(FileError, match=rf"{name}: is there, but bytes 3, \w+ .*; move it away"):
            Fetcher(web, tmp_path).fetch("vsdv1")
        assert (tmp_path / name).read_bytes() == b"[1]"
        (tmp_path / name).write_bytes(kept)
    Fetcher(web, tmp_path).fetch("vsdv1")


def test_what_is_not_json_is_not_taken_for_annotations(web: Web, site: Any, tmp_path: Path) -> None:
    site.files["VSDv1/train.json"].body = b"version https://git-lfs.github.com/spec/v1"
    with pytest.raises(
        DownloadError, match=r"train\.json: not the file that is wanted: it is not what its name says"
    ):
        Fetcher(web, tmp_path).fetch("vsdv1")
    assert not (tmp_path / "VSDv1/train.json").exists()


def test_a_damaged_lock_file_is_named(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "fetch-lock.json").write_text('{"files": {"VSDv1/train.json": {"url": "x"}}}')
    with pytest.raises(RowError, match=r"fetch-lock\.json: lock file: files\.VSDv1/train\.json\.bytes: "):
        Fetcher(web, tmp_path).fetch("vsdv1")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file: is a file; a folder is needed"):
        Fetcher(web, tmp_path / "file")


@pytest.mark.parametrize("mirror", ["m", "m/", "m/{path}", "m/{path}?raw=1"])
def test_a_mirror_is_used_instead(web: Web, site: Any, tmp_path: Path, mirror: str) -> None:
    query = mirror.partition("?")[1] + mirror.partition("?")[2]
    for name, body in ANNOTATIONS.items():
        site.put(f"m/{name}{query}", body)
    Fetcher(web, tmp_path, mirror=site.url(mirror)).fetch("vsdv1")
    assert (tmp_path / "VSDv1/val.json").read_bytes() == ANNOTATIONS["VSDv1/val.json"]
    assert set(asked(site)) == {f"m/{name}{query}" for name in ANNOTATIONS}


LAYOUTS = {
    "repository": lambda name: f"dataset/{name}",
    "its archive": lambda name: f"VSD-master/dataset/{name}",
    "flat": lambda name: Path(name).name,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["folder", "zip", "tar.gz"])
def test_annotations_come_from_a_local_copy(
    web: Web, site: Any, tmp_path: Path, layout: str, form: str
) -> None:
    files = {LAYOUTS[layout](name): body for name, body in ANNOTATIONS.items()} | {
        "VSDv2/newvsd_val.json": b"[]"
    }
    given = tmp_path / "given"
    if form == "folder":
        for name, body in files.items():
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            (given / name).write_bytes(body)
    else:
        given.write_bytes(zipped(files) if form == "zip" else tarred(files))
    report = Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert {name: (tmp_path / "to" / name).read_bytes() for name in ANNOTATIONS} == ANNOTATIONS
    assert {state for state, _ in states(report).values()} == {"given"}
    assert asked(site) == {}


def test_a_local_copy_is_checked_too(web: Web, site: Any, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "VSDv1").mkdir(parents=True)
    (given / "VSDv1/val.json").write_bytes(ANNOTATIONS["VSDv1/val.json"].replace(b"val", b"vol"))
    with pytest.raises(
        FileError, match=r"given: VSDv1/val\.json is not VSDv1/val\.json: sha256 \w+, published \w+"
    ):
        Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert not (tmp_path / "to/VSDv1/val.json").exists()
    (given / "VSDv1/val.json").write_bytes(ANNOTATIONS["VSDv1/val.json"])
    with pytest.raises(FileError, match=r"given: holds no VSDv1/train\.json, VSDv1/test\.json$"):
        Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert (tmp_path / "to/VSDv1/val.json").read_bytes() == ANNOTATIONS["VSDv1/val.json"]
    (given / "val.json").write_bytes(b"[]")
    with pytest.raises(FileError, match=r"given: holds VSDv1/val\.json twice, once as "):
        Fetcher(web, tmp_path / "to2", given=given).fetch("vsdv1")


# Images


def test_all_images_come_from_whole_archives(web: Web, site: Any, tmp_path: Path) -> None:
    fetcher = Fetcher(web, tmp_path)
    report = fetcher.fetch("vg")
    assert images(tmp_path) == {**FIRST, **SECOND}
    assert (report.images, report.written, report.kept, report.missing) == (159, 159, 0, [])
    assert states(report) == {
        "archives/images.zip": ("fetched", "published sha256"),
        "archives/images2.zip": ("fetched", "published sha256"),
    }
    report = fetcher.fetch("spatialsense")
    assert images(tmp_path) == {**FIRST, **SECOND, **FLICKR, **NYU}
    assert states(report) == {"archives/images.tar.gz": ("fetched", "published md5")}
    assert ImageStore(tmp_path).missing(["1", "159", "3_ab.jpg", "nyu_office_4.png"]) == []
    assert asked(site) == {"images.zip": 1, "images2.zip": 1, "images.tar.gz": 1}


@pytest.mark.parametrize("archives", ["kept", "removed"])
def test_what_is_there_is_not_fetched_again(web: Web, site: Any, tmp_path: Path, archives: str) -> None:
    for name in ("vg", "spatialsense"):
        Fetcher(web, tmp_path).fetch(name)
    asked(site)
    if archives == "removed":
        for path in (tmp_path / "archives").glob("images*.*"):
            if path.suffix != ".json":
                path.unlink()
    for name, count in (("vg", 159), ("spatialsense", 25)):
        report = Fetcher(web, tmp_path).fetch(name)
        assert (report.images, report.written, report.kept) == (count, 0, count)
        assert {state for state, _ in states(report).values()} == {"there"}
    assert asked(site) == {}
    (tmp_path / "VG_100K/7.jpg").write_bytes(b"cut")
    report = Fetcher(web, tmp_path).fetch("vg")
    assert (report.written, report.kept) == (1, 158)
    assert asked(site) == ({} if archives == "kept" else {"images.zip": 1})
    assert images(tmp_path) == {**FIRST, **SECOND, **FLICKR, **NYU}


def test_only_the_images_that_items_name_are_taken_by_ranges(
    web: Web, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llava_vsd.data.remote.GAP", 1_000)
    ids = ["5", "77", "120", "9999", "3_ab.jpg"]
    report = Fetcher(web, tmp_path).fetch("vg", ids)
    assert images(tmp_path) == {
        name: data for name, data in {**FIRST, **SECOND}.items() if Path(name).stem in ("5", "77", "120")
    }
    assert (report.images, report.written, report.missing) == (4, 3, ["9999"])
    assert states(report) == {
        "archives/images.zip": ("ranges", "crc32"),
        "archives/images2.zip": ("ranges", "crc32"),
    }
    assert (
        sum(site.files[name].sent for name in ("images.zip", "images2.zip"))
        < 200_000
        < len(BODIES["images.zip"])
    )
    assert sorted(path.name for path in (tmp_path / "archives").iterdir()) == [
        *("images.zip.members.json", "images2.zip.members.json")
    ]
    asked(site)
    more = Fetcher(web, tmp_path).fetch("vg", [*ids, "6"])
    assert (more.written, more.kept, more.missing) == (1, 3, ["9999"])
    assert set(asked(site)) == {"images.zip"}  # of the second it is known that it holds nothing more


def test_only_the_images_that_items_name_are_taken_of_a_tar(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("spatialsense", ["3_ab.jpg", "nyu_office_2.png", "77", "gone.jpg"])
    assert set(images(tmp_path)) == {"images/flickr/3_ab.jpg", "images/nyu/nyu_office_2.png"}
    assert (report.images, report.written, report.missing) == (3, 2, ["gone.jpg"])


def test_nothing_is_fetched_where_the_items_name_nothing_of_it(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("spatialsense", ["1", "2"])
    assert (report.images, report.files, asked(site)) == (0, [], {})


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
    assert images(tmp_path / "b") == {**FIRST, **SECOND}
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
    site.files["images.zip"].body = zipped({"VG_100K/5.jpg": b"other"})
    with pytest.raises(DownloadError, match=r"images\.zip: is \d+ bytes there, published [\d,]+"):
        Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert images(tmp_path) == {}


def test_a_whole_download_that_was_begun_is_gone_on_with(
    web: Web, site: Any, tmp_path: Path, mood: Any
) -> None:
    site.files["images.zip"].moods = [mood(cut=300_000)] + [mood(status=503)] * 2
    with pytest.raises(DownloadError, match="503"):
        Fetcher(web, tmp_path).fetch("vg")
    asked(site)
    report = Fetcher(web, tmp_path).fetch("vg", ["5"])
    assert states(report)["archives/images.zip"] == ("resumed", "published sha256")
    assert asked(site)["images.zip"] == 1


def test_an_archive_put_in_place_by_hand_is_checked_and_used(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/images.zip").write_bytes(BODIES["images.zip"])
    (tmp_path / "archives/images2.zip").write_bytes(BODIES["images2.zip"][:-1] + b"x")
    with pytest.raises(
        FileError, match=r"images2\.zip: is there, but sha256 \w+, published \w+; move it away"
    ):
        Fetcher(web, tmp_path).fetch("vg", ["5", "120"])
    assert (set(images(tmp_path)), asked(site)) == ({"VG_100K/5.jpg"}, {})


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
    assert images(tmp_path) == {**FIRST, **SECOND}
    assert [path for path in tmp_path.rglob("*") if ".part" in path.name] == []


@pytest.mark.parametrize("form", ["archives", "archives below", "images", "one archive", "other archive"])
def test_images_come_from_a_local_copy(web: Web, site: Any, tmp_path: Path, form: str) -> None:
    given = tmp_path / "given"
    if form.startswith("archives"):
        folder = given / "archives" if form == "archives below" else given
        folder.mkdir(parents=True)
        for name in ("images.zip", "images2.zip"):
            (folder / name).write_bytes(BODIES[name])
    elif form == "images":
        for name, data in {**FIRST, **SECOND, "VG_100K/._5.jpg": b"mac"}.items():
            (given / "deep" / name).parent.mkdir(parents=True, exist_ok=True)
            (given / "deep" / name).write_bytes(data)
    else:
        given.write_bytes((zipped if form == "one archive" else tarred)({**FIRST, **SECOND}))
    report = Fetcher(web, tmp_path / "to", given=given).fetch("vg", ["5", "120", "777"])
    expected = {"VG_100K/5.jpg": FIRST["VG_100K/5.jpg"], "VG_100K_2/120.jpg": SECOND["VG_100K_2/120.jpg"]}
    assert images(tmp_path / "to") == {("deep/" * (form == "images") + k): v for k, v in expected.items()}
    assert (report.images, report.written, report.missing, asked(site)) == (3, 2, ["777"], {})
    again = Fetcher(web, tmp_path / "to", given=given).fetch("vg")
    assert (again.written, again.kept) == (157, 2)


def test_a_local_copy_that_lacks_an_archive_is_named(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(BODIES["images.zip"])
    with pytest.raises(FileError, match=r"holds images\.zip, but no images2\.zip"):
        Fetcher(web, tmp_path / "to", given=tmp_path).fetch("vg")
    report = Fetcher(web, tmp_path / "to", given=tmp_path).fetch("vg", ["5", "120"])
    assert (report.written, report.missing) == (1, ["120"])
    with pytest.raises(FileError, match=r"nowhere: .*No such file"):
        Fetcher(web, tmp_path / "to", given=tmp_path / "nowhere").fetch("vg")


def test_a_member_that_leaves_the_folder_stops_a_fetch(web: Web, site: Any, tmp_path: Path) -> None:
    (tmp_path / "evil.zip").write_bytes(zipped({"VG_100K/../../5.jpg": b"evil"}))
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


# The table


def test_the_table_is_whole() -> None:
    assert set(SOURCES) >= {"vsdv1", "vsdv2", "vg", "spatialsense"}
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.addresses
        assert all("{path}" in address for address in source.addresses)
        assert all(address.startswith("https://") for address in source.addresses)
        for file in source.files:
            assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32
            assert file.md5 is None or len(bytes.fromhex(file.md5)) == 16
    with pytest.raises(
        UsageError, match="nothing is known under the name 'coco'; known are vsdv1, vsdv2, vg, spat"
    ):
        module.source("coco")


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize(("version", "prefix"), [("v1", ""), ("v2", "newvsd_")])
def test_the_published_checksums_are_those_of_the_real_files(
    reference: Any, version: str, prefix: str, split: str
) -> None:
    body = reference.path(f"vsd/vsd{version}_{split}.json").read_bytes()
    path = f"VSD{version}/{prefix}{split}.json"
    (file,) = [file for file in SOURCES[f"vsd{version}"].files if file.path == path]
    assert (file.bytes, file.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_every_image_of_the_real_annotations_belongs_to_one_source(reference: Any) -> None:
    ids = {row["img_id"] for split in ("val", "test") for row in reference.json(f"vsd/vsdv1_{split}.json")}
    holding: list[Source] = [source for source in SOURCES.values() if source.ids]
    counts = {
        source.name: sum(bool(source.ids and source.ids.fullmatch(image)) for image in ids)
        for source in holding
    }
    assert counts == {"vg": 6837, "spatialsense": 1945}
    assert len(ids) == 6837 + 1945
