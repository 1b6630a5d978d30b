from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from llava_vsd.config import load_config
from llava_vsd.errors import FileError, TrainingError, UsageError
from llava_vsd.jsonl import read_rows
from llava_vsd.train import ready, stages, trainer
from llava_vsd.train.conversations import file_hash
from llava_vsd.train.trainer import Point, RowTrainer

KILLED = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from llava_vsd.train import trainer
moment, step = sys.argv[1], int(sys.argv[2])
def kill_at(name):
    own = getattr(trainer.RowTrainer, name)
    def dying(self, *args, **more):
        result = own(self, *args, **more)
        if self.state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(trainer.RowTrainer, name, dying)
kill_at(moment)
from llava_vsd.cli.app import main
main(["train", *sys.argv[3:]])
"""


def curve(folder: Path) -> list[Point]:
    return list(read_rows(folder / "vsd/curve.jsonl", Point))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "vsd/adapter_model.safetensors")


@pytest.fixture(scope="module")
def whole(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "out"
    stages.run(load_config(made / "run.yaml", [f"output={out}"]))
    return out


def same(out: Path, whole: Path) -> None:
    assert curve(out) == curve(whole)
    first, second = weights(out), weights(whole)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "step"), [("compute_loss", 3), ("save_model", 4)])
def test_a_killed_run_goes_on_to_the_same_curve(run_file: Path, whole: Path, moment: str, step: int) -> None:
    """Killed in the middle of a step; and while a checkpoint is written, after its weights."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, moment, str(step), str(run_file)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    out = run_file.parent / "out"
    assert not (out / "vsd").exists()
    assert trainer.last_checkpoint(out / "state/vsd") == out / "state/vsd/checkpoint-2"
    assert (out / "state/vsd/.saving/checkpoint-4").is_dir() == (moment == "save_model")
    stages.run(load_config(run_file))
    same(out, whole)


