from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llava_vsd.data.archives import Limits, Unpacked, inside, open_archive, unpack
from llava_vsd.data.sources import IMAGES
from llava_vsd.data.web import Logged
from llava_vsd.errors import FileError

FILES = {f"VG_100K/{number}.jpg": bytes([number]) * (100 + number) for number in range(20)}


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: Any = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def plain_tar(path: Path, files: dict[str, bytes]) -> Path:
    return tarred(path, files, "w")


FORMS = pytest.mark.parametrize("make", [zipped, tarred, plain_tar, folder])
ARCHIVES = pytest.mark.parametrize("make", [zipped, tarred])


def take(
    archive: Path, to: Path, wanted: Callable[[str], bool] = lambda name: True, **limits: int
) -> Unpacked:
    bounds = Limits(**limits)
    return unpack(open_archive(archive, bounds), to, IMAGES.fullmatch, wanted, Logged(), bounds)


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@FORMS
def test_only_what_is_wanted_is_written(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "archive", {"README.txt": b"read me", **FILES})
    names = {"VG_100K/3.jpg", "VG_100K/17.jpg"}
    done = take(archive, tmp_path / "to", names.__contains__)
    assert content(tmp_path / "to") == {name: FILES[name] for name in names}
    assert (done.written, done.kept, done.bytes) == (2, 0, 103 + 117)
    assert done.members == {name: len(data) for name, data in FILES.items()}


@FORMS
def test_what_is_there_with_the_right_size_is_left_alone(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "archive", FILES)
    there = {"VG_100K/1.jpg": b"x" * 101, "VG_100K/2.jpg": b"short"}
    folder(tmp_path / "to", there)
    done = take(archive, tmp_path / "to")
    assert (done.written, done.kept) == (19, 1)
    assert content(tmp_path / "to") == {**FILES, "VG_100K/1.jpg": there["VG_100K/1.jpg"]}


OUTWARD = [
    "../7.jpg",
    "VG_100K/../../7.jpg",
    "/etc/7.jpg",
    "//server/share/7.jpg",
    "C:/7.jpg",
    "C:7.jpg",
    "..\\7.jpg",
    "\\7.jpg",
    "a/.. /7.jpg",
    "a/b:c/7.jpg",
    "a\n/7.jpg",
]


@ARCHIVES
@pytest.mark.parametrize("name", OUTWARD)
def test_a_name_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, make: Callable[..., Path], name: str
) -> None:
    archive = make(tmp_path / "archive", {name: b"evil"})
    with pytest.raises(FileError, match=r"archive: member .*7\.jpg' would leave the folder"):
        take(archive, tmp_path / "in" / "to", lambda _: False)
    assert content(tmp_path) == {"archive": archive.read_bytes()}


PARTS = st.one_of(st.sampled_from(["..", ".", "", "a", "C:", "~", ". .", "...", "con"]), st.text(max_size=4))
NAMES = st.one_of(
    st.text(st.characters(), max_size=20),
    st.builds(
        lambda parts, slash: slash.join(parts), st.lists(PARTS, max_size=6), st.sampled_from(["/", "\\"])
    ),
)


@settings(max_examples=400, deadline=None)
@given(NAMES)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    place = inside(Path("/data/to"), name)
    if place is not None:
        normal = os.path.normpath(place)
        assert normal.startswith("/data/to/")
        assert normal == str(place)
        assert "\\" not in normal
        assert not {"..", "C:"} & set(place.parts)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES.map(lambda name: name + ".jpg"), max_size=3), st.booleans())
