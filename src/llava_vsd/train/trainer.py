"""The Hugging Face Trainer on planned rows: loss of shared images, a rate for each part, checkpoints that are whole."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.distributed import barrier
from torch.distributed.tensor import DTensor
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import sort_checkpoints

from llava_vsd.config import Config, Stage
from llava_vsd.errors import FileError, TrainingError
from llava_vsd.folders import to_disk
from llava_vsd.jsonl import Appender, read_rows, write_rows
from llava_vsd.model.adapters import LANGUAGE_FOLDER, parameter_groups, save_adapter
from llava_vsd.model.families import Part
from llava_vsd.model.packing import loss
from llava_vsd.schema import Row as JsonRow
from llava_vsd.train.data import Rows
from llava_vsd.train.plan import Plan

Progress = Callable[[int, int], None]

_SAVING = ".saving"


class Point(JsonRow):
    """A point of the learning curve, one a line of `curve.jsonl`.

    Attributes:
        step: of the optimizer, from 1.
        epoch: how many the data have been gone through after it.
        loss: mean cross entropy of the learned tokens of the steps since the last point, in nats.
        learning_rates: of the parts in these steps.
        gradient_norm: before clipping.
    """

    step: int
    epoch: float
    loss: float
    learning_rates: dict[str, float]
    gradient_norm: float | None = None


class RowTrainer(Trainer):
    """The Trainer, but for what rows with shared images and safe checkpoints need.

    Args:
        rows: the micro-batches; their plan says how many make a step.
        rates: peak learning rate of each part that learns.
        settings: of the Trainer; `arguments` makes them.
        keep: checkpoints that stay.
        callbacks: further ones.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: nn.Module,
        rows: Rows,
        rates: Mapping[Part, float],
        settings: TrainingArguments,
        keep: int,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.rates, self.rows, self.plan, self.keep = rates, rows, rows.plan, keep
        self._checkpoints = Path(str(settings.output_dir))
        self._rates_used: dict[str, float] = {}
        super().__init__(
            model, settings, data_collator=_the_only_one, train_dataset=rows, callbacks=list(callbacks)
        )
        for printing in (PrinterCallback, ProgressCallback):
            self.remove_callback(printing)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Tensor:
        """This row's share of the step's loss: over all learned tokens of the step, whatever rows and processes it has.

        Raises:
            TrainingError: it is not finite; names the step and the conversations.
        """
        # Gradients are averaged over processes, and so is the logged loss; shares are to be summed.
        share: Tensor = (
            loss(model, inputs["row"], num_items=inputs["learned"]) * self.accelerator.num_processes
        )
        if not math.isfinite(share.detach().item()):
            ids = ", ".join(inputs["ids"])
            raise TrainingError(
                f"step {self.state.global_step + 1}: the loss is {share.item()}; conversations: {ids}"
            )
        return share

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The optimizer that the settings name, with a learning rate for each part."""
        if self.optimizer is None:
            learning: Any = self.model if model is None else model
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, learning)
            groups = parameter_groups(learning, self.rates, weight_decay=self.args.weight_decay)
            self.optimizer = kind(groups, **options)
            self.optimizer.register_step_pre_hook(self._note_rates)
        return self.optimizer

    def _note_rates(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Keeps the rates of a step: when it is logged, the schedule has gone on."""
        self._rates_used = {group["name"].partition(",")[0]: group["lr"] for group in optimizer.param_groups}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the rate of each part, and the epoch of the plan: to the Trainer all epochs are one.

        Raises:
            TrainingError: a gradient is not finite; no checkpoint is written of what it made of the weights.
        """
        # In float16 such a step is left out, and the scale of the loss lowered.
        if not (self.args.fp16 or math.isfinite(logs.get("grad_norm", 0.0))):
            known = self.rows.index.conversations
            step = self.state.global_step
            ids = ", ".join(known[place].id for place in self.plan.members(step - 1).tolist())
            raise TrainingError(f"step {step}: the gradient is {logs['grad_norm']}; conversations: {ids}")
        if "loss" in logs:
            logs |= {f"learning_rate/{part}": rate for part, rate in self._rates_used.items()}
        self.state.epoch = self.state.global_step / self.plan.steps_an_epoch
        super().log(logs, start_time)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Writes what learned: an adapter, or the whole model where the language model learns whole."""
        folder = output_dir or str(self.args.output_dir)
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        if isinstance(model, PeftModel):
            state = self._learned(model)
            if self.args.should_save:
                save_adapter(model, folder, state=state)
        elif self.is_fsdp_enabled or self.is_deepspeed_enabled:
            self._save(folder, state_dict=self.accelerator.get_state_dict(self.model_wrapped))
        else:
            self._save(folder)

    def _learned(self, model: nn.Module) -> dict[str, Tensor]:
        """All weights that learn, whole on every process, under their names in the model."""
        if self.is_deepspeed_enabled and self.accelerator.state.deepspeed_plugin.zero_stage == 3:
            engine: Any = self.model_wrapped
            gathered: dict[str, Tensor] = engine._zero3_consolidated_16bit_state_dict(
                exclude_frozen_parameters=True
            )
            return gathered
        return {
            name: (parameter.full_tensor() if isinstance(parameter, DTensor) else parameter).detach()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Nothing: the weights of a checkpoint are in the model before it is wrapped or divided among processes."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._checkpoints)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Writes a checkpoint beside the others under another name, and renames it when it is whole.

        Raises:
            FileError: it cannot be written, for example because the disk is full; what was written of it is removed.
        """
        run = Path(str(self.args.output_dir))
        saving = run / _SAVING
        name = f"checkpoint-{self.state.global_step}"
        self._checkpoints = saving
        try:
            super()._save_checkpoint(model, trial)
            self._together()
            if self.args.should_save:
                shutil.rmtree(
                    saving / name / LANGUAGE_FOLDER, ignore_errors=True
                )  # for servers, not to go on from
                for file in (saving / name).rglob("*"):
                    to_disk(file)
                (saving / name).replace(run / name)
                for old in sort_checkpoints(str(run))[: -self.keep]:
                    shutil.rmtree(old)
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(saving, ignore_errors=True)
            problem = (
                error.strerror
                if isinstance(error, OSError) and error.strerror
                else str(error).splitlines()[0]
            )
            raise FileError(run / name, f"the checkpoint cannot be written: {problem}") from error
        finally:
            self._checkpoints = run
        self._together()

    def _together(self) -> None:
        if self.args.world_size > 1:
            barrier()


def arguments(config: Config, stage: Stage, plan: Plan, folder: Path) -> TrainingArguments:
    """The Trainer's own settings for a stage.

    Args:
        config: of the run.
        stage: one of its stages.
        plan: for as many processes as there are.
        folder: for checkpoints.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=plan.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=plan.rows // processes,
        train_sampling_strategy="sequential",
        learning_rate=stage.learning_rate,
        lr_scheduler_type=stage.schedule,
        warmup_steps=math.ceil(stage.warmup_share * plan.steps),
        weight_decay=stage.weight_decay,
        max_grad_norm=stage.max_gradient_norm,
        bf16=config.dtype == "bfloat16",
        fp16=config.dtype == "float16",
        activation_checkpointing=config.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if config.gradient_checkpointing else None,
        use_cpu=not torch.accelerator.is_available(),
        seed=config.seed,
        dataloader_num_workers=config.readers,
        dataloader_pin_memory=torch.cuda.is_available(),
        dataloader_prefetch_factor=4 if config.readers else None,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        logging_steps=config.log_every_steps,
        logging_nan_inf_filter=False,
        save_steps=config.save_every_steps,
        report_to=list(config.report_to),
        disable_tqdm=True,
    )


