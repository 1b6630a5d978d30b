"""The second sentence in parts: a figure, what it does, the phrase of the relation, a landmark."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llava_vsd.inference.baseline.words import head, is_plural
from llava_vsd.metrics.relation import stated_relations
from llava_vsd.metrics.relation_lexicon import ARTICLES, MODIFIERS, OTHERS, listed
from llava_vsd.metrics.relation_names import Place, places, tokens
from llava_vsd.metrics.spice.lemmas import lemma
from llava_vsd.refine.frames import (
    AMOUNTS,
    FINITE,
    NUMBERS,
    ONLY_ONE,
    OWNERS,
    PARTICIPLES,
    QUALITIES,
    SEVERAL,
    SINGLE,
    UNCOUNTED,
    Kind,
)
from llava_vsd.refine.guard import Claim

_BE = frozenset(["is", "are", "was", "were", "'s"])
_VERBLESS = _BE | {"has", "have", "with", "that", "which", "and", ","}
_LONGEST_PHRASE = 5  # words of a figure or landmark, without its determiner


@dataclass(frozen=True)
class Noun:
    """A figure or landmark.

    Attributes:
        words: without determiner, e.g. `yellow ball`.
        determiners: those that it can have, each of which says the same in a description; "" for none.
        plural: whether its verb is in the plural.
    """

    words: str
    determiners: tuple[str, ...]
    plural: bool


@dataclass(frozen=True)
class Reading:
    """A sentence as figure, middle, phrase and landmark, e.g. `a man | is standing | behind | a table`.

    Attributes:
        kind: of the middle, see `frames.Kind`.
        verb: base form where the middle is a verb of doing, else "".
        rest: the middle where it is kept as it is or is a participle, else "".
        phrase: of the relation.
    """

    figure: Noun
    landmark: Noun
    kind: Kind
    phrase: str
    verb: str = ""
    rest: str = ""


def named(claim: Claim, longest: int | None = None) -> Reading:
    """A reading made of the names and the relation alone; of the names the last `longest` words."""
    subject, object = (_last(name.lower().split(), longest) for name in (claim.subject, claim.object))
    return _for_two_of_a_kind(Reading(noun(subject), noun(object), "plain", claim.relation))


def _last(words: list[str], longest: int | None) -> list[str]:
    found = words[-longest:] if longest else words
    while len(found) > 1 and found[0] in ("and", "or", "of", "with"):
        found = found[1:]
    return found


def read(sentence: str, claim: Claim) -> Reading | None:
    """The parts of a sentence that has this plain form and states the claim; what follows the landmark is dropped.

    None where the sentence has another form: other words before the figure, a figure that is a clause, and so on.
    """
    words = tokens(sentence)
    found = places(words, claim.subject, claim.object)
    for stated in stated_relations(sentence, claim.subject, claim.object):
        phrase = stated.phrase.split()
        for at in range(len(words) - len(phrase) + 1):
            if words[at : at + len(phrase)] == phrase and phrase[0] not in _FINITE_PHRASES:
                reading = _parts(words, found, at, at + len(phrase))
                if reading:
                    return _for_two_of_a_kind(reading)
    return None


_FINITE_PHRASES = listed(
    "wears wear wore rides ride ridden covers cover touches borders leans holds hold contains contain surrounds "
    "surround hangs hang together side"
)
"""Phrases that begin so are verbs in themselves, or join two figures; the frames have no place for them."""


def _parts(words: list[str], found: list[Place], start: int, end: int) -> Reading | None:
    """The reading around the phrase from `start` to `end`, if there is one."""
    begin = 2 if words[:1] == ["there"] and words[1:2] and words[1] in _BE else 0
    before = [place for place in found if begin <= place.start and place.end <= start]
    after = [place for place in found if place.start >= end]
    if not before or not after:
        return None
    figure, landmark = words[begin : before[0].end], words[end : after[0].end]
    middle = words[before[0].end : start]
    if len(middle) > 1 and middle[-1].endswith("ly"):  # `shining brightly on`
        start, middle = start - 1, middle[:-1]
    if not (_is_noun_phrase(figure) and _is_noun_phrase(landmark)):
        return None
    kind, verb, rest = _middle(middle)
    if kind == "plain" and rest:  # `the grass is green under`: green grass
        determiner = figure[:1] if figure[0] in ARTICLES else []
        figure, rest = [*determiner, rest, *figure[len(determiner) :]], ""
    known = {"is": False, "are": True}.get(words[1] if begin else middle[0] if middle else "")
    return Reading(noun(figure, plural=known), noun(landmark), kind, " ".join(words[start:end]), verb, rest)


def _is_noun_phrase(words: list[str]) -> bool:
    inner = words[1:] if words and words[0] in ARTICLES else words
    return 0 < len(inner) <= _LONGEST_PHRASE and _VERBLESS.isdisjoint(inner)


def _middle(words: list[str]) -> tuple[Kind, str, str]:
    """What stands between figure and phrase: kind, base form of the verb, words."""
    if words and words[0] in ("that", "which"):
        words = words[1:]
    if words[:2] == ["can", "be"] and len(words) == 3:
        return "done", "", words[2]
    be, said = (words[0], words[1:]) if words and words[0] in _BE else ("", words)
    if not said:
        return "plain", "", ""
    if len(said) == 1:
        word = said[0]
        if word in PARTICIPLES or word.endswith("ed"):
            return "done", "", word
        if word.endswith("ing"):
            return "doing", lemma(word, "VBG"), word
        if word in FINITE and not be:
            return "doing", lemma(word, "VBZ"), participle(lemma(word, "VBZ"))
        if (word in MODIFIERS or word in QUALITIES) and be:
            return "plain", "", word
    return ("said" if be else "noted"), "", " ".join(words)


def noun(words: list[str], *, plural: bool | None = None) -> Noun:
    """The noun phrase with the determiners that it can have.

    Args:
        words: with its determiner, if any.
        plural: whether the verb shows it to be so, if there is one.
    """
    first, rest = (words[0], words[1:]) if words and words[0] in ARTICLES and len(words) > 1 else ("", words)
    text = " ".join(rest).replace(" 's", "'s")
    last = head(text)
    if first in SINGLE:
        plural = False
    elif first in SEVERAL and is_plural(text):
        plural = True
    elif plural is None or last in UNCOUNTED or first in NUMBERS:
        plural = is_plural(text) or first in NUMBERS
    if first in OWNERS:
        return Noun(text, (first,), plural)
    if first in NUMBERS or first in AMOUNTS:
        return Noun(text, (first, f"the {first}"), plural)
    if last in ONLY_ONE:
        return Noun(text, ("the",), plural)
    if plural or (last in UNCOUNTED and first not in ("a", "an")) or first == "some":
        return Noun(text, _turned(first, ("the", "some", "")), plural)
    return Noun(text, _turned(first, ("the", "a")), plural)


def _turned(first: str, able: tuple[str, ...]) -> tuple[str, ...]:
    """The determiners with the one that the sentence has at the end."""
    same = "a" if first == "an" else first
    return tuple(sorted(able, key=lambda one: one == same))


def _for_two_of_a_kind(reading: Reading) -> Reading:
    """Tells two things with one name apart: `one dog`, `another dog`, `the other dog`."""
    figure, landmark = reading.figure, reading.landmark
    bare = " ".join(word for word in landmark.words.split() if word not in OTHERS)
    if figure.words != bare:
        return reading
    firsts = ("some",) if figure.plural else ("one", "a")
    others = ("other", "some other", "the other") if landmark.plural else ("the other", "another")
    return replace(
        reading,
        figure=Noun(figure.words, firsts, figure.plural),
        landmark=Noun(bare, others, landmark.plural),
    )


def participle(base: str) -> str:
    """The -ing form of a verb of `FINITE`.

    >>> [participle(base) for base in ("sit", "ride", "lie", "hang")]
    ['sitting', 'riding', 'lying', 'hanging']
    """
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e"):
        return base[:-1] + "ing"
    return base + (base[-1] if base in ("sit", "run", "swim") else "") + "ing"


def third_person(base: str) -> str:
    """The form after `it`.

    >>> [third_person(base) for base in ("stand", "fly", "play", "watch", "go")]
    ['stands', 'flies', 'plays', 'watches', 'goes']
    """
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")
