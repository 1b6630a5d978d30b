from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from llava_vsd.errors import CheckpointError, MissingExtraError, UsageError
from llava_vsd.model.adapters import prepare, save_adapter
from llava_vsd.model.load import base_of, device_of, load, load_processor, read_checkpoint, read_config
from tiny_models import FAMILIES, tiny

Checkpoint = Callable[[str], Path]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_checkpoint_comes_back_as_it_was_with_its_processor(
    name: str, checkpoint: Checkpoint, ask: Any
) -> None:
    made = tiny(name)
    loaded = load(checkpoint(name))
    assert not loaded.model.training
    for key, value in made.model.state_dict().items():
        assert torch.equal(value, loaded.model.state_dict()[key]), key
    wanted, got = ask(made.processor), ask(loaded.processor)
    assert set(got) == set(wanted)
    for key in wanted:
        assert torch.equal(got[key], wanted[key]), key


def test_the_dtype_is_the_saved_one_or_the_given_one(checkpoint: Checkpoint) -> None:
    place = checkpoint("llava-clip-vicuna")
    assert {p.dtype for p in load(place).model.parameters()} == {torch.float32}
    assert {p.dtype for p in load(place, dtype="bfloat16").model.parameters()} == {torch.bfloat16}
    assert load(place, attention="eager").model.config._attn_implementation == "eager"


def test_a_processor_without_videos_bears_the_real_name_and_can_be_sent_to_a_worker(
    checkpoint: Checkpoint, ask: Any
) -> None:
    place = checkpoint("qwen2.5-vl")
    assert (
        json.loads((place / "processor_config.json").read_text())["processor_class"] == "Qwen2_5_VLProcessor"
    )
    assert (place / "preprocessor_config.json").is_file()  # where the real class looks for a video part
    processor = load_processor(place)
    again = pickle.loads(pickle.dumps(processor))
    assert type(again) is type(processor)
    assert torch.equal(ask(again)["pixel_values"], ask(processor)["pixel_values"])


def test_what_is_no_checkpoint_is_said_in_one_line(tmp_path: Path, checkpoint: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match=r"/none: there is no such folder$"):
        load(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"^./none: there is no such folder$"):
        load("./none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"/empty: its config cannot be read: ") as raised:
        load(tmp_path / "empty")
    assert "\n" not in str(raised.value)
    language = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        )
    )
    language.save_pretrained(tmp_path / "language")
    with pytest.raises(
        CheckpointError, match=r"/language: is of type 'llama'; expected an image-text-to-text model"
    ):
        load(tmp_path / "language")


def test_missing_and_broken_files_are_said_in_one_line(checkpoint: Checkpoint, tmp_path: Path) -> None:
    place = checkpoint("llava-clip-vicuna")
    weights = load_file(place / "model.safetensors")

    def broken(name: str) -> Path:
        return Path(shutil.copytree(place, tmp_path / name))

    cut = broken("cut")
    (cut / "model.safetensors").write_bytes((place / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"/cut: its weights cannot be read: "):
        load(cut)
    (broken("unweighted") / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"/unweighted: its weights cannot be read: .*model.safetensors"
    ):
        load(tmp_path / "unweighted")
    # Left alone, transformers would fill it with random numbers.
    save_file(
        {name: value for name, value in weights.items() if "projector.linear_1.bias" not in name},
        broken("partial") / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(
        CheckpointError,
        match=r"/partial: 1 weights are missing, e.g. model.multi_modal_projector.linear_1.bias",
    ):
        load(tmp_path / "partial")
    (broken("silent") / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match=r"/silent: its processor has no chat_template"):
        load(tmp_path / "silent")
    (broken("wordless") / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"/wordless: its processor cannot be read: "):
        load(tmp_path / "wordless")


def test_a_heading_is_not_all_that_is_told(tmp_path: Path) -> None:
    def read() -> None:
        raise RuntimeError("Error(s) in loading state_dict for PeftModel:\n\tsize mismatch for x: 3\n\tmore")

    with pytest.raises(CheckpointError, match=r"for PeftModel: size mismatch for x: 3$"):
        read_checkpoint(str(tmp_path), "adapter", read)


def test_an_adapter_finds_its_base_or_says_that_it_is_gone(
    checkpoint: Checkpoint, train: Any, tmp_path: Path
) -> None:
    place = checkpoint("llava-clip-vicuna")
    save_adapter(prepare(load(place), train()), tmp_path / "adapter")
    with pytest.raises(CheckpointError, match=r"/adapter: is an adapter; expected a whole model"):
        read_config(tmp_path / "adapter")
    place.rename(tmp_path / "moved")
    with pytest.raises(CheckpointError, match=r"/adapter: its base model .*llava-clip-vicuna is not there"):
        load(tmp_path / "adapter")
    assert load(tmp_path / "moved", adapter=tmp_path / "adapter").family.name == "LLaVA"
    with pytest.raises(CheckpointError, match=r"/moved: its adapter cannot be read: "):
        load(tmp_path / "moved", adapter=tmp_path / "moved")
    with pytest.raises(CheckpointError, match=r"/adapter: does not fit the model"):
        load(checkpoint("qwen2.5-vl"), adapter=tmp_path / "adapter")


def test_an_adapter_may_be_a_hub_name(
    checkpoint: Checkpoint, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = checkpoint("llava-clip-vicuna")
    save_adapter(prepare(load(place), train()), tmp_path / "adapter")
    found = {"someone/adapter": str(tmp_path / "adapter" / "adapter_config.json")}
    monkeypatch.setattr("llava_vsd.model.load.find_adapter_config_file", found.get)
    assert base_of("someone/adapter") == str(place)
    assert base_of("someone/model") is None


def test_options_that_there_are_not_are_refused(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = checkpoint("llava-clip-vicuna")
    with pytest.raises(UsageError, match="dtype 'int3'; expected auto, float32"):
        load(place, dtype="int3")
    with pytest.raises(UsageError, match="device 'warp': "):
        load(place, device="warp")
    with pytest.raises(UsageError, match="quantize '2bit'; expected 4bit or 8bit"):
        load(place, quantize="2bit")
    with pytest.raises(UsageError, match="quantize 4bit needs a CUDA GPU; this would run on cpu"):
        load(place, device="cpu", quantize="4bit")
    monkeypatch.setattr("llava_vsd.model.load.device_of", lambda name: torch.device("cuda", 0))
    monkeypatch.setattr("llava_vsd.model.load.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"quantize 4bit needs .*pip install 'llava-vsd\[quantize\]'"):
        load(place, quantize="4bit")


def test_each_process_of_a_launcher_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda")
    )
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 4)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert device_of("auto") == torch.device("cuda")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert device_of("auto") == torch.device("cuda", 3)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 1)  # the launcher shows each its own alone
    assert device_of("auto") == torch.device("cuda", 0)
    assert device_of("cpu") == torch.device("cpu")
