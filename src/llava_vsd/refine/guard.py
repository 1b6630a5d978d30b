"""Whether a rewritten sentence may stand as the third: same things, same relation, other words, one plain sentence.

The paper has no guard: whatever the text model says replaces the third sentence. What small models say is often not
about the picture at all, and what large ones say can turn left into right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from llava_vsd.metrics.bleu import ngrams
from llava_vsd.metrics.ptb import tokenize
from llava_vsd.metrics.relation import stated_relations, states_relation
from llava_vsd.metrics.relation_lexicon import ARTICLES
from llava_vsd.metrics.relation_names import number_forms, places, tokens
from llava_vsd.metrics.spice.lemmas import lemma
from llava_vsd.metrics.spice.synonyms import wordnet
from llava_vsd.refine.guard_words import CHATTER, DANGLING, NEUTRAL, WRONG_FORMS
from llava_vsd.relations import Relation, converse
from llava_vsd.schema import RelationAnswer

SHARED = 4
"""Words in a row that two sentences of an answer must not share: the order of mBLEU-4."""

LENGTHS = 3, 24
"""Fewest and most words of a sane sentence; 99.9 % of the VSD v1 descriptions lie between."""

_MARKS = ".,;:!?"


class Claim(NamedTuple):
    """What the third sentence has to say: `relation` holds of (subject, object)."""

    subject: str
    object: str
    relation: Relation


def claim(second: str, answer: RelationAnswer) -> Claim | None:
    """What the second sentence says of the asked pair.

    Its relation is task 1's answer if the sentence states that among others, or states none that is known; else the
    first that it states. None where neither gives one.
    """
    said = [
        relation
        for stated in stated_relations(second, answer.subject, answer.object)
        if (
            relation := stated.relation if stated.direction == "subject-object" else converse(stated.relation)
        )
    ]
    relation = answer.relation if answer.relation in said or not said else said[0]
    return Claim(answer.subject, answer.object, relation) if relation else None


def fault(sentence: str, second: str, others: Sequence[str], claim: Claim) -> str:
    """Why `sentence` may not stand as the third, as `kind: detail`; empty if it may.

    Kinds: `length`, `form`, `adds` (a thing or quality that the second sentence does not have), `names`, `relation`,
    `repeats`.

    Args:
        sentence: the rewrite.
        second: what it was rewritten from.
        others: the sentences with which it must not share `SHARED` words in a row.
        claim: what it has to say.
    """
    said = tokens(sentence)
    return (
        _wrong_length(said)
        or _wrong_form(sentence, said, {*tokens(second), *tokens(claim.subject), *tokens(claim.object)})
        or _added(said, second, claim)
        or _unsaid(said, claim)
        or _repeated(sentence, others)
    )


def _wrong_length(said: Sequence[str]) -> str:
    count = sum(word not in _MARKS for word in said)
    least, most = LENGTHS
    return "" if least <= count <= most else f"length: {count} words, expected {least} to {most}"


def _wrong_form(sentence: str, said: Sequence[str], known: set[str]) -> str:
    text = sentence.strip().lower()
    for problem, pattern in WRONG_FORMS:
        if pattern.search(text):
            return f"form: {problem}"
    chatter = sorted({*text.replace(",", "").rstrip(".").split()} & CHATTER - known)
    if chatter:
        return f"form: speaks to the user ({chatter[0]})"
    last = next((word for word in reversed(said) if word not in _MARKS), "")
    return f"form: ends in {last!r}" if last in DANGLING else ""


def _added(said: Sequence[str], second: str, claim: Claim) -> str:
    """A word for a thing or quality that is neither in the second sentence or the names, nor a synonym of one there."""
    source = [*tokens(second), *tokens(claim.subject), *tokens(claim.object)]
    known = {base for word in source for base in _bases(word)}
    for word in said:
        if word in NEUTRAL or not word[0].isalpha():
            continue
        fresh = known.isdisjoint(_bases(word)) and not any(_synonyms(word, other) for other in source)
        if fresh and not places([word], claim.subject, claim.object):  # `sofa` may stand for a couch
            return f"adds: {word!r}"
    return ""


@lru_cache(maxsize=1 << 15)
def _bases(word: str) -> frozenset[str]:
    """The word's forms by number and as a verb."""
    verbs = {lemma(word, tag) for tag in ("VBG", "VBD", "VBZ")}
    return number_forms(word) | verbs


@lru_cache(maxsize=1 << 16)
def _synonyms(word: str, other: str) -> bool:
    return not wordnet().concept(word).isdisjoint(wordnet().concept(other))


def _unsaid(said: list[str], claim: Claim) -> str:
    """Whether a name or the relation is missing, or the relation is turned round."""
    for name in (claim.subject, claim.object):
        said = _with_name(said, name)
        if not said:
            return f"names: no word for {name!r}"
    text = " ".join(said)
    if not states_relation(text, *claim, both_named=True):
        return f"relation: {claim.relation!r} is not stated"
    turned = converse(claim.relation)
    alike = claim.subject.lower() == claim.object.lower()
    if turned in (None, claim.relation) or alike:
        return ""
    if states_relation(text, claim.subject, claim.object, turned, both_named=True):
        return f"relation: {turned!r} is stated too"
    return ""


def _with_name(said: list[str], name: str) -> list[str]:
    """The sentence with the name in it: as it is, or in the place of its first synonym by WordNet; else empty.

    A synonym stands after an article, with one word between at most, lest a verb be taken for a noun.
    """
    if places(said, name, name):
        return said
    heads = tokens(name)
    for at in range(1, len(said)):
        if said[at] in NEUTRAL or ARTICLES.isdisjoint(said[max(0, at - 2) : at]):
            continue
        if heads and _synonyms(said[at], heads[-1]):
            return [*said[:at], *heads, *said[at + 1 :]]
    return []


def _repeated(sentence: str, others: Sequence[str]) -> str:
    own, *theirs = measured([sentence, *others])
    for text in theirs:
        if own == text:
            return "repeats: a whole sentence"
        common = shared(own, text, SHARED)
        if common:
            return f"repeats: {common[0]!r}"
    return ""


def measured(sentences: Sequence[str]) -> list[str]:
    """The sentences as mBLEU sees them: tokenized, each judged as if a caption with `The` came next."""
    return tokenize([line for sentence in sentences for line in (sentence, "The")])[::2]


def shared(own: str, other: str, order: int) -> list[str]:
    """The word sequences of this length that two tokenized sentences have in common."""
    ours, theirs = (ngrams(text, order)[1][order - 1] for text in (own, other))
    return [" ".join(gram) for gram in ours if gram in theirs]
