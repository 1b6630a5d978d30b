"""Items a second for all three tasks: a plain loop of `generate`, batched `generate`, and one pass over each picture.

The model is a new tower with SmolLM2-135M's language model, cut to some layers so that a run takes minutes (`--layers
30` for all of it). Answers are as long as VSD's: 12 and 45 tokens, the relation 4. Times are processor time on one
core, the least of some runs, so that other work on the machine weighs little.

- bound: tokens of the prefill when each question has its own copy of the picture, over those when they share it.
- prefill: first token of each answer alone (and the nine scores, where the picture is shared).
- floor: decoding as many tokens in as many rows behind a prefix of one token, without a picture.
- nine: scores of the nine relations in one pass, against nine passes.

    python benchmarks/prediction.py
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from llava_vsd.data.prompts import ask
from llava_vsd.inference.asked import Open, Picture
from llava_vsd.inference.plain import Plain
from llava_vsd.inference.settings import Decoding
from llava_vsd.inference.shared import Shared
from llava_vsd.model.assemble import assemble
from llava_vsd.model.encode import Encoder
from llava_vsd.model.load import Loaded, load
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Conversation, Task, Triple, Turn

GEOMETRIES = {
    49: (224, 32),
    576: (384, 16),
    2916: (864, 16),
}  # side of the picture and of a patch; 2,916 for 2,880
LIMITS: dict[Task, int] = {"classify": 4, "describe": 12, "diversify": 45}
PAIRS = [("cat", "sofa"), ("old man", "horse"), ("lamp", "wooden chair"), ("yellow ball", "ship")]


class Bench:
    """A model of so many image tokens and layers, and questions about some pictures."""

    def __init__(self, folder: Path, layers: int, items: int, dtype: str) -> None:
        loaded = load(folder, dtype=dtype, device="cpu")
        text = loaded.model.model.language_model
        text.layers = text.layers[:layers]
        text.config.num_hidden_layers = len(text.layers)
        self.encoder = Encoder(loaded.processor, loaded.family, max_tokens=1 << 20)
        self.answers = [self.encoded(PAIRS[0], "classify", name) for name in RELATIONS]
        self.loaded, self.items = loaded, items
        self.plain = self.way(Plain, loaded)
        self.shared = self.way(Shared, loaded)
        generator = np.random.default_rng(0)
        self.pixels = [
            self.encoder.pixels(Image.fromarray(generator.integers(0, 256, (300, 400, 3), dtype=np.uint8)))
            for _ in range(items)
        ]

    def way(self, kind: Any, loaded: Loaded, answers: Any = None) -> Any:
        """One way to run the model; nothing ends an answer but its length."""
        return kind(loaded, answers or self.answers, [loaded.processor.tokenizer.eos_token_id], Decoding())

    def prompt(self, pair: tuple[str, str], task: Task) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Prefix and question."""
        return self.encoder.prompt(self.conversation(pair, task), (300, 400))

    def encoded(self, pair: tuple[str, str], task: Task, answer: str) -> tuple[int, ...]:
        """Tokens of an answer."""
        question = self.prompt(pair, task)[1]
        return self.encoder.encode(self.conversation(pair, task, answer), (300, 400)).ids[len(question) :]

    def conversation(self, pair: tuple[str, str], task: Task, answer: str = "") -> Conversation:
        """A question, and an answer where there is one."""
        one, other = pair
        box = (0, 1, 0, 1)
        triple = Triple(subject=one, object=other, relation="on", subject_box=box, object_box=box)
        turns = [Turn(role="user", text=ask(task, triple))]
        if answer:
            turns.append(Turn(role="assistant", text=answer))
        return Conversation(id="-", task=task, image="-", turns=turns)

    def pictures(self, *, choices: bool, opens: tuple[Task, ...], first: bool = False) -> list[Picture]:
        """The questions; `first` for the first token of each answer alone."""
        made = []
        for number, pixels in enumerate(self.pixels):
            pair = PAIRS[number % len(PAIRS)]
            prefix, question = self.prompt(pair, "classify")
            asked = [Open(self.prompt(pair, task)[1], 1 if first else LIMITS[task], (0,)) for task in opens]
            made.append(Picture(prefix, pixels, [question] if choices else [], asked))
        return made

    def loop(self, first: bool = False) -> list[list[list[int]]]:
        """A call of `generate` a question."""
        return [
            [
                self.plain.reply([Picture(one.prefix, one.pixels, [], [asked])])[0].opens[0][0].ids
                for asked in one.opens
            ]
            for one in self.pictures(choices=False, opens=("classify", "describe", "diversify"), first=first)
        ]

    def batched(self, first: bool = False) -> list[list[list[int]]]:
        """A call of `generate` a task, all pictures at once."""
        asked = self.pictures(choices=False, opens=("classify", "describe", "diversify"), first=first)
        if not first:
            return [[answer[0].ids for answer in one.opens] for one in self.plain.reply(asked)]
        for task in range(3):
            self.plain.reply([Picture(one.prefix, one.pixels, [], [one.opens[task]]) for one in asked])
        return []

    def once(self, first: bool = False) -> list[list[list[int]]]:
        """One pass over each picture, with scores of the nine relations."""
        asked = self.pictures(choices=True, opens=("describe", "diversify"), first=first)
        return [[answer[0].ids for answer in one.opens] for one in self.shared.reply(asked)]

    def scores(self) -> np.ndarray:
        """Log probabilities of the nine relations, in one pass."""
        return np.array([one.choices[0] for one in self.shared.reply(self.pictures(choices=True, opens=()))])

    def nine(self) -> np.ndarray:
        """The same in nine passes an item."""
        asked = self.pictures(choices=True, opens=())
        ways = [self.way(Plain, self.loaded, [answer]) for answer in self.answers]
        return np.array([[way.reply([one])[0].choices[0][0] for way in ways] for one in asked])

    def without_picture(self, first: bool = False) -> None:
        """Answers to questions behind a prefix of one token."""
        asked = self.pictures(choices=False, opens=("describe", "diversify"), first=first)
        self.shared.reply([Picture(one.prefix[:1], {}, [], one.opens) for one in asked])

    def bound(self) -> float:
        """Tokens of the prefill with a copy of the picture for each question, over those with one."""
        prefix = len(self.pictures(choices=False, opens=())[0].prefix)
        questions = [len(self.prompt(PAIRS[0], task)[1]) for task in LIMITS]
        answers = sum(len(ids) - 1 for ids in self.answers)
        return (3 * prefix + sum(questions)) / (prefix + sum(questions) + answers)


