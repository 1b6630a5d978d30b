import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from llava_vsd.cli import main
from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import probed
from llava_vsd.errors import FileError, MismatchError, MissingImagesError, UsageError
from llava_vsd.inference.scripted import Scripted
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.predict import Run, asked, launched, load_engine, shard, share_file
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


@pytest.mark.parametrize("spec", ["", "baseline", "scripted:", "magic:x", "tiny"])
def test_an_unknown_model_is_refused(spec):
    with pytest.raises(UsageError, match=r"unknown model .*; expected one of: small, baseline:FILE"):
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


def with_probes(items, answers, *probes):
    """The answers, and one to each item under each probe."""
    for probe in probes:
        for item in items:
            changed = probed(item, probe)
            relations = [
                {"subject": one.subject, "object": one.object, "relation": "on"} for one in changed.triples
            ]
            update = {"probe": probe, "relations": relations}
            answers[changed.label] = Prediction.model_validate(answers[item.id].model_dump() | update)
    return answers


def test_probes_stand_behind_the_items_and_can_be_asked_for_later(tmp_path):
    items, answers = make(5)
    engine = Scripted(with_probes(items, answers, "swap", "mirror", "blank"))
    path = tmp_path / "out.jsonl"
    finish(items, engine, path)
    plain = path.read_bytes()
    assert finish(asked(items, engine, probes="swap"), engine, path) == 5
    everything = asked(items, engine, probes="blank,mirror,swap")
    assert finish(everything[:13], engine, path) == 10
    assert finish(everything, engine, path) == 13
    assert path.read_bytes().startswith(plain)
    rows = list(read_rows(path, Prediction))
    assert [(row.id, row.probe) for row in rows] == [
        (item.id, probe) for probe in (None, "swap", "mirror", "blank") for item in items
    ]
    assert {(row.relations[0].subject, row.relations[0].object) for row in rows[5:10]} == {("table", "cup")}
    with pytest.raises(
        MismatchError, match=r"line 6: a prediction for i0000 \(swap\), expected one for i0000 \(mirror\)"
    ):
        finish(asked(items, engine, probes="mirror"), engine, path)


class Recording:
    """An engine that says `on` and keeps what it was shown."""

    name, batch_size, settings = "recording", 2, {}

    def __init__(self, *sees):
        self.sees, self.seen = frozenset(sees), []

    def predict(self, items):
        for item in items:
            self.seen.append(item)
            relations = [
                {"subject": one.subject, "object": one.object, "relation": "on"} for one in item.triples
            ]
            yield Prediction(
                id=item.id, image=item.image, model="m", relations=relations, description="", descriptions=[]
            )


@pytest.fixture
def pictures(tmp_path):
    for number in range(3):
        Image.new("RGB", (50 + number, 20)).save(tmp_path / f"{number}.png")
    return ImageStore(tmp_path)


def test_an_engine_is_shown_what_each_probe_changes(tmp_path, pictures):
    items, _ = make(3)
    engine = Recording("boxes", "pictures")
    finish(asked(items, engine, probes="mirror,blank", images=pictures), engine, tmp_path / "out.jsonl")
    assert engine.seen[:3] == items
    mirrored = [item.triples[0] for item in engine.seen[3:6]]
    assert [(one.subject_box, one.object_box) for one in mirrored] == [
        ((1, 2, width - 4, width - 3), (0, 9, width - 9, width)) for width in (50, 51, 52)
    ]
    assert [(item.probe, item.triples) for item in engine.seen[6:]] == [
        ("blank", item.triples) for item in items
    ]
    assert [row.probe for row in read_rows(tmp_path / "out.jsonl", Prediction)] == [
        None, None, None, "mirror", "mirror", "mirror", "blank", "blank", "blank"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sees", "probe", "problem"),
    [
        ((), "mirror", "probe mirror: changes nothing for recording, which sees no boxes and no pictures"),
        ((), "blank", "probe blank: changes nothing for recording, which sees no pictures"),
        (("boxes",), "blank", "probe blank: changes nothing for recording, which sees no pictures"),
        (
            ("boxes",),
            "mirror",
            "probe mirror: recording looks at boxes, .* the picture's width; expected --images DIR",
        ),
        (("pictures",), "flip", "probe: 'flip', expected one or more of swap, mirror, blank"),
    ],
)
def test_a_probe_that_cannot_be_made_is_refused(sees, probe, problem):
    items, _ = make(2)
    assert len(asked(items, Recording(*sees), probes="swap")) == 4
    with pytest.raises(UsageError, match=problem):
        asked(items, Recording(*sees), probes=probe)


