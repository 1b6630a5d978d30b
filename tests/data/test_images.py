from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from llava_vsd.data.images import ImageStore, image_key, in_order, is_image
from llava_vsd.errors import FileError, MissingImagesError

NYU = "nyu_bedroom_0031_r-1315424150.792218-3939649413.png"
FLICKR = "4558463334_c2ac9abeb2_b.jpg"


def picture(suffix: str, colour: tuple[int, int, int] = (200, 10, 10)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (31, 17), colour).save(out, {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}[suffix])
    return out.getvalue()


def put(root: Path, *names: str, size: int | None = None) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        data = picture(name.rpartition(".")[2].lower())
        (root / name).write_bytes(data + b"\0" * ((size or len(data)) - len(data)))


@pytest.mark.parametrize(
    ("layout", "image"),
    [
        ("VG_100K/2670.jpg", "2670"),
        ("VG_100K_2/2670.jpg", "2670"),
        ("2670.jpg", "2670"),
        ("a/b/c/d/2670.JPEG", "2670"),
        ("vg/2670.png", "2670"),
        (f"images/flickr/{FLICKR}", FLICKR),
        (f"images/nyu/{NYU}", NYU),
        (f"flat/{NYU.replace('.png', '.jpg')}", NYU),
        (f"x/{FLICKR.replace('.jpg', '.JPG')}", FLICKR),
    ],
)
def test_an_image_is_found_in_any_layout(tmp_path: Path, layout: str, image: str) -> None:
    put(tmp_path, layout, "VG_100K/1.jpg", "images/nyu/nyu_office_0001.png")
    store = ImageStore(tmp_path)
    assert store.path(image) == tmp_path / layout
    assert store.open(image).size == (31, 17)
    assert image in store
    assert len(store) == 3


def test_several_folders_are_one_store_and_the_first_wins(tmp_path: Path) -> None:
    put(tmp_path, "a/2670.jpg", "b/2671.jpg")
    put(tmp_path, "b/2670.jpg", size=5000)
    store = ImageStore([tmp_path / "a", tmp_path / "b"])
    assert store.path("2670") == tmp_path / "a/2670.jpg"
    assert store.path("2671") == tmp_path / "b/2671.jpg"
    assert ImageStore([tmp_path / "b", tmp_path / "a"]).path("2670") == tmp_path / "b/2670.jpg"
    assert len(store) == 2


def test_an_id_with_folders_is_the_end_of_a_path(tmp_path: Path) -> None:
    put(tmp_path, "llava/00453/x.jpg", "coco/train2017/9.jpg")
    put(tmp_path, "llava/00454/x.jpg", "gqa/images/9.jpg", size=5000)
    store = ImageStore([tmp_path / "llava", tmp_path / "coco", tmp_path / "gqa"])
    assert store.path("00453/x.jpg") == tmp_path / "llava/00453/x.jpg"
    assert store.path("00454/x.png") == tmp_path / "llava/00454/x.jpg"
    assert store.path("gqa/images/9.jpg") == tmp_path / "gqa/images/9.jpg"
    assert store.path("coco/train2017/9.jpg") == tmp_path / "coco/train2017/9.jpg"
    assert store.missing(["0453/x.jpg", "train2017/9.jpg", "images/10.jpg"]) == [
        "0453/x.jpg",
        "images/10.jpg",
    ]


