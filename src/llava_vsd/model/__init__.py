"""Models: families, loading, assembling, adapters. Needs the extra `model`; says so in one line where it is missing."""

from importlib.util import find_spec

from llava_vsd.errors import MissingExtraError

if not all(find_spec(name) for name in ("torch", "transformers", "peft", "accelerate", "safetensors")):
    raise MissingExtraError("work with a model", "model")
