"""A run of `vsd train` on a tiny model, its weights drawn and not trained, and what is packed of it."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from llava_vsd.model import small
from llava_vsd.model.adapters import prepare, save_adapter
from llava_vsd.model.assemble import assemble
from llava_vsd.model.load import load
from llava_vsd.model.merge import merge
from tiny_models import CHATML, qwen2_tokenizer, text_config

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "small_model" / "pack.py"
ABOUT = small.About(("cat", "coffee table", "sofa"), 2.0)


def recipe() -> Any:
    """The module `recipes/small_model/pack.py`."""
    spec = importlib.util.spec_from_file_location("recipe_small_model_pack", RECIPE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class SmallRun:
    """Folders.

    Attributes:
        run: output of the run.
        language: the language model that it began with.
        shipped: what was packed of it.
    """

    run: Path
    language: Path
    shipped: Path

    def instead(self, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        """Lets this be the small model that ships, with its checkpoint in an empty cache."""
        monkeypatch.setattr(small, "SHIPPED", self.shipped)
        monkeypatch.setattr(small, "_language", lambda: str(self.language))
        monkeypatch.setenv("LLAVA_VSD_CACHE", str(cache))


def small_run(folder: Path) -> SmallRun:
    """Makes it: connector and tower learned whole in `instruct`, the connector in `vsd`, the language model in both."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    run, language, shipped = folder / "run", folder / "language", folder / "shipped"
    tokenizer = qwen2_tokenizer()
    tokenizer.chat_template = CHATML.replace(
        "{% for content in message['content'] %}{% if content['type'] == 'image' %}{{ IMAGE }}{% else %}"
        "{{ content['text'] }}{% endif %}{% endfor %}",
        "{{ message['content'] }}",
    )
    config = text_config(LlamaConfig, tokenizer, tie_word_embeddings=True, initializer_range=0.2)
    LlamaForCausalLM(config).save_pretrained(language)
    tokenizer.save_pretrained(language)
    tower = CLIPVisionConfig(
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        patch_size=8,
        image_size=32,
    )
    CLIPVisionModel(tower).save_pretrained(folder / "tower")
    CLIPImageProcessorPil().save_pretrained(folder / "tower")
    assemble(folder / "start", vision=str(folder / "tower"), language=str(language))
    _stage(folder / "start", run / "instruct", vision="full", rank=4, alpha=8)
    merge(run / "instruct", run / "instruct-merged")
    _stage(run / "instruct-merged", run / "vsd", vision="frozen", rank=2, alpha=6)
    recipe().pack(run, shipped, ABOUT, language=str(language))
    return SmallRun(run, language, shipped)


def _stage(base: Path, result: Path, *, vision: str, rank: int, alpha: int) -> None:
    """An adapter of drawn weights on a model."""
    lora = SimpleNamespace(rank=rank, alpha=alpha, dropout=0.0, targets="all")
    train: Any = SimpleNamespace(vision=vision, connector="full", language="lora", lora=lora)
    model = prepare(load(base, dtype="float32", device="cpu"), train)
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters(), key=lambda entry: entry[0]):
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    save_adapter(model, result, base=str(base))