def test_the_size_of_an_image_is_width_and_height(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg")
    (tmp_path / "2.jpg").write_bytes(b"<html>gone</html>")
    store = ImageStore(tmp_path)
    assert store.size("1") == (31, 17)
    with pytest.raises(FileError, match=r"2\.jpg: image 2 cannot be decoded"):
        store.size("2")


def test_copies_of_one_size_are_one_image_and_other_sizes_are_an_error(tmp_path: Path) -> None:
    put(tmp_path, "VG_100K_2/2670.jpg", "VG_100K/2670.jpg")
    store = ImageStore(tmp_path)
    assert store.path("2670") == tmp_path / "VG_100K/2670.jpg"
    put(tmp_path, "thumbs/2670.jpg", size=4000)
    size = len(picture("jpg"))
    with pytest.raises(
        FileError, match=rf"VG_100K/2670.jpg: image 2670 is there twice: {size} bytes, and 4,000 as "
    ):
        ImageStore(tmp_path).path("2670")


def test_the_exact_name_wins_over_another_suffix(tmp_path: Path) -> None:
    put(tmp_path, "a/x.jpg", "b/x.png")
    store = ImageStore(tmp_path)
    assert store.path("x.png") == tmp_path / "b/x.png"
    assert store.path("x.jpg") == tmp_path / "a/x.jpg"


def test_missing_ids_are_told_all_of_them_in_order(tmp_path: Path) -> None:
    put(tmp_path, "VG_100K/5.jpg", f"images/flickr/{FLICKR}")
    store = ImageStore(tmp_path)
    asked = ["b.jpg", "10", "9", FLICKR, "5", "a.png", "9"]
    assert store.missing(asked) == ["9", "10", "a.png", "b.jpg"]
    assert store.missing(["5", FLICKR]) == []
    with pytest.raises(
        MissingImagesError, match=r"4 of 6 images are not there: 9, 10, a\.png, b\.jpg$"
    ) as caught:
        store.require(asked)
    assert caught.value.ids == ["9", "10", "a.png", "b.jpg"]
    store.require(["5"])
    with pytest.raises(MissingImagesError, match=r"30 of 31 images .*: 6, 7, .*, 15 and 20 more$"):
        store.require(str(number) for number in range(5, 36))
    with pytest.raises(MissingImagesError, match=r"1 of 1 images are not there: 77$"):
        store.open("77")


def test_hidden_files_and_other_files_are_no_images(tmp_path: Path) -> None:
    put(tmp_path, "__MACOSX/VG_100K/8.jpg", "VG_100K/._5.jpg", ".cache/6.jpg")
    (tmp_path / "7.txt").write_text("no image")
    (tmp_path / "9.jpg.part").write_text("half an image")
    (tmp_path / "10.jpg").mkdir()
    none = ["5", "6", "7", "8", "9", "10"]
    assert ImageStore(tmp_path).missing(none) == none


def test_links_are_followed_and_circles_are_left(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/VG_100K/2670.jpg")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/vg").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/vg/again").symlink_to(tmp_path / "data")
    assert ImageStore(tmp_path / "data").path("2670").samefile(tmp_path / "elsewhere/VG_100K/2670.jpg")


def test_the_folders_are_looked_through_once_and_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "VG_100K/1.jpg", "VG_100K_2/2.jpg")
    looks: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looks.append(str(path)) or scandir(path))
    store = ImageStore(str(tmp_path))
    assert looks == []
    for image in ("1", "2", "3"):
        assert (image in store) == (image != "3")
    assert len(looks) == 3


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere: cannot be looked through: No such file"):
        ImageStore(tmp_path / "nowhere").missing(["1"])
    (tmp_path / "f").write_text("")
    with pytest.raises(FileError, match=r"f: cannot be looked through: Not a directory"):
        len(ImageStore(tmp_path / "f"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "image 7 is empty"),
        (b"<html>gone</html>", "image 7 cannot be decoded: cannot identify"),
        (picture("jpg")[:-60], "image 7 cannot be decoded: Truncated File Read"),
    ],
)
def test_a_broken_image_names_id_and_path(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "7.jpg").write_bytes(content)
    with pytest.raises(FileError, match=rf"7\.jpg: {problem}"):
        ImageStore(tmp_path).open("7")


def test_a_file_that_went_away_names_id_and_path(tmp_path: Path) -> None:
    put(tmp_path, "7.jpg")
    store = ImageStore(tmp_path)
    assert "7" in store
    (tmp_path / "7.jpg").unlink()
    with pytest.raises(FileError, match=r"7\.jpg: image 7 cannot be decoded: .*No such file"):
        store.open("7")


def test_an_image_of_too_many_pixels_is_an_error(tmp_path: Path) -> None:
    Image.new("1", (20_000, 9_500)).save(tmp_path / "7.png")
    with pytest.raises(FileError, match=r"7\.png: image 7 is suspiciously large"):
        ImageStore(tmp_path).open("7")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["jpg", "png"]), st.data())
def test_a_damaged_image_opens_or_is_a_file_error(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    content = bytearray(picture(suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"7.{suffix}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    problem = ""
    try:
        assert ImageStore(tmp_path).open(path.name).getpixel((0, 0)) is not None
    except FileError as error:
        problem = str(error)
    path.unlink()
    assert not problem or f"{path}: image 7.{suffix} " in problem


def test_keys_and_order() -> None:
    assert [image_key(name) for name in ("2670", "2670.jpg", "2670.PNG", NYU, "a.b", ".jpg")] == [
        *("2670", "2670", "2670", NYU.removesuffix(".png"), "a.b", ".jpg")
    ]
    assert in_order(["x", "10", "9", "²", "9"]) == ["9", "10", "x", "²"]
    assert [is_image(name) for name in ("1.jpg", ".1.jpg", "1.gif", "1.JPeG")] == [True, False, False, True]
