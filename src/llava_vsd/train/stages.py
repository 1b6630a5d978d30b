"""The stages of a run: each starts from the last one's result, and goes on where it was interrupted."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import PeftModel
from torch import nn
from transformers import TrainerCallback, set_seed

from llava_vsd.config import Config, Stage
from llava_vsd.errors import FileError, UsageError
from llava_vsd.folders import refuse_filled, to_disk
from llava_vsd.jsonl import replacing
from llava_vsd.model.adapters import prepare
from llava_vsd.model.attention import share_images
from llava_vsd.model.families import Part, parameters_of
from llava_vsd.model.load import load
from llava_vsd.model.merge import merge
from llava_vsd.train.card import card
from llava_vsd.train.data import Progress, Rows
from llava_vsd.train.features import keep_features, shown
from llava_vsd.train.ready import Ready, get_ready, known_index
from llava_vsd.train.trainer import Curve, RowTrainer, arguments, last_checkpoint

Note = Callable[[str], None]

STATE = "state"
CURVE = "curve.jsonl"
_FREE = {
    "output",
    "workers",
    "save_every_steps",
    "keep_checkpoints",
    "report_to",
    "stages",
    "row_tokens",
    "skip_bad",
    "keep_features",
    "features",
}
"""Settings that leave the learning curve as it is: an interrupted run may go on with others."""


def run(
    config: Config,
    *,
    resume: bool | None = None,
    progress: Callable[[str], Progress] = lambda what: lambda done, total: None,
    note: Note = lambda text: None,
) -> list[Path]:
    """Goes through all stages.

    Args:
        config: of the run.
        resume: True: go on, refuse where nothing was begun; False: start anew; None: go on where there is something.
        progress: given what is done, gives a function that is told how far it is.
        note: told what a user should know.

    Returns:
        the folder of each stage's result.

    Raises:
        TrainingError: bad samples, a loss that is no number, steps too small for the processes.
        UsageError: the output holds a run of other settings, or none with `resume`.
        FileError: a checkpoint or the result cannot be written.
    """
    os.environ.setdefault(
        "TOKENIZERS_PARALLELISM", "false"
    )  # workers are forked after the tokenizer was used
    processes = PartialState(cpu=not torch.accelerator.is_available())
    state = config.output / STATE
    if processes.is_main_process:
        _begin(config, resume)
    processes.wait_for_everyone()
    spec, results = config.model, []
    for stage in config.stages:
        result = config.output / stage.stage
        with processes.main_process_first():
            ready = get_ready(config, stage, spec, state / stage.stage)
        if processes.is_main_process:
            _remember(ready, state / stage.stage)
        if (result / CURVE).is_file():
            if processes.is_main_process:
                note(f"stage {stage.stage}: done before, in {result}")
        else:
            refuse_filled(result)
            _train(ready, processes, result, progress, note)
        results.append(result)
        if stage is not config.stages[-1]:
            spec = str(_next_model(result, config.output / f"{stage.stage}-merged", processes, note))
    return results


def _begin(config: Config, resume: bool | None) -> None:
    """Makes the place for a run, or empties it."""
    begun = [config.output / name for name in (STATE, *(stage.stage for stage in config.stages))]
    begun += [config.output / f"{stage.stage}-merged" for stage in config.stages]
    there = [path for path in begun if path.exists()]
    if resume and not there:
        raise UsageError(f"{config.output}: no run to go on from (--resume)")
    if resume is False:
        for path in there:  # renamed first: half a checkpoint must not look whole
            gone = path.with_name(f".{path.name}.old")
            shutil.rmtree(gone, ignore_errors=True)
            path.replace(gone)
            shutil.rmtree(gone)
    try:
        (config.output / STATE).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(config.output, f"cannot be written to: {error.strerror}; expected a folder") from None


def _remember(ready: Ready, state: Path) -> None:
    """Writes down what the stage is; refuses to go on with what another one learned.

    Raises:
        UsageError: names the settings that differ.
    """
    settings = {
        **{key: value for key, value in ready.config.model_dump(mode="json").items() if key not in _FREE},
        **{key: value for key, value in ready.stage.model_dump(mode="json").items() if key not in _FREE},
        "model": ready.spec,
        "data": list(ready.hashes.values()),
    }
    del settings["images"]
    file = state / "settings.json"
    if file.is_file() and (last_checkpoint(state) or (ready.config.output / ready.stage.stage).is_dir()):
        before = json.loads(file.read_text(encoding="utf-8"))
        if differing := [key for key in settings if settings[key] != before.get(key)]:
            told = ", ".join(f"{key} was {before.get(key)!r}, is {settings[key]!r}" for key in differing)
            raise UsageError(f"{state}: begun with other settings: {told} (--overwrite starts anew)")
        return
    with replacing(file) as writing:
        json.dump(settings, writing, indent=1)


def _train(
    ready: Ready, processes: PartialState, result: Path, progress: Callable[[str], Progress], note: Note
) -> None:
    """One stage from its data to its result."""
    config, stage = ready.config, ready.stage
    state = config.output / STATE / stage.stage
    begun = last_checkpoint(state)
    reading = progress("conversations") if processes.is_main_process else lambda done, total: None
    with processes.main_process_first():
        made_before = begun is not None or not processes.is_main_process
        known = known_index(ready, state, reading, made=made_before)
    made = ready.plan(known, processes.num_processes)
    if known.faults and processes.is_main_process:
        note(f"stage {stage.stage}: {len(known.faults):,} bad samples are left out")
    if stage.packing and not ready.shared and processes.is_main_process:
        note(
            f"stage {stage.stage}: {ready.family.name} is trained unpacked: "
            "each conversation has its own copy of the picture"
        )
    set_seed(config.seed)
    model = _model(ready, processes, begun)
    samples = ready.samples
    if stage.keep_features:
        telling = progress("pictures' features") if processes.is_main_process else lambda done, total: None
        pictures = shown(known, made, config.seed)
        samples = replace(samples, features=keep_features(ready, model, pictures, processes, telling))
    curve = Curve(state / CURVE, made.steps_an_epoch, progress(f"{stage.stage}: steps"))
    sharing = [_Sharing()] if ready.shared and config.attention is None else []
    trainer = RowTrainer(
        model,
        Rows(known, made, samples, ready.model_config, config.seed),
        rates(stage),
        arguments(config, stage, made, state),
        config.keep_checkpoints,
        [curve, *sharing],
    )
    try:
        trainer.train(resume_from_checkpoint=str(begun) if begun else None)
    finally:
        curve.close()
    part = state / "result"
    if processes.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
    processes.wait_for_everyone()
    trainer.save_model(str(part))
    if processes.is_main_process:
        if not isinstance(model, PeftModel):
            ready.processor.save_pretrained(part)
        shutil.copy(curve.path, part / CURVE)
        (part / "README.md").write_text(card(ready, known, made, curve.path), encoding="utf-8")
        for file in part.rglob("*"):
            to_disk(file)
        part.replace(result)
    processes.wait_for_everyone()
    trainer.accelerator.free_memory()
    del trainer, model
    gc.collect()


def _model(ready: Ready, processes: PartialState, checkpoint: Path | None) -> Any:
    """The model with what learns in it, as the checkpoint has it where there is one."""
    config, stage = ready.config, ready.stage
    divided = os.environ.get("ACCELERATE_USE_FSDP", "") == "true" or "ACCELERATE_USE_DEEPSPEED" in os.environ
    device = str(processes.device) if config.quantize or not divided else "cpu"
    spec = str(checkpoint) if checkpoint and stage.language == "full" else ready.spec
    loaded = load(
        spec, dtype=config.dtype, device=device, attention=config.attention, quantize=config.quantize
    )
    model = prepare(loaded, stage)
    for _, part, parameter in parameters_of(model):
        if (
            part and getattr(stage, part) == "full"
        ):  # layers of it that do not learn too: a norm takes one type
            parameter.data = parameter.data.float()
    # What FSDP divides one by one; the names that LLaVA's own class gives are partly of other models.
    os.environ.setdefault("FSDP_TRANSFORMER_CLS_TO_WRAP", ",".join(_layers(model)))
    if checkpoint and isinstance(model, PeftModel):
        model.load_adapter(str(checkpoint), "default", is_trainable=True)
    return model


def _layers(model: nn.Module) -> list[str]:
    """Names of the classes of transformer layers in a model."""
    stacks = (module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module) > 1)
    return sorted({type(layer).__name__ for stack in stacks for layer in stack if hasattr(layer, "mlp")})


def rates(stage: Stage) -> dict[Part, float]:
    """Peak learning rate of each part that learns."""
    given: dict[Part, float] = {
        "vision": stage.vision_learning_rate or stage.learning_rate,
        "connector": stage.connector_learning_rate or stage.learning_rate,
        "language": stage.learning_rate,
    }
    return {part: rate for part, rate in given.items() if getattr(stage, part) != "frozen"}


class _Sharing(TrainerCallback):
    """Chooses the attention for shared images once the model is on its device."""

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Tells the model."""
        share_images(model)


def _next_model(result: Path, merged: Path, processes: PartialState, note: Note) -> Path:
    """The checkpoint that the next stage starts from."""
    if not (result / "adapter_config.json").is_file():
        return result
    if processes.is_main_process and not merged.is_dir():
        note(f"merging {result} into {merged}")
        merge(result, merged)
    processes.wait_for_everyone()
    return merged
