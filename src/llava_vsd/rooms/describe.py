"""Says in words what an annotation says in triples: short sentences (v1) and longer ones (v2), all of them true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from llava_vsd.relations import Relation
from llava_vsd.rooms.phrases import LONG_OBJECT, LONG_PLAIN, LONG_SUBJECT, POSTURES, PREPOSITIONS, SHORT

SHORT_COUNT, LONG_COUNT = 4, 3
"""Sentences of each style; VSD has about four unique short ones a picture."""


@dataclass(frozen=True)
class Noun:
    """A thing as a sentence needs it.

    Attributes:
        name: `table`.
        words: true adjectives.
        number: "one", "many" (shoes) or "mass" (bread).
        posture: key of `POSTURES`.
    """

    name: str
    words: tuple[str, ...] = ()
    number: str = "one"
    posture: str = "rests"

    def phrase(self, adjectives: bool) -> str:
        """`red mug`, `mug`."""
        return " ".join((*self.words, self.name)) if adjectives else self.name

    def some(self, adjectives: bool) -> str:
        """With an indefinite article, or `some`."""
        phrase = self.phrase(adjectives)
        if self.number != "one":
            return f"some {phrase}"
        return f"{'an' if phrase[0].lower() in 'aeiou' else 'a'} {phrase}"

    @property
    def verb(self) -> str:
        """`is` or `are`."""
        return "are" if self.number == "many" else "is"


def posture(size: tuple[float, float, float], roles: str) -> str:
    """How a thing of this size (width, depth, height) holds itself."""
    if "h" in roles or "w" in roles:
        return "hangs"
    if "z" in roles:
        return "sits"
    if "b" in roles:
        return "rolls"
    if size[2] > 0.9 * max(size[:2]):
        return "stands"
    return "lies" if size[2] < 0.3 * max(size[:2]) else "rests"


@dataclass(frozen=True)
class Statement:
    """What is to be said.

    Attributes:
        subject, object: the pair.
        relation: asked for.
        of_subject: relations of the subject to third things; likewise `of_object`.
    """

    subject: Noun
    object: Noun
    relation: Relation
    of_subject: tuple[tuple[Relation, Noun], ...] = ()
    of_object: tuple[tuple[Relation, Noun], ...] = ()


def short_sentences(random: np.random.Generator, said: Statement) -> list[str]:
    """`SHORT_COUNT` different sentences in the style of v1."""
    return _different(random, SHORT_COUNT, lambda: _filled(random, SHORT, said, None))


def long_sentences(random: np.random.Generator, said: Statement) -> list[str]:
    """`LONG_COUNT` different sentences in the style of v2, with a third thing where there is one."""

    def one() -> str:
        choices: list[tuple[tuple[str, ...], tuple[Relation, Noun] | None]] = [(LONG_PLAIN, None)]
        choices += [(LONG_SUBJECT, third) for third in said.of_subject]
        choices += [(LONG_OBJECT, third) for third in said.of_object]
        place = int(random.integers(len(choices))) if random.random() < 0.8 else 0
        return _filled(random, choices[place][0], said, choices[place][1])

    return _different(random, LONG_COUNT, one)


def _different(random: np.random.Generator, count: int, make: Callable[[], str]) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[make()] = None
    return list(found)


def _pick(random: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(random.integers(len(options)))]


def _filled(
    random: np.random.Generator,
    patterns: tuple[str, ...],
    said: Statement,
    third: tuple[Relation, Noun] | None,
) -> str:
    preposition = _pick(random, PREPOSITIONS[said.relation])
    subject, thing = said.subject, said.object
    values: Mapping[str, str] = {
        "s": subject.name,
        "o": thing.name,
        "a s": subject.some(False),
        "a o": thing.some(False),
        "as": subject.phrase(True),
        "ao": thing.phrase(True),
        "a as": subject.some(True),
        "A as": _capital(subject.some(True)),
        "is": subject.verb,
        "iso": thing.verb,
        "v": _pick(random, POSTURES[subject.posture]),
        "p": preposition,
        "P": _capital(preposition),
        "q": _pick(random, PREPOSITIONS[third[0]]) if third else "",
        "at": third[1].phrase(True) if third else "",
    }
    return _pick(random, patterns).format_map(values)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
