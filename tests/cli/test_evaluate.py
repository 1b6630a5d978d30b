"""`vsd evaluate` on real items of the sample: tables, files, and one clear line for each fault."""

import json
import zipfile

import pytest

from llava_vsd.cli import main
from llava_vsd.data.vsd import read_items
from llava_vsd.jsonl import write_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Prediction


@pytest.fixture
def files(request, tmp_path):
    folder = request.config.rootpath / "examples" / "vsd"
    items = read_items(folder / "vsdv1_score.json", folder / "vsdv2_score.json", split="val")
    write_rows(tmp_path / "items.jsonl", items)
    write_rows(tmp_path / "good.jsonl", [prediction(item, lambda relation: relation) for item in items])
    write_rows(tmp_path / "on.jsonl", [prediction(item, lambda _: "on") for item in items])
    return tmp_path


def prediction(item, answer):
    pair = item.pair
    told = f"the {pair.subject} is {answer(pair.relation)} the {pair.object}."
    return Prediction(
        id=item.id,
        image=item.image,
        model="test",
        relations=[
            {"subject": triple.subject, "object": triple.object, "relation": answer(triple.relation)}
            for triple in item.triples
        ],
        description=told,
        descriptions=[told, item.descriptions_v1[0], f"you can see a {pair.object} and a {pair.subject}"],
    )


def vsd(*arguments, spice=("--no-spice",)):
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", *(str(argument) for argument in (*arguments, *spice))])
    return exit_.value.code


def test_it_prints_the_figures_by_task_and_the_relations(files, capsys):
    assert vsd(files / "items.jsonl", files / "good.jsonl") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = [" ".join(line.replace("│", " ").split()) for line in printed.out.splitlines()]
    assert lines[0] == "good.jsonl: 30 items, 30 triples, v1 references"
    assert "accuracy 100.00 100.00 .. 100.00" in lines
    for heading in (
        "task 1, relation",
        "task 2, one sentence",
        "task 3, three sentences",
        "z1, task 1",
    ):
        assert heading in lines
    assert [line for line in lines if line.startswith("to the right of 100.00 100.00 100.00")]
    assert "note: SPICE was not computed: it, z2, z3 and overall are absent" in lines
    assert not [line for line in lines if line.startswith("gold ")]
    assert max(len(line) for line in lines if not line.startswith("note: ")) <= 80