def test_a_full_disk_leaves_the_last_checkpoint(
    run_file: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = torch.save

    def full(value: Any, place: Any, *more: Any, **other: Any) -> None:
        if "checkpoint-4" in str(place) and "optimizer" in str(place):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        own(value, place, *more, **other)

    out = run_file.parent / "out"
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(FileError, match=r"checkpoint-4: the checkpoint cannot be written: No space left"):
            stages.run(load_config(run_file))
    assert trainer.last_checkpoint(out / "state/vsd") == out / "state/vsd/checkpoint-2"
    assert not (out / "state/vsd/.saving").exists()
    stages.run(load_config(run_file), resume=True)
    same(out, whole)


def test_ctrl_c_leaves_a_run_that_goes_on(
    run_file: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = RowTrainer.compute_loss

    def interrupted(self: RowTrainer, *args: Any, **more: Any) -> torch.Tensor:
        if self.state.global_step == 4:
            signal.raise_signal(signal.SIGINT)
        return own(self, *args, **more)

    # The signal is ignored in what a shell runs in the background.
    monkeypatch.setattr(RowTrainer, "compute_loss", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            stages.run(load_config(run_file))
    finally:
        signal.signal(signal.SIGINT, before)
        monkeypatch.undo()
    out = run_file.parent / "out"
    assert trainer.last_checkpoint(out / "state/vsd") == out / "state/vsd/checkpoint-4"
    stages.run(
        load_config(run_file, ["workers=1", "save_every_steps=3"])
    )  # what leaves the curve as it is may change
    same(out, whole)


def test_a_picture_that_came_meanwhile_changes_nothing_in_a_run_that_goes_on(
    run_file: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its conversation was left out when the steps were planned; with it, they would be others."""
    data, more = tmp_path / "data.jsonl", tmp_path / "more"
    more.mkdir()
    rows = load_config(run_file).stages[0].data[0].read_text()
    data.write_text(rows + rows.splitlines(keepends=True)[0].replace('"image": "1"', '"image": "77"'))
    config = load_config(run_file, [f"data=[{data}]", "skip_bad=true"])
    config = config.model_copy(update={"images": [*config.images, more]})
    own = RowTrainer.compute_loss

    def interrupted(self: RowTrainer, *args: Any, **more: Any) -> torch.Tensor:
        if self.state.global_step == 4:
            raise KeyboardInterrupt
        return own(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(RowTrainer, "compute_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stages.run(config)
    Image.new("RGB", (64, 64)).save(more / "77.png")
    (stage,) = config.stages
    with pytest.raises(TrainingError, match=r"1 of .* samples cannot be learned from"):
        stages.run(config.model_copy(update={"stages": [stage.model_copy(update={"skip_bad": False})]}))
    stages.run(config)
    same(run_file.parent / "out", whole)


def test_what_was_done_is_not_done_again(
    run_file: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = run_file.parent / "out"
    notes: list[str] = []
    stages.run(load_config(run_file))
    before = (out / "vsd/adapter_model.safetensors").stat().st_mtime_ns
    stages.run(load_config(run_file), note=notes.append)
    assert notes == [f"stage vsd: done before, in {out / 'vsd'}"]
    assert (out / "vsd/adapter_model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match=r"other settings: learning_rate was 0.01, is 0.02 \(--overwrite"):
        stages.run(load_config(run_file, ["learning_rate=0.02"]))
    monkeypatch.setattr(ready, "index", None)  # the index is kept: the data are not read again
    (out / "vsd").rename(out / "kept")
    stages.run(load_config(run_file))
    same(out, whole)
    monkeypatch.undo()
    stages.run(load_config(run_file, ["learning_rate=0.02"]), resume=False)
    assert curve(out)[0] == curve(whole)[0]  # a warm-up step of rate 0
    assert curve(out)[-1] != curve(whole)[-1]


def test_resume_demands_a_run(run_file: Path) -> None:
    with pytest.raises(UsageError, match="no run to go on from"):
        stages.run(load_config(run_file), resume=True)


def test_a_loss_that_is_no_number_names_the_conversations(
    run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, row: Any, *, num_items: Any = None) -> torch.Tensor:
        value = own(model, row, num_items=num_items)
        return value * float("nan") if "vsd-3/describe/0" in row.ids else value

    own = trainer.loss
    monkeypatch.setattr(trainer, "loss", broken)
    with pytest.raises(TrainingError, match=r"step \d+: the loss is nan; conversations: .*vsd-3/describe/0"):
        stages.run(load_config(run_file))


def test_a_gradient_that_is_no_number_stops_before_it_is_saved(
    run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, row: Any, *, num_items: Any = None) -> torch.Tensor:
        value = own(model, row, num_items=num_items)
        if "vsd-3/describe/0" not in row.ids:
            return value
        weight = next(weight for weight in model.parameters() if weight.requires_grad)
        return value + (0 * weight.flatten()[0]).sqrt()  # 0, with a slope of 0 times infinity

    own = trainer.loss
    monkeypatch.setattr(trainer, "loss", broken)
    config = load_config(run_file, ["save_every_steps=1"])
    with pytest.raises(
        TrainingError, match=r"step (\d+): the gradient is nan; .*vsd-3/describe/0"
    ) as stopped:
        stages.run(config)
    step = int(str(stopped.value).split(":")[0].removeprefix("step "))
    last = trainer.last_checkpoint(config.output / "state/vsd")
    assert (last.name if last else "checkpoint-0") == f"checkpoint-{step - 1}"


def test_the_curve_is_cut_back_to_the_checkpoint(run_file: Path, whole: Path) -> None:
    out = run_file.parent / "out"
    stages.run(load_config(run_file))
    state = out / "state/vsd"
    (out / "vsd").rename(out / "kept")
    last = trainer.last_checkpoint(state)
    assert last is not None
    last.rename(out / "away")
    assert len(list(read_rows(state / "curve.jsonl", Point))) == curve(whole)[-1].step
    stages.run(load_config(run_file))
    same(out, whole)
    assert file_hash(state / "curve.jsonl") == file_hash(whole / "state/vsd/curve.jsonl")
