"""Where a step of packed rows goes, and which share of the machine's speed its useful work reaches.

`python benchmarks/training_parts.py FOLDER DTYPE`, with the model and the data of benchmarks/training.py.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from training_sides import LORA, ready_for

from llava_vsd.model.adapters import parameter_groups, prepare
from llava_vsd.model.attention import Layout, runs, share_images
from llava_vsd.model.load import load
from llava_vsd.model.packing import Row, cross_entropies, loss
from llava_vsd.train.data import Rows
from llava_vsd.train.stages import rates

REPEATS = 3


def seconds(act: Callable[[], Any]) -> float:
    """Least of the clock's seconds, after one to warm up."""
    act()
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def multiply_speed(dtype: torch.dtype) -> float:
    """Operations a second of matrix products: rows of tokens by the language model's own largest layer."""
    left, right = torch.randn(2048, 576).to(dtype), torch.randn(576, 1536).to(dtype)
    return 2 * 2048 * 576 * 1536 * 8 / seconds(lambda: [left @ right for _ in range(8)])


def prefixes_alone(row: Row) -> Row:
    """The same pictures with a single token of text behind each, which is learned."""
    assert row.layout is not None
    keep, place, sizes, parents = [], 0, [], []
    for size, parent in zip(row.layout.sizes, row.layout.parents, strict=True):
        if parent < 0:
            keep += range(place, place + size)
            sizes.append(size)
            parents.append(-1)
        place += size
    chosen = torch.tensor(keep)
    ends = torch.tensor(sizes).cumsum(0) - 1
    inputs = {
        name: tensor[..., chosen] if name in ("input_ids", "position_ids") else tensor
        for name, tensor in row.inputs.items()
    }
    layout = Layout(tuple(sizes), tuple(parents))
    return Row(inputs, row.labels[:, chosen], ends, torch.zeros_like(ends), layout)


def useful(model: Any, row: Row) -> float:
    """Operations that the loss and its gradients need; none for masked pairs or gradients of frozen weights."""
    assert row.layout is not None
    text = model.config.get_text_config()
    tokens = row.layout.tokens
    pairs = 0.0
    for run in runs(row.layout):
        count = run.end - run.begin
        pairs += count * run.before + count * (count + 1) / 2
    layers, width, inner = text.num_hidden_layers, text.hidden_size, text.intermediate_size
    keys = width * text.num_key_value_heads // text.num_attention_heads
    shapes = [
        (width, width),
        (width, keys),
        (width, keys),
        (width, width),
        (width, inner),
        (width, inner),
        (inner, width),
    ]
    weights = sum(one * other for one, other in shapes)
    adapters = LORA.rank * sum(one + other for one, other in shapes)
    language = layers * (tokens * (4 * weights + 6 * adapters) + 12 * width * pairs)
    head = 4 * width * text.vocab_size * row.learned
    vision = model.config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    tiles = row.inputs["pixel_values"].flatten(0, -4).shape[0]
    tower = 4 * vision.hidden_size**2 + 2 * vision.hidden_size * vision.intermediate_size
    seen = 2 * vision.num_hidden_layers * (patches * tower + 2 * vision.hidden_size * patches**2)
    connector = 6 * tiles * patches * (vision.hidden_size * width + width * width)
    return float(language + head + tiles * seen + connector)


def measure(folder: Path, dtype: str) -> tuple[dict[str, float], float, float]:
    """Seconds of the parts of a step, its useful operations, and its tokens."""
    ready, known, made = ready_for(folder, "packed", 1, dtype, 0)
    loaded = load(ready.spec, dtype=ready.config.dtype, device="cpu")
    model = prepare(loaded, ready.stage)
    share_images(model)
    model.train()
    dataset = Rows(known, made, ready.samples, ready.model_config, 0)
    rows: list[Row] = [dataset[number]["row"] for number in range(len(dataset))]
    optimizer = torch.optim.AdamW(parameter_groups(model, rates(ready.stage)), fused=True)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    bf16 = dtype == "bf16"

    def whole(some: Sequence[Row]) -> None:
        for row in some:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                share = loss(model, row)
            share.backward()

    def see() -> None:
        for row in rows:
            given = {name: row.inputs[name] for name in ("pixel_values", "image_sizes") if name in row.inputs}
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                features = loaded.model.get_image_features(**given).pooler_output
            torch.cat([one.flatten(0, -2) for one in features]).float().sum().backward()

    head: nn.Linear = loaded.model.lm_head

    def speak() -> None:
        for row in rows:
            states = torch.randn(row.learned, head.in_features, dtype=head.weight.dtype, requires_grad=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                cross_entropies(head(states), row.targets).mean().backward()

    def step() -> None:
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()

    vision, logits, complete = seconds(see), seconds(speak), seconds(lambda: whole(rows))
    optimizing = seconds(step)
    optimizer.zero_grad()
    alone = seconds(lambda: whole([prefixes_alone(row) for row in rows]))
    parts = {
        "vision": vision,
        "prefix": alone - vision,
        "conversations": complete - alone - logits,
        "logits": logits,
        "optimizer": optimizing,
        "data": seconds(lambda: [dataset[number] for number in range(len(dataset))]),
    }
    return (
        parts,
        sum(useful(loaded.model, row) for row in rows),
        sum(row.layout.tokens for row in rows if row.layout),
    )


def main() -> None:
    """Prints a table."""
    folder, dtype = Path(sys.argv[1]), sys.argv[2]
    speed = multiply_speed(torch.bfloat16 if dtype == "bf16" else torch.float32)
    parts, work, tokens = measure(folder, dtype)
    whole = sum(parts.values())
    print(f"\n{folder.name} image tokens, a step of {tokens:,} tokens:\n")
    print("| " + " | ".join(parts) + " | together |\n" + "|---" * (len(parts) + 1) + "|")
    print(
        "| "
        + " | ".join(f"{one:.3f} s ({100 * one / whole:.0f} %)" for one in parts.values())
        + f" | {whole:.3f} s |"
    )
    print(
        f"\nUseful work {work / 1e9:,.0f} billion operations, {work / whole / 1e9:,.0f} billion a second: "
        f"{100 * work / whole / speed:.0f} % of the {speed / 1e9:,.0f} billion that matrix products of {dtype} reach."
    )


if __name__ == "__main__":
    main()
