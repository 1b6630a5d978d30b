"""Reads any image-text-to-text checkpoint with its processor, and adapters on it; what is wrong is said in one line."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, load_peft_weights
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    BitsAndBytesConfig,
    PreTrainedConfig,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import logging
from transformers.utils.import_utils import is_torchvision_available
from transformers.utils.peft_utils import find_adapter_config_file

from llava_vsd.errors import CheckpointError, MissingExtraError, UsageError
from llava_vsd.model.families import Family, family_of, plain_name
from llava_vsd.model.out_of_memory import RAISED, is_out_of_memory
from llava_vsd.model.processors import pictures_only

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BITS = ("4bit", "8bit")

ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True)
class Loaded:
    """A model with what belongs to it.

    Attributes:
        model: a `PreTrainedModel`, or a `PeftModel` around one where an adapter was given; in evaluation mode.
        processor: tokenizer, image processor and chat template together.
        family: what is particular to this kind of model.
    """

    model: Any
    processor: Any
    family: Family


def load(
    spec: str | Path,
    *,
    dtype: str = "auto",
    device: str = "auto",
    adapter: str | Path | None = None,
    attention: str | None = None,
    quantize: str | None = None,
) -> Loaded:
    """Reads a checkpoint.

    Args:
        spec: folder or hub name of an image-text-to-text checkpoint, or of an adapter on one.
        dtype: of the weights: auto (as they are saved), float32, bfloat16 or float16.
        device: auto (a GPU where there is one), or as torch names it: cpu, cuda:1, mps.
        adapter: folder or hub name of an adapter on `spec`. One that `spec` itself names finds its base by itself.
        attention: implementation, as transformers names them (eager, sdpa, flash_attention_2, ...).
        quantize: 4bit or 8bit: keep the linear layers of the language model in so many bits (bitsandbytes, a GPU).

    Raises:
        CheckpointError: nothing there, files or weights missing, another kind of model, or too large for the memory.
        UsageError: an option that there is not, or a device that this machine lacks.
        MissingExtraError: bitsandbytes is not installed.
    """
    if adapter is None and (base := base_of(spec)) is not None:
        spec, adapter = base, spec
    name = str(spec)
    place = device_of(device)
    config, family = read_config(name)
    options: dict[str, Any] = {"dtype": _dtype(dtype), "config": config}
    if attention is not None:
        options["attn_implementation"] = attention
    if quantize is not None:
        options |= {"quantization_config": _bits(quantize, place, config), "device_map": {"": place}}
    model, report = read_checkpoint(
        name,
        "weights",
        lambda: AutoModelForImageTextToText.from_pretrained(name, output_loading_info=True, **options),
    )
    if report["missing_keys"]:
        raise CheckpointError(
            name, f"{len(report['missing_keys']):,} weights are missing, e.g. {min(report['missing_keys'])}"
        )
    processor = load_processor(name, config)
    if quantize is None:
        move(name, model, place)
    if adapter is not None:
        model = _with_adapter(model, str(adapter))
    return Loaded(model.eval(), processor, family)


def read_config(spec: str | Path) -> tuple[PreTrainedConfig, Family]:
    """Reads the configuration of a checkpoint alone, and its family.

    Raises:
        CheckpointError: it is missing, or of another kind of model.
    """
    name = str(spec)
    if (Path(name) / ADAPTER_FILE).is_file() and not (Path(name) / "config.json").is_file():
        raise CheckpointError(name, "is an adapter; expected a whole model (vsd merge makes one of it)")
    config = read_checkpoint(name, "config", lambda: AutoConfig.from_pretrained(name))
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise CheckpointError(name, f"is of type {config.model_type!r}; expected an image-text-to-text model")
    return config, family_of(config)


def load_processor(spec: str | Path, config: PreTrainedConfig | None = None) -> Any:
    """Reads the processor of a checkpoint; without torchvision, one of pictures alone where the family has videos too.

    Raises:
        CheckpointError: it is missing, or without an image processor, tokenizer or chat template.
    """
    name = str(spec)
    config = config or read_config(name)[0]
    kind: Any = PROCESSOR_MAPPING.get(type(config), None)
    if kind and "video_processor" in kind.get_attributes() and not is_torchvision_available():
        processor = read_checkpoint(name, "processor", lambda: pictures_only(kind).from_pretrained(name))
    else:
        processor = read_checkpoint(name, "processor", lambda: AutoProcessor.from_pretrained(name))
    for part in ("image_processor", "tokenizer", "chat_template"):
        if getattr(processor, part, None) is None:
            raise CheckpointError(
                name, f"its processor has no {part}; expected files as save_pretrained writes them"
            )
    return processor


def base_of(spec: str | Path) -> str | None:
    """The base model that an adapter names, or None where `spec` (a folder or hub name) is no adapter.

    Raises:
        CheckpointError: there is no such folder; the adapter names no base, or a folder that is not there.
    """
    name = str(spec)
    file = read_checkpoint(name, "adapter", lambda: find_adapter_config_file(name))
    if file is None:
        return None
    try:
        base = json.loads(Path(file).read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (ValueError, AttributeError):
        raise CheckpointError(file, "is not JSON as PEFT writes it") from None
    if not base:
        raise CheckpointError(
            spec, "the adapter does not say which base model it is for; expected it to be given"
        )
    if Path(base).is_absolute() and not Path(base).is_dir():
        raise CheckpointError(
            spec, f"its base model {base} is not there; expected the base model to be given"
        )
    return str(base)


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps from the user the progress bars of transformers where there is no terminal, and one warning.

    The warning is what PEFT causes in transformers, and nobody but PEFT can act on it.
    """
    bars = logging.is_progress_bar_enabled() and not (sys.stderr and sys.stderr.isatty())
    if bars:
        logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        if bars:
            logging.enable_progress_bar()


