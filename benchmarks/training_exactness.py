"""Shared rows against one conversation at a time, in float32: the differences of loss and gradients, every family.

python benchmarks/training_exactness.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "model"))

from test_packing import groups, one_at_a_time

from llava_vsd.model.attention import share_images
from llava_vsd.model.packing import loss, pack
from tiny_models import FAMILIES, tiny


def compare(name: str) -> tuple[float, float]:
    """Absolute difference of the loss; largest relative one of a gradient that is not zero but for rounding."""
    family: Any = tiny(name)
    expected, slopes = one_at_a_time(family.model, groups(family), family.model.config)
    share_images(family.model)
    found = loss(family.model, pack(groups(family), family.model.config))
    found.backward()
    largest = max(float(slope.norm()) for slope in slopes.values())
    worst = 0.0
    for weight_name, weight in family.model.named_parameters():
        slope = slopes.get(weight_name)
        assert (slope is None) == (weight.grad is None), weight_name
        if slope is not None and weight.grad is not None and slope.norm() > 1e-7 * largest:
            worst = max(worst, float((weight.grad - slope).norm() / slope.norm()))
    return abs(found.item() - expected), worst


def main() -> None:
    """Prints a table; ends with an error where the loss differs by more than 1e-6 or a gradient by 1e-5 of itself."""
    torch.use_deterministic_algorithms(True)
    print("| family | loss differs by | gradients, relative |\n|---|---|---|")
    bad = []
    for name in FAMILIES:
        apart, slope = compare(name)
        print(f"| {name} | {apart:.1e} | {slope:.1e} |", flush=True)
        if apart > 1e-6 or slope > 1e-5:
            bad.append(name)
    print()
    if bad:
        raise SystemExit(f"not exact: {', '.join(bad)}")


if __name__ == "__main__":
    main()
