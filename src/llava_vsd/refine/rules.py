"""Sentences from the parts of the second one, by tables alone: another form, other words, the other side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import NamedTuple

from llava_vsd.inference.baseline.templates import OBJECT, SUBJECT, fill
from llava_vsd.refine.frames import ALIKE, CONVERSES, FRAMES, SUBSTITUTES
from llava_vsd.refine.guard import SHARED, Claim, fault, measured, shared
from llava_vsd.refine.reading import Noun, Reading, named, read, third_person


class Candidate(NamedTuple):
    """A sentence, and how it was made.

    Attributes:
        rule: `form` (the second sentence in another form), `names` (as from the names alone), `words` (another phrase
            for the relation) or `converse` (told from the other side).
        phrase: of the relation; of the other side, the frame.
    """

    sentence: str
    rule: str
    phrase: str


def by_rules(second: str, others: Sequence[str], claim: Claim) -> tuple[Candidate | None, str]:
    """The best sentence that passes the guard, or None; and why the last one that was tried did not pass.

    Best is the first rule and phrase with one that passes, and of its sentences that which shares fewest sequences of
    three words with the others.

    Args:
        second: the sentence to say in another way.
        others: the sentences, `second` among them, with which four words in a row must not be shared.
        claim: what has to be said.
    """
    reason = "no rule has a sentence"
    theirs = measured(others)
    for _, group in groupby(candidates(second, claim), lambda candidate: candidate[1:]):
        best, least = None, -1
        for candidate in group:
            own = measured([candidate.sentence])[0]
            common = sum(len(shared(own, text, SHARED - 1)) for text in theirs)
            if 0 <= least <= common:
                continue
            problem = fault(candidate.sentence, second, others, claim)
            if problem:
                reason = problem
                continue
            best, least = candidate, common
            if not common:
                break
        if best:
            return best, ""
    return None, reason


def candidates(second: str, claim: Claim) -> Iterator[Candidate]:
    """Sentences that should say the claim, the most faithful first; each once."""
    plain = named(claim)
    reading = read(second, claim)
    readings = [reading, plain] if reading else [plain]
    if max(len(name.split()) for name in (claim.subject, claim.object)) >= SHARED - 1:
        readings.append(named(claim, SHARED - 2))  # a long name would be four words in a row by itself
    rules = [(one, one.phrase, "form" if one is reading else "names") for one in readings]
    rules += [(one, phrase, "words") for one in readings for phrase in SUBSTITUTES.get(one.phrase, ())]
    seen = set()
    for one, phrase, rule in rules:
        for frame in FRAMES[one.kind]:
            for sentence in _filled(frame, one, phrase):
                if sentence not in seen:
                    seen.add(sentence)
                    yield Candidate(sentence, rule, phrase)
    for frame in CONVERSES[claim.relation]:
        for sentence in _filled(frame, plain, ""):
            if sentence not in seen:
                seen.add(sentence)
                yield Candidate(sentence, "converse", frame)


def _filled(frame: str, reading: Reading, phrase: str) -> Iterator[str]:
    """The frame with each choice of determiners; the figure's changes last."""
    figure, landmark = reading.figure, reading.landmark
    words = {
        "R": phrase,
        "is": _agreeing(figure, "is", "are"),
        "are": _agreeing(landmark, "is", "are"),
        "has": _agreeing(landmark, "has", "have"),
        "it": _agreeing(landmark, "it", "them"),
        "verb": _agreeing(figure, third_person(reading.verb), reading.verb) if reading.verb else "",
        "verbing": reading.rest,
        "alike": ALIKE.get(reading.rest, reading.rest),
        "rest": reading.rest,
    }
    firsts = figure.determiners
    if "{A}" in frame:
        firsts = tuple(one for one in firsts if not one.startswith("the")) or firsts
    for first, other in product(firsts, landmark.determiners):
        named = f"{first} {SUBJECT}"
        text = frame.format(F=named, A=named, L=f"{other} {OBJECT}", **words)
        yield fill(" ".join(text.split()), figure.words, landmark.words) + "."


def _agreeing(noun: Noun, one: str, several: str) -> str:
    return several if noun.plural else one