def move(spec: str, model: torch.nn.Module, place: torch.device) -> None:
    """Brings a model to a device; CheckpointError where it is too large for it."""
    with _told_if_too_large(spec, "weights"):
        model.to(place)


@contextmanager
def _told_if_too_large(spec: str, what: str) -> Iterator[None]:
    try:
        yield
    except RAISED as error:
        if not is_out_of_memory(error):
            raise
        raise CheckpointError(
            spec,
            f"memory does not suffice for its {what}; expected a shorter dtype, a smaller model or a larger device",
        ) from error


def digest(model: torch.nn.Module) -> str:
    """Tells these weights from others, of the same name too: by the first values of every parameter."""
    values = sha256()
    for parameter in model.parameters():
        values.update(parameter.detach().flatten()[:64].float().cpu().numpy().tobytes())
    return values.hexdigest()[:16]


def _with_adapter(model: Any, adapter: str) -> PeftModel:
    def read() -> PeftModel:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Found missing adapter keys")
            return PeftModel.from_pretrained(model, adapter)

    adapted: PeftModel = read_checkpoint(adapter, "adapter", read)
    names = {plain_name(name).replace(".default.", ".") for name, _ in adapted.named_parameters()}
    saved = read_checkpoint(adapter, "adapter", lambda: load_peft_weights(adapter, device="cpu"))
    if left := sorted(name for name in saved if plain_name(name) not in names):
        raise CheckpointError(adapter, f"does not fit the model: it has no {plain_name(left[0])}")
    return adapted


def read_checkpoint(spec: str, what: str, read: Any) -> Any:
    """Calls `read`; what transformers, PEFT and safetensors raise for a bad checkpoint becomes one line."""
    if _is_path(spec) and not Path(spec).exists():
        raise CheckpointError(spec, "there is no such folder")
    try:
        with quietly(), _told_if_too_large(spec, what):
            return read()
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        TypeError,
        ImportError,
        UserWarning,
        SafetensorError,
    ) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        headed = bool(lines) and lines[0].endswith(":")  # what is wrong stands below
        told = (" ".join(lines[: 1 + headed]) or type(error).__name__)[:300]
        if not Path(spec).exists():
            told += " (nor is there a folder of that name)"
        raise CheckpointError(spec, f"its {what} cannot be read: {told}") from error


def _is_path(name: str) -> bool:
    """Whether a name can be one of a folder only: the hub's are NAME or OWNER/NAME."""
    return Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or "\\" in name


def _dtype(name: str) -> Any:
    if name != "auto" and name not in DTYPES:
        raise UsageError(f"dtype {name!r}; expected auto, {', '.join(DTYPES)}")
    return DTYPES.get(name, "auto")


def device_of(name: str) -> torch.device:
    """The device of this name; UsageError where this machine lacks it.

    `auto` is the CPU, or the GPU if there is one; of several, the one of this process where a launcher started more.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
        rank, count = os.environ.get("LOCAL_RANK", ""), torch.accelerator.device_count()
        return torch.device(found.type, int(rank) % count) if rank.isdecimal() and count else found
    try:
        place = torch.device(name)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {name!r}: {str(error).splitlines()[0]}") from None
    return place


def _bits(quantize: str, place: torch.device, config: PreTrainedConfig) -> BitsAndBytesConfig:
    if quantize not in BITS:
        raise UsageError(f"quantize {quantize!r}; expected {' or '.join(BITS)}")
    if place.type != "cuda":
        raise UsageError(
            f"quantize {quantize} needs a CUDA GPU; this would run on {place}. Leave quantize out here"
        )
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError(f"quantize {quantize}", "quantize")
    parts = family_of(config).parts
    kept = [
        *parts.get("vision", ()),
        *parts.get("connector", ()),
        "lm_head",
    ]  # small, and what one may tune whole
    if quantize == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",  # as QLoRA (Dettmers et al. 2023)
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16,
        llm_int8_skip_modules=kept,
    )
