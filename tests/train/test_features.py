from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import PartialState
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import LlavaConfig, PixtralVisionConfig, Qwen2VLConfig
from transformers.models.clip.modeling_clip import CLIPEncoderLayer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLVisionBlock
from transformers.models.siglip.modeling_siglip import SiglipEncoderLayer

from llava_vsd.config import load_config
from llava_vsd.errors import FileError, RowError, UsageError
from llava_vsd.jsonl import read_rows
from llava_vsd.model.adapters import prepare
from llava_vsd.model.attention import share_images
from llava_vsd.model.families import parameters_of
from llava_vsd.model.features import refuse_unkept
from llava_vsd.model.load import load
from llava_vsd.model.packing import Row, loss
from llava_vsd.train import features as kept
from llava_vsd.train import stages
from llava_vsd.train.check import check
from llava_vsd.train.data import Rows
from llava_vsd.train.ready import get_ready, known_index
from llava_vsd.train.trainer import Point
from stand_ins import settings
from tiny_models import FAMILIES, tiny

KEEP = "keep_features=true"
LAYERS: tuple[Any, ...] = (CLIPEncoderLayer, SiglipEncoderLayer, Qwen2_5_VLVisionBlock)


def silent(done: int, total: int) -> None:
    pass


@contextmanager
def tower_calls() -> Iterator[list[int]]:
    """A call of a layer of any vision tower while it is open: how many lines it was given (LLaVA's: pictures)."""
    calls: list[int] = []
    own: list[Any] = [layer.forward for layer in LAYERS]

    def counted(forward: Any) -> Any:
        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            calls.append(len(arguments[0]))
            return forward(self, *arguments, **named)

        return call

    for layer, forward in zip(LAYERS, own, strict=True):
        layer.forward = counted(forward)
    try:
        yield calls
    finally:
        for layer, forward in zip(LAYERS, own, strict=True):
            layer.forward = forward


