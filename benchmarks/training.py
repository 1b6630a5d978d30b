"""Training side by side: packed rows, unpacked rows, the plain Trainer and TRL's SFTTrainer; and where a step goes.

    pip install --no-deps trl datasets        # needed by this benchmark alone
    python benchmarks/training.py --data DIR [--tokens 49,576,2880] [--layers 30,8,2] [--steps 3] [--dtype bf16]
                                  [--sides packed,unpacked,trainer,trl] [--threads 2] [--only table,parts,...]

DIR holds vsdv1_val.json and vsdv2_val.json; items are drawn from them at random with all their conversations, their
pictures are drawn by code. The model has SmolLM2-135M's geometry (random weights) behind a tower of 8 million
parameters; LoRA (rank 32) on the language model and the connector learn, the tower is frozen: the same for all sides,
as are the conversations of each step (16), their order, the type and the optimizer. A padded batch is no longer than
8,192 tokens, as is a packed row.

Each side is a process of its own; they take their steps in turn, after one to warm up. Fetching the data is part of a
step. "By processor time" is the same ratio in seconds of processors, which other work on the machine hardly changes
(with one thread). `bound` is the number of tokens one at a time over that of shared rows, without any padding.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
BARS = {49: (None, 1.5), 576: (0.92, 4.5), 2880: (0.92, 5.0)}
"""Share of the bound over our unpacked rows, and times the Trainer's speed, that packed rows are to reach."""

COLUMNS = (
    "image tokens",
    "layers",
    "side",
    "s a step",
    "samples/s",
    "times packed",
    "by processor time",
    "bound",
    "peak MiB",
    "losses",
)
ALL = ("exactness", "table", "parts", "overlap")


@dataclass
class Side:
    """A process that trains, and what it told."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def line(self) -> Any:
        """What it says next."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise SystemExit(f"{self.name}: ended with {self.process.wait()}")
        return text.strip() if text.startswith("ready") else json.loads(text)

    def step(self) -> None:
        """Lets it take a step."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, processor = self.line()
        self.seconds.append(seconds)
        self.processor.append(processor)


def environment(threads: int) -> dict[str, str]:
    """For a process with so many threads of computing."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }


def run_sides(
    folder: Path, sides: Sequence[str], steps: int, chosen: argparse.Namespace, readers: int = 0
) -> list[Side]:
    """All sides take `steps` steps by turns."""
    running = []
    for name in sides:
        command = [
            sys.executable,
            str(HERE / "training_sides.py"),
            str(folder),
            name,
            str(steps),
            chosen.dtype,
            str(readers),
        ]
        log = (folder / f"{name}.log").open("w")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(chosen.threads),
        )
        running.append(Side(name, process))
    for side in running:
        try:
            side.line()
        except SystemExit:
            print((folder / f"{side.name}.log").read_text()[-2000:], file=sys.stderr)
            raise
    for number in range(steps):
        for side in running if number % 2 else reversed(running):
            side.step()
            print(f"  {side.name} step {number}: {side.seconds[-1]:.2f} s", file=sys.stderr)
    for side in running:
        side.told = side.line()
        side.process.wait()
    return running


def table(folder: Path, tokens: int, layers: int, chosen: argparse.Namespace) -> None:
    """Prints the lines of one number of image tokens."""
    from training_sides import BATCH, ready_for, tokens_of

    steps = chosen.steps + 1
    _, known, made = ready_for(folder, "packed", steps, chosen.dtype, 0)
    shared, alone = tokens_of(known, made)
    bound = alone / shared
    found = run_sides(folder, chosen.sides, steps, chosen)
    middle = {side.name: median(side.seconds[1:]) for side in found}
    used = {side.name: median(side.processor[1:]) for side in found}
    memory = {side.name: side.told["memory"] / 2**20 for side in found}
    for side in found:
        times, by_processor = (figure[side.name] / figure[found[0].name] for figure in (middle, used))
        losses = ", ".join(f"{loss:.4f}" for loss in side.told["losses"])
        print(
            f"| {tokens:,} | {layers} | {side.name} | {middle[side.name]:.2f} | {BATCH / middle[side.name]:.2f} "
            f"| {times:.2f} | {by_processor:.2f} | {bound:.2f} | {memory[side.name]:,.0f} | {losses} |",
            flush=True,
        )
    chosen.verdicts += verdicts(tokens, bound, middle, memory)


