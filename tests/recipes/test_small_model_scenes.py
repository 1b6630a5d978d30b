"""What the small model learns from says what is so: scenes, the targets of patches, conversations."""

from __future__ import annotations

import json
import random
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from llava_vsd.relations import converse

RECIPE = Path(__file__).parents[2] / "recipes/small_model"


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(RECIPE))
    return import_module


@pytest.fixture
def cross(part: Any) -> Any:
    """A red square at the top left, a blue circle at the bottom right; the square is to the left of the circle."""
    scene = part("scene")
    square = scene.Thing("red square", (0.0, 0.25, 0.0, 0.25), {"colour": "red", "form": "square"})
    circle = scene.Thing("blue circle", (0.5, 1.0, 0.5, 1.0), {"colour": "blue", "form": "circle"})
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[:2, :2] = (255, 0, 0)
    relations = {(0, 1): "to the left of", (1, 0): "to the right of"}
    return scene.Scene("one", lambda: Image.fromarray(pixels), (square, circle), relations)


def test_a_mirrored_scene_has_its_left_on_the_right(cross: Any) -> None:
    turned = cross.mirror()
    assert turned.things[0].box == (0.0, 0.25, 0.75, 1.0)
    assert turned.relations == {(0, 1): "to the right of", (1, 0): "to the left of"}
    assert turned.open().getpixel((7, 0)) == (255, 0, 0)
    assert turned.things[0].place == {"row": "top", "column": "right", "size": "small"}


def test_a_crop_keeps_what_is_whole_and_drops_what_is_cut(cross: Any) -> None:
    part = cross.crop((0.0, 0.5, 0.0, 0.5))
    assert [(thing.name, thing.box) for thing in part.things] == [("red square", (0.0, 0.5, 0.0, 0.5))]
    assert part.relations == {}
    assert part.open().size == (4, 4)
    later = cross.crop((0.25, 1.0, 0.25, 1.0))  # the numbers of things move up
    assert [thing.name for thing in later.things] == ["blue circle"]


def test_patches_say_what_they_show(part: Any, cross: Any) -> None:
    tower = part("tower")
    held = tower.covered([thing.box for thing in cross.things], 4).reshape(4, 4)
    assert held.tolist() == [[0, -1, -1, -1], [-1] * 4, [-1, -1, 1, 1], [-1, -1, 1, 1]]
    speck = tower.covered([(0.0, 1.0, 0.0, 1.0), (0.3, 0.35, 0.3, 0.35)], 4).reshape(4, 4)
    assert speck[1, 1] == 1  # smaller than a patch, before what is larger
    assert (speck == 1).sum() == 1
    kinds = {"colour": ("red", "blue"), **tower.PLACES}
    batch = tower.collate([cross], kinds, {"red square": 0, "blue circle": 1}, 8, 4)
    said = batch.said["colour"][0].reshape(4, 4)
    assert said[0, 0] == 0  # the last class: nothing
    assert said[3, 3] == 1
    assert said[1, 1] == 2
    assert batch.said["row"][0].reshape(4, 4)[1, 1] == tower.NONE
    assert batch.box[0, 15].tolist() == [0.75, 0.75, 0.5, 0.5]
    left, right = tower.RELATIONS.index("to the left of"), tower.RELATIONS.index("to the right of")
    assert batch.pairs.tolist() == [[0, 1, left], [1, 0, right]]


def test_shapes_are_where_their_scene_says(part: Any) -> None:
    shapes = part("shapes")
    for scene in islice(shapes.random_scenes(5), 30):
        picture = np.asarray(scene.open()).astype(int)
        for thing in scene.things:
            colour = np.array(shapes.COLOURS[thing.looks["colour"]])
            rows, columns = np.nonzero(np.abs(picture - colour).sum(-1) < 12)
            if len(rows):  # else it is behind another
                y0, y1, x0, x1 = (side * shapes.SIZE for side in thing.box)
                assert y0 - 1 <= rows.min()
                assert rows.max() <= y1 + 1
                assert x0 - 1 <= columns.min()
                assert columns.max() <= x1 + 1
        for (one, other), relation in scene.relations.items():
            back = scene.relations.get((other, one))
            assert back == converse(relation)


def test_conversations_say_what_holds(part: Any, cross: Any) -> None:
    talk = part("talk")
    names = ("red square", "blue circle", "green cross")
    told = [exchange for seed in range(40) for exchange in talk.exchanges(cross, names, random.Random(seed))]
    answers = dict(told)
    assert answers["Where is the red square?"] == "At the top left."
    assert answers["Name the relation of the red square to the blue circle."] == "to the left of"
    assert answers["Is the red square to the left of the blue circle?"] == "Yes."
    assert answers["Which is larger in the picture, the red square or the blue circle?"] == "The blue circle."
    assert answers["Which is further left, the blue circle or the red square?"] == "The red square."
    assert answers["What is to the right of the red square?"] == "The blue circle."
    assert answers["Does the picture show any green cross?"] == "No."
    wrong = [
        answer
        for question, answer in told
        if question.startswith("Is the red square") and " left " not in question
    ]
    assert wrong
    assert set(wrong) == {"No, it is to the left of the blue circle."}
    most = list(talk.conversations(cross, names, 3, random.Random(0)))
    assert len(most) == 3
    assert len({one.id for one in most}) == 3
    assert all([turn.role for turn in one.turns[:2]] == ["user", "assistant"] for one in most)


def test_rooms_become_scenes(part: Any, tmp_path: Path) -> None:
    rooms = part("room_scenes")

    def thing(name: str, box: list[int] | None, visible: float) -> dict[str, Any]:
        return {"name": name, "model": "m", "words": ["red"], "box": box, "visible": visible}

    pair = {"subject_box": [0, 1, 0, 1], "object_box": [0, 1, 0, 1]}
    row = {
        "id": "r", "image": "r.jpg",
        "things": [thing("mug", [0, 84, 0, 168], 1.0), thing("table", [84, 336, 0, 336], 0.9), thing("bed", None, 0.0)],
        "holds": [
            {"subject": "mug", "object": "table", "relation": "next to", **pair},
            {"subject": "mug", "object": "table", "relation": "to the left of", **pair},
            {"subject": "mug", "object": "bed", "relation": "on", **pair},
        ],
    }  # fmt: skip
    (tmp_path / "images").mkdir()
    Image.new("RGB", (336, 336), "green").save(tmp_path / "images/r.jpg")
    (tmp_path / "items.jsonl").write_text(json.dumps(row) + "\n")
    (scene,) = rooms.read_scenes(tmp_path / "items.jsonl")
    assert [(one.name, one.box) for one in scene.things] == [
        ("mug", (0.0, 0.25, 0.0, 0.5)),
        ("table", (0.25, 1.0, 0.0, 1.0)),
    ]
    assert scene.relations == {(0, 1): "next to"}  # the first is the one that tells most
    assert scene.open().size == (336, 336)
    assert rooms.kinds([scene]) == {"name": ("mug", "table"), "adjective": ("red",)}
