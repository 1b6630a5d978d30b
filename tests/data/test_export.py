import json

import datasets
import pytest

from llava_vsd.data.build import convert
from llava_vsd.data.export import FORMS, default_image_path, parse_forms
from llava_vsd.data.llava import read_llava
from llava_vsd.errors import FileError, RowError, UsageError
from llava_vsd.jsonl import read_rows
from llava_vsd.schema import Conversation

SAMPLES = [
    {
        "id": "v1-val-00000/classify",
        "task": "classify",
        "image": "VG_100K/7.jpg",
        "turns": [{"role": "user", "text": "Where?"}, {"role": "assistant", "text": "on"}],
    },
    {
        "id": "talk",
        "task": "chat",
        "image": "b/8.png",
        "turns": [
            {"role": "system", "text": "Be brief."},
            {"role": "user", "text": "What is it?"},
            {"role": "assistant", "text": "A cup – “blue”.\nAnd 杯."},
            {"role": "user", "text": "Sure?"},
            {"role": "assistant", "text": "Yes."},
        ],
    },
    {
        "id": "text",
        "task": "chat",
        "image": None,
        "turns": [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi"}],
    },
]


@pytest.fixture
def written(tmp_path):
    samples = [Conversation.model_validate(sample) for sample in SAMPLES]
    convert(samples, tmp_path, forms=FORMS)
    return tmp_path


def load(path, cache):
    return list(datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(cache)))


def test_conversations_load_in_datasets(written, tmp_path):
    rows = load(written / "conversations.jsonl", tmp_path / "cache")
    assert [row["id"] for row in rows] == [sample["id"] for sample in SAMPLES]
    assert rows[1]["turns"] == SAMPLES[1]["turns"]


def test_llava_json_loads_and_marks_the_image_once(written, tmp_path):
    rows = load(written / "llava.json", tmp_path / "cache")
    assert rows == [
        row | {"image": row.get("image")}
        for row in json.loads((written / "llava.json").read_text(encoding="utf-8"))
    ]
    assert rows[0] == {
        "id": "v1-val-00000/classify",
        "image": "VG_100K/7.jpg",
        "conversations": [{"from": "human", "value": "<image>\nWhere?"}, {"from": "gpt", "value": "on"}],
    }
    assert [turn["value"] for turn in rows[1]["conversations"]] == [
        "Be brief.", "<image>\nWhat is it?", "A cup – “blue”.\nAnd 杯.", "Sure?", "Yes.",
    ]  # fmt: skip
    assert rows[2]["image"] is None
    assert rows[2]["conversations"][0]["value"] == "Hello"


def test_sharegpt_loads_with_as_many_marks_as_images(written, tmp_path):
    rows = load(written / "sharegpt.jsonl", tmp_path / "cache")
    assert [row["images"] for row in rows] == [["VG_100K/7.jpg"], ["b/8.png"], []]
    for row in rows:
        assert sum(turn["value"].count("<image>") for turn in row["conversations"]) == len(row["images"])
    assert {turn["from"] for row in rows for turn in row["conversations"]} == {"human", "gpt", "system"}


def test_messages_load_with_an_image_part_for_each_image(written, tmp_path):
    rows = load(written / "messages.jsonl", tmp_path / "cache")
    assert [row["images"] for row in rows] == [["VG_100K/7.jpg"], ["b/8.png"], []]
    for row, sample in zip(rows, SAMPLES, strict=True):
        kinds = [part["type"] for message in row["messages"] for part in message["content"]]
        assert kinds.count("image") == len(row["images"])
        texts = [
            part["text"]
            for message in row["messages"]
            for part in message["content"]
            if part["type"] == "text"
        ]
        assert texts == [turn["text"] for turn in sample["turns"]]
        assert [message["role"] for message in row["messages"]] == [turn["role"] for turn in sample["turns"]]


def test_openai_messages_load_and_carry_the_address_in_the_first_user_turn(written, tmp_path):
    rows = load(written / "openai.jsonl", tmp_path / "cache")
    part = rows[1]["messages"][1]["content"][0]
    assert part["type"] == "image_url"
    assert part["image_url"] == {"url": "b/8.png"}
    assert [len(message["content"]) for message in rows[1]["messages"]] == [1, 2, 1, 1, 1]
    assert rows[2]["messages"][0]["content"][0]["text"] == "Hello"


def test_a_set_without_conversations_is_still_a_file_of_its_form(tmp_path):
    convert([], tmp_path, forms=FORMS)
    assert json.loads((tmp_path / "llava.json").read_text()) == []
    assert (tmp_path / "messages.jsonl").read_text() == ""