def test_no_archive_writes_outside(tmp_path: Path, names: list[str], tar: bool) -> None:
    names = [name for name in names if "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)]
    root = Path(os.path.realpath(tmp_path)) / "case"
    to = root / "a" / "b" / "to"
    to.mkdir(parents=True, exist_ok=True)
    archive = (tarred if tar else zipped)(tmp_path / "archive", dict.fromkeys(names, b"data"))
    with suppress(FileError):
        take(archive, to)
    assert all(path.is_relative_to(to) or to.is_relative_to(path) for path in root.rglob("*"))


def test_harmless_names_go_where_they_say() -> None:
    to = Path("/data/to")
    assert inside(to, "VG_100K/2670.jpg") == to / "VG_100K/2670.jpg"
    assert inside(to, "./images//nyu/./a b.png") == to / "images/nyu/a b.png"
    assert inside(to, "images\\nyu\\a.png") == to / "images/nyu/a.png"
    assert inside(to, "..a/b..jpg") == to / "..a/b..jpg"


def test_links_in_a_tar_are_not_made_nor_followed(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    with tarfile.open(path, "w:gz") as archive:
        for name, kind, target in (
            ("out", tarfile.SYMTYPE, str(tmp_path)),
            ("1.jpg", tarfile.SYMTYPE, "../secret.jpg"),
            ("2.jpg", tarfile.LNKTYPE, "../secret.jpg"),
            ("3.jpg", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        info = tarfile.TarInfo("out/4.jpg")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    done = take(path, tmp_path / "to")
    assert done.refused == ["1.jpg", "2.jpg", "3.jpg"]
    assert content(tmp_path / "to") == {"out/4.jpg": b"evil"}
    assert not (tmp_path / "4.jpg").exists()
    assert not any(place.is_symlink() for place in (tmp_path / "to").rglob("*"))


def test_links_in_a_zip_are_not_made(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        info = zipfile.ZipInfo("1.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("2.jpg", "fine")
    done = take(tmp_path / "archive", tmp_path / "to")
    assert (done.refused, content(tmp_path / "to")) == (["1.jpg"], {"2.jpg": b"fine"})


@FORMS
def test_a_member_may_not_be_larger_than_allowed(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "archive", {"1.jpg": bytes(50), "2.jpg": bytes(2000)})
    with pytest.raises(FileError, match=r"member '2\.jpg' brings 2,000 bytes, more than is allowed"):
        take(archive, tmp_path / "to", member=1000)
    assert not (tmp_path / "to/2.jpg").exists()


def test_all_members_together_may_not_be_larger_than_allowed(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "archive", {f"{number}.jpg": bytes(1000) for number in range(10)})
    with pytest.raises(FileError, match=r"member '5\.jpg' brings 6,000 bytes, more than is allowed"):
        take(archive, tmp_path / "to", total=5000)
    assert len(content(tmp_path / "to")) == 5
    assert take(archive, tmp_path / "to2", lambda name: name == "9.jpg", total=5000).written == 1


def test_a_tar_may_not_unpack_to_more_than_allowed_even_if_nothing_of_it_is_wanted(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "archive", {"bomb.bin": bytes(50_000_000), "1.jpg": b"x"})
    assert archive.stat().st_size < 100_000
    with pytest.raises(FileError, match="unpacks to more bytes than are allowed"):
        take(archive, tmp_path / "to", total=1_000_000)


def test_a_zip_that_lies_about_a_size_is_found_out(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "archive", {"1.jpg": bytes(100_000)})
    data = archive.read_bytes()
    assert data.count((100_000).to_bytes(4, "little")) == 2
    archive.write_bytes(data.replace((100_000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(FileError, match=r"archive: is damaged or not readable: Bad CRC-32"):
        take(archive, tmp_path / "to")
    assert content(tmp_path / "to") == {}


@ARCHIVES
def test_a_damaged_archive_is_an_error_or_gives_what_it_held(
    tmp_path: Path, make: Callable[..., Path]
) -> None:
    """Byte after byte is damaged: nothing wrong is ever written, and no other error than ours comes up."""
    files = {"1.jpg": os.urandom(40), "2.jpg": b"ab" * 30}
    whole = make(tmp_path / "archive", files).read_bytes()
    for at in range(0, len(whole), 1 if len(whole) < 1000 else 3):
        (tmp_path / "archive").write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        with suppress(FileError):
            take(tmp_path / "archive", tmp_path / f"to{at}")
        written = content(tmp_path / f"to{at}") if (tmp_path / f"to{at}").exists() else {}
        assert set(written.values()) <= set(files.values()), at


@ARCHIVES
def test_a_cut_archive_is_an_error(tmp_path: Path, make: Callable[..., Path]) -> None:
    whole = make(tmp_path / "archive", FILES).read_bytes()
    for size in range(0, len(whole) - 1, 37):
        (tmp_path / "archive").write_bytes(whole[:size])
        with pytest.raises(FileError, match="archive: "):
            take(tmp_path / "archive", tmp_path / "to")


def test_an_encrypted_zip_is_an_error(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "archive", {"1.jpg": b"x"})
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # general purpose flag, in the local header and in the directory
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(FileError, match="encrypted"):
        take(archive, tmp_path / "to")


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("<html></html>")
    (tmp_path / "gz").write_bytes(gzip.compress(b"no tar"))
    for name in ("page", "gz"):
        with pytest.raises(FileError, match=f"{name}: is neither a zip nor a tar archive"):
            open_archive(tmp_path / name, Limits())
    with pytest.raises(FileError, match=r"nowhere: .*No such file"):
        open_archive(tmp_path / "nowhere", Limits())


def test_a_disk_that_takes_no_more_is_an_error_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(tmp_path / "archive", FILES)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match=r"to/VG_100K/0\.jpg: No space left on device"):
        take(archive, tmp_path / "to")
    assert content(tmp_path / "to") == {}