def test_missing_pictures_are_told_before_anything_is_asked(pictures):
    items, _ = make(5)
    with pytest.raises(MissingImagesError, match="2 of 5 images are not there: 3, 4"):
        asked(items, Recording("pictures"), images=pictures)
    assert asked(items, Recording("boxes"), images=pictures) == items  # it needs none


def test_the_baseline_has_probes_where_they_change_something(request, tmp_path, pictures):
    from llava_vsd.data.vsd import read_items
    from llava_vsd.inference.baseline import Baseline, fit

    folder = request.config.rootpath / "examples" / "vsd"
    model, _ = fit(read_items(folder / "vsdv1_fit.json", folder / "vsdv2_fit.json", split="val"))
    items, _ = make(3)
    both, names = Baseline(model), Baseline(model, "names")
    with pytest.raises(UsageError, match="expected --images DIR"):
        asked(items, both, probes="mirror")
    with pytest.raises(UsageError, match="sees no boxes and no pictures"):
        asked(items, names, probes="mirror", images=pictures)
    everything = asked(items, both, probes="swap,mirror", images=pictures)
    finish(everything, both, tmp_path / "out.jsonl")
    rows = list(read_rows(tmp_path / "out.jsonl", Prediction))
    assert rows[0].relations[0].scores != rows[3].relations[0].scores
    assert rows[0].relations[0].scores != rows[6].relations[0].scores


def test_shards_have_every_item_once_in_any_number():
    items, _ = make(10)
    for count in (1, 2, 3, 10, 13):
        parts = [shard(items, f"{number}/{count}") for number in range(1, count + 1)]
        assert sorted((item for part in parts for item in part), key=lambda item: item.id) == items
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert shard(items, " 2/5 ") == [items[1], items[6]]
    for wrong in ("0/2", "3/2", "1", "a/b", "1/2/3", "-1/2", "1.5/2"):
        with pytest.raises(UsageError, match=r"shard: .*, expected i/n"):
            shard(items, wrong)


