"""Which template to say of two things: the one that the descriptions of like things would praise most.

Every training item of the relation votes, the more the more its names are like the asked ones; its vote for a
template is how well the template matches the item's own descriptions, gaps for names. So `a bird` comes to be
`sitting` on a branch and `a plane` to be `flying` above a city. Choosing the sentence of highest expected
score is minimum Bayes risk decoding (Kumar and Byrne, NAACL 2004).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from llava_vsd.inference.baseline.arrays import Bytes, expect
from llava_vsd.inference.baseline.templates import (
    COUNTED,
    OBJECT,
    PLURAL,
    SUBJECT,
    UNCOUNTED,
    bleu4,
    content_f1,
    is_for_two_of_a_kind,
    numbers,
    plain,
    says,
)
from llava_vsd.inference.baseline.words import WordVectors, head, is_plural
from llava_vsd.relations import Relation

_LEAST_VOTERS = 2  # whose descriptions must give a template
_MOST_TEMPLATES = 400  # of a relation, mined
_TEMPERATURE = 0.2  # of the likeness of vectors (this and the next four: chosen on VSD val)
_SHARE = 1.0, 0.5  # of the subject's likeness, of the object's
_SAME_HEAD = 10.0, 3.0  # a vote counts so many times where the subject, the object is the same word
_OTHER_NUMBER = 0.05, 0.3  # and so many where it is not alike in number
_OTHERWISE_OF_A_KIND = 0.1  # and so many where one pair is two of a kind (dog, dog) and the other is not
_V2_SHARE = 0.25  # of likeness to v2 descriptions in the vote for a third sentence
_RANKED = 60


class Pair(NamedTuple):
    """What a sentence is asked about."""

    subject: str
    object: str
    relation: Relation

    @property
    def is_two_of_a_kind(self) -> bool:
        """Whether both have one name."""
        return self.subject.lower() == self.object.lower()


class Voter(NamedTuple):
    """A training item: its asked pair, and its tokenized v1 and v2 descriptions with gaps for the names."""

    pair: Pair
    v1: list[str]
    v2: list[str]


class Phrases(BaseModel):
    """Templates of one relation, and the votes of the training items for them.

    Attributes:
        templates: `there is a {S} on the {O}`.
        only_of: for each, the one word that it was said of (`the sky is clear above the {O}`), or "" for any.
        subjects, objects: the names of each voter.
        describe: votes for the one best description, 0-255, shape [voters, templates].
        diversify: votes for a third sentence, likewise.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    templates: list[str]
    only_of: list[str]
    subjects: list[str]
    objects: list[str]
    describe: Bytes
    diversify: Bytes

    @model_validator(mode="after")
    def _fits(self) -> Phrases:
        voters = len(self.subjects)
        if len(self.objects) != voters:
            raise ValueError(f"objects: {len(self.objects)}, expected one a subject, {voters}")
        if len(self.only_of) != len(self.templates) or not self.templates:
            raise ValueError(f"only_of: {len(self.only_of)}, expected one a template, and a template or more")
        if not all(
            template.split().count(gap) == 1 for template in self.templates for gap in (SUBJECT, OBJECT)
        ):
            raise ValueError(f"templates: expected {SUBJECT} and {OBJECT} once in each")
        for name in ("describe", "diversify"):
            expect(name, getattr(self, name), "uint8", voters, len(self.templates))
        self._voters = _Names(self.subjects), _Names(self.objects)
        self._wanted = np.array([numbers(template) for template in self.templates]).T
        self._only_of = np.array(self.only_of, np.str_)
        self._for_two = np.array([is_for_two_of_a_kind(template) for template in self.templates])
        return self

    @classmethod
    def fit(cls, voters: Sequence[Voter], relation: Relation) -> Phrases:
        """Mines templates that state the relation, and lets the voters, items of this relation, vote."""
        known: dict[str, Counter[str]] = defaultdict(Counter)
        for voter in voters:
            for text in {*voter.v1, *voter.v2}:
                known[text][head(voter.pair.subject)] += 1
        mined = [
            text
            for text, heads in sorted(known.items(), key=lambda one: (-one[1].total(), one[0]))
            if heads.total() >= _LEAST_VOTERS and says(text, relation)
        ]
        anyway = plain(relation)
        own = {
            text: next(iter(known[text])) for text in mined if len(known[text]) == 1 and text not in anyway
        }
        templates = list(dict.fromkeys([*mined[:_MOST_TEMPLATES], *anyway]))
        v1, v2 = [voter.v1 for voter in voters], [voter.v2 for voter in voters]
        true, like_v2 = _votes(templates, v1, content_f1), _votes(templates, v2, bleu4)
        return cls(
            templates=templates,
            only_of=[own.get(template, "") for template in templates],
            subjects=[voter.pair.subject for voter in voters],
            objects=[voter.pair.object for voter in voters],
            describe=_bytes(_votes(templates, v1, bleu4)),
            diversify=_bytes((1 - _V2_SHARE) * true + _V2_SHARE * like_v2),
        )

    def rank(
        self, pairs: Sequence[Pair], vectors: WordVectors, uncounted: Set[str]
    ) -> Iterator[tuple[list[str], list[str]]]:
        """Templates for each pair, best first: for a description, and for a third sentence.

        Args:
            pairs: what to speak of.
            vectors: of words.
            uncounted: words that take no `a`.
        """
        weights = self._weights(pairs, vectors)
        praise = [weights @ table.astype(np.float64) for table in (self.describe, self.diversify)]
        for pair, *both in zip(pairs, *praise, strict=True):
            fitting = np.flatnonzero(self._fitting(pair, uncounted))
            order = []
            for own in both:
                # Rounded, so that the order does not hang on the last bits, which depend on the neighbours.
                best = fitting[np.argsort(-np.round(own[fitting], 6), kind="stable")]
                order.append([self.templates[at] for at in best[:_RANKED]])
            yield order[0], order[1]

    def _fitting(self, pair: Pair, uncounted: Set[str]) -> NDArray[np.bool_]:
        """Which templates agree with the names in number and kind."""
        fits = self._for_two == pair.is_two_of_a_kind
        fits &= (self._only_of == "") | (self._only_of == head(pair.subject))
        for name, wanted in zip((pair.subject, pair.object), self._wanted, strict=True):
            kind = PLURAL if is_plural(name) else UNCOUNTED if head(name) in uncounted else COUNTED
            fits &= (wanted & kind) > 0
        return fits if fits.any() else np.ones_like(fits)

    def _weights(self, pairs: Sequence[Pair], vectors: WordVectors) -> NDArray[np.float64]:
        """How much each voter counts for each pair, shape [pairs, voters]; sums to 1 where anyone votes."""
        like = np.zeros((len(pairs), len(self.subjects)))
        counts = np.ones_like(like)
        asked = _Names([pair.subject for pair in pairs]), _Names([pair.object for pair in pairs])
        for place, (ours, theirs) in enumerate(zip(asked, self._voters, strict=True)):
            like += _SHARE[place] * ours.likeness(theirs, vectors)
            counts *= np.where(ours.same_head(theirs), _SAME_HEAD[place], 1)
            counts *= np.where(ours.plural[:, None] == theirs.plural, 1, _OTHER_NUMBER[place])
        of_a_kind = [
            np.array(
                [one.lower() == other.lower() for one, other in zip(first.names, second.names, strict=True)],
                bool,
            )
            for first, second in (asked, self._voters)
        ]
        counts *= np.where(of_a_kind[0][:, None] == of_a_kind[1], 1, _OTHERWISE_OF_A_KIND)
        weights = counts * np.exp(like / _TEMPERATURE)
        return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))