def points(folder: Path) -> list[Point]:
    return list(read_rows(folder / "curve.jsonl", Point))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def gradients(model: Any, row: Row, dtype: torch.dtype) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Loss of a row and the gradient of everything that learns, computed as the Trainer does."""
    model.zero_grad()
    with torch.autocast("cpu", dtype=dtype) if dtype != torch.float32 else nullcontext():
        found = loss(model, row)
    found.backward()
    learned = {name: p.grad for name, _, p in parameters_of(model) if p.requires_grad}
    return found.detach(), {name: grad.clone() for name, grad in learned.items() if grad is not None}


def compared(path: Path, *overrides: str) -> None:
    """One row of all pictures, with the tower run and with its features kept: bit for bit the same.

    Pictures are given to the tower together and in the row's order, so that sums are taken in the same order.
    """
    config = load_config(
        path, [KEEP, "batch_conversations=100", "row_tokens=9000", "lora.dropout=0", *overrides]
    )
    stage = config.stages[0]
    ready = get_ready(config, stage, config.model, path.parent / "state")
    known = known_index(ready, path.parent / "state", silent)
    made = ready.plan(known, 1)
    (pieces,) = made.divide(0)
    flips = known.flips(0, config.seed)
    assert made.steps == 1
    torch.manual_seed(0)
    model = prepare(load(config.model, dtype=config.dtype, device="cpu"), stage)
    if made.shared:
        share_images(model)
    dtype = getattr(torch, config.dtype)
    with tower_calls() as calls:
        row = Rows(known, made, ready.samples, ready.model_config, config.seed).row(pieces, flips)
        expected, wanted = gradients(model, row, dtype)
    assert calls
    pictures = [
        (known.images[piece.image], bool(flips[piece.image]))
        for piece in pieces
        if piece.image < len(known.images)
    ]
    assert len(pictures) > 3
    assert set(pictures) == set(kept.shown(known, made, config.seed))
    features = kept.keep_features(ready, model, pictures, PartialState(cpu=True), silent)
    with tower_calls() as calls:
        samples = replace(ready.samples, features=features)
        row = Rows(known, made, samples, ready.model_config, config.seed).row(pieces, flips)
        found, ours = gradients(model, row, dtype)
    assert calls == []
    assert torch.equal(found, expected)
    assert ours.keys() == wanted.keys()
    assert any("projector" in name or "merger" in name for name in ours)
    assert all(torch.equal(ours[name], wanted[name]) for name in wanted)
    kinds = {load_file(file)["pixel_values"].dtype for file in files(features.folder)}
    assert kinds == {dtype}
    report = check(config, stage, config.model, path.parent / "scratch", silent)
    sizes = [
        tensor.numel() * tensor.element_size()
        for file in files(features.folder)
        for tensor in [load_file(file)["pixel_values"]]
    ]
    assert len(sizes) == len(pictures)
    assert report.features == sum(sizes)


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_a_tower_that_runs(tmp_path: Path, family: str) -> None:
    compared(settings(tmp_path, family=family, images=5, each=2, texts=1), "dtype=float32", "mirror=true")


@pytest.mark.parametrize("family", ["llava-clip-vicuna", "llava-next-mistral", "qwen2.5-vl"])
def test_they_are_in_half_precision(tmp_path: Path, family: str) -> None:
    compared(settings(tmp_path, family=family, images=5, each=2), "dtype=bfloat16")


def test_they_are_where_rows_share_nothing(tmp_path: Path) -> None:
    path = settings(tmp_path, family="llava-next-qwen2", images=5, each=1)
    compared(path, "dtype=float32", "packing=false", "max_tokens=300")


def test_they_are_with_a_connector_that_reads_several_layers(tmp_path: Path) -> None:
    path = settings(tmp_path, images=5, each=2)
    model, _ = tiny("llava-clip-vicuna")
    config = LlavaConfig(**{**model.config.to_dict(), "vision_feature_layer": [-2, 1]})
    torch.manual_seed(1)
    type(model)(config).save_pretrained(tmp_path / "model")
    compared(path, "dtype=float32")


def test_the_tower_runs_once_a_picture_whatever_stages_epochs_and_runs_there_are(tmp_path: Path) -> None:
    path = settings(tmp_path, images=12, each=1)
    vsd = path.read_text().partition("stages:\n")[2]
    connector = vsd.replace("stage: vsd", "stage: connector\n    epochs: 2")
    path.write_text(path.read_text().replace("stages:\n", "stages:\n" + connector))
    common = ["lora.dropout=0", "save_every_steps=50", f"features={tmp_path / 'features'}"]

    layers = 3

    def run(name: str, *overrides: str) -> tuple[list[list[float]], int]:
        config = load_config(path, [*common, f"output={tmp_path / name}", *overrides])
        with tower_calls() as calls:
            results = stages.run(config)
        return [[point.loss for point in points(result)] for result in results], sum(calls) // layers

    plain, often = run("plain")
    first, once = run("first", KEEP)
    assert once == 12 < often
    for ours, theirs in zip(first, plain, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)
    assert len(files(tmp_path / "features")) == 12

    files(tmp_path / "features")[3].unlink()  # as an interrupted run leaves it
    with Image.open(tmp_path / "images/5.png") as picture:
        other = picture.point(lambda value: 255 - value)
    other.save(tmp_path / "images/5.png")
    plain, _ = run("plain-other")
    second, again = run("second", KEEP)
    assert again == 2
    for ours, theirs in zip(second, plain, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)
    assert second[0] != pytest.approx(first[0], rel=1e-6)

    weights = tmp_path / "model/model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if "vision" in name and name.endswith("layers.0.mlp.fc1.weight"))
    save_file({**tensors, name: tensors[name] + 0.5}, weights, {"format": "pt"})
    _, anew = run("third", KEEP)
    assert anew == 12
    assert len(list((tmp_path / "features").iterdir())) == 2


def test_another_processor_and_a_mirrored_picture_have_features_of_their_own(tmp_path: Path) -> None:
    path = settings(tmp_path, images=2, each=1)
    config = load_config(path, [KEEP])

    def keep(flip: bool) -> Path:
        ready = get_ready(config, config.stages[0], config.model, tmp_path / "state")
        model = prepare(load(config.model, dtype="float32", device="cpu"), config.stages[0])
        return kept.keep_features(ready, model, [("1", flip)], PartialState(cpu=True), silent).folder

    folder = keep(False)
    assert keep(True) == folder
    first, second = files(folder)
    assert not torch.equal(load_file(first)["pixel_values"], load_file(second)["pixel_values"])
    name = next(
        file
        for file in (tmp_path / "model").glob("*processor_config.json")
        if "image_mean" in file.read_text()
    )
    told = json.loads(name.read_text())
    told.get("image_processor", told)["image_mean"] = [0.1, 0.2, 0.3]
    name.write_text(json.dumps(told))
    assert keep(False) != folder


def test_half_a_file_and_none_are_refused_by_name(tmp_path: Path) -> None:
    picture = tmp_path / "1.png"
    Image.new("RGB", (8, 8)).save(picture)
    features = kept.Features(tmp_path / "features")
    file = features.place(picture, flip=False)
    with pytest.raises(FileError, match=r"features of .*1\.png cannot be read") as caught:
        features.read(picture, flip=False)
    assert str(file) in str(caught.value)
    features.write(file, {"pixel_values": torch.arange(6.0).reshape(1, 2, 3)}, (8, 9))
    tensors, size = features.read(picture, flip=False)
    assert size == (8, 9)
    assert tensors["pixel_values"].tolist() == [[[0, 1, 2], [3, 4, 5]]]
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(FileError, match="without the file they are made again"):
        features.read(picture, flip=False)


def test_a_tower_that_learns_or_is_not_known_is_refused(run_file: Path) -> None:
    with pytest.raises(RowError, match=r"keep_features: .* expected vision: frozen, not full"):
        load_config(run_file, [KEEP, "vision=full"])
    with pytest.raises(UsageError, match=r"keep_features: not known for Qwen2-VL .*expected .* false"):
        refuse_unkept(Qwen2VLConfig())
    with pytest.raises(UsageError, match="LLaVA with a tower of type pixtral"):
        refuse_unkept(LlavaConfig(vision_config=PixtralVisionConfig()))
