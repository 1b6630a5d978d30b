import json
import random
from collections import Counter

import pytest

from llava_vsd.data.build import SEPARATOR, build, conversations
from llava_vsd.data.prompts import TEMPLATES, draw
from llava_vsd.data.statistics import Lengths
from llava_vsd.data.vsd import read_items
from llava_vsd.jsonl import read_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Conversation, Item


def item(place=0, v1=("a cup on a table", "the cup is on the table"), v2=("The cup stands on the table.",)):
    triple = {
        "subject": "cup",
        "object": "table",
        "relation": "on",
        "subject_box": [1, 2, 3, 4],
        "object_box": [0, 9, 0, 9],
    }
    return Item.model_validate(
        {
            "id": f"v1-val-{place:05d}",
            "image": str(place),
            "triples": [triple],
            "descriptions_v1": v1,
            "descriptions_v2": v2,
        }
    )


def test_the_three_tasks_follow_the_papers_rule():
    samples = list(conversations(item()))
    assert [sample.id for sample in samples] == [
        "v1-val-00000/classify", "v1-val-00000/describe/0", "v1-val-00000/describe/1", "v1-val-00000/diversify",
    ]  # fmt: skip
    answers = [sample.turns[1].text for sample in samples]
    assert answers[:3] == ["on", "a cup on a table", "the cup is on the table"]
    first, second, third = answers[3].split(SEPARATOR)
    assert first == "cup on table."
    assert second in item().descriptions_v1
    assert third == "The cup stands on the table."
    for sample in samples:
        assert [turn.role for turn in sample.turns] == ["user", "assistant"]
        assert "cup" in sample.turns[0].text
        assert "table" in sample.turns[0].text
    assert all(relation in samples[0].turns[0].text for relation in RELATIONS)
    assert not any("{" in sample.turns[0].text for sample in samples)


def test_one_description_or_no_v2_gives_no_task_3():
    assert [s.task for s in conversations(item(v1=("a",)))] == ["classify", "describe"]
    assert [s.task for s in conversations(item(v2=()))] == ["classify", "describe", "describe"]
    assert [s.task for s in conversations(item(v1=(), v2=()))] == ["classify"]


def test_there_are_eight_templates_a_task_at_least_and_all_are_drawn():
    for task, templates in TEMPLATES.items():
        assert len(set(templates)) == len(templates) >= 8
        assert all("{subject}" in template and "{object}" in template for template in templates)
        assert ("{options}" in templates[0]) == (task == "classify")
    for seed in (0, 1):
        drawn = Counter(draw(seed, f"item {place}", 9) for place in range(9_000))
        assert set(drawn) == set(range(9))
        assert max(drawn.values()) < 1_150  # 1,000 expected; five standard deviations


def test_a_row_depends_on_the_seed_and_its_own_id_alone(tmp_path):
    items = [item(place) for place in range(40)]
    shuffled = random.Random(5).sample(items, 25)

    def rows(name, some, seed=0):
        build(some, tmp_path / name, seed=seed)
        return {row.id: row for row in read_rows(tmp_path / name / "conversations.jsonl", Conversation)}

    whole, part = rows("whole", items), rows("part", shuffled)
    assert len(part) == 100
    assert all(whole[key] == row for key, row in part.items())
    other = rows("other", items, seed=1)
    assert whole.keys() == other.keys()

    def said(rows, task, turn):
        return [row.turns[turn].text for row in rows.values() if row.task == task]

    for task in TEMPLATES:
        assert said(whole, task, 0) != said(other, task, 0)
        assert len(set(said(whole, task, 0))) > 5
    assert said(whole, "diversify", 1) != said(other, "diversify", 1)
    moved = rows("moved", [one.model_copy(update={"image": "7"}) for one in items])
    assert [row.turns for row in moved.values()] == [row.turns for row in whole.values()]


def test_names_with_braces_stand_as_they_are():
    odd = item()
    odd.pair.subject = "{object}"
    assert "{object}" in next(conversations(odd)).turns[0].text


def test_what_is_written_reads_back(tmp_path):
    items = [item(place) for place in range(3)]
    report = build(items, tmp_path)
    assert report.items == 3
    assert report.tasks == {"classify": 3, "describe": 6, "diversify": 3}
    assert list(read_rows(tmp_path / "items.jsonl", Item)) == items
    assert sum(1 for _ in read_rows(tmp_path / "conversations.jsonl", Conversation)) == 12


def test_an_error_in_the_middle_leaves_what_was_there(tmp_path):
    build([item(0)], tmp_path, forms=["llava"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def source():
        yield item(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(source(), tmp_path, forms=["llava"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_statistics_agree_with_a_count_by_hand(tmp_path):
    report = build([item(0), item(1, v1=("x y z",))], None, statistics=True)
    summary = report.statistics.summary()
    assert summary["items"] == 2
    assert summary["triples"]["on"] == 2
    assert summary["descriptions"] == {"v1": 3, "v2": 2}
    assert summary["tasks"]["describe"]["conversations"] == 3
    assert summary["tasks"]["describe"]["answer_words"] == {"mean": 4.67, "median": 5, "p95": 6, "max": 6}
    assert summary["tasks"]["classify"]["repeated_answers"] == 1
    assert summary["tasks"]["diversify"]["by_relation"]["on"] == 1


def test_a_quantile_is_the_smallest_length_that_so_many_texts_do_not_pass():
    lengths = Lengths()
    assert lengths.summary() == {"mean": 0.0, "median": 0, "p95": 0, "max": 0}
    for count in range(1, 21):
        lengths.add("word " * count)
    assert lengths.summary() == {"mean": 10.5, "median": 10, "p95": 19, "max": 20}


def test_val_gives_the_counts_of_the_issue_and_the_paper_is_compared(reference):
    items = read_items(reference.path("vsd/vsdv1_val.json"), reference.path("vsd/vsdv2_val.json"))
    report = build(items, None)
    assert report.tasks == {"classify": 2_927, "describe": 11_891, "diversify": 2_464}
    assert report.paper_differences() == [
        "classify: 2,927, the paper has 20,490",
        "describe: 11,891, the paper has 83,608",
        "diversify: 2,464, the paper has 17,241",
    ]
    report.tasks.update(
        {"classify": 20_490 - 2_927, "describe": 83_608 - 11_891, "diversify": 17_241 - 2_464}
    )
    assert report.paper_differences() == []
    assert json.dumps(report.tasks.total()) == "121339"
