from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from llava_vsd.data.fetch import Fetcher, Report
from llava_vsd.data.sources import SOURCES, Published, Source
from llava_vsd.data.sources import source as find
from llava_vsd.data.web import Web
from llava_vsd.errors import DownloadError, FileError, RowError, UsageError


def states(report: Report) -> dict[str, tuple[str, str]]:
    return {file.path: (file.state, file.checked) for file in report.files}


def test_annotations_are_fetched_and_checked(web: Web, site: Any, tmp_path: Path) -> None:
    report = Fetcher(web, tmp_path).fetch("vsdv1")
    assert {name: (tmp_path / name).read_bytes() for name in site.annotations} == site.annotations
    assert states(report) == {
        "VSDv1/train.json": ("fetched", "nothing: first fetch"),
        "VSDv1/val.json": ("fetched", "published sha256"),
        "VSDv1/test.json": ("fetched", "published sha256"),
    }
    assert (report.images, report.notes) == (None, [])
    assert site.asked() == dict.fromkeys(site.annotations, 1)
    again = Fetcher(web, tmp_path).fetch("vsdv1")
    assert {state for state, _ in states(again).values()} == {"there"}
    assert site.asked() == {}


def test_the_first_fetch_is_what_later_ones_are_held_to(web: Web, site: Any, tmp_path: Path) -> None:
    Fetcher(web, tmp_path).fetch("vsdv1")
    lock = json.loads((tmp_path / "fetch-lock.json").read_text())["files"]["VSDv1/train.json"]
    body = site.annotations["VSDv1/train.json"]
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
    for name, body in site.annotations.items():
        site.put(f"m/{name}{query}", body)
    Fetcher(web, tmp_path, mirror=site.url(mirror)).fetch("vsdv1")
    assert (tmp_path / "VSDv1/val.json").read_bytes() == site.annotations["VSDv1/val.json"]
    assert set(site.asked()) == {f"m/{name}{query}" for name in site.annotations}


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
    files = {LAYOUTS[layout](name): body for name, body in site.annotations.items()} | {
        "VSDv2/newvsd_val.json": b"[]"
    }
    given = tmp_path / "given"
    if form == "folder":
        for name, body in files.items():
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            (given / name).write_bytes(body)
    else:
        given.write_bytes(site.zipped(files) if form == "zip" else site.tarred(files))
    report = Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert {name: (tmp_path / "to" / name).read_bytes() for name in site.annotations} == site.annotations
    assert {state for state, _ in states(report).values()} == {"given"}
    assert site.asked() == {}


def test_a_local_copy_is_checked_too(web: Web, site: Any, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "VSDv1").mkdir(parents=True)
    (given / "VSDv1/val.json").write_bytes(site.annotations["VSDv1/val.json"].replace(b"val", b"vol"))
    with pytest.raises(
        FileError, match=r"given: VSDv1/val\.json is not VSDv1/val\.json: sha256 \w+, published \w+"
    ):
        Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert not (tmp_path / "to/VSDv1/val.json").exists()
    (given / "VSDv1/val.json").write_bytes(site.annotations["VSDv1/val.json"])
    with pytest.raises(FileError, match=r"given: holds no VSDv1/test\.json, VSDv1/train\.json$"):
        Fetcher(web, tmp_path / "to", given=given).fetch("vsdv1")
    assert (tmp_path / "to/VSDv1/val.json").read_bytes() == site.annotations["VSDv1/val.json"]
    (given / "val.json").write_bytes(b"[]")
    with pytest.raises(FileError, match=r"given: holds VSDv1/val\.json twice, once as "):
        Fetcher(web, tmp_path / "to2", given=given).fetch("vsdv1")


def test_two_processes_keep_each_others_entries_in_the_lock_file(web: Web, site: Any, tmp_path: Path) -> None:
    first, second = Fetcher(web, tmp_path), Fetcher(web, tmp_path)
    first.fetch("vsdv1")
    second.fetch("spatialsense")
    assert set(json.loads((tmp_path / "fetch-lock.json").read_text())["files"]) == {
        *site.annotations,
        "archives/images.tar.gz",
    }


@pytest.mark.parametrize("restricted", [False, True])
def test_a_member_that_is_no_image_can_be_a_source_too(
    web: Web, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restricted: bool
) -> None:
    body = site.zipped({"tool/grammar.ser.gz": b"grammar", "tool/code.jar": b"code"})
    site.put("tool.zip", body)
    file = Published("tool.zip", len(body), hashlib.sha256(body).hexdigest())
    members = re.compile(r".*/grammar\.ser\.gz")
    tool = Source("tool", "a grammar", "free", (site.url("{path}"),), (file,), members)
    monkeypatch.setitem(SOURCES, "tool", tool)
    report = Fetcher(web, tmp_path, partial=restricted).fetch("tool", ["5"] if restricted else None)
    assert (tmp_path / "tool/grammar.ser.gz").read_bytes() == b"grammar"
    assert not (tmp_path / "tool/code.jar").exists()
    assert (report.images, report.written, report.files[0].state) == (
        None,
        1,
        "ranges" if restricted else "fetched",
    )


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
        find("coco")


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
    holding = [source for source in SOURCES.values() if source.ids]
    counts = {
        source.name: sum(bool(source.ids and source.ids.fullmatch(image)) for image in ids)
        for source in holding
    }
    assert counts == {"vg": 6837, "spatialsense": 1945}
    assert len(ids) == 6837 + 1945
