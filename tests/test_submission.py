"""The challenge's files: what is written is read back, in the form that the challenge asks for, or refused."""

import json
import zipfile
from contextlib import suppress

import pytest

from llava_vsd.errors import FileError, MismatchError, RowError, VsdError
from llava_vsd.schema import Item, Prediction
from llava_vsd.submission import is_submission, read_submission, write_submission

ITEMS = [
    Item(
        id="v1-test-00000",
        image="2403750",
        triples=[
            {
                "subject": "power lines",
                "object": "train",
                "relation": "above",
                "subject_box": (3, 195, 0, 460),
                "object_box": (130, 250, 157, 380),
            }
        ],
    ),
    Item(
        id="v1-test-00001",
        image="nyu_1.png",
        triples=[
            {
                "subject": "cup",
                "object": "desk",
                "relation": "on",
                "subject_box": (1, 2, 3, 4),
                "object_box": (0, 9, 0, 9),
            },
            {
                "subject": "desk",
                "object": "wall",
                "relation": "in front of",
                "subject_box": (0, 9, 0, 9),
                "object_box": (0, 20, 0, 20),
            },
        ],
    ),
]
PREDICTIONS = [
    Prediction(
        id="v1-test-00001",
        image="nyu_1.png",
        model="m",
        relations=[
            {"subject": "cup", "object": "desk", "relation": "to the left of"},
            {"subject": "desk", "object": "wall", "relation": "next to"},
        ],
        description="Ein Kännchen “on” the desk.",
        descriptions=["a", "b", "c"],
    ),
    Prediction(
        id="v1-test-00000",
        image="2403750",
        model="m",
        relations=[{"subject": "power lines", "object": "train", "relation": "above"}],
        description="power lines above a train",
        descriptions=["power lines above train.", "the train is under power lines.", "cables over a train"],
    ),
]


@pytest.fixture
def folder(tmp_path):
    write_submission(tmp_path, ITEMS, PREDICTIONS)
    return tmp_path


def edited(path, change):
    entries = json.loads(path.read_text())
    change(entries)
    path.write_text(json.dumps(entries))


def test_the_files_have_the_challenges_form(folder):
    """Written out by hand from the challenge's description."""
    single = json.loads((folder / "task1-2.json").read_text(encoding="utf-8"))
    assert single[0] == {
        "img_id": "2403750",
        "triple_list": [
            {
                "s": "power lines",
                "o": "train",
                "p": "above",
                "s_bbox": [3, 195, 0, 460],
                "o_bbox": [130, 250, 157, 380],
            }
        ],
        "description": ["power lines above a train"],
    }
    assert [triple["p"] for triple in single[1]["triple_list"]] == ["to the left of", "next to"]
    assert json.loads((folder / "task3.json").read_text(encoding="utf-8"))[1] == {
        "img_id": "nyu_1.png",
        "description": ["a", "b", "c"],
    }


@pytest.mark.parametrize("form", ["folder", "archive", "archive of a folder"])
def test_what_is_written_is_read_back(folder, form):
    source = folder
    if form == "archive":
        source = folder / "submission.zip"
    if form == "archive of a folder":
        source = folder / "mine.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for name in ("task1-2.json", "task3.json"):
                archive.write(folder / name, f"team/{name}")
    assert is_submission(source)
    read = read_submission(source, ITEMS)
    assert [prediction.id for prediction in read] == [item.id for item in ITEMS]
    for ours, theirs in zip(read, reversed(PREDICTIONS), strict=True):
        assert ours.model_dump(exclude={"model"}) == theirs.model_dump(exclude={"model"})


def test_the_archive_holds_the_two_files_and_is_the_same_every_time(folder, tmp_path_factory):
    with zipfile.ZipFile(folder / "submission.zip") as archive:
        assert archive.namelist() == ["task1-2.json", "task3.json"]
        for name in archive.namelist():
            assert archive.read(name) == (folder / name).read_bytes()
    again = tmp_path_factory.mktemp("again")
    write_submission(again, ITEMS, PREDICTIONS)
    assert (again / "submission.zip").read_bytes() == (folder / "submission.zip").read_bytes()


def test_ids_as_numbers_and_the_papers_short_relations_are_understood(folder):
    def change(entries):
        entries[0]["img_id"] = 2403750
        entries[0]["triple_list"][0]["p"] = "right"

    edited(folder / "task1-2.json", change)
    assert read_submission(folder, ITEMS)[0].relations[0].relation == "to the right of"