class _Names:
    """Names in one role, with what voting compares."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.heads = np.array([head(name) for name in names], np.str_)
        self.plural = np.array([is_plural(name) for name in names], bool)

    def likeness(self, others: _Names, vectors: WordVectors) -> NDArray[np.float64]:
        """Cosines, shape [names, others]; 0 where a name is not known."""
        ours, theirs = (vectors(names).astype(np.float64) for names in (self.names, others.names))
        return np.asarray(ours @ theirs.T)

    def same_head(self, others: _Names) -> NDArray[np.bool_]:
        """Shape [names, others]."""
        both = np.unique(np.concatenate([self.heads, others.heads]), return_inverse=True)[1]
        return np.asarray(both[: len(self.heads), None] == both[len(self.heads) :])


def _votes(
    templates: Sequence[str],
    references: Sequence[Sequence[str]],
    likeness: Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The best likeness of each template to a reference of each voter (0-1), shape [voters, templates]."""
    places = {text: place for place, text in enumerate(dict.fromkeys(chain.from_iterable(references)))}
    found = likeness(templates, list(places))
    best = np.zeros((len(references), len(templates)))
    for voter, texts in enumerate(references):
        if texts:
            best[voter] = found[:, [places[text] for text in texts]].max(axis=1)
    return best


def _bytes(votes: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(255 * votes), np.uint8)
