"""Data for the tests of training: pictures of coloured shapes, conversations about them, tiny models on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from llava_vsd.cli.app import main
from llava_vsd.relations import RELATIONS
from tiny_models import tiny


def pictures(folder: Path, count: int, *, seed: int = 0) -> list[str]:
    """Pictures of several sizes, with names as Visual Genome's."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    names = []
    for number in range(count):
        height, width = (int(size) for size in rng.choice([40, 64, 90], 2))
        pixels = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
        image.save(folder / f"{number + 1}.png")
        names.append(str(number + 1))
    return names


def conversations(path: Path, images: list[str], *, each: int = 4, texts: int = 0, seed: int = 0) -> Path:
    """So many conversations about each image on average, then some without an image."""
    rng = np.random.default_rng(seed)
    rows = []
    for image in images:
        for number in range(int(rng.integers(1, 2 * each))):
            answer = RELATIONS[(int(image) + number) % len(RELATIONS)]
            question = f"Choose the relation of the cat and the sofa {number}"
            rows.append(
                _row(f"vsd-{image}/describe/{number}", image, question, f"the cat is {answer} the sofa.")
            )
    rows += [_row(f"text-{number}", None, f"say {number}", f"a lamp {number}") for number in range(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _row(name: str, image: str | None, question: str, answer: str) -> dict[str, object]:
    turns = [{"role": "user", "text": question}, {"role": "assistant", "text": answer}]
    return {"id": name, "task": "describe", "image": image, "turns": turns}


def checkpoint(folder: Path, name: str = "llava-clip-vicuna") -> Path:
    """A tiny model of a family, saved."""
    made = tiny(name)
    made.model.save_pretrained(folder)
    made.processor.save_pretrained(folder)
    return folder


def settings(
    folder: Path, *, texts: int = 0, images: int = 12, each: int = 4, family: str = "llava-clip-vicuna"
) -> Path:
    """A run of one stage on a tiny model, in a YAML file of `folder`."""
    data = conversations(folder / "data.jsonl", pictures(folder / "images", images), each=each, texts=texts)
    model = checkpoint(folder / "model", family)
    path = folder / "run.yaml"
    path.write_text(
        f"model: {model}\noutput: {folder / 'out'}\nimages: [{folder / 'images'}]\ndtype: float32\nworkers: 0\n"
        f"save_every_steps: 2\nstages:\n  - stage: vsd\n    data: [{data}]\n    batch_conversations: 8\n"
        "    row_tokens: 400\n    max_tokens: 400\n    learning_rate: 1e-2\n    connector_learning_rate: 1e-3\n"
        "    lora: {rank: 4, alpha: 8, dropout: 0.1}\n",
        encoding="utf-8",
    )
    return path


def vsd(*arguments: object) -> int:
    """Runs the command line; gives its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)
