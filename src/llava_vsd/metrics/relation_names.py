"""Where two named things stand in a sentence: by the whole name, its head word, its plural, or a synonym."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from llava_vsd.metrics.relation_lexicon import (
    ARTICLES,
    ENDS,
    IRREGULAR_PLURALS,
    KINDS,
    MODIFIERS,
    NO_COMPOUNDS,
    OTHERS,
    PHRASE_WORDS,
    SYNONYMS,
)

_TOKEN = re.compile(r"'s\b|[^\W_]+|[.,;:!?]")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}")
_LINKS = frozenset(["of", "in", "on", "with", "for", "at", "from", "by"])
_GLUED = ("the", "a", "an", "some")
"""Articles that VSD descriptions often lack the space after: `a lamp above theawning`."""

_PER_WORD, _EXACT, _JOINED, _RELATED, _PART = 4, 2, 3, 2, 1
"""Fit of a place: per word of the name, for the very form of its head, and for what stands in for it."""


class Place(NamedTuple):
    """Tokens `start` to `end` (exclusive) of a sentence, and how well they fit each name; 0 is not at all."""

    start: int
    end: int
    subject: int
    object: int


class _Name(NamedTuple):
    words: tuple[str, ...]
    forms: tuple[frozenset[str], ...]
    head: int
    instead: dict[str, int]
    """Words that stand for the name where its head is absent, with their fit."""


def tokens(sentence: str) -> list[str]:
    """Lower-case words and marks; `'s` and `not` stand alone: `The man's on-ramp isn't.` has 8 tokens."""
    text = _INITIALS.sub(lambda found: found[0].replace(".", ""), sentence.lower().replace("’", "'"))
    if "n't" in text:
        text = text.replace("can't", "can not").replace("n't", " not")
    return _TOKEN.findall(text)


@lru_cache(maxsize=65536)
def number_forms(word: str) -> frozenset[str]:
    """The word with its plural and singular; some forms are no words, which does no harm in matching."""
    found = {word, word + "s", word + "es", *_IRREGULAR.get(word, ())}
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
        if word.endswith("es"):
            found.add(word[:-2])
        if word.endswith("ies"):
            found.add(word[:-3] + "y")
    if word.endswith("y"):
        found.add(word[:-1] + "ies")
    return frozenset(found)


def places(words: list[str], subject: str, object: str) -> list[Place]:
    """All places of the two names in a tokenised sentence, in order; one that fits both carries both fits.

    A name that is there in full is not sought by its head alone, and synonyms or other words of a name are
    tried only where its head is absent. There are no places if a name holds no word at all.
    """
    names = _name(subject), _name(object)
    if not names[0].words or not names[1].words:
        return []
    found = [(start, end, fit, 0) for start, end, fit in _find(words, names[0])]
    found += [(start, end, 0, fit) for start, end, fit in _find(words, names[1])]
    if found and not names[0].forms[names[0].head].isdisjoint(names[1].forms[names[1].head]):
        found += [(at, at + 1, _PART, _PART) for at in range(len(words)) if _is_another(words, at)]
    merged: list[Place] = []
    for start, end, fit_subject, fit_object in sorted(found):
        if merged and start < merged[-1].end:
            last = merged.pop()
            start, end = last.start, max(last.end, end)
            fit_subject, fit_object = max(last.subject, fit_subject), max(last.object, fit_object)
        merged.append(Place(start, end, fit_subject, fit_object))
    return merged


def _is_another(words: list[str], at: int) -> bool:
    """Whether the word is `one` or `others` with no noun after it."""
    return words[at] in OTHERS and (
        at + 1 == len(words) or words[at + 1] in ENDS or words[at + 1] in PHRASE_WORDS
    )


def _find(words: list[str], name: _Name) -> list[tuple[int, int, int]]:
    heads, last = name.forms[name.head], len(name.words) - 1
    found = []
    for at, word in enumerate(words):
        if word in heads:
            start, end, part = at, at + 1, name.head
            while part > 0 and start > 0 and words[start - 1] in name.forms[part - 1]:
                start, part = start - 1, part - 1
            part = name.head
            while part < last and end < len(words) and words[end] in name.forms[part + 1]:
                end, part = end + 1, part + 1
            fit = _PER_WORD * (end - start) + (_EXACT if word == name.words[name.head] else 0)
            found.append((start, end, fit))
    if found:
        longest = max(end - start for start, end, _ in found)
        return [place for place in found if place[1] - place[0] == longest]
    for at, word in enumerate(words):
        if at + 1 < len(words) and word + words[at + 1] in heads:
            found.append((at, at + 2, _JOINED))
        elif word in name.instead:
            found.append((at, at + 1, name.instead[word]))
        elif _alike(word, name.words[name.head]):
            found.append((at, at + 1, _JOINED))
    return found


def _alike(word: str, head: str) -> bool:
    """Whether one is a compound of the other (`handrail`, `rail`) or they differ by one slip of the pen.

    Slips are a letter left out, put in, or exchanged with the next (`bulding`, `widnow`) in words of six
    letters and more; another letter in its place makes too many other words.
    """
    shorter, longer = sorted((word.rstrip("s"), head.rstrip("s")), key=len)
    extra = len(longer) - len(shorter)
    if len(shorter) < 4 or word in PHRASE_WORDS or word in ENDS:
        return False
    if longer.endswith(shorter):
        return extra >= 3 and longer not in NO_COMPOUNDS
    if len(longer) < 6 or extra > 1 or shorter[0] != longer[0]:
        return False
    at = next((at for at in range(len(shorter)) if shorter[at] != longer[at]), len(shorter))
    if extra:
        return shorter[at:] == longer[at + 1 :]
    return shorter[at : at + 2] == longer[at : at + 2][::-1] and shorter[at + 2 :] == longer[at + 2 :]


@lru_cache(maxsize=65536)
def _name(text: str) -> _Name:
    words = tuple(word for word in tokens(text) if word[0].isalnum() or word == "'s")
    if not words:
        return _Name((), (), 0, {})
    head = next((at for at, word in enumerate(words) if at and word in _LINKS), len(words)) - 1
    instead: dict[str, int] = {}
    for at, word in enumerate(words):
        if at != head and len(word) > 2 and word not in MODIFIERS and word not in ARTICLES:
            instead |= dict.fromkeys(number_forms(word), _PART)
    instead |= dict.fromkeys(_RELATED_WORDS.get(words[head], ()), _RELATED)
    instead |= dict.fromkeys(["".join(words), *(article + words[head] for article in _GLUED)], _JOINED)
    return _Name(
        words,
        tuple(number_forms(word) for word in words),
        head,
        {word: fit for word, fit in instead.items() if word not in PHRASE_WORDS},
    )


def _related_words() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    lines = [(line, line) for line in SYNONYMS]
    for kind, members in KINDS.items():
        lines += [(kind, f"{kind} {members}"), (members, kind)]
    for words, others in lines:
        group = frozenset(form for other in others.split() for form in number_forms(other))
        for word in words.split():
            for form in number_forms(word):
                table[form] = table.get(form, frozenset()) | group
    return table


_IRREGULAR = {word: line.split() for line in IRREGULAR_PLURALS for word in line.split()}
_RELATED_WORDS = _related_words()
