import json
import os
import random
import signal
import time

import pytest

from llava_vsd.cli import main
from llava_vsd.errors import FileError, MismatchError, UsageError
from llava_vsd.inference.scripted import Scripted
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.predict import Run, load_engine
from llava_vsd.schema import Item, Prediction

TRIPLE = {
    "subject": "cup",
    "object": "table",
    "relation": "on",
    "subject_box": (1, 2, 3, 4),
    "object_box": (0, 9, 0, 9),
}


def make(count):
    items = [
        Item.model_validate({"id": f"i{n:04d}", "image": f"{n}", "triples": [TRIPLE]}) for n in range(count)
    ]
    answers = {
        item.id: Prediction.model_validate(
            {
                "id": item.id, "image": item.image, "model": "m", "description": f"a cup {item.id} " * 20,
                "descriptions": ["a", "b", "c"],
                "relations": [{"subject": "cup", "object": "table", "relation": "on"}],
            }
        )
        for item in items
    }  # fmt: skip
    return items, answers


def finish(items, engine, path):
    with Run(items, engine, path) as run:
        before = run.done
        assert len(list(run)) == len(items) - before
    return before


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only writes
def test_a_run_killed_at_a_hundred_random_moments_loses_doubles_and_tears_nothing(tmp_path):
    """Every child goes on where the last one was killed, until all is done; then the next file is begun."""
    items, answers = make(400)
    engine = Scripted(answers)
    engine.batch_size = 7
    whole = tmp_path / "whole.jsonl"
    finish(items, engine, whole)
    rng = random.Random(0)
    path = tmp_path / "killed.jsonl"
    kills = begun = 0
    torn = 0
    while kills < 100:
        child = os.fork()
        if child == 0:
            try:
                finish(items, engine, path)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        written = path.read_bytes() if path.exists() else b""
        assert whole.read_bytes().startswith(written)
        torn += not (written.endswith(b"\n") or not written)
        if status == -signal.SIGKILL:
            kills += 1
            begun += 0 < len(written) < whole.stat().st_size
        if len(written) == whole.stat().st_size:
            path.unlink()
    finish(items, engine, path)
    assert path.read_bytes() == whole.read_bytes()
    assert begun >= 20  # most kills fell within the writing, else the test would show nothing


def test_what_an_earlier_run_did_is_kept(tmp_path):
    items, answers = make(20)
    path = tmp_path / "out.jsonl"
    assert finish(items[:8], Scripted(answers), path) == 0
    first = path.read_bytes()
    assert finish(items, Scripted(answers), path) == 8  # items that came later go on behind
    assert path.read_bytes().startswith(first)
    assert [row.id for row in read_rows(path, Prediction)] == [item.id for item in items]
    assert finish(items, Scripted(answers), path) == 20


def test_what_is_no_beginning_of_this_run_is_refused_and_stays(tmp_path):
    items, answers = make(5)
    path = tmp_path / "out.jsonl"
    finish(items, Scripted(answers), path)
    whole = path.read_bytes()
    renamed = [item.model_copy(deep=True) for item in items]
    renamed[3].triples[0].subject = "mug"
    for other, engine, says in [
        (items[::-1], Scripted(answers), r"line 1: a prediction for i0000, expected one for i0004"),
        (items[:3], Scripted(answers), r"line 4: holds more than the 3 predictions"),
        (renamed, Scripted(answers), r"line 4: a prediction for i0003, expected one for i0003 as it is now"),
        (items, Scripted(answers, settings={"temperature": 1}), r"line 1: made with other settings"),
    ]:
        with pytest.raises(MismatchError, match=says):
            Run(other, engine, path)
    assert path.read_bytes() == whole


def test_items_of_the_same_id_are_refused_before_anything_is_written(tmp_path):
    items, answers = make(3)
    with pytest.raises(MismatchError, match="items: i0001 occur more than once"):
        Run([*items, items[1]], Scripted(answers), tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


def test_two_runs_on_one_file_are_refused(tmp_path):
    items, answers = make(3)
    with (
        Run(items, Scripted(answers), tmp_path / "out.jsonl"),
        pytest.raises(FileError, match="another process is writing"),
    ):
        Run(items, Scripted(answers), tmp_path / "out.jsonl")


def test_an_engine_that_answers_something_else_is_caught(tmp_path):
    items, answers = make(3)
    wrong = Scripted(answers | {"i0001": answers["i0002"]})
    with pytest.raises(MismatchError, match="answered i0002 when asked for i0001"):
        finish(items, wrong, tmp_path / "out.jsonl")


@pytest.mark.parametrize("spec", ["", "baseline", "scripted:", "magic:x", "small"])
def test_an_unknown_model_is_refused(spec):
    with pytest.raises(UsageError, match=r"unknown model .*; expected one of: baseline:FILE"):
        load_engine(spec)


def test_the_command_predicts_resumes_and_overwrites(tmp_path, capsys):
    items, answers = make(6)
    write_rows(tmp_path / "items.jsonl", items)
    write_rows(tmp_path / "said.jsonl", answers.values())
    command = [
        "predict",
        f"{tmp_path}/items.jsonl",
        "--model",
        f"scripted:{tmp_path}/said.jsonl",
        "-o",
        f"{tmp_path}/out.jsonl",
    ]

    def vsd(*more):
        with pytest.raises(SystemExit) as exit_:
            main([*command, *more])
        return exit_.value.code, capsys.readouterr()

    code, printed = vsd()
    assert (code, printed.err) == (0, "")
    assert printed.out == f"6 predictions in {tmp_path}/out.jsonl\n"
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").write_bytes(whole[:-10])
    assert "(5 of them by an earlier run)" in vsd()[1].out
    assert (tmp_path / "out.jsonl").read_bytes() == whole
    write_rows(tmp_path / "items.jsonl", items[1:])
    code, printed = vsd()
    assert code == 1
    assert "--overwrite starts anew" in printed.err
    assert vsd("--overwrite")[0] == 0
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 5
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["id"] == "i0001"
    before = (tmp_path / "items.jsonl").read_bytes()
    for more in ([], ["--overwrite"]):
        code, printed = vsd("-o", f"{tmp_path}/items.jsonl", *more)
        assert (code, printed.err.count("\n")) == (2, 1)
        assert (tmp_path / "items.jsonl").read_bytes() == before
    code, printed = vsd("-o", str(tmp_path), "--overwrite")
    assert (code, printed.err) == (1, f"vsd: {tmp_path}: cannot be written: Is a directory\n")


def test_overwriting_a_file_that_another_run_writes_is_refused(tmp_path):
    items, answers = make(3)
    path = tmp_path / "out.jsonl"
    with Run(items, Scripted(answers), path) as run:
        next(iter(run))
        begun = path.read_bytes()
        with pytest.raises(FileError, match="another process is writing"):
            Run(items, Scripted(answers), path, overwrite=True)
        assert path.read_bytes() == begun
