"""`vsd describe` from end to end: what it prints, what it saves, and what it says where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import llava_vsd
from llava_vsd.cli.describe import bar, parse_box
from llava_vsd.errors import FileError, UsageError
from llava_vsd.jsonl import write_rows
from llava_vsd.metrics.calibration import tempered
from llava_vsd.model import small
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Prediction
from small_run import SmallRun, small_run
from stand_ins import pictures, vsd

SENTENCES = ["a cat is on the sofa.", "the cat sits on a sofa.", "there is a cat on the sofa."]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return small_run(tmp_path_factory.mktemp("small"))


@pytest.fixture
def shipped(run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRun:
    run.instead(monkeypatch, tmp_path / "cache")
    return run


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return [tmp_path / "images" / f"{name}.png" for name in pictures(tmp_path / "images", 3)]


def scripted(path: Path, image: Path, scores: dict[str, float]) -> str:
    """A model that answers about one picture from a file."""
    row = {
        "id": str(image), "image": str(image), "model": "m", "description": SENTENCES[0],
        "descriptions": SENTENCES,
        "relations": [{"subject": "cat", "object": "sofa", "relation": "on", "scores": scores}],
    }  # fmt: skip
    write_rows(path, [Prediction.model_validate(row)])
    return f"scripted:{path}"


def test_bars_and_sentences_are_printed(
    images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = scripted(tmp_path / "says.jsonl", images[0], {"on": 0.75, "in": 0.2, "next to": 0.05})
    assert vsd("describe", images[0], "cat", "sofa", "--model", model) == 0
    printed = capsys.readouterr()
    lines = [line.rstrip() for line in printed.out.splitlines()]
    assert lines[0] == "cat - on - sofa"
    rows = {line.split("  ")[0].strip(): line for line in lines[1:4]}
    assert [line.rpartition(" ")[0].split()[-1] for line in lines[1:4]] == ["75.0", "20.0", "5.0"]
    assert [line.count("█") + line.count("#") for line in lines[1:4]] == [22, 6, 2]  # of 30
    assert len(rows) == 3
    assert lines[4:] == [SENTENCES[0], "", *SENTENCES]
    assert printed.err == ""


def test_json_is_one_object_a_picture(
    shipped: SmallRun, images: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert vsd("describe", *images, "Cat", "sofa", "--json") == 0
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["image"] for row in rows] == [str(image) for image in images]
    for row in rows:
        assert (row["subject"], row["object"], row["model"]) == ("Cat", "sofa", "small")
        assert set(row["scores"]) == set(RELATIONS)
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-4)
        assert row["relation"] == max(row["scores"], key=row["scores"].get) == next(iter(row["scores"]))
        assert row["unknown_names"] == []
        assert row["subject_box"] is None
    assert "was trained on" not in printed.err
    assert "first use of small" in printed.err


def test_scores_have_the_temperature_that_ships(
    shipped: SmallRun, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the same checkpoint as a folder, whose scores are made at temperature 1."""
    shown = []
    for model in ("small", str(small.checkpoint())):
        assert (
            vsd("describe", images[0], "cat", "sofa", "--json", "--dtype", "float32", "--model", model) == 0
        )
        shown.append(json.loads(capsys.readouterr().out))
    ours, plain = (np.array([row["scores"][name] for name in RELATIONS]) for row in shown)
    np.testing.assert_allclose(ours, tempered(plain, small.about().temperature), atol=1e-4)
    assert np.abs(ours - plain).max() > 1e-3
    assert shown[0]["descriptions"] == shown[1]["descriptions"]


def test_a_name_that_it_was_not_trained_on_is_answered_with_a_note(
    shipped: SmallRun, images: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    small.checkpoint()
    assert vsd("describe", *images[:2], "zebra", "sofa", "--json") == 0
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["unknown_names"] for row in rows] == [["zebra"], ["zebra"]]
    assert all(row["relation"] in RELATIONS for row in rows)
    notes = [line for line in printed.err.splitlines() if line.startswith("vsd: ")]
    assert notes == [
        "vsd: zebra: not among the names that the small model was trained on; what it says is a guess"
    ]


def test_the_picture_is_saved_with_boxes_and_text(
    images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (200, 100), (250, 250, 250)).save(images[0])
    model = scripted(tmp_path / "says.jsonl", images[0], {"on": 1.0})
    target = tmp_path / "answer.png"
    asked = ["describe", images[0], "cat", "sofa", "--model", model, "--save", target]
    assert vsd(*asked, "--subject-box", "40,60,50,80", "--object-box", "10,90,20,180") == 0
    assert str(target) in capsys.readouterr().out
    with Image.open(target) as made:
        drawn = np.asarray(made.convert("RGB")).astype(int)
    assert drawn.shape[1] == 800  # four times as wide, to be readable
    assert drawn.shape[0] > 400
    red, blue = drawn[200, 202], drawn[200, 82]  # left edges of the boxes, at four times their places
    assert red[0] > red[2] + 80
    assert blue[2] > blue[0] + 80
    assert (drawn[400:].min(axis=2) < 100).sum() > 500  # text below
    assert vsd(*asked) == 0
    with Image.open(target) as made:
        assert (np.asarray(made.convert("RGB"))[:400] == 250).all()  # no boxes told, none drawn


