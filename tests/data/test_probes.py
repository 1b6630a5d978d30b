import random

import pytest
from PIL import Image

from llava_vsd.data.probes import GREY, PROBES, mirrored_box, parse_probes, probed, shown
from llava_vsd.errors import UsageError
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item

CUP = {
    "subject": "cup",
    "object": "table",
    "relation": "to the left of",
    "subject_box": (1, 2, 3, 4),
    "object_box": (0, 9, 10, 30),
}
ITEM = Item.model_validate(
    {
        "id": "i",
        "image": "7",
        "asked": 1,
        "triples": [CUP, {**CUP, "relation": "on", "subject": "cat"}],
        "note": "kept",
    }
)


def test_a_swap_exchanges_things_and_boxes_and_takes_the_converse():
    found = probed(ITEM, "swap")
    first, second = found.triples
    assert (first.subject, first.object, first.relation) == ("table", "cup", "to the right of")
    assert (first.subject_box, first.object_box) == ((0, 9, 10, 30), (1, 2, 3, 4))
    assert (second.subject, second.object) == ("table", "cat")
    assert (found.id, found.image, found.asked, found.probe) == ("i", "7", 1, "swap")
    assert found.label == "i (swap)"
    assert found.model_extra == {"note": "kept"}
    assert ITEM.triples[0].subject == "cup"
    assert ITEM.label == "i"


def test_a_mirror_turns_left_and_right_and_moves_boxes_where_the_width_is_known():
    first, second = probed(ITEM, "mirror", width=100).triples
    assert (first.subject, first.relation, second.relation) == ("cup", "to the right of", "on")
    assert (first.subject_box, first.object_box) == ((1, 2, 96, 97), (0, 9, 70, 90))
    assert probed(ITEM, "mirror").triples[0].subject_box == (1, 2, 3, 4)


def test_a_blank_changes_the_picture_alone():
    found = probed(ITEM, "blank", width=100)
    assert found.model_copy(update={"probe": None}) == ITEM


@pytest.mark.parametrize("probe", ["swap", "mirror"])
def test_twice_is_as_before_where_a_converse_exists(probe):
    for relation in RELATIONS:
        item = Item.model_validate({"id": "i", "image": "7", "triples": [{**CUP, "relation": relation}]})
        twice = probed(probed(item, probe, width=64), probe, width=64)
        assert twice.triples == item.triples


def test_a_mirrored_box_holds_the_mirrored_pixels():
    draw = random.Random(0)
    picture = Image.new("L", (31, 17))
    for _ in range(20):
        top, left = draw.randrange(16), draw.randrange(30)
        bottom, right = draw.randint(top + 1, 17), draw.randint(left + 1, 31)
        picture.paste(0, (0, 0, 31, 17))
        picture.paste(255, (left, top, right, bottom))
        up, down, start, end = mirrored_box((top, bottom, left, right), 31)
        assert shown(picture, "mirror").getbbox() == (start, up, end, down)


def test_a_blank_picture_is_grey_and_tells_its_size_alone():
    picture = shown(Image.new("L", (31, 17), 250), "blank")
    assert (picture.size, picture.getcolors()) == ((31, 17), [(31 * 17, GREY)])
    same = Image.new("RGB", (3, 2))
    assert shown(same, None) is same
    assert shown(same, "swap") is same


def test_probes_are_named_in_any_order_and_stand_in_ours():
    assert parse_probes("blank, swap") == ("swap", "blank")
    assert parse_probes("blank,mirror,swap,swap") == PROBES
    assert parse_probes("") == ()
    with pytest.raises(UsageError, match="probe: 'flip', expected one or more of swap, mirror, blank"):
        parse_probes("swap,flip")