def test_the_file_holds_what_json_prints(files, capsys):
    assert (
        vsd(
            files / "items.jsonl",
            files / "on.jsonl",
            "-o",
            files / "out" / "scores.json",
            "--json",
            "--seed",
            7,
        )
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((files / "out" / "scores.json").read_text("utf-8")) == printed
    assert printed["intervals"]["seed"] == 7
    assert printed["intervals"]["resamples"] == 1000
    assert printed["task1"]["by_relation"]["on"]["recall"] == 100
    assert printed["task1"]["by_relation"]["on"]["predicted"] == printed["triples"] == 30


def test_intervals_are_as_many_as_asked_for_or_none(files, capsys):
    assert vsd(files / "items.jsonl", files / "on.jsonl", "--json", "--intervals", 20) == 0
    assert json.loads(capsys.readouterr().out)["intervals"]["resamples"] == 20
    assert vsd(files / "items.jsonl", files / "on.jsonl", "--no-intervals") == 0
    assert "interval" not in capsys.readouterr().out


def test_the_confusion_matrix_is_shown_on_request_within_80_columns(files, capsys):
    assert vsd(files / "items.jsonl", files / "on.jsonl", "--no-intervals", "--verbose") == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(place for place, line in enumerate(lines) if "gold" in line)
    assert lines[head].split()[3:] == [
        "on",
        "in",
        "next",
        "under",
        "above",
        "behind",
        "front",
        "left",
        "right",
        "none",
    ]
    for place, name in enumerate(RELATIONS):
        assert name in lines[head + 2 + place]
    assert max(len(line) for line in lines if not line.startswith("note: ")) <= 80


def test_references_stand_in_the_output(files, capsys):
    assert vsd(files / "items.jsonl", files / "on.jsonl", "--references", "both", "--json") == 0
    both = json.loads(capsys.readouterr().out)
    assert both["references"] == "both"
    assert vsd(files / "items.jsonl", files / "on.jsonl", "--json") == 0
    assert json.loads(capsys.readouterr().out)["task2"]["bleu4_best"] <= both["task2"]["bleu4_best"]


def test_a_comparison_has_a_table_of_its_own(files, capsys):
    assert vsd(files / "items.jsonl", files / "good.jsonl", "--compare", files / "on.jsonl") == 0
    printed = capsys.readouterr().out
    lines = [" ".join(line.replace("│", " ").split()) for line in printed.splitlines()]
    start = lines.index("good.jsonl less on.jsonl, paired by items")
    row = next(line for line in lines[start:] if line.startswith("accuracy "))
    assert row.endswith("100.0 %")
    assert max(len(line) for line in printed.splitlines() if not line.startswith("note: ")) <= 80
    assert "+" in row


def test_the_challenges_files_are_written_and_score_the_same(files, capsys):
    arguments = ("--json", "--seed", 1)
    assert vsd(files / "items.jsonl", files / "good.jsonl", "--submission", files / "sub", *arguments) == 0
    printed = capsys.readouterr()
    assert printed.err.count("wrote ") == 3
    with zipfile.ZipFile(files / "sub" / "submission.zip") as archive:
        assert len(json.loads(archive.read("task1-2.json"))) == 30
        assert len(json.loads(archive.read("task3.json"))) == 30
    for source in (files / "sub", files / "sub" / "submission.zip"):
        assert vsd(files / "items.jsonl", source, *arguments) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(printed.out)


def test_missing_predictions_fail_with_ids_unless_allowed(files, capsys):
    rows = (files / "good.jsonl").read_text("utf-8").splitlines(keepends=True)
    (files / "half.jsonl").write_text("".join(rows[2:]), "utf-8")
    assert vsd(files / "items.jsonl", files / "half.jsonl") == 1
    error = capsys.readouterr().err
    assert error.startswith(
        f"vsd: {files / 'half.jsonl'}: no prediction for v1-val-00000, v1-val-00001; expected"
    )
    assert error.count("\n") == 1
    assert vsd(files / "items.jsonl", files / "half.jsonl", "--allow-missing", "--no-intervals") == 0
    assert "note: 2 items without a prediction" in capsys.readouterr().out


def test_a_fault_in_the_compared_file_names_that_file(files, capsys):
    with (files / "on.jsonl").open("a") as file:
        file.write((files / "good.jsonl").read_text("utf-8").splitlines(keepends=True)[0])
    assert vsd(files / "items.jsonl", files / "good.jsonl", "--compare", files / "on.jsonl") == 1
    assert "on.jsonl: more than one prediction for v1-val-00000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("items.jsonl", "none.jsonl"), 1, "none.jsonl: no such file"),
        (("none.jsonl", "good.jsonl"), 1, "none.jsonl: no such file"),
        (("items.jsonl", "items.jsonl"), 1, "items.jsonl: line 1: model: field required"),
        (("items.jsonl", "."), 1, "task1-2.json: no such file"),
        (
            ("items.jsonl", "good.jsonl", "--references", "v9"),
            2,
            "references: 'v9', expected one of v1, v2, both",
        ),
        (("items.jsonl", "good.jsonl", "--intervals", "0"), 2, "--intervals"),
        (("items.jsonl",), 2, "Missing argument"),
    ],
)
def test_wrong_use_and_broken_files_end_in_one_clear_error(
    files, capsys, monkeypatch, arguments, code, problem
):
    monkeypatch.chdir(files)
    assert vsd(*arguments) == code
    printed = capsys.readouterr()
    assert problem in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_spice_brings_z2_z3_and_overall_and_says_which_grammar_spoke(files, capsys):
    items, answers = files / "items.jsonl", files / "good.jsonl"
    assert vsd(items, answers, "--json", "--no-intervals", spice=()) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["spice"]["name"].startswith("SPICE (captions grammar v")
    assert set(scores["overall"]) == {
        f"{f1}/{mode}" for f1 in ("micro", "macro", "weighted") for mode in ("best", "corpus")
    }
    assert vsd(items, answers, "--no-intervals", spice=()) == 0
    assert ", v1 references, SPICE (captions grammar v1)" in capsys.readouterr().out.splitlines()[0]
    for mode in ("best", "corpus"):
        z2 = 0.4 * scores["task2"][f"bleu4_{mode}"] + 0.6 * scores["task2"][f"spice_{mode}"]
        assert scores["z2"][mode] == pytest.approx(z2)
        z3 = 0.5 * (50 - scores["task3"]["mbleu4"]) + 0.5 * scores["task3"][f"spice_{mode}"]
        assert scores["z3"][mode] == pytest.approx(z3)
        overall = 0.2 * scores["z1"]["macro"] + 0.3 * z2 + 0.5 * z3
        assert scores["overall"][f"macro/{mode}"] == pytest.approx(overall)


def test_tuples_from_elsewhere_take_the_place_of_the_parser(files, capsys):
    from llava_vsd.jsonl import read_rows
    from llava_vsd.metrics import ptb
    from llava_vsd.schema import Item

    texts = set()
    for item, answer in zip(
        read_rows(files / "items.jsonl", Item), read_rows(files / "good.jsonl", Prediction), strict=True
    ):
        texts |= {*item.descriptions_v1, answer.description, *answer.descriptions}
    rows = [{"caption": text, "tuples": [["thing"]]} for text in dict.fromkeys(ptb.tokenize(sorted(texts)))]
    (files / "told.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told = ("--spice-tuples", files / "told.jsonl")
    assert vsd(files / "items.jsonl", files / "good.jsonl", "--json", "--no-intervals", spice=told) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["spice"]["name"] == "SPICE (tuples of told.jsonl)"
    assert scores["task2"]["spice_best"] == scores["task3"]["spice_corpus"] == 100
    assert vsd(files / "items.jsonl", files / "good.jsonl", spice=(*told, "--no-spice")) == 2
    assert "--spice-tuples leaves nothing to parse" in capsys.readouterr().err
    (files / "told.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    assert vsd(files / "items.jsonl", files / "good.jsonl", spice=told) == 1
    assert "no tuples for" in capsys.readouterr().err
