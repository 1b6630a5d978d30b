"""Train, validation and four held-out tests: which models, names and pairs each may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from llava_vsd.rooms.things import Thing, share

Split = Literal["train", "val", "test-layouts", "test-instances", "test-pairs", "test-names"]

SPLITS: tuple[Split, ...] = get_args(Split)

HELD_NAMES = frozenset(
    {
        "kettle", "toy train", "helmet", "cake", "backpack", "desk lamp", "milk carton", "doll house", "suitcase",
        "grand piano", "wheelchair", "armchair", "coffee table", "laundry basket", "bin", "bean bag", "book", "bamboo",
        "boots", "radio", "bench",
    }
)  # fmt: skip
"""Names that no picture shows, spoken of or not, but those of test-names."""

HELD_MODELS = 0.28
"""The share of the models of each name with three or more that only test-instances shows."""

HELD_PAIRS = 0.12
"""The share of pairs of names, in either order, that only test-pairs asks for."""


def held_models(things: Sequence[Thing]) -> frozenset[str]:
    """Keys of the models that only test-instances shows: of names with three models or more, at least one."""
    names: dict[str, list[str]] = {}
    for thing in things:
        names.setdefault(thing.name, []).append(thing.key)
    held: set[str] = set()
    for name, keys in names.items():
        if len(keys) >= 3 and name not in HELD_NAMES:
            held |= set(
                sorted(keys, key=lambda key: share("model", key))[: max(1, round(HELD_MODELS * len(keys)))]
            )
    return frozenset(held)


def is_held_pair(first: str, second: str) -> bool:
    """Whether only test-pairs may ask how these two stand to each other."""
    return share("pair", *sorted((first, second))) < HELD_PAIRS


def shown(things: Sequence[Thing], split: Split) -> list[Thing]:
    """The things that a picture of this split may show at all."""
    held = held_models(things)
    return [
        thing
        for thing in things
        if (split == "test-names" or thing.name not in HELD_NAMES)
        and (split == "test-instances" or thing.key not in held)
    ]


def asked(subject: Thing, thing: Thing, split: Split, held: frozenset[str]) -> bool:
    """Whether a picture of this split may ask how `subject` stands to `thing`; both are among `shown`."""
    if is_held_pair(subject.name, thing.name) != (split == "test-pairs"):
        return False
    if split == "test-names":
        return subject.name in HELD_NAMES or thing.name in HELD_NAMES
    if split == "test-instances":
        return subject.key in held or thing.key in held
    return True


def spoken(subject: str, thing: str, split: Split) -> bool:
    """Whether a triple of these two names may stand in an annotation of this split."""
    return split == "test-pairs" or not is_held_pair(subject, thing)
