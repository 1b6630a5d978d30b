"""One side of benchmarks/training.py, in a process of its own: it takes a step whenever it is told to.

`python benchmarks/training_sides.py FOLDER SIDE STEPS DTYPE READERS` answers each line of input with a line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import datasets
from training_models import picture_file
from transformers import Trainer, TrainerCallback, TrainingArguments

from llava_vsd.config import Config, Lora, Stage
from llava_vsd.model.adapters import prepare
from llava_vsd.model.attention import share_images
from llava_vsd.model.load import load
from llava_vsd.train.data import Index, Rows, index
from llava_vsd.train.plan import Plan, plan, row_length
from llava_vsd.train.ready import Ready, get_ready
from llava_vsd.train.stages import rates
from llava_vsd.train.trainer import RowTrainer, arguments

OURS = ("packed", "unpacked")
SIDES = (*OURS, "trainer", "trl")
BATCH, ROW_TOKENS = 16, 8192
LORA = Lora(rank=32, alpha=64, dropout=0.0)


def ready_for(folder: Path, side: str, steps: int, dtype: str, readers: int) -> tuple[Ready, Index, Plan]:
    """The settings of all sides, the conversations, and the steps that they take."""
    stage = Stage(
        data=[folder / "conversations.jsonl"],
        lora=LORA,
        connector_learning_rate=2e-4,
        batch_conversations=BATCH,
        row_tokens=ROW_TOKENS,
        packing=side == "packed",
        max_steps=steps,
    )
    config = Config(
        model=str(folder / "model"),
        output=folder / "out",
        images=[folder / "images"],
        stages=[stage],
        dtype="bfloat16" if dtype == "bf16" else "float32",
        gradient_checkpointing=False,
        workers=readers,
        save_every_steps=10**6,
    )
    ready = get_ready(config, stage, config.model, folder / "state")
    known = index(ready.files, ready.samples)
    assert not known.faults, known.faults[0]
    return ready, known, ready.plan(known, 1)


def batch_of_rows(known: Index) -> int:
    """Conversations of a padded batch: a divisor of a step's, such that it is no longer than a row may be."""
    longest = int((known.plain.prefix + known.plain.rest).max())
    return max(size for size in (1, 2, 4, 8, 16) if size == 1 or size * longest <= ROW_TOKENS)


def tokens_of(known: Index, made: Plan) -> tuple[int, int]:
    """Tokens of all steps, with shared pictures and one conversation at a time."""
    lengths = known.plain
    order = made.order[: made.starts[-1]]
    whole = plan([lengths], batch=BATCH, row_tokens=ROW_TOKENS, max_steps=made.steps)
    shared = sum(
        row_length(row, lengths, shared=True) for step in range(whole.steps) for row in whole.divide(step)
    )
    return shared, int((lengths.prefix[order] + lengths.rest[order]).sum())


class Waits(RowTrainer):
    """Our trainer, with the time that steps wait for their rows."""

    waited: tuple[float, ...] = ()

    def get_batch_samples(self, *given: Any, **named: Any) -> Any:
        """As the Trainer's."""
        begin = time.perf_counter()
        found = super().get_batch_samples(*given, **named)
        self.waited += (time.perf_counter() - begin,)
        return found


class Turns(TrainerCallback):
    """Lets a step begin when a line comes in, and tells its seconds and its processors', fetching data included."""

    def __init__(self, answer: TextIO) -> None:
        self.answer, self.begin, self.used = answer, 0.0, 0.0

    def _wait(self) -> None:
        if not sys.stdin.readline():
            raise SystemExit(1)
        self.begin, self.used = time.perf_counter(), time.process_time()

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Before the first data are fetched."""
        print("ready", file=self.answer, flush=True)
        self._wait()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the optimizer's step."""
        spent = time.perf_counter() - self.begin, time.process_time() - self.used
        print(json.dumps(spent), file=self.answer, flush=True)
        control.should_save = False
        if state.global_step < state.max_steps:
            self._wait()


