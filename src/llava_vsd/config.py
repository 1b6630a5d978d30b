"""Settings of a training run: typed, read from YAML, overridden by key=value; an error names file, line and key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llava_vsd.errors import FileError, RowError, UsageError
from llava_vsd.jsonl import first_problem

StageName = Literal["connector", "instruct", "vsd"]
Part = Literal["frozen", "full"]
LanguagePart = Literal["frozen", "full", "lora"]
Schedule = Literal[
    "cosine",
    "linear",
    "constant",
    "constant_with_warmup",
    "polynomial",
    "inverse_sqrt",
    "cosine_with_restarts",
]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]

PRESETS: dict[str, dict[str, Any]] = {
    "connector": {"language": "frozen", "learning_rate": 1e-3, "batch_conversations": 256},
    "instruct": {"language": "full", "learning_rate": 2e-5, "batch_conversations": 128},
    "vsd": {"language": "lora", "learning_rate": 2e-4, "connector_learning_rate": 2e-5},
}
"""What a stage does where its settings say nothing: LLaVA's own recipe for the first two, the paper's for the third."""


class Settings(BaseModel):
    """A group of settings; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Settings):
    """Low-rank adapters on the language model (Hu et al. 2021).

    Attributes:
        rank: of the two factors.
        alpha: their product is scaled by alpha / rank.
        dropout: of the adapter's input.
        targets: names of linear layers inside the language model, or "all" of them but the head.
    """

    rank: Positive = 128
    alpha: Positive = 256
    dropout: Share = 0.05
    targets: Literal["all"] | list[str] = "all"


class Stage(Settings):
    """One of the three stages; what is not said is taken from the stage's preset.

    Attributes:
        stage: connector (captions align the connector), instruct (visual instruction tuning), vsd.
        data: conversations.jsonl of `vsd build`, or LLaVA JSON; several are joined.
        images: folders that hold the pictures of these data; default: the run's.
        vision, connector, language: which part is trained, and how.
        learning_rate: the peak, of the language model, or of the connector where it alone is trained.
        connector_learning_rate, vision_learning_rate: of these parts; default: `learning_rate`.
        warmup_share: share of the steps during which the rate rises.
        schedule: what the rate does then, by the names of transformers.
        batch_conversations: in one step of the optimizer, over all processes; a few steps hold one more.
        row_tokens: a packed row, or an unpacked batch with its padding, is no longer.
        max_tokens: of one conversation with its image; a longer one is a bad sample, never cut.
        packing: whether all conversations of an image share one copy of it.
        mirror: show half of the pictures mirrored, with left and right swapped in their conversations.
        boxes: write the two boxes into the question.
        keep_features: run a frozen vision tower once a picture, and keep on disk what it makes of it.
        skip_bad: leave out bad samples instead of refusing to start.
        max_steps: end after so many steps.
    """

    stage: StageName = "vsd"
    data: Annotated[list[Path], Field(min_length=1)]
    images: list[Path] = []
    vision: Part = "frozen"
    connector: Part = "full"
    language: LanguagePart = "lora"
    lora: Lora = Lora()
    learning_rate: Rate = 2e-4
    connector_learning_rate: Rate | None = None
    vision_learning_rate: Rate | None = None
    warmup_share: Share = 0.03
    schedule: Schedule = "cosine"
    weight_decay: Share = 0.0
    max_gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    epochs: Positive = 1
    max_steps: Positive | None = None
    batch_conversations: Positive = 16
    row_tokens: Positive = 8192
    max_tokens: Positive = 4096
    packing: bool = True
    mirror: bool = False
    boxes: bool = False
    keep_features: bool = False
    skip_bad: bool = False

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        if isinstance(given, dict):
            name = given.get("stage", "vsd")
            return {**PRESETS.get(name, {}), **given} if isinstance(name, str) else given
        return given

    @model_validator(mode="after")
    def _fits(self) -> Stage:
        if {self.vision, self.connector, self.language} == {"frozen"}:
            raise ValueError(
                "every part is frozen; expected at least one of vision, connector, language trained"
            )
        if self.keep_features and self.vision != "frozen":
            raise ValueError(
                f"keep_features: what a tower makes of a picture changes while it learns; expected vision: frozen, "
                f"not {self.vision}"
            )
        if self.row_tokens < self.max_tokens:
            raise ValueError(
                f"row_tokens is {self.row_tokens}; expected at least max_tokens ({self.max_tokens}), "
                "so that every conversation fits in a row"
            )
        return self