def test_several_pictures_are_saved_into_a_folder(
    shipped: SmallRun, images: list[Path], tmp_path: Path
) -> None:
    assert vsd("describe", *images, "cat", "sofa", "--save", tmp_path / "drawn") == 0
    assert sorted(file.name for file in (tmp_path / "drawn").iterdir()) == ["1.png", "2.png", "3.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere.png", "cat", "sofa"], 1, "nowhere.png: no such file; expected a picture"),
        (["torn.png", "cat", "sofa"], 1, "torn.png: image torn.png cannot be decoded"),
        (["empty.png", "cat", "sofa"], 1, "empty.png: image empty.png is empty"),
        (["1.png", "2.png", "cat", "sofa", "--subject-box", "1,2,3,4"], 2, "boxes of one picture"),
        (["1.png", "cat", "sofa", "--subject-box", "1,2,3"], 2, "--subject-box '1,2,3'; expected y_min,y_max"),
        (["1.png", "cat", "sofa", "--object-box", "9,2,3,4"], 2, "--object-box '9,2,3,4' holds nothing"),
        (["1.png", "cat", "sofa", "--model", "fly"], 2, "unknown model 'fly'; expected one of: small"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(
    shipped: SmallRun, images: list[Path], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(images[0].parent)
    Path("torn.png").write_bytes(Path("1.png").read_bytes()[:20])
    Path("empty.png").touch()
    assert vsd("describe", *arguments) == code
    printed = capsys.readouterr()
    last = printed.err.splitlines()[-1]
    assert says in last
    assert last.startswith("vsd: ")
    assert printed.out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["1.png", "cat", " "], 2, "an empty name"),
        (["1.png", "c\udcfft", "sofa"], 2, r"name 'c\udcfft' is not UTF-8"),
        (
            ["1.png", "cat", "sofa", "--object-box", "0,9,500,600"],
            2,
            "--object-box lies outside of the picture of",
        ),
        (["1.png", "cat", "sofa", "--subject-box", "500,600,0,9"], 2, "--subject-box lies outside"),
        (["1.png", "cat", "sofa", "--save", "answer.gif"], 2, "expected a name that ends in .png"),
        (["1.png", "cat", "sofa", "--save", "1.png"], 2, "output: 1.png is the input 1.png"),
        (["1.png", "2.png", "cat", "sofa", "--save", "."], 2, "output: 1.png is the input 1.png"),
        (["1.png", "more/1.png", "cat", "sofa", "--save", "out"], 2, "two pictures of the same name"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_read(
    images: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], code: int, says: str,
) -> None:  # fmt: skip
    def unread(*given: object) -> None:
        raise AssertionError("a model was read")

    monkeypatch.setattr("llava_vsd.describe.Describer", unread)
    monkeypatch.chdir(images[0].parent)
    Path("more").mkdir()
    picture = Path("1.png").read_bytes()
    Path("more/1.png").write_bytes(picture)
    assert vsd("describe", *arguments) == code
    assert says in capsys.readouterr().err
    assert Path("1.png").read_bytes() == picture
    assert not Path("out").exists()


def test_the_folder_of_the_saved_picture_is_made(images: list[Path], tmp_path: Path) -> None:
    model = scripted(tmp_path / "says.jsonl", images[0], {"on": 1.0})
    target = tmp_path / "new" / "answers" / "one.png"
    assert vsd("describe", images[0], "cat", "sofa", "--model", model, "--save", target) == 0
    with Image.open(target) as made:
        assert made.width >= 640


def test_pictures_and_names_are_checked_from_python_too(images: list[Path], tmp_path: Path) -> None:
    model = llava_vsd.load_model(scripted(tmp_path / "says.jsonl", images[0], {"on": 1.0}))
    with pytest.raises(FileError, match="no such file; expected a picture"):
        model.describe(tmp_path / "none.png", "cat", "sofa")
    odd = images[0].with_name("2\udcff.png")
    odd.write_bytes(images[0].read_bytes())
    with pytest.raises(FileError, match="its name is not UTF-8"):
        model.describe(odd, "cat", "sofa")
    with pytest.raises(UsageError, match="not UTF-8"):
        model.describe(images[0], "cat", "\udcff")


def test_without_weights_the_command_says_so(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(small, "SHIPPED", tmp_path / "nothing")
    assert vsd("describe", images[0], "cat", "sofa") == 1
    assert capsys.readouterr().err.startswith("vsd: small: the weights that ship are not there")


def test_a_model_that_looks_at_boxes_needs_them(
    images: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from llava_vsd.inference.scripted import Scripted

    monkeypatch.setattr(Scripted, "sees", frozenset({"boxes"}))
    model = llava_vsd.load_model(scripted(tmp_path / "says.jsonl", images[0], {"on": 1.0}))
    with pytest.raises(UsageError, match="looks at boxes; expected the boxes of both"):
        model.describe(images[0], "cat", "sofa", subject_box=(1, 2, 3, 4))
    found = model.describe(images[0], "cat", "sofa", subject_box=(1, 2, 3, 4), object_box=(0, 9, 0, 9))
    assert (found.relation, found.subject_box, found.descriptions) == ("on", (1, 2, 3, 4), SENTENCES)


def test_boxes_and_bars_by_hand() -> None:
    assert parse_box("62,228,128,256", "--subject-box") == (62, 228, 128, 256)
    assert parse_box("", "--subject-box") is None
    assert [bar(share, "#", 10) for share in (1, 0.5, 0.006, 0.004)] == [
        "#" * 10, "#####     ", "#         ", " " * 10,
    ]  # fmt: skip
