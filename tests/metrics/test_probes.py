"""Figures of probes against hand calculation, by `evaluate` and by the command."""

import json

import pytest

from llava_vsd.cli import main
from llava_vsd.data.probes import probed
from llava_vsd.errors import MismatchError
from llava_vsd.evaluate import evaluate
from llava_vsd.jsonl import write_rows
from llava_vsd.schema import Item, Prediction

BOX = (0, 9, 0, 9)


def item(name, *relations):
    triples = [
        {"subject": f"cat {n}", "object": "mat", "relation": one, "subject_box": BOX, "object_box": BOX}
        for n, one in enumerate(relations)
    ]
    return Item.model_validate(
        {"id": name, "image": name, "triples": triples, "descriptions_v1": ["a cat and a mat"]}
    )


def answer(asked, *relations, text="nothing"):
    return Prediction.model_validate(
        {
            "id": asked.id, "image": asked.image, "model": "m", "description": text, "descriptions": ["a", "b", "c"],
            "probe": asked.probe,
            "relations": [
                {"subject": triple.subject, "object": triple.object, "relation": said}
                for triple, said in zip(asked.triples, relations, strict=True)
            ],
        }
    )  # fmt: skip


A, B = item("a", "to the left of", "on"), item("b", "under")
PLAIN = [answer(A, "to the left of", "in"), answer(B, "behind")]


def scores(*rows, items=(A, B), **options):
    return evaluate(items, [*PLAIN, *rows], resamples=0, **options)


def test_a_swapped_answer_must_be_the_converse_where_there_is_one():
    """Said: left, in (none), behind; then: right (as it must be), on (left out), under (must be in front of)."""
    rows = [
        answer(probed(A, "swap"), "to the right of", "on", text="the mat is to the right of the cat 0"),
        answer(probed(B, "swap"), "under", text="the mat is above the cat 0"),
    ]
    found = scores(*rows)["probes"]
    assert found == {"swap": pytest.approx({"consistency": 50, "accuracy": 50, "relation_accuracy": 100})}
    rows[1].relations[0].relation = "above"  # the converse of what holds, not of what was said
    assert scores(*rows)["probes"]["swap"]["consistency"] == 50
    assert scores(*rows)["probes"]["swap"]["accuracy"] == 100


def test_a_mirrored_answer_turns_left_and_right_and_keeps_the_rest():
    """Said: left, in, behind; then: left (must turn), in (stays), on (must stay)."""
    rows = [
        answer(probed(A, "mirror"), "to the left of", "in", text="the cat 0 is to the left of the mat"),
        answer(probed(B, "mirror"), "on", text="the cat 0 is under the mat"),
    ]
    expected = {"consistency": 100 / 3, "left_right": 0, "rest": 50, "accuracy": 0, "relation_accuracy": 50}
    assert scores(*rows)["probes"] == {"mirror": pytest.approx(expected)}
    rows[0].relations[0].relation = "to the right of"
    expected |= {"consistency": 200 / 3, "left_right": 100, "accuracy": 100 / 3}
    assert scores(*rows)["probes"]["mirror"] == pytest.approx(expected)


def test_what_is_right_without_pixels_was_guessed():
    """Gold: left, on, under. With pictures 1 of 3 is right, without 2."""
    rows = [
        answer(probed(A, "blank"), "to the left of", "on", text="the cat 0 is to the left of the mat"),
        answer(probed(B, "blank"), "behind"),
    ]
    expected = {"accuracy": 200 / 3, "same": 200 / 3, "relation_accuracy": 50, "lost": -100 / 3}
    assert scores(*rows)["probes"] == {"blank": pytest.approx(expected)}


def test_a_text_without_a_relation_counts_as_wrong_and_says_nothing_of_consistency():
    rows = [answer(probed(A, "swap"), None, "on"), answer(probed(B, "swap"), "in front of")]
    found = scores(*rows)
    assert found["probes"]["swap"]["consistency"] == 50
    assert found["probes"]["swap"]["accuracy"] == 0
    unread = [answer(A, None, "on"), PLAIN[1]]
    found = evaluate([A, B], [*unread, *rows], resamples=0)
    assert (
        found["probes"]["swap"]["consistency"] == 100
    )  # behind, in front of; the other said nothing at first
    assert found["task1"]["accuracy"] == pytest.approx(100 / 3)
    assert "1 answers of task 1 name no relation: they count as wrong" in found["notes"]


def test_a_figure_that_nothing_can_be_said_of_is_absent():
    only = item("c", "on")
    rows = [answer(only, "on"), answer(probed(only, "swap"), "under"), answer(probed(only, "mirror"), "on")]
    found = evaluate([only], rows, resamples=5)["probes"]
    assert set(found["swap"]) == {"relation_accuracy"}
    assert set(found["mirror"]) == {"consistency", "rest", "accuracy", "relation_accuracy"}


