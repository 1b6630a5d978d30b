"""What a stage would do, found out without weights: tokens, rows, padding, bad samples, memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from heapq import nlargest
from pathlib import Path
from typing import Any, get_args

import torch
from transformers import AutoModelForImageTextToText

from llava_vsd.config import Config, Stage
from llava_vsd.errors import UsageError
from llava_vsd.model.adapters import prepare
from llava_vsd.model.features import feature_count, patch_count
from llava_vsd.model.load import Loaded, quietly
from llava_vsd.train.data import Index, Progress, index
from llava_vsd.train.features import shown
from llava_vsd.train.memory import GIB, GPUS, Launch, Load, Model, memory, model_of
from llava_vsd.train.plan import Plan, row_length
from llava_vsd.train.ready import Ready, get_ready

_LONGEST = 5
_BYTES = {"bfloat16": 2.0, "float16": 2.0, "float32": 4.0}
_QUANTIZED = {"4bit": 0.5 + 1 / 64 + 4 / 64 / 256, "8bit": 1.0}
"""Bytes of a weight; in 4 bits, with a scale in 8 bits for 64 weights and one in 32 for 256 scales (QLoRA)."""


@dataclass(frozen=True)
class Report:
    """What `--dry-run` prints of a stage.

    Attributes:
        faults: bad samples, each with file, line, id and reason.
        tokens: of the first epoch: image (with what the template writes before it), text, of it learned, padding.
        alone: tokens that the same conversations take one at a time.
        share_saved: of the tokens of pictures (with the template's before them), those that sharing saves.
        longest: rows by their tokens, with their conversations' ids.
        parameters: of each part.
        trained: how many of them, and of adapters, learn.
        features: bytes on disk that `keep_features` takes; 0 without it.
        patches: that the vision tower sees of the pictures of one row, at most; 0 where it does not learn, and None
            where it does but is of a kind whose patches cannot be counted here: `memory` is then without what it keeps.
        memory: GiB on each GPU at its fullest, by launch and number of GPUs; the row is the longest of one GPU.
    """

    stage: str
    family: str
    shared: bool
    conversations: int
    images: int
    faults: list[str]
    parameters: dict[str, int]
    trained: int
    steps: int = 0
    rows: int = 0
    rows_a_step: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    alone: int = 0
    share_saved: float = 0.0
    features: int = 0
    patches: int | None = 0
    longest: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report for a machine."""
        return asdict(self)


def check(config: Config, stage: Stage, spec: str, state: Path, progress: Progress) -> Report:
    """Reads every conversation of a stage and every pixel of its pictures, and plans its steps.

    Args:
        config: of the run.
        stage: one of its stages.
        spec: the model that it starts from; configuration and processor are read, weights are not.
        state: where LLaVA's JSON is rewritten as JSON lines.
        progress: told how many conversations are done.

    Raises:
        TrainingError: steps too small.
        FileError, CheckpointError: data, configuration or processor cannot be read.
    """
    ready = get_ready(config, stage, spec, state)
    known = index(
        ready.files,
        ready.samples,
        unread=ready.unread,
        workers=config.readers,
        whole_images=True,
        progress=progress,
    )
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(ready.model_config)
    dimensions = model_of(model)
    with quietly():
        trained = trained_parameters(prepare(Loaded(model, ready.processor, ready.family), stage))
    report = Report(
        stage=stage.stage,
        family=ready.family.name,
        shared=ready.shared,
        conversations=len(known.conversations),
        images=len(set(known.images)),
        faults=[str(fault) for fault in known.faults],
        parameters=dict(dimensions.parameters),
        trained=trained,
    )
    if not len(known.conversations):
        return report
    made = ready.plan(known, 1)
    tokens, longest, learned = _rows(known, made)
    patches = _most_patches(ready, known, made) if stage.vision == "full" else 0
    first = made.lengths[0]
    shown = made.order[: made.starts[min(made.steps, made.steps_an_epoch)]]
    alone = int(first.prefix[shown].sum())
    load = load_of(
        config,
        stage,
        dimensions,
        trained,
        row_tokens=longest[0]["tokens"],
        learned=learned,
        patches=patches or 0,
    )
    return replace(
        report,
        steps=made.steps,
        rows=made.steps * made.rows,
        rows_a_step=made.rows,
        tokens=tokens,
        alone=alone + int(first.rest[shown].sum()),
        share_saved=1 - tokens["image"] / alone if alone else 0.0,
        patches=patches,
        longest=longest,
        features=_feature_bytes(ready, known, made) if stage.keep_features else 0,
        memory=memory_table(dimensions, load, stage.batch_conversations),
    )


def _feature_bytes(ready: Ready, known: Index, made: Plan) -> int:
    """What all features that the stage needs take on disk, without the few hundred bytes that a file has besides."""
    samples, numbers = ready.samples, 0
    for image, _ in shown(known, made, ready.config.seed):
        size = samples.size(image)
        numbers += feature_count(ready.model_config, size, samples.encoder.image_tokens(*size))
    return int(numbers * _BYTES[ready.config.dtype])


def _most_patches(ready: Ready, known: Index, made: Plan) -> int | None:
    """The most patches in a row of the first epoch; None where they are not known for this kind of tower."""
    samples, lengths = ready.samples, made.lengths[0]

    @cache
    def patches(image: int) -> int:
        if image >= len(known.images):  # a conversation without a picture
            return 0
        size = samples.size(known.images[image])
        return patch_count(ready.model_config, size, samples.encoder.image_tokens(*size))

    try:
        return max(
            sum(patches(int(lengths.image[piece.members[0]])) for piece in row)
            for step in range(min(made.steps, made.steps_an_epoch))
            for row in made.divide(step)
        )
    except UsageError:
        return None


def trained_parameters(model: Any) -> int:
    """How many parameters learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def load_of(
    config: Config,
    stage: Stage,
    model: Model,
    trained: int,
    *,
    row_tokens: int,
    learned: int,
    patches: int = 0,
) -> Load:
    """What a stage puts on a GPU.

    Args:
        config: of the run.
        stage: one of its stages.
        model: dimensions.
        trained: parameters that learn, adapters included.
        row_tokens: the longest row.
        learned: the most learned tokens in a row.
        patches: the most of them in a row, where the vision tower learns.
    """
    whole = sum(count for part, count in model.parameters.items() if getattr(stage, part) == "full")
    frozen = sum(model.parameters.values()) - whole
    size = _BYTES[config.dtype]
    if config.quantize:
        language = model.parameters["language"]
        size = (language * _QUANTIZED[config.quantize] + (frozen - language) * size) / frozen
    return Load(row_tokens, learned, trained, frozen, size, config.gradient_checkpointing, patches)


def memory_table(model: Model, load: Load, batch: int) -> dict[str, dict[int, dict[str, float]]]:
    """GiB on each GPU, by launch and number of GPUs; without those that a step of `batch` conversations cannot fill."""
    return {
        launch: {
            gpus: {
                name: getattr(found, name) / GIB
                for name in ("weights", "gradients", "optimizer", "activations", "total")
            }
            for gpus in GPUS
            if gpus <= batch
            for found in (memory(model, load, launch, gpus),)
        }
        for launch in get_args(Launch)
    }


def _rows(known: Index, made: Plan) -> tuple[dict[str, int], list[dict[str, Any]], int]:
    """Tokens of the rows of the first epoch, the longest rows, and the most learned tokens in a row."""
    tokens = dict.fromkeys(("image", "text", "learned", "padding"), 0)
    longest: list[tuple[int, int, int]] = []
    most = 0
    lengths = made.lengths[0]
    for step in range(min(made.steps, made.steps_an_epoch)):
        for number, row in enumerate(made.divide(step)):
            members = [member for piece in row for member in piece.members]
            image = sum(int(lengths.prefix[piece.members[0]]) for piece in row)
            text, learned = int(lengths.rest[members].sum()), int(lengths.learned[members].sum())
            length = row_length(row, lengths, shared=made.shared)
            for name, count in (("image", image), ("text", text), ("learned", learned)):
                tokens[name] += count
            tokens["padding"] += length - image - text
            most = max(most, learned)
            longest = nlargest(_LONGEST, [*longest, (length, step, number)])
    return tokens, [_told(known, made, *one) for one in longest], most


def _told(known: Index, made: Plan, length: int, step: int, number: int) -> dict[str, Any]:
    row = made.divide(step)[number]
    ids = [known.conversations[member].id for piece in row for member in piece.members]
    return {"tokens": length, "step": step + 1, "pictures": len(row), "conversations": ids}
