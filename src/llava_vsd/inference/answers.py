"""From a model's text to answers: the relation of task 1, the sentence of task 2, the three sentences of task 3.

Pure functions for every engine that generates text. What a text is cleaned of stands in tables, a rule a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from llava_vsd.metrics.relation import stated_relations
from llava_vsd.relations import RELATIONS, Relation, converse, parse_relation
from llava_vsd.schema import SENTENCES, Item, Prediction, RelationAnswer

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)|\A.*?</think>", re.S | re.I)
_MARKS = re.compile(r"\*\*|__|`|^#+ ", re.M)  # Markdown around words
_QUOTES = "\"'“”‘’«»"

_STOCK = re.compile(
    r"\bbased on\b"
    r"|\b(?:depending|focus(?:ing|ed)?|relying|looking) on\b"
    r"|\b(?:shown|seen|depicted|visible|pictured)? ?(?:in|on|within) (?:this|the|your) "
    r"(?:given |provided |attached )?(?:image|picture|photo|photograph|scene|list|question|sentence|blank)\b"
    r"|\bon the (?:left|right)(?:-hand)? side of (?:this|the) (?:image|picture|photo|photograph|scene)\b"
    r"|\bin (?:relation|respect|comparison|terms)\b"
    r"|\bfill(?:ed|s)? in\b",
    re.I,
)
"""Phrases of an answer that hold a relation's word and state none."""

_VERDICT = re.compile(
    r"(?:answer|relation|relationship|preposition|option|choice|position)"
    r"(?: (?:here|that \w+ best))?(?: is|:| would be)+[\s:]*(.+)",
    re.I | re.S,
)
"""What comes before the answer proper: `the answer is:`, `Relation:`."""

_SPOKEN = re.compile(r"[\"“‘«]([^\"”’»\n]{1,30})[\"”’»]|\*\*([^*\n]{1,30})\*\*")
_NAMES = (*RELATIONS, "to the left", "to the right", "left of", "right of", "in front", "beside")
_LABELS = re.compile(r"\b(?:" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\b", re.I)

_LISTED = re.compile(
    r"^\s*(?:(?:[-*•–]|\(?\d{1,2}[.):]|\(?[a-cA-C][.)])\s+|(?:sentence|description|answer)\s*\d\s*[:.)-]\s*)",
    re.I,
)
"""A number, letter or bullet before a sentence."""

_INLINE = re.compile(r"(?:^|(?<=[\s.;!?]))\(?([1-9])[.):]\s+(?=\S)")
_PREAMBLE = re.compile(r"^.{0,200}:$|^(?:sure|certainly|of course|okay)\b[^.!?]{0,40}[.!,]?$", re.I)
_BREAK = re.compile(r"\s*(?:\\n|\r\n?|\n|\s\|\s|</?s>|<br ?/?>)\s*")
_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(]?[^\W_])|\s*;\s+|(?<=[a-z]{3}[.!?])(?=[A-Z])")
_ABBREVIATED = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|no|e\.g|i\.e|approx)\.$", re.I)


def plain(text: str) -> str:
    """The text without what a model thought aloud before it (`<think>...</think>`) and without Markdown's marks."""
    return _MARKS.sub("", _THOUGHT.sub("", text)).strip()