class Config(Settings):
    """A run: a model, and the stages that it goes through one after another.

    Attributes:
        model: folder or hub name of an image-text-to-text checkpoint, where the first stage starts.
        output: folder; each stage leaves its result in a folder of its own name there.
        stages: their names differ.
        images: folders that hold the pictures.
        features: folder of kept features, which several runs may share; default: `features` in the output.
        dtype: of frozen weights and of computing (float16: for GPUs without bfloat16); trained weights are float32.
        attention: implementation, as transformers names them; default: the model's own.
        quantize: keep the frozen language model in so many bits (QLoRA; needs a GPU and bitsandbytes).
        gradient_checkpointing: compute activations twice to keep few.
        seed: of the order of data, of adapters and dropout.
        workers: processes that read and encode rows while others are computed, no more than there are processors.
        save_every_steps, keep_checkpoints: of the state from which an interrupted run goes on.
        log_every_steps: rows of the learning curve.
        report_to: trackers that the Trainer knows (tensorboard, wandb, ...), beside the learning curve in JSON lines.
    """

    model: Annotated[str, Field(min_length=1)]
    output: Path
    stages: Annotated[list[Stage], Field(min_length=1)]
    images: list[Path] = []
    features: Path | None = None
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    attention: str | None = None
    quantize: Literal["4bit", "8bit"] | None = None
    gradient_checkpointing: bool = True
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    workers: Annotated[int, Field(ge=0)] = 4
    save_every_steps: Positive = 200
    keep_checkpoints: Positive = 2
    log_every_steps: Positive = 1
    report_to: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> Config:
        names = [stage.stage for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages: {', '.join(names)}; expected each stage once")
        if self.quantize and any(stage.language != "lora" for stage in self.stages):
            raise ValueError(
                "quantize: a quantized language model is trained by adapters; expected language: lora"
            )
        return self

    @property
    def readers(self) -> int:
        """How many workers there are on this machine."""
        return min(self.workers, os.cpu_count() or 1)

    def folders(self, stage: Stage) -> list[Path]:
        """Where the pictures of a stage are."""
        return stage.images or self.images


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and lays `key=value` settings over it.

    A key is a dotted path (`stages.0.lora.rank=64`). A key of a stage without its place (`lora.rank=64`, `max_steps=3`)
    is set in every stage. The value is read as YAML.

    Raises:
        FileError: the file is missing, cannot be read, or is no YAML mapping (names line and column).
        RowError: a key is unknown (names the nearest known one), missing, or its value is of another kind; names file,
            line or override, and what was expected.
        UsageError: an override is not `key=value`, or leads to no place.
    """
    path = Path(path)
    tree, settings = _read(path)
    said: dict[tuple[str | int, ...], str] = {}
    for text in overrides:
        for place, value in _overrides(text, settings):
            _put(settings, place, value, text)
            said[place] = text
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field, problem = first_problem(error)
        place = tuple(first["loc"])
        if first["type"] == "extra_forbidden":
            known = _model_at(place[:-1]).model_fields
            nearest = get_close_matches(str(place[-1]), known, 1, 0.5)
            problem = "unknown key; " + (
                f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
            )
        elif first["type"] == "missing":
            problem = f"missing; {_wanted(place)}"
        where = next(
            (f"{text} on the command line" for over, text in said.items() if over == place[: len(over)]),
            f"line {_line(tree, place)}",
        )
        raise RowError(path, where, field, problem) from None


def _read(path: Path) -> tuple[yaml.Node | None, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        tree, settings = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise FileError(path, f"{where}not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise FileError(path, f"not YAML: {error}") from None
    if not isinstance(settings, dict):
        raise FileError(path, "no settings; expected a YAML mapping of key: value")
    return tree, settings


def _overrides(text: str, settings: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The places that a `key=value` sets, with the value."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise UsageError(f"{text!r} is no setting; expected key=value, such as stages.0.learning_rate=1e-4")
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"{text!r}: the value is not YAML") from None
    place = tuple(int(part) if part.isdigit() else part for part in key.strip().split("."))
    if place[0] in Config.model_fields or place[0] not in Stage.model_fields:
        yield place, read
    if place[0] in Stage.model_fields and (place[0] not in Config.model_fields or place[0] == "images"):
        stages = settings.get("stages")
        for number in range(len(stages) if isinstance(stages, list) else 0):
            yield ("stages", number, *place), read


def _put(settings: dict[str, Any], place: tuple[str | int, ...], value: Any, text: str) -> None:
    at: Any = settings
    for depth, part in enumerate(place):
        fits = (
            part in range(len(at)) if isinstance(at, list) else isinstance(at, dict) and isinstance(part, str)
        )
        if not fits:
            above = ".".join(map(str, place[:depth]))
            held = f"{len(at)} entries" if isinstance(at, list) else "no settings"
            raise UsageError(f"{text!r} leads nowhere: {above} holds {held}")
        if depth == len(place) - 1:
            at[part] = value
        elif isinstance(at, dict):
            at = at.setdefault(part, {})
        else:
            at = at[part]


def _model_at(place: Sequence[str | int]) -> type[BaseModel]:
    """The group of settings at a place."""
    model: type[BaseModel] = Config
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_groups(model.model_fields[part].annotation), model)
    return model


def _groups(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, Union, UnionType, Annotated):
        for inner in get_args(annotation):
            yield from _groups(inner)


def _wanted(place: Sequence[str | int]) -> str:
    """What is expected at a place where nothing is."""
    annotation = _model_at(place[:-1]).model_fields[str(place[-1])].annotation
    return "expected a list" if get_origin(annotation) is list else "expected a value"


def _line(tree: yaml.Node | None, place: Sequence[str | int]) -> int:
    """The line, from 1, of a key in a YAML file, or of the nearest thing above it."""
    line = 1
    for part in place:
        if isinstance(tree, yaml.MappingNode):
            found = [(key, value) for key, value in tree.value if key.value == str(part)]
            if not found:
                break
            key, tree = found[-1]
            line = key.start_mark.line + 1
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int) and part < len(tree.value):
            tree = tree.value[part]
            line = tree.start_mark.line + 1
        else:
            break
    return line
