import json

import pytest
from PIL import Image

from llava_vsd.cli import main


@pytest.fixture
def files(tmp_path):
    def entry(image, **changes):
        triple = {"s": "cup", "o": "table", "p": "on", "s_bbox": [1, 2, 3, 4], "o_bbox": [0, 9, 0, 9]}
        return {
            "img_id": image,
            "triple_list": [triple],
            "captions": ["a cup on a table", "a cup", "a cup"],
        } | changes

    for version in ("v1", "v2"):
        for split in ("train", "test"):
            (tmp_path / f"{version}_{split}.json").write_text(json.dumps([entry("1"), entry("2")]))
    (tmp_path / "broken_train.json").write_text(
        json.dumps([entry("1"), entry("2", captions=[""]), entry("3")])
    )
    return tmp_path


def vsd(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_a_training_file_is_compared_with_the_paper(files, capsys):
    assert (
        vsd(
            "build",
            "--v1",
            files / "v1_train.json",
            "--v2",
            files / "v2_train.json",
            "-o",
            files / "out",
            "--stats",
        )
        == 0
    )
    printed = capsys.readouterr()
    assert "2 items, 8 conversations (2 classify, 4 describe, 2 diversify)" in printed.out
    assert "12 descriptions written, 8 unique in their entry; one entry repeats itself 1 times" in printed.out
    assert printed.err.count("warning: not the paper's count") == 3
    assert "classify: 2, the paper has 20,490" in printed.err
    assert sorted(path.name for path in (files / "out").iterdir()) == ["conversations.jsonl", "items.jsonl"]


def test_test_data_is_for_scoring_unless_allowed(files, capsys):
    test = ("--v1", files / "v1_test.json", "-o", files / "out")
    assert vsd("build", *test) == 2
    assert "--items-only" in capsys.readouterr().err
    assert not (files / "out").exists()
    renamed = (files / "v1_test.json").rename(files / "mine_test.json")
    assert (
        vsd("build", "--v1", renamed, "--split", "train", "-o", files / "out") == 2
    )  # the name tells all the same
    assert vsd("build", "--v1", renamed, "-o", files / "out", "--items-only") == 0
    assert [path.name for path in (files / "out").iterdir()] == ["items.jsonl"]
    assert vsd("build", "--v1", renamed, "-o", files / "out", "--allow-test") == 0
    assert (files / "out" / "conversations.jsonl").exists()


def test_skip_bad_reports_how_many_and_which(files, capsys):
    broken = files / "broken_train.json"
    assert vsd("build", "--v1", broken, "-o", files / "out") == 1
    assert "entry 1 (img_id 2): captions[0]: empty; expected text" in capsys.readouterr().err
    assert not (files / "out").exists() or not list((files / "out").iterdir())
    assert vsd("build", "--v1", broken, "-o", files / "out", "--skip-bad", "--format", "llava") == 0
    printed = capsys.readouterr()
    assert "left out: " in printed.err
    assert "entry 1 (img_id 2)" in printed.err
    assert "left out 1 entries in all" in printed.err
    assert "2 items" in printed.out
    ids = [row["id"] for row in json.loads((files / "out" / "llava.json").read_text())]
    assert ids[0] == "v1-train-00000/classify"
    assert ids[-1] == "v1-train-00002/describe/1"


def test_where_all_entries_have_a_fault_nothing_is_claimed(files, capsys):
    (files / "all_train.json").write_text("[null]")
    assert vsd("build", "--v1", files / "all_train.json", "-o", files / "out", "--skip-bad") == 0
    printed = capsys.readouterr()
    assert printed.out == f"0 items in {files}/out\n"
    assert "left out 1 entries in all" in printed.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--v1", "v1_train.json", "--items-only", "--format", "llava"], "--format writes conversations"),
        (["--v1", "v1_train.json", "--stats", "--format", "llava"], "--format writes conversations"),
        (["--llava", "llava.json", "--images", "pictures"], "expected no --items-only, --images or --boxes"),
        (["--llava", "llava.json", "--items-only"], "expected no --items-only, --images or --boxes"),
        (["--llava", "llava.json", "--boxes"], "expected no --items-only, --images or --boxes"),
        (["--v1", "v1_train.json", "--split", "tset"], "split: 'tset', expected train, val, test"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(files, capsys, monkeypatch, options, says):
    monkeypatch.chdir(files)
    assert vsd("build", *options, *([] if "--stats" in options else ["-o", "out"])) == 2
    assert says in capsys.readouterr().err
    assert not (files / "out").exists()


def test_json_is_for_machines(files, capsys):
    assert vsd("build", "--v1", files / "broken_train.json", "--stats", "--skip-bad", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["items"] == 2
    assert report["conversations"] == {"classify": 2, "describe": 4}
    assert len(report["left_out"]) == 1
    assert report["statistics"]["tasks"]["describe"]["answer_words"]["max"] == 5


def test_llava_json_is_converted(files, capsys):
    assert vsd("build", "--v1", files / "v1_train.json", "-o", files / "out", "--format", "llava") == 0
    assert (
        vsd(
            "build",
            "--llava",
            files / "out" / "llava.json",
            "-o",
            files / "again",
            "--format",
            "llava",
            "--stats",
        )
        == 0
    )
    assert "6 conversations (2 classify, 4 describe)" in capsys.readouterr().out
    assert (files / "again" / "llava.json").read_bytes() == (files / "out" / "llava.json").read_bytes()
    assert vsd("build", "--llava", "a.json", "--v1", "b.json", "-o", files) == 2


def test_with_the_pictures_the_forms_name_their_files(files, capsys):
    folder = files / "pictures" / "VG_100K_2"
    folder.mkdir(parents=True)
    for name in "12":
        Image.new("RGB", (9, 9)).save(folder / f"{name}.jpg")
    source = ("--v1", files / "v1_train.json", "-o", files / "out", "--format", "llava")
    assert vsd("build", *source, "--images", files / "pictures") == 0
    rows = json.loads((files / "out" / "llava.json").read_text())
    assert {row["image"] for row in rows} == {"VG_100K_2/1.jpg", "VG_100K_2/2.jpg"}
    (folder / "2.jpg").unlink()
    assert vsd("build", *source, "--images", files / "pictures") == 1
    assert "entry 1 (img_id 2): img_id: " in capsys.readouterr().err
    (folder / "1.jpg").unlink()  # an empty folder is no reason not to look
    assert vsd("build", *source, "--images", files / "pictures") == 1
    assert "entry 0 (img_id 1): img_id: " in capsys.readouterr().err


def test_conversations_hold_boxes_where_asked(files):
    train = ("--v1", files / "v1_train.json", "--v2", files / "v2_train.json", "-o", files / "out")
    assert vsd("build", *train) == 0
    rows = [json.loads(line) for line in (files / "out" / "conversations.jsonl").read_text().splitlines()]
    assert not any("places" in row for row in rows)
    assert vsd("build", *train, "--boxes") == 0
    placed = [json.loads(line) for line in (files / "out" / "conversations.jsonl").read_text().splitlines()]
    places = [{"name": "cup", "box": [1, 2, 3, 4]}, {"name": "table", "box": [0, 9, 0, 9]}]
    assert placed == [row | {"places": places} for row in rows]
