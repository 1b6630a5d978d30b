"""The words that the guard knows: chatter of models, ends that dangle, and words that add nothing to a picture."""

from __future__ import annotations

import re

from llava_vsd.metrics.relation_lexicon import ARTICLES, CLAUSE_ENDS, ENDS, OTHERS, PHRASE_WORDS, PRONOUNS, VERBS


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHATTER = _set(
    "i i'm we you your my our me us sure okay here's sentence sentences rewrite rewritten rephrase rephrased original "
    "simpler synonym synonyms meaning user assistant sorry please question answer description describe"
)
"""Words of a model that speaks to its user; allowed where the sentence or the names have them."""

DANGLING = (
    _set("a an the and or but of to from for with at by is are was were be being that which there its his her")
    | _set("next in on into onto front left right")
) - _set("left right")
"""No sentence ends in these. `behind`, `nearby` and the like may end one: `a house with a tree behind`."""

WRONG_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("begins with no word", re.compile(r"^(?![a-z0-9])")),
    ("holds marks that no plain sentence has", re.compile(r"[^\w\s,.'’-]|_")),
    ("is more than one sentence", re.compile(r"[.](?=\s*\w)(?<!\b[a-z][.])|\n")),
    ("says a word twice", re.compile(r"\b(\w+) \1\b")),
    ("has an article without its noun", re.compile(r"\b(?:an?|the) (?:an?|the|of|in|on|at|is|are|and|to|that)\b")),
    ("has an article without its noun", re.compile(r"\b(?:an?|the) ?[,.]")),
    ("has a for an", re.compile(r"\ba (?!one\b|once\b|uni|use|usu|eu|ukulele)(?=[aeiou])")),
    ("has an for a", re.compile(r"\ban (?!hour|honest|heir)(?![aeiou])")),
    ("has is for are", re.compile(r"\bthere(?:'s| is) (?:many|several|two|three|four|few|these|those)\b")),
    ("has are for is", re.compile(r"\bthere are (?:an?|one|another)\b(?! (?:few|lot|couple|number|group|pair)\b)")),
    ("has is for are", re.compile(r"^(?:many|several|two|three|these|those) \w+ is\b")),
    ("has are for is", re.compile(r"^(?:an?|one|another|this|that) \w+ are\b")),
    ("has two verbs", re.compile(r"\b(?:is|are) (?:is|are|has|have|sits|stands|lies|hangs)\b")),
)
"""What is wrong, and how it shows in a sentence in small letters."""

NEUTRAL = (
    (ARTICLES | CLAUSE_ENDS | ENDS | OTHERS | PHRASE_WORDS | PRONOUNS | VERBS)
    | _set("and or not it's there's also just right directly close somewhere something can could may seems be being am")
    | _set("thing things object objects area place spot space kind type piece lot lots group bunch couple pair")
    | _set("sitting seated standing resting rested rests lying laid laying lays set placed put positioned situated")
    | _set("located found seen visible shown appears appear appearing displayed spotted stays stay staying kept keeps")
    | _set("hanging suspended floating hovering flying soaring rising parked stopped waiting mounted attached fixed")
    | _set("fastened secured stationed leaning leant propped stretched spread spreads extending running growing grown")
    | _set("walking riding moving traveling travelling driving sailing stacked piled arranged lined gathered grouped")
    | _set("perched perches perching stands sits lies hangs rides moves leans floats hovers towers stretches runs")
    | _set("occupies occupying surrounded surrounding facing faces face hold held view picture scene image photo")
)
"""Words that a rewrite may bring in: function words, words of place, and verbs that only say that a thing is there."""
