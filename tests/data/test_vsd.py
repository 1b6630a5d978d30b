import json

import pytest
from PIL import Image

from llava_vsd.data.images import ImageStore
from llava_vsd.data.vsd import VsdFiles, read_items, split_of
from llava_vsd.errors import FileError, MismatchError, RowError, UsageError


def entry(image="7", **changes):
    triple = {"s": "cup", "o": "table", "p": "on", "s_bbox": [1, 2, 3, 4], "o_bbox": [0, 9, 0, 9]}
    triple |= changes.pop("triple", {})
    return {"img_id": image, "triple_list": [triple], "captions": ["a cup on a table"]} | changes


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return to


def test_v1_and_v2_join_by_place(write):
    v1 = write("vsdv1_val.json", [entry("7", captions=["a cup", " a cup", "a cup", "cup "]), entry("8")])
    v2 = write("vsdv2_val.json", [entry("7", captions=["The cup."]), entry("8")])
    first, second = read_items(v1, v2)
    assert (first.id, second.id) == ("v1-val-00000", "v1-val-00001")
    assert first.image == "7"
    assert first.triples[0].model_dump() == {
        "subject": "cup", "object": "table", "relation": "on", "subject_box": (1, 2, 3, 4), "object_box": (0, 9, 0, 9),
    }  # fmt: skip
    assert first.descriptions_v1 == ["a cup", "a cup", "cup"]  # unique as written, then stripped
    assert first.descriptions_v2 == ["The cup."]


def test_either_file_can_stand_alone(write):
    path = write("x_val.json", [entry()])
    assert read_items(None, path)[0].id == "v2-val-00000"
    assert read_items(path, None)[0].id == "v1-val-00000"
    with pytest.raises(UsageError, match="no VSD file"):
        read_items(None, None)


def test_the_papers_short_labels_are_accepted_and_the_files_form_is_kept(write):
    path = write(
        "val.json",
        [entry(triple={"p": "left"}), entry(triple={"p": "next"}), entry(triple={"p": "in front"})],
    )
    relations = [item.pair.relation for item in read_items(path, None)]
    assert relations == ["to the left of", "next to", "in front of"]


def test_integer_image_ids_become_text(write):
    assert read_items(write("val.json", [entry(image=2670)]), None)[0].image == "2670"


def without(field):
    broken = entry()
    del (broken if field in broken else broken["triple_list"][0])[field]
    return broken


@pytest.mark.parametrize(
    ("broken", "field", "says"),
    [
        (
            entry(triple={"p": "near"}),
            "triple_list[0].p",
            "unknown relation 'near'; expected one of: on, in, ",
        ),
        (without("p"), "triple_list[0].p", "field required"),
        (without("img_id"), "img_id", "field required"),
        (without("captions"), "captions", "field required"),
        (without("triple_list"), "triple_list", "field required"),
        (entry(triple_list=[]), "triple_list", "at least 1 item"),
        (
            entry(triple={"s_bbox": [5, 2, 3, 4]}),
            "triple_list[0].s_bbox",
            "inverted; expected [y_min, y_max, x_min",
        ),
        (entry(triple={"o_bbox": [1, 2, 4, 3]}), "triple_list[0].o_bbox", "inverted"),
        (entry(triple={"o_bbox": [-1, 2, 3, 4]}), "triple_list[0].o_bbox", "outside the picture"),
        (entry(triple={"s_bbox": [1, 2, 3]}), "triple_list[0].s_bbox[3]", "field required"),
        (entry(triple={"s": " "}), "triple_list[0].s", "empty"),
        (entry(captions=["a", ""]), "captions[1]", "empty"),
        (entry(captions=["a", 3]), "captions[1]", "valid string, found 3"),
        ("cup", "", "valid dictionary"),
    ],
)
def test_a_fault_names_file_entry_and_field(write, broken, field, says):
    path = write("val.json", [entry(), broken, entry("9")])
    with pytest.raises(RowError) as caught:
        read_items(path, None)
    assert caught.value.path == path
    assert caught.value.place.startswith("entry 1 (img_id ")
    assert caught.value.field == field
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)

    files = VsdFiles(path, None, skip_bad=True)
    assert [item.id for item in files.items()] == ["v1-val-00000", "v1-val-00002"]  # ids keep their place
    assert [str(fault) for fault in files.bad] == [str(caught.value)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty; expected a JSON list of VSD entries"),
        (" \n", "empty; expected a JSON list"),
        ("[]", "an empty list"),
        ("hello", "line 1, column 1: not a JSON list"),
        (json.dumps(entry()), "one JSON object; expected a JSON list"),
        (json.dumps(entry()) + "\n" + json.dumps(entry()), "JSON lines; expected a JSON list"),
        ("[\n" + json.dumps(entry()) + ",\n", "ends before its list does"),
        ("[\n" + json.dumps(entry())[:-5], "line 2"),
        ("[\n{'img_id': 1}]", "line 2, column 2: entry 0 is not JSON"),
        ("[" + json.dumps(entry()) + "] x", "text after the list's end"),
        ("[" + json.dumps(entry()) + " " + json.dumps(entry()) + "]", "expected ',' or ']' after entry 0"),
        ("[" + json.dumps(entry()) + ",]", "expected entry 1"),
    ],
)
def test_a_file_that_is_no_json_list_is_refused_with_the_place(write, content, says):
    path = write("val.json", content)
    for skip_bad in (False, True):  # such a file has no entry to leave out
        with pytest.raises(FileError) as caught:
            list(VsdFiles(path, None, skip_bad=skip_bad).items())
        assert str(caught.value).startswith(f"{path}: ")
        assert says in str(caught.value)


