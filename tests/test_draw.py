"""Drawn pictures: what is marked, what stands below, and that nothing is drawn outside."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from llava_vsd.draw import INK, NARROWEST, OBJECT, PAPER, SUBJECT, Mark, annotated, described, wrapped
from llava_vsd.jsonl import write_rows
from llava_vsd.schema import Item, Prediction
from stand_ins import vsd

GREY = (128, 128, 128)


def test_lines_are_as_long_as_fits_and_lose_no_word() -> None:
    text = "the small grey cat next to the lamp is on the wooden chair " * 3
    font = ImageFont.load_default(20)
    lines = wrapped(text, 20, 250)
    assert " ".join(lines) == text.strip()
    assert all(font.getlength(line) <= 250 for line in lines)
    for line, following in pairwise(lines):
        assert font.getlength(f"{line} {following.split()[0]}") > 250
    assert wrapped("", 20, 250) == []


def test_a_word_that_is_too_long_stands_in_pieces() -> None:
    lines = wrapped("a " + "w" * 100, 20, 100)
    assert "".join(lines) == "a" + "w" * 100
    assert all(ImageFont.load_default(20).getlength(line) <= 100 for line in lines)


def test_the_picture_stays_and_the_text_is_below() -> None:
    picture = Image.new("L", (NARROWEST, 50), 128)
    made = annotated(picture, "cat - on - sofa", ["a cat is on the sofa.", "word " * 80])
    assert made.mode == "RGB"
    assert made.width == NARROWEST
    pixels = np.asarray(made)
    assert (pixels[:50] == 128).all()
    assert (pixels[50:60] == PAPER).all()
    assert (pixels[-6:] == PAPER).all()  # the last line is whole
    assert (pixels[50:] == INK).all(axis=2).sum() > 200
    shorter = annotated(picture, "cat - on - sofa", ["a cat is on the sofa."])
    assert made.height > shorter.height
    assert picture.size == (NARROWEST, 50)


def test_boxes_are_drawn_where_they_are_and_inside_only() -> None:
    picture = Image.new("RGB", (NARROWEST // 2, 200), GREY)
    made = np.asarray(annotated(picture, "", [], [Mark("cat", (50, 150, 40, 240), SUBJECT)]))
    edge = (made == SUBJECT).all(axis=2)
    rows, columns = np.nonzero(edge[100:300])  # below the name
    assert (columns.min(), columns.max(), rows.max() + 100) == (80, 479, 299)
    assert (made[110:290, 90:470] == GREY).all()
    whole = np.asarray(annotated(picture, "", [], [Mark("cat", (-20, 900, -5, 900), OBJECT)]))
    assert whole.shape == made.shape
    assert (np.asarray(annotated(picture, "", [], [Mark("cat", (9, 9, 0, 5), OBJECT)]))[:400] == GREY).all()


def test_only_boxes_that_are_known_are_drawn() -> None:
    picture = Image.new("RGB", (NARROWEST, 200), GREY)
    made = np.asarray(described(picture, ("cat", None, "sofa"), None, ["", "x"], (None, (9, 90, 9, 90))))
    assert (made == OBJECT).all(axis=2).any()
    assert not (made == SUBJECT).all(axis=2).any()


def test_the_command_draws_the_asked_pair_of_each_item(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (NARROWEST, 200), GREY).save(tmp_path / "images" / "7.png")
    triples = [
        {"subject": one, "object": "sofa", "relation": "on", "subject_box": box, "object_box": (0, 9, 0, 9)}
        for one, box in (("cat", (20, 40, 20, 40)), ("dog", (100, 180, 100, 180)))
    ]
    item = Item.model_validate({"id": "v1-val-00001", "image": "7", "triples": triples, "asked": 1})
    relations = [{"subject": one, "object": "sofa", "relation": "on"} for one in ("cat", "dog")]
    row = {
        "id": item.id,
        "image": "7",
        "model": "m",
        "relations": relations,
        "description": "a",
        "descriptions": [],
    }
    write_rows(tmp_path / "items.jsonl", [item])
    write_rows(
        tmp_path / "said.jsonl",
        [Prediction.model_validate(json.loads(json.dumps(row)) | {"probe": one}) for one in (None, "swap")],
    )
    arguments = ["draw", tmp_path / "items.jsonl", tmp_path / "said.jsonl", "--images", tmp_path / "images"]
    assert vsd(*arguments, "-o", tmp_path / "drawn") == 0
    assert [file.name for file in (tmp_path / "drawn").iterdir()] == ["v1-val-00001.png"]
    with Image.open(tmp_path / "drawn" / "v1-val-00001.png") as made:
        drawn = (np.asarray(made) == SUBJECT).all(axis=2)
    assert drawn[150, 100]  # the dog's left edge
    assert not drawn[20:40, 20:23].any()
    assert vsd(*arguments, "-o", tmp_path / "drawn") == 0  # drawings of before make place
    assert vsd(*arguments, "-o", tmp_path / "plain", "--no-boxes") == 0
    with Image.open(tmp_path / "plain" / "v1-val-00001.png") as made:
        assert (np.asarray(made)[:200] == GREY).all()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("7", "7.png is a picture to draw on"),
        ("a/b", "id 'a/b' cannot be the name of a file"),
    ],
)
def test_the_command_writes_over_no_picture_and_outside_of_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (64, 20), GREY).save(images / "7.png")
    before = (images / "7.png").read_bytes()
    box = (0, 9, 0, 9)
    pair = {"subject": "cat", "object": "sofa", "relation": "on"}
    triple = pair | {"subject_box": box, "object_box": box}
    write_rows(
        tmp_path / "items.jsonl", [Item.model_validate({"id": name, "image": "7", "triples": [triple]})]
    )
    said = {
        "id": name,
        "image": "7",
        "model": "m",
        "relations": [pair],
        "description": "a",
        "descriptions": [],
    }
    write_rows(tmp_path / "said.jsonl", [Prediction.model_validate(said)])
    arguments = [tmp_path / "items.jsonl", tmp_path / "said.jsonl", "--images", images, "-o", images]
    assert vsd("draw", *arguments) == 2
    assert says in capsys.readouterr().err
    assert (images / "7.png").read_bytes() == before
    assert len(list(tmp_path.rglob("*.png"))) == 1