def least(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least processor time in seconds, and what came out."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        found = run()
        times.append(time.process_time() - begin)
    return min(times), found


def peak(bench: Bench, way: str) -> float:
    """MiB that this process needs for one way beyond the model, at most (Linux), in a process of its own."""
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak of loading
    getattr(bench, way)()
    return (_memory("VmHWM") - before) / 1024


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    """Prints a block for each number of image tokens."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--layers", type=int, default=8)
    options.add_argument("--items", type=int, default=4)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--tokens", default="49,576,2916")
    options.add_argument("--dtype", default="float32")
    options.add_argument("--peak", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    given = options.parse_args()
    torch.set_num_threads(1)
    if given.peak:
        print(
            json.dumps(
                peak(Bench(Path(given.peak[0]), given.layers, given.items, given.dtype), given.peak[1])
            )
        )
        return
    print(
        f"{platform.machine()}, one core, torch {torch.__version__}, {given.dtype}, "
        f"{given.layers} layers, {given.items} items at once"
    )
    with tempfile.TemporaryDirectory() as folder:
        for tokens in map(int, given.tokens.split(",")):
            place = Path(folder) / str(tokens)
            side, patch = GEOMETRIES[tokens]
            assemble(place, vision="clip-tiny", language="small", image_size=side, patch_size=patch)
            report(Bench(place, given.layers, given.items, given.dtype), tokens, given)
            for way in ("batched", "once"):
                command = [sys.executable, __file__, "--peak", str(place), way]
                for name in ("layers", "items", "dtype"):
                    command += [f"--{name}", str(getattr(given, name))]
                found = subprocess.run(command, check=True, capture_output=True, text=True)
                print(f"  peak memory beyond the model, {way}: {float(found.stdout):,.0f} MiB", flush=True)


def report(bench: Bench, tokens: int, given: Any) -> None:
    """Measures and prints."""
    items, repeats = bench.items, given.repeats
    loop, looped = least(bench.loop, 1)
    batched, together = least(bench.batched, repeats)
    once, shared = least(bench.once, repeats)
    first, _ = least(lambda: bench.batched(first=True), repeats)
    first_once, _ = least(lambda: bench.once(first=True), repeats)
    floor = (
        least(bench.without_picture, repeats)[0]
        - least(lambda: bench.without_picture(first=True), repeats)[0]
    )
    one, scored = least(bench.scores, repeats)
    nine, expected = least(bench.nine, 1)
    same = [one[1:] for one in looped] == [one[1:] for one in together] == shared
    print(f"{tokens:,} image tokens; bound {bench.bound():.2f}", flush=True)
    print(
        f"  items a second: loop {items / loop:.3f}, batched {items / batched:.3f}, once {items / once:.3f}"
    )
    print(f"  whole: {batched / once:.2f} x batched, {loop / once:.2f} x loop")
    print(
        f"  prefill: {first / first_once:.2f} x batched ({first / items:.2f} s, {first_once / items:.2f} s an item)"
    )
    print(f"  decoding: {(once - first_once) / items:.2f} s an item, floor {floor / items:.2f} s")
    print(
        f"  nine relations: {nine / one:.2f} x nine passes; largest difference {np.abs(scored - expected).max():.1e}"
    )
    print(f"  answers in words the same: {'yes' if same else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
