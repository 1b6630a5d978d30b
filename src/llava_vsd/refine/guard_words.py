"""The words that the guard knows: chatter of models, ends that dangle, and words that add nothing to a picture."""

from __future__ import annotations

import re

from llava_vsd.metrics.relation_lexicon import (
    ARTICLES,
    CLAUSE_ENDS,
    ENDS,
    MODIFIERS,
    OTHERS,
    PHRASE_WORDS,
    PRONOUNS,
    VERBS,
    listed,
)

CHATTER = listed(
    "i i'm we you your my our me us sure okay here's sentence sentences rewrite rewritten rephrase rephrased original "
    "simpler synonym synonyms meaning user assistant sorry please question answer description describe"
)
"""Words of a model that speaks to its user; allowed where the sentence or the names have them."""

DANGLING = listed(
    "a an the and or but of to from for with at by is are was were be being that which there its his her next in on "
    "into onto"
)
"""No sentence ends in these. `behind`, `nearby` and the like may end one: `a house with a tree behind`."""

_WRONG_FORMS = (
    ("begins with no word", r"^(?![a-z0-9])"),
    ("holds marks that no plain sentence has", r"[^\w\s,.'’-]|_"),
    ("is more than one sentence", r"[.](?=\s*\w)(?<!\b[a-z][.])|\n"),
    ("says a word twice", r"\b(\w+) \1\b"),
    (
        "has an article without its noun",
        r"\b(?:an?|the|some) (?:an?|the|of|in|on|at|is|are|and|or|with|to|that)\b",
    ),
    ("has an article without its noun", r"\b(?:an?|the) ?[,.]"),
    ("has a for an", r"\ba (?!one\b|once\b|uni|use|usu|eu|ukulele)(?=[aeiou])"),
    ("has an for a", r"\ban (?!hour|honest|heir)(?![aeiou])"),
    ("has is for are", r"\bthere(?:'s| is) (?:many|several|two|three|four|few|these|those)\b"),
    ("has are for is", r"\bthere are (?:an?|one|another)\b(?! (?:few|lot|couple|number|group|pair)\b)"),
    ("has is for are", r"^(?:many|several|two|three|these|those) \w+ is\b"),
    ("has are for is", r"^(?:an?|one|another|this|that) \w+ are\b"),
    ("has two verbs", r"\b(?:is|are) \w+ (?:is|are)\b"),
    ("has two verbs", r"\b(?:is|are) (?:is|are|has|have|sits|stands|lies|hangs)\b"),
)
WRONG_FORMS = tuple((problem, re.compile(pattern)) for problem, pattern in _WRONG_FORMS)
"""What is wrong, and how it shows in a sentence in small letters."""

NEUTRAL = (
    (ARTICLES | CLAUSE_ENDS | ENDS | OTHERS | PHRASE_WORDS | PRONOUNS | VERBS)
    | listed(
        "and or not it's there's also just right directly close somewhere something can could may seems be being am"
    )
    | listed(
        "thing things object objects area place spot space kind type piece lot lots group bunch couple pair"
    )
    | listed(
        "sitting seated standing resting rested rests lying laid laying lays set placed put positioned situated"
    )
    | listed(
        "located found seen visible shown appears appear appearing displayed spotted stays stay staying kept keeps"
    )
    | listed(
        "hanging suspended floating hovering flying soaring rising parked stopped waiting mounted attached fixed"
    )
    | listed(
        "fastened secured stationed leaning leant propped stretched spread spreads extending running growing grown"
    )
    | listed(
        "walking riding moving traveling travelling driving sailing stacked piled arranged lined gathered grouped"
    )
    | listed(
        "perched perches perching stands sits lies hangs rides moves leans floats hovers towers stretches runs"
    )
    | listed(
        "occupies occupying surrounded surrounding facing faces face hold held view picture scene image photo"
    )
) - (MODIFIERS - OTHERS)
"""Words that a rewrite may bring in: function words, words of place, and verbs that only say that a thing is there.

No colours, sizes and numbers are among them.
"""
