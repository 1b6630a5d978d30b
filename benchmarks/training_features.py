"""How long a training step takes with a frozen tower run, and with its features kept: docs/training.md.

    python benchmarks/training_features.py

Random weights of CLIP ViT-L/14 at 336 pixels (576 image tokens) and of a language model with SmolLM2-135M's layers;
rows of three pictures with six conversations each; LoRA and the connector learn; bfloat16. Steps (forward and backward)
of both are taken by turns, and the least of each is told.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from llava_vsd.config import Config
from llava_vsd.model.adapters import prepare
from llava_vsd.model.attention import share_images
from llava_vsd.model.load import load
from llava_vsd.model.packing import Row, loss
from llava_vsd.train.data import Rows
from llava_vsd.train.features import keep_features, shown
from llava_vsd.train.ready import get_ready, known_index

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tiny_models import tiny

PICTURES, EACH, SIDE = 3, 6, 336


def main() -> None:
    """Prints the least time of a step and of making its row, and what is kept of a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--tower-layers", type=int, default=24)
    parser.add_argument("--language-layers", type=int, default=30)
    chosen = parser.parse_args()
    torch.manual_seed(0)
    with TemporaryDirectory() as name:
        folder = Path(name)
        _model(folder / "model", chosen.tower_layers, chosen.language_layers)
        _data(folder)
        config = Config.model_validate(
            {
                "model": str(folder / "model"),
                "output": folder / "out",
                "images": [folder / "images"],
                "workers": 0,
                "stages": [
                    {
                        "data": [folder / "data.jsonl"],
                        "keep_features": True,
                        "batch_conversations": PICTURES * EACH,
                    }
                ],
            }
        )
        ready = get_ready(config, config.stages[0], config.model, folder)
        known = known_index(ready, folder, lambda done, total: None)
        plan = ready.plan(known, 1)
        models = [_prepared(config) for _ in range(2)]
        begun = time.perf_counter()
        features = keep_features(
            ready, models[1], shown(known, plan, 0), PartialState(cpu=True), lambda done, total: None
        )
        taken = (time.perf_counter() - begun) / PICTURES
        files = list(features.folder.rglob("*.safetensors"))
        kept = replace(ready.samples, features=features)
        sides = [
            (told, model, Rows(known, plan, samples, ready.model_config, 0))
            for told, model, samples in zip(
                ("tower run", "features kept"), models, (ready.samples, kept), strict=True
            )
        ]
        least = {told: [float("inf"), float("inf")] for told, *_ in sides}
        losses = {}
        for _ in range(chosen.steps):
            for told, model, rows in sides:
                begun = time.perf_counter()
                row = rows[0]["row"]
                made = time.perf_counter()
                losses[told] = _step(model, row)
                spent = (made - begun, time.perf_counter() - made)
                least[told] = [min(pair) for pair in zip(least[told], spent, strict=True)]
        for told, (making, step) in least.items():
            print(
                f"{told}: {step:.2f} s a step, its row made in {1000 * making:.0f} ms, loss {losses[told]:.6f}"
            )
        print(f"kept: {files[0].stat().st_size:,} bytes a picture, made in {taken:.1f} s")


def _model(folder: Path, tower_layers: int, language_layers: int) -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
    processor.patch_size = 14
    tokenizer = processor.tokenizer
    vision = CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=tower_layers,
        num_attention_heads=16,
        image_size=SIDE,
        patch_size=14,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=language_layers,
        num_attention_heads=9,
        num_key_value_heads=3,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // 14) ** 2,
    )
    LlavaForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)


def _data(folder: Path) -> None:
    """Pictures of noise, smooth enough to be JPEG of usual size, and conversations of about 60 tokens."""
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    question = "Describe the spatial relationship between the cat and the sofa in one short sentence. "
    lines = []
    for picture in range(1, PICTURES + 1):
        pixels = rng.integers(0, 256, (47, 63, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((500, 375)).save(folder / f"images/{picture}.jpg")
        for number in range(EACH):
            turns = [
                {"role": "user", "text": question + str(number)},
                {"role": "assistant", "text": "The grey cat is sitting on the left side of the sofa."},
            ]
            row = {"id": f"{picture}/{number}", "task": "describe", "image": str(picture), "turns": turns}
            lines.append(json.dumps(row) + "\n")
    (folder / "data.jsonl").write_text("".join(lines), encoding="utf-8")


def _prepared(config: Config) -> Any:
    torch.manual_seed(0)
    model = prepare(load(config.model, dtype=config.dtype, device="cpu"), config.stages[0])
    share_images(model)
    return model


def _step(model: Any, row: Row) -> float:
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(model, row)
    found.backward()  # type: ignore[no-untyped-call]
    return float(found.detach())


if __name__ == "__main__":
    main()
