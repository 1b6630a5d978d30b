"""Teaches a new vision tower what is where, on pictures whose things and boxes are known, before a language model.

Every patch has to tell what is seen in it, where that thing lies and how far it reaches. The words for it are read off
by the connector-to-be: what it makes of a patch is compared with the language model's own embeddings of "red",
"circle", "left", "top", "small" ... So the first time the language model meets a picture, it is told in words that it
knows. (Contrastive training with captions needs millions of pictures to come to the same.)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import shapes
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration, LlavaProcessor

Scene = tuple[Image.Image, Mapping[str, shapes.Box]]


class Reader(nn.Module):
    """Reads words and boxes off the features of the layer that LLaVA's connector takes.

    Args:
        model: an assembled LLaVA; its tower and connector learn, its embeddings stay.
        words: one a label.
    """

    def __init__(self, model: LlavaForConditionalGeneration, tokenizer: Any, words: Sequence[str]) -> None:
        super().__init__()
        self.layer = model.config.vision_feature_layer
        self.tower, self.connector = model.model.vision_tower, model.model.multi_modal_projector
        table = model.get_input_embeddings().weight.detach().float()
        ids = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
        meaning = torch.stack([table[one].mean(0) for one in ids])
        self.register_buffer("ground", table.mean(0))
        self.register_buffer("meaning", nn.functional.normalize(meaning - self.ground, dim=-1))
        # A connector's output is as long as an embedding, so that the language model sees nothing out of its range.
        self.register_buffer("length", (table - self.ground).norm(dim=-1).median())
        self.scale, self.bias = (
            nn.Parameter(torch.tensor(10.0)),
            nn.Parameter(torch.full((len(words),), -2.0)),
        )
        self.box = nn.Linear(table.shape[1], 4)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of words [pictures, patches, words], boxes as shares of the picture [pictures, patches, 4], and how
        far the length of the features is from that of embeddings [pictures, patches], as a share of it."""
        seen = self.tower(pixels, output_hidden_states=True).hidden_states[self.layer][:, 1:]
        said = self.connector(seen).float() - self.ground
        length = said.norm(dim=-1)
        alike = nn.functional.normalize(said, dim=-1) @ self.meaning.T
        return self.scale * alike + self.bias, self.box(said / self.length), (length / self.length - 1).abs()


WORDS = ("top", "middle", "bottom", "left", "center", "right", "tiny", "small", "large", "huge")


def places(box: shapes.Box, size: int) -> tuple[str, str, str]:
    """Words for where the middle of a thing is, by thirds of the picture, and how large it is, by its longer side."""
    y0, y1, x0, x1 = (side / size for side in box)
    row, column = (min(int(1.5 * (low + high)), 2) for low, high in ((y0, y1), (x0, x1)))
    extent = np.searchsorted((0.2, 0.4, 0.65), max(y1 - y0, x1 - x0))
    return WORDS[row], WORDS[3 + column], WORDS[6 + int(extent)]


def targets(
    scene: Mapping[str, shapes.Box], names: Mapping[str, int], size: int, grid: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What each patch should say: names [patches, names], box [patches, 4], and whether it holds a thing [patches]."""
    edges = np.arange(grid + 1) * size / grid
    held = np.zeros((grid, grid, len(names)), dtype=np.float32)
    box = np.zeros((grid, grid, 4), dtype=np.float32)
    full = np.zeros((grid, grid), dtype=np.float32)
    for name, (y0, y1, x0, x1) in sorted(scene.items(), key=lambda one: -shapes.area(one[1])):
        rows, columns = (
            np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * grid / size
            for low, high in ((y0, y1), (x0, x1))
        )
        middle = int((y0 + y1) / 2 / size * grid), int((x0 + x1) / 2 / size * grid)
        inside = rows[:, None] * columns[None] > 0.2
        inside[middle] = True  # a thing smaller than a patch is told by the patch of its middle
        held[inside] = 0  # of what is behind it, the patch shows nothing
        for word in (*name.split(), *places((y0, y1, x0, x1), size)):
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
        told = [
            np.stack(part)
            for part in zip(*(targets(scene, names, size, grid) for _, scene in some), strict=True)
        ]
        yield (
            torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
            *(torch.from_numpy(one) for one in told),
        )  # type: ignore[misc]


def learn(
    reader: Reader,
    data: Iterator[tuple[Tensor, Tensor, Tensor, Tensor]],
    *,
    steps: int,
    rate: float,
    seed: int = 0,
) -> None:
    """Trains tower and heads with AdamW on a cosine; prints a line every hundred steps."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(
        [one for one in reader.parameters() if one.requires_grad],
        lr=rate,
        weight_decay=0.05,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    start, shown = time.perf_counter(), np.zeros(3)
    for step, (pixels, held, box, full) in enumerate(islice(data, steps), 1):
        with torch.autocast("cpu", torch.bfloat16):
            names, place, length = reader(pixels)
        told = (
            nn.functional.binary_cross_entropy_with_logits(names.float(), held, reduction="none")
            .sum(-1)
            .mean()
        )
        off = (nn.functional.l1_loss(place.float(), box, reduction="none").sum(-1) * full).sum() / full.sum()
        (told + off + 0.1 * length.mean()).backward()
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
    """Trains tower and connector of an assembled model on random shapes and saves it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", type=Path, help="An assembled LLaVA for pictures of 112 pixels (vsd assemble)."
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    model = LlavaForConditionalGeneration.from_pretrained(chosen.model)
    processor = LlavaProcessor.from_pretrained(chosen.model)
    model.requires_grad_(False)
    model.model.vision_tower.requires_grad_(True)
    model.model.multi_modal_projector.requires_grad_(True)
    words = (*shapes.COLOURS, *shapes.FORMS, *WORDS)
    scenes = ((shapes.picture(scene.items()), scene) for scene in shapes.random_scenes(chosen.seed))
    grid = shapes.SIZE // model.config.vision_config.patch_size
    data = batches(scenes, {word: place for place, word in enumerate(words)}, shapes.SIZE, grid, chosen.batch)
    reader = Reader(model, processor.tokenizer, words)
    learn(reader, data, steps=chosen.steps, rate=chosen.rate, seed=chosen.seed)
    model.save_pretrained(chosen.output)
    processor.save_pretrained(chosen.output)


if __name__ == "__main__":
    main()