def test_a_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_items(tmp_path / "val.json", None)
    (tmp_path / "val.json").write_bytes(b'[{"img_id": "\xff"}]')
    with pytest.raises(FileError, match="not UTF-8"):
        read_items(tmp_path / "val.json", None)


def test_files_that_do_not_match_are_refused_at_the_first_entry_that_differs(write):
    v1 = write("v1_val.json", [entry("1"), entry("2"), entry("3")])
    with pytest.raises(
        MismatchError, match=r"entry 1 differs: img_id 2 in .*v1_val.json, 9 in .*v2_val.json"
    ):
        read_items(v1, write("v2_val.json", [entry("1"), entry("9"), entry("8")]))
    with pytest.raises(MismatchError, match=r"entry 2 \(img_id 3\) differs: .* has a triple"):
        read_items(v1, write("v2_val.json", [entry("1"), entry("2"), entry("3", triple={"p": "in"})]))
    with pytest.raises(MismatchError, match="ends before entry 2"):
        read_items(v1, write("v2_val.json", [entry("1"), entry("2")]))
    with pytest.raises(MismatchError, match="goes on after entry 2"):
        read_items(v1, write("v2_val.json", [entry(name) for name in "1234"]))


def test_the_split_is_read_off_the_name_or_asked_for(write):
    assert VsdFiles(write("newvsd_train.json", [entry()]), None).split == "train"
    assert VsdFiles(write("mine.json", [entry()]), None, split="val").split == "val"
    with pytest.raises(UsageError, match=r"cannot tell the split from mine.json; expected --split"):
        VsdFiles(write("mine.json", [entry()]), None)
    assert VsdFiles(write("vsd_test.json", [entry()]), None, split="val").is_test
    assert split_of(write("latest.json", "")) is None


@pytest.mark.parametrize(("split", "unique", "several"), [("val", 11_891, 2_464), ("test", 10_155, 3_620)])
def test_the_real_files_give_the_counts_of_the_paper(reference, split, unique, several):
    v1 = reference.path(f"vsd/vsdv1_{split}.json")
    items = read_items(v1, reference.path(f"vsd/vsdv2_{split}.json"))
    assert len(items) == {"val": 2_927, "test": 5_855}[split]
    assert sum(len(item.descriptions_v1) for item in items) == unique
    assert sum(len(item.descriptions_v1) >= 2 for item in items) == several
    assert len({item.image for item in items}) == len(items)
    assert all(item.descriptions_v2 for item in items)


def test_with_the_pictures_at_hand_each_must_be_there_whole_and_hold_its_boxes(write, tmp_path):
    (tmp_path / "VG_100K").mkdir()
    for name, size in (("7", (9, 12)), ("9", (9, 12)), ("10", (12, 9))):  # width, height
        Image.new("RGB", size).save(tmp_path / "VG_100K" / f"{name}.jpg")
    (tmp_path / "VG_100K" / "11.jpg").write_bytes(b"no picture")
    wide = entry("9", triple={"o_bbox": [0, 9, 0, 10]})
    high = entry("10", triple={"s_bbox": [0, 10, 0, 12]})
    fits = entry("7", triple={"s_bbox": [0, 12, 0, 9]})
    path = write("val.json", [fits, entry("8"), wide, entry("11"), high])
    files = VsdFiles(path, None, skip_bad=True, images=ImageStore(tmp_path))
    assert [item.image for item in files.items()] == ["7"]
    assert [fault.field for fault in files.bad] == [
        "img_id",
        "triple_list[0].o_bbox",
        "img_id",
        "triple_list[0].s_bbox",
    ]
    texts = [str(fault) for fault in files.bad]
    assert "entry 1 (img_id 8)" in texts[0]
    assert "box [0, 9, 0, 10] lies outside the picture, which is 12 high and 9 wide" in texts[1]
    assert "cannot be decoded" in texts[2]
    assert "box [0, 10, 0, 12] lies outside the picture, which is 9 high and 12 wide" in texts[3]
    with pytest.raises(RowError, match="entry 1"):
        list(VsdFiles(path, None, images=ImageStore(tmp_path)).items())
