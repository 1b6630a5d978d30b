"""All that a stage needs before weights are loaded: model's configuration, processor, data, and the index of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from llava_vsd.config import Config, Stage
from llava_vsd.data.images import ImageStore
from llava_vsd.errors import TrainingError, UsageError
from llava_vsd.model.attention import SHARING
from llava_vsd.model.encode import Encoder
from llava_vsd.model.families import Family
from llava_vsd.model.features import refuse_unkept
from llava_vsd.model.load import load_processor, read_config
from llava_vsd.schema import Task
from llava_vsd.train.conversations import Fault, as_rows, file_hash
from llava_vsd.train.data import Index, Progress, Samples, index
from llava_vsd.train.plan import Plan, plan

_FORM = 2  # of the file that keeps an index


@dataclass(frozen=True)
class Ready:
    """All that a stage needs before weights are loaded.

    Attributes:
        spec: folder or hub name of the model that it starts from.
        files: its data as conversations in JSON lines.
        hashes: SHA-256 of each file of its data, by path as the settings give it.
        unread: entries of its data that are no conversations.
    """

    config: Config
    stage: Stage
    spec: str
    family: Family
    model_config: Any
    processor: Any
    samples: Samples
    files: list[Path]
    hashes: dict[str, str]
    unread: list[Fault]

    @property
    def shared(self) -> bool:
        """Whether rows share images."""
        return self.stage.packing and self.family.shares_image

    def plan(self, known: Index, processes: int) -> Plan:
        """The steps of the stage.

        Raises:
            TrainingError: steps are too small for so many processes, or hold too few pictures.
        """
        stage, seed = self.stage, self.config.seed
        try:
            made = plan(
                [known.lengths(epoch, seed) for epoch in range(stage.epochs)],
                batch=stage.batch_conversations,
                row_tokens=stage.row_tokens,
                shared=self.shared,
                seed=seed,
                processes=processes,
                max_steps=stage.max_steps,
            )
        except ValueError as error:
            raise TrainingError(f"stage {stage.stage}: {error} (batch_conversations)") from None
        if processes > 1 and "full" in (stage.vision, stage.connector):
            pictured = np.add.reduceat(known.plain.prefix[made.order] > 0, made.starts[:-1])
            if pictured.min() < made.rows:
                raise TrainingError(
                    f"stage {stage.stage}: a step has {pictured.min()} conversations about pictures for {made.rows} "
                    "rows, and processes wait for each other's gradients of the connector; expected more "
                    "batch_conversations"
                )
        return made


def get_ready(config: Config, stage: Stage, spec: str, state: Path) -> Ready:
    """Reads everything about a stage but weights and data.

    Raises:
        UsageError: settings that do not fit the model, or a tracker that cannot be used.
        FileError, CheckpointError: data, configuration or processor cannot be read.
    """
    try:
        for tracker in get_reporting_integration_callbacks(config.report_to):
            tracker()  # it says what it needs only when it is made
    except (ValueError, RuntimeError, ImportError) as error:
        raise UsageError(f"report_to: {error}") from None
    model_config, family = read_config(spec)
    processor = load_processor(spec, model_config)
    folders = config.folders(stage)
    store = ImageStore(folders) if folders else None
    if stage.boxes and family.boxes is None:
        raise UsageError(f"boxes: how {family.name} writes boxes is not known; expected boxes: false")
    if stage.keep_features:
        refuse_unkept(model_config)
    encoder = Encoder(processor, family, max_tokens=stage.max_tokens, boxes=stage.boxes)
    task: Task = "caption" if stage.stage == "connector" else "chat"
    rows = [as_rows(path, state / "data", task) for path in stage.data]
    files, unread = [file for file, _ in rows], [fault for _, bad in rows for fault in bad]
    hashes = {str(path): file_hash(path) for path in stage.data}
    samples = Samples(encoder, store, mirror=stage.mirror)
    ready = Ready(config, stage, spec, family, model_config, processor, samples, files, hashes, unread)
    if ready.shared and config.attention not in (None, *SHARING):
        raise UsageError(
            f"attention: {config.attention} cannot share a picture among conversations; expected one of "
            f"{', '.join(SHARING)}, or packing: false"
        )
    return ready


def known_index(ready: Ready, state: Path, progress: Progress, *, made: bool = False) -> Index:
    """The index of a stage's data; it is kept, and read again if data, processor and settings are the same.

    One with bad samples is made again by each run that begins: what was wrong with them (a picture that was not there)
    may be mended since.

    Args:
        ready: the stage.
        state: folder that keeps it.
        progress: told how many conversations are done.
        made: this very run has made it: another process just now, or before the checkpoint that it goes on from.

    Raises:
        TrainingError: there are bad samples, and the settings do not say to leave them out; or nothing else.
    """
    stage = ready.stage
    key = sha256(
        json.dumps(
            [
                _FORM,
                list(ready.hashes.values()),
                _processor_hash(ready.processor),
                stage.max_tokens,
                stage.boxes,
                stage.mirror,
            ]
        ).encode()
    ).hexdigest()
    file = state / f"index-{key[:16]}.npz"
    if file.is_file():
        kept = Index.load(file, ready.files)
        if made or not kept.faults:
            refuse_bad(kept, stage)
            return kept
    known = index(
        ready.files, ready.samples, unread=ready.unread, workers=ready.config.readers, progress=progress
    )
    refuse_bad(known, stage)
    known.save(file)
    return known


def refuse_bad(known: Index, stage: Stage) -> None:
    """Raises TrainingError where bad samples are not to be left out, or there are no others."""
    count = len(known.faults)
    if count and not stage.skip_bad:
        raise TrainingError(
            f"stage {stage.stage}: {count:,} of {count + len(known.conversations):,} samples cannot be learned from, "
            f"the first: {known.faults[0]} (--dry-run lists all, skip_bad=true leaves them out)"
        )
    if not len(known.conversations):
        raise TrainingError(f"stage {stage.stage}: no sample can be learned from")


def _processor_hash(processor: Any) -> str:
    with TemporaryDirectory() as folder:
        processor.save_pretrained(folder)
        return sha256(
            "".join(file_hash(file) for file in sorted(Path(folder).iterdir())).encode()
        ).hexdigest()
