from __future__ import annotations

import json
from pathlib import Path

import pytest

from llava_vsd.data.overlap import coco_ids
from llava_vsd.errors import RowError
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.schema import Item
from stand_ins import vsd

IMAGES = ("2670", "2671", "2672", "61512", "4558463334_c2ac9abeb2_b.jpg", "nyu_1.png", "99")
TRAINING = (
    "vg/VG_100K/2670.jpg",
    "gqa/images/2671.jpg",
    "coco/train2017/000000002672.jpg",  # a COCO id, not Visual Genome's 2672
    "coco/train2017/000000000555.jpg",
    "flickr/4558463334_c2ac9abeb2_b.jpg",
    "ocr_vqa/images/99.jpg",  # a book
    None,
)


def item(number: int, image: str) -> Item:
    triple = {
        "subject": "a",
        "object": "b",
        "relation": "on",
        "subject_box": [0, 1, 0, 1],
        "object_box": [0, 1, 0, 1],
    }
    return Item.model_validate({"id": f"i{number}", "image": image, "triples": [triple]})


def test_pictures_are_recognized_by_all_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "items.jsonl", (item(*pair) for pair in enumerate(IMAGES)))
    entries = [
        {"id": str(number), "conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}
        | ({"image": image} if image else {})
        for number, image in enumerate(TRAINING)
    ]
    (tmp_path / "mix.json").write_text(json.dumps(entries))
    (tmp_path / "image_data.json").write_text(
        json.dumps([{"image_id": 61512, "coco_id": 555}, {"image_id": 2670, "coco_id": None}])
    )
    asked = ["overlap", str(tmp_path / "items.jsonl"), str(tmp_path / "mix.json")]
    more = ("--image-data", tmp_path / "image_data.json", "-o", tmp_path / "unseen.jsonl")
    assert vsd(*asked, *more) == 0
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [(one["image"], one["found"], one["way"]) for one in found] == [
        ("2670", "vg/VG_100K/2670.jpg", "visual genome"),
        ("2671", "gqa/images/2671.jpg", "visual genome"),
        ("61512", "coco/train2017/000000000555.jpg", "coco"),
        ("4558463334_c2ac9abeb2_b.jpg", "flickr/4558463334_c2ac9abeb2_b.jpg", "name"),
    ]
    assert "4 of 7 items share a picture: 2 by visual genome, 1 by coco, 1 by name" in err
    assert [row.image for row in read_rows(tmp_path / "unseen.jsonl", Item)] == ["2672", "nyu_1.png", "99"]
    assert vsd(*asked) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "pictures from COCO are not recognized" in err


def test_a_file_without_any_llava_conversation_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "items.jsonl", [item(0, "2670")])
    (tmp_path / "ours.jsonl").write_text('{"id": "a", "task": "chat", "image": "2670", "turns": []}\n' * 2)
    assert vsd("overlap", str(tmp_path / "items.jsonl"), str(tmp_path / "ours.jsonl")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "ours.jsonl: entry 0 (id a): conversations: field required" in err


def test_image_data_without_ids_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('[{"url": "x"}]')
    with pytest.raises(RowError, match="entry 0: image_id: missing"):
        coco_ids(tmp_path / "x.json")
