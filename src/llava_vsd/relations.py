"""The nine spatial relations: names, aliases, what holds after a swap, what a mirror does."""

from __future__ import annotations

from typing import Literal, get_args

Relation = Literal[
    "on",
    "in",
    "next to",
    "under",
    "above",
    "behind",
    "in front of",
    "to the left of",
    "to the right of",
]

RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""The labels as the data files write them; this order is the order of every table and score vector."""

_ALIASES: dict[str, Relation] = {
    "next": "next to",
    "beside": "next to",
    "front": "in front of",
    "in front": "in front of",
    "left": "to the left of",
    "left of": "to the left of",
    "to the left": "to the left of",
    "on the left of": "to the left of",
    "right": "to the right of",
    "right of": "to the right of",
    "to the right": "to the right of",
    "on the right of": "to the right of",
    **{name: name for name in RELATIONS},
}

_CONVERSES: dict[Relation, Relation] = {
    "next to": "next to",
    "under": "above",
    "above": "under",
    "behind": "in front of",
    "in front of": "behind",
    "to the left of": "to the right of",
    "to the right of": "to the left of",
}

_MIRRORED: dict[Relation, Relation] = {
    "to the left of": "to the right of",
    "to the right of": "to the left of",
}


def parse_relation(text: str) -> Relation | None:
    """The relation that `text` names (the files' form, the paper's short form, or an alias), or None."""
    return _ALIASES.get(" ".join(text.lower().replace("_", " ").split()).strip(" ."))


def converse(relation: Relation) -> Relation | None:
    """What holds of (object, subject) when `relation` holds of (subject, object).

    `on` and `in` have no converse among the nine: what a cup on a table makes of the table is support or
    containment, which `under` and the others do not say.
    """
    return _CONVERSES.get(relation)


def mirrored(relation: Relation) -> Relation:
    """The relation in the picture with left and right exchanged."""
    return _MIRRORED.get(relation, relation)
