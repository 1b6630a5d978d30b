from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llava_vsd.jsonl import write_rows
from llava_vsd.schema import Item, Prediction
from llava_vsd.train.scored import HEADING, UNSCORED
from stand_ins import vsd

CARD = f"# LLaVA\n\n## Scoreless\n\n{HEADING}\n\n{UNSCORED}\n\n## Settings\n\n```yaml\nseed: 0\n```\n"
SCORES = {
    "items": 1234,
    "references": "v1",
    "missing": 2,
    "task1": {"accuracy": 54.321, "f1_micro": 54.3},
    "task2": {"relation_accuracy": 60.0},
    "task3": {"relation_accuracy": 61.239},
    "z1": {"micro": 54.3},
    "spice": {"name": "SPICE (captions)", "version": "1.0"},
    "intervals": {"figures": {"task1.accuracy": [50.0, 58.125], "z1.micro": [50.1, 58.2]}},
}
OTHER = {"items": 7, "references": "v2", "task1": {"accuracy": 1}, "z1": {"micro": 2}, "z2": {"best": 3.5}}


@pytest.fixture
def result(tmp_path: Path) -> Path:
    (tmp_path / "vsd").mkdir()
    (tmp_path / "vsd/README.md").write_text(CARD)
    (tmp_path / "one.json").write_text(json.dumps(SCORES))
    (tmp_path / "two.json").write_text(json.dumps(OTHER))
    return tmp_path / "vsd"


def test_scores_take_their_place_in_the_card_and_those_before_go(
    result: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(result.parent)
    assert vsd("card", "vsd", "one.json") == 0
    assert capsys.readouterr().out == "vsd/README.md\n"
    table = """\
| 0-100, with 95 % intervals | one.json |
|---|---|
| items | 1,234 |
| references | v1 |
| answers missing | 2 |
| SPICE | SPICE (captions) 1.0 |
| z1, task 1: micro | 54.30 (50.10-58.20) |
| relation accuracy, task 1 | 54.32 (50.00-58.12) |
| sentences that state the relation, task 2 | 60.00 |
| sentences that state the relation, task 3 | 61.24 |"""
    assert (result / "README.md").read_text() == CARD.replace(UNSCORED, table)
    assert vsd("card", "vsd", "one.json") == 0
    assert (result / "README.md").read_text() == CARD.replace(UNSCORED, table)
    assert vsd("card", "vsd", "one.json", "two.json") == 0
    text = (result / "README.md").read_text()
    assert text.count(HEADING + "\n") == 1
    for line in (
        "| 0-100, with 95 % intervals | one.json | two.json |",
        "| SPICE | SPICE (captions) 1.0 | - |",
        "| z2, task 2: best | - | 3.50 |",
        "| sentences that state the relation, task 2 | 60.00 | - |",
    ):
        assert line in text.splitlines()
    assert vsd("card", "vsd", "one.json") == 0
    assert (result / "README.md").read_text() == CARD.replace(UNSCORED, table)


def test_what_evaluate_writes_is_read(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = (0, 9, 0, 9)
    pair = {"subject": "cat", "object": "mat"}
    item = Item(
        id="a",
        image="1",
        triples=[{**pair, "relation": "on", "subject_box": box, "object_box": box}],
        descriptions_v1=["a cat is on the mat"],
        descriptions_v2=[],
    )
    answer = Prediction(
        id="a",
        image="1",
        model="m",
        relations=[{**pair, "relation": "on"}],
        description="the cat is on the mat",
        descriptions=["the cat is on the mat", "a mat", "a cat"],
    )
    write_rows(tmp_path / "items.jsonl", [item])
    write_rows(tmp_path / "predictions.jsonl", [answer])
    scores = tmp_path / "scores.json"
    asked = ("evaluate", tmp_path / "items.jsonl", tmp_path / "predictions.jsonl", "-o", scores)
    assert vsd(*asked, "--no-spice", "--intervals", 5) == 0
    assert vsd("card", result, scores) == 0
    lines = (result / "README.md").read_text().splitlines()
    assert "| relation accuracy, task 1 | 100.00 (100.00-100.00) |" in lines
    assert "| z1, task 1: micro | 100.00 (100.00-100.00) |" in lines
    assert "| SPICE | - |" in lines


@pytest.mark.parametrize(
    ("file", "said", "expected"),
    [
        ("one.json", "[1]", r"one\.json: no scores; expected the file that vsd evaluate -o writes"),
        ("one.json", "{\n", r"one\.json: line 2: not JSON"),
        ("vsd/README.md", "# a card\n", r"README\.md: has no section '## Scores'"),
    ],
)
def test_what_does_not_fit_is_named(
    result: Path, capsys: pytest.CaptureFixture[str], file: str, said: str, expected: str
) -> None:
    (result.parent / file).write_text(said)
    before = (result / "README.md").read_text()
    assert vsd("card", result, result.parent / "one.json") == 1
    error = capsys.readouterr().err
    assert re.search(expected, error), error
    assert error.count("\n") == 1
    assert (result / "README.md").read_text() == before
    assert vsd("card", result.parent / "gone", result.parent / "two.json") == 1
    assert "no such file" in capsys.readouterr().err
