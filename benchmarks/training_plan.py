"""What sharing pictures saves by batch and number of GPUs, and how long the paper's run takes: docs/training.md.

    python benchmarks/training_plan.py --v1 vsdv1_val.json --v2 vsdv2_val.json

plans steps over the conversations that `vsd build` makes of these files; pictures and text have the stated tokens.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from llava_vsd.data.build import conversations
from llava_vsd.data.vsd import VsdFiles
from llava_vsd.train.plan import Lengths, plan, row_length

PAPER_IMAGES, PAPER_CONVERSATIONS = 20_490, 121_339
GPUS = (1, 2, 4, 8, 16)
BATCHES = (16, 32, 64, 128)
PEAKS = {"V100 (float16)": 125e12, "A100": 312e12, "H100": 989e12}
REACHED = 0.35
"""Share of the peak that training reaches; assumed."""


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--v1", type=Path, required=True)
    parser.add_argument("--v2", type=Path, required=True)
    parser.add_argument("--image-tokens", type=int, default=2880)
    parser.add_argument("--text-tokens", type=int, default=60)
    parser.add_argument("--parameters", type=float, default=13.05e9, help="of the language model")
    chosen = parser.parse_args()
    counts = [len(list(conversations(item, seed=0))) for item in VsdFiles(chosen.v1, chosen.v2).items()]
    image = np.repeat(np.arange(len(counts)), counts)
    prefix = np.full(len(image), chosen.image_tokens + 40)  # with the system's text
    rest = np.full(len(image), chosen.text_tokens)
    known = Lengths(image, prefix, rest, rest // 4)
    alone = int((prefix + rest).sum())
    print(f"{len(counts):,} pictures, {len(image):,} conversations; one at a time {alone:,} tokens")
    print("\n| conversations a step | " + " | ".join(f"{gpus} GPU" for gpus in GPUS) + " |")
    print("|---|" + "---|" * len(GPUS))
    for batch in BATCHES:
        times = []
        for gpus in GPUS:
            if gpus > batch:
                continue
            made = plan([known], batch=batch, row_tokens=12_288, processes=gpus)
            shared = sum(
                row_length(row, known, shared=True) for step in range(made.steps) for row in made.divide(step)
            )
            times.append(f"{alone / shared:.2f}")
        print(f"| {batch} | " + " | ".join(times) + " |")
    packed = PAPER_IMAGES * (chosen.image_tokens + 40) + PAPER_CONVERSATIONS * chosen.text_tokens
    unpacked = PAPER_CONVERSATIONS * (chosen.image_tokens + 40 + chosen.text_tokens)
    print(
        f"\nthe paper's data: {packed / 1e6:.0f} million tokens with shared pictures, {unpacked / 1e6:.0f} without"
    )
    print(f"\n| at {100 * REACHED:.0f} % of the peak | GPU-hours, shared | one at a time |\n|---|---|---|")
    for name, peak in PEAKS.items():
        # Forward, forward again for the checkpoints, gradients of activations: 2 operations a parameter each.
        hours = [6 * chosen.parameters * tokens / (REACHED * peak) / 3600 for tokens in (packed, unpacked)]
        print(f"| {name} | {hours[0]:.1f} | {hours[1]:.1f} |")


if __name__ == "__main__":
    main()
