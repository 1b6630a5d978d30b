"""Models, pictures and settings that the tests of models share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from llava_vsd.model.merge import write_checkpoint
from tiny_models import tiny


@dataclass(frozen=True)
class Lora:
    rank: int = 4
    alpha: int = 8
    dropout: float = 0.0
    targets: Any = "all"


@dataclass(frozen=True)
class Train:
    vision: Any = "frozen"
    connector: Any = "full"
    language: Any = "lora"
    lora: Lora = field(default_factory=Lora)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a small model of the family with random weights; gives its folder."""

    def write(name: str) -> Path:
        made = tiny(name)
        write_checkpoint(made.model, made.processor, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def train() -> type[Train]:
    return Train


@pytest.fixture
def lora() -> type[Lora]:
    return Lora


def question(processor: Any) -> Any:
    """One question about a picture, as tensors."""
    content = [{"type": "image"}, {"type": "text", "text": "Where is the cat?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    picture = Image.linear_gradient("L").resize((70, 40)).convert("RGB")
    return processor(images=picture, text=text, return_tensors="pt")


@pytest.fixture
def ask() -> Callable[[Any], Any]:
    return question