def test_probes_change_no_other_figure_and_have_intervals_and_comparisons():
    rows = [answer(probed(A, "swap"), "to the right of", "on"), answer(probed(B, "swap"), "in front of")]
    other = [*PLAIN, answer(probed(A, "swap"), "on", "on"), answer(probed(B, "swap"), "in front of")]
    without = evaluate([A, B], PLAIN, resamples=20)
    found = evaluate([A, B], [*rows, *PLAIN], resamples=20, compare=other)
    assert "probes" not in without
    for task in ("task1", "task2", "task3"):
        assert found[task] == without[task]
    low, high = found["intervals"]["figures"]["probes.swap.consistency"]
    assert low <= found["probes"]["swap"]["consistency"] == 100 <= high
    assert found["comparison"]["figures"]["probes.swap.consistency"]["difference"] == 50


def test_a_probe_must_be_there_for_every_item():
    row = answer(probed(A, "swap"), "to the right of", "on")
    with pytest.raises(
        MismatchError, match="predictions, probe swap: no prediction for b; expected one for each of 2"
    ):
        scores(row)
    assert scores(row, allow_missing=True)["probes"]["swap"]["consistency"] == 50  # b counts as not answered
    with pytest.raises(MismatchError, match="probe swap: more than one prediction for a"):
        scores(row, row)
    wrong = answer(A, "on", "on").model_copy(update={"probe": "swap"})
    with pytest.raises(
        MismatchError, match=r"probe swap: prediction a: relations\[0\].subject: 'cat 0', expected 'mat'"
    ):
        scores(wrong, answer(probed(B, "swap"), "above"))


def test_any_answer_that_holds_is_right_under_a_probe_too():
    """Of A's first pair left and next to hold, of its second on; the mat has a true answer to the first alone."""
    first, second = A.triples
    near = first.model_copy(update={"relation": "next to"})
    back = near.model_copy(update={"subject": "mat", "object": "cat 0"})
    known = A.model_copy(update={"holds": [first, near, back, second]})

    def lenient(probe, *said):
        rows = [answer(A, "on", "on"), answer(probed(known, probe), *said)]
        return evaluate([known], rows, resamples=0)["probes"][probe]

    swapped = lenient("swap", "next to", "under")
    assert (swapped["accuracy"], swapped["accuracy_lenient"]) == (0, 100)
    assert lenient("swap", "to the right of", "on")["accuracy_lenient"] == 100
    assert lenient("swap", "to the left of", "on")["accuracy_lenient"] == 0
    mirror = lenient("mirror", "next to", "on")
    assert (mirror["accuracy"], mirror["accuracy_lenient"]) == (50, 100)
    assert lenient("mirror", "to the left of", "on")["accuracy_lenient"] == 50
    assert lenient("mirror", "to the right of", "in")["accuracy_lenient"] == 50
    blank = lenient("blank", "next to", "in")
    assert (blank["accuracy"], blank["accuracy_lenient"]) == (0, 50)


def test_what_holds_is_mirrored_with_the_picture_and_stays_when_things_are_swapped():
    listed = A.triples[0].model_copy(update={"object_box": (0, 5, 10, 20)})
    known = A.model_copy(update={"holds": [listed]})
    (turned,) = probed(known, "mirror", width=30).holds
    assert (turned.relation, turned.object_box) == ("to the right of", (0, 5, 10, 20))
    assert turned.subject_box == (0, 9, 21, 30)
    assert probed(known, "swap").holds == [listed]
    assert probed(A, "mirror").holds is None


def test_shards_of_different_makers_are_noted():
    mixed = [PLAIN[0], PLAIN[1].model_copy(update={"settings": {"temperature": 1}})]
    note = "the predictions were made in 2 ways: by other models, or with other settings"
    assert note in evaluate([A, B], mixed, resamples=0)["notes"]
    assert note not in scores()["notes"]


def test_the_command_prints_them(tmp_path, capsys):
    rows = [
        answer(probed(one, probe), *("on" for _ in one.triples))
        for probe in ("swap", "mirror", "blank")
        for one in (A, B)
    ]
    write_rows(tmp_path / "items.jsonl", [A, B])
    write_rows(tmp_path / "said.jsonl", [*PLAIN, *rows])
    command = [
        "evaluate",
        f"{tmp_path}/items.jsonl",
        f"{tmp_path}/said.jsonl",
        "--no-spice",
        "-o",
        f"{tmp_path}/s.json",
    ]
    with pytest.raises(SystemExit) as exit_:
        main(command)
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    lines = [" ".join(line.replace("│", " ").split()) for line in printed.splitlines()]
    for line in (
        "probes",
        "swapped: the converse 0.00 0.00 .. 0.00",
        "mirrored: left and right turn 0.00 0.00 .. 0.00",
    ):
        assert line in lines
    assert any(line.startswith("blank: accuracy lost 0.00 ") for line in lines)
    saved = json.loads((tmp_path / "s.json").read_text())["probes"]
    assert saved["blank"]["accuracy"] == pytest.approx(100 / 3)
