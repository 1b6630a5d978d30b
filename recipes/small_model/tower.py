"""Teaches a new vision tower what is where, on pictures of which all is known, before a language model sees any.

    python recipes/small_model/tower.py START --scenes shapes -o TAUGHT
    python recipes/small_model/tower.py START --scenes rooms/train/items.jsonl --pictures 120000 -o TAUGHT

START is an assembled LLaVA. Every patch has to tell what is seen in it, where that thing lies, how far it reaches, and
how it stands to the other things. All of it is read off what the *connector* makes of the patch, and the words by
comparing that with the language model's own embeddings of "red", "circle", "left", "top", "small" ... So the first
time the language model meets a picture, it is told in words that it knows. (Contrastive training with captions needs
millions of pictures to come to the same.) A killed run goes on from its last state with the same command.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import room_scenes
import shapes
import torch
from numpy.typing import NDArray
from PIL import Image
from scene import COLUMNS, ROWS, SIZES, Box, Scene, area
from torch import Tensor, nn
from transformers import AttentionInterface, LlavaForConditionalGeneration, LlavaProcessor
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from llava_vsd.relations import RELATIONS

PLACES: dict[str, tuple[str, ...]] = {"row": ROWS, "column": COLUMNS, "size": SIZES}
SIDES = (("left", "right"), ("top", "bottom"), ("narrow", "wide"), ("short", "tall"))
"""Pairs of words: the direction from the one to the other tells how far right, low, wide, tall a thing is."""
WEIGHTS = {"row": 0.3, "column": 0.3, "size": 0.3, "adjective": 0.3}
"""Of kinds of words in the loss, where it is not 1."""
REACH = 0.25
"""How far a feature leans to either word at the most, as a share of its length."""
NONE = -100
PRODUCTS = "products"
RANK = 64


@dataclass
class Batch:
    """Some pictures with what their patches should say.

    Attributes:
        pixels: [pictures, 3, side, side], as CLIP's processor gives them.
        said: by kind of word, the place of the right one [pictures, patches]; NONE where nothing is to be said.
        box: middle x, middle y, width, height as shares of the picture [pictures, patches, 4].
        thing: the number of the thing that a patch shows, over the batch [pictures, patches]; -1 for none.
        names: of all things, their places in the list of names.
        pairs: numbers of two things and the place of their relation [pairs, 3].
    """

    pixels: Tensor
    said: dict[str, Tensor]
    box: Tensor
    thing: Tensor
    names: Tensor
    pairs: Tensor


def by_products(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Attention as plain matrix products: in bfloat16 on a CPU twice as fast as the fused kernel."""
    weights = ((query * scaling) @ key.transpose(-1, -2)).softmax(-1)
    return (weights @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register(PRODUCTS, by_products)


class Reader(nn.Module):
    """Reads words, boxes and relations off the features of the layer that LLaVA's connector takes.

    Args:
        model: an assembled LLaVA; its tower and connector learn, its embeddings stay.
        kinds: the words of each kind of look.
        names: of all things.
    """

    def __init__(
        self,
        model: LlavaForConditionalGeneration,
        tokenizer: Any,
        kinds: Mapping[str, Sequence[str]],
        names: Sequence[str],
    ) -> None:
        super().__init__()
        self.layer = model.config.vision_feature_layer
        self.tower, self.connector = model.model.vision_tower, model.model.multi_modal_projector
        table = model.get_input_embeddings().weight.detach().float()
        ground = table.mean(0)

        def meaning(words: Iterable[str]) -> Tensor:
            ids = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
            return nn.functional.normalize(torch.stack([table[one].mean(0) for one in ids]) - ground, dim=-1)

        self.kinds = tuple(kinds)
        for kind in kinds:
            self.register_buffer(f"words_{kind}", meaning(kinds[kind]))
        self.register_buffer("ground", ground)
        # A connector's output is as long as an embedding, so that the language model sees nothing out of its range.
        self.register_buffer("length", (table - ground).norm(dim=-1).median())
        sides = torch.stack([meaning([far])[0] - meaning([near])[0] for near, far in SIDES])
        self.register_buffer("sides", torch.linalg.qr(sides.T)[0].T * _signs(sides)[:, None])
        self.register_buffer("names", meaning(names))
        self.scale = nn.ParameterDict({kind: torch.tensor(12.0) for kind in kinds})
        self.nothing = nn.ParameterDict({kind: torch.tensor(3.0) for kind in kinds if kind not in PLACES})
        width = table.shape[1]
        self.first = nn.Linear(width, len(RELATIONS) * RANK)
        self.second = nn.Linear(width, RANK)
        self.both = nn.Sequential(nn.Linear(2 * width, 256), nn.GELU(), nn.Linear(256, len(RELATIONS)))

    def forward(self, pixels: Tensor) -> Tensor:
        """What the connector makes of each patch, less the mean embedding [pictures, patches, width]."""
        seen = self.tower(pixels, output_hidden_states=True).hidden_states[self.layer][:, 1:]
        return self.connector(seen).float() - self.ground

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The sum of what is off, and figures to show."""
        said = self(batch.pixels)
        length = said.norm(dim=-1)
        unit = said / length[..., None]
        full = batch.thing >= 0
        shown: dict[str, float] = {}
        total = 0.1 * (length / self.length - 1).abs().mean()
        for kind in self.kinds:
            logits = self.scale[kind] * (unit @ getattr(self, f"words_{kind}").T)
            wanted = batch.said[kind]
            if kind in self.nothing:  # the last class: nothing is here
                empty = self.nothing[kind].expand(*logits.shape[:-1], 1)
                logits = torch.cat([logits, empty], dim=-1)
            known = wanted != NONE
            off = nn.functional.cross_entropy(logits[known], wanted[known], reduction="none")
            weight = torch.where(full[known], 1.0, 0.15)
            total = total + WEIGHTS.get(kind, 1.0) * (off * weight).sum() / weight.sum()
            seen = full & known
            shown[kind] = (logits[seen].argmax(-1) == wanted[seen]).float().mean().item() * 100
        place = 0.5 + (unit @ self.sides.T) / (2 * REACH)
        miss = (place - batch.box).abs().sum(-1)[full].mean()
        shown["box"] = miss.item()
        total = total + 2 * miss
        if len(batch.pairs):
            total = total + self._relations(unit, batch, shown)
        return total, shown

    def _relations(self, unit: Tensor, batch: Batch, shown: dict[str, float]) -> Tensor:
        """Two ways to tell a relation: from the first thing's patches and the other's name, and from both's patches."""
        places = batch.thing.flatten()
        held = places >= 0
        sums = torch.zeros(len(batch.names), unit.shape[-1]).index_add(
            0, places[held], unit.reshape(-1, unit.shape[-1])[held]
        )
        counts = torch.bincount(places[held], minlength=len(batch.names)).clamp(min=1)
        pooled = sums / counts[:, None]
        one, other, relation = batch.pairs.T
        lean = self.first(pooled[one]).reshape(-1, len(RELATIONS), RANK)
        by_name = (lean @ self.second(self.names[batch.names[other]])[..., None])[..., 0]
        by_sight = self.both(torch.cat([pooled[one], pooled[other]], dim=-1))
        off = torch.zeros(())
        for way, logits in (("by name", by_name), ("by sight", by_sight)):
            off = off + nn.functional.cross_entropy(logits, relation)
            shown[f"relation {way}"] = (logits.argmax(-1) == relation).float().mean().item() * 100
        return off


def _signs(sides: Tensor) -> Tensor:
    """QR may turn a direction round: the sign that keeps each the way of its words."""
    return torch.sign((torch.linalg.qr(sides.T)[0].T * sides).sum(-1))


def covered(things: Sequence[Box], grid: int) -> NDArray[np.int64]:
    """The thing that each patch shows [patches]; the smaller is before the larger, -1 where none is."""
    held = np.full((grid, grid), -1, dtype=np.int64)
    edges = np.arange(grid + 1) / grid
    for number in sorted(range(len(things)), key=lambda one: -area(things[one])):
        y0, y1, x0, x1 = things[number]
        rows, columns = (
            np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * grid
            for low, high in ((y0, y1), (x0, x1))
        )
        inside = rows[:, None] * columns[None] > 0.3
        # a thing smaller than a patch is told by the patch of its middle
        inside[min(int((y0 + y1) / 2 * grid), grid - 1), min(int((x0 + x1) / 2 * grid), grid - 1)] = True
        held[inside] = number
    return held.reshape(-1)


def collate(
    scenes: Sequence[Scene],
    kinds: Mapping[str, Sequence[str]],
    names: Mapping[str, int],
    size: int,
    grid: int,
) -> Batch:
    """Opens and resizes pictures, works out what their patches should say."""
    mean, deviation = (np.array(one, dtype=np.float32) * 255 for one in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    index = {kind: {word: place for place, word in enumerate(words)} for kind, words in kinds.items()}
    pixels = np.empty((len(scenes), size, size, 3), dtype=np.float32)
    thing = np.full((len(scenes), grid * grid), -1, dtype=np.int64)
    said = {kind: np.full(thing.shape, NONE, dtype=np.int64) for kind in kinds}
    box = np.zeros((*thing.shape, 4), dtype=np.float32)
    all_names: list[int] = []
    pairs: list[tuple[int, int, int]] = []
    for row, scene in enumerate(scenes):
        image = scene.open().resize((size, size), Image.Resampling.BICUBIC)
        pixels[row] = (np.asarray(image, dtype=np.float32) - mean) / deviation
        held = covered([one.box for one in scene.things], grid)
        base = len(all_names)
        all_names += [names[one.name] for one in scene.things]
        thing[row] = np.where(held >= 0, held + base, -1)
        for kind in kinds:
            words = [(one.place if kind in PLACES else one.looks).get(kind) for one in scene.things]
            wanted = np.array(
                [NONE if word is None else index[kind][word] for word in words]
                + [NONE if kind in PLACES else len(index[kind])]
            )
            said[kind][row] = wanted[held]
        for number, one in enumerate(scene.things):
            y0, y1, x0, x1 = one.box
            box[row, held == number] = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        shown = set(held.tolist())
        pairs += [
            (base + a, base + b, RELATIONS.index(relation))  # type: ignore[arg-type]
            for (a, b), relation in scene.relations.items()
            if a in shown and b in shown
        ]
    return Batch(
        torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        {kind: torch.from_numpy(one) for kind, one in said.items()},
        torch.from_numpy(box),
        torch.from_numpy(thing),
        torch.tensor(all_names, dtype=torch.long),
        torch.tensor(pairs, dtype=torch.long).reshape(-1, 3),
    )


def varied(scenes: Iterable[Scene], seed: int) -> Iterator[Scene]:
    """Half of them mirrored; most of them cropped, half of these closely around one of their things: names are learned
    from what fills the picture, and known again where it is small."""
    lot = random.Random(seed)
    for scene in scenes:
        one = scene.mirror() if lot.random() < 0.5 else scene
        way = lot.random()
        if way < 0.7:
            near = lot.choice(one.things).box if way < 0.35 and one.things else (0.5, 0.5, 0.5, 0.5)
            least = min(max(1.2 * (near[1] - near[0]), 1.2 * (near[3] - near[2]), 0.35), 1)
            side = lot.uniform(least if way < 0.35 else 0.7, 0.8 if way < 0.35 and least < 0.8 else 1)
            top, left = (
                min(max(lot.uniform(high - side, low), 0), 1 - side) for low, high in (near[:2], near[2:])
            )
            one = one.crop((top, top + side, left, left + side))
        yield one


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same, each made by a thread while the one before is learned from."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def learn(
    reader: Reader,
    batches: Callable[[int], Iterator[Batch]],
    *,
    steps: int,
    rate: float,
    state: Path,
) -> None:
    """Trains tower, connector and heads with AdamW on one cycle; prints a line every hundred steps.

    Args:
        batches: gives those that come after so many.
        state: file from which an interrupted run goes on.
    """
    learned = [one for one in reader.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    done = 0
    if state.exists():
        kept = torch.load(state)
        reader.load_state_dict(kept["reader"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        done = kept["step"]
    start, sums = time.perf_counter(), dict[str, list[float]]()
    for step, batch in enumerate(islice(batches(done), steps - done), done + 1):
        with torch.autocast("cpu", torch.bfloat16):
            total, shown = reader.loss(batch)
        total.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        for name, figure in {"loss": total.item(), **shown}.items():
            sums.setdefault(name, []).append(figure)
        if step % 100 == 0 or step == steps:
            speed = len(batch.pixels) * (step - done) / (time.perf_counter() - start)
            told = ", ".join(f"{name} {sum(found) / len(found):.3g}" for name, found in sums.items())
            print(f"step {step} of {steps}: {told}; {speed:.0f} pictures/s", flush=True)
            sums.clear()
            kept = {
                "reader": reader.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step,
            }
            torch.save(kept, state.with_suffix(".new"))
            state.with_suffix(".new").replace(state)


def main() -> None:
    """Trains tower and connector of an assembled model and saves it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="An assembled LLaVA (vsd assemble).")
    parser.add_argument("--scenes", required=True, help="shapes, or items.jsonl of vsd rooms.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=100_000, help="How many are shown, repeated or not.")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    model = LlavaForConditionalGeneration.from_pretrained(chosen.model, dtype=torch.float32)
    processor = LlavaProcessor.from_pretrained(chosen.model)
    model.requires_grad_(False)
    model.model.vision_tower.set_attn_implementation(PRODUCTS)
    model.model.vision_tower.requires_grad_(True)
    model.model.multi_modal_projector.requires_grad_(True)
    lot = random.Random(chosen.seed)
    if chosen.scenes == "shapes":
        kinds, names = shapes.KINDS, shapes.NAMES
        scenes: Iterable[Scene] = shapes.random_scenes(chosen.seed)
    else:
        known = room_scenes.read_scenes(chosen.scenes)
        kinds, names = room_scenes.kinds(known), room_scenes.names(known)
        scenes = chain.from_iterable(iter(lambda: lot.sample(known, len(known)), None))
    kinds = {**kinds, **PLACES}
    vision = model.config.vision_config
    index = {name: place for place, name in enumerate(names)}

    def batches(done: int) -> Iterator[Batch]:
        shown = islice(varied(scenes, chosen.seed), done * chosen.batch, None)  # opens none of those before
        return ahead(
            collate(some, kinds, index, vision.image_size, vision.image_size // vision.patch_size)
            for some in iter(lambda: list(islice(shown, chosen.batch)), [])
        )

    torch.manual_seed(chosen.seed)  # of the reader's heads
    reader = Reader(model, processor.tokenizer, kinds, names)
    state = chosen.output.with_name(f"{chosen.output.name}.state")
    learn(
        reader,
        batches,
        steps=chosen.pictures // chosen.batch,
        rate=chosen.rate,
        state=state,
    )
    model.save_pretrained(chosen.output)
    processor.save_pretrained(chosen.output)
    state.unlink()


if __name__ == "__main__":
    main()
