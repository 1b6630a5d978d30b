"""How people say where things are: prepositions, verbs and sentence patterns by relation, as tables."""

from __future__ import annotations

from llava_vsd.relations import Relation

PREPOSITIONS: dict[Relation, tuple[str, ...]] = {
    "on": ("on", "on", "on", "on top of", "upon", "atop"),
    "in": ("in", "in", "in", "inside", "inside of", "within"),
    "next to": (
        "next to",
        "next to",
        "next to",
        "beside",
        "right beside",
        "close to",
        "alongside",
        "right next to",
    ),
    "under": ("under", "under", "under", "underneath", "beneath", "below"),
    "above": ("above", "above", "above", "over", "up above", "high above"),
    "behind": ("behind", "behind", "behind", "right behind", "just behind", "in back of"),
    "in front of": ("in front of", "in front of", "in front of", "right in front of", "just in front of"),
    "to the left of": ("to the left of", "to the left of", "on the left of", "on the left side of"),
    "to the right of": ("to the right of", "to the right of", "on the right of", "on the right side of"),
}
"""The more common ones stand more often."""

POSTURES: dict[str, tuple[str, ...]] = {
    "stands": ("standing", "standing", "sitting", "placed", "set"),
    "lies": ("lying", "lying", "resting", "placed", "laid"),
    "sits": ("sitting", "sitting", "seated", "resting", "placed"),
    "rests": ("sitting", "resting", "placed", "set"),
    "rolls": ("lying", "resting"),
    "hangs": ("hanging", "hanging", "mounted", "fixed"),
}
"""Participles for how a thing holds itself."""

SHORT: tuple[str, ...] = (
    "{s} {p} {o}",
    "{a s} {p} {a o}",
    "{a s} {p} the {o}.",
    "{a s} {is} {p} {a o}.",
    "the {s} {is} {p} the {o}.",
    "there {is} {a s} {p} the {o}.",
    "there {is} {a s} {p} {a o}.",
    "{a s} {is} {v} {p} {a o}.",
    "{a s} {is} {v} {p} the {o}.",
    "the {s} {is} {v} {p} the {o}.",
    "there {is} {a s} {v} {p} the {o}.",
    "{a s} {v} {p} {a o}",
    "{p} the {o} {is} {a s}.",
    "{p} the {o} there {is} {a s}.",
    "{a s} can be seen {p} the {o}.",
    "{a s} {is} located {p} the {o}.",
    "you can see {a s} {p} the {o}.",
)
"""Patterns of v1. {a s} has an article or `some`; {is} agrees with the subject; {v} is a participle."""

LONG_PLAIN: tuple[str, ...] = (
    "The {as} {is} {p} the {ao}.",
    "The {as} {is} {v} {p} the {ao}.",
    "There {is} {a as} {p} the {ao}.",
    "There {is} {a as} {v} {p} the {ao}.",
    "{P} the {ao} {is} {a as}.",
    "{P} the {ao} there {is} {a as}.",
    "In the room, the {as} {is} {p} the {ao}.",
    "{A as} {is} {v} {p} the {ao}.",
)
"""Patterns of v2 without a third thing; {as} and {ao} carry adjectives."""

LONG_SUBJECT: tuple[str, ...] = (
    "The {as} {q} the {at} {is} {p} the {ao}.",
    "The {as} {q} the {at} {is} {v} {p} the {ao}.",
    "{P} the {ao} {is} the {as} {q} the {at}.",
    "The {as} that {is} {q} the {at} {is} {p} the {ao}.",
    "There {is} {a as} {p} the {ao} and {q} the {at}.",
    "The {as} {is} {p} the {ao}, {q} the {at}.",
)
"""With a third thing to which the subject stands in {q}."""

LONG_OBJECT: tuple[str, ...] = (
    "The {as} {is} {p} the {ao} that {iso} {q} the {at}.",
    "The {as} {is} {v} {p} the {ao} that {iso} {q} the {at}.",
    "There {is} {a as} {p} the {ao} that {iso} {q} the {at}.",
    "{A as} {is} {v} {p} the {ao}, which {iso} {q} the {at}.",
)
"""With a third thing to which the object stands in {q}."""