def verdicts(tokens: int, bound: float, seconds: dict[str, float], memory: dict[str, float]) -> list[str]:
    """What packed rows reach of what they are to reach, a line each."""
    if "packed" not in seconds:
        return []
    share, times = BARS[tokens]
    lines = []
    if share is not None and "unpacked" in seconds:
        reached = seconds["unpacked"] / seconds["packed"] / bound
        lines.append(
            f"{tokens:,}: {100 * reached:.0f} % of the bound over unpacked (to reach: {100 * share:.0f} %)"
        )
    for other in ("trainer", "trl"):
        if other in seconds:
            reached = seconds[other] / seconds["packed"]
            lines.append(f"{tokens:,}: {reached:.2f} times as fast as {other} (to reach: {times})")
            less = memory["packed"] / memory[other]
            lines.append(f"{tokens:,}: {100 * less:.0f} % of the memory of {other} (to reach: 100 %)")
    return lines


def overlap(folder: Path, tokens: int, chosen: argparse.Namespace) -> None:
    """Prints the share of the time that steps wait for rows, with one process that reads ahead."""
    (side,) = run_sides(folder, ["packed"], chosen.steps + 3, chosen, readers=1)
    waited, whole = side.told["waited"], sum(side.seconds[1:])
    print(
        f"| {tokens:,} | {whole / len(side.seconds[1:]):.2f} | {waited:.3f} | {100 * waited / whole:.2f} % |"
    )


def child(script: str, *given: str, threads: int) -> None:
    """Runs another part of the benchmark, which prints its own table."""
    subprocess.run([sys.executable, str(HERE / script), *given], check=True, env=environment(threads))


def main() -> None:
    """Prints Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokens", default="49,576,2880", help="of an image: 49, 576 or 2880")
    parser.add_argument("--layers", default="", help="of the language model, for each of --tokens")
    parser.add_argument("--steps", type=int, default=3, help="measured, after one to warm up")
    parser.add_argument("--dtype", choices=("bf16", "float32"), default="bf16")
    parser.add_argument("--sides", default="packed,unpacked,trainer,trl")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default=",".join(ALL))
    chosen = parser.parse_args()
    chosen.sides, only = chosen.sides.split(","), chosen.only.split(",")
    chosen.verdicts = []
    each = [int(one) for one in chosen.tokens.split(",")]
    if unknown := [one for one in each if one not in BARS] + [one for one in only if one not in ALL]:
        parser.error(
            f"{unknown[0]}; expected tokens of {', '.join(map(str, BARS))}, parts of {', '.join(ALL)}"
        )
    given = [int(one) for one in chosen.layers.split(",")] if chosen.layers else []
    layers = dict(zip(each, given, strict=True)) if given else {49: 30, 576: 8, 2880: 2}

    import torch
    import transformers
    from training_models import write_data, write_model

    transformers.utils.logging.disable_progress_bar()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores ({processor_name()}), no GPU; {chosen.threads} threads, "
        f"{chosen.dtype}; torch {torch.__version__}, transformers {transformers.__version__}\n"
    )
    if "exactness" in only:
        child("training_exactness.py", threads=chosen.threads)
    with tempfile.TemporaryDirectory() as name:
        folders = {tokens: Path(name) / str(tokens) for tokens in each}
        for tokens, folder in folders.items():
            write_model(folder / "model", tokens, layers[tokens])
            conversations, pictures = write_data(folder, chosen.data, 16 * (chosen.steps + 4))
        print(
            f"{conversations} conversations about {pictures} pictures ({conversations / pictures:.2f} each)\n"
        )
        if "table" in only:
            print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
            for tokens, folder in folders.items():
                table(folder, tokens, layers[tokens], chosen)
            print("\n" + "\n".join(f"- {line}" for line in chosen.verdicts) + "\n")
        if "parts" in only:
            for folder in folders.values():
                child("training_parts.py", str(folder), chosen.dtype, threads=chosen.threads)
        if "overlap" in only:
            print("\n| image tokens | s a step | waited for data, s in all | share |\n|---|---|---|---|")
            for tokens, folder in folders.items():
                overlap(folder, tokens, chosen)


def processor_name() -> str:
    """As the system calls it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


if __name__ == "__main__":
    main()
