"""Teaches a new vision tower what is where, on pictures whose things and boxes are known, before a language model.

Every patch has to tell which things its square holds and how far the smallest of them reaches; two linear heads, thrown
away afterwards, read that off the features that the connector will get. So the features say names and places in a form
that a small language model can pick up in few steps. (Contrastive training with captions needs millions of pictures to
come to the same.)
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import shapes
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel

Scene = tuple[Image.Image, Mapping[str, shapes.Box]]


def new_tower(image_size: int, patch_size: int, width: int = 256, layers: int = 6) -> CLIPVisionModel:
    """A CLIP-type tower with random weights; 5 million parameters at the default width and depth."""
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            image_size=image_size,
            patch_size=patch_size,
        )
    )


class Reader(nn.Module):
    """The two heads on the features of the layer before the last, which LLaVA's connector takes."""

    def __init__(self, tower: CLIPVisionModel, names: int) -> None:
        super().__init__()
        self.tower = tower
        width = tower.config.hidden_size
        self.norm = nn.LayerNorm(width)
        self.names, self.box = nn.Linear(width, names), nn.Linear(width, 4)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of names [pictures, patches, names] and boxes as shares of the picture [pictures, patches, 4]."""
        seen = self.tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
        features = self.norm(seen)
        return self.names(features), self.box(features)


def targets(
    scene: Mapping[str, shapes.Box], names: Mapping[str, int], size: int, grid: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What each patch should say: names [patches, names], box [patches, 4], and whether it holds a thing [patches]."""
    edges = np.arange(grid + 1) * size / grid
    held = np.zeros((grid, grid, len(names)), dtype=np.float32)
    box = np.zeros((grid, grid, 4), dtype=np.float32)
    full = np.zeros((grid, grid), dtype=np.float32)
    for name, (y0, y1, x0, x1) in sorted(scene.items(), key=lambda one: -shapes._area(one[1])):
        rows, columns = (
            np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * grid / size
            for low, high in ((y0, y1), (x0, x1))
        )
        middle = int((y0 + y1) / 2 / size * grid), int((x0 + x1) / 2 / size * grid)
        inside = rows[:, None] * columns[None] > 0.2
        inside[middle] = True  # a thing smaller than a patch is told by the patch of its middle
        held[inside] = 0  # of what is behind it, the patch shows nothing
        for word in name.split():
            held[inside, names[word]] = 1
        box[inside] = np.array((y0, y1, x0, x1)) / size
        full[inside] = 1
    return held.reshape(-1, len(names)), box.reshape(-1, 4), full.reshape(-1)


def batches(
    scenes: Iterable[Scene], names: Mapping[str, int], size: int, grid: int, count: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Pixels as CLIP's processor gives them, and the targets, `count` pictures at a time."""
    mean = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32) * 255
    deviation = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32) * 255
    scenes = iter(scenes)
    while some := list(islice(scenes, count)):
        pixels = np.stack([(np.asarray(image, dtype=np.float32) - mean) / deviation for image, _ in some])
        told = [np.stack(part) for part in zip(*(targets(scene, names, size, grid) for _, scene in some), strict=True)]
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), *(torch.from_numpy(one) for one in told)  # type: ignore[misc]


def learn(
    reader: Reader, data: Iterator[tuple[Tensor, Tensor, Tensor, Tensor]], *, steps: int, rate: float, seed: int = 0
) -> None:
    """Trains tower and heads with AdamW on a cosine; prints a line every hundred steps."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    start, shown = time.perf_counter(), np.zeros(3)
    for step, (pixels, held, box, full) in enumerate(islice(data, steps), 1):
        with torch.autocast("cpu", torch.bfloat16):
            names, place = reader(pixels)
        told = nn.functional.binary_cross_entropy_with_logits(names.float(), held, reduction="none").sum(-1).mean()
        off = (nn.functional.l1_loss(place.float(), box, reduction="none").sum(-1) * full).sum() / full.sum()
        (told + off).backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        right = ((names > 0).float() == held).all(-1)[full > 0].float().mean()
        shown += (told.item(), off.item(), right.item())
        if step % 100 == 0:
            print(
                f"step {step}: names {shown[0] / 100:.4f}, box {shown[1] / 100:.4f}, patches with a thing all right "
                f"{shown[2]:.1f} %, {step * len(pixels) / (time.perf_counter() - start):.0f} pictures/s",
                flush=True,
            )
            shown[:] = 0


def main() -> None:
    """Trains a tower on random shapes and saves it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--patch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    tower = new_tower(shapes.SIZE, chosen.patch_size)
    names = {word: place for place, word in enumerate((*shapes.COLOURS, *shapes.FORMS))}
    scenes = ((shapes.picture(scene.items()), scene) for scene in shapes.random_scenes(chosen.seed))
    data = batches(scenes, names, shapes.SIZE, shapes.SIZE // chosen.patch_size, chosen.batch)
    reader = Reader(tower, len(names))
    print(json.dumps({"parameters": sum(one.numel() for one in tower.parameters())}))
    learn(reader, data, steps=chosen.steps, rate=chosen.rate, seed=chosen.seed)
    tower.save_pretrained(chosen.output)
    side = {"height": shapes.SIZE, "width": shapes.SIZE}
    CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False).save_pretrained(chosen.output)


if __name__ == "__main__":
    main()