def test_forms_are_named_by_commas():
    assert parse_forms("messages, llava") == ("llava", "messages")
    assert parse_forms("") == ()
    with pytest.raises(
        UsageError, match="unknown form 'alpaca'; expected some of: llava, sharegpt, messages, openai"
    ):
        parse_forms("llava,alpaca")
    assert default_image_path("2670") == "2670.jpg"
    assert default_image_path("nyu_1.png") == "nyu_1.png"


def test_our_llava_json_reads_back_as_it_was(written):
    read = [sample.model_dump() for sample in read_llava(written / "llava.json")]
    assert read == SAMPLES


def llava(**changes):
    turns = [{"from": "human", "value": "What is it?\n<image>"}, {"from": "gpt", "value": "A cup."}]
    return {"id": "1", "image": "1.jpg", "conversations": turns} | changes


def turns(*pairs):
    return [{"from": speaker, "value": value} for speaker, value in pairs]


@pytest.mark.parametrize("as_lines", [False, True])
def test_stage_1_and_2_data_read(tmp_path, as_lines):
    path = tmp_path / "mix.json"
    several = turns(("human", "<image>\nA?"), ("gpt", "a"), ("human", "B?"), ("gpt", "b"))
    rows = [
        llava(id=5),
        llava(conversations=several),
        llava(image=["2.jpg"]),
        {"conversations": turns(("user", "Q"), ("gpt", "A"))},
    ]
    path.write_text("\n".join(map(json.dumps, rows)) if as_lines else json.dumps(rows), encoding="utf-8")
    one, two, three, four = read_llava(path, task="caption")
    assert (one.id, one.task, one.image) == ("5", "caption", "1.jpg")
    assert [turn.text for turn in one.turns] == ["What is it?", "A cup."]
    assert [turn.text for turn in two.turns] == ["A?", "a", "B?", "b"]
    assert three.image == "2.jpg"
    assert (four.id, four.image) == ("mix-000003", None)


@pytest.mark.parametrize(
    ("broken", "field", "says"),
    [
        (llava(image=["1.jpg", "2.jpg"]), "image", "2 images; expected one at most"),
        (llava(image=None), "conversations", "1 times <image> with 0 images"),
        (
            llava(conversations=turns(("human", "<image><image> ?"), ("gpt", "a"))),
            "conversations",
            "2 times <image>",
        ),
        (
            llava(conversations=turns(("robot", "?"), ("gpt", "a"))),
            "conversations[0].from",
            "speaker 'robot'",
        ),
        (
            llava(conversations=turns(("gpt", "a"), ("human", "?"))),
            "conversations",
            "turns of assistant, user",
        ),
        (llava(conversations=turns(("human", "?"))), "conversations", "gpt last"),
        (llava(conversations=[]), "conversations", "turns of nobody"),
        (llava(conversations=turns(("human", "?"), ("gpt", " "))), "conversations[1].value", "empty answer"),
        (
            llava(conversations=turns(("human", "?"), ("gpt", None))),
            "conversations[1].value",
            "None; expected text",
        ),
        (llava(conversations="x"), "conversations", "valid list"),
        ({"id": "1"}, "conversations", "field required"),
        ("x", "", "valid dictionary"),
    ],
)
def test_a_fault_in_llava_json_names_file_entry_and_field(tmp_path, broken, field, says):
    path = tmp_path / "mix.json"
    path.write_text(json.dumps([llava(), broken, llava()]), encoding="utf-8")
    with pytest.raises(RowError) as caught:
        list(read_llava(path))
    assert caught.value.place.startswith("entry 1 (id ")
    assert caught.value.field == field
    assert says in str(caught.value)
    bad = []
    assert len(list(read_llava(path, bad=bad))) == 2
    assert [str(fault) for fault in bad] == [str(caught.value)]


def test_a_missing_or_empty_llava_file_is_refused(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        list(read_llava(tmp_path / "no.json"))
    (tmp_path / "empty.json").write_text("")
    with pytest.raises(FileError, match="empty; expected a JSON list of LLaVA conversations"):
        list(read_llava(tmp_path / "empty.json"))


def test_the_authors_rows_read_whatever_else_they_hold(tmp_path):
    row = llava(split="train", bbox=[1, 2, 3, 4])
    (tmp_path / "set.json").write_text(json.dumps([row]), encoding="utf-8")
    assert next(read_llava(tmp_path / "set.json")).turns[1].text == "A cup."
    convert(read_llava(tmp_path / "set.json"), tmp_path)
    assert next(read_rows(tmp_path / "conversations.jsonl", Conversation)).image == "1.jpg"