class Curve(TrainerCallback):
    """Writes the learning curve as JSON lines, and tells the progress.

    Args:
        path: the file; what an earlier run wrote after the step that training goes on from is cut off.
        steps_an_epoch: of the plan.
        progress: told how many steps are done, of how many.
    """

    def __init__(self, path: Path, steps_an_epoch: int, progress: Progress) -> None:
        self.path, self.steps_an_epoch, self.progress = path, steps_an_epoch, progress
        self._file: Appender | None = None

    def on_train_begin(self, args: TrainingArguments, state: Any, control: Any, **_: Any) -> None:
        """Cuts the file back to the step that training goes on from."""
        if state.is_world_process_zero:
            known = read_rows(self.path, Point) if self.path.exists() and self.path.stat().st_size else ()
            write_rows(self.path, [point for point in known if point.step <= state.global_step])
            self._file = Appender(self.path, Point, lambda _: None)

    def on_step_end(self, args: TrainingArguments, state: Any, control: Any, **_: Any) -> None:
        """Tells how far it is."""
        if state.is_world_process_zero:
            self.progress(state.global_step, state.max_steps)

    def on_log(self, args: TrainingArguments, state: Any, control: Any, **given: Any) -> None:
        """Adds a point."""
        logs: dict[str, float] = given["logs"]
        if "loss" not in logs or not state.is_world_process_zero:
            return
        rates = {
            name.rpartition("/")[2]: rate for name, rate in logs.items() if name.startswith("learning_rate/")
        }
        point = Point(
            step=state.global_step,
            epoch=round(state.global_step / self.steps_an_epoch, 6),
            loss=logs["loss"],
            learning_rates=rates,
            gradient_norm=logs.get("grad_norm"),
        )
        if self._file is not None:
            self._file.append(point)

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint from which an interrupted run goes on: a folder of that name is always whole."""
    found = sort_checkpoints(str(folder)) if folder.is_dir() else []
    return Path(found[-1]) if found else None


def _the_only_one(batch: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = batch
    return row
