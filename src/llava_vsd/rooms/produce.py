"""Fills a folder with the pictures and annotations of a split, over processes; a killed run can be gone on with."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llava_vsd.errors import UsageError
from llava_vsd.jsonl import Appender, replacing
from llava_vsd.rooms.annotate import Annotator, vsd_entry
from llava_vsd.rooms.make import Maker
from llava_vsd.rooms.splits import Split
from llava_vsd.rooms.things import Catalogue, built_catalogue, furniture_catalogue
from llava_vsd.schema import Item

BUILT = "built"
"""As `furniture`: the few things made by code, which need no file."""


def open_catalogue(furniture: str) -> Catalogue:
    """The things to show: `BUILT`, "" for the installed furniture, else a folder or package that holds it."""
    if furniture == BUILT:
        return built_catalogue()
    return furniture_catalogue(Path(furniture) if furniture else None)


class Production:
    """A folder of pictures in the making: `images/`, `items.jsonl`, and, when all are there, the VSD files.

    Args:
        folder: an earlier run with the same settings is gone on with.
        split, seed: a picture depends on these, its number and the furniture alone.
        furniture: see `open_catalogue`.

    Raises:
        UsageError: the folder holds pictures made with other settings.
    """

    def __init__(self, folder: Path, *, split: Split, seed: int, furniture: str) -> None:
        self.folder, self.split, self.seed, self.furniture = folder, split, seed, furniture
        self.items: list[Item] = []
        settings = {
            "split": split,
            "seed": seed,
            "furniture": BUILT if furniture == BUILT else "sweethome3d-furniture",
        }
        kept = folder / "rooms.json"
        if kept.exists():
            found = json.loads(kept.read_text("utf-8"))
            if found != settings:
                raise UsageError(
                    f"{folder} holds rooms made with {found}; expected another folder for {settings}"
                )
        else:
            with replacing(kept) as file:
                json.dump(settings, file)

    @property
    def refused(self) -> Counter[str]:
        """What was turned down so far, by reason."""
        total: Counter[str] = Counter()
        for item in self.items:
            total.update((item.model_extra or {}).get("refused", {}))
        return total

    def run(self, count: int, workers: int = 1) -> Iterator[Item]:
        """Makes pictures until there are `count`; yields the new items, in order.

        Raises:
            UsageError: the folder holds more than `count`.
        """
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        self.items = []
        with Appender(self.folder / "items.jsonl", Item, self.items.append) as rows:
            if len(self.items) > count:
                raise UsageError(
                    f"{self.folder} holds {len(self.items):,} pictures already; expected --count that or more"
                )
            numbers = range(len(self.items), count)
            for item, jpeg in self._made(numbers, workers):
                with replacing(self.folder / "images" / item.image, binary=True) as file:
                    file.write(jpeg)
                rows.append(item)
                self.items.append(item)
                yield item
        for style in ("v1", "v2"):
            with replacing(self.folder / f"vsd{style}_{self.split}.json") as file:
                file.write(json.dumps([vsd_entry(item, style) for item in self.items], separators=(",", ":")))

    def _made(self, numbers: range, workers: int) -> Iterator[tuple[Item, bytes]]:
        arguments = (self.split, self.seed, self.furniture)
        if workers == 1 or len(numbers) < 2:
            if numbers:
                _begin(*arguments)
            yield from map(_one, numbers)
            return
        open_catalogue(self.furniture)  # reads the furniture into the cache once, before the processes do
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, _begin_quietly, arguments) as pool:
            yield from pool.imap(_one, numbers, chunksize=2)


_HERE: dict[str, Any] = {}


def _begin(split: Split, seed: int, furniture: str) -> None:
    catalogue = open_catalogue(furniture)
    _HERE["maker"] = Maker(catalogue, split, seed)
    _HERE["annotator"] = Annotator(catalogue, split, seed)


def _begin_quietly(split: Split, seed: int, furniture: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the processes, and they end with it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _begin(split, seed, furniture)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _one(number: int) -> tuple[Item, bytes]:
    shot = _HERE["maker"].make(number)
    return _HERE["annotator"].item(number, shot), shot.jpeg()