def change(entry, *path, to):
    def apply(entries):
        target = entries[entry]
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        (
            "task1-2.json",
            change(1, "triple_list", 1, "p", to="near"),
            "entry 1 (img_id nyu_1.png): triple_list[1].p: ",
        ),
        ("task1-2.json", change(0, "description", to=[]), "entry 0 (img_id 2403750): description: "),
        ("task1-2.json", change(0, "description", to="one"), "entry 0 (img_id 2403750): description: "),
        ("task1-2.json", change(0, "img_id", to="8"), "entry 0 (img_id 8): img_id: no item has this image"),
        (
            "task3.json",
            change(0, "img_id", to="nyu_1.png"),
            "entry 1 (img_id nyu_1.png): img_id: entry 0 has this image already",
        ),
        (
            "task1-2.json",
            change(1, "triple_list", 0, "o", to="table"),
            "triple_list[0].o: 'table', expected the item's 'desk'",
        ),
        (
            "task1-2.json",
            change(0, "triple_list", 0, "s_bbox", to=[3, 195, 0, 461]),
            "triple_list[0].s_bbox: [3, 195, 0, 461], expected the item's [3, 195, 0, 460]",
        ),
        (
            "task1-2.json",
            lambda entries: entries[1]["triple_list"].pop(),
            "triple_list: 1 triples, expected the item's 2",
        ),
        (
            "task3.json",
            change(1, "description", to=["a", "b"]),
            "entry 1 (img_id nyu_1.png): description: ",
        ),
        (
            "task3.json",
            change(1, "description", 2, to=None),
            "entry 1 (img_id nyu_1.png): description[2]: ",
        ),
        ("task3.json", lambda entries: entries.append("x"), "entry 2 (img_id missing): "),
        ("task3.json", lambda entries: entries[0].pop("description"), "description: field required"),
    ],
)
def test_a_fault_is_named_by_file_entry_and_field(folder, name, fault, message):
    edited(folder / name, fault)
    with pytest.raises(RowError) as error:
        read_submission(folder, ITEMS)
    assert str(error.value).startswith(f"{folder / name}: entry ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty; expected a JSON list of entries"),
        (b"[]", "an empty list"),
        (b"{}", "one JSON object; expected a JSON list of entries"),
        (b'{"img_id": 1}\n{"img_id": 2}', "JSON lines; expected a JSON list of entries"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_refused(folder, content, problem):
    (folder / "task3.json").write_bytes(content)
    with pytest.raises(FileError, match=problem) as error:
        read_submission(folder, ITEMS)
    assert "task3.json" in str(error.value)


def test_missing_files_and_broken_archives_are_named(folder):
    (folder / "task3.json").unlink()
    with pytest.raises(FileError, match=r"task3.json: no such file; a submission is"):
        read_submission(folder, ITEMS)
    with pytest.raises(FileError, match=r"none.zip: no such file"):
        read_submission(folder / "none.zip", ITEMS)
    (folder / "broken.zip").write_bytes(b"PK nothing")
    with pytest.raises(FileError, match=r"broken.zip: cannot be unpacked"):
        read_submission(folder / "broken.zip", ITEMS)
    whole = (folder / "submission.zip").read_bytes()
    for place in range(0, len(whole), 3):
        (folder / "broken.zip").write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        with suppress(VsdError):  # a date, for one, may be wrong without harm
            read_submission(folder / "broken.zip", [*ITEMS])
    with zipfile.ZipFile(folder / "half.zip", "w") as archive:
        archive.write(folder / "task1-2.json", "task1-2.json")
    with pytest.raises(FileError, match=r"half.zip: holds 0 files task3.json, expected one"):
        read_submission(folder / "half.zip", ITEMS)


def test_a_missing_entry_is_an_error_or_leaves_its_tasks_open(folder):
    edited(folder / "task1-2.json", lambda entries: entries.pop(0))
    with pytest.raises(MismatchError, match=r"task1-2.json: no entry for img_id 2403750"):
        read_submission(folder, ITEMS)
    first, second = read_submission(folder, ITEMS, allow_missing=True)
    assert (first.relations, first.description) == ([], "")
    assert len(first.descriptions) == 3
    assert len(second.relations) == 2
    edited(folder / "task3.json", lambda entries: entries.pop(0))
    assert [one.id for one in read_submission(folder, ITEMS, allow_missing=True)] == ["v1-test-00001"]


@pytest.mark.parametrize(
    ("update", "problem"),
    [
        ({"description": "  "}, "description: empty, expected a sentence"),
        ({"descriptions": ["a", "b"]}, "descriptions: 2 sentences, expected 3"),
        ({"descriptions": ["a", "b", "c", "d"]}, "descriptions: 4 sentences, expected 3"),
        ({"descriptions": ["a", "", "c"]}, r"descriptions\[1\]: empty, expected a sentence"),
        ({"relations": []}, "relations: 0, expected 2"),
        (
            {
                "relations": [
                    PREDICTIONS[0].relations[0],
                    PREDICTIONS[0].relations[1].model_copy(update={"relation": None}),
                ]
            },
            r"relations\[1\].relation: none, expected one of the nine",
        ),
    ],
)
def test_nothing_is_written_from_predictions_that_the_challenge_would_not_take(tmp_path, update, problem):
    bad = [PREDICTIONS[0].model_copy(update=update), PREDICTIONS[1]]
    with pytest.raises(MismatchError, match=rf"prediction v1-test-00001: {problem}"):
        write_submission(tmp_path, ITEMS, bad)
    assert not list(tmp_path.iterdir())


def test_every_item_needs_a_prediction_and_an_image_of_its_own(tmp_path):
    with pytest.raises(MismatchError, match="no prediction for v1-test-00000"):
        write_submission(tmp_path, ITEMS, PREDICTIONS[:1])
    twin = ITEMS[0].model_copy(update={"id": "twin"})
    with pytest.raises(MismatchError, match="items v1-test-00000 and twin have the same image 2403750"):
        write_submission(tmp_path, [*ITEMS, twin], PREDICTIONS)
