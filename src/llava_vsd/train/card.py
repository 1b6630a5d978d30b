"""The model card of a stage's result: what it was made from, with what, and how it went."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from llava_vsd import __version__
from llava_vsd.jsonl import read_rows
from llava_vsd.train.data import Index
from llava_vsd.train.plan import Plan
from llava_vsd.train.scored import HEADING, UNSCORED
from llava_vsd.train.trainer import Point

if TYPE_CHECKING:
    from llava_vsd.train.ready import Ready

_LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
_END = 20  # points of the curve whose mean is its end


def card(ready: Ready, known: Index, made: Plan, curve: Path) -> str:
    """The text of README.md, with the front matter that the hub reads."""
    stage, config = ready.stage, ready.config
    adapter = stage.language != "full"
    points = list(read_rows(curve, Point))
    end = points[-_END:]
    front = {
        "base_model": ready.spec,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": ["visual-spatial-description", "llava-vsd", stage.stage],
    }
    settings = {
        **config.model_dump(mode="json", exclude={"stages", "output"}),
        "stages": [stage.model_dump(mode="json")],
    }
    images, learned = len(set(known.images)), int(known.plain.learned.sum())
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).rstrip(),
        "---",
        f"# {ready.family.name}, stage {stage.stage}",
        "",
        f"Made by `vsd train` of llava-vsd {__version__} from `{ready.spec}`.",
        "",
        "```python",
        *_loading(ready.spec, adapter),
        "```",
        "",
        "## Data",
        "",
        f"{len(known.conversations):,} conversations, {images:,} pictures, {learned:,} learned tokens an epoch; "
        f"{len(known.faults):,} bad samples left out.",
        "",
        "| file | SHA-256 |",
        "|---|---|",
        *(f"| {path} | `{digest}` |" for path, digest in ready.hashes.items()),
        "",
        "## Course",
        "",
        f"{made.steps:,} steps of {stage.batch_conversations} conversations. Mean loss (nats a learned token) of the "
        f"first {len(end)} points {_mean(points[: len(end)]):.4f}, of the last {_mean(end):.4f}; all in `curve.jsonl`.",
        "",
        HEADING,
        "",
        UNSCORED,
        "",
        "## Settings",
        "",
        "```yaml",
        yaml.safe_dump(settings, sort_keys=False).rstrip(),
        "```",
        "",
        "## Versions",
        "",
        ", ".join(f"{name} {found}" for name in _LIBRARIES if (found := _version(name))),
        "",
    ]
    return "\n".join(lines)


def _loading(spec: str, adapter: bool) -> list[str]:
    if not adapter:
        return [
            "from transformers import AutoModelForImageTextToText, AutoProcessor",
            'model = AutoModelForImageTextToText.from_pretrained("THIS FOLDER")',
            'processor = AutoProcessor.from_pretrained("THIS FOLDER")',
        ]
    return [
        "from peft import PeftModel",
        "from transformers import AutoModelForImageTextToText",
        f'model = AutoModelForImageTextToText.from_pretrained("{spec}")',
        'model = PeftModel.from_pretrained(model, "THIS FOLDER")  # or: vsd merge THIS_FOLDER -o MERGED',
    ]


def _mean(points: list[Point]) -> float:
    return sum(point.loss for point in points) / max(1, len(points))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
