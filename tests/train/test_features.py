from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers.models.clip.modeling_clip import CLIPEncoderLayer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLVisionBlock
from transformers.models.siglip.modeling_siglip import SiglipEncoderLayer

from llava_vsd.config import load_config
from llava_vsd.errors import FileError, RowError, UsageError
from llava_vsd.jsonl import read_rows
from llava_vsd.model.load import load
from llava_vsd.train import features as kept
from llava_vsd.train import stages
from llava_vsd.train.check import check
from llava_vsd.train.trainer import Point
from stand_ins import settings
from tiny_models import FAMILIES

KEEP = ["keep_features=true", "lora.dropout=0", "max_steps=3", "warmup_share=0", "save_every_steps=10"]


@contextmanager
def tower_calls() -> Iterator[list[str]]:
    """Calls of layers of any vision tower while it is open."""
    calls: list[str] = []
    layers = (CLIPEncoderLayer, SiglipEncoderLayer, Qwen2_5_VLVisionBlock)
    own = [layer.forward for layer in layers]

    def counted(forward: Any) -> Any:
        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            calls.append(type(self).__name__)
            return forward(self, *arguments, **named)

        return call

    for layer, forward in zip(layers, own, strict=True):
        layer.forward = counted(forward)  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        for layer, forward in zip(layers, own, strict=True):
            layer.forward = forward  # type: ignore[method-assign]


def points(out: Path, stage: str = "vsd") -> list[Point]:
    return list(read_rows(out / stage / "curve.jsonl", Point))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_losses_gradients_and_weights_are_those_of_a_tower_that_runs(
    tmp_path: Path, family: str, dtype: str
) -> None:
    path = settings(tmp_path, family=family, images=6, each=2, texts=1)
    common = [*KEEP[1:], f"dtype={dtype}"]
    with tower_calls() as plain_calls:
        stages.run(load_config(path, [*common, f"output={tmp_path / 'plain'}"]))
    config = load_config(path, [*common, KEEP[0], f"output={tmp_path / 'kept'}"])
    stages.run(config)
    assert plain_calls
    # Pictures are given to the tower in other batches: float32 sums in another order; bfloat16 rounds that.
    near = {"float32": 1e-5, "bfloat16": 2e-2}[dtype]
    for ours, theirs in zip(points(tmp_path / "kept"), points(tmp_path / "plain"), strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=near / 10)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=near)
    with tower_calls() as calls:
        stages.run(load_config(path, [*common, KEEP[0], f"output={tmp_path / 'kept'}"]), resume=False)
    assert calls == []
    types = {file: load_file(file)["pixel_values"].dtype for file in files(tmp_path / "kept/features")}
    assert set(types.values()) == {getattr(torch, dtype)}
