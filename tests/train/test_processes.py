from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from llava_vsd.config import load_config
from llava_vsd.jsonl import read_rows
from llava_vsd.train import stages
from llava_vsd.train.features import shown
from llava_vsd.train.ready import get_ready, known_index
from llava_vsd.train.trainer import Point, last_checkpoint

LAUNCH = Path(__file__).parents[2] / "configs/launch"
SETTINGS = ("lora.dropout=0", "max_steps=4", "row_tokens=450")


def points(out: Path) -> list[Point]:
    return list(read_rows(out / "vsd/curve.jsonl", Point))


@pytest.fixture(scope="module")
def alone(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "out"
    stages.run(load_config(made / "run.yaml", [f"output={out}", *SETTINGS]))
    return out


def launch(folder: Path, config: str, made: Path, out: Path, *more: str) -> None:
    """Two processes of this machine, as one of the launch configs says."""
    launch = yaml.safe_load((LAUNCH / config).read_text())
    launch |= {"num_processes": 2, "mixed_precision": "no", "use_cpu": True, "main_process_port": 0}
    (folder / config).write_text(yaml.safe_dump(launch))
    script = [str(Path(__file__).with_name("fsdp_on_cpu.py")), "train", str(made / "run.yaml")]
    if launch["distributed_type"] == "FSDP":
        launcher = ["accelerate.commands.launch", "--config_file", str(folder / config)]
    else:  # accelerate starts several processes without GPUs for FSDP alone
        launcher = ["torch.distributed.run", "--nproc-per-node", str(launch["num_processes"])]
    ended = subprocess.run(
        [sys.executable, "-m", *launcher, *script, f"output={out}", *SETTINGS, *more],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def divided(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of two processes with FSDP."""
    folder = tmp_path_factory.mktemp("divided")
    launch(folder, "fsdp.yaml", made, folder / "out")
    return folder / "out"


def same(out: Path, alone: Path) -> None:
    for ours, theirs in zip(points(out), points(alone), strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-4)
        assert ours.learning_rates == theirs.learning_rates
    first = load_file(out / "vsd/adapter_model.safetensors")
    second = load_file(alone / "vsd/adapter_model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)
    # Each process has random states of its own: there were two.
    states = {file.name for file in (out / "state/vsd/checkpoint-4").glob("rng_state*")}
    assert states == {"rng_state_0.pth", "rng_state_1.pth"}


@pytest.mark.slow
def test_two_processes_give_the_curve_of_one(made: Path, alone: Path, tmp_path: Path) -> None:
    launch(tmp_path, "ddp.yaml", made, tmp_path / "out")
    same(tmp_path / "out", alone)


@pytest.mark.slow
def test_divided_among_two_processes_it_is_the_same_curve(divided: Path, alone: Path) -> None:
    same(divided, alone)
    assert list((divided / "state/vsd/checkpoint-4").glob("*fsdp*"))


@pytest.mark.slow
def test_a_divided_run_goes_on_from_its_checkpoint(
    made: Path, alone: Path, divided: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(divided / "state", out / "state")
    shutil.rmtree(out / "state/vsd/checkpoint-4")
    assert last_checkpoint(out / "state/vsd") == out / "state/vsd/checkpoint-2"
    launch(tmp_path, "fsdp.yaml", made, out)
    same(out, alone)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["ddp.yaml", "fsdp.yaml"])
def test_two_processes_share_the_work_of_the_tower(
    made: Path, alone: Path, tmp_path: Path, config: str
) -> None:
    launch(tmp_path, config, made, tmp_path / "out", "keep_features=true")
    same(tmp_path / "out", alone)
    settings = load_config(made / "run.yaml", SETTINGS)
    ready = get_ready(settings, settings.stages[0], settings.model, tmp_path)
    known = known_index(ready, tmp_path, lambda done, total: None)
    pictures = shown(known, ready.plan(known, 2), settings.seed)
    assert len(list((tmp_path / "out/features").rglob("*.safetensors"))) == len(pictures) > 4
