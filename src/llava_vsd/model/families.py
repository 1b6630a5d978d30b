"""What differs between families of models, as data: where vision, connector and language sit, how boxes are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from llava_vsd.errors import UnknownFamilyError
from llava_vsd.model.boxes import Convention

Part = Literal["vision", "connector", "language"]
PARTS: tuple[Part, ...] = get_args(Part)

Paths = Mapping[Part, tuple[str, ...]]


@dataclass(frozen=True)
class Family:
    """A kind of model.

    Attributes:
        name: what reports say.
        model_type: of the checkpoint's `config.json`.
        parts: dotted paths of the modules and parameters of each part; where one path lies inside another, the longer
            one decides. Empty: `parts_of` finds them by the configurations of the sub-models.
        shares_image: whether packed rows can share one image among its conversations.
        boxes: the family's own convention; None where none is known.
    """

    name: str
    model_type: str
    parts: Paths = field(default_factory=dict)
    shares_image: bool = False
    boxes: Convention | None = None


_LANGUAGE = ("model.language_model", "lm_head")
_LLAVA: Paths = {
    "vision": ("model.vision_tower",),
    "connector": ("model.multi_modal_projector",),
    "language": _LANGUAGE,
}
_NEWLINE: Paths = {**_LLAVA, "connector": ("model.multi_modal_projector", "model.image_newline")}
_MERGER: Paths = {"vision": ("model.visual",), "connector": ("model.visual.merger",), "language": _LANGUAGE}
_MERGERS: Paths = {**_MERGER, "connector": ("model.visual.merger", "model.visual.deepstack_merger_list")}

FAMILIES: Mapping[str, Family] = {
    family.model_type: family
    for family in (
        Family("LLaVA", "llava", _LLAVA, shares_image=True, boxes="unit"),
        Family("LLaVA-NeXT", "llava_next", _NEWLINE, shares_image=True, boxes="unit"),
        Family("LLaVA-OneVision", "llava_onevision", _NEWLINE, boxes="unit"),
        Family("Qwen2-VL", "qwen2_vl", _MERGER, boxes="thousandths"),
        Family("Qwen2.5-VL", "qwen2_5_vl", _MERGER, shares_image=True, boxes="pixels"),
        Family("Qwen3-VL", "qwen3_vl", _MERGERS, boxes="thousandths"),
        Family("InternVL", "internvl", _LLAVA, boxes="thousandths"),
    )
}

# What other libraries put into the names of parameters: PEFT around the model and around modules that it copies,
# FSDP, activation checkpointing and compilation around any module.
_WRAPPING = re.compile(
    r"^module\.|^base_model\.model\."
    r"|(?<=\.)(modules_to_save\.[^.]+|original_module)\."
    r"|(?:(?<=\.)|^)(_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\."
)


def family_of(config: PreTrainedConfig) -> Family:
    """The family of a model with this configuration; one without a place in `FAMILIES` is named by its type."""
    known = FAMILIES.get(config.model_type)
    return known or Family(config.model_type, config.model_type)


def plain_name(name: str) -> str:
    """The name of a parameter or module in the plain model, without what PEFT, FSDP and others add."""
    previous = ""
    while name != previous:
        previous, name = name, _WRAPPING.sub("", name)
    return name


def part_of(name: str, parts: Paths) -> Part | None:
    """The part that a parameter or module belongs to: the one with the longest path that leads there."""
    name = plain_name(name)
    leading = [
        (len(path), part)
        for part, paths in parts.items()
        for path in paths
        if name == path or name.startswith(f"{path}.")
    ]
    return max(leading)[1] if leading else None


def parts_of(model: nn.Module) -> Paths:
    """Where the parts of a model are, as paths in the plain model (PEFT's wrapping aside).

    Raises:
        UnknownFamilyError: the family is not in `FAMILIES`, and its vision tower and language model are no sub-models
            with configurations of their own; or a part holds no parameter.
    """
    while isinstance(model, nn.parallel.DistributedDataParallel | nn.DataParallel):
        model = model.module
    family = family_of(model.config)  # type: ignore[arg-type]
    parts = family.parts or _by_configuration(model)
    names = [name for name, _ in model.named_parameters()]
    for part in PARTS:
        if not any(part_of(name, parts) == part for name in names):
            raise UnknownFamilyError(
                family.model_type, f"no parameter found of its part {part!r}, looked for at {parts.get(part)}"
            )
    return parts


def parameters_of(model: nn.Module) -> Iterator[tuple[str, Part | None, nn.Parameter]]:
    """Every parameter with its name in the plain model and its part (None: it belongs to none)."""
    parts = parts_of(model)
    for name, parameter in model.named_parameters():
        yield plain_name(name), part_of(name, parts), parameter


def cover(model: nn.Module, wanted: Collection[str]) -> tuple[list[str], list[str]]:
    """The fewest modules that together hold just these parameters.

    Args:
        model: any module.
        wanted: names of parameters of it.

    Returns:
        paths of modules, each with a `forward`, all of whose parameters are wanted; and the names of those wanted
        parameters that stand bare in a module that holds others too.
    """
    wanted = set(wanted)
    modules: list[str] = []
    bare: list[str] = []

    def visit(module: nn.Module, path: str) -> None:
        names = [name for name, _ in module.named_parameters(prefix=path, remove_duplicate=False)]
        if not any(name in wanted for name in names):
            return
        if path and wanted.issuperset(names) and not isinstance(module, nn.ModuleList | nn.ModuleDict):
            modules.append(path)
            return
        own = [name for name, _ in module.named_parameters(prefix=path, recurse=False)]
        bare.extend(name for name in own if name in wanted)
        for name, child in module.named_children():
            visit(child, f"{path}.{name}" if path else name)

    visit(model, "")
    return modules, bare


def _by_configuration(model: nn.Module) -> Paths:
    """Parts of an unlisted family: the sub-models with the text and the vision configuration, and the rest."""
    config: Any = model.config
    text = config.get_text_config()
    vision = getattr(config, "vision_config", None)
    found: dict[Part, tuple[str, ...]] = {}
    for name, module in model.named_modules():
        if isinstance(module, PreTrainedModel) and module.config is not config:
            part: Part | None = (
                "language" if module.config is text else "vision" if module.config is vision else None
            )
            if part and part not in found:  # named_modules goes from the outside in
                found[part] = (plain_name(name),)
    if len(found) < 2:
        raise UnknownFamilyError(
            config.model_type,
            "its vision tower and language model are not told apart by their configurations; expected one of "
            + ", ".join(FAMILIES),
        )
    head = model.get_output_embeddings()  # type: ignore[operator]
    found["language"] += tuple(plain_name(name) for name, module in model.named_modules() if module is head)
    rest = {plain_name(name) for name, _ in model.named_parameters() if part_of(name, found) is None}
    found["connector"] = tuple(sorted(rest))
    return found
