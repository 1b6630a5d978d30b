"""What training descriptions say about relations: more pairs of names to learn from than the labels give.

VSD's descriptions are about the labelled pair, but word it anew (`deer` for `antelopes`), look from the other
side (`the train is on the tracks` for tracks under a train), or relate other things of the picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from llava_vsd.inference.baseline.words import words
from llava_vsd.metrics.relation_lexicon import ARTICLES, ENDS, VERBS
from llava_vsd.relations import RELATIONS, Relation, converse
from llava_vsd.schema import Item, Triple

PHRASES: dict[Relation, tuple[str, ...]] = {
    "on": ("on", "on top of", "onto"),
    "in": ("in", "inside", "inside of", "into", "within"),
    "next to": ("next to", "beside", "besides", "by", "near", "against"),
    "under": ("under", "underneath", "beneath", "below"),
    "above": ("above", "over"),
    "behind": ("behind",),
    "in front of": ("in front of", "in the front of"),
    "to the left of": ("to the left of", "on the left of", "on the left side of", "left of"),
    "to the right of": ("to the right of", "on the right of", "on the right side of", "right of"),
}
"""Phrases that state a relation plainly; relation_lexicon.py, which judges descriptions, has many more."""

_SENSE = {tuple(phrase.split()): relation for relation, known in PHRASES.items() for phrase in known}
_LONGEST = max(map(len, _SENSE))
_OPENERS = ARTICLES | {"there", "is", "are", "was", "were", "of", "other", "lots", "lot", "being"}
NAME_ENDS = (
    ENDS
    | VERBS
    | {first for first, *_ in _SENSE}
    | {"at", "with", "and", "to", "of", "being", "seen"}
    | {"sitting", "standing", "laying", "lying", "hanging", "flying", "walking", "riding", "growing"}
    | {"shown", "parked", "placed", "covered", "mounted", "located", "put", "wearing", "holding"}
)
"""Words that the name of a thing does not go on with."""

_PARTS = {"left", "right", "side", "middle", "center", "distance", "background", "front", "back", "row"}
_NAME_WORDS = 2  # the last words of what stands before a phrase, or after it, make the name

WEIGHTS = {"label": 1.0, "v1": 0.3, "v2": 0.6}
"""What an item's labels weigh, each, and its descriptions of either kind, together (chosen on VSD val)."""

CONVERSE_WEIGHT = 0.3
"""What the same statement from the other side weighs, relative to it (chosen on VSD val)."""


class Statement(NamedTuple):
    """That `relation` holds of (subject, object), with the weight of this evidence."""

    subject: str
    object: str
    relation: Relation
    weight: float


def statements(items: Iterable[Item]) -> Iterator[Statement]:
    """All that items say about which relations hold of which names: by labels, by descriptions, by converses."""
    for item in items:
        for triple in item.triples:
            yield from _both_ways(triple.subject, triple.object, triple.relation, WEIGHTS["label"])
        for kind, descriptions in (("v1", item.descriptions_v1), ("v2", item.descriptions_v2)):
            said = Counter(stated for text in descriptions for stated in stated_in(text))
            for (subject, object, relation), count in said.items():
                yield from _both_ways(subject, object, relation, WEIGHTS[kind] * count / said.total())


def _both_ways(subject: str, object: str, relation: Relation, weight: float) -> Iterator[Statement]:
    yield Statement(subject, object, relation, weight)
    other = converse(relation)
    if other:
        yield Statement(object, subject, other, weight * CONVERSE_WEIGHT)


def swapped(triple: Triple) -> Triple | None:
    """The triple told from the object's side, or None where that has no name among the nine relations."""
    other = converse(triple.relation)
    if other is None:
        return None
    return Triple(
        subject=triple.object,
        object=triple.subject,
        relation=other,
        subject_box=triple.object_box,
        object_box=triple.subject_box,
    )


@lru_cache(maxsize=1 << 15)
def stated_in(description: str) -> tuple[tuple[str, str, Relation], ...]:
    """Subject, object and relation of each phrase of `PHRASES` between two names.

    >>> stated_in("A white boat is sitting on the lake near a pier.")
    (('white boat', 'lake', 'on'), ('white boat', 'pier', 'next to'))
    """
    said = words(description)
    found, at = [], 0
    while at < len(said):
        for length in range(min(_LONGEST, len(said) - at), 0, -1):
            relation = _SENSE.get(tuple(said[at : at + length]))
            if relation:
                subject, object = _name(said[:at]), _name(said[at + length :])
                if subject and object and object not in _PARTS:
                    found.append((subject, object, relation))
                at += length - 1
                break
        at += 1
    return tuple(found)


def _name(said: list[str]) -> str:
    start = 0
    while start < len(said) and said[start] in _OPENERS:
        start += 1
    end = start
    while end < len(said) and said[end] not in NAME_ENDS:
        end += 1
    named = [word for word in said[start:end] if word not in ARTICLES]
    return " ".join(named[-_NAME_WORDS:])


def index(relation: Relation) -> int:
    """The place of a relation in `RELATIONS`, and so its column in every table of probabilities."""
    return RELATIONS.index(relation)
