import pytest

from llava_vsd.data.probes import probed
from llava_vsd.errors import MismatchError, RowError
from llava_vsd.inference.scripted import Scripted
from llava_vsd.jsonl import write_rows
from llava_vsd.schema import Item, Prediction

TRIPLE = {
    "subject": "cup",
    "object": "table",
    "relation": "on",
    "subject_box": (1, 2, 3, 4),
    "object_box": (0, 9, 0, 9),
}
ITEMS = [Item.model_validate({"id": f"i{n}", "image": f"{n}", "triples": [TRIPLE]}) for n in range(9)]


def answer(n, text="a cup."):
    return Prediction.model_validate(
        {
            "id": f"i{n}", "image": f"{n}", "model": "theirs", "description": text, "descriptions": ["a", "b", "c"],
            "relations": [{"subject": "cup", "object": "table", "relation": "on", "scores": {"on": 1.0}}],
            "note": "kept",
        }
    )  # fmt: skip


def test_it_answers_from_a_file_in_the_items_order(tmp_path):
    write_rows(tmp_path / "said.jsonl", [answer(n) for n in (2, 0, 1)])
    engine = Scripted.load(tmp_path / "said.jsonl")
    said = list(engine.predict(ITEMS[:3]))
    assert [row.id for row in said] == ["i0", "i1", "i2"]
    assert {row.model for row in said} == {"theirs"}
    assert said[0].model_extra == {"note": "kept"}
    assert said[0].settings == engine.settings


def test_other_answers_are_other_settings(tmp_path):
    write_rows(tmp_path / "a.jsonl", [answer(0)])
    write_rows(tmp_path / "b.jsonl", [answer(0, "a mug.")])
    a, b = Scripted.load(tmp_path / "a.jsonl"), Scripted.load(tmp_path / "b.jsonl")
    assert a.settings != b.settings
    assert Scripted.load(tmp_path / "a.jsonl").settings == a.settings


def test_what_it_lacks_is_named(tmp_path):
    with pytest.raises(
        MismatchError, match=r"no answer for i1, i2, i3, i4, i5 and 3 more; expected one an item"
    ):
        list(Scripted({"i0": answer(0)}).predict(ITEMS))
    write_rows(tmp_path / "twice.jsonl", [answer(0), answer(0)])
    with pytest.raises(MismatchError, match="two predictions for i0"):
        Scripted.load(tmp_path / "twice.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"id": "x"}\n')
    with pytest.raises(RowError, match="line 1: image: field required"):
        Scripted.load(tmp_path / "bad.jsonl")


def test_an_answer_to_a_probe_is_another_answer(tmp_path):
    changed = answer(0, "a table.").model_copy(update={"probe": "swap"})
    write_rows(tmp_path / "said.jsonl", [answer(0), changed])
    engine = Scripted.load(tmp_path / "said.jsonl")
    said = list(engine.predict([probed(ITEMS[0], "swap"), ITEMS[0]]))
    assert [(row.description, row.probe) for row in said] == [("a table.", "swap"), ("a cup.", None)]
    with pytest.raises(MismatchError, match=r"no answer for i0 \(mirror\); expected one an item"):
        list(engine.predict([probed(ITEMS[0], "mirror")]))
    write_rows(tmp_path / "said.jsonl", [answer(0), changed, changed])
    with pytest.raises(MismatchError, match=r"two predictions for i0 \(swap\)"):
        Scripted.load(tmp_path / "said.jsonl")