def test_the_command_predicts_shards_with_probes_that_make_one_file(tmp_path, capsys):
    items, answers = make(7)
    write_rows(tmp_path / "items.jsonl", items)
    write_rows(tmp_path / "said.jsonl", with_probes(items, answers, "swap").values())

    def vsd(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([*map(str, arguments)])
        return exit_.value.code, capsys.readouterr()

    command = [
        "predict",
        tmp_path / "items.jsonl",
        "--model",
        f"scripted:{tmp_path}/said.jsonl",
        "--probe",
        "swap",
    ]
    for number in (1, 2, 3):
        code, printed = vsd(*command, "--shard", f"{number}/3", "-o", tmp_path / f"part{number}.jsonl")
        assert code == 0
    assert "4 predictions in" in printed.out
    merged = b"".join((tmp_path / f"part{number}.jsonl").read_bytes() for number in (3, 1, 2))
    (tmp_path / "all.jsonl").write_bytes(merged)
    assert {row.label for row in read_rows(tmp_path / "all.jsonl", Prediction)} == set(answers)
    items[0].descriptions_v1 = ["a cup on a table"]
    write_rows(tmp_path / "items.jsonl", items)
    score = [
        "evaluate",
        tmp_path / "items.jsonl",
        tmp_path / "all.jsonl",
        "--no-spice",
        "--no-intervals",
        "--json",
    ]
    code, printed = vsd(*score)
    assert code == 0
    assert json.loads(printed.out)["probes"]["swap"] == {"relation_accuracy": 0}
    (tmp_path / "all.jsonl").write_bytes((tmp_path / "part1.jsonl").read_bytes())
    code, printed = vsd(*score)
    assert (code, "no prediction for i0001, i0002, i0004, i0005" in printed.err) == (1, True)
    code, printed = vsd(*command, "--shard", "4/3", "-o", tmp_path / "no.jsonl")
    assert (code, printed.err.count("\n")) == (2, 1)


def test_a_launcher_tells_a_process_its_share():
    assert launched({}) == ""
    assert launched({"RANK": "0", "WORLD_SIZE": "1"}) == ""  # one process has everything
    assert launched({"RANK": "3", "WORLD_SIZE": "4"}) == "4/4"
    assert share_file(Path("runs/test.v1.jsonl"), "4/4") == Path("runs/test.v1-4-of-4.jsonl")
    for rank, size in (("4", "4"), ("-1", "2"), ("", "2"), ("0", "two")):
        with pytest.raises(UsageError, match=f"RANK '{rank}' of WORLD_SIZE '{size}': expected"):
            launched({"RANK": rank, "WORLD_SIZE": size})
    with pytest.raises(UsageError, match="RANK '' of WORLD_SIZE '4': expected"):
        launched({"WORLD_SIZE": "4"})  # not the first share, silently


def test_two_processes_of_a_launcher_divide_the_items(tmp_path):
    """torchrun starts two; together their files hold what one process would say, and started again they go on."""
    items, answers = make(7)
    write_rows(tmp_path / "items.jsonl", items)
    write_rows(tmp_path / "said.jsonl", with_probes(items, answers, "swap").values())
    (tmp_path / "vsd.py").write_text("from llava_vsd.cli.app import main\nmain()\n")
    engine = Scripted.load(tmp_path / "said.jsonl")
    finish(asked(items, engine, probes="swap"), engine, tmp_path / "alone.jsonl")
    whole = (tmp_path / "alone.jsonl").read_bytes().splitlines(keepends=True)

    def launch(*more):
        command = [
            "torch.distributed.run",
            "--nproc-per-node",
            "2",
            "--master-port",
            "0",
            tmp_path / "vsd.py",
        ]
        command += ["predict", tmp_path / "items.jsonl", "--model", f"scripted:{tmp_path}/said.jsonl"]
        command += ["--probe", "swap", "-o", tmp_path / "out.jsonl", *more]
        return subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )

    def written():
        return {path.name: path.read_bytes() for path in tmp_path.glob("out*")}

    ended = launch()
    assert ended.returncode == 0, ended.stderr[-2000:]
    made = written()
    assert sorted(made) == ["out-1-of-2.jsonl", "out-2-of-2.jsonl"]
    first = [items[place].id for place in (0, 2, 4, 6)]
    assert [json.loads(row)["id"] for row in made["out-1-of-2.jsonl"].splitlines()] == first * 2
    joined = b"".join(made.values()).splitlines(keepends=True)
    assert sorted(joined) == sorted(whole)
    (tmp_path / "out-2-of-2.jsonl").write_bytes(made["out-2-of-2.jsonl"][:-20])  # killed within its last row
    ended = launch()
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert written() == made
    assert "6 predictions in" in ended.stdout
    assert "(5 of them by an earlier run)" in ended.stdout


def test_the_items_are_not_written_over_and_that_is_told_before_a_model_is_read(tmp_path, capsys):
    items, _ = make(2)
    write_rows(tmp_path / "items.jsonl", items)
    before = (tmp_path / "items.jsonl").read_bytes()
    asking = ["predict", f"{tmp_path}/items.jsonl", "--model", f"scripted:{tmp_path}/none", "--overwrite"]
    with pytest.raises(SystemExit) as ended:
        main([*asking, "-o", f"{tmp_path}/./items.jsonl"])
    assert ended.value.code == 2
    assert "items.jsonl is the input" in capsys.readouterr().err
    assert (tmp_path / "items.jsonl").read_bytes() == before


def test_a_shard_beside_a_launchers_is_refused(tmp_path, capsys, monkeypatch):
    items, answers = make(2)
    write_rows(tmp_path / "items.jsonl", items)
    write_rows(tmp_path / "said.jsonl", answers.values())
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *("predict", f"{tmp_path}/items.jsonl", "--model", f"scripted:{tmp_path}/said.jsonl"),
                *("--shard", "1/4", "-o", f"{tmp_path}/out.jsonl"),
            ]
        )
    assert ended.value.code == 2
    assert "--shard 1/4: this process has the shard 2/2 by itself" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))
