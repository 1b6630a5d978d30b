import json

import pytest

from llava_vsd.cli import main

PAIRS = [
    {"image_id": 7, "test": "a cat is under the table", "refs": ["the cat sits below a desk", "a black cat"]},
    {"image_id": "b", "test": "", "refs": ["a dog"]},
]


@pytest.fixture
def vsd(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["spice", *(str(argument) for argument in arguments)])
        return exit_.value.code, capsys.readouterr()

    return run


def test_input_and_output_are_those_of_the_original(vsd, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(PAIRS))
    code, printed = vsd(tmp_path / "in.json", "-o", tmp_path / "out.json", "--detailed", "--subset")
    assert code == 0
    assert printed.out.startswith("SPICE (captions grammar v")
    first, second = json.loads((tmp_path / "out.json").read_text())
    assert (first["image_id"], second["image_id"]) == (7, "b")
    assert list(first["scores"]) == ["All", "Relation", "Cardinality", "Attribute", "Size", "Color", "Object"]
    assert first["scores"]["All"]["tp"] >= 1
    assert first["scores"]["Color"]["f"] == 0.0
    assert second["scores"]["Color"]["f"] is None
    assert second["scores"]["All"] == {
        "pr": 0.0,
        "re": 0.0,
        "f": 0.0,
        "fn": 1,
        "numImages": 1,
        "fp": 0,
        "tp": 0,
    }
    assert {"tuple": ["cat"], "truth_value": True} in first["test_tuples"]
    mean = 50 * (first["scores"]["All"]["f"] + second["scores"]["All"]["f"])
    assert f"All: F {mean:.4f}" in printed.out


def test_only_all_is_given_where_no_subset_is_asked_for(vsd, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(PAIRS))
    cache = tmp_path / "cache.sqlite"
    for _ in range(2):  # the second time out of the cache
        assert (
            vsd(tmp_path / "in.json", "-o", tmp_path / "out.json", "--no-synsets", "--cache", cache)[0] == 0
        )
        assert [list(entry) for entry in json.loads((tmp_path / "out.json").read_text())] == [
            ["image_id", "scores"]
        ] * 2
    assert cache.exists()


def test_explain_shows_trees_graphs_and_what_matched(vsd):
    code, printed = vsd(
        "--explain", "a cat is under the table", "the cat sits below a desk", "two [red] dogs"
    )
    assert code == 0
    assert printed.out.count("(ROOT ") == 3
    assert "+(cat)" in printed.out
    assert "-(table)" in printed.out
    assert "reference: two [red] dogs" in printed.out
    assert "SPICE (captions grammar v" in printed.out


def test_what_matched_is_green_and_what_did_not_is_red(vsd, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    code, printed = vsd("--explain", "a cat is under the table", "the cat sits below a desk")
    assert code == 0
    assert "\x1b[32m+(cat)\x1b[0m" in printed.out
    assert "\x1b[31m-(table)\x1b[0m" in printed.out
    assert "(cat, under, table) (table) (cat)" in printed.out  # the predicate in the middle


def test_a_caption_sends_no_commands_to_the_terminal(vsd):
    code, printed = vsd("--explain", "a \x1b[31m cat\a \udcff\n", "a cat")
    assert code == 0
    assert "candidate: a \\x1b[31m cat\\x07 \\udcff\\n\n" in printed.out
    assert "\x1b" not in printed.out


def test_an_image_id_that_no_file_can_hold_is_written_as_it_was_read(vsd, tmp_path):
    text = r'[{"image_id": "\ud800 \u00e9", "test": "a cat", "refs": []}]'
    (tmp_path / "in.json").write_text(text)
    assert vsd(tmp_path / "in.json", "-o", tmp_path / "out.json")[0] == 0
    assert json.loads((tmp_path / "out.json").read_text())[0]["image_id"] == "\ud800 \u00e9"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing.json"], 1, "nothing.json: no such file"),
        (["a", "b"], 2, "2 inputs, expected one file"),
        (["--explain", "a cat", "a dog", "-o", "x"], 2, "expected no --output, --detailed or --subset"),
        (["--explain", "a cat"], 2, "expected a caption and at least one reference"),
        (["x.json", "--grammar", "nowhere"], 1, "nowhere: no such grammar file"),
        (["x.json", "--grammar", "original"], 1, "has not been fetched"),
    ],
)
def test_a_wrong_call_is_one_line(vsd, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    found, printed = vsd(*arguments)
    assert found == code
    assert says in printed.err
    assert printed.err.count("\n") == 1