def relation(text: str, subject: str = "", object: str = "") -> Relation | None:
    """The relation that an answer to task 1 names, or None.

    In this order: the text, or its first or last line, is a label or an alias of it; what follows `the answer is`
    is; what stands in quotes or bold type is; the text states just one relation between the two things, where they are
    given; only one label occurs in it, stock phrases such as `based on` aside.

    Args:
        text: the model's.
        subject, object: names of the two things.
    """
    spoken = [one or other for one, other in _SPOKEN.findall(_THOUGHT.sub("", text))]
    text = plain(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    verdicts = [found.group(1).split("\n")[0] for found in _VERDICT.finditer(text)]
    for candidates in (lines[:1], lines[-1:], verdicts[-1:], spoken):
        read = {_label(candidate) for candidate in candidates} - {None}
        if len(read) == 1:
            return read.pop()
    if subject and object and (stated := _stated(text, subject, object)):
        return stated
    for candidate in (*verdicts[-1:], text):
        named = {parse_relation(found) for found in _LABELS.findall(_STOCK.sub(" ", candidate))}
        if len(named) == 1:
            return named.pop()
    return None


def _label(text: str) -> Relation | None:
    text = _LISTED.sub("", text).strip().strip(_QUOTES + " .,:;!()[]{}")
    return parse_relation(text)


def _stated(text: str, subject: str, object: str) -> Relation | None:
    found = {
        one.relation if one.direction == "subject-object" else converse(one.relation)
        for one in stated_relations(text, subject, object)
    }
    return found.pop() if len(found) == 1 else None


def sentence(text: str) -> str:
    """The answer to task 2: the first line that is no preamble, without number and quotes; empty if there is none."""
    return next(iter(_entries(text)), "")


def sentences(text: str) -> list[str]:
    """The three sentences of an answer to task 3, in their order.

    Sentences are told apart by lines (written-out `\\n` too) or by numbers within a line; where that gives fewer than
    three that differ, by full stops and semicolons as well. A preamble (`Here are three descriptions:`), numbers,
    bullets and quotes are dropped. The first three that differ (letters and digits, without case) are taken.

    Where the text has fewer than three that differ, its own repetitions fill up to three, so that one thing said three
    times is judged as such; where it has no three at all, what there is comes back: two, one or none.
    """
    entries = _entries(text)
    if _different(entries) < SENTENCES:
        entries = [
            part for entry in entries for part in _split(entry) if not _PREAMBLE.match(part)
        ] or entries
    seen: set[str] = set()
    first = [not (_key(one) in seen or seen.add(_key(one))) for one in entries]  # type: ignore[func-returns-value]
    places = [place for place, new in enumerate(first) if new][:SENTENCES]
    repeated = [place for place, new in enumerate(first) if not new]
    return [entries[place] for place in sorted([*places, *repeated[: SENTENCES - len(places)]])]


def _entries(text: str) -> list[str]:
    """What stands between line breaks, or numbers within a line, cleaned; preambles are left out where more follows."""
    lines = [part for line in _BREAK.split(plain(text)) for part in _numbered(line)]
    if len(lines) > 1:
        lines = [line for line in lines if not _PREAMBLE.match(line.strip())] or lines
    entries = [_LISTED.sub("", line).strip().strip(_QUOTES).strip() for line in lines]
    return [" ".join(entry.split()) for entry in entries if _worded(entry)]


def _numbered(line: str) -> list[str]:
    """The line cut before its numbers, if these count 1, 2, ...; `2 cats` and `no. 5` do not."""
    found = list(_INLINE.finditer(line))
    if len(found) < 2 or [one.group(1) for one in found] != [str(n) for n in range(1, len(found) + 1)]:
        return [line]
    edges = [0, *(one.start() for one in found), len(line)]
    return [line[start:end] for start, end in pairwise(edges)]


def _split(entry: str) -> list[str]:
    parts: list[str] = []
    for part in _END.split(entry):
        if parts and _ABBREVIATED.search(parts[-1]):
            parts[-1] += f" {part}"
        elif part and _worded(part):
            parts.append(part.strip().strip(_QUOTES).strip())
    return parts


def _different(entries: list[str]) -> int:
    return len({_key(entry) for entry in entries})


def _worded(entry: str) -> bool:
    return any(one.isalpha() for one in entry)


def _key(entry: str) -> str:
    return "".join(one for one in entry.casefold() if one.isalnum())


def prediction(
    item: Item,
    relations: Sequence[RelationAnswer],
    one: str,
    three: str,
    *,
    model: str,
    settings: dict[str, Any],
    raw: Mapping[str, Any] | None = None,
) -> Prediction:
    """What an engine says of an item.

    Args:
        item: what it was asked about.
        relations: the answers of task 1.
        one: the text that answers task 2.
        three: the text that answers task 3.
        model: the engine's name.
        settings: the engine's.
        raw: further texts to keep as they are, beside these two.
    """
    return Prediction(
        id=item.id,
        image=item.image,
        model=model,
        relations=list(relations),
        description=sentence(one),
        descriptions=sentences(three),
        raw={**(raw or {}), "description": one, "descriptions": three},
        settings=settings,
        probe=item.probe,
    )
