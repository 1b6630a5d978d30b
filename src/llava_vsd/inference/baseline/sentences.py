"""The sentences about two things: the best description for task 2, three that differ for task 3."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, model_validator

from llava_vsd.inference.baseline.phrases import Pair, Phrases, Voter
from llava_vsd.inference.baseline.templates import fill, uncounted, with_gaps
from llava_vsd.inference.baseline.words import WordVectors
from llava_vsd.metrics.ptb import tokenize
from llava_vsd.relations import RELATIONS, Relation
from llava_vsd.schema import Item

_SHARED = 4  # words in a row that two of three sentences should not share


class Sentences(BaseModel):
    """Composes the answers to tasks 2 and 3 for a pair and its relation.

    Attributes:
        phrases: what can be said, by relation.
        uncounted: words that take no `a`.
    """

    phrases: dict[Relation, Phrases]
    uncounted: set[str]

    @model_validator(mode="after")
    def _fits(self) -> Sentences:
        if self.phrases.keys() != set(RELATIONS):
            raise ValueError(f"phrases: expected the relations {', '.join(RELATIONS)}")
        return self

    @classmethod
    def fit(cls, items: Sequence[Item]) -> Sentences:
        """Learns from the descriptions of items."""
        said = [(tokenize(item.descriptions_v1), tokenize(item.descriptions_v2)) for item in items]
        voters = [_voter(item, *both) for item, both in zip(items, said, strict=True)]
        return cls(
            phrases={
                relation: Phrases.fit([one for one in voters if one.pair.relation == relation], relation)
                for relation in RELATIONS
            },
            uncounted=uncounted(text for both in said for texts in both for text in texts),
        )

    def compose(self, pairs: Sequence[Pair], vectors: WordVectors) -> list[tuple[str, list[str]]]:
        """One sentence and three sentences for each pair.

        Of the three, the first is bare (`cat on sofa.`), as in the paper's training answers, the second is a
        v1-like description, the third v2-like; each is the best that shares no four words in a row with those
        before it, if there is one.
        """
        answers: list[tuple[str, list[str]]] = [("", [])] * len(pairs)
        for relation in RELATIONS:
            places = [place for place, pair in enumerate(pairs) if pair.relation == relation]
            asked = [pairs[place] for place in places]
            ranked = self.phrases[relation].rank(asked, vectors, self.uncounted) if asked else ()
            for place, pair, (describe, diversify) in zip(places, asked, ranked, strict=True):
                best = fill(describe[0], pair.subject, pair.object)
                three = [f"{pair.subject.lower()} {relation} {pair.object.lower()}"]
                for templates in (describe, diversify):
                    three.append(_apart(templates, pair, three))
                answers[place] = (f"{best}.", [f"{sentence}." for sentence in three])
        return answers


def _voter(item: Item, v1: Sequence[str], v2: Sequence[str]) -> Voter:
    pair = Pair(item.pair.subject, item.pair.object, item.pair.relation)
    gapped = [
        list(dict.fromkeys(with_gaps(text, pair.subject, pair.object) for text in texts if text))
        for texts in (v1, v2)
    ]
    return Voter(pair, gapped[0], gapped[1])


def _apart(templates: Sequence[str], pair: Pair, said: Sequence[str]) -> str:
    """The first sentence that shares no `_SHARED` words in a row with those said, else one that shares least."""
    taken = {run for sentence in said for run in _runs(sentence)}
    best, least = "", -1
    for template in templates:
        sentence = fill(template, pair.subject, pair.object)
        shared = sum(run in taken for run in _runs(sentence))
        if least < 0 or shared < least:
            best, least = sentence, shared
        if not shared:
            break
    return best


def _runs(sentence: str) -> list[tuple[str, ...]]:
    words = sentence.split()
    return [tuple(words[at : at + _SHARED]) for at in range(len(words) - _SHARED + 1)]
