"""Does a sentence state a relation between two things, and which way round? What SPICE hardly sees.

A relation is stated where a phrase of the lexicon (`in front of`, `wearing`, `side by side`) stands between
the names of the two things, or after both (`a barn with a cow behind it`), or before both (`behind the car is
a tree`). Which thing comes first decides who is who, so that `a train under power lines` states what `power
lines above a train` states, and `power lines under a train` does not. docs/relation-accuracy.md has the
figures and the known failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from llava_vsd.metrics.relation_lexicon import (
    ARTICLES,
    BACKWARD,
    BARE,
    BODY,
    CLAUSE_ENDS,
    DENIERS,
    EMPTY,
    ENDS,
    FINITE,
    FORWARD,
    HAVE,
    MUTUAL,
    NEGATIONS,
    PRONOUNS,
    RELATIVES,
    VERBS,
    expand,
)
from llava_vsd.metrics.relation_names import Place, places, tokens
from llava_vsd.relations import Relation, converse

Direction = Literal["subject-object", "object-subject"]
_Kind = Literal["forward", "bare", "backward", "mutual"]


class Statement(NamedTuple):
    """What one phrase says: `relation` holds of (subject, object), or of (object, subject)."""

    relation: Relation
    direction: Direction
    phrase: str
    both_named: bool
    """False where one name is nowhere in the sentence and other words stand in its place."""


class Case(NamedTuple):
    """A description with the pair that it should relate and the relation that holds."""

    sentence: str
    subject: str
    object: str
    relation: Relation


class _Cue(NamedTuple):
    start: int
    end: int
    senses: list[tuple[Relation, _Kind]]


def states_relation(
    sentence: str, subject: str, object: str, relation: Relation, *, both_named: bool = False
) -> bool:
    """Whether `sentence` states that `relation` holds of (subject, object), in either order of mention.

    Args:
        both_named: do not accept other words in the place of a name that is nowhere in the sentence.
    """
    opposite = converse(relation)
    return any(
        stated.relation == (relation if stated.direction == "subject-object" else opposite)
        and (stated.both_named or not both_named)
        for stated in stated_relations(sentence, subject, object)
    )


def relation_accuracy(cases: Iterable[tuple[str, str, str, Relation]], *, both_named: bool = False) -> float:
    """The share of descriptions that state their relation, 0 to 100.

    Args:
        cases: sentence, subject, object and relation of each description, such as a `Case`.
        both_named: as in `states_relation`.

    Raises:
        ValueError: there is no case.
    """
    outcomes = [states_relation(*case, both_named=both_named) for case in cases]
    if not outcomes:
        raise ValueError("relation accuracy of no description at all")
    return 100.0 * sum(outcomes) / len(outcomes)


def stated_relations(sentence: str, subject: str, object: str) -> list[Statement]:
    """All that `sentence` states about the two things, in the order of its phrases, to explain a verdict.

    Where both names fit the same two places, as for `man` and `man`, the one mentioned first is the subject.
    Where one name is nowhere in the sentence, in no form that relation_names.py knows, other words may stand
    in its place (`a statue above a city` for a metropolis); such statements say so. What is denied is not
    stated.
    """
    words = tokens(sentence)
    if "left" in words or "right" in words:
        words = tokens(_OWN_SIDE.sub(r"to the \3 of \1\2", " ".join(words)))
    found = places(words, subject, object)
    return list(dict.fromkeys(_Reading(words, found).statements())) if found else []


class _Reading:
    """One sentence with its cues (phrases of the lexicon), its clauses, and the places of the two things.

    A cue relates a figure, usually before it, to a landmark, usually after it.
    """

    def __init__(self, words: list[str], found: list[Place]) -> None:
        self.words = words
        self.missing = next((at for at in (2, 3) if not any(place[at] for place in found)), None)
        self.inside = {at for place in found for at in range(place.start, place.end)}
        self.cues = self._cues()
        self.cue_at = {cue.start: cue for cue in self.cues}
        self.starts = self._clause_starts()
        self.places = [place for place in found if not self._denied(place)]

    def statements(self) -> Iterator[Statement]:
        aside: list[tuple[Relation, str, Place]] = []
        for cue in self.cues:
            clause = max(start for start in self.starts if start <= cue.start)
            if self._negated(clause, cue.start):
                continue
            begin, end = self._landmark(cue)
            left = [place for place in self.places if clause <= place.start and place.end <= cue.start]
            before = left or self._stand_in(clause, cue.start)
            figures = [place for place in before if self._word(place.end) != "'s"]
            landmarks = [place for place in self.places if begin <= place.start < end]
            landmarks = landmarks or self._stand_in(begin, end)
            phrase = " ".join(self.words[cue.start : cue.end])
            for relation, kind in cue.senses:
                if kind == "mutual":
                    pairs = [(first, second) for first in left for second in left]
                elif before and landmarks:
                    pairs = [(figure, landmark) for figure in figures for landmark in landmarks]
                elif landmarks and kind == "forward" and cue.start - clause <= 2:
                    pairs = [(figure, landmark) for figure in self._postponed(end) for landmark in landmarks]
                else:
                    pairs = self._implied(cue, begin, end, left)
                    if kind == "bare" and left:
                        aside.append((relation, phrase, left[-1]))
                if kind == "backward":
                    pairs = [(second, first) for first, second in pairs]
                yield from self._best(relation, phrase, pairs, alone=kind == "mutual")
        for relation, phrase, figure in aside:
            for other, other_phrase, landmark in aside:
                if other == converse(relation) and figure.start < landmark.start:
                    yield from self._best(relation, f"{phrase} ... {other_phrase}", [(figure, landmark)])

    def _best(
        self, relation: Relation, phrase: str, pairs: list[tuple[Place, Place]], *, alone: bool = False
    ) -> Iterator[Statement]:
        """The best fit of (figure, landmark) to the names; of equals the subject first, then the nearest."""
        readings = []
        for figure, landmark in pairs:
            apart = abs(figure.start - landmark.start)
            if figure.subject and landmark.object and (alone or apart):
                subject_first = figure.start <= landmark.start
                readings.append((figure.subject + landmark.object, subject_first, -apart, True))
            if figure.object and landmark.subject and (alone or apart):
                subject_first = landmark.start < figure.start
                readings.append((figure.object + landmark.subject, subject_first, -apart, False))
        if readings:
            direction: Direction = "subject-object" if max(readings)[-1] else "object-subject"
            yield Statement(relation, direction, phrase, self.missing is None)

    def _stand_in(self, begin: int, end: int) -> list[Place]:
        """These words as the place of the missing name, if one is missing and they can be a name."""
        if self.missing is None or EMPTY.issuperset(self.words[begin:end]):
            return []
        return [Place(begin, end, int(self.missing == 2), int(self.missing == 3))]

    def _word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else "."

    def _cues(self) -> list[_Cue]:
        found, at = [], 0
        while at < len(self.words):
            cue = self._longest(at)
            if cue:
                found.append(cue)
            at = cue.end if cue else at + 1
        return found

    def _longest(self, start: int) -> _Cue | None:
        """The longest phrase from here that does not run into a name or into a longer phrase.

        `attached to the left of` is not `attached to`, for `to the left of` goes further.
        """
        node, at = _PHRASES, start
        found: list[_Cue] = []
        while at < len(self.words) and self.words[at] in node.after and at not in self.inside:
            node = node.after[self.words[at]]
            at += 1
            if node.senses and (node.senses[0][1] != "bare" or self._word(at) in _AFTER_BARE):
                found.append(_Cue(start, at, node.senses))
        while found:
            cue = found.pop()
            further = self._longest(cue.end - 1) if cue.end - start > 1 else None
            if not further or further.end <= cue.end:
                return cue
        return None

    def _clause_starts(self) -> list[int]:
        starts, verb, cue = [0], False, False
        for at, word in enumerate(self.words):
            joins = word in ("and", ",") and (verb or cue)
            if word in CLAUSE_ENDS or (joins and self._clause_follows(at + 1, verb, cue)):
                starts.append(at + 1)
                verb = cue = False
            verb = verb or word in FINITE
            cue = cue or at in self.cue_at
        return starts

    def _clause_follows(self, begin: int, verb: bool, cue: bool) -> bool:
        """Whether a second figure comes with a second verb (`and a dog is`) or cue (`and a dog on`)."""
        if self._word(begin) in RELATIVES:
            return False
        for at in range(begin, len(self.words)):
            word = self.words[at]
            if (verb and word in FINITE) or (cue and at in self.cue_at):
                return at > begin
            if word in CLAUSE_ENDS or word in FINITE or word in ("and", ",") or at in self.cue_at:
                return False
        return False

    def _landmark(self, cue: _Cue) -> tuple[int, int]:
        """The tokens that can hold the landmark; `behind and to the left of a car` has one for both cues."""
        begin = cue.end
        while self._word(begin) in ("and", "or") and begin + 1 in self.cue_at:
            begin = self.cue_at[begin + 1].end
        end = begin
        while end < len(self.words) and (end in self.inside or not self._ends_landmark(begin, end)):
            end += 1
        return begin, end

    def _ends_landmark(self, begin: int, at: int) -> bool:
        word = self.words[at]
        participle = (
            word.endswith("ing") and len(word) > 4 and at > begin and self.words[at - 1] not in ARTICLES
        )
        return word in ENDS or at in self.cue_at or at in self.starts or participle

    def _postponed(self, end: int) -> list[Place]:
        """The figure after the verb or comma: `in front of the street stands a tower`."""
        at = end
        while at < len(self.words) and self.words[at] not in _OPENERS:
            at += 1
        while self._word(at) in _OPENERS or self._word(at) in ARTICLES:
            at += 1
        stop = at
        while stop < len(self.words) and stop not in self.cue_at and self.words[stop] not in ENDS:
            stop += 1
        return [place for place in self.places if at <= place.start < stop] or self._stand_in(at, stop)

    def _implied(self, cue: _Cue, begin: int, end: int, left: list[Place]) -> list[tuple[Place, Place]]:
        """Figures with landmarks that stand before them, and after the cue as a pronoun or not at all."""
        said = self.words[begin:end]
        if said and not (said[0] in PRONOUNS and (len(said) == 1 or not BODY.isdisjoint(said[1:]))):
            return []
        pairs = [(figure, owner) for figure in left for owner in self.places if owner.end <= figure.start]
        for place in left:
            pairs += [(figure, place) for figure in self._stand_in(place.end, cue.start)]
            pairs += [(place, owner) for owner in self._stand_in(0, place.start)]
        if said:
            return pairs
        return [] if end in self.cue_at else [pair for pair in pairs if self._owned(*pair)]

    def _owned(self, figure: Place, owner: Place) -> bool:
        between = self.words[owner.end : figure.start]
        return bool(between) and (between[0] in ARTICLES or not _OWNING.isdisjoint(between))

    def _negated(self, clause: int, cue: int) -> bool:
        """Whether `not` stands before the cue, no later verb between; `do not enter` is written on signs."""
        for at in range(cue - 1, clause - 1, -1):
            if self.words[at] in NEGATIONS:
                return self.words[:2] != ["do", "not"]
            if self.words[at] in FINITE:
                return self._word(at - 1) in NEGATIONS
        return False

    def _denied(self, place: Place) -> bool:
        """Whether `no` or `without` stands before the thing; `no parking` is another matter."""
        for at in range(place.start - 1, -1, -1):
            word = self.words[at]
            if word in DENIERS:
                return at + 1 == place.start or not self.words[at + 1].endswith("ing")
            if word in ENDS or at in self.inside or at in self.cue_at:
                return False
        return False


class _Node:
    """The beginning of some phrases: what it means if one ends here, and the words that may follow."""

    def __init__(self) -> None:
        self.senses: list[tuple[Relation, _Kind]] = []
        self.after: dict[str, _Node] = {}


def _phrases() -> _Node:
    root = _Node()
    tables: tuple[tuple[_Kind, dict[Relation, tuple[str, ...]]], ...] = (
        ("forward", FORWARD),
        ("bare", BARE),
        ("backward", BACKWARD),
        ("mutual", MUTUAL),
    )
    for kind, table in tables:
        for relation, patterns in table.items():
            for phrase in {phrase for pattern in patterns for phrase in expand(pattern)}:
                node = root
                for word in phrase:
                    node = node.after.setdefault(word, _Node())
                node.senses.append((relation, kind))
    return root


_PHRASES = _phrases()
_AFTER_BARE = ENDS | ARTICLES | frozenset(_PHRASES.after) | {"and", "or"}
_OPENERS = VERBS | {"there", ","}
_OWNING = HAVE | RELATIVES
_OWN_SIDE = re.compile(
    r"\b(?:to|on|at|by) (?:the |a )?(?:((?:\w+ ){0,2}\w+) 's|(his|her|its|their)) (left|right)(?: side)?"
    r"(?=$| [.,;:!?]| (?:and|with|in|on|is|has|that) )"
)
"""`on the man 's left`, `to his right`: a side, unlike `on his left hand`."""
