"""What a frozen vision tower makes of each picture, kept on disk: computed once, read by the workers afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import PartialState
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from llava_vsd.errors import FileError, VsdError
from llava_vsd.jsonl import replacing
from llava_vsd.model.features import PIXELS, Tower
from llava_vsd.model.load import DTYPES

if TYPE_CHECKING:
    from llava_vsd.train.data import Index, Progress, Samples
    from llava_vsd.train.plan import Plan
    from llava_vsd.train.ready import Ready

FOLDER = "features"

_AT_ONCE = 8  # pictures that the tower is given together
_SIZE = "size"

Shown = tuple[str, bool]
"""A picture's id, and whether it is shown mirrored."""


@dataclass(frozen=True)
class Features:
    """Features of pictures made by one tower after one processor, a file for each picture.

    A file is named by the SHA-256 of the picture's bytes: another picture of the same name never gets them.

    Attributes:
        folder: named by tower, processor and type.
    """

    folder: Path

    def place(self, picture: Path, *, flip: bool) -> Path:
        """The file for a picture as it is now, whether it is there or not.

        Raises:
            FileError: the picture cannot be read.
        """
        try:
            name = sha256(picture.read_bytes()).hexdigest()
        except OSError as error:
            raise FileError(picture, f"cannot be read: {error.strerror}") from None
        return self.folder / name[:2] / f"{name}{'-mirrored' if flip else ''}.safetensors"

    def read(self, picture: Path, *, flip: bool) -> tuple[dict[str, Tensor], tuple[int, int]]:
        """What takes the place of a picture's pixels, and its height and width.

        Raises:
            FileError: there is no such file, or it is not whole.
        """
        file = self.place(picture, flip=flip)
        try:
            tensors = load_file(file)
            height, width = tensors.pop(_SIZE).tolist()
        except (OSError, SafetensorError, KeyError) as error:
            raise FileError(
                file, f"features of {picture} cannot be read ({error}); without the file they are made again"
            ) from None
        return tensors, (height, width)

    def write(self, file: Path, tensors: dict[str, Tensor], size: tuple[int, int]) -> None:
        """Writes what `read` gives, whole or not at all.

        Raises:
            FileError: it cannot be written, for example because the disk is full.
        """
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        with replacing(file, binary=True) as writing:
            writing.write(save({**whole, _SIZE: torch.tensor(size)}))


def shown(known: Index, made: Plan, seed: int) -> list[Shown]:
    """The pictures that a plan shows, in the order of their first use, once each way that they are shown."""
    found: dict[Shown, None] = {}
    for first in range(0, made.steps, made.steps_an_epoch):
        flips = known.flips(made.epoch(first), seed)
        members = made.order[made.starts[first] : made.starts[min(first + made.steps_an_epoch, made.steps)]]
        for image in known.plain.image[members].tolist():
            if image < len(known.images):
                found.setdefault((known.images[image], bool(flips[image])))
    return list(found)


def keep_features(
    ready: Ready, model: Any, pictures: Sequence[Shown], processes: PartialState, progress: Progress
) -> Features:
    """Computes what is not on disk yet, each process a share of it, and puts features in the place of pixels.

    The tower computes as in training (under autocast). Features are kept in the type of the run: where autocast leaves
    them in float32, the first layer of LLaVA's connector, a linear one, would round them to it all the same.

    Args:
        ready: the stage.
        model: with its weights, before it is wrapped; its tower takes features afterwards.
        pictures: all that the stage shows.
        processes: that train together.
        progress: told how many of its share a process has seen to.

    Raises:
        UsageError: not known for this family.
        FileError: a picture cannot be read, or its features not be written.
    """
    config, tower = ready.config, Tower(model)
    dtype = DTYPES[config.dtype]
    settings = ready.processor.image_processor.to_json_string()
    key = sha256(f"{tower.digest()} {settings} {config.dtype}".encode()).hexdigest()[:16]
    features = Features((config.features or config.output / FOLDER) / key)
    own = pictures[processes.process_index :: processes.num_processes]
    missing = DataLoader(
        _Missing(own, ready.samples, features),
        batch_size=_AT_ONCE,
        num_workers=config.readers,
        collate_fn=list,
    )
    home, device = tower.module.device, processes.device
    autocast = nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype=dtype)
    done = 0
    for batch in missing:
        lacking = [one for one in batch if one is not None]
        if failed := [one for one in lacking if isinstance(one, VsdError)]:
            raise failed[0]
        if lacking:
            tower.module.to(device)  # FSDP's weights are on the CPU until they are divided
            with autocast:
                found = tower.features([pixels for _, pixels, _ in lacking])
            for (file, _, size), tensors in zip(lacking, found, strict=True):
                features.write(file, {**tensors, PIXELS: tensors[PIXELS].to(dtype)}, size)
        done += len(batch)
        progress(done, len(own))
    tower.module.to(home)
    processes.wait_for_everyone()
    tower.stand_in()
    return features


class _Missing(Dataset[Any]):
    """File, pixels and size of each picture without features; None for one that has them, an error for a bad one."""

    def __init__(self, pictures: Sequence[Shown], samples: Samples, features: Features) -> None:
        self.pictures, self.samples, self.features = pictures, samples, features

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, place: int) -> Any:
        image, flip = self.pictures[place]
        assert self.samples.store is not None
        try:
            file = self.features.place(self.samples.store.path(image), flip=flip)
            return None if file.is_file() else (file, *self.samples.pixels(image, flip=flip))
        except VsdError as error:
            return error
