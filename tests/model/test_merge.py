from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from llava_vsd.cli import main
from llava_vsd.errors import CheckpointError, FileError, UsageError
from llava_vsd.model import merge as merging
from llava_vsd.model.adapters import prepare, save_adapter
from llava_vsd.model.load import load
from llava_vsd.model.merge import merge
from tiny_models import FAMILIES

Checkpoint = Callable[[str], Path]


@pytest.fixture
def adapter(checkpoint: Checkpoint, train: Any, tmp_path: Path) -> Callable[..., Any]:
    """Trains (here: shakes) an adapter of a family and saves it; gives the model as it was then."""

    def make(name: str, **choice: Any) -> Any:
        model = prepare(load(checkpoint(name)), train(**choice)).eval()
        torch.manual_seed(1)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter) * 0.05)
        save_adapter(model, tmp_path / "adapter")
        return model

    return make


@pytest.mark.parametrize("name", FAMILIES)
def test_a_merged_checkpoint_answers_as_base_and_adapter(
    name: str, adapter: Callable[..., Any], ask: Any, tmp_path: Path
) -> None:
    model = adapter(name)
    merge(tmp_path / "adapter", tmp_path / "merged")
    plain = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged").eval()
    processor = load(tmp_path / "merged").processor
    if "qwen2.5" not in name:  # without torchvision, transformers itself cannot read that one
        assert type(AutoProcessor.from_pretrained(tmp_path / "merged")) is type(processor)
    question = ask(processor)
    with torch.no_grad():
        wanted, got = model(**question).logits, plain(**question).logits
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
        greedy = {"max_new_tokens": 12, "do_sample": False}
        texts = [processor.batch_decode(one.generate(**question, **greedy)) for one in (model, plain)]
    assert texts[0] == texts[1]
    base = AutoModelForImageTextToText.from_pretrained(tmp_path / name)
    assert (base(**question).logits - wanted).abs().max() > 1e-3  # the adapter does change it


def test_the_result_has_the_asked_dtype_and_comes_in_shards(
    adapter: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter("llava-clip-vicuna")
    monkeypatch.setattr(merging, "SHARD_SIZE", "50KB")
    merge(tmp_path / "adapter", tmp_path / "merged", dtype="bfloat16")
    shards = sorted(tmp_path.glob("merged/model-*.safetensors"))
    assert len(shards) > 2
    assert {tensor.dtype for shard in shards for tensor in load_file(shard).values()} == {torch.bfloat16}
    assert {p.dtype for p in load(tmp_path / "merged").model.parameters()} == {torch.bfloat16}


def test_a_full_disk_leaves_nothing_behind(
    adapter: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter("llava-clip-vicuna")
    before = sorted(tmp_path.iterdir())

    def full(*given: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(merging, "write_checkpoint", full)
    with pytest.raises(FileError, match=r"/merged: cannot be written: No space left on device"):
        merge(tmp_path / "adapter", tmp_path / "merged")
    assert sorted(tmp_path.iterdir()) == before


def test_sums_that_are_not_finite_are_refused(adapter: Callable[..., Any], tmp_path: Path) -> None:
    adapter("llava-clip-vicuna", connector="frozen")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(file)
    next(iter(weights.values())).fill_(float("nan"))
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(UsageError, match="the adapter cannot be merged: NaNs detected"):
        merge(tmp_path / "adapter", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_the_command_merges_and_says_in_one_line_what_is_wrong(
    adapter: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*arguments: object) -> str:
        with pytest.raises(SystemExit) as end:
            main(["merge", *map(str, arguments)])
        assert end.value.code == 1
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        return told

    adapter("llava-clip-vicuna", connector="frozen")
    config = tmp_path / "adapter" / "adapter_config.json"
    with pytest.raises(SystemExit) as end:
        main(["merge", str(tmp_path / "adapter"), "-o", str(tmp_path / "merged")])
    assert end.value.code == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "merged" / "model.safetensors").is_file()
    assert "merged: is there already" in fails(tmp_path / "adapter", "-o", tmp_path / "merged")
    assert "is no adapter folder" in fails(tmp_path / "merged", "-o", tmp_path / "new")
    saved = json.loads(config.read_text())
    config.write_text(json.dumps({**saved, "base_model_name_or_path": None}))
    assert "does not say which base model it is for" in fails(tmp_path / "adapter", "-o", tmp_path / "new")
    with pytest.raises(CheckpointError):
        merge(tmp_path / "adapter", tmp_path / "new")
    merge(tmp_path / "adapter", tmp_path / "new", base=str(tmp_path / "llava-clip-vicuna"))
