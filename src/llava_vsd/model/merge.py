"""A full checkpoint from a base model and an adapter, which any program that loads the base model loads too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import PeftModel

from llava_vsd.errors import CheckpointError, UsageError
from llava_vsd.folders import refuse_filled, writing_folder
from llava_vsd.model.load import base_of, load, quietly

SHARD_SIZE = "5GB"


def merge(adapter: str | Path, output: str | Path, *, base: str | None = None, dtype: str = "auto") -> None:
    """Adds an adapter's products into the weights of its base model and writes the whole to the folder `output`.

    Args:
        adapter: folder as `save_adapter` writes it, or any adapter of PEFT on an image-text-to-text model.
        output: a free name or an empty folder; it appears whole or not at all.
        base: folder or hub name of the base model; default: the one that the adapter names.
        dtype: of the result; auto: as the base model is saved. Sums are rounded to it once.

    Raises:
        CheckpointError: the adapter or the base model cannot be read, or does not fit the other.
        FileError: `output` holds something, or cannot be written.
    """
    refuse_filled(output)
    found = base if base is not None else base_of(adapter)
    if found is None:
        raise CheckpointError(adapter, "is no adapter folder (no adapter_config.json)")
    loaded = load(found, adapter=adapter, dtype=dtype, device="cpu")
    with writing_folder(output) as folder:
        write_checkpoint(merged(loaded.model), loaded.processor, folder)


def merged(model: PeftModel) -> Any:
    """The plain model with the adapter's weights in it; the model is changed in place.

    Raises:
        UsageError: the sums are not finite.
    """
    try:
        return model.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise UsageError(f"the adapter cannot be merged: {error}") from None


def write_checkpoint(model: Any, processor: Any, folder: str | Path) -> None:
    """Writes model (safetensors, in shards), configuration, generation settings and processor into a folder."""
    with quietly():
        model.save_pretrained(folder, max_shard_size=SHARD_SIZE)
    processor.save_pretrained(folder)
