"""Items to predictions, with any engine: in batches, in the items' order, resumable after a kill at any moment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import parse_probes, probed
from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.inference.engine import Engine, Sight
from llava_vsd.matching import refuse_doubled
from llava_vsd.resuming import ResumedRun
from llava_vsd.schema import Item, Prediction, Probe

if TYPE_CHECKING:
    from llava_vsd.inference.openai import Asking
    from llava_vsd.inference.settings import Settings

SMALL = "small"
"""The model that ships."""

ENGINES = (
    SMALL,
    "baseline:FILE[#names|boxes|both]",
    "scripted:FILE",
    "openai:URL[#MODEL]",
    "a folder",
    "OWNER/NAME on the hub",
)


def is_checkpoint(spec: str) -> bool:
    """Whether it names weights (a folder, a hub name, the model that ships) and no other kind of model."""
    return not spec.startswith(("baseline:", "scripted:", "openai:"))


def load_engine(
    spec: str,
    *,
    images: ImageStore | None = None,
    asking: Asking | None = None,
    running: Settings | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Engine:
    """The engine that a model's specification names.

    Args:
        spec: `small`, the model that ships; `baseline:FILE`, optionally with `#names` or `#boxes` for that half of it
            alone; `scripted:FILE`; `openai:URL#MODEL`, e.g. `openai:http://localhost:8000/v1#vsd`; else a checkpoint's
            or adapter's folder, or its name on the hub, with its owner's.
        images: where the pictures are, for an engine that looks at them.
        asking: how to ask a server.
        running: how to run a checkpoint.
        note: told what takes long, before it is done.

    Raises:
        UsageError: the specification is none of these, or pictures are missing.
        FileError, RowError, CheckpointError: it cannot be read.
        ServerError: its server is out of reach.
    """
    kind, _, rest = spec.partition(":")
    if spec == SMALL:
        return _small(images, running, note)
    if kind == "scripted" and rest:
        from llava_vsd.inference.scripted import Scripted

        return Scripted.load(rest)
    if kind == "baseline" and rest:
        from llava_vsd.inference import baseline

        file, _, features = rest.partition("#")
        return baseline.load(Path(file), features or "both")
    if kind == "openai" and rest:
        from llava_vsd.inference.openai import OpenAI

        return OpenAI(rest, images, asking)
    if (spec and Path(spec).is_dir()) or ("/" in spec and (not rest or "/" in kind)):
        import llava_vsd.model  # noqa: F401 - says what is missing where torch is
        from llava_vsd.inference.transformers import Transformers

        return Transformers(spec, images, running)
    raise UsageError(f"unknown model {spec!r}; expected one of: {', '.join(ENGINES)}")


def _small(images: ImageStore | None, running: Settings | None, note: Callable[[str], None]) -> Engine:
    import llava_vsd.model  # noqa: F401 - says what is missing where torch is
    from llava_vsd.inference.settings import Settings
    from llava_vsd.model import small

    given = running or Settings()
    if given.temperature is None:
        given = replace(given, temperature=small.about().temperature)
    folder = small.checkpoint(note)
    from llava_vsd.inference.transformers import Transformers

    return Transformers(SMALL, images, given, folder=folder)


def shard(items: Sequence[Item], part: str) -> list[Item]:
    """Every n-th item, for `part` = `i/n`, counted from 1: the n files put one behind the other hold all items.

    Raises:
        UsageError: `part` is nothing of the kind.
    """
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", part.strip())
    if not found or int(found[1]) > int(found[2]):
        raise UsageError(f"shard: {part!r}, expected i/n with i from 1 to n, e.g. 1/4 ... 4/4")
    return list(items[int(found[1]) - 1 :: int(found[2])])


def launched(environment: Mapping[str, str] = os.environ) -> str:
    """The share of this process, as `shard` takes it, where a launcher started several; empty where it is alone.

    Launchers (torchrun, accelerate) tell each process its place in RANK and of how many in WORLD_SIZE.

    Raises:
        UsageError: the two are no place and number.
    """
    size = environment.get("WORLD_SIZE", "1")
    rank = environment.get(
        "RANK", "0" if size == "1" else ""
    )  # a share that nobody named would lose the others
    if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        raise UsageError(f"RANK {rank!r} of WORLD_SIZE {size!r}: expected a number and a greater one")
    return f"{int(rank) + 1}/{int(size)}" if int(size) > 1 else ""


def share_file(output: Path, part: str) -> Path:
    """The file for a share `i/n` of what would go to `output`: `out.jsonl` gives `out-i-of-n.jsonl`."""
    return output.with_stem(f"{output.stem}-{part.replace('/', '-of-')}")


def asked(
    items: Sequence[Item],
    engine: Engine,
    *,
    probes: str | Sequence[Probe] = (),
    images: ImageStore | None = None,
) -> list[Item]:
    """All that is to be asked of an engine: the items as they are, then all of them under each probe.

    The probes come behind, so that a file without them can be gone on with when they are wanted later.

    Args:
        items: as they are.
        engine: whom to ask.
        probes: which ones.
        images: where the pictures are; makes sure that they all are there, and tells how wide they are.

    Raises:
        UsageError: an unknown probe; one that changes nothing for this engine; a mirror for one that looks at boxes,
            without the pictures, whose width moves them.
        MissingImagesError: `images` lacks some that the engine needs; names them.
        FileError: a picture cannot be read.
    """
    wanted = parse_probes(probes) if isinstance(probes, str) else tuple(probes)
    for probe in wanted:
        _refuse_blind(probe, engine, images)
    boxes = "boxes" in engine.sees and "mirror" in wanted
    if images is not None and (boxes or "pictures" in engine.sees):
        images.require(item.image for item in items)
    changed = [
        probed(item, probe, width=images.size(item.image)[0] if images and boxes else None)
        for probe in wanted
        for item in items
    ]
    return [*items, *changed]


def _refuse_blind(probe: Probe, engine: Engine, images: ImageStore | None) -> None:
    changes = _CHANGES[probe]
    if changes and not changes & engine.sees:
        raise UsageError(
            f"probe {probe}: changes nothing for {engine.name}, which sees no {' and no '.join(sorted(changes))}"
        )
    if probe == "mirror" and "boxes" in engine.sees and images is None:
        raise UsageError(
            f"probe mirror: {engine.name} looks at boxes, and how a mirror moves them depends on the picture's "
            "width; expected --images DIR"
        )


class Run(ResumedRun[Item]):
    """One engine's predictions for some items, in a file that an interrupted run of the same kind has begun.

    Args:
        items: what to predict, probes among them (see `asked`).
        engine: what answers.
        path: the file; rows that it holds already are kept if they are the first ones of this very run.
        overwrite: empty the file instead.

    Attributes:
        done: how many items the file has held from the beginning.

    Raises:
        MismatchError: items have the same id, or the file holds something else: other items, another order, another
            model or other settings.
        FileError: the file cannot be written, or another run is writing to it.
        RowError: a whole line of it is no prediction.
    """

    rows = "predictions"

    def __init__(
        self, items: Sequence[Item], engine: Engine, path: str | Path, *, overwrite: bool = False
    ) -> None:
        refuse_doubled([item for item in items if item.probe is None])
        self.items, self.engine = items, engine
        super().__init__(items, engine.settings, path, overwrite=overwrite)

    def _problem(self, row: Prediction, source: Item) -> str:
        found = (row.label, row.image, [(one.subject, one.object) for one in row.relations])
        if found != (source.label, source.image, [(one.subject, one.object) for one in source.triples]):
            return f"a prediction for {row.label}, expected one for {source.label} as it is now"
        return "" if row.settings == self._settings else "made with other settings than this run's"

    def __iter__(self) -> Iterator[Prediction]:
        """Predicts what is missing; each prediction is in the file when it is yielded."""
        size = self.engine.batch_size
        for start in range(self.done, len(self.items), size):
            batch = self.items[start : start + size]
            for item, prediction in zip(batch, self.engine.predict(batch), strict=True):
                if prediction.id != item.id:
                    raise MismatchError(
                        f"{self.engine.name}: answered {prediction.id} when asked for {item.id}"
                    )
                prediction.probe = item.probe
                self._file.append(prediction)
                yield prediction


_CHANGES: dict[Probe, frozenset[Sight]] = {
    "swap": frozenset(),  # the names, which every engine sees
    "mirror": frozenset({"pictures", "boxes"}),
    "blank": frozenset({"pictures"}),
}