def examples(known: Index, made: Plan, folder: Path) -> datasets.Dataset:
    """The conversations of all steps in their order, in TRL's prompt-completion form."""
    rows = []
    for member in made.order[: made.starts[-1]].tolist():
        row = known.conversations[member]
        turns = [{"role": turn.role, "content": turn.text} for turn in row.turns]
        pictures = [str(picture_file(folder, row.image or ""))]
        rows.append({"prompt": turns[:1], "completion": turns[1:], "images": pictures})
    # Pictures are opened when they are needed.
    return datasets.Dataset.from_list(rows).cast_column("images", datasets.Sequence(datasets.Image()))


def usual_collator(processor: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Text and pictures through the processor, padded; labels are the answers' tokens."""
    tokenizer = processor.tokenizer
    head = tokenizer("<|im_start|>assistant\n", add_special_tokens=False)["input_ids"]

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        texts = []
        for row in batch:
            asked = row["prompt"][0]["content"]
            content = [{"type": "image"}, {"type": "text", "text": asked}]
            answer = [{"type": "text", "text": row["completion"][0]["content"]}]
            messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
            texts.append(processor.apply_chat_template(messages, tokenize=False))
        made = processor(
            text=texts, images=[row["images"][0] for row in batch], padding=True, return_tensors="pt"
        )
        labels = made["input_ids"].clone()
        labels[made["attention_mask"] == 0] = -100
        for line, ids in zip(labels, made["input_ids"].tolist(), strict=True):
            line[: len(ids) - 1 - ids[::-1].index(head[0]) + len(head)] = -100
        made["labels"] = labels
        return dict(made)

    return collate


def trainer_of(folder: Path, side: str, steps: int, dtype: str, readers: int, turns: Turns) -> Trainer:
    """A Trainer of one side on the same model, data, order and settings."""
    ready, known, made = ready_for(folder, side, steps, dtype, readers)
    config, stage = ready.config, ready.stage
    loaded = load(ready.spec, dtype=config.dtype, device="cpu")
    model = prepare(loaded, stage)
    settings = arguments(config, stage, made, folder / f"checkpoints-{side}")
    if side in OURS:
        if ready.shared:
            share_images(model)
        rows = Rows(known, made, ready.samples, ready.model_config, config.seed)
        return Waits(model, rows, rates(stage), settings, 1, [turns])
    batch = batch_of_rows(known)
    data = examples(known, made, folder)
    sizes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": BATCH // batch}
    if side == "trainer":
        settings = replace(settings, **sizes)
        return Trainer(
            model,
            settings,
            data_collator=usual_collator(loaded.processor),
            train_dataset=data,
            callbacks=[turns],
        )
    from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found,unused-ignore]

    same = TrainingArguments.__dataclass_fields__.keys() - {"_n_gpu", "gradient_checkpointing_kwargs"}
    given = {
        name: getattr(settings, name) for name in same if TrainingArguments.__dataclass_fields__[name].init
    }
    given |= sizes | {"max_length": None, "completion_only_loss": True, "gradient_checkpointing": False}
    return SFTTrainer(
        model, SFTConfig(**given), train_dataset=data, processing_class=loaded.processor, callbacks=[turns]
    )


def main() -> None:
    """Takes the steps; the last line tells losses, peak memory in bytes and the share of time waited for data."""
    folder, side, steps, dtype, readers = sys.argv[1:]
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    datasets.disable_progress_bars()
    trainer = trainer_of(Path(folder), side, int(steps), dtype, int(readers), Turns(answer))
    trainer.train()
    losses = [logs["loss"] for logs in trainer.state.log_history if "loss" in logs]
    told = {
        "losses": losses,
        "memory": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "waited": sum(getattr(trainer, "waited", ())[1:]),  # at first the reading process starts
    }
    print(json.dumps(told), file=answer, flush=True)


if __name__ == "__main__":
    main()
