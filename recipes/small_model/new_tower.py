"""A new vision tower for the small model: CLIP's form, random weights, 5 million parameters, 49 tokens a picture.

python recipes/small_model/new_tower.py -o TOWER     # then: vsd assemble -o START --vision TOWER --language small
"""

from __future__ import annotations

import argparse
from pathlib import Path

import shapes
import torch
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel


def main() -> None:
    """Writes tower and image processor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--patch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    config = CLIPVisionConfig(
        hidden_size=chosen.width,
        intermediate_size=4 * chosen.width,
        num_hidden_layers=chosen.layers,
        num_attention_heads=chosen.width // 64,
        image_size=shapes.SIZE,
        patch_size=chosen.patch_size,
    )
    CLIPVisionModel(config).save_pretrained(chosen.output)
    side = {"height": shapes.SIZE, "width": shapes.SIZE}
    CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False).save_pretrained(chosen.output)


if __name__ == "__main__":
    main()
