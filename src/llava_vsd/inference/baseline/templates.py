"""Sentences with two gaps: mined from training descriptions, filled with names, compared by what they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llava_vsd.inference.baseline.statements import NAME_ENDS, PHRASES
from llava_vsd.metrics.bleu import SMALL, TINY
from llava_vsd.metrics.ptb import tokenize
from llava_vsd.metrics.relation import states_relation
from llava_vsd.metrics.relation_lexicon import ARTICLES
from llava_vsd.relations import Relation, converse

SUBJECT, OBJECT = "{S}", "{O}"
"""The gaps; a template is lower-case words and both of them, joined by blanks, without a full stop."""

_ALSO_CALLED: dict[Relation, tuple[str, ...]] = {
    "to the left of": ("on the left of", "on the left side of"),
    "to the right of": ("on the right of", "on the right side of"),
    "next to": ("beside",),
}
_PLAIN = (
    *("there is a {S} %s the {O}", "the {S} is %s the {O}", "a {S} is %s a {O}"),
    *("there are {S} %s the {O}", "the {S} are %s the {O}", "some {S} are %s the {O}"),
    *("%s the {O} is a {S}", "%s a {O} is the {S}", "%s a {O} is a {S}"),
    *("%s the {O} are some {S}", "%s some {O} are the {S}"),
    *("a {S} is %s another {O}", "there is a {S} %s another {O}", "one {S} is %s the other {O}"),
    *("some {S} are %s some other {O}", "there are {S} %s other {O}", "a {S} can be seen %s another {O}"),
)
_OTHER_SIDE = ("the {O} is %s the {S}", "a {O} is %s a {S}", "the {O} are %s the {S}")

_COUNTED = {"a", "an", "another", "one", "each", "every"}
_MANY = {"many", "several", "two", "three", "four", "these", "those", "few", "both"}
_SECOND = {"another", "other", "others"}
_SINGULAR_VERBS = {"is", "was", "has", "sits", "stands", "lies", "hangs"}
_PLURAL_VERBS = {"are", "were", "have", "sit", "stand", "lie", "hang"}
_BEFORE_GAPS = (
    ARTICLES | _SECOND | {"is", "are"} | {said.split()[-1] for each in PHRASES.values() for said in each}
)
_FRONTED = {said.split()[0] for each in PHRASES.values() for said in each}
_SAYS_LITTLE = {"a", "an", "the", "some", "is", "are", "there", "be", "this", "that"}

_VOWEL_SOUND = re.compile(r"(?!uni|use|usu|eu|one|ukulele)[aeiou]|hour|honest|heir")
_ARTICLE = re.compile(r"\ban? (?=(\S+))")
_GAP = re.compile(f"{re.escape(SUBJECT)}|{re.escape(OBJECT)}")
_APART = re.compile(r" (?='(?:s|re|ve|ll|d|m)\b|n't\b|'$)")  # where the Penn Treebank splits words
_READABLE = re.compile(r"[a-z'-]+")


def plain(relation: Relation) -> list[str]:
    """Templates that any English speaker would give, for want of descriptions or of variety."""
    names = (relation, *_ALSO_CALLED.get(relation, ()))
    found = [form % name for form in _PLAIN for name in names]
    other = converse(relation)
    if other:
        names = (other, *_ALSO_CALLED.get(other, ()))
        found += [form % name for form in _OTHER_SIDE for name in names]
    return found


def with_gaps(tokenized: str, subject: str, object: str) -> str:
    """The description with gaps where both names stand as they are, or unchanged where one does not."""
    said, first, second = tokenized.split(), _tokens(subject), _tokens(object)
    found = [
        (start_s > start_o, abs(start_s - start_o), start_s, start_o)
        for start_s in _starts(said, first)
        for start_o in _starts(said, second)
        if start_s + len(first) <= start_o or start_o + len(second) <= start_s
    ]
    if not found:
        return tokenized
    *_, start_s, start_o = min(found)
    gaps = sorted([(start_s, len(first), SUBJECT), (start_o, len(second), OBJECT)], reverse=True)
    for start, length, gap in gaps:
        said[start : start + length] = [gap]
        if start and said[start - 1] == "an":
            said[start - 1] = "a"  # `fill` makes it what the name wants
    return " ".join(said)


def _starts(said: list[str], name: tuple[str, ...]) -> list[int]:
    return [
        at for at in range(len(said) - len(name) + 1) if name and tuple(said[at : at + len(name)]) == name
    ]


@lru_cache(maxsize=65536)
def _tokens(name: str) -> tuple[str, ...]:
    return tuple(tokenize([name])[0].split())


def says(template: str, relation: Relation) -> bool:
    """Whether it has both gaps, states the relation, and nothing of colours, sizes or sides."""
    words = template.split()
    if words.count(SUBJECT) != 1 or words.count(OBJECT) != 1:
        return False
    if not all(word in (SUBJECT, OBJECT) or _READABLE.fullmatch(word) for word in words):
        return False
    if any(words[words.index(gap) - 1] not in _BEFORE_GAPS for gap in (SUBJECT, OBJECT) if words[0] != gap):
        return False  # an adjective, which is not known to hold
    if not relation.endswith(("left of", "right of")) and not {"left", "right"}.isdisjoint(words):
        return False  # as little
    return states_relation(fill(template, "cup", "dog"), "cup", "dog", relation, both_named=True)


def fill(template: str, subject: str, object: str) -> str:
    """The sentence about these two, `a` and `an` as the next word wants it, without a full stop."""
    names = {SUBJECT: subject.lower(), OBJECT: object.lower()}
    text = _GAP.sub(lambda gap: names[gap[0]], _APART.sub("", template))
    return _ARTICLE.sub(lambda found: "an " if _VOWEL_SOUND.match(found[1]) else "a ", text)


COUNTED, UNCOUNTED, PLURAL = 1, 2, 4
ANY = COUNTED | UNCOUNTED | PLURAL
"""Kinds of names, as bits: a dog, some grass, dogs."""


def numbers(template: str) -> tuple[int, int]:
    """Which kinds of names the words around the gaps of subject and object allow."""
    words = ["", *template.split(), ""]
    subject, object = (_number(words, words.index(gap)) for gap in (SUBJECT, OBJECT))
    return subject, object


def _number(words: list[str], at: int) -> int:
    before, after = words[at - 1], words[at + 1]
    allowed = ANY
    if before in _COUNTED:
        allowed &= COUNTED
    if before in _MANY:
        allowed &= PLURAL
    if before == "some" or before in _SINGULAR_VERBS | _PLURAL_VERBS:
        allowed &= UNCOUNTED | PLURAL
    verbs = {before, words[at - 2]} if at > 1 else set()  # `there is a {S}`, `behind the {O} is the {S}`
    if words[1] not in _FRONTED:
        verbs.add(after)
    if not verbs.isdisjoint(_SINGULAR_VERBS):
        allowed &= COUNTED | UNCOUNTED
    if not verbs.isdisjoint(_PLURAL_VERBS):
        allowed &= PLURAL
    return allowed


def is_for_two_of_a_kind(template: str) -> bool:
    """Whether it is for pairs like (dog, dog) only."""
    return not _SECOND.isdisjoint(template.split())


def uncounted(descriptions: Iterable[str]) -> set[str]:
    """Words that descriptions measure by `some` and hardly ever count by `a`: `grass`, `sand`, `clothing`."""
    counted: Counter[str] = Counter()
    measured: Counter[str] = Counter()
    for text in descriptions:
        said = text.split()
        for before, word, after in zip(["", *said], said, [*said[1:], "."], strict=False):
            if after in NAME_ENDS:  # `a water bottle` does not count water
                counted[word] += before in _COUNTED
                measured[word] += before == "some"
    return {word for word, count in measured.items() if count >= 2 and count > 3 * counted[word]}


def bleu4(candidates: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """Sentence BLEU-4 (0-1) of each candidate against each reference alone, shape [candidates, references].

    Equal to metrics/bleu.py, but for all pairs at once.
    """
    lengths, others = (np.array([len(text.split()) for text in texts]) for texts in (candidates, references))
    product = np.ones((len(candidates), len(references)))
    for order in range(1, 5):
        ours, theirs = ([_grams(text, order) for text in texts] for texts in (candidates, references))
        guesses = np.maximum(lengths - order + 1, 0)[:, None]
        product *= (_common(ours, theirs) + TINY) / (guesses + SMALL)
    ratio = (lengths[:, None] + TINY) / (others + SMALL)
    return np.asarray(product**0.25 * np.exp(np.minimum(0, 1 - 1 / ratio)))


def content_f1(candidates: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """F1 of the words that say something, shape [candidates, references]."""
    ours, theirs = (
        [[word for word in text.split() if word not in _SAYS_LITTLE] for text in texts]
        for texts in (candidates, references)
    )
    total = np.add.outer([len(words) for words in ours], [len(words) for words in theirs])
    return np.asarray(2 * _common(ours, theirs) / np.maximum(total, 1))


def _grams(text: str, order: int) -> list[str]:
    words = text.split()
    return [" ".join(words[at : at + order]) for at in range(len(words) - order + 1)]


def _common(ours: Sequence[list[str]], theirs: Sequence[list[str]]) -> NDArray[np.float64]:
    """How many things each of our lists has in common with each of theirs, repetitions counted."""
    columns: dict[tuple[str, int], int] = {}

    def table(lists: Sequence[list[str]]) -> Iterable[list[int]]:
        for things in lists:
            seen: Counter[str] = Counter()
            row = []
            for thing in things:
                row.append(columns.setdefault((thing, seen[thing]), len(columns)))
                seen[thing] += 1
            yield row

    rows = [list(table(lists)) for lists in (ours, theirs)]
    first, second = (
        sparse.csr_matrix(
            (np.ones(sum(map(len, part))), [one for row in part for one in row],
             np.cumsum([0, *map(len, part)])), shape=(len(part), len(columns))
        )
        for part in rows
    )  # fmt: skip
    return np.asarray((first @ second.T).todense(), np.float64)
