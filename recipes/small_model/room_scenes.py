"""Rooms of `vsd rooms` as scenes from which the small model learns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from PIL import Image
from scene import Scene, Thing

from llava_vsd.rooms.things import named_models

SIZE = 336
PLURAL = frozenset(name for name, roles, _ in named_models() if "n" in roles)


def read_scenes(path: str | Path, *, limit: int | None = None) -> list[Scene]:
    """Scenes of an items.jsonl; pictures lie in `images` beside it."""
    path = Path(path)
    with path.open(encoding="utf-8") as lines:
        return [_scene(json.loads(line), path.parent / "images") for line in islice(lines, limit)]


def _scene(row: dict[str, object], images: Path) -> Scene:
    seen: list[Thing] = []
    place: dict[str, int] = {}
    for thing in row["things"]:  # type: ignore[attr-defined]
        if thing["box"] is None or thing["visible"] < 0.2 or thing["name"] in place:
            continue
        place[thing["name"]] = len(seen)
        looks = {"name": thing["name"]} | ({"adjective": thing["words"][0]} if thing["words"] else {})
        box = tuple(side / SIZE for side in thing["box"])
        seen.append(Thing(thing["name"], box, looks, thing["name"] in PLURAL))  # type: ignore[arg-type]
    relations: dict[tuple[int, int], str] = {}
    for triple in row["holds"]:  # type: ignore[attr-defined]
        pair = place.get(triple["subject"]), place.get(triple["object"])
        if None not in pair:
            relations.setdefault(pair, triple["relation"])  # type: ignore[arg-type]
    picture = images / str(row["image"])
    return Scene(str(row["image"]), lambda: Image.open(picture).convert("RGB"), tuple(seen), relations)


def names(scenes: Sequence[Scene]) -> tuple[str, ...]:
    """Of all things."""
    return tuple(sorted({thing.name for scene in scenes for thing in scene.things}))


def kinds(scenes: Sequence[Scene]) -> dict[str, tuple[str, ...]]:
    """The words of each kind of look."""
    words: dict[str, set[str]] = {"name": set(), "adjective": set()}
    for scene in scenes:
        for thing in scene.things:
            for kind, word in thing.looks.items():
                words[kind].add(word)
    return {kind: tuple(sorted(found)) for kind, found in words.items()}
